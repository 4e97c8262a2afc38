/* What is held of a share-partition. Acknowledgements: share_acknowledge.c. */
#include "broker/share/share_queue_internal.h"

#include "base/check.h"
#include "base/mutant.h"

struct share_lock *share_lock_at(const struct share_queue *queue, size_t place) {
    return offset_ranges_at(&queue->locks, place);
}

static uint64_t length(const struct offset_range *range) {
    return (uint64_t)(range->last - range->first + 1);
}

size_t share_ranges_most(uint64_t of_all) {
    uint64_t left = of_all < SHARE_RANGES_ALL ? SHARE_RANGES_ALL - of_all : 0;
    if (left < SHARE_RANGES_LEAST) return SHARE_RANGES_LEAST;
    return left < SHARE_WINDOW_RANGES ? (size_t)left : SHARE_WINDOW_RANGES;
}

void share_queue_open(struct share_queue *queue, struct share_state *state) {
    *queue = (struct share_queue){.state = state,
                                  .locks = {.size = sizeof(struct share_lock)},
                                  .soonest_ms = UINT64_MAX,
                                  .due_ms = INT64_MIN};
    key_holds_open(&queue->keys);
}

void share_queue_close(struct share_queue *queue) {
    offset_ranges_free(&queue->locks);
    key_holds_close(&queue->keys);
    queue->held = 0;
    queue->soonest_ms = UINT64_MAX;
}

/* ---- Waiting ---- */

static bool waits(const struct share_queue *queue, const struct share_range *range) {
    return range->state == SHARE_AVAILABLE && range->time_ms > queue->wall_ms;
}

/* Nobody gets it: not any more, or not now. */
static bool is_kept(const struct share_queue *queue, const struct share_range *range) {
    return range->state != SHARE_AVAILABLE || waits(queue, range);
}

static void look_for_due(struct share_queue *queue) {
    queue->due_ms = INT64_MAX;
    for (size_t i = 0; i < queue->state->ranges.count; i++) {
        const struct share_range *range = offset_ranges_at(&queue->state->ranges, i);
        if (waits(queue, range) && range->time_ms < queue->due_ms) queue->due_ms = range->time_ms;
    }
}

bool share_queue_clock(struct share_queue *queue, int64_t wall_ms) {
    bool back = wall_ms < queue->wall_ms, due = queue->due_ms <= wall_ms;
    queue->wall_ms = wall_ms;
    bool known = queue->due_ms != INT64_MIN;
    if (back || due) look_for_due(queue);
    return due && known;
}

/* How long one waits that was given so often. */
static uint64_t wait_of(const struct share_retry *retry, uint16_t count) {
    uint64_t wait_ms = retry->base_ms;
    while (count-- > 1 && wait_ms > 0 && wait_ms < retry->max_ms)
        wait_ms *= 2;
    return wait_ms < retry->max_ms ? wait_ms : retry->max_ms;
}

/* When it may be given again; 0: at once. */
static int64_t time_of(const struct share_queue *queue, const struct share_retry *retry,
                       enum share_ending ending, uint16_t count) {
    bool is_on = ending == SHARE_ENDS_RELEASED ? retry->released : retry->timed_out;
    uint64_t wait_ms = is_on ? wait_of(retry, count) : 0;
    if (wait_ms == 0) return 0;
    int64_t time_ms = queue->wall_ms + (int64_t)wait_ms + SHARE_TIME_STEP_MS - 1;
    return time_ms - time_ms % SHARE_TIME_STEP_MS;
}

/* ---- Giving ---- */

/* Behind the last record that was ever given, as far as is known. */
static kafka_offset end_of(const struct share_queue *queue) {
    kafka_offset end = share_state_end(queue->state);
    size_t count = queue->locks.count;
    kafka_offset locked = count == 0 ? 0 : share_lock_at(queue, count - 1)->at.last + 1;
    return locked > end ? locked : end;
}

/* Behind the last record that may be given. */
static kafka_offset border_of(const struct share_queue *queue, const struct share_limits *limits) {
    if (queue->state->ranges.count + queue->locks.count >= limits->ranges) return end_of(queue);
    return queue->state->start + limits->window;
}

