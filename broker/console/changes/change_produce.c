/*
 * POST /api/change/produce: `topic`, `partition`, `key` or `key_base64` or neither (null), the same
 * of `value` (null is a tombstone), `headers`: lines NAME=VALUE, or NAME alone (null).
 *
 * Happy path: one record as a batch of its own, acknowledged by a majority. Failures: a topic or a
 * partition that is not there, bytes that are no base64, what the leader refuses. Invariant: a
 * record is sent once: what is not answered is not tried again.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/secure/base64.h"
#include "broker/console/changes/change_answer.h"
#include "broker/console/changes/changes.h"
#include "protocol/messages/produce.h"
#include "protocol/record/record_batch_builder.h"

enum {
    BAD_REQUEST = 400,
    NOT_FOUND = 404,
    ANSWER_MS = 3500,
    VERSION_MAX = 12, /* the last with names of topics */
    HEADERS_MAX = 100,
    COMMAND_MAX = 4096, /* of a record that is shown in the command */
};

struct bytes {
    const uint8_t *data; /* NULL: null */
    size_t len;
};

struct producing {
    const char *topic;
    int32_t partition, leader;
    struct bytes key, value;
    struct record_header headers[HEADERS_MAX];
    int32_t header_count;
};

/* ---- What is to be sent ---- */

/* In place; as people paste it, with or without padding, of either alphabet. SIZE_MAX: it is none.
 */
static size_t decode_base64(char *text) {
    size_t len = strlen(text), got;
    while (len > 0 && text[len - 1] == '=')
        len--;
    for (size_t i = 0; i < len; i++)
        text[i] = text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i];
    return base64_decode(BASE64_BARE, text, len, text, len, &got) ? got : SIZE_MAX;
}

/* False: refused. */
static bool take_bytes(struct inquiry *inquiry, const char *name, const char *as_base64,
                       struct bytes *into) {
    const char *text = inquiry_long_value(inquiry, name);
    char *base64 = text == NULL ? change_lines(inquiry, as_base64) : NULL;
    *into = (struct bytes){(const uint8_t *)text, text == NULL ? 0 : strlen(text)};
    if (base64 == NULL) return true;
    size_t len = decode_base64(base64);
    *into = (struct bytes){(const uint8_t *)base64, len};
    if (len != SIZE_MAX) return true;
    inquiry_refuse(inquiry, BAD_REQUEST, as_base64, "%s is not base64.", as_base64);
    return false;
}

static bool take_headers(struct inquiry *inquiry, struct producing *producing) {
    char *rest = change_lines(inquiry, "headers"), *line;
    while ((line = change_line(&rest)) != NULL) {
        if (producing->header_count == HEADERS_MAX) {
            inquiry_refuse(inquiry, BAD_REQUEST, "headers", "A record has %d headers at most here.",
                           HEADERS_MAX);
            return false;
        }
        size_t name = strcspn(line, "=");
        const char *value = line[name] == '=' ? line + name + 1 : NULL;
        producing->headers[producing->header_count++] = (struct record_header){
            .key = line,
            .key_len = (int32_t)name,
            .value = (const uint8_t *)value,
            .value_len = value == NULL ? -1 : (int32_t)strlen(value)};
    }
    return true;
}

/* ---- The answer ---- */

/* As `drave produce --json` reads it. NULL: too little memory. */
static char *record_line(struct inquiry *inquiry, const struct producing *producing) {
    struct json json = {0};
    json_object(&json, NULL);
    json_int(&json, "partition", producing->partition);
    json_exact(&json, "key", producing->key.data, producing->key.len);
    json_exact(&json, "value", producing->value.data, producing->value.len);
    json_array(&json, "headers");
    for (int32_t i = 0; i < producing->header_count; i++) {
        const struct record_header *header = &producing->headers[i];
        json_object(&json, NULL);
        json_text(&json, "key", header->key, (size_t)header->key_len);
        json_exact(&json, "value", header->value,
                   header->value == NULL ? 0 : (size_t)header->value_len);
        json_end(&json);
    }
    json_end(&json);
    json_end(&json);
    struct slice text = json_take(&json);
    char *line = inquiry_alloc(inquiry, text.len); /* without the end of the line */
    if (line != NULL) memcpy(line, text.data, text.len - 1);
    slice_unref(&text);
    return line;
}

static void show_command(struct inquiry *inquiry, const struct producing *producing) {
    struct change_command command;
    size_t len = producing->key.len + producing->value.len;
    for (int32_t i = 0; i < producing->header_count; i++)
        len += (size_t)producing->headers[i].key_len +
               (producing->headers[i].value == NULL ? 0 : (size_t)producing->headers[i].value_len);
    if (len > COMMAND_MAX) {
        command = change_command(inquiry, "drave produce");
        change_name(&command, producing->topic);
        change_plain(&command, "--json < record.json");
    } else {
        const char *line = record_line(inquiry, producing);
        if (line == NULL) return;
        command = change_command(inquiry, "printf '%s\\n'");
        change_word(&command, line);
        change_plain(&command, "| drave produce");
        change_name(&command, producing->topic);
        change_plain(&command, "--json");
    }
    change_end(&command);
}

static void say_bytes(struct inquiry *inquiry, const char *what, const struct bytes *bytes,
                      const char *null) {
    if (bytes->data == NULL)
        change_says(inquiry, "%s: %s.", what, null);
    else
        change_says(inquiry, "%s: %zu byte%s.", what, bytes->len, bytes->len == 1 ? "" : "s");
}

