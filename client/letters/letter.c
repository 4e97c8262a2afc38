/* Each header by its name; of several the last counts. */
#include "client/letters/letter.h"

#include <string.h>

#include "client/records/record_json.h"

enum { DIGITS_MOST = 18 };

static bool is(struct view_bytes name, const char *text) {
    return name.len == strlen(text) && memcmp(name.data, text, name.len) == 0;
}

static bool begins(struct view_bytes name, const char *text) {
    return name.len >= strlen(text) && memcmp(name.data, text, strlen(text)) == 0;
}

static int64_t number_of(struct view_bytes value) {
    int64_t number = 0;
    const char *digits = value.data;
    if (!digits || value.len == 0 || value.len > DIGITS_MOST) {
        return -1;
    }
    for (size_t i = 0; i < value.len; i++) {
        if (digits[i] < '0' || digits[i] > '9') {
            return -1;
        }
        number = number * 10 + (digits[i] - '0');
    }
    return number;
}

/* As Spring writes numbers: the highest byte first. */
static int64_t binary_of(struct view_bytes value) {
    const uint8_t *bytes = value.data;
    uint64_t number = 0;
    if (!bytes || (value.len != 4 && value.len != 8) || bytes[0] > INT8_MAX) {
        return -1;
    }
    for (size_t i = 0; i < value.len; i++) {
        number = number << 8 | bytes[i];
    }
    return (int64_t)number;
}

static int32_t partition_of(int64_t number) {
    return number > INT32_MAX ? -1 : (int32_t)number;
}

static void take_ours(struct letter_facts *facts, struct view_bytes name, struct view_bytes value) {
    if (is(name, "__dlq.errors.topic")) {
        facts->topic = value;
    } else if (is(name, "__dlq.errors.group")) {
        facts->group = value;
    } else if (is(name, "__dlq.errors.message")) {
        facts->message = value;
    } else if (is(name, "__dlq.errors.partition")) {
        facts->partition = partition_of(number_of(value));
    } else if (is(name, "__dlq.errors.offset")) {
        facts->offset = number_of(value);
    } else if (is(name, "__dlq.errors.timestamp")) {
        facts->timestamp_ms = number_of(value);
    } else if (is(name, "__dlq.errors.delivery.count")) {
        facts->deliveries = number_of(value);
    } else if (is(name, LETTER_REDRIVEN)) {
        facts->redriven = number_of(value) > 0 ? number_of(value) : 0;
    }
}

static void take_springs(struct letter_facts *facts, struct view_bytes name,
                         struct view_bytes value) {
    if (is(name, "kafka_dlt-original-topic")) {
        facts->topic = value;
    } else if (is(name, "kafka_dlt-original-consumer-group")) {
        facts->group = value;
    } else if (is(name, "kafka_dlt-exception-message")) {
        facts->message = value;
    } else if (is(name, "kafka_dlt-original-partition")) {
        facts->partition = partition_of(binary_of(value));
    } else if (is(name, "kafka_dlt-original-offset")) {
        facts->offset = binary_of(value);
    } else if (is(name, "kafka_dlt-original-timestamp")) {
        facts->timestamp_ms = binary_of(value);
    }
}

struct letter_facts letter_read(const struct record_view *record) {
    struct letter_facts facts = {
        .partition = -1, .offset = -1, .timestamp_ms = -1, .deliveries = -1};
    struct view_bytes name, value;
    bool others = false, truncated = false;
    for (size_t i = 0; record_view_header(record, i, &name, &value); i++) {
        truncated = truncated || is(name, "__dlq.errors.truncated");
        others = others || !begins(name, LETTER_OWN);
        if (begins(name, "kafka_dlt-")) {
            take_springs(&facts, name, value);
        } else {
            take_ours(&facts, name, value);
        }
    }
    bool empty = !record->key.data && !record->value.data && !others;
    facts.bare = truncated || (empty && facts.topic.data);
    return facts;
}

bool letter_is_one(const struct letter_facts *facts) {
    return facts->topic.data && facts->topic.len > 0 && facts->partition >= 0;
}

static json_t *number_json(int64_t number) {
    return number < 0 ? json_null() : json_integer(number);
}

json_t *letter_json(const struct letter_facts *facts) {
    return json_pack(
        "{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:I,s:b}", "topic", record_bytes_json(facts->topic),
        "partition", number_json(facts->partition), "offset", number_json(facts->offset),
        "timestamp", number_json(facts->timestamp_ms), "group", record_bytes_json(facts->group),
        "deliveries", number_json(facts->deliveries), "message", record_bytes_json(facts->message),
        "redriven", (json_int_t)facts->redriven, "bare", (int)facts->bare);
}
