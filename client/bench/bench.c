/*
 * drave bench: measures a topic as a client sees it.
 *
 * Happy path: an open loop: records have an intended send time, whatever the cluster does, and
 * latency runs from there to the acknowledgement (produce) or to the arrival at a consumer (e2e);
 * `consume` reads a topic from its start to its end. With -G a group reads, of as many members as
 * --connections says; its time begins when it has its first partition. Payloads are half random.
 * With --transaction each producer sends so many records in a transaction, one transaction behind
 * the other; latency is that of a transaction then, from its begin to the answer to its commit.
 * Failures: records that failed are counted; under 99 % of the offered rate, exit code 1.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "client/bench/bench_readers.h"
#include "client/bench/histogram.h"
#include "client/kafka/cluster_view.h"
#include "client/kafka/kafka_client.h"
#include "client/kafka/kafka_property.h"
#include "client/line/interrupt.h"
#include "client/line/talk.h"

enum { DRAIN_MS = 30000, CONNECTIONS_MAX = 1024, LATE_US = 1000000 };

/* So many bytes of different payloads, that no codec finds one of them again in its window. */
enum { PAYLOAD_BYTES = 8 << 20, PAYLOADS_MIN = 4, PAYLOADS_MAX = 65536 };

struct bench;

/* One producer with a thread that offers and a thread that takes the reports. With --sync and in
 * transactions the first does both: a commit waits for the reports itself, and beside somebody else
 * who takes them it hears of the last one up to 10 ms late. */
struct sender {
    struct bench *bench;
    int index;
    rd_kafka_t *client;
    rd_kafka_topic_t *topic;
    pthread_t offering, reporting;
    atomic_bool finished, waiting; /* waiting: --sync, a record is under way */
    uint64_t began_us;             /* the open transaction */
    struct histogram latency;
    uint64_t offered, acknowledged, failed;
    uint64_t last_us; /* when the last acknowledgement came */
};

struct bench {
    const struct invocation *in;
    const char *topic;
    int32_t partitions;
    int64_t rate, size, seconds, connections;
    int64_t transaction; /* records of each; 0: without transactions */
    bool one_at_a_time;
    bool takes_reports; /* who offers does */
    uint64_t begin_us, end_us;
    char *payloads; /* payload_count of them, each of `size` bytes */
    uint64_t payload_count;
    struct sender *senders;
    bool stamping; /* e2e: a record says when it was to be sent */
};

static void sleep_until(uint64_t at_us) {
    struct timespec at = {(time_t)(at_us / 1000000), (long)(at_us % 1000000) * 1000};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
}

/* Half random bytes, half text: what compresses about as real records do. */
static void make_payloads(struct bench *bench) {
    uint64_t x = 88172645463325252U, fitting = PAYLOAD_BYTES / (uint64_t)bench->size;
    bench->payload_count = fitting < PAYLOADS_MIN   ? PAYLOADS_MIN
                           : fitting > PAYLOADS_MAX ? PAYLOADS_MAX
                                                    : fitting;
    bench->payloads = mem_alloc((size_t)bench->size * bench->payload_count);
    for (uint64_t i = 0; i < bench->payload_count; i++) {
        char *payload = bench->payloads + i * (uint64_t)bench->size;
        for (int64_t k = 0; k < bench->size; k++) {
            x ^= x << 13, x ^= x >> 7, x ^= x << 17;
            payload[k] = k < bench->size / 2 ? (char)x : "a log goes down the river "[k % 26];
        }
    }
}

static void on_delivery(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque) {
    (void)client;
    struct sender *sender = opaque;
    sender->waiting = false;
    if (message->err) {
        if (sender->failed++ == 0) {
            say_not_delivered(message, sender->bench->topic);
        }
        return;
    }
    sender->acknowledged++;
    sender->last_us = bench_now_us();
    if (sender->bench->transaction == 0)
        histogram_add(&sender->latency, sender->last_us - (uint64_t)(uintptr_t)message->_private);
}