static uint64_t room_of(const struct share_queue *queue, const struct share_limits *limits) {
    return queue->held >= limits->locks ? 0 : limits->locks - queue->held;
}

/* The first run of available records of one count within these offsets. False: there is none. */
static bool next_run(const struct share_queue *queue, kafka_offset first, kafka_offset last,
                     struct share_range *run) {
    const struct share_state *state = queue->state;
    if (first < state->start) first = state->start;
    size_t at = offset_ranges_find(&state->ranges, first),
           lock_at = offset_ranges_find(&queue->locks, first);
    for (; first <= last; first = run->at.last + 1) {
        const struct share_range *range = at < state->ranges.count
                                              ? offset_ranges_at(&state->ranges, at)
                                              : NULL;
        const struct share_lock *lock = lock_at < queue->locks.count ? share_lock_at(queue, lock_at)
                                                                     : NULL;
        bool in_range = range != NULL && range->at.first <= first,
             locked = lock != NULL && lock->at.first <= first;
        *run = (struct share_range){.at = {.first = first, .last = last}};
        if (range != NULL && !in_range && range->at.first - 1 < run->at.last)
            run->at.last = range->at.first - 1;
        if (in_range && range->at.last < run->at.last) run->at.last = range->at.last;
        if (lock != NULL && !locked && lock->at.first - 1 < run->at.last)
            run->at.last = lock->at.first - 1;
        if (locked && lock->at.last < run->at.last) run->at.last = lock->at.last;
        run->count = in_range ? range->count : 0;
        if (MUTANT(MUTANT_SHARE_ENDING_GIVEN) && locked && lock->ending) locked = false;
        if (!locked && !(in_range && is_kept(queue, range))) return true;
        if (in_range && range->at.last == run->at.last) at++;
        if (locked && lock->at.last == run->at.last) lock_at++;
    }
    return false;
}

kafka_offset share_queue_next(const struct share_queue *queue, const struct share_limits *limits,
                              kafka_offset from) {
    struct share_range run;
    if (room_of(queue, limits) == 0) return -1;
    return next_run(queue, from, border_of(queue, limits) - 1, &run) ? run.at.first : -1;
}

kafka_offset share_queue_available(const struct share_queue *queue, kafka_offset from) {
    struct share_range run;
    return next_run(queue, from, INT64_MAX - 1, &run) ? run.at.first : -1;
}

/* Behind the last one, if that was the same delivery to the same holder. */
static void lock_run(struct share_queue *queue, const struct share_range *run, uint64_t holder,
                     uint64_t deadline_ms) {
    size_t place = offset_ranges_find(&queue->locks, run->at.first);
    struct share_lock *before = place == 0 ? NULL : share_lock_at(queue, place - 1);
    if (before != NULL && before->at.last + 1 == run->at.first && !before->ending &&
        before->holder == holder && before->count == run->count &&
        before->deadline_ms == deadline_ms)
        before->at.last = run->at.last;
    else
        *(struct share_lock *)offset_ranges_insert(&queue->locks, place) = (struct share_lock){
            .at = run->at, .deadline_ms = deadline_ms, .holder = holder, .count = run->count};
    queue->held += length(&run->at);
    if (deadline_ms < queue->soonest_ms) queue->soonest_ms = deadline_ms;
}

static void give(struct offset_ranges *given, const struct share_range *run) {
    struct share_range *last = given->count == 0 ? NULL : offset_ranges_at(given, given->count - 1);
    if (last != NULL && last->at.last + 1 == run->at.first && last->count == run->count)
        last->at.last = run->at.last;
    else
        *(struct share_range *)offset_ranges_append(given) = *run;
}

/* Given so often that one of them may be what its readers fail of. */
static bool is_suspect(const struct share_limits *limits, uint16_t given_before) {
    int half = (limits->deliveries + 1) / 2;
    return given_before >= (half > 2 ? half : 2);
}

