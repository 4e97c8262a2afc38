/*
 * drave produce: each line of standard input is a record, as text or (--json) as what `consume
 * --json` prints.
 *
 * Happy path: an idempotent producer; on a terminal a prompt and partition@offset for each line,
 * else one closing line on stderr.
 * Failures: a record that is refused is told with its reason, and the exit code is 1, as it is for
 * a line that is no record: nothing behind that one is sent; Ctrl-C says how much was acknowledged.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "client/kafka/cluster_view.h"
#include "client/kafka/kafka_client.h"
#include "client/kafka/kafka_property.h"
#include "client/kafka/produce_reason.h"
#include "client/line/interrupt.h"
#include "client/line/line_reader.h"
#include "client/line/talk.h"
#include "client/records/record_json.h"
#include "client/records/single_producer.h"

struct produce {
    const struct invocation *in;
    rd_kafka_t *client;
    rd_kafka_topic_t *topic;
    struct single_producer *single; /* for timestamps that librdkafka cannot send; NULL: none yet */
    rd_kafka_headers_t *headers;    /* of every line; NULL: none */
    const char *name;
    const char *separator; /* between key and value; NULL: no key in the line */
    const char *key;       /* of every record; NULL: none */
    bool empty_is_null;    /* an empty value is a tombstone */
    bool spread;           /* --repartition: the partition of a JSON record is not kept */
    bool terminal;
    bool wrong_line; /* one was no record */
    bool timed_out;  /* a record was not acknowledged in time */
    size_t line_max; /* bytes of a line that can be a record */
    int32_t partition, partitions;
    uint64_t sent, acknowledged, failed;
    uint64_t begin_ms;
    int64_t rate;           /* lines per second; 0: as they come */
    uint64_t *last_ack_ms;  /* of each partition, 0: none yet */
    int32_t last_ack_count; /* partitions that last_ack_ms has room for */
    uint64_t longest_gap_ms;
    struct patience patience;
};

/* A gap of a partition is time in which a record of it waited and none of its records was
 * acknowledged. */
static void note_acknowledged(struct produce *p, const rd_kafka_message_t *message) {
    int32_t partition = message->partition, room = p->last_ack_count;
    if (partition >= room) {
        p->last_ack_count = 2 * (partition + 1);
        p->last_ack_ms = mem_realloc(p->last_ack_ms,
                                     (size_t)p->last_ack_count * sizeof(*p->last_ack_ms));
        memset(p->last_ack_ms + room, 0,
               (size_t)(p->last_ack_count - room) * sizeof(*p->last_ack_ms));
    }
    uint64_t now = now_ms(), silent = now - p->last_ack_ms[partition];
    uint64_t waited = (uint64_t)rd_kafka_message_latency(message) / 1000,
             gap = silent < waited ? silent : waited;
    p->longest_gap_ms = gap > p->longest_gap_ms ? gap : p->longest_gap_ms;
    p->last_ack_ms[partition] = now;
}

static void on_delivery(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque) {
    (void)client;
    struct produce *p = opaque;
    if (message->err == RD_KAFKA_RESP_ERR__PURGE_QUEUE ||
        message->err == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT) {
        return; /* given up after Ctrl-C; the closing line counts it */
    }
    if (message->err) {
        if (p->failed++ == 0) {
            say_not_delivered(message, p->name);
        }
        p->timed_out = p->timed_out || message->err == RD_KAFKA_RESP_ERR__MSG_TIMED_OUT;
        return;
    }
    p->acknowledged++;
    note_acknowledged(p, message);
    patience_begin(&p->patience);
    if (p->terminal) {
        say_plain("%d@%" PRId64, (int)message->partition, message->offset);
    }
}

/* Says, after a while without an acknowledgement, what the brokers wait for. */
static void tell_stall(struct produce *p) {
    char reason[640];
    if (now_ms() < p->patience.next_ms) {
        return;
    }
    uint64_t waiting = p->sent - p->acknowledged - p->failed;
    if (waiting == 0) {
        patience_begin(&p->patience);
    } else if (produce_reason(p->in, p->name, reason, sizeof(reason))) {
        patience_say(&p->patience, "%" PRIu64 " records to be acknowledged; %s", waiting, reason);
    } else {
        patience_say(&p->patience, "%" PRIu64 " records to be acknowledged", waiting);
    }
}

/* At the end, what has not arrived is told with what is in its way now. */
static void tell_reason(struct produce *p) {
    char reason[640];
    if (produce_reason(p->in, p->name, reason, sizeof(reason))) {
        say("%s", reason);
    }
}

