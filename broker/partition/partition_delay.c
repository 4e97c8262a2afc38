/*
 * Records that are delivered later (broker/delay/delayed.h): a client's batch on its way into the
 * log, and as an applier.
 *
 *   look       by the headers of its records it becomes what is stored; or is refused
 *   room       whether so much may wait
 *   appended   it is in flight until it is applied
 *   apply      a batch of which records are held back, or one that delivers such records, is told
 *              from others by what it is (protocol/record/held_batch.h), in entries that are marked
 * (`delays`, storage/entry.h): before there were delays clients could store what says the same
 *
 * Invariant: what is in flight is in the order of the log, and of this lead.
 */
#include "broker/partition/partition_internal.h"

#include <utlist.h>

#include "base/mutant.h"
#include "broker/delay/delay_plan.h"
#include "broker/delay/delayed.h"
#include "protocol/kafka_error.h"
#include "protocol/record/held_batch.h"

/* ---- A client's batch ---- */

void partition_set_delay(struct partition *partition, const struct delay_settings *settings) {
    partition->delay.settings = *settings;
}

/* It becomes what is stored. */
static void become_held(struct produced_batch *batch, const struct delay_plan *plan,
                        int64_t now_ms) {
    slice_unref(&batch->bytes);
    batch->bytes = batch->unfolded;
    batch->unfolded = (struct slice){0};
    held_batch_make((uint8_t *)batch->bytes.data, batch->bytes.len, now_ms); /* only ours */
    int error = record_batch_parse(batch->bytes.data, batch->bytes.len, &batch->header, NULL);
    CHECK(error == ERR_NONE); /* made of one that was sound */
    batch->kind = BATCH_HELD;
    batch->max_timestamp = now_ms;
    batch->visible_timestamp = plan->visible_timestamp;
    batch->all_held = plan->held == (size_t)batch->header.record_count;
    batch->first_due_ms = plan->first_due_ms;
    batch->pending_bytes = plan->pending_bytes;
    batch->called_off = plan->called_off;
    batch->called_off_count = plan->called_off_count;
}

static int16_t look(struct partition *partition, struct produced_batch *batch,
                    struct error_text *why) {
    const struct delay_settings *settings = &partition->delay.settings;
    struct record_batch unfolded;
    struct delay_plan plan;
    int64_t now_ms = env_wall_ms(partition->env);
    if (batch->deliveries == DELIVERIES_TOO_LARGE || batch->header.record_count > HELD_RECORDS_MOST)
        return delay_plan_refuse_size(why);
    int error = record_batch_parse(batch->unfolded.data, batch->unfolded.len, &unfolded, NULL);
    CHECK(error == ERR_NONE); /* it was checked */
    int16_t code = delay_plan_make(&unfolded, now_ms, settings->max_ms, &plan, why);
    if (code == KAFKA_NONE && plan.held > 0)
        become_held(batch, &plan, now_ms);
    else
        mem_free(plan.called_off);
    return code;
}

int16_t partition_delay_look(struct partition *partition, struct produced_batch *batch,
                             struct produce_refusal *refusal) {
    if (batch->deliveries == DELIVERIES_NONE) return KAFKA_NONE;
    int16_t code = look(partition, batch, &refusal->why);
    batch->deliveries = DELIVERIES_NONE; /* it is not looked at again when it has waited */
    slice_unref(&batch->unfolded);
    if (code != KAFKA_NONE) produced_batch_release(batch);
    return code;
}

int16_t partition_delay_room(const struct partition *partition, const struct produced_batch *batch,
                             struct error_text *why) {
    const struct partition_delay *delay = &partition->delay;
    uint64_t most = delay->settings.max_pending_bytes;
    uint64_t pending = delayed_bytes(delay->delayed) + delay->flight_bytes;
    if (batch->kind != BATCH_HELD || batch->pending_bytes == 0) return KAFKA_NONE;
    if (pending + batch->pending_bytes > most)
        return error_set(
            why, KAFKA_POLICY_VIOLATION,
            "%zu records of this partition wait for their time, and take %llu bytes; the topic's limit "
            "delay.max.pending.bytes is %llu: raise it, or send fewer.",
            delayed_count(delay->delayed), (unsigned long long)pending, (unsigned long long)most);
    return KAFKA_NONE;
}

