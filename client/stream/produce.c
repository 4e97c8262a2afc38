/*
 * drave produce: sends what client/records/record_input.h reads.
 *
 * Happy path: an idempotent producer; on a terminal a prompt and partition@offset for each line,
 * else one closing line on stderr.
 * Failures: a record that is refused is told with its reason, and the exit code is 1, as it is for
 * a line that is no record: nothing behind that one is sent; Ctrl-C says how much was acknowledged.
 * In a transaction (client/stream/produce_transaction.h) each of these aborts the one that is open.
 * With --dry-run all of it is read and judged, and nothing is sent.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "client/format/record_format.h"
#include "client/kafka/cluster_view.h"
#include "client/kafka/kafka_client.h"
#include "client/kafka/kafka_property.h"
#include "client/kafka/produce_reason.h"
#include "client/line/interrupt.h"
#include "client/line/talk.h"
#include "client/records/record_input.h"
#include "client/records/single_producer.h"
#include "client/stream/produce_client.h"
#include "client/stream/produce_options.h"
#include "client/stream/produce_transaction.h"

struct produce {
    const struct invocation *in;
    rd_kafka_t *client;
    rd_kafka_topic_t *topic;
    struct single_producer *single; /* for timestamps that librdkafka cannot send; NULL: none yet */
    struct record_input *input;
    struct record_format *told; /* -o: what is printed of each acknowledged record; NULL: nothing */
    const char *name;
    bool spread; /* --repartition: the partition of a JSON record is not kept */
    bool tee;    /* -T */
    bool dry_run;
    bool terminal;
    bool wrong_line; /* one was no record */
    bool timed_out;  /* a record was not acknowledged in time */
    size_t line_max; /* bytes of a line that can be a record */
    int64_t limit;   /* records; -1: none */
    int32_t partition, partitions;
    uint64_t sent, acknowledged, failed;
    uint64_t begin_ms;
    int64_t rate;           /* lines per second; 0: as they come */
    uint64_t *last_ack_ms;  /* of each partition, 0: none yet */
    int32_t last_ack_count; /* partitions that last_ack_ms has room for */
    uint64_t longest_gap_ms;
    struct patience patience;
    struct produce_transaction transaction;
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
    if (p->told) {
        struct record_view record = record_view_of(message);
        record_format_print(p->told, &record);
    }
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

static int open_told(struct produce *p) {
    const char *text = invocation_value(p->in, 'o', NULL);
    const struct record_format_options options = {.none = ""};
    struct error_text why = {""};
    if (!text) {
        return EXIT_DONE;
    }
    p->told = record_format_open(text, &options, &why);
    if (!p->told) {
        say("--output-format: %s", why.text);
        return EXIT_USAGE;
    }
    if (record_format_wants_batch(p->told)) {
        say("--output-format %s asks for what only a consumer is told: %%e %%x %%y %%[ %%| %%] and %%a; leave those out",
            text);
        return EXIT_USAGE;
    }
    return EXIT_DONE;
}