static int check_codec(const struct invocation *in) {
    static const char *const codecs[] = {"none", "gzip", "snappy", "lz4", "zstd"};
    const char *codec = invocation_value(in, 'z', "none");
    for (size_t i = 0; i < sizeof(codecs) / sizeof(codecs[0]); i++) {
        if (strcmp(codec, codecs[i]) == 0) {
            return EXIT_DONE;
        }
    }
    say("--compression %s is not known; there are none, gzip, snappy, lz4 and zstd", codec);
    return EXIT_USAGE;
}

/* Before anything is sent: options that make no sense, alone or together, end with 2. */
static int check_options(const struct invocation *in) {
    const char *pair;
    for (size_t i = 0; (pair = invocation_nth(in, 'H', i)); i++) {
        if (*pair == '=' || !strchr(pair, '=')) {
            say("--header %s is not KEY=VALUE; write for example -H source=test", pair);
            return EXIT_USAGE;
        }
    }
    if (!*invocation_value(in, 'K', "-")) {
        say("--key-separator is empty; write for example -K :");
        return EXIT_USAGE;
    }
    if (in->json && (invocation_has(in, 'K') || invocation_has(in, 'k') ||
                     invocation_has(in, 'H') || invocation_has(in, 'Z'))) {
        say("-K, -k, -H and -Z are for lines of text; with --json each line says its key, value and headers itself");
        return EXIT_USAGE;
    }
    if (!in->json && invocation_has(in, OPTION_REPARTITION)) {
        say("--repartition is for --json, whose records say their partition; lines of text are spread anyway");
        return EXIT_USAGE;
    }
    if (invocation_has(in, OPTION_REPARTITION) && invocation_has(in, 'p')) {
        say("--repartition spreads the records, -p sends them all to one partition; give one of the two");
        return EXIT_USAGE;
    }
    int code = check_codec(in);
    return code ? code : kafka_properties_check(in, KAFKA_FOR_PRODUCE);
}

static rd_kafka_headers_t *headers_of(const struct invocation *in) {
    rd_kafka_headers_t *headers = NULL;
    const char *pair;
    for (size_t i = 0; (pair = invocation_nth(in, 'H', i)); i++) {
        char *key;
        const char *value;
        CHECK(pair_split(pair, &key, &value)); /* check_options() has seen it */
        headers = headers ? headers : rd_kafka_headers_new(4);
        rd_kafka_header_add(headers, key, -1, value, -1);
        mem_free(key);
    }
    return headers;
}

/* With --rate: serves the client until the next line is due. */
static void keep_pace(struct produce *p, uint64_t lines) {
    uint64_t due = p->rate > 0 ? p->begin_ms + lines * 1000 / (uint64_t)p->rate : 0;
    for (uint64_t now = now_ms(); now < due && !interrupted(); now = now_ms()) {
        rd_kafka_poll(p->client, (int)(due - now));
        tell_stall(p);
    }
}

/* Hands one record to the client, which copies it; waits while its queue is full. The headers stay
 * the caller's. */
static void send_record(struct produce *p, const struct client_record *record) {
    for (;;) {
        rd_kafka_headers_t *headers = record->headers ? rd_kafka_headers_copy(record->headers)
                                                      : NULL;
        rd_kafka_resp_err_t error = rd_kafka_producev(
            p->client, RD_KAFKA_V_RKT(p->topic),
            RD_KAFKA_V_PARTITION(record->has_partition ? record->partition : RD_KAFKA_PARTITION_UA),
            RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
            RD_KAFKA_V_VALUE(record->value.data, record->value.len),
            RD_KAFKA_V_KEY(record->key.data, record->key.len), RD_KAFKA_V_HEADERS(headers),
            RD_KAFKA_V_TIMESTAMP(record->has_timestamp ? record->timestamp_ms : 0), RD_KAFKA_V_END);
        if (!error) {
            p->sent++;
            return;
        }
        if (headers) {
            rd_kafka_headers_destroy(headers);
        }
        if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL || interrupted()) {
            rd_kafka_message_t refused = {
                .err = error, .len = record->value.len, .partition = record->partition};
            p->sent++; /* or those under way would not be waited for */
            p->failed++;
            say_not_delivered(&refused, p->name);
            return;
        }
        rd_kafka_poll(p->client, 100);
        tell_stall(p);
    }
}

