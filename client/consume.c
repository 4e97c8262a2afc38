/*
 * drave consume: prints records as they come, by offset, without a group.
 *
 * Happy path: one queue over the partitions; ends after -n records, at the end with -e, at Ctrl-C, or when the reader of stdout
 * went away. Failures: a partition that cannot be read is told with its reason and the exit code is 1.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "client/cluster_view.h"
#include "client/kafka_client.h"
#include "client/record_format.h"
#include "client/talk.h"

enum { BATCH = 1000, POLL_MS = 200 };

struct consume {
    const struct invocation *in;
    const char *name, *format;
    rd_kafka_t *client;
    rd_kafka_topic_t *topic;
    rd_kafka_queue_t *queue;
    int32_t partitions; /* of the topic */
    int32_t only;       /* -1: all */
    int64_t offset;     /* librdkafka's constants, an offset, or by time */
    int64_t time_ms;    /* -1: not by time */
    int64_t limit;      /* records; -1: none */
    bool exit_at_end;
    int32_t open; /* partitions not read to their end */
    uint64_t count;
    bool failed;
};

static bool parse_where(struct consume *c, const char *text) {
    char *end;
    c->time_ms = -1;
    errno = 0;
    if (strcmp(text, "beginning") == 0) {
        c->offset = RD_KAFKA_OFFSET_BEGINNING;
    } else if (strcmp(text, "end") == 0) {
        c->offset = RD_KAFKA_OFFSET_END;
    } else {
        long long number = strtoll(*text == '@' ? text + 1 : text, &end, 10);
        if (end == text || *end || errno || number < 0 || (*text == '@' && !text[1])) {
            say("--offset %s is not beginning, end, an offset, or @TIME in ms since 1970", text);
            return false;
        }
        c->offset = number;
        c->time_ms = *text == '@' ? number : -1;
    }
    return true;
}

/* The offset to begin at in each partition, for @TIME. */
static int offsets_by_time(struct consume *c, rd_kafka_topic_partition_list_t *list) {
    for (int i = 0; i < list->cnt; i++) {
        list->elems[i].offset = c->time_ms;
    }
    rd_kafka_resp_err_t error = rd_kafka_offsets_for_times(c->client, list, (int)c->in->timeout_ms);
    if (error) {
        say("the offsets of \"%s\" at @%" PRId64 " could not be had: %s", c->name, c->time_ms, rd_kafka_err2str(error));
        return EXIT_REFUSED;
    }
    for (int i = 0; i < list->cnt; i++) {
        if (list->elems[i].offset < 0) {
            list->elems[i].offset = RD_KAFKA_OFFSET_END; /* no record is that young */
        }
    }
    return EXIT_DONE;
}

static int start_reading(struct consume *c) {
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(c->partitions);
    for (int32_t p = 0; p < c->partitions; p++) {
        if (c->only < 0 || c->only == p) {
            rd_kafka_topic_partition_list_add(list, c->name, p)->offset = c->offset;
        }
    }
    int code = c->time_ms >= 0 ? offsets_by_time(c, list) : EXIT_DONE;
    for (int i = 0; !code && i < list->cnt; i++) {
        rd_kafka_consume_start_queue(c->topic, list->elems[i].partition, list->elems[i].offset, c->queue);
        c->open++;
    }
    rd_kafka_topic_partition_list_destroy(list);
    return code;
}

static void say_no_offset(const struct consume *c, int32_t partition) {
    if (c->offset >= 0 && c->time_ms < 0 && c->count == 0) {
        say("partition %d of \"%s\" has no offset %" PRId64 "; drave topic describe %s shows where it starts and ends",
            (int)partition, c->name, c->offset, c->name);
    } else {
        say("partition %d of \"%s\" ends before what was to be read next; was the topic deleted and made again? See drave topic describe %s",
            (int)partition, c->name, c->name);
    }
}

