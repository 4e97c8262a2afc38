/* A producer and its retries; producer.h has the rules. */
#include "tests/sim/producer.h"

#include <inttypes.h>
#include <string.h>

#include "base/check.h"
#include "base/container_of.h"
#include "base/mem.h"
#include "protocol/kafka_error.h"
#include "protocol/record/record_batch_builder.h"
#include "tests/sim/produce_call.h"

enum {
    WINDOW_MAX = 5,
    CALL_US = 4000000,
    BACKOFF_US = 20000,
    VALUE_MOST = 1500,
    FRESH_US = 1500000
};

struct batch {
    struct kafka_call call; /* first: a call is its batch */
    struct producer *producer;
    uint64_t ordinal; /* among the batches of this producer */
    uint64_t first;   /* number of the first record */
    int32_t count;
    uint8_t *bytes;
    size_t len;
    unsigned sends;
    bool in_flight;
    bool apart;         /* one before it was under way to another broker when it was sent */
    int32_t node;       /* to which it was sent */
    int64_t end_before; /* what was in the partition when it was sent again */
};

struct producer {
    struct run *run;
    struct kafka_client *client;
    struct history *history;
    struct producer_options options;
    struct identity identity; /* of an idempotent one */
    int32_t sequence;
    uint64_t next, next_ordinal;
    struct batch *outstanding[WINDOW_MAX]; /* in order */
    unsigned count, in_flight;
    bool draining; /* something failed: nothing more is sent until nothing is in flight */
    bool finishing, sabotaging, known;
    bool anew; /* when nothing is in flight any more it begins anew */
    struct kafka_call sabotage;
    struct env_timer *timer;
};

static uint64_t draw(struct producer *producer, uint64_t limit) {
    return world_below(producer->run->world, limit);
}

static void later(struct producer *producer, uint64_t typical_us) {
    env_timer_start(producer->timer, typical_us / 2 + draw(producer, typical_us + 1));
}

/* ---- Batches ---- */

static void make_batch(struct producer *producer) {
    struct batch *batch = mem_zalloc(sizeof *batch);
    struct record_batch_options options = record_batch_plain();

    batch->producer = producer;
    batch->ordinal = producer->next_ordinal++;
    batch->first = producer->next;
    batch->count = 1 + (int32_t)draw(producer, 4);
    options.codec = (enum record_codec)draw(producer, draw(producer, 3) == 0 ? 5 : 1);
    if (producer->options.idempotent) {
        options.producer_id = producer->identity.id;
        options.producer_epoch = producer->identity.epoch;
        options.base_sequence = producer->sequence;
        producer->sequence += batch->count;
    }
    struct record_batch_builder *builder = record_batch_builder_new(&options);
    for (int32_t i = 0; i < batch->count; i++) {
        size_t len = HISTORY_VALUE_MIN +
                     draw(producer, draw(producer, 20) == 0 ? VALUE_MOST - HISTORY_VALUE_MIN : 100);
        produce_append(producer->client, builder, producer->options.number, producer->next++, len);
    }
    int error = record_batch_builder_finish(builder, &batch->bytes, &batch->len);
    CHECK(error == ERR_NONE);
    producer->outstanding[producer->count++] = batch;
}

static void forget(struct producer *producer, struct batch *batch) {
    unsigned place = 0;

    while (producer->outstanding[place] != batch)
        place++;
    producer->count--;
    memmove(&producer->outstanding[place], &producer->outstanding[place + 1],
            (producer->count - place) * sizeof(struct batch *));
    mem_free(batch->bytes);
    mem_free(batch);
}

/* ---- Answers ---- */

static void acknowledged(struct producer *producer, struct batch *batch, int64_t offset) {
    if (batch->sends > 1 && offset < batch->end_before)
        run_count(producer->run, RARE_DEDUP_HITS, producer->options.idempotent);
    run_say(producer->run,
            "producer %u: records %" PRIu64 " to %" PRIu64 " acknowledged at offset %" PRId64
            ", sent %u times",
            producer->options.number, batch->first, batch->first + (uint64_t)batch->count - 1,
            offset, batch->sends);
    for (int32_t i = 0; i < batch->count; i++) {
        history_acknowledged(producer->history, producer->options.number,
                             batch->first + (uint64_t)i, offset + i);
        producer->options.acknowledged(producer->options.arg, producer->options.partition,
                                       offset + i, producer->options.number,
                                       batch->first + (uint64_t)i);
    }
    producer->known = true;
    forget(producer, batch);
}

