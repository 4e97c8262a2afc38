/*
 * Records whose time has come are appended to their partition, by its leader: one batch in an entry
 * of its own, with which they are pending no more on every replica (partition_delay.c).
 *
 * Happy path: the first of those that are pending is waited for; when it is due, by this broker's
 * own clock, so are perhaps others behind it: partition_releases_advance appends them, and when
 * that has committed the next ones. A release is made of what is applied here. So that its records
 * are the first in their order also where it is applied, none has what lies behind a time that is
 * on its way through the log, or what is called off there. Failures: what
 * is refused, or not known to have committed, is given back, and made again by whoever leads then;
 * if it has committed all the same, it is not pending any more. Invariant: one release at a time is
 * on its way.
 */
#include "base/mutant.h"
#include "broker/delay/delayed.h"
#include "broker/partition/partition_internal.h"
#include "protocol/kafka_error.h"
#include "protocol/record/held_batch.h"

/* It is made, and applied, on the loop: at most a millisecond or two. */
static const struct delayed_most release_most = {.records = 500,
                                                 .headers = 10000,
                                                 .bytes = 512 << 10};

enum {
    RETRY_MS = 500,
    LOOK_MS = 10 * 1000, /* it sleeps no longer: clocks are set */
};

static void start_timer(struct partition *partition, int64_t wait_ms) {
    if (wait_ms > LOOK_MS) wait_ms = LOOK_MS;
    env_timer_start(partition->delay.timer, (uint64_t)wait_ms * 1000);
}

/* Where it has committed all that was taken is gone. */
static void on_released(struct partition_produce *produce, const struct produce_refusal *refusal) {
    struct partition *partition = produce->partition;
    struct partition_delay *delay = &partition->delay;
    (void)refusal;
    delay->releasing = false;
    if (produce->error != KAFKA_NONE) delayed_give_back(delay->delayed);
    if (partition->leading) start_timer(partition, produce->error == KAFKA_NONE ? 0 : RETRY_MS);
}

/* Takes the bytes over. */
static void append_release(struct partition *partition, struct slice bytes) {
    struct partition_delay *delay = &partition->delay;
    struct produced_batch batch = {.bytes = bytes, .kind = BATCH_RELEASED};
    release_mark((uint8_t *)bytes.data, bytes.len); /* nobody else has it */
    int error = record_batch_parse(bytes.data, bytes.len, &batch.header, NULL);
    CHECK(error == ERR_NONE); /* the builder made it */
    batch.max_timestamp = batch.header.max_timestamp;
    delay->release = (struct partition_produce){
        .done = on_released, .partition = partition, .came_us = env_now_us(partition->env)};
    delay->releasing = true;
    if (MUTANT(MUTANT_DELAY_OVER_AT_APPEND)) {
        int64_t late_ms;
        delayed_release(delay->delayed, &batch.header, &late_ms);
    }
    partition_produce_append(partition, &delay->release, &batch);
}

void partition_releases_advance(struct partition *partition) {
    struct partition_delay *delay = &partition->delay;
    int64_t due_ms = delayed_next_due(delay->delayed);
    struct error_text why;
    if (due_ms == INT64_MAX || !partition->leading || delay->releasing) return;
    int64_t now_ms = env_wall_ms(partition->env);
    if (MUTANT(MUTANT_DELAY_RELEASED_EARLY)) now_ms += 2000;
    if (due_ms > now_ms) {
        start_timer(partition, due_ms - now_ms);
    } else if (partition_room_for(partition, release_most.bytes, &why) != KAFKA_NONE) {
        start_timer(partition, RETRY_MS);
    } else {
        /* nothing: the next commit, of what is in flight, is waited for */
        struct slice bytes = delayed_take(delay->delayed, now_ms,
                                          partition_delay_in_flight_ms(partition), &release_most);
        if (bytes.len > 0) append_release(partition, bytes);
    }
}

static void on_time(void *arg) {
    partition_releases_advance(arg);
}

void partition_releases_open(struct partition *partition) {
    partition->delay.timer = env_timer_new(partition->env, on_time, partition);
}

void partition_releases_close(struct partition *partition) {
    env_timer_free(partition->delay.timer);
}