/* A line of text: key, separator, value. */
static void send_line(struct produce *p, char *line, size_t len) {
    struct client_record record = {.value = {(uint8_t *)line, len},
                                   .headers = p->headers,
                                   .has_partition = p->partition >= 0,
                                   .partition = p->partition};
    char *at = p->separator ? memmem(line, len, p->separator, strlen(p->separator)) : NULL;
    if (at) {
        size_t key_len = (size_t)(at - line), skip = key_len + strlen(p->separator);
        record.key = (struct record_bytes){(uint8_t *)line, key_len};
        record.value = (struct record_bytes){(uint8_t *)line + skip, len - skip};
    } else if (p->key) {
        record.key = (struct record_bytes){(uint8_t *)(uintptr_t)p->key, strlen(p->key)};
    }
    if (p->empty_is_null && record.value.len == 0) {
        record.value.data = NULL;
    }
    send_record(p, &record);
}

static void wait_acknowledged(struct produce *p, bool all) {
    patience_begin(&p->patience);
    while (p->acknowledged + p->failed < p->sent && !interrupted()) {
        rd_kafka_poll(p->client, 100);
        tell_stall(p);
        if (!all && p->failed) {
            return;
        }
    }
}

/* A record with the timestamp 0, which librdkafka takes for "now": on a way of its own, behind
 * everything that was sent before. */
static void send_zero(struct produce *p, const struct client_record *record) {
    int64_t offset;
    struct error_text why = {""};
    int32_t partition = record->has_partition
                            ? record->partition
                            : rd_kafka_msg_partitioner_consistent_random(p->topic, record->key.data,
                                                                         record->key.len,
                                                                         p->partitions, NULL, NULL);
    wait_acknowledged(p, true);
    if (interrupted()) {
        return;
    }
    p->single = p->single ? p->single
                          : single_producer_new(p->in->bootstrap, p->in->timeout_ms, p->name,
                                                p->partitions);
    p->sent++;
    if (single_producer_send(p->single, partition, record, &offset, &why) == ERR_NONE) {
        p->acknowledged++;
    } else if (p->failed++ == 0) {
        say("a record for partition %d of \"%s\" was not acknowledged: %s", (int)partition, p->name,
            why.text);
    }
}

/* A line of JSON. False: it is no record for this topic (said). */
static bool send_json(struct produce *p, const char *line, size_t len, uint64_t number) {
    struct client_record record;
    struct error_text why = {""};
    int error = record_from_json(line, len, &record, &why);
    if (!error && p->spread) {
        record.has_partition = false;
    }
    if (!error && p->partition >= 0) {
        record.has_partition = true;
        record.partition = p->partition;
    }
    if (!error && record.has_partition && record.partition >= p->partitions) {
        error = error_set(
            &why, ERR_INVALID,
            "it belongs to partition %d, and topic \"%s\" has 0 to %d; drave topic add-partitions %s makes "
            "more, --repartition spreads the records anew",
            (int)record.partition, p->name, (int)p->partitions - 1, p->name);
        record_close(&record);
    }
    if (error) {
        say("line %" PRIu64 " is not sent: %s. The lines behind it are not sent, either", number,
            why.text);
        return false;
    }
    if (record.has_timestamp && record.timestamp_ms == 0) {
        send_zero(p, &record);
    } else {
        send_record(p, &record);
    }
    record_close(&record);
    return true;
}

/* While no line comes. */
static bool serve(void *arg) {
    struct produce *p = arg;
    rd_kafka_poll(p->client, 0);
    tell_stall(p);
    return !interrupted();
}

/* One line of the input; false: nothing behind it is sent. */
static bool take_line(struct produce *p, char *line, size_t len, bool too_long, uint64_t number) {
    if (too_long) {
        say("line %" PRIu64
            " is not sent: it has %zu bytes, and a record of \"%s\" has %zu at most: the topic's "
            "max.message.bytes, or what this program takes where records are compressed (100000000)",
            number, len, p->name, p->line_max);
        p->failed++;
        p->sent++;
    } else if (!p->in->json) {
        send_line(p, line, len);
    } else if (len > 0 && !send_json(p, line, len, number)) {
        p->wrong_line = true;
        return false;
    }
    return true;
}

static void send_lines(struct produce *p) {
    enum { JSON_LARGER = 8 }; /* a byte as \u0000, and the names of the members */
    struct line_reader *reader = line_reader_new(
        STDIN_FILENO, p->in->json ? JSON_LARGER * p->line_max : p->line_max, serve, p);
    struct error_text why;
    for (uint64_t lines = 0;; lines++) {
        char *line;
        size_t len;
        keep_pace(p, lines);
        if (p->terminal) {
            say_prompt("> ");
        }
        enum line_result result = interrupted() ? LINE_STOPPED
                                                : line_reader_next(reader, &line, &len, &why);
        if (result == LINE_FAILED) {
            say("%s", why.text);
            p->wrong_line = true;
        }
        if ((result != LINE_WHOLE && result != LINE_TOO_LONG) ||
            !take_line(p, line, len, result == LINE_TOO_LONG, lines + 1)) {
            break;
        }
        if (p->terminal) {
            wait_acknowledged(p, true);
        } else if ((p->sent & 255) == 0) {
            rd_kafka_poll(p->client, 0);
        }
    }
    line_reader_free(reader);
}

