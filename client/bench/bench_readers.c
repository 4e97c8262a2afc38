/* The reading side of drave bench; what it is for is told in the header. */
#include "client/bench/bench_readers.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "client/kafka/kafka_client.h"
#include "client/kafka/kafka_property.h"
#include "client/line/talk.h"

enum { BATCH = 4096, WAIT_MS = 100 };

struct reader {
    struct bench_readers *readers;
    rd_kafka_t *client;
    rd_kafka_topic_t *topic; /* without a group */
    rd_kafka_queue_t *queue;
    pthread_t thread;
    rd_kafka_message_t *messages[BATCH];
    struct bench_read read;
};

struct bench_readers {
    struct bench_reading of;
    uint64_t opened_us;
    atomic_uint_fast64_t first_us, count;
    atomic_bool stop, failed;
    atomic_bool *reached; /* of each partition */
    atomic_int reached_count;
    int size;
    struct reader *each;
};

uint64_t bench_now_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* ---- What comes ---- */

static void note_end(struct bench_readers *readers, int32_t partition) {
    if (!atomic_exchange(&readers->reached[partition], true)) readers->reached_count++;
}

static void note_error(struct reader *reader, const rd_kafka_message_t *message) {
    if (reader->read.errors++ == 0) {
        say("topic \"%s\": %s", reader->readers->of.topic, kafka_reason(message->err));
    }
    reader->readers->failed = true;
}

static void take(struct reader *reader, const rd_kafka_message_t *message, uint64_t now) {
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        note_end(reader->readers, message->partition);
    } else if (message->err) {
        note_error(reader, message);
    } else {
        uint64_t intended = 0;
        reader->read.records++;
        reader->read.bytes += message->len;
        reader->read.last_us = now;
        if (reader->readers->of.stamped && message->len >= BENCH_STAMP) {
            memcpy(&intended, message->payload, BENCH_STAMP);
            histogram_add(&reader->read.age, now > intended ? now - intended : 0);
        }
    }
}

/* The batch call waits its whole time for a full batch, which would count as latency: wait for one,
 * take what is there. */
static void read_some(struct reader *reader) {
    rd_kafka_message_t **messages = reader->messages;
    messages[0] = rd_kafka_consume_queue(reader->queue, WAIT_MS);
    ssize_t n = messages[0] == NULL ? 0 : 1, more = 0;
    if (n == 1) more = rd_kafka_consume_batch_queue(reader->queue, 0, messages + 1, BATCH - 1);
    if (more > 0) n += more;
    uint64_t now = bench_now_us(), before = reader->read.records;
    for (ssize_t i = 0; i < n; i++) {
        take(reader, messages[i], now);
        rd_kafka_message_destroy(messages[i]);
    }
    reader->readers->count += reader->read.records - before;
}

static void *read_on(void *argument) {
    struct reader *reader = argument;
    while (!reader->readers->stop) {
        read_some(reader);
    }
    return NULL;
}

/* ---- Opening ---- */

/* A group's time begins when it has something to read; until then it was being made. */
static void on_rebalance(rd_kafka_t *client, rd_kafka_resp_err_t error,
                         rd_kafka_topic_partition_list_t *list, void *opaque) {
    struct reader *reader = opaque;
    bool cooperative = strcmp(rd_kafka_rebalance_protocol(client), "COOPERATIVE") == 0;
    bool assign = error == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
    rd_kafka_error_t *refused = NULL;
    if (assign && list->cnt > 0) {
        uint_fast64_t nobody = 0;
        atomic_compare_exchange_strong(&reader->readers->first_us, &nobody, bench_now_us());
    }
    if (cooperative && assign) {
        refused = rd_kafka_incremental_assign(client, list);
    } else if (cooperative) {
        refused = rd_kafka_incremental_unassign(client, list);
    } else {
        rd_kafka_assign(client, assign ? list : NULL);
    }
    if (refused) {
        say("group %s: %s", reader->readers->of.group, rd_kafka_error_string(refused));
        rd_kafka_error_destroy(refused);
        reader->readers->failed = true;
    }
}

