/*
 * drave consume: prints records as they come, by offset, without a group (consume_group.h,
 * consume_share.h: with one).
 *
 * Happy path: one queue over the partitions that client/records/reading.h names; ends after -n
 * records, when every partition was read up to where it stops, at Ctrl-C, or when the reader of
 * stdout went away. Failures: a partition that cannot be read is told with its reason and the exit
 * code is 1.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "client/kafka/kafka_client.h"
#include "client/kafka/kafka_property.h"
#include "client/kafka/produce_reason.h"
#include "client/line/interrupt.h"
#include "client/line/moment.h"
#include "client/line/talk.h"
#include "client/records/reading.h"
#include "client/records/record_printer.h"
#include "client/records/topic_pattern.h"
#include "client/stream/consume_group.h"
#include "client/stream/consume_share.h"

enum { BATCH = 1000, POLL_MS = 200 };

struct consume {
    const struct invocation *in;
    struct record_printer *printer;
    rd_kafka_t *client;
    rd_kafka_topic_t **topics; /* one for each of reading.topics */
    rd_kafka_queue_t *queue;
    struct reading reading;
    int64_t limit; /* records; -1: none */
    uint64_t count;
    bool failed;
};

static bool enough(const struct consume *c) {
    return c->limit >= 0 && (int64_t)c->count >= c->limit;
}

static void start_reading(struct consume *c) {
    c->topics = mem_zalloc((c->reading.topic_count + 1) * sizeof(*c->topics));
    for (size_t t = 0; t < c->reading.topic_count; t++) {
        struct reading_topic *topic = &c->reading.topics[t];
        rd_kafka_topic_conf_t *conf = rd_kafka_default_topic_conf_dup(c->client);
        rd_kafka_topic_conf_set_opaque(conf, topic);
        c->topics[t] = rd_kafka_topic_new(c->client, topic->name, conf);
        for (int32_t i = 0; i < topic->count; i++) {
            if (!topic->partitions[i].done) {
                rd_kafka_consume_start_queue(c->topics[t], topic->partitions[i].partition,
                                             topic->partitions[i].start, c->queue);
            }
        }
    }
}

static void say_no_offset(const struct consume *c, const char *topic, int32_t partition) {
    if (c->reading.where.kind == WHERE_OFFSET && c->count == 0) {
        say("partition %d of \"%s\" has no offset %" PRId64
            "; drave topic describe %s shows where it starts and ends",
            (int)partition, topic, c->reading.where.value, topic);
    } else {
        say("partition %d of \"%s\" ends before what was to be read next; was the topic deleted and made again? See drave topic describe %s",
            (int)partition, topic, topic);
    }
}

static void say_failure(const struct consume *c, const rd_kafka_message_t *message) {
    const char *topic = rd_kafka_topic_name(message->rkt);
    switch (message->err) {
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE: say_no_offset(c, topic, message->partition); break;
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
        say("topic \"%s\" was deleted while it was read; drave topic list shows those that exist",
            topic);
        break;
    case RD_KAFKA_RESP_ERR__BAD_COMPRESSION:
        say("partition %d of \"%s\": the records at offset %" PRId64
            " cannot be decompressed: their producer sent "
            "them so. Read on behind them with -p %d -o %" PRId64,
            (int)message->partition, topic, message->offset, (int)message->partition,
            message->offset + 1);
        break;
    default:
        say("partition %d of \"%s\": %s", (int)message->partition, topic,
            kafka_reason(message->err));
    }
}

static void consume_take(struct consume *c, const rd_kafka_message_t *message) {
    struct reading_topic *topic = message->rkt ? rd_kafka_topic_opaque(message->rkt) : NULL;
    struct reading_partition *partition = topic ? reading_find(topic, message->partition) : NULL;
    if (!partition || partition->done) {
        if (!topic && message->err) {
            c->failed = true;
            say("%s", kafka_reason(message->err));
        }
    } else if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        reading_advance(&c->reading, partition, message->offset);
    } else if (message->err) {
        c->failed = true;
        say_failure(c, message);
    } else if (!enough(c)) {
        rd_kafka_timestamp_type_t type;
        if (reading_passes(&c->reading, partition, message->offset,
                           rd_kafka_message_timestamp(message, &type))) {
            partition->stop = message->offset;
        } else {
            c->failed = !record_printer_print(c->printer, message);
            c->count++;
        }
        if (reading_advance(&c->reading, partition, message->offset + 1)) {
            rd_kafka_consume_stop(message->rkt,
                                  message->partition); /* what lies behind is not fetched */
        }
    }
}

/* The end of a span that lay ahead is found once the clock is past it. */
static void look_at_the_clock(struct consume *c) {
    if (c->reading.stops_pending && moment_now() > c->reading.where.until_value) {
        c->failed = reading_resolve_stops(&c->reading, c->in) != EXIT_DONE;
    }
}

/* With -e or -n, --timeout ends a silence; without it the reading goes on until what is missing
 * comes. */