static void *report(void *argument) {
    struct sender *sender = argument;
    while (!sender->finished) {
        rd_kafka_poll(sender->client, 50);
    }
    return NULL;
}

/* Waits for room in the client's queue; the intended time stays, so the wait counts. */
static void offer_one(struct sender *sender, uint64_t n, uint64_t intended, char *stamped) {
    struct bench *bench = sender->bench;
    const char *payload = bench->payloads + n % bench->payload_count * (uint64_t)bench->size;
    if (stamped) {
        memcpy(stamped, payload, (size_t)bench->size);
        memcpy(stamped, &intended, BENCH_STAMP);
        payload = stamped;
    }
    int32_t partition = (int32_t)((n + (uint64_t)sender->index) % (uint64_t)bench->partitions);
    sender->waiting = true;
    while (rd_kafka_produce(sender->topic, partition, stamped ? RD_KAFKA_MSG_F_COPY : 0,
                            (void *)(uintptr_t)payload, (size_t)bench->size, NULL, 0,
                            (void *)(uintptr_t)intended) != 0) {
        if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
            sender->failed++;
            sender->waiting = false;
            return;
        }
        if (bench->takes_reports)
            rd_kafka_poll(sender->client, 1);
        else
            sleep_until(bench_now_us() + 500);
    }
}

/* ---- Transactions ---- */

static bool is_done(struct sender *sender, rd_kafka_error_t *error, const char *what) {
    if (!error) return true;
    say("%s: %s", what, rd_kafka_error_string(error));
    rd_kafka_error_destroy(error);
    sender->failed++;
    return false;
}

static bool begin_transaction(struct sender *sender) {
    sender->began_us = bench_now_us();
    return is_done(sender, rd_kafka_begin_transaction(sender->client),
                   "no transaction can be begun");
}

static bool commit_transaction(struct sender *sender) {
    bool done = is_done(sender, rd_kafka_commit_transaction(sender->client, DRAIN_MS),
                        "a transaction was not committed");
    if (done) histogram_add(&sender->latency, bench_now_us() - sender->began_us);
    return done;
}

/* Behind each record: the transaction ends and the next one begins, if it has all of its own. */
static bool go_on_in_transaction(struct sender *sender, uint64_t records) {
    int64_t of_each = sender->bench->transaction;
    if (of_each == 0 || records % (uint64_t)of_each > 0) return true;
    return commit_transaction(sender) && begin_transaction(sender);
}

/* Offers until the end. What is more than LATE_US late by then is not sent any more: the rate was
 * missed anyhow. */
static void *bench_offer(void *argument) {
    struct sender *sender = argument;
    struct bench *bench = sender->bench;
    double step = bench->rate > 0 ? 1e6 * (double)bench->connections / (double)bench->rate : 0;
    double first = (double)bench->begin_us + step * sender->index / (double)bench->connections;
    char *stamped = bench->stamping ? mem_alloc((size_t)bench->size) : NULL;
    bool goes = bench->transaction == 0 || begin_transaction(sender);
    for (; goes; sender->offered++) {
        uint64_t intended = step > 0 ? (uint64_t)(first + step * (double)sender->offered)
                                     : bench_now_us();
        if (intended >= bench->end_us || bench_now_us() >= bench->end_us + LATE_US ||
            interrupted()) {
            break;
        }
        if (step > 0 && intended > bench_now_us()) {
            sleep_until(intended);
        }
        offer_one(sender, sender->offered, intended, stamped);
        while (bench->one_at_a_time && sender->waiting && !interrupted()) {
            rd_kafka_poll(sender->client, 1000);
        }
        goes = go_on_in_transaction(sender, sender->offered + 1);
    }
    if (goes && bench->transaction > 0) {
        is_done(sender, rd_kafka_commit_transaction(sender->client, DRAIN_MS),
                "the last transaction was not committed");
    }
    mem_free(stamped);
    return NULL;
}

