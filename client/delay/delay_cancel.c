/*
 * drave delay cancel: calls off records that wait for their time, by their offsets.
 *
 * Happy path: the partition's leader says that the record waits; a record that calls it off is
 * produced there, as any Kafka client can; the log between says whether it was delivered before.
 * With --dry-run nothing is produced. Failures: what does not wait, and what was delivered
 * meanwhile, is said, exit code 1; so is what is not known.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "client/delay/delay_fate.h"
#include "client/delay/delay_page.h"
#include "client/kafka/cluster_view.h"
#include "client/line/talk.h"
#include "client/records/single_producer.h"
#include "protocol/kafka_error.h"
#include "protocol/record/record_delivery.h"

struct cancel {
    const struct invocation *in;
    struct session session;
    struct single_producer *producer;
    const char *topic;
    int32_t partition;
    bool dry_run;
    json_t *list;
};

static bool read_number(const char *text, int64_t most, int64_t *number) {
    char *end = NULL;
    *number = strtoll(text, &end, 10);
    return *text >= '0' && *text <= '9' && !*end && *number <= most;
}

/* ---- One record ---- */

static void add(const struct cancel *cancel, int64_t offset, const char *outcome, json_t *at) {
    json_array_append_new(
        cancel->list, json_pack("{s:s,s:i,s:I,s:s,s:o,s:b}", "topic", cancel->topic, "partition",
                                (int)cancel->partition, "offset", (json_int_t)offset, "outcome",
                                outcome, "delivered_at", at, "dry_run", (int)cancel->dry_run));
}

/* Produces what calls it off; `where` is its offset. */
static int produce(struct cancel *cancel, const char *offset, int64_t *where) {
    struct client_record record = {.timestamp_ms = -1};
    struct error_text why = {""};
    record.headers = rd_kafka_headers_new(1);
    rd_kafka_header_add(record.headers, DELIVER_CANCEL, -1, offset, -1);
    int error = single_producer_send(cancel->producer, cancel->partition, &record, where, &why);
    record_close(&record);
    if (error) {
        say("offset %s of partition %d of \"%s\" was not called off, as far as is known: %s",
            offset, (int)cancel->partition, cancel->topic, why.text);
    }
    return error ? EXIT_REFUSED : EXIT_DONE;
}

static int tell_fate(struct cancel *cancel, int64_t offset, int64_t from, int64_t to) {
    int64_t at = -1;
    enum delay_fate fate = delay_fate(cancel->in, cancel->topic, cancel->partition, offset, from,
                                      to, &at);
    if (fate == FATE_CALLED_OFF) {
        add(cancel, offset, "cancelled", json_null());
        if (!cancel->in->json) {
            say_plain("offset %" PRId64 " of partition %d of \"%s\" is called off", offset,
                      (int)cancel->partition, cancel->topic);
        }
        return EXIT_DONE;
    }
    if (fate == FATE_DELIVERED) {
        add(cancel, offset, "delivered", json_integer(at));
        say("offset %" PRId64 " of partition %d of \"%s\" was delivered at offset %" PRId64
            " before it could be called off; whoever reads the topic has it, or will",
            offset, (int)cancel->partition, cancel->topic, at);
        return EXIT_REFUSED;
    }
    add(cancel, offset, "unknown", json_null());
    say("what calls offset %" PRId64 " of partition %d of \"%s\" off is stored at offset %" PRId64
        ", but the log before it could not be read, so it may have been delivered; look with drave consume %s -p %d -o %" PRId64,
        offset, (int)cancel->partition, cancel->topic, to, cancel->topic, (int)cancel->partition,
        from);
    return EXIT_REFUSED;
}

static int cancel_one(struct cancel *cancel, const char *text) {
    struct kp_delayed_records_request request;
    struct kp_delayed_records_response page;
    int64_t offset, where;
    read_number(text, INT64_MAX, &offset); /* command_delay_cancel has seen it */
    delay_request_begin(&request, cancel->topic, cancel->partition);
    request.after = offset - 1;
    request.records_max = 1;
    int code = delay_page(&cancel->session, cancel->in->timeout_ms, &request,
                          &cancel->session.arena, &page);
    if (code) {
        return code;
    }
    if (page.records.count == 0 || page.records.items[0].offset != offset) {
        add(cancel, offset, "not_waiting", json_null());
        say("offset %" PRId64
            " of partition %d of \"%s\" does not wait: it was delivered, or called off, or was no delayed record; drave delay list %s "
            "shows what waits",
            offset, (int)cancel->partition, cancel->topic, cancel->topic);
        return EXIT_REFUSED;
    }
    if (cancel->dry_run) {
        add(cancel, offset, "cancelled", json_null());
        if (!cancel->in->json) {
            say_plain("offset %" PRId64
                      " of partition %d of \"%s\" would be called off (--dry-run)",
                      offset, (int)cancel->partition, cancel->topic);
        }
        return EXIT_DONE;
    }
    code = produce(cancel, text, &where);
    return code ? code : tell_fate(cancel, offset, page.high_watermark, where);
}

/* ---- All of them ---- */

static int cancel_all(struct cancel *cancel) {
    struct kp_metadata_response metadata;
    const struct kp_metadata_response_topic *found;
    int code = cluster_topic(cancel->session.admin, &cancel->session.arena, cancel->topic,
                             TOPIC_TO_CHANGE, &metadata, &found);
    if (!code && !cluster_find_partition(found, cancel->partition)) {
        code = cluster_no_such_partition(cancel->topic, found->partitions.count, cancel->partition);
    }
    if (code) {
        return code;
    }
    cancel->producer = single_producer_new(cancel->in->bootstrap, cancel->in->timeout_ms,
                                           cancel->topic, found->partitions.count);
    for (int i = 2; i < cancel->in->word_count && code != EXIT_UNREACHABLE; i++) {
        int one = cancel_one(cancel, cancel->in->words[i]);
        code = one ? one : code;
    }
    single_producer_free(cancel->producer);
    return code;
}

int command_delay_cancel(struct invocation *in) {
    struct cancel cancel = {
        .in = in, .topic = in->words[0], .dry_run = invocation_has(in, OPTION_DRY_RUN)};
    int64_t number;
    for (int i = 1; i < in->word_count; i++) {
        if (!read_number(in->words[i], i == 1 ? INT32_MAX : INT64_MAX - 1, &number)) {
            say("%s is no %s; write drave delay cancel TOPIC PARTITION OFFSET, with the numbers that drave delay list %s shows",
                in->words[i], i == 1 ? "partition" : "offset", cancel.topic);
            return EXIT_USAGE;
        }
        cancel.partition = i == 1 ? (int32_t)number : cancel.partition;
    }
    cancel.list = json_array();
    session_begin(&cancel.session, in);
    int code = cancel_all(&cancel);
    if (in->json) {
        print_json(cancel.list);
    } else {
        json_decref(cancel.list);
    }
    return session_end(&cancel.session, code);
}