/* How many of a run go at once. */
static uint64_t part_of(const struct share_range *run, const struct share_limits *limits) {
    uint64_t all = length(&run->at);
    if (!is_suspect(limits, run->count)) return all;
    return run->count + 1 >= limits->deliveries ? 1 : (all + 1) / 2;
}

/* Suspects go with nobody. */
static bool may_go_along(const struct share_range *run, const struct share_limits *limits,
                         const struct offset_ranges *given) {
    if (given->count == 0) return true;
    const struct share_range *last = offset_ranges_at(given, given->count - 1);
    return !is_suspect(limits, run->count) && !is_suspect(limits, last->count - 1);
}

uint64_t share_queue_acquire(struct share_queue *queue, const struct share_limits *limits,
                             kafka_offset first, kafka_offset last, uint64_t most, uint64_t holder,
                             uint64_t now_ms, struct offset_ranges *given) {
    uint64_t room = room_of(queue, limits), done = 0;
    kafka_offset border = border_of(queue, limits);
    struct share_range run;
    CHECK(holder != 0);
    if (room > most) room = most;
    if (last >= border) last = border - 1;
    while (done < room && next_run(queue, first, last, &run) && may_go_along(&run, limits, given)) {
        uint64_t part = part_of(&run, limits);
        if (part > room - done) part = room - done;
        run.at.last = run.at.first + (kafka_offset)part - 1;
        if (run.count < SHARE_COUNT_MAX) run.count++;
        run.state = SHARE_ACQUIRED;
        lock_run(queue, &run, holder, now_ms + limits->lock_ms);
        give(given, &run);
        done += length(&run.at);
        first = run.at.last + 1;
    }
    return done;
}

bool share_queue_key_is_free(const struct share_queue *queue, uint64_t key, uint64_t holder) {
    uint64_t who = key_holds_holder(&queue->keys, key);
    return who == KEY_FREE || who == holder;
}

uint64_t share_queue_acquire_keyed(struct share_queue *queue, const struct share_limits *limits,
                                   struct offset_range at, uint64_t most, uint64_t key,
                                   uint64_t holder, uint64_t now_ms, struct offset_ranges *given) {
    struct offset_ranges own = {.size = sizeof(struct share_range)};
    uint64_t done = 0;
    const struct share_range *last = given->count == 0 ? NULL
                                                       : offset_ranges_at(given, given->count - 1);
    if (last != NULL && is_suspect(limits, last->count - 1)) return 0; /* it goes with nobody */
    done = share_queue_acquire(queue, limits, at.first, at.last, most, holder, now_ms, &own);
    for (size_t i = 0; i < own.count; i++) {
        struct share_range *run = offset_ranges_at(&own, i);
        if (i == 0 && last != NULL && is_suspect(limits, run->count - 1)) {
            share_queue_take_back(queue, &own, holder);
            done = 0;
            break;
        }
        give(given, run);
        key_holds_add(&queue->keys, run->at, key, holder);
    }
    offset_ranges_free(&own);
    return done;
}

bool share_queue_is_full(const struct share_queue *queue, const struct share_limits *limits) {
    return room_of(queue, limits) == 0 || border_of(queue, limits) <= end_of(queue);
}

uint64_t share_queue_ready(const struct share_queue *queue, const struct share_limits *limits,
                           kafka_offset end) {
    uint64_t room = room_of(queue, limits), ready = 0;
    kafka_offset border = border_of(queue, limits), from = queue->state->start;
    struct share_range run;
    if (end > border) end = border;
    while (ready < room && next_run(queue, from, end - 1, &run)) {
        ready += length(&run.at);
        from = run.at.last + 1;
    }
    return ready < room ? ready : room;
}

/* A record that is held has its lock beside what was committed of its deliveries. */
uint64_t share_queue_retried(const struct share_queue *queue, uint16_t *most) {
    uint64_t given = 0, held = 0;
    *most = 0;
    for (size_t i = 0; i < queue->state->ranges.count; i++) {
        const struct share_range *range = offset_ranges_at(&queue->state->ranges, i);
        if (range->state != SHARE_AVAILABLE || range->count == 0) continue;
        given += length(&range->at);
        if (range->count > *most) *most = range->count;
    }
    for (size_t i = 0; i < queue->locks.count; i++) {
        const struct share_lock *lock = share_lock_at(queue, i);
        if (lock->count > 1) held += length(&lock->at);
        if (lock->count > *most) *most = lock->count;
    }
    return given > held ? given - held : 0;
}