/* What the batch calls off, and may be pending before it commits, is not delivered until then:
 * that release would lie behind it in the log. */
static void call_off(struct partition *partition, struct held_flight *flight) {
    size_t kept = 0;
    for (size_t i = 0; i < flight->called_off_count; i++) {
        kafka_offset offset = flight->called_off[i];
        bool on_its_way = offset >= partition->high_watermark && offset < flight->end_offset;
        if (!on_its_way && !delayed_is_pending(partition->delay.delayed, offset)) continue;
        if (MUTANT(MUTANT_DELAY_CALLED_OFF_GOES)) continue;
        delayed_set_aside(partition->delay.delayed, offset);
        flight->called_off[kept++] = offset;
    }
    flight->called_off_count = kept;
}

void partition_delay_appended(struct partition *partition, struct produced_batch *batch) {
    struct partition_delay *delay = &partition->delay;
    if (batch->kind != BATCH_HELD) return;
    struct held_flight *flight = mem_alloc(sizeof *flight);
    *flight = (struct held_flight){.end_offset = partition->next_offset,
                                   .first_due_ms = batch->first_due_ms,
                                   .bytes = batch->pending_bytes,
                                   .called_off = batch->called_off,
                                   .called_off_count = batch->called_off_count};
    batch->called_off = NULL;
    DL_APPEND(delay->flights, flight);
    delay->flight_bytes += flight->bytes;
    call_off(partition, flight);
}

static void flight_end(struct partition_delay *delay, struct held_flight *flight) {
    DL_DELETE(delay->flights, flight);
    delay->flight_bytes -= flight->bytes;
    for (size_t i = 0; i < flight->called_off_count; i++)
        delayed_aside_over(delay->delayed, flight->called_off[i]);
    mem_free(flight->called_off);
    mem_free(flight);
}

void partition_delay_withdrawn(struct partition *partition) {
    struct partition_delay *delay = &partition->delay;
    while (delay->flights != NULL && delay->flights->prev->end_offset > partition->next_offset)
        flight_end(delay, delay->flights->prev);
}

void partition_delay_advance(struct partition *partition) {
    struct partition_delay *delay = &partition->delay;
    while (delay->flights != NULL && delay->flights->end_offset <= partition->high_watermark)
        flight_end(delay, delay->flights);
}

int64_t partition_delay_in_flight_ms(const struct partition *partition) {
    int64_t first_ms = INT64_MAX;
    const struct held_flight *flight;
    if (MUTANT(MUTANT_DELAY_FLIGHT_PASSED)) return INT64_MAX;
    DL_FOREACH(partition->delay.flights, flight) {
        if (flight->first_due_ms < first_ms) first_ms = flight->first_due_ms;
    }
    return first_ms;
}

struct delayed *partition_delayed(const struct partition *partition) {
    return partition->delay.delayed;
}

kafka_offset partition_delay_end(const struct partition *partition) {
    return delayed_end(partition->delay.delayed);
}

/* ---- What has committed ---- */

/* Whoever leads counts: others apply the same. */
static int apply_released(struct partition *partition, const struct record_batch *batch) {
    struct partition_delay *delay = &partition->delay;
    struct delay_book *book = &partition->counts->delays;
    size_t before = delayed_count(delay->delayed);
    if (MUTANT(MUTANT_DELAY_LEFT_BY_FOLLOWERS) && !delay->seat.leads) return ERR_NONE;
    if (MUTANT(MUTANT_DELAY_OVER_AT_APPEND) && delay->releasing) return ERR_NONE;
    int64_t late_ms = 0;
    int error = delayed_release(delay->delayed, batch, &late_ms);
    if (error == ERR_NONE && delay->seat.leads) {
        book->delivered += before - delayed_count(delay->delayed);
        buckets_add(&book->late_us, &bounds_latency, late_ms > 0 ? (uint64_t)late_ms * 1000 : 0);
    }
    return error;
}