static rd_kafka_conf_t *bench_conf(const struct bench *bench) {
    rd_kafka_conf_t *conf = kafka_conf(bench->in);
    kafka_properties_set(conf, bench->in);
    return conf;
}

static void open_sender(struct bench *bench, int index) {
    struct sender *sender = &bench->senders[index];
    sender->bench = bench;
    sender->index = index;
    rd_kafka_conf_t *conf = bench_conf(bench);
    rd_kafka_conf_set_opaque(conf, sender);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    if (bench->transaction > 0) {
        char id[300];
        snprintf(id, sizeof(id), "bench-%s-%d", bench->topic, index);
        kafka_conf_set(conf, "transactional.id", id);
    }
    sender->client = kafka_client(RD_KAFKA_PRODUCER, conf);
    if (bench->transaction > 0) {
        is_done(sender, rd_kafka_init_transactions(sender->client, DRAIN_MS),
                "the transactional id cannot be had");
    }
    sender->topic = rd_kafka_topic_new(sender->client, bench->topic, NULL);
}

/* ---- Results ---- */

struct result {
    const char *mode;
    double seconds;
    uint64_t records, bytes, failed;
    const struct histogram *latency;
    double joined_s; /* of a group: until it had a partition */
};

static void print_result_json(const struct bench *bench, const struct result *result,
                              double achieved, double mb_per_s) {
    const struct histogram *latency = result->latency;
    json_t *object = json_pack(
        "{s:s,s:s,s:I,s:f,s:I,s:I,s:f,s:I,s:f,s:f,s:I,s:I,s:I,s:I,s:I,s:I}", "mode", result->mode,
        "topic", bench->topic, "size", (json_int_t)bench->size, "seconds", result->seconds,
        "connections", (json_int_t)bench->connections, "offered_rate", (json_int_t)bench->rate,
        "achieved_rate", achieved, "records", (json_int_t)result->records, "records_per_s",
        achieved, "mb_per_s", mb_per_s, "p50_us", (json_int_t)histogram_quantile(latency, 0.5),
        "p90_us", (json_int_t)histogram_quantile(latency, 0.9), "p99_us",
        (json_int_t)histogram_quantile(latency, 0.99), "p999_us",
        (json_int_t)histogram_quantile(latency, 0.999), "max_us", (json_int_t)latency->max,
        "errors", (json_int_t)result->failed);
    if (invocation_has(bench->in, 'G')) {
        json_object_set_new(object, "joined_s", json_real(result->joined_s));
    }
    print_json(object);
}

static void print_result_text(const struct bench *bench, const struct result *result,
                              double achieved, double mb_per_s) {
    const struct histogram *latency = result->latency;
    print_text("%s %s: %" PRIu64 " records in %.1f s, %.0f records/s, %.1f MB/s, %" PRIu64
               " failed\n",
               result->mode, bench->topic, result->records, result->seconds, achieved, mb_per_s,
               result->failed);
    if (latency->count) {
        print_text("latency: p50 %.2f ms, p90 %.2f ms, p99 %.2f ms, p99.9 %.2f ms, max %.2f ms\n",
                   (double)histogram_quantile(latency, 0.5) / 1e3,
                   (double)histogram_quantile(latency, 0.9) / 1e3,
                   (double)histogram_quantile(latency, 0.99) / 1e3,
                   (double)histogram_quantile(latency, 0.999) / 1e3, (double)latency->max / 1e3);
    }
    if (invocation_has(bench->in, 'G')) {
        print_text("the group had its first partition after %.1f s, which is not counted\n",
                   result->joined_s);
    }
}