static void failed(struct producer *producer) {
    producer->draining = true;
    kafka_client_refresh(producer->client);
}

/* Errors that only a broker which forgot, or took something twice, would give. */
static void judge_refusal(struct producer *producer, const struct batch *batch, int16_t code) {
    if (kafka_error_retriable(code) || producer->anew) return;
    bool gap = code == KAFKA_OUT_OF_ORDER_SEQUENCE_NUMBER || code == KAFKA_UNKNOWN_PRODUCER_ID;
    if (gap && (producer->outstanding[0] != batch || batch->apart))
        return; /* one before it failed, or was later */
    run_fail(producer->run,
             "producer %u (%s, partition %d): batch of records %" PRIu64 " to %" PRIu64
             ", sent %u times, gets %s",
             producer->options.number, producer->options.idempotent ? "idempotent" : "plain",
             producer->options.partition, batch->first, batch->first + (uint64_t)batch->count - 1,
             batch->sends, kafka_error_name(code));
}

static void take_answer(struct producer *producer, struct batch *batch,
                        const struct kp_produce_response *response) {
    const struct kp_produce_response_partition *partition = produce_answer(
        producer->run, response, producer->options.partition);
    if (partition->error_code == KAFKA_NONE) {
        acknowledged(producer, batch, partition->base_offset);
        return;
    }
    run_say(producer->run, "producer %u: records %" PRIu64 " on get %s", producer->options.number,
            batch->first, kafka_error_name(partition->error_code));
    judge_refusal(producer, batch, partition->error_code);
    failed(producer);
}

static void answered(struct kafka_call *call, int error, const void *response) {
    struct batch *batch = (struct batch *)call;
    struct producer *producer = batch->producer;

    batch->in_flight = false;
    producer->in_flight--;
    if (error == ERR_NONE) {
        take_answer(producer, batch, response);
    } else {
        run_say(producer->run, "producer %u: records %" PRIu64 " on: %s", producer->options.number,
                batch->first, error_phrase(error));
        run_count(producer->run, RARE_UNKNOWN_RESULTS, 1);
        failed(producer);
    }
    if (producer->in_flight > 0) return;
    later(producer, producer->draining ? BACKOFF_US : producer->options.interval_us);
    producer->draining = false;
}

/* ---- Sending ---- */

static void call_produce(struct producer *producer, struct kafka_call *call, int32_t node,
                         const uint8_t *bytes, size_t len) {
    int16_t acks = producer->options.idempotent || draw(producer, 2) == 0 ? -1 : 1;

    produce_call(producer->client, kafka_client_link(producer->client, node), call,
                 producer->options.partition, acks, bytes, len, CALL_US);
}

static void send_batch(struct producer *producer, struct batch *batch, int32_t node) {
    for (int32_t i = 0; i < batch->count; i++)
        history_sent(producer->history, producer->options.number, batch->first + (uint64_t)i);
    batch->apart = false;
    for (unsigned i = 0; producer->outstanding[i] != batch; i++)
        batch->apart |= producer->outstanding[i]->in_flight &&
                        producer->outstanding[i]->node != node;
    batch->node = node;
    if (batch->sends++ > 0)
        batch->end_before = history_end(producer->history, producer->options.partition);
    batch->in_flight = true;
    producer->in_flight++;
    batch->call.done = answered;
    call_produce(producer, &batch->call, node, batch->bytes, batch->len);
}

/* ---- Damage: a batch whose checksum does not match must be refused ---- */

static void refused(struct kafka_call *call, int error, const void *answer) {
    struct producer *producer = CONTAINER_OF(call, struct producer, sabotage);
    const struct kp_produce_response *response = answer;

    producer->sabotaging = false;
    if (error == ERR_NONE &&
        response->responses.items[0].partition_responses.items[0].error_code == KAFKA_NONE)
        run_fail(producer->run, "partition %d takes a batch with a wrong checksum",
                 producer->options.partition);
}

