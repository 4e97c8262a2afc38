/*
 * Segments end by their age, too, so that the records of a log to which little is written can grow
 * too old to be kept.
 *
 * Happy path: the first record behind what is sealed begins the age; a heap of all logs of the
 * store has one timer, and the log whose time it is rolls. A few at a time: ten thousand that were
 * made together do not roll together. Failures: none; what a roll cannot write waits in
 * write-behind. Invariants: a log without a record behind what is sealed is not in the heap and
 * costs nothing; this is every replica's own business, and moves nothing but file borders.
 */
#include "base/container_of.h"
#include "storage/log/log_internal.h"

enum {
    ROLLS_AT_ONCE = 50,
    PACE_US = 1000 * 1000,
    LOOK_MS = 24 * 3600 * 1000, /* what is further away is looked at again then */
};

static void arm(struct log_store *store, uint64_t pause_us) {
    const struct timer_entry *first = timer_heap_first(&store->ages);
    if (!first) {
        env_timer_stop(store->age_timer);
        return;
    }
    uint64_t now_ms = env_now_ms(store->env);
    uint64_t left_ms = first->at_ms > now_ms ? first->at_ms - now_ms : 0;
    uint64_t left_us = (left_ms < LOOK_MS ? left_ms : LOOK_MS) * 1000;
    env_timer_start(store->age_timer, left_us > pause_us ? left_us : pause_us);
}

static bool is_counted(const struct partition_log *log) {
    return log->age.due.place > 0;
}

static kafka_offset sealed_end(const struct partition_log *log) {
    size_t count = log->segment_count;
    if (count > 0 && log->segments[count - 1]->active) count--;
    return count > 0 ? log->segments[count - 1]->end.offset : log->start_offset;
}

static void on_time(void *arg) {
    struct log_store *store = arg;
    uint64_t now_ms = env_now_ms(store->env);
    struct timer_entry *first = timer_heap_first(&store->ages);
    for (int n = 0; first && first->at_ms <= now_ms && n < ROLLS_AT_ONCE; n++) {
        struct partition_log *log = CONTAINER_OF(first, struct partition_log, age.due);
        timer_heap_remove(&store->ages, first);
        store->roll(log);
        /* What has not committed cannot be sealed: it is tried again. */
        if (!is_counted(log) && log->end_offset > sealed_end(log))
            timer_heap_set(&store->ages, &log->age.due, now_ms + PACE_US / 1000);
        first = timer_heap_first(&store->ages);
    }
    arm(store, first && first->at_ms <= now_ms ? PACE_US : 0);
}

void segment_age_open(struct log_store *store, void (*roll)(struct partition_log *log)) {
    store->roll = roll;
    timer_heap_init(&store->ages);
    store->age_timer = env_timer_new(store->env, on_time, store);
}

void segment_age_close(struct log_store *store) {
    env_timer_free(store->age_timer);
    timer_heap_close(&store->ages);
}

/* ---- One log ---- */

/* Its last segment is so old at present. */
static void due_in(struct partition_log *log, uint64_t age_ms) {
    struct log_store *store = log->store;
    struct log_age *age = &log->age;
    uint64_t now_ms = env_now_ms(store->env), least_ms = age->limit_ms;
    if (age->jitter_ms > 0) {
        uint64_t earlier_ms = env_random_u64(store->env) % age->jitter_ms;
        least_ms = earlier_ms < least_ms ? least_ms - earlier_ms : 0;
    }
    uint64_t left_ms = least_ms > age_ms ? least_ms - age_ms : 0;
    uint64_t at_ms = left_ms < UINT64_MAX - now_ms ? now_ms + left_ms : UINT64_MAX;
    age->since_ms = (int64_t)now_ms - (int64_t)age_ms;
    timer_heap_set(&store->ages, &age->due, at_ms);
    if (timer_heap_first(&store->ages) == &age->due) arm(store, 0);
}

void segment_age_begin(struct partition_log *log, const struct entry *entry) {
    if (entry->max_timestamp > log->unwritten_timestamp)
        log->unwritten_timestamp = entry->max_timestamp;
    if (log->age.limit_ms > 0 && !is_counted(log)) due_in(log, 0);
}

void segment_age_forget(struct partition_log *log) {
    timer_heap_remove(&log->store->ages, &log->age.due);
}

void segment_age_sealed(struct partition_log *log) {
    segment_age_forget(log);
    if (log->age.limit_ms > 0 && log->end_offset > sealed_end(log)) due_in(log, 0);
}

/* How old the last segment was when the log was opened, by its own timestamps: its first record is
 * no older than the last one before it, and no younger than its newest. */
static uint64_t age_before(const struct partition_log *log) {
    const struct segment *last = log->segment_count > 0 ? log->segments[log->segment_count - 1]
                                                        : NULL;
    const struct segment *before = log->segment_count > 1 ? log->segments[log->segment_count - 2]
                                                          : NULL;
    int64_t from_ms = -1, now_ms = env_wall_ms(log->store->env);
    if (last && last->active) from_ms = before ? before->end.max_timestamp : -1;
    if (last && from_ms < 0) from_ms = last->end.max_timestamp;
    return from_ms >= 0 && from_ms < now_ms ? (uint64_t)(now_ms - from_ms) : 0;
}

void partition_log_roll_at_age(struct partition_log *log, uint64_t age_ms, uint64_t jitter_ms) {
    struct log_age *age = &log->age;
    if (age->limit_ms == age_ms && age->jitter_ms == jitter_ms) return;
    bool first = age->limit_ms == 0;
    uint64_t old_ms = is_counted(log) ? env_now_ms(log->store->env) - (uint64_t)age->since_ms
                      : first         ? age_before(log)
                                      : 0;
    age->limit_ms = age_ms;
    age->jitter_ms = jitter_ms;
    segment_age_forget(log);
    if (age_ms > 0 && log->end_offset > sealed_end(log)) due_in(log, old_ms);
}