static int print_result(const struct bench *bench, const struct result *result) {
    double seconds = result->seconds;
    double achieved = seconds > 0 ? (double)result->records / seconds : 0;
    double mb_per_s = seconds > 0 ? (double)result->bytes / 1e6 / seconds : 0;
    if (bench->in->json) {
        print_result_json(bench, result, achieved, mb_per_s);
    } else {
        print_result_text(bench, result, achieved, mb_per_s);
    }
    if (bench->rate > 0 && achieved < 0.99 * (double)bench->rate) {
        say("%.0f records/s were offered, but only %.0f achieved; offer less, or look what is full (CPU, disk)",
            (double)bench->rate, achieved);
        return EXIT_REFUSED;
    }
    return result->failed || result->records == 0 ? EXIT_REFUSED : EXIT_DONE;
}

static void take_read(struct result *result, const struct bench_read *read) {
    result->records = read->records;
    result->bytes = read->bytes;
    result->failed += read->errors;
    result->latency = &read->age;
    result->joined_s = (double)(read->first_us - read->opened_us) / 1e6;
}

/* Up to the last acknowledgement or record: what the threads need to end is not the cluster's time.
 */
static double seconds_until(const struct bench *bench, uint64_t last_us) {
    return last_us > bench->begin_us ? (double)(last_us - bench->begin_us) / 1e6 : 0;
}

/* ---- The three modes ---- */

static struct bench_readers *open_readers(const struct bench *bench, bool tail) {
    return bench_readers_open(
        &(struct bench_reading){.in = bench->in,
                                .topic = bench->topic,
                                .partitions = bench->partitions,
                                .group = invocation_value(bench->in, 'G', NULL),
                                .members = (int)bench->connections,
                                .from_end = tail,
                                .stamped = tail});
}

/* Until every partition has been read to its end; false: that cannot be. */
static bool wait_reached(const struct bench *bench, const struct bench_readers *readers) {
    struct patience patience;
    patience_begin(&patience);
    while (!bench_readers_reached(readers)) {
        if (bench_readers_failed(readers) || interrupted()) return false;
        patience_say(&patience, "the consumer to reach the end of \"%s\"", bench->topic);
        sleep_until(bench_now_us() + 1000);
    }
    return true;
}

static void wait_arrived(const struct bench_readers *readers, uint64_t wanted) {
    uint64_t limit = bench_now_us() + DRAIN_MS * 1000U;
    while (bench_readers_count(readers) < wanted && bench_now_us() < limit && !interrupted()) {
        sleep_until(bench_now_us() + 10000);
    }
}

static void start_senders(struct bench *bench) {
    bench->senders = mem_zalloc((size_t)bench->connections * sizeof(*bench->senders));
    for (int i = 0; i < bench->connections; i++) {
        open_sender(bench, i);
    }
    bench->begin_us = bench_now_us() + 100000;
    bench->end_us = bench->begin_us + (uint64_t)bench->seconds * 1000000;
    for (int i = 0; i < bench->connections; i++) {
        pthread_create(&bench->senders[i].offering, NULL, bench_offer, &bench->senders[i]);
        if (!bench->takes_reports) {
            pthread_create(&bench->senders[i].reporting, NULL, report, &bench->senders[i]);
        }
    }
}

/* Waits for every sender and adds up what they saw. */
static void join_senders(struct bench *bench, struct histogram *latency, uint64_t *acknowledged,
                         uint64_t *failed, uint64_t *last_us) {
    *acknowledged = *failed = *last_us = 0;
    for (int i = 0; i < bench->connections; i++) {
        struct sender *sender = &bench->senders[i];
        pthread_join(sender->offering, NULL);
        rd_kafka_flush(sender->client, DRAIN_MS);
        sender->finished = true;
        if (!bench->takes_reports) {
            pthread_join(sender->reporting, NULL);
        }
        *acknowledged += sender->acknowledged;
        if (sender->last_us > *last_us) *last_us = sender->last_us;
        *failed += sender->failed + (uint64_t)rd_kafka_outq_len(sender->client);
        histogram_merge(latency, &sender->latency);
    }
}

static void close_senders(struct bench *bench) {
    for (int i = 0; i < bench->connections; i++) {
        rd_kafka_topic_destroy(bench->senders[i].topic);
        rd_kafka_destroy(bench->senders[i].client);
    }
    mem_free(bench->senders);
}