static void subscribe(struct reader *reader, const char *topic) {
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, topic, RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t error = rd_kafka_subscribe(reader->client, topics);
    rd_kafka_topic_partition_list_destroy(topics);
    if (error) {
        say("group %s: %s", reader->readers->of.group, kafka_reason(error));
        reader->readers->failed = true;
    }
}

static void open_reader(struct reader *reader, struct bench_readers *readers) {
    const struct bench_reading *of = &readers->of;
    reader->readers = readers;
    rd_kafka_conf_t *conf = kafka_conf(of->in);
    kafka_conf_set(conf, "enable.partition.eof", "true");
    /* The client stops to fetch for a second when it has more: that is not what is measured. */
    kafka_conf_set(conf, "queued.min.messages", "10000000");
    kafka_conf_set(conf, "queued.max.messages.kbytes", "1048576");
    if (of->group) {
        kafka_conf_set(conf, "group.id", of->group);
        kafka_conf_set(conf, "auto.offset.reset", of->from_end ? "latest" : "earliest");
        rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
    }
    kafka_properties_set(conf, of->in);
    rd_kafka_conf_set_opaque(conf, reader);
    reader->client = kafka_client(RD_KAFKA_CONSUMER, conf);
    if (of->group) {
        rd_kafka_poll_set_consumer(reader->client);
        reader->queue = rd_kafka_queue_get_consumer(reader->client);
        subscribe(reader, of->topic);
        return;
    }
    reader->topic = rd_kafka_topic_new(reader->client, of->topic, NULL);
    reader->queue = rd_kafka_queue_new(reader->client);
    for (int32_t p = 0; p < of->partitions; p++) {
        rd_kafka_consume_start_queue(reader->topic, p,
                                     of->from_end ? RD_KAFKA_OFFSET_END : RD_KAFKA_OFFSET_BEGINNING,
                                     reader->queue);
    }
}

struct bench_readers *bench_readers_open(const struct bench_reading *reading) {
    struct bench_readers *readers = mem_zalloc(sizeof(*readers));
    readers->of = *reading;
    readers->opened_us = bench_now_us();
    readers->first_us = reading->group ? 0 : readers->opened_us;
    readers->reached = mem_zalloc((size_t)reading->partitions * sizeof(*readers->reached));
    readers->size = reading->group ? reading->members : 1;
    readers->each = mem_zalloc((size_t)readers->size * sizeof(*readers->each));
    for (int i = 0; i < readers->size; i++) {
        open_reader(&readers->each[i], readers);
    }
    for (int i = 0; i < readers->size; i++) {
        pthread_create(&readers->each[i].thread, NULL, read_on, &readers->each[i]);
    }
    return readers;
}

/* ---- Results ---- */

bool bench_readers_reached(const struct bench_readers *readers) {
    return readers->reached_count >= readers->of.partitions;
}

uint64_t bench_readers_count(const struct bench_readers *readers) {
    return readers->count;
}

bool bench_readers_failed(const struct bench_readers *readers) {
    return readers->failed;
}

static void close_reader(struct reader *reader) {
    if (reader->topic) {
        rd_kafka_queue_destroy(reader->queue);
        rd_kafka_topic_destroy(reader->topic);
    } else {
        rd_kafka_queue_destroy(reader->queue);
        rd_kafka_consumer_close(reader->client); /* commits, and leaves */
    }
    rd_kafka_destroy(reader->client);
}

void bench_readers_close(struct bench_readers *readers, struct bench_read *read) {
    readers->stop = true;
    memset(read, 0, sizeof(*read));
    read->opened_us = readers->opened_us;
    read->first_us = read->last_us = readers->first_us ? readers->first_us : readers->opened_us;
    for (int i = 0; i < readers->size; i++) {
        struct reader *reader = &readers->each[i];
        pthread_join(reader->thread, NULL);
        read->records += reader->read.records;
        read->bytes += reader->read.bytes;
        read->errors += reader->read.errors;
        if (reader->read.last_us > read->last_us) read->last_us = reader->read.last_us;
        histogram_merge(&read->age, &reader->read.age);
        close_reader(reader);
    }
    mem_free(readers->each);
    mem_free(readers->reached);
    mem_free(readers);
}