void share_queue_archive(struct share_queue *queue, const struct share_limits *limits,
                         kafka_offset first, kafka_offset last, struct offset_ranges *outcomes) {
    struct share_range run;
    while (next_run(queue, first, last, &run)) {
        size_t place = offset_ranges_find(&queue->locks, run.at.first);
        struct share_lock *lock = offset_ranges_insert(&queue->locks, place);
        *lock = (struct share_lock){.at = run.at};
        share_lock_end(queue, limits, lock, SHARE_ENDS_NO_RECORD, outcomes);
        first = run.at.last + 1;
    }
}

void share_queue_take_back(struct share_queue *queue, const struct offset_ranges *given,
                           uint64_t holder) {
    for (size_t i = 0; i < given->count; i++) {
        const struct share_range *range = offset_ranges_at(given, i);
        size_t place = offset_ranges_split(&queue->locks, range->at.first);
        offset_ranges_split(&queue->locks, range->at.last + 1);
        while (place < queue->locks.count &&
               share_lock_at(queue, place)->at.last <= range->at.last) {
            const struct share_lock *lock = share_lock_at(queue, place);
            if (lock->ending || lock->holder != holder || lock->count != range->count) {
                place++;
                continue;
            }
            queue->held -= length(&lock->at);
            key_holds_remove(&queue->keys, lock->at);
            offset_ranges_remove(&queue->locks, place, 1);
        }
    }
}

/* ---- Ending ---- */

static uint8_t outcome_of(const struct share_limits *limits, const struct share_lock *lock,
                          enum share_ending ending) {
    uint16_t deliveries = limits->deliveries;
    if (MUTANT(MUTANT_SHARE_GIVEN_MORE)) deliveries++;
    if (ending == SHARE_ENDS_ACCEPTED) return SHARE_ACKNOWLEDGED;
    bool back = ending == SHARE_ENDS_RELEASED || ending == SHARE_ENDS_TIMED_OUT;
    if (back && lock->count < deliveries) return SHARE_AVAILABLE;
    return limits->letters && ending != SHARE_ENDS_NO_RECORD ? SHARE_ARCHIVING : SHARE_ARCHIVED;
}

void share_lock_end(struct share_queue *queue, const struct share_limits *limits,
                    struct share_lock *lock, enum share_ending ending,
                    struct offset_ranges *outcomes) {
    size_t count = outcomes->count;
    struct share_range *last = count == 0 ? NULL : offset_ranges_at(outcomes, count - 1);
    struct share_range range = {.at = lock->at, .state = outcome_of(limits, lock, ending)};
    lock->outcome = range.state;
    lock->ending = true;
    if (range.state == SHARE_AVAILABLE) {
        key_holds_block(&queue->keys, lock->at);
        range.count = lock->count;
        range.time_ms = time_of(queue, &limits->retry, ending, lock->count);
    }
    if (range.state == SHARE_ARCHIVING) {
        range.count = lock->count;
        range.time_ms = queue->wall_ms - queue->wall_ms % SHARE_TIME_STEP_MS;
        range.reason = ending == SHARE_ENDS_REJECTED ? SHARE_REJECTED : SHARE_EXHAUSTED;
    }
    if (MUTANT(MUTANT_SHARE_COUNT_LOST) && range.count > 0) range.count--;
    if (last != NULL && last->at.last + 1 == range.at.first && share_range_is_like(last, &range))
        last->at.last = range.at.last;
    else
        *(struct share_range *)offset_ranges_append(outcomes) = range;
}

/* As if it had not been given. */
static void come_back(struct share_lock *lock, struct offset_ranges *outcomes) {
    lock->outcome = SHARE_AVAILABLE;
    lock->ending = true;
    *(struct share_range *)offset_ranges_append(outcomes) = (struct share_range){
        .at = lock->at, .state = SHARE_AVAILABLE, .count = (uint16_t)(lock->count - 1)};
}