static int apply_held(struct partition *partition, const struct entry *entry,
                      const struct record_batch *batch) {
    struct partition_delay *delay = &partition->delay;
    uint64_t before = delayed_called_off(delay->delayed);
    int32_t visible;
    struct record_batch own = *batch;
    if (MUTANT(MUTANT_DELAY_BY_OWN_CLOCK)) own.max_timestamp = env_wall_ms(partition->env);
    int error = delayed_hold(delay->delayed, &own, &visible);
    if (delay->seat.leads)
        partition->counts->delays.called_off += delayed_called_off(delay->delayed) - before;
    partition->held_only = visible == 0 && entry->batches == 1;
    return error;
}

int partition_delay_apply(struct partition *partition, const struct entry *entry,
                          const struct record_batch *batch) {
    bool release = record_batch_is_release(batch);
    if (!release && !record_batch_is_held(batch)) return ERR_NONE;
    int error = release ? apply_released(partition, batch) : apply_held(partition, entry, batch);
    delay_book_take(&partition->counts->delays, &partition->delay.seat);
    return error;
}

static void leading(void *state) {
    ((struct partition *)state)->delay.seat.leads = true;
}

static void lost(void *state) {
    struct partition_delay *delay = &((struct partition *)state)->delay;
    delay->seat.leads = false;
    while (delay->flights != NULL)
        flight_end(delay, delay->flights);
}

static bool encode(void *state, void **walk, struct snapshot_bytes *into) {
    if (*walk == NULL) *walk = delayed_walk_new(((struct partition *)state)->delay.delayed);
    return delayed_walk_step(*walk, into);
}

static void encode_rest(void *state, void *walk, struct snapshot_bytes *into) {
    (void)state;
    delayed_walk_rest(walk, into);
}

static void encode_stop(void *state, void *walk) {
    (void)state;
    delayed_walk_stop(walk);
}

static int restore(void *state, const uint8_t *bytes, size_t len, size_t *took) {
    struct partition *partition = state;
    int error = delayed_decode(partition->delay.delayed, bytes, len, took);
    delay_book_take(&partition->counts->delays, &partition->delay.seat);
    return error;
}

/* Much takes long to free: not on the loop, and the partition does not wait for it. */
struct freeing {
    struct env_job job; /* first */
    struct delayed_rest *rest;
};

static void free_rest(struct env_job *job) {
    delayed_rest_free(((struct freeing *)job)->rest);
}

static void on_freed(struct env_job *job) {
    mem_free(job);
}

static void reset(void *state) {
    struct partition *partition = state;
    delay_book_leave(&partition->counts->delays, &partition->delay.seat);
    struct delayed_rest *rest = delayed_clear(partition->delay.delayed);
    if (rest == NULL) return;
    struct freeing *freeing = mem_zalloc(sizeof *freeing);
    freeing->job = (struct env_job){.work = free_rest, .done = on_freed};
    freeing->rest = rest;
    env_pool_run(partition->env, &freeing->job);
}

static void drop(void *state) {
    struct partition *partition = state;
    lost(partition);
    reset(partition);
    delayed_free(partition->delay.delayed);
}

static const struct applier_type type = {.mark = 0x59414c44, /* "DLAY" */
                                         .version = 1,
                                         .numbered_only = true,
                                         .leading = leading,
                                         .lost = lost,
                                         .encode = encode,
                                         .encode_rest = encode_rest,
                                         .encode_stop = encode_stop,
                                         .restore = restore,
                                         .reset = reset,
                                         .free = drop};

struct applier delay_applier(struct partition *partition) {
    partition->delay.delayed = delayed_new();
    partition->delay.seat.delayed = partition->delay.delayed;
    return (struct applier){.type = &type, .state = partition};
}
