/*
 * drave bench: measures a topic as a client sees it.
 *
 * Happy path: an open loop: records have an intended send time, whatever the cluster does, and
 * latency runs from there to the acknowledgement (produce) or to the arrival at a consumer (e2e);
 * `consume` reads a topic from its start to its end. Payloads are half random. Failures: records
 * that failed are counted; under 99 % of the offered rate, exit code 1.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "client/kafka/cluster_view.h"
#include "client/kafka/kafka_client.h"
#include "client/kafka/kafka_property.h"
#include "client/line/histogram.h"
#include "client/line/talk.h"

enum { BATCH = 4096, DRAIN_MS = 30000, CONNECTIONS_MAX = 1024, STAMP = 8, LATE_US = 1000000 };

/* So many bytes of different payloads, that no codec finds one of them again in its window. */
enum { PAYLOAD_BYTES = 8 << 20, PAYLOADS_MIN = 4, PAYLOADS_MAX = 65536 };

struct bench;

/* One producer with a thread that offers and a thread that takes the reports (with --sync the first
 * does both). */
struct sender {
    struct bench *bench;
    int index;
    rd_kafka_t *client;
    rd_kafka_topic_t *topic;
    pthread_t offering, reporting;
    atomic_bool finished, waiting; /* waiting: --sync, a record is under way */
    struct histogram latency;
    uint64_t offered, acknowledged, failed;
    uint64_t last_us; /* when the last acknowledgement came */
};

struct bench {
    const struct invocation *in;
    const char *topic;
    int32_t partitions;
    int64_t rate, size, seconds, connections;
    bool one_at_a_time;
    uint64_t begin_us, end_us;
    char *payloads; /* payload_count of them, each of `size` bytes */
    uint64_t payload_count;
    struct sender *senders;
    struct histogram arrival; /* e2e */
    uint64_t arrived, bytes;
    atomic_bool reading, stop_reading;
};

static uint64_t now_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

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
    sender->last_us = now_us();
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
        memcpy(stamped, &intended, STAMP);
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
        sleep_until(now_us() + 500);
    }
}

/* Offers until the end. What is more than LATE_US late by then is not sent any more: the rate was
 * missed anyhow. */