void share_queue_followers_end(struct share_queue *queue, struct offset_ranges *outcomes) {
    const struct key_run *run;
    kafka_offset next = queue->state->start;
    for (; (run = key_holds_follower(&queue->keys, next)) != NULL; next = run->at.last + 1) {
        size_t from = offset_ranges_split(&queue->locks, run->at.first),
               to = offset_ranges_split(&queue->locks, run->at.last + 1);
        for (size_t i = from; i < to; i++)
            if (!share_lock_at(queue, i)->ending) come_back(share_lock_at(queue, i), outcomes);
    }
    key_holds_settle(&queue->keys);
}

void share_lock_counts(const struct share_queue *queue, const struct share_lock *lock,
                       enum share_end_why why) {
    struct share_flow *flow = queue->flow;
    uint64_t records = length(&lock->at);
    if (flow == NULL) return;
    switch (why) {
    case SHARE_END_ACCEPTED: flow->accepted += records; return;
    case SHARE_END_REJECTED: flow->rejected += records; return;
    case SHARE_END_RELEASED: flow->released += records; break;
    case SHARE_END_TIME: flow->timed_out += records; break;
    }
    if (lock->outcome != SHARE_AVAILABLE) flow->exhausted += records;
}

static void look_for_soonest(struct share_queue *queue) {
    queue->soonest_ms = UINT64_MAX;
    for (size_t i = 0; i < queue->locks.count; i++) {
        const struct share_lock *lock = share_lock_at(queue, i);
        if (!lock->ending && lock->deadline_ms < queue->soonest_ms)
            queue->soonest_ms = lock->deadline_ms;
    }
}

void share_queue_expire(struct share_queue *queue, const struct share_limits *limits,
                        uint64_t now_ms, struct offset_ranges *outcomes) {
    for (size_t i = 0; i < queue->locks.count; i++) {
        struct share_lock *lock = share_lock_at(queue, i);
        if (lock->ending || lock->deadline_ms > now_ms) continue;
        share_lock_end(queue, limits, lock, SHARE_ENDS_TIMED_OUT, outcomes);
        share_lock_counts(queue, lock, SHARE_END_TIME);
    }
    share_queue_followers_end(queue, outcomes);
    look_for_soonest(queue);
}

void share_queue_release(struct share_queue *queue, const struct share_limits *limits,
                         uint64_t holder, struct offset_ranges *outcomes) {
    for (size_t i = 0; i < queue->locks.count; i++) {
        struct share_lock *lock = share_lock_at(queue, i);
        if (lock->ending || lock->holder != holder) continue;
        share_lock_end(queue, limits, lock, SHARE_ENDS_TIMED_OUT, outcomes);
        share_lock_counts(queue, lock, SHARE_END_RELEASED);
    }
    share_queue_followers_end(queue, outcomes);
}

uint64_t share_queue_deadline(const struct share_queue *queue) {
    return queue->held == 0 ? UINT64_MAX : queue->soonest_ms;
}

static void forget(struct share_queue *queue, size_t from, size_t to) {
    for (size_t i = from; i < to; i++) {
        const struct share_lock *lock = share_lock_at(queue, i);
        if (lock->holder != 0) queue->held -= length(&lock->at);
        key_holds_remove(&queue->keys, lock->at);
    }
    offset_ranges_remove(&queue->locks, from, to - from);
}

void share_queue_passed(struct share_queue *queue) {
    forget(queue, 0, offset_ranges_split(&queue->locks, queue->state->start));
}

void share_queue_committed(struct share_queue *queue, const struct share_range *outcome) {
    size_t from = offset_ranges_split(&queue->locks, outcome->at.first),
           to = offset_ranges_split(&queue->locks, outcome->at.last + 1);
    forget(queue, from, to);
    if (outcome->state == SHARE_AVAILABLE && outcome->time_ms > 0 &&
        outcome->time_ms < queue->due_ms)
        queue->due_ms = outcome->time_ms;
    share_queue_passed(queue);
}