static int run_produce(struct bench *bench) {
    struct result result = {.mode = "produce"};
    uint64_t last_us;
    struct histogram *latency = mem_zalloc(sizeof(*latency));
    start_senders(bench);
    join_senders(bench, latency, &result.records, &result.failed, &last_us);
    result.bytes = result.records * (uint64_t)bench->size;
    result.seconds = seconds_until(bench, last_us);
    result.latency = latency;
    int code = print_result(bench, &result);
    close_senders(bench);
    mem_free(latency);
    return code;
}

/* Follows the tail first, so that no record is missed. */
static int run_e2e(struct bench *bench) {
    struct bench_readers *readers = open_readers(bench, true);
    struct bench_read *read = mem_zalloc(sizeof(*read));
    struct histogram *latency = mem_zalloc(sizeof(*latency));
    struct result result = {.mode = "e2e"};
    bench->stamping = true;
    if (wait_reached(bench, readers)) {
        uint64_t acknowledged, last_us;
        start_senders(bench);
        join_senders(bench, latency, &acknowledged, &result.failed, &last_us);
        wait_arrived(readers, acknowledged);
        close_senders(bench);
    }
    bench_readers_close(readers, read);
    take_read(&result, read);
    result.seconds = seconds_until(bench, read->last_us);
    int code = print_result(bench, &result);
    mem_free(latency);
    mem_free(read);
    return code;
}

static int run_consume(struct bench *bench) {
    struct bench_readers *readers = open_readers(bench, false);
    struct bench_read *read = mem_zalloc(sizeof(*read));
    struct result result = {.mode = "consume"};
    wait_reached(bench, readers);
    bench_readers_close(readers, read);
    take_read(&result, read);
    result.seconds = (double)(read->last_us - read->first_us) / 1e6;
    int code = print_result(bench, &result);
    mem_free(read);
    return code;
}

int command_bench(struct invocation *in) {
    const char *mode = in->words[0];
    bool produce = strcmp(mode, "produce") == 0, e2e = strcmp(mode, "e2e") == 0;
    if (!produce && !e2e && strcmp(mode, "consume") != 0) {
        say("drave bench measures produce, consume or e2e, not \"%s\"", mode);
        return EXIT_USAGE;
    }
    if (!produce && invocation_has(in, OPTION_TRANSACTION)) {
        say("--transaction is of bench produce");
        return EXIT_USAGE;
    }
    if (produce && invocation_has(in, 'G')) {
        say("bench produce reads nothing: -G is for consume and e2e");
        return EXIT_USAGE;
    }
    int code = kafka_properties_check(in, KAFKA_FOR_BENCH);
    if (code) {
        return code;
    }
    struct bench *bench = mem_zalloc(sizeof(*bench));
    bench->in = in;
    bench->topic = in->words[1];
    bench->rate = invocation_number(in, OPTION_RATE, 0, 0, 100000000);
    bench->size = invocation_number(in, OPTION_SIZE, 1024, BENCH_STAMP, 16 << 20);
    bench->seconds = (int64_t)(invocation_duration(in, OPTION_SECONDS, 10, 1, 86400) / 1000);
    bench->one_at_a_time = invocation_has(in, OPTION_SYNC);
    bench->transaction = invocation_number(in, OPTION_TRANSACTION, 0, 1, 100000000);
    bench->takes_reports = bench->one_at_a_time || bench->transaction > 0;
    bench->connections = invocation_number(in, OPTION_CONNECTIONS, 1, 1, CONNECTIONS_MAX);
    code = cluster_partitions(in, bench->topic, -1, &bench->partitions);
    if (!code) {
        make_payloads(bench);
        code = produce ? run_produce(bench) : e2e ? run_e2e(bench) : run_consume(bench);
        mem_free(bench->payloads);
    }
    mem_free(bench);
    return code;
}