static void send_damaged(struct producer *producer, int32_t node) {
    struct record_batch_options options = record_batch_plain();
    struct record_batch_builder *builder = record_batch_builder_new(&options);
    uint8_t value[HISTORY_VALUE_MIN + 40] = {0}, *bytes;
    size_t len;

    record_batch_builder_append(builder, env_wall_ms(kafka_client_env(producer->client)), NULL, -1,
                                value, sizeof value, NULL, 0);
    int error = record_batch_builder_finish(builder, &bytes, &len);
    CHECK(error == ERR_NONE);
    bytes[len - 1 - draw(producer, sizeof value - 1)] ^=
        (uint8_t)(1 + draw(producer, 255)); /* inside the value */
    producer->sabotaging = true;
    producer->sabotage.done = refused;
    call_produce(producer, &producer->sabotage, node, bytes, len);
    mem_free(bytes);
}

/* Metadata may be old: the leader before, which may not know yet that it leads no more. */
static int32_t whom_to_ask(struct producer *producer, struct known_leader leader) {
    bool fresh = world_now_us(producer->run->world) - leader.since_us < FRESH_US;
    bool old = leader.before > 0 && producer->options.idempotent &&
               draw(producer, fresh ? 5 : 60) == 0;

    return old ? leader.before : leader.node;
}

static void send_outstanding(struct producer *producer) {
    struct known_leader leader = kafka_client_leader(producer->client, producer->options.partition);

    if (leader.node < 0) {
        kafka_client_refresh(producer->client);
        later(producer, BACKOFF_US);
        return;
    }
    if (!producer->sabotaging && draw(producer, 50) == 0) send_damaged(producer, leader.node);
    int32_t node = whom_to_ask(producer, leader);
    for (unsigned i = 0; i < producer->count; i++)
        if (!producer->outstanding[i]->in_flight)
            send_batch(producer, producer->outstanding[i], node);
}

/* ---- Life ---- */

/* The broker knows the last five batches: the oldest one without a result must stay among them. */
static bool may_go_on(const struct producer *producer) {
    return producer->count == 0 ||
           producer->next_ordinal < producer->outstanding[0]->ordinal + producer->options.window;
}

static void begin_anew(struct producer *producer) {
    producer->anew = false;
    while (producer->count > 0)
        forget(producer, producer->outstanding[0]);
    producer->identity.id = -1;
    producer->sequence = 0;
    history_producer_anew(producer->history, producer->options.number);
}

static void step(void *arg) {
    struct producer *producer = arg;

    if (producer->identity.asking || producer->draining) return; /* the answer goes on */
    if (producer->anew) {
        if (producer->in_flight > 0) return;
        begin_anew(producer);
    }
    if (!kafka_client_ready(producer->client)) {
        later(producer, BACKOFF_US);
        return;
    }
    if (producer->options.idempotent && producer->identity.id < 0) {
        identity_ask(&producer->identity, producer->client);
        return;
    }
    if (!producer->finishing && may_go_on(producer)) make_batch(producer);
    send_outstanding(producer);
    if (!producer->finishing || producer->count > 0) later(producer, producer->options.interval_us);
}

static void identified(void *arg) {
    later(arg, BACKOFF_US);
}

struct producer *producer_new(struct kafka_client *client, struct history *history,
                              const struct producer_options *options) {
    struct producer *producer = mem_zalloc(sizeof *producer);

    CHECK(options->window >= 1 && options->window <= WINDOW_MAX &&
          (options->idempotent || options->window == 1));
    producer->run = kafka_client_run(client);
    producer->client = client;
    producer->history = history;
    producer->options = *options;
    producer->identity = (struct identity){.id = -1, .answered = identified, .arg = producer};
    history_producer(history, options->number, options->partition, options->idempotent);
    producer->timer = env_timer_new(kafka_client_env(client), step, producer);
    later(producer, options->interval_us);
    return producer;
}

void producer_finish(struct producer *producer) {
    producer->finishing = true;
}

void producer_begin_anew(struct producer *producer) {
    producer->anew = producer->options.idempotent;
}

unsigned producer_number(const struct producer *producer) {
    return producer->options.number;
}

bool producer_is_idempotent(const struct producer *producer) {
    return producer->options.idempotent;
}

bool producer_is_known(const struct producer *producer) {
    return producer->known;
}

bool producer_is_idle(const struct producer *producer) {
    return producer->count == 0;
}