static int close_produce(struct produce *p) {
    wait_acknowledged(p, true);
    double seconds = (double)(now_ms() - p->begin_ms) / 1000;
    uint64_t left = p->sent > p->acknowledged + p->failed ? p->sent - p->acknowledged - p->failed
                                                          : 0;
    if (left) {
        rd_kafka_purge(p->client, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        rd_kafka_poll(p->client, 0);
    }
    if (p->in->json || invocation_has(p->in, OPTION_REPORT)) {
        print_json(json_pack("{s:I,s:f,s:I,s:I,s:I}", "records", (json_int_t)p->acknowledged,
                             "seconds", seconds, "failed", (json_int_t)p->failed, "unknown",
                             (json_int_t)left, "longest_gap_ms", (json_int_t)p->longest_gap_ms));
    } else if (!p->terminal || left || p->failed) {
        say_plain("%" PRIu64 " records acknowledged by a majority in %.1f s", p->acknowledged,
                  seconds);
    }
    if (p->failed) {
        say_plain("%" PRIu64 " records failed", p->failed);
    }
    if (left) {
        say_plain("%" PRIu64 " records were given up; whether they were stored is not known", left);
    }
    if (left || p->timed_out) {
        tell_reason(p);
    }
    rd_kafka_topic_destroy(p->topic);
    rd_kafka_destroy(p->client);
    if (p->headers) {
        rd_kafka_headers_destroy(p->headers);
    }
    single_producer_free(p->single);
    mem_free(p->last_ack_ms);
    return p->failed || left || p->wrong_line ? EXIT_REFUSED : EXIT_DONE;
}

/* What waits is bounded, also in time where the user has said how long. */
static void set_limits(const struct produce *p, rd_kafka_conf_t *conf) {
    enum { QUEUE_KIB = 64 << 10 };
    char text[32];
    size_t line_kib = p->line_max >> 10;
    snprintf(text, sizeof(text), "%zu", 2 * line_kib > QUEUE_KIB ? 2 * line_kib : QUEUE_KIB);
    kafka_conf_set(conf, "queue.buffering.max.kbytes", text);
    if (p->in->timeout_given) {
        snprintf(text, sizeof(text), "%" PRIu64, p->in->timeout_ms);
        kafka_conf_set(conf, "message.timeout.ms", text);
    }
}

int command_produce(struct invocation *in) {
    struct produce p = {.in = in,
                        .name = in->words[0],
                        .separator = invocation_value(in, 'K', NULL),
                        .key = invocation_value(in, 'k', NULL),
                        .empty_is_null = invocation_has(in, 'Z'),
                        .spread = invocation_has(in, OPTION_REPARTITION),
                        .terminal = isatty(STDIN_FILENO) && isatty(STDERR_FILENO),
                        .begin_ms = now_ms()};
    p.rate = invocation_number(in, OPTION_RATE, 0, 1, 10000000);
    p.partition = (int32_t)invocation_number(in, 'p', RD_KAFKA_PARTITION_UA, 0, INT32_MAX);
    int code = check_options(in);
    /* The topic must be there: it is never made by a mistyped name. */
    code = code ? code : cluster_partitions(in, p.name, p.partition, &p.partitions);
    if (code) {
        return code;
    }
    p.line_max = produce_line_max(in, p.name);
    rd_kafka_conf_t *conf = kafka_conf(in);
    rd_kafka_conf_set_opaque(conf, &p);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    kafka_conf_set(conf, "enable.idempotence", "true");
    kafka_conf_set(conf, "linger.ms", p.terminal ? "0" : "5");
    kafka_conf_set(conf, "compression.type", invocation_value(in, 'z', "none"));
    kafka_conf_set(conf, "reconnect.backoff.ms",
                   "20"); /* a leader that moved is found again soon */
    kafka_conf_set(conf, "reconnect.backoff.max.ms", "200");
    kafka_conf_set(conf, "topic.metadata.refresh.fast.interval.ms", "100");
    kafka_conf_set(conf, "message.max.bytes",
                   "100000000"); /* the topic decides, not this program */
    set_limits(&p, conf);
    kafka_properties_set(conf, in);
    p.client = kafka_client(RD_KAFKA_PRODUCER, conf);
    p.headers = headers_of(in);
    p.topic = rd_kafka_topic_new(p.client, p.name, NULL);
    patience_begin(&p.patience);
    send_lines(&p);
    return close_produce(&p);
}