static void end_silence(struct consume *c, uint64_t since_ms) {
    char reason[640];
    const char *topic = c->reading.topics[0].name;
    bool finite = c->reading.until_end || c->limit >= 0;
    if (!finite || !c->in->timeout_given || now_ms() - since_ms < c->in->timeout_ms) {
        return;
    }
    c->failed = true;
    produce_reason(c->in, topic, reason, sizeof(reason));
    say("nothing of \"%s\" came for %.1f s, and not everything was read%s%s", topic,
        (double)c->in->timeout_ms / 1000, *reason ? ": " : "", reason);
}

static void read_all(struct consume *c) {
    static rd_kafka_message_t *messages[BATCH];
    struct patience patience;
    uint64_t heard_ms = now_ms();
    patience_begin(&patience);
    while (!interrupted() && !c->failed && c->reading.open > 0 && !enough(c) && !print_broken()) {
        ssize_t n = rd_kafka_consume_batch_queue(c->queue, POLL_MS, messages, BATCH);
        for (ssize_t i = 0; i < n; i++) {
            consume_take(c, messages[i]);
            rd_kafka_message_destroy(messages[i]);
        }
        look_at_the_clock(c);
        if (n > 0) {
            heard_ms = now_ms();
            patience_begin(&patience);
        } else {
            print_flush();
            end_silence(c, heard_ms);
            if (c->reading.until_end || stderr_is_terminal()) {
                patience_say(&patience, "records of \"%s\"", c->reading.topics[0].name);
            }
        }
    }
}

static void open_client(struct consume *c) {
    rd_kafka_conf_t *conf = kafka_conf(c->in);
    kafka_conf_set(conf, "enable.partition.eof", "true");
    kafka_conf_set(conf, "auto.offset.reset", "error");
    kafka_conf_set(conf, "fetch.wait.max.ms", "100");
    kafka_conf_set(conf, "fetch.message.max.bytes", "8388608");
    kafka_conf_set(conf, "allow.auto.create.topics", "false");
    kafka_conf_set(conf, "isolation.level",
                   c->reading.isolation == OFFSETS_COMMITTED ? "read_committed"
                                                             : "read_uncommitted");
    kafka_properties_set(conf, c->in);
    c->client = kafka_client(RD_KAFKA_CONSUMER, conf);
    c->queue = rd_kafka_queue_new(c->client);
}

static void close_client(struct consume *c) {
    rd_kafka_queue_destroy(c->queue);
    for (size_t t = 0; t < c->reading.topic_count; t++) {
        rd_kafka_topic_destroy(c->topics[t]);
    }
    rd_kafka_destroy(c->client);
    mem_free(c->topics);
}

/* -n, or kcat's -c. */
static int64_t consume_limit(const struct invocation *in) {
    int key = invocation_has(in, OPTION_MAX_MESSAGES) ? OPTION_MAX_MESSAGES : 'n';
    return invocation_number(in, key, -1, 0, INT64_MAX);
}

static int consume_by_offset(struct consume *c) {
    int code = reading_open(&c->reading, c->in);
    code = code ? code : reading_plan(&c->reading, c->in);
    if (!code && c->reading.open > 0) {
        open_client(c);
        start_reading(c);
        read_all(c);
        code = c->failed ? EXIT_REFUSED : EXIT_DONE;
        if (interrupted()) {
            bool finite = c->reading.until_end || c->limit >= 0;
            say_plain("%" PRIu64 " records read%s", c->count,
                      finite ? "; that is not all that was asked for" : "");
            code = finite ? EXIT_REFUSED : code;
        }
        print_flush();
        close_client(c);
    }
    reading_close(&c->reading);
    return code;
}

/* With -r the words are regular expressions: as patterns, which are to be freed. */
static void words_as_patterns(struct invocation *in) {
    for (int i = 0; i < in->word_count; i++) {
        in->words[i] = topic_pattern_of_regex(in->words[i]);
    }
}

int command_consume(struct invocation *in) {
    struct consume c = {.in = in, .limit = consume_limit(in)};
    bool group = invocation_has(in, 'G'), share = invocation_has(in, OPTION_SHARE),
         regexes = invocation_has(in, 'r');
    int code = kafka_properties_check(in, KAFKA_FOR_CONSUME);
    if (!code && invocation_has(in, OPTION_PROTOCOL) && !group) {
        say("--protocol is the protocol of a group; name the group with -G");
        code = EXIT_USAGE;
    }
    if (!code && invocation_has(in, OPTION_READ_COMMITTED) &&
        invocation_has(in, OPTION_READ_UNCOMMITTED)) {
        say("--read-committed and --read-uncommitted exclude each other; give one of the two");
        code = EXIT_USAGE;
    }
    code = code ? code : record_printer_open(&c.printer, in);
    if (code) {
        return code;
    }
    if (regexes) {
        words_as_patterns(in);
    }
    code = share   ? consume_as_sharer(in, c.printer, c.limit)
           : group ? consume_as_member(in, c.printer, c.limit)
                   : consume_by_offset(&c);
    for (int i = 0; regexes && i < in->word_count; i++) {
        mem_free(in->words[i]);
    }
    record_printer_free(c.printer);
    return code;
}