static void *bench_offer(void *argument) {
    struct sender *sender = argument;
    struct bench *bench = sender->bench;
    double step = bench->rate > 0 ? 1e6 * (double)bench->connections / (double)bench->rate : 0;
    double first = (double)bench->begin_us + step * sender->index / (double)bench->connections;
    char *stamped = bench->reading ? mem_alloc((size_t)bench->size) : NULL;
    for (;; sender->offered++) {
        uint64_t intended = step > 0 ? (uint64_t)(first + step * (double)sender->offered)
                                     : now_us();
        if (intended >= bench->end_us || now_us() >= bench->end_us + LATE_US || interrupted()) {
            break;
        }
        if (step > 0 && intended > now_us()) {
            sleep_until(intended);
        }
        offer_one(sender, sender->offered, intended, stamped);
        while (bench->one_at_a_time && sender->waiting && !interrupted()) {
            rd_kafka_poll(sender->client, 1000);
        }
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
    sender->client = kafka_client(RD_KAFKA_PRODUCER, conf);
    sender->topic = rd_kafka_topic_new(sender->client, bench->topic, NULL);
}

/* ---- Reading ---- */

struct reader {
    rd_kafka_t *client;
    rd_kafka_topic_t *topic;
    rd_kafka_queue_t *queue;
};

static void open_reader(struct bench *bench, struct reader *reader, int64_t from) {
    rd_kafka_conf_t *conf = bench_conf(bench);
    kafka_conf_set(conf, "enable.partition.eof", "true");
    reader->client = kafka_client(RD_KAFKA_CONSUMER, conf);
    reader->topic = rd_kafka_topic_new(reader->client, bench->topic, NULL);
    reader->queue = rd_kafka_queue_new(reader->client);
    for (int32_t p = 0; p < bench->partitions; p++) {
        rd_kafka_consume_start_queue(reader->topic, p, from, reader->queue);
    }
}

static void close_reader(struct reader *reader) {
    rd_kafka_queue_destroy(reader->queue);
    rd_kafka_topic_destroy(reader->topic);
    rd_kafka_destroy(reader->client);
}

/* Reads what is there, waiting a tenth of a second for a first record; returns the time of the last
 * one, or of the call. `at_end` counts partitions that were read to their end. */
static uint64_t read_records(struct bench *bench, struct reader *reader, bool stamped,
                             int32_t *at_end) {
    static rd_kafka_message_t *messages[BATCH];
    uint64_t last = now_us();
    /* The batch call waits its whole time for a full batch, which would count as latency: wait for
     * one, take what is there. */
    messages[0] = rd_kafka_consume_queue(reader->queue, 100);
    ssize_t n = messages[0] == NULL ? 0 : 1, more = 0;
    if (n == 1) more = rd_kafka_consume_batch_queue(reader->queue, 0, messages + 1, BATCH - 1);
    if (more > 0) n += more;
    uint64_t now = now_us();
    for (ssize_t i = 0; i < n; i++) {
        if (messages[i]->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
            (*at_end)++;
        } else if (!messages[i]->err) {
            uint64_t intended = 0;
            bench->arrived++;
            bench->bytes += messages[i]->len;
            if (stamped && messages[i]->len >= STAMP) {
                memcpy(&intended, messages[i]->payload, STAMP);
                histogram_add(&bench->arrival, now > intended ? now - intended : 0);
            }
            last = now;
        }
        rd_kafka_message_destroy(messages[i]);
    }
    return last;
}

static void *read_tail(void *argument) {
    struct bench *bench = argument;
    struct reader reader;
    int32_t at_end = 0;
    open_reader(bench, &reader, RD_KAFKA_OFFSET_END);
    while (at_end < bench->partitions && !bench->stop_reading) {
        read_records(bench, &reader, true,
                     &at_end); /* each partition reports its end once it is being followed */
    }
    bench->reading = true;
    while (!bench->stop_reading) {
        read_records(bench, &reader, true, &at_end);
    }
    close_reader(&reader);
    return NULL;
}

/* ---- Results ---- */

static int print_result(const struct bench *bench, const char *mode, double seconds,
                        uint64_t records, const struct histogram *latency, uint64_t failed) {
    double achieved = seconds > 0 ? (double)records / seconds : 0, mb = (double)bench->bytes / 1e6;
    if (bench->in->json) {
        print_json(json_pack("{s:s,s:s,s:I,s:f,s:I,s:I,s:f,s:I,s:f,s:f,s:I,s:I,s:I,s:I,s:I,s:I}",
                             "mode", mode, "topic", bench->topic, "size", (json_int_t)bench->size,
                             "seconds", seconds, "connections", (json_int_t)bench->connections,
                             "offered_rate", (json_int_t)bench->rate, "achieved_rate", achieved,
                             "records", (json_int_t)records, "records_per_s", achieved, "mb_per_s",
                             seconds > 0 ? mb / seconds : 0, "p50_us",
                             (json_int_t)histogram_quantile(latency, 0.5), "p90_us",
                             (json_int_t)histogram_quantile(latency, 0.9), "p99_us",
                             (json_int_t)histogram_quantile(latency, 0.99), "p999_us",
                             (json_int_t)histogram_quantile(latency, 0.999), "max_us",
                             (json_int_t)latency->max, "errors", (json_int_t)failed));
    } else {
        print_text(
            "%s %s: %" PRIu64 " records in %.1f s, %.0f records/s, %.1f MB/s, %" PRIu64 " failed\n",
            mode, bench->topic, records, seconds, achieved, seconds > 0 ? mb / seconds : 0, failed);
        if (latency->count) {
            print_text(
                "latency: p50 %.2f ms, p90 %.2f ms, p99 %.2f ms, p99.9 %.2f ms, max %.2f ms\n",
                (double)histogram_quantile(latency, 0.5) / 1e3,
                (double)histogram_quantile(latency, 0.9) / 1e3,
                (double)histogram_quantile(latency, 0.99) / 1e3,
                (double)histogram_quantile(latency, 0.999) / 1e3, (double)latency->max / 1e3);
        }
    }
    if (bench->rate > 0 && achieved < 0.99 * (double)bench->rate) {
        say("%.0f records/s were offered, but only %.0f achieved; offer less, or look what is full (CPU, disk)",
            (double)bench->rate, achieved);
        return EXIT_REFUSED;
    }
    return failed || records == 0 ? EXIT_REFUSED : EXIT_DONE;
}

/* Follows the tail first, so that no record is missed. */
static void start_tail(struct bench *bench, pthread_t *tail) {
    struct patience patience;
    patience_begin(&patience);
    pthread_create(tail, NULL, read_tail, bench);
    while (!bench->reading && !interrupted()) {
        patience_say(&patience, "the consumer to reach the end of \"%s\"", bench->topic);
        sleep_until(now_us() + 10000);
    }
}

static void stop_tail(struct bench *bench, pthread_t tail, uint64_t wanted) {
    uint64_t limit = now_us() + DRAIN_MS * 1000U;
    while (bench->arrived < wanted && now_us() < limit) {
        sleep_until(now_us() + 10000);
    }
    bench->stop_reading = true;
    pthread_join(tail, NULL);
}

static void start_senders(struct bench *bench) {
    bench->senders = mem_zalloc((size_t)bench->connections * sizeof(*bench->senders));
    for (int i = 0; i < bench->connections; i++) {
        open_sender(bench, i);
    }
    bench->begin_us = now_us() + 100000;
    bench->end_us = bench->begin_us + (uint64_t)bench->seconds * 1000000;
    for (int i = 0; i < bench->connections; i++) {
        pthread_create(&bench->senders[i].offering, NULL, bench_offer, &bench->senders[i]);
        if (!bench->one_at_a_time) {
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
        if (!bench->one_at_a_time) {
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

static int run_produce(struct bench *bench, bool e2e) {
    pthread_t tail;
    struct histogram *latency = mem_zalloc(sizeof(*latency));
    uint64_t acknowledged, failed, last_us;
    if (e2e) {
        start_tail(bench, &tail);
    }
    start_senders(bench);
    join_senders(bench, latency, &acknowledged, &failed, &last_us);
    /* Up to the last acknowledgement: what the threads need to end is not the cluster's time. */
    double seconds = last_us > bench->begin_us ? (double)(last_us - bench->begin_us) / 1e6 : 0;
    if (e2e) {
        stop_tail(bench, tail, acknowledged);
    } else {
        bench->bytes = acknowledged * (uint64_t)bench->size;
    }
    int code = print_result(bench, e2e ? "e2e" : "produce", seconds,
                            e2e ? bench->arrived : acknowledged, e2e ? &bench->arrival : latency,
                            failed);
    close_senders(bench);
    mem_free(latency);
    return code;
}

static int run_consume(struct bench *bench) {
    struct reader reader;
    int32_t at_end = 0;
    uint64_t begin = now_us(), last = begin;
    open_reader(bench, &reader, RD_KAFKA_OFFSET_BEGINNING);
    while (at_end < bench->partitions && !interrupted()) {
        uint64_t before = bench->arrived, at = read_records(bench, &reader, false, &at_end);
        last = bench->arrived > before ? at : last;
    }
    close_reader(&reader);
    return print_result(bench, "consume", (double)(last - begin) / 1e6, bench->arrived,
                        &bench->arrival, 0);
}

int command_bench(struct invocation *in) {
    const char *mode = in->words[0];
    bool produce = strcmp(mode, "produce") == 0, e2e = strcmp(mode, "e2e") == 0;
    if (!produce && !e2e && strcmp(mode, "consume") != 0) {
        say("drave bench measures produce, consume or e2e, not \"%s\"", mode);
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
    bench->size = invocation_number(in, OPTION_SIZE, 1024, STAMP, 16 << 20);
    bench->seconds = (int64_t)(invocation_duration(in, OPTION_SECONDS, 10, 1, 86400) / 1000);
    bench->one_at_a_time = invocation_has(in, OPTION_SYNC);
    bench->connections = invocation_number(in, OPTION_CONNECTIONS, 1, 1, CONNECTIONS_MAX);
    code = cluster_partitions(in, bench->topic, -1, &bench->partitions);
    if (!code) {
        make_payloads(bench);
        code = produce || e2e ? run_produce(bench, e2e) : run_consume(bench);
        mem_free(bench->payloads);
    }
    mem_free(bench);
    return code;
}