/* `offset` -1: it is dry. */
static void show(struct inquiry *inquiry, const struct producing *producing, int64_t offset) {
    change_begin(inquiry);
    if (offset >= 0) json_long(&inquiry->json, "offset", offset);
    json_array(&inquiry->json, "plan");
    if (offset < 0)
        change_says(inquiry, "One record will be appended to partition %d of %s.",
                    (int)producing->partition, producing->topic);
    else
        change_says(inquiry, "The record is in partition %d of %s, at offset %" PRId64 ".",
                    (int)producing->partition, producing->topic, offset);
    say_bytes(inquiry, "Key", &producing->key, "null");
    say_bytes(inquiry, "Value", &producing->value,
              "null, which deletes its key where the topic is compacted");
    if (producing->header_count > 0)
        change_says(inquiry, "Headers: %d.", (int)producing->header_count);
    json_end(&inquiry->json);
    show_command(inquiry, producing);
}

static void produced(struct inquiry *inquiry) {
    const struct producing *producing = inquiry->state;
    const struct kp_produce_response *response = change_answered(inquiry, KP_PRODUCE);
    if (response == NULL) return;
    if (response->responses.count != 1 ||
        response->responses.items[0].partition_responses.count != 1)
        return;
    const struct kp_produce_response_partition *told =
        &response->responses.items[0].partition_responses.items[0];
    if (told->error_code != 0) {
        change_refused(inquiry, told->error_code, told->error_message);
        return;
    }
    change_log(inquiry, "a record of %zu bytes appended to %s-%d at offset %" PRId64,
               producing->key.len + producing->value.len, producing->topic,
               (int)producing->partition, told->base_offset);
    show(inquiry, producing, told->base_offset);
}

/* ---- Sending ---- */

/* From the memory of the inquiry. False: refused. */
static bool make_batch(struct inquiry *inquiry, const struct producing *producing,
                       struct kp_records *records) {
    struct record_batch_options options = record_batch_plain();
    struct record_batch_builder *builder = record_batch_builder_new(&options);
    uint8_t *data;
    size_t len;
    record_batch_builder_append(builder, env_wall_ms(inquiry->asker->env), producing->key.data,
                                producing->key.data == NULL ? -1 : (int32_t)producing->key.len,
                                producing->value.data,
                                producing->value.data == NULL ? -1 : (int32_t)producing->value.len,
                                producing->headers, producing->header_count);
    if (record_batch_builder_finish(builder, &data, &len) != ERR_NONE) return false;
    uint8_t *kept = inquiry_alloc(inquiry, len);
    if (kept != NULL) memcpy(kept, data, len);
    mem_free(data);
    records->data = kept;
    records->len = (int32_t)len;
    return kept != NULL;
}

static void send(struct inquiry *inquiry, const struct producing *producing) {
    struct kp_produce_request *request = inquiry_alloc(inquiry, sizeof *request);
    struct kp_produce_request_topic *topic = inquiry_alloc(inquiry, sizeof *topic);
    struct kp_produce_request_partition *partition = inquiry_alloc(inquiry, sizeof *partition);
    if (request == NULL || topic == NULL || partition == NULL) return;
    kp_set_fallbacks(&kp_produce_request_schema, request);
    kp_set_fallbacks(&kp_produce_request_topic_schema, topic);
    kp_set_fallbacks(&kp_produce_request_partition_schema, partition);
    if (!make_batch(inquiry, producing, &partition->records)) return;
    partition->index = producing->partition;
    topic->name = kp_string_of(producing->topic);
    topic->partition_data.items = partition;
    topic->partition_data.count = 1;
    request->transactional_id = KP_NULL_STRING;
    request->acks = -1;
    request->timeout_ms = ANSWER_MS;
    request->topic_data.items = topic;
    request->topic_data.count = 1;
    change_try(inquiry, "a record is to be appended to %s, partition %d", producing->topic,
               (int)producing->partition);
    inquiry_ask(inquiry, producing->leader, KP_PRODUCE, 3, VERSION_MAX, request,
                sizeof(struct kp_produce_response));
    inquiry_then(inquiry, produced);
}

static void find_leader(struct inquiry *inquiry) {
    struct producing *producing = inquiry_alloc(inquiry, sizeof *producing);
    if (producing == NULL) return;
    producing->topic = inquiry_value(inquiry, "topic");
    producing->partition = (int32_t)inquiry_number(inquiry, "partition", -1, -1, INT32_MAX);
    producing->leader = -1;
    inquiry->state = producing;
    const struct kp_metadata_response_topic *topic = inquiry_topic(inquiry, producing->topic);
    const struct kp_metadata_response_partition *found = NULL;
    for (int32_t i = 0; topic != NULL && i < topic->partitions.count; i++)
        if (topic->partitions.items[i].partition_index == producing->partition)
            found = &topic->partitions.items[i];
    if (topic == NULL) return;
    if (topic->is_internal) {
        inquiry_refuse(inquiry, BAD_REQUEST, "internal",
                       "Topic %s belongs to the brokers; nothing is appended to it by hand.",
                       producing->topic);
    } else if (found == NULL) {
        inquiry_refuse(inquiry, NOT_FOUND, "partition",
                       "Which partition? %s has %d; write partition=0.", producing->topic,
                       (int)topic->partitions.count);
    } else if (take_bytes(inquiry, "key", "key_base64", &producing->key) &&
               take_bytes(inquiry, "value", "value_base64", &producing->value) &&
               take_headers(inquiry, producing)) {
        producing->leader = found->leader_id;
        if (change_is_dry(inquiry))
            show(inquiry, producing, -1);
        else
            send(inquiry, producing);
    }
}

void change_produce(struct inquiry *inquiry) {
    const char *topic = inquiry_value(inquiry, "topic");
    if (topic == NULL || *topic == '\0')
        inquiry_refuse(inquiry, BAD_REQUEST, "topic", "To which topic? Write topic=TOPIC.");
    else
        inquiry_metadata(inquiry, topic, find_leader);
}