/* With --rate: serves the client until the next line is due. */
static void keep_pace(struct produce *p, uint64_t lines) {
    uint64_t due = p->rate > 0 ? p->begin_ms + lines * 1000 / (uint64_t)p->rate : 0;
    for (uint64_t now = now_ms(); now < due && !interrupted(); now = now_ms()) {
        if (p->client) {
            rd_kafka_poll(p->client, (int)(due - now));
            tell_stall(p);
        }
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

/* -o, of a record that librdkafka has not sent. */
static void tell_single(const struct produce *p, const struct client_record *record,
                        int32_t partition, int64_t offset) {
    struct record_view view = {.topic = p->name,
                               .partition = partition,
                               .offset = offset,
                               .timestamp_ms = record->timestamp_ms,
                               .key = {record->key.data, record->key.len},
                               .value = {record->value.data, record->value.len},
                               .headers = record->headers};
    if (p->told) {
        record_format_print(p->told, &view);
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
        tell_single(p, record, partition, offset);
    } else if (p->failed++ == 0) {
        say("a record for partition %d of \"%s\" was not acknowledged: %s", (int)partition, p->name,
            why.text);
    }
}

/* Which partition the options say; ERR_INVALID: the topic does not have the one that the record
 * says. */
static int place(const struct produce *p, struct client_record *record, struct error_text *why) {
    if (p->spread) {
        record->has_partition = false;
    }
    if (p->partition >= 0) {
        record->has_partition = true;
        record->partition = p->partition;
    }
    return record->has_partition && record->partition >= p->partitions
               ? error_set(
                     why, ERR_INVALID,
                     "it belongs to partition %d, and topic \"%s\" has 0 to %d; drave topic add-partitions %s makes "
                     "more, --repartition spreads the records anew",
                     (int)record->partition, p->name, (int)p->partitions - 1, p->name)
               : ERR_NONE;
}

static void print_piece(const struct produce *p, const struct input_piece *piece) {
    size_t len;
    const char *delimiter = record_input_delimiter(p->input, &len);
    print_bytes(piece->text, piece->len);
    print_raw(delimiter, len);
}

static void send_piece(struct produce *p, const struct input_piece *piece) {
    bool zero = piece->record.has_timestamp && piece->record.timestamp_ms == 0;
    if (p->dry_run) {
        p->sent++;
        p->acknowledged++;
    } else if (p->transaction.id && zero) {
        say("a record with the timestamp 0 cannot be sent in a transaction; leave the timestamp out, or send it without --transactional-id");
        p->sent++;
        p->failed++;
    } else if (p->transaction.id && produce_transaction_begin(&p->transaction)) {
        p->sent++;
        p->failed++;
    } else if (zero) {
        send_zero(p, &piece->record);
    } else {
        send_record(p, &piece->record);
    }
    if (p->tee) {
        print_piece(p, piece);
    }
}

/* While no line comes. */
static bool serve(void *arg) {
    struct produce *p = arg;
    if (p->client) {
        rd_kafka_poll(p->client, 0);
        tell_stall(p);
    }
    return !interrupted();
}

/* One piece of the input; false: nothing behind it is sent. */
static bool take_piece(struct produce *p, enum input_result result, struct input_piece *piece,
                       struct error_text *why) {
    char name[256];
    record_input_name(p->input, piece, name, sizeof(name));
    if (result == INPUT_TOO_LONG) {
        say("%s is not sent: it has %zu bytes%s, and a record of \"%s\" has %zu at most: the topic's "
            "max.message.bytes, or what this program takes where records are compressed (100000000)",
            name, piece->len, p->in->word_count > 1 ? " or more" : "", p->name, p->line_max);
        p->failed++;
        p->sent++;
        return true;
    }
    if (result == INPUT_RECORD && place(p, &piece->record, why) == ERR_NONE) {
        send_piece(p, piece);
        return true;
    }
    say("%s is not sent: %s. What stands behind it is not sent, either", name, why->text);
    p->wrong_line = true;
    return false;
}

static bool enough(const struct produce *p) {
    return p->limit >= 0 && (int64_t)p->sent >= p->limit;
}

/* Ends the transaction, if it has all of its records: false: nothing more is sent. */
static bool commit_if(struct produce *p, bool full) {
    if (!p->transaction.id || p->dry_run) {
        return true;
    }
    if (full && !p->failed) {
        wait_acknowledged(p, false);
    }
    bool whole = !p->failed && p->acknowledged == p->sent;
    return full && whole ? produce_transaction_commit(&p->transaction) == EXIT_DONE : !p->failed;
}

static void send_all(struct produce *p) {
    struct input_piece piece;
    struct error_text why = {""};
    for (uint64_t pieces = 0; !enough(p) && !print_broken(); pieces++) {
        keep_pace(p, pieces);
        if (p->terminal) {
            say_prompt("> ");
        }
        enum input_result result = interrupted() ? INPUT_STOPPED
                                                 : record_input_next(p->input, &piece, &why);
        if (result == INPUT_FAILED) {
            say("%s", why.text);
            p->wrong_line = true;
        }
        if (result == INPUT_FAILED || result == INPUT_END || result == INPUT_STOPPED ||
            !take_piece(p, result, &piece, &why)) {
            break;
        }
        if (p->terminal) {
            wait_acknowledged(p, true);
        } else if ((p->sent & 255) == 0) {
            serve(p);
        }
        if (!commit_if(p, produce_transaction_is_full(&p->transaction))) {
            break;
        }
    }
}

/* At the end of the input: all of the last transaction, or nothing of it. */
static void end_transaction(struct produce *p) {
    if (!p->wrong_line && !interrupted()) {
        commit_if(p, true);
    }
    produce_transaction_abort(&p->transaction);
}

static void tell_outcome(const struct produce *p, uint64_t left) {
    double seconds = (double)(now_ms() - p->begin_ms) / 1000;
    if (p->in->json || invocation_has(p->in, OPTION_REPORT)) {
        json_t *report = json_pack(
            "{s:I,s:f,s:I,s:I,s:I,s:b}", "records", (json_int_t)p->acknowledged, "seconds", seconds,
            "failed", (json_int_t)p->failed, "unknown", (json_int_t)left, "longest_gap_ms",
            (json_int_t)p->longest_gap_ms, "dry_run", (int)p->dry_run);
        produce_transaction_report(&p->transaction, report);
        print_json(report);
    } else if (p->dry_run) {
        say_plain("%" PRIu64 " records would be sent to \"%s\" (--dry-run)", p->acknowledged,
                  p->name);
    } else if (p->transaction.id) {
        produce_transaction_tell(&p->transaction, seconds);
    } else if (!p->terminal || left || p->failed) {
        say_plain("%" PRIu64 " records acknowledged by a majority in %.1f s", p->acknowledged,
                  seconds);
    }
    if (p->failed) {
        say_plain("%" PRIu64 " records %s", p->failed, p->dry_run ? "would fail" : "failed");
    }
    if (left) {
        say_plain("%" PRIu64 " records were given up; whether they were stored is not known", left);
    }
}

static int close_produce(struct produce *p) {
    if (p->transaction.open) {
        end_transaction(p);
    } else {
        wait_acknowledged(p, true);
    }
    uint64_t left = p->sent > p->acknowledged + p->failed ? p->sent - p->acknowledged - p->failed
                                                          : 0;
    if (p->transaction.id) {
        left = 0; /* dropped with their transaction */
    }
    if (left) {
        rd_kafka_purge(p->client, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        rd_kafka_poll(p->client, 0);
    }
    tell_outcome(p, left);
    if (left || p->timed_out) {
        tell_reason(p);
    }
    if (p->client) {
        rd_kafka_topic_destroy(p->topic);
        rd_kafka_destroy(p->client);
    }
    single_producer_free(p->single);
    mem_free(p->last_ack_ms);
    bool torn = p->transaction.aborted > 0 || p->transaction.unknown;
    return p->failed || left || p->wrong_line || torn ? EXIT_REFUSED : EXIT_DONE;
}

static int open_client(struct produce *p) {
    p->client = produce_client_new(p->in, p->line_max, p->terminal, on_delivery, p);
    p->topic = rd_kafka_topic_new(p->client, p->name, NULL);
    return p->transaction.id ? produce_transaction_open(&p->transaction, p->client) : EXIT_DONE;
}

/* The topic must be there: it is never made by a mistyped name. */
static int open_produce(struct produce *p) {
    int code = cluster_partitions(p->in, p->name, p->partition, &p->partitions);
    if (code) {
        return code;
    }
    p->line_max = produce_line_max(p->in, p->name);
    return record_input_open(&p->input, p->in, p->line_max, serve, p);
}

int command_produce(struct invocation *in) {
    bool lines = in->word_count == 1 && !invocation_has(in, 'l');
    struct produce p = {.in = in,
                        .name = in->words[0],
                        .spread = invocation_has(in, OPTION_REPARTITION),
                        .tee = invocation_has(in, 'T'),
                        .dry_run = invocation_has(in, OPTION_DRY_RUN),
                        .terminal = lines && isatty(STDIN_FILENO) && isatty(STDERR_FILENO),
                        .begin_ms = now_ms()};
    p.rate = invocation_number(in, OPTION_RATE, 0, 1, 10000000);
    p.partition = (int32_t)invocation_number(in, 'p', RD_KAFKA_PARTITION_UA, 0, INT32_MAX);
    p.limit = invocation_number(in, invocation_has(in, 'n') ? 'n' : OPTION_MAX_MESSAGES, -1, 0,
                                INT64_MAX);
    int code = produce_options_check(in);
    code = code ? code : produce_transaction_options(&p.transaction, in);
    code = code ? code : open_told(&p);
    code = code ? code : open_produce(&p);
    if (!code) {
        int opened = p.dry_run ? EXIT_DONE : open_client(&p);
        patience_begin(&p.patience);
        if (!opened) {
            send_all(&p);
        }
        code = close_produce(&p);
        code = opened ? opened : code;
    }
    record_input_free(p.input);
    record_format_free(p.told);
    return code;
}