static void take(struct consume *c, const rd_kafka_message_t *message) {
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        c->open -= c->exit_at_end;
    } else if (message->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET ||
               message->err == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE) {
        c->failed = true;
        say_no_offset(c, message->partition);
    } else if (message->err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
               message->err == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC) {
        c->failed = true;
        say("topic \"%s\" was deleted while it was read; drave topic list shows those that exist", c->name);
    } else if (message->err == RD_KAFKA_RESP_ERR__BAD_COMPRESSION) {
        c->failed = true;
        say("partition %d of \"%s\": the records at offset %" PRId64 " cannot be decompressed: their producer sent "
            "them so. Read on behind them with -p %d -o %" PRId64,
            (int)message->partition, c->name, message->offset, (int)message->partition, message->offset + 1);
    } else if (message->err) {
        c->failed = true;
        say("partition %d of \"%s\": %s", (int)message->partition, c->name, rd_kafka_message_errstr(message));
    } else if (c->limit < 0 || (int64_t)c->count < c->limit) {
        if (c->in->json) {
            record_print_json(message);
        } else {
            record_print(c->format, message);
        }
        c->count++;
    }
}

static void read_all(struct consume *c) {
    static rd_kafka_message_t *messages[BATCH];
    struct patience patience;
    patience_begin(&patience);
    while (!interrupted() && !c->failed && c->open > 0 && (c->limit < 0 || (int64_t)c->count < c->limit) &&
           !print_broken()) {
        ssize_t n = rd_kafka_consume_batch_queue(c->queue, POLL_MS, messages, BATCH);
        for (ssize_t i = 0; i < n; i++) {
            take(c, messages[i]);
            rd_kafka_message_destroy(messages[i]);
        }
        if (n > 0) {
            patience_begin(&patience);
        } else {
            print_flush();
            if (c->exit_at_end || stderr_is_terminal()) {
                patience_say(&patience, "records of \"%s\"", c->name);
            }
        }
    }
}

int command_consume(struct invocation *in) {
    struct consume c = {.in = in,
                        .name = in->words[0],
                        .format = invocation_value(in, 'f', "%s\\n"),
                        .exit_at_end = invocation_has(in, 'e')};
    const char *at;
    if (record_format_check(c.format, &at)) {
        say("--format makes no sense at \"%.8s\"; see drave consume --help", at);
        return EXIT_USAGE;
    }
    c.only = (int32_t)invocation_number(in, 'p', -1, 0, INT32_MAX);
    c.limit = invocation_number(in, 'n', -1, 0, INT64_MAX);
    if (!parse_where(&c, invocation_value(in, 'o', "beginning"))) {
        return EXIT_USAGE;
    }
    int code = cluster_partitions(in->bootstrap, in->timeout_ms, c.name, c.only, &c.partitions);
    if (code) {
        return code;
    }
    rd_kafka_conf_t *conf = kafka_conf(in);
    kafka_conf_set(conf, "enable.partition.eof", "true");
    kafka_conf_set(conf, "auto.offset.reset", "error");
    kafka_conf_set(conf, "fetch.wait.max.ms", "100");
    kafka_conf_set(conf, "fetch.message.max.bytes", "8388608");
    kafka_conf_set(conf, "allow.auto.create.topics", "false");
    c.client = kafka_client(RD_KAFKA_CONSUMER, conf);
    c.topic = rd_kafka_topic_new(c.client, c.name, NULL);
    c.queue = rd_kafka_queue_new(c.client);
    code = start_reading(&c);
    if (!code) {
        read_all(&c);
        code = c.failed ? EXIT_REFUSED : EXIT_DONE;
    }
    if (interrupted()) {
        say_plain("%" PRIu64 " records read", c.count);
    }
    print_flush();
    rd_kafka_queue_destroy(c.queue);
    rd_kafka_topic_destroy(c.topic);
    rd_kafka_destroy(c.client);
    return code;
}
