/*
 * A share-partition against a naive one: an array with a place for each record, of which every
 * question is answered by looking at all places. Random steps, and what one step alone shows.
 */
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "broker/share/share_queue.h"
#include "protocol/kafka_error.h"
#include "tests/unit/unit.h"

enum { RECORDS = 40, HOLDERS = 4, COMMANDS = 64, LOCK_MS = 50, ROUNDS = 300, STEPS = 300 };

struct naive_record {
    uint8_t state;
    uint16_t count;
    int64_t time_ms;
    /* What the leader knows besides. */
    uint64_t holder, deadline_ms; /* holder 0: nobody's */
    uint16_t held_count;
    bool ending;
};

struct fixture {
    uint64_t seed;
    struct share_state state;
    struct share_queue queue;
    struct share_limits limits;
    struct naive_record records[RECORDS];
    kafka_offset start;
    uint64_t now_ms;
    int64_t wall_ms;
    struct offset_ranges commands[COMMANDS]; /* that are not applied yet */
    size_t command_count;
};

static uint64_t draw(struct fixture *f, uint64_t below) {
    f->seed = f->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (f->seed >> 33) % below;
}

static struct offset_ranges no_ranges(void) {
    return (struct offset_ranges){.size = sizeof(struct share_range)};
}

static bool over(const struct naive_record *record) {
    return record->state == SHARE_ACKNOWLEDGED || record->state == SHARE_ARCHIVED;
}

/* ---- The naive one ---- */

static void naive_advance(struct fixture *f) {
    while (f->start < RECORDS && over(&f->records[f->start]))
        f->start++;
    for (kafka_offset at = 0; at < f->start; at++)
        f->records[at].holder = 0;
}

static uint64_t naive_held(const struct fixture *f) {
    uint64_t held = 0;
    for (kafka_offset at = f->start; at < RECORDS; at++)
        held += f->records[at].holder != 0;
    return held;
}

static bool naive_available(const struct fixture *f, kafka_offset at) {
    return at >= f->start && at < f->start + f->limits.window && f->records[at].holder == 0 &&
           !over(&f->records[at]) && f->records[at].time_ms <= f->wall_ms;
}

static kafka_offset naive_next(const struct fixture *f, kafka_offset from) {
    if (naive_held(f) >= f->limits.locks) return -1;
    for (kafka_offset at = from; at < RECORDS; at++)
        if (naive_available(f, at)) return at;
    return f->start + f->limits.window > RECORDS ? RECORDS : -1;
}

static void naive_set(struct fixture *f, const struct share_range *outcome) {
    for (kafka_offset at = outcome->at.first; at <= outcome->at.last; at++) {
        struct naive_record *record = &f->records[at];
        if (at < f->start) continue;
        record->state = outcome->state;
        record->count = outcome->count;
        record->time_ms = outcome->time_ms;
        record->holder = 0;
    }
}

/* What an outcome has to say of a record that ends like that. */
static void expect_outcome(const struct fixture *f, const struct offset_ranges *outcomes,
                           kafka_offset at, uint8_t wanted) {
    const struct naive_record *record = &f->records[at];
    const struct share_range *range = offset_ranges_over(outcomes, at);
    if (wanted == SHARE_AVAILABLE && record->held_count >= f->limits.deliveries)
        wanted = SHARE_ARCHIVED;
    assert_non_null(range);
    assert_int_equal(range->state, wanted);
    assert_int_equal(range->count, wanted == SHARE_AVAILABLE ? record->held_count : 0);
}

static uint64_t covered(const struct offset_ranges *ranges) {
    uint64_t count = 0;
    for (size_t i = 0; i < ranges->count; i++) {
        const struct share_range *range = offset_ranges_at(ranges, i);
        count += (uint64_t)(range->at.last - range->at.first + 1);
    }
    return count;
}

/* ---- Both ---- */

static void compare(const struct fixture *f) {
    uint64_t over_count = 0;
    kafka_offset end = f->start;
    assert_int_equal(f->state.start, f->start);
    assert_int_equal(f->queue.held, naive_held(f));
    for (kafka_offset at = f->start; at < RECORDS; at++) {
        const struct naive_record *record = &f->records[at];
        const struct share_lock *lock = offset_ranges_over(&f->queue.locks, at);
        uint16_t count;
        assert_int_equal(share_state_of(&f->state, at, &count), record->state);
        assert_int_equal(count, record->count);
        const struct share_range *known = offset_ranges_over(&f->state.ranges, at);
        assert_int_equal(known == NULL ? 0 : known->time_ms, record->time_ms);
        if (record->time_ms > f->wall_ms) assert_true(f->queue.due_ms <= record->time_ms);
        assert_int_equal(lock != NULL ? lock->holder : 0, record->holder);
        if (lock != NULL) {
            assert_int_equal(lock->ending, record->ending);
            assert_int_equal(lock->count, record->held_count);
            if (!lock->ending) assert_int_equal(lock->deadline_ms, record->deadline_ms);
        }
        over_count += over(record);
        if (record->state != SHARE_AVAILABLE || record->count > 0) end = at + 1;
    }
    assert_int_equal(share_state_over_count(&f->state), over_count);
    assert_int_equal(share_state_end(&f->state), end);
    for (size_t i = 1; i < f->state.ranges.count; i++) {
        const struct share_range *a = offset_ranges_at(&f->state.ranges, i - 1),
                                 *b = offset_ranges_at(&f->state.ranges, i);
        assert_true(a->at.last < b->at.first);
        assert_false(a->at.last + 1 == b->at.first && share_range_is_like(a, b));
    }
    for (kafka_offset from = 0; from < RECORDS; from += 7)
        assert_int_equal(share_queue_next(&f->queue, &f->limits, from),
                         naive_next(f, from < f->start ? f->start : from));
}

/* Outcomes go to the log. */
static void submit(struct fixture *f, struct offset_ranges *outcomes) {
    if (outcomes->count == 0) return;
    assert_true(f->command_count < COMMANDS);
    f->commands[f->command_count++] = *outcomes;
}

static void apply_one(struct fixture *f) {
    if (f->command_count == 0) return;
    struct offset_ranges first = f->commands[0];
    memmove(f->commands, f->commands + 1, --f->command_count * sizeof *f->commands);
    for (size_t i = 0; i < first.count; i++) {
        const struct share_range *range = offset_ranges_at(&first, i);
        share_state_set(&f->state, range);
        share_queue_committed(&f->queue, range);
        naive_set(f, range);
        naive_advance(f);
    }
    offset_ranges_free(&first);
}

static bool naive_suspect(const struct fixture *f, kafka_offset at) {
    int half = (f->limits.deliveries + 1) / 2;
    return f->records[at].count >= (half > 2 ? half : 2);
}

/* How many from this one on are available and were given as often. */
static uint64_t naive_alike(const struct fixture *f, kafka_offset from, kafka_offset last) {
    kafka_offset at = from;
    while (at <= last && naive_available(f, at) && f->records[at].count == f->records[from].count &&
           f->records[at].time_ms == f->records[from].time_ms)
        at++;
    return (uint64_t)(at - from);
}

/* What of `most` remains where the first that is given is this one. */
static uint64_t naive_most(const struct fixture *f, kafka_offset first, kafka_offset last,
                           uint64_t most) {
    if (!naive_suspect(f, first)) return most;
    bool last_time = f->records[first].count + 1 >= f->limits.deliveries;
    uint64_t part = last_time ? 1 : (naive_alike(f, first, last) + 1) / 2;
    return part < most ? part : most;
}

static void step_acquire(struct fixture *f) {
    kafka_offset first = (kafka_offset)draw(f, RECORDS),
                 last = first + (kafka_offset)draw(f, (uint64_t)(RECORDS - first));
    uint64_t holder = 1 + draw(f, HOLDERS), most = 1 + draw(f, 20), got = 0,
             room = f->limits.locks - naive_held(f);
    struct offset_ranges given = no_ranges();
    bool backwards = draw(f, 8) == 0, apart = false;
    uint64_t count = share_queue_acquire(&f->queue, &f->limits, first, last, most, holder,
                                         f->now_ms, &given);
    for (kafka_offset at = first; at <= last && got < most && got < room; at++) {
        struct naive_record *record = &f->records[at];
        if (!naive_available(f, at)) continue;
        if (got == 0) most = naive_most(f, at, last, most);
        if (got > 0 && naive_suspect(f, at) && !apart) break;
        apart = got == 0 ? naive_suspect(f, at) : apart;
        const struct share_range *range = offset_ranges_over(&given, at);
        assert_non_null(range);
        assert_int_equal(range->count, record->count + 1);
        assert_int_equal(range->state, SHARE_ACQUIRED);
        got++;
        if (backwards) continue;
        record->holder = holder;
        record->held_count = (uint16_t)(record->count + 1);
        record->deadline_ms = f->now_ms + f->limits.lock_ms;
        record->ending = false;
    }
    assert_int_equal(count, got);
    assert_int_equal(covered(&given), got);
    if (backwards) share_queue_take_back(&f->queue, &given, holder);
    offset_ranges_free(&given);
}

static uint8_t outcome_of(int8_t type) {
    if (type == SHARE_ACK_ACCEPT) return SHARE_ACKNOWLEDGED;
    return type == SHARE_ACK_RELEASE ? SHARE_AVAILABLE : SHARE_ARCHIVED;
}

/* One acknowledgement, or two of which the second lies behind the first. */
static void step_acknowledge(struct fixture *f) {
    struct share_ack acks[2];
    int8_t types[2][RECORDS];
    size_t count = 1 + draw(f, 2);
    uint64_t holder = 1 + draw(f, HOLDERS);
    kafka_offset from = (kafka_offset)draw(f, RECORDS);
    bool fine = true;
    if (draw(f, 4) > 0) /* so that it succeeds more often */
        while (from + 1 < RECORDS && f->records[from].holder != holder)
            from++;
    for (size_t i = 0; i < count; i++) {
        kafka_offset last = from + (kafka_offset)draw(f, 4);
        if (last >= RECORDS) last = RECORDS - 1;
        if (from >= RECORDS) count = i;
        if (i == count) break;
        size_t length = (size_t)(last - from + 1), n = draw(f, 2) == 0 ? 1 : length;
        for (size_t k = 0; k < n; k++)
            types[i][k] = (int8_t)draw(f, 5);
        acks[i] = (struct share_ack){{from, last}, types[i], n};
        for (kafka_offset at = from; at <= last; at++)
            if (at >= f->start && (f->records[at].holder != holder || f->records[at].ending))
                fine = false;
        from = last + 1 + (kafka_offset)draw(f, 2);
    }
    struct offset_ranges outcomes = no_ranges();
    int16_t code = share_queue_acknowledge(&f->queue, &f->limits, acks, count, holder, f->now_ms,
                                           &outcomes);
    assert_int_equal(code, fine ? KAFKA_NONE : KAFKA_INVALID_RECORD_STATE);
    uint64_t ended = 0;
    for (size_t i = 0; fine && i < count; i++)
        for (kafka_offset at = acks[i].at.first; at <= acks[i].at.last; at++) {
            int8_t type = acks[i].types[acks[i].type_count > 1 ? at - acks[i].at.first : 0];
            if (at < f->start) continue;
            if (type == SHARE_ACK_RENEW) {
                f->records[at].deadline_ms = f->now_ms + f->limits.lock_ms;
                continue;
            }
            expect_outcome(f, &outcomes, at, outcome_of(type));
            f->records[at].ending = true;
            ended++;
        }
    assert_int_equal(covered(&outcomes), ended);
    submit(f, &outcomes);
}

static void step_end(struct fixture *f, uint64_t holder) {
    struct offset_ranges outcomes = no_ranges();
    uint64_t ended = 0, deadline_ms = UINT64_MAX;
    if (holder == 0)
        share_queue_expire(&f->queue, &f->limits, f->now_ms, &outcomes);
    else
        share_queue_release(&f->queue, &f->limits, holder, &outcomes);
    for (kafka_offset at = f->start; at < RECORDS; at++) {
        struct naive_record *record = &f->records[at];
        if (record->holder == 0 || record->ending) continue;
        if (holder == 0 ? record->deadline_ms <= f->now_ms : record->holder == holder) {
            expect_outcome(f, &outcomes, at, SHARE_AVAILABLE);
            record->ending = true;
            ended++;
        } else if (record->deadline_ms < deadline_ms) {
            deadline_ms = record->deadline_ms;
        }
    }
    assert_int_equal(covered(&outcomes), ended);
    if (holder == 0)
        assert_int_equal(share_queue_deadline(&f->queue), deadline_ms);
    else
        assert_true(share_queue_deadline(&f->queue) <= deadline_ms);
    submit(f, &outcomes);
}

static void step_pass(struct fixture *f) {
    kafka_offset to = f->start + (kafka_offset)draw(f, 3);
    if (to > RECORDS) return;
    share_state_pass(&f->state, to);
    share_queue_passed(&f->queue);
    f->start = to > f->start ? to : f->start;
    naive_advance(f);
}

/* The lead is lost: of what was submitted some commits all the same. Then another one leads. */
static void step_lose(struct fixture *f) {
    share_queue_close(&f->queue);
    share_queue_open(&f->queue, &f->state);
    share_queue_clock(&f->queue, f->wall_ms);
    for (size_t at = 0; at < RECORDS; at++)
        f->records[at].holder = 0;
    while (f->command_count > 0 && draw(f, 3) > 0)
        apply_one(f);
    while (f->command_count > 0)
        offset_ranges_free(&f->commands[--f->command_count]);
}

static void step(struct fixture *f) {
    switch (draw(f, 12)) {
    case 0:
    case 1:
    case 2: step_acquire(f); break;
    case 3:
    case 4:
    case 5: step_acknowledge(f); break;
    case 6: step_end(f, 0); break;
    case 7: step_end(f, 1 + draw(f, HOLDERS)); break;
    case 8:
        f->now_ms += draw(f, LOCK_MS);
        f->wall_ms += (int64_t)draw(f, 300) - (draw(f, 10) == 0 ? 400 : 0);
        share_queue_clock(&f->queue, f->wall_ms);
        break;
    case 9: draw(f, 20) == 0 ? step_lose(f) : draw(f, 4) == 0 ? step_pass(f) : (void)0; break;
    default: apply_one(f); break;
    }
    if (f->command_count == COMMANDS) apply_one(f);
}

static void begin(struct fixture *f, uint64_t seed) {
    *f = (struct fixture){.seed = seed, .now_ms = 1000, .wall_ms = 1000000};
    f->limits = (struct share_limits){.lock_ms = LOCK_MS,
                                      .locks = 3 + draw(f, RECORDS),
                                      .deliveries = (uint16_t)(1 + draw(f, 6)),
                                      .renew = true,
                                      .window = 5 + (kafka_offset)draw(f, RECORDS),
                                      .ranges = SIZE_MAX,
                                      .retry = {.base_ms = draw(f, 3) * 100,
                                                .max_ms = 1000,
                                                .released = true,
                                                .timed_out = draw(f, 2) == 0}};
    share_state_open(&f->state, 0);
    share_queue_open(&f->queue, &f->state);
    share_queue_clock(&f->queue, f->wall_ms);
}

static void end(struct fixture *f) {
    while (f->command_count > 0)
        offset_ranges_free(&f->commands[--f->command_count]);
    share_queue_close(&f->queue);
    share_state_close(&f->state);
}

/* After every step of any order the two agree about every record. */
static void test_agrees_with_the_naive_one(void **state) {
    (void)state;
    uint64_t all_over = 0;
    for (uint64_t round = 0; round < ROUNDS; round++) {
        struct fixture f;
        begin(&f, round + 1);
        for (int i = 0; i < STEPS; i++) {
            step(&f);
            compare(&f);
        }
        all_over += f.start == RECORDS;
        end(&f);
    }
    assert_true(all_over > ROUNDS / 10 && all_over < ROUNDS); /* both ends are met */
}

/* ---- One step ---- */

/* The oldest one, of the state and the queue alone. */
static void commit(struct fixture *f) {
    struct offset_ranges first = f->commands[0];
    assert_true(f->command_count > 0);
    memmove(f->commands, f->commands + 1, --f->command_count * sizeof *f->commands);
    for (size_t i = 0; i < first.count; i++) {
        share_state_set(&f->state, offset_ranges_at(&first, i));
        share_queue_committed(&f->queue, offset_ranges_at(&first, i));
    }
    offset_ranges_free(&first);
}

static uint64_t acquire(struct fixture *f, kafka_offset first, kafka_offset last, uint64_t holder) {
    struct offset_ranges given = no_ranges();
    uint64_t count = share_queue_acquire(&f->queue, &f->limits, first, last, UINT64_MAX, holder,
                                         f->now_ms, &given);
    offset_ranges_free(&given);
    return count;
}

static int16_t acknowledge(struct fixture *f, kafka_offset first, kafka_offset last, int8_t type,
                           uint64_t holder) {
    struct offset_ranges outcomes = no_ranges();
    struct share_ack ack = {{first, last}, &type, 1};
    int16_t code = share_queue_acknowledge(&f->queue, &f->limits, &ack, 1, holder, f->now_ms,
                                           &outcomes);
    submit(f, &outcomes);
    return code;
}

static void begin_wide(struct fixture *f) {
    begin(f, 1);
    f->limits = (struct share_limits){.lock_ms = LOCK_MS,
                                      .locks = 10,
                                      .deliveries = 2,
                                      .renew = true,
                                      .window = 1000000,
                                      .ranges = 20000};
}

/* One record that is held for ever stops nobody: the limit counts what is held. */
static void test_limit_counts_what_is_held(void **state) {
    (void)state;
    struct fixture f;
    begin_wide(&f);
    assert_int_equal(acquire(&f, 0, 0, 1), 1);
    for (kafka_offset at = 1; at + 8 < RECORDS; at += 9) {
        assert_int_equal(acquire(&f, at, at + 100, 2), 9); /* ten are held */
        assert_int_equal(share_queue_next(&f.queue, &f.limits, 0), -1);
        assert_int_equal(acknowledge(&f, at, at + 8, SHARE_ACK_ACCEPT, 2), KAFKA_NONE);
        assert_int_equal(share_queue_next(&f.queue, &f.limits, 0), -1); /* until it commits */
        commit(&f);
        assert_int_equal(share_queue_next(&f.queue, &f.limits, 0), at + 9);
    }
    assert_int_equal(f.state.start, 0);
    end(&f);
}

/* Requests that make no sense are told from records that are not held; neither changes anything. */
static void test_acknowledgements_that_cannot_be(void **state) {
    (void)state;
    struct fixture f;
    begin_wide(&f);
    static const int8_t accept[] = {1, 1, 1}, strange[] = {5}, negative[] = {-1}, renew[] = {4};
    static const struct share_ack wrong[] = {
        {{3, 2}, accept, 1},  {{-1, 2}, accept, 1},  {{0, INT64_MAX}, accept, 1},
        {{0, 2}, accept, 0},  {{0, 2}, accept, 2},   {{0, 1}, accept, 3},
        {{0, 2}, strange, 1}, {{0, 2}, negative, 1}, {{0, 2}, renew, 1},
    };
    struct offset_ranges outcomes = no_ranges();
    assert_int_equal(acquire(&f, 0, 5, 1), 6);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(share_acks_make_sense(&wrong[i], 1, false));
    const struct share_ack back[] = {{{0, 2}, accept, 1}, {{1, 3}, accept, 1}},
                           twice[] = {{{0, 2}, accept, 1}, {{2, 3}, accept, 1}},
                           beyond[] = {{{0, 2}, accept, 3}, {{3, 6}, accept, 1}};
    assert_false(share_acks_make_sense(back, 2, false));
    assert_true(share_acks_make_sense(twice, 2, false));
    assert_true(share_acks_make_sense(&wrong[8], 1, true));
    assert_int_equal(share_queue_acknowledge(&f.queue, &f.limits, twice, 2, 1, f.now_ms, &outcomes),
                     KAFKA_INVALID_RECORD_STATE);
    assert_int_equal(
        share_queue_acknowledge(&f.queue, &f.limits, beyond, 2, 1, f.now_ms, &outcomes),
        KAFKA_INVALID_RECORD_STATE);
    f.limits.renew = false;
    assert_int_equal(
        share_queue_acknowledge(&f.queue, &f.limits, &wrong[8], 1, 1, f.now_ms, &outcomes),
        KAFKA_INVALID_RECORD_STATE);
    assert_int_equal(outcomes.count, 0);
    assert_int_equal(acknowledge(&f, 0, 5, SHARE_ACK_ACCEPT, 2), KAFKA_INVALID_RECORD_STATE);
    assert_int_equal(acknowledge(&f, 0, 5, SHARE_ACK_ACCEPT, 1), KAFKA_NONE);
    assert_int_equal(acknowledge(&f, 0, 5, SHARE_ACK_ACCEPT, 1), KAFKA_INVALID_RECORD_STATE);
    commit(&f);
    assert_int_equal(f.state.start, 6);
    assert_int_equal(acknowledge(&f, 0, 5, SHARE_ACK_ACCEPT, 1), KAFKA_NONE); /* all below it */
    assert_int_equal(share_queue_acknowledge(&f.queue, &f.limits, twice, 2, 1, f.now_ms, &outcomes),
                     KAFKA_NONE);
    end(&f);
}

/* However many offsets an acknowledgement names, and however far apart records are given. */
static void test_far_offsets(void **state) {
    (void)state;
    struct fixture f;
    begin_wide(&f);
    f.limits.locks = UINT64_MAX;
    f.limits.window = INT64_C(1) << 60;
    assert_int_equal(acquire(&f, 0, (INT64_C(1) << 59) - 1, 1), UINT64_C(1) << 59);
    assert_int_equal(acknowledge(&f, 0, INT64_C(1) << 59, SHARE_ACK_ACCEPT, 1),
                     KAFKA_INVALID_RECORD_STATE);
    assert_int_equal(acknowledge(&f, 1, (INT64_C(1) << 59) - 1, SHARE_ACK_ACCEPT, 1), KAFKA_NONE);
    commit(&f);
    assert_int_equal(f.state.ranges.count, 1);
    assert_int_equal(share_queue_next(&f.queue, &f.limits, 0), INT64_C(1) << 59);
    end(&f);
}

/* With as many runs as may be kept only what was given before is given, so that they become fewer.
 */
static void test_runs_are_limited(void **state) {
    (void)state;
    struct fixture f;
    begin_wide(&f);
    f.limits.ranges = 4;
    for (kafka_offset at = 0; at < 8; at += 2) {
        assert_int_equal(acquire(&f, at, at, 1), 1);
        assert_int_equal(acknowledge(&f, at, at, SHARE_ACK_RELEASE, 1), KAFKA_NONE);
        commit(&f);
    }
    assert_int_equal(acquire(&f, 0, 30, 1), 7);
    assert_int_equal(share_queue_next(&f.queue, &f.limits, 0), -1);
    assert_int_equal(acknowledge(&f, 0, 6, SHARE_ACK_ACCEPT, 1), KAFKA_NONE);
    commit(&f);
    assert_int_equal(acquire(&f, 0, 30, 1), 10);
    end(&f);
}

static uint64_t cpu_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* Every other record of so many twos is acknowledged, in one request, committed, and what is left
 * between them released, committed and given again; the cheapest of three. */
static uint64_t cost_us(size_t twos) {
    static const int8_t accept = SHARE_ACK_ACCEPT;
    uint64_t least_us = UINT64_MAX;
    struct share_ack *acks = mem_zalloc(twos * sizeof *acks);
    for (size_t i = 0; i < twos; i++)
        acks[i] = (struct share_ack){{2 * (int64_t)i + 1, 2 * (int64_t)i + 1}, &accept, 1};
    for (int i = 0; i < 3; i++) {
        struct fixture f;
        struct offset_ranges outcomes = no_ranges(), given = no_ranges();
        begin_wide(&f);
        f.limits.locks = f.limits.ranges = UINT32_MAX;
        uint64_t began_us = cpu_us();
        share_queue_acquire(&f.queue, &f.limits, 0, 2 * (int64_t)twos, UINT64_MAX, 1, 0, &given);
        assert_int_equal(share_queue_acknowledge(&f.queue, &f.limits, acks, twos, 1, 0, &outcomes),
                         KAFKA_NONE);
        for (int released = 0; released < 2; released++) {
            for (size_t o = 0; o < outcomes.count; o++) {
                share_state_set(&f.state, offset_ranges_at(&outcomes, o));
                share_queue_committed(&f.queue, offset_ranges_at(&outcomes, o));
            }
            offset_ranges_free(&outcomes);
            share_queue_release(&f.queue, &f.limits, 1, &outcomes);
        }
        assert_int_equal(share_queue_acquire(&f.queue, &f.limits, 0, 2 * (int64_t)twos, UINT64_MAX,
                                             1, 0, &given),
                         twos + 1);
        uint64_t took_us = cpu_us() - began_us;
        if (took_us < least_us) least_us = took_us;
        offset_ranges_free(&outcomes);
        offset_ranges_free(&given);
        end(&f);
    }
    mem_free(acks);
    return least_us;
}

/* Eight times as many runs cost some eight times as much. */
static void test_cost_of_many_runs(void **state) {
    (void)state;
    uint64_t few_us = cost_us(2000), many_us = cost_us(16000);
    if (many_us > 24 * few_us + 1000) fail_msg("%d us became %d us", (int)few_us, (int)many_us);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_agrees_with_the_naive_one),
        cmocka_unit_test(test_limit_counts_what_is_held),
        cmocka_unit_test(test_acknowledgements_that_cannot_be),
        cmocka_unit_test(test_far_offsets),
        cmocka_unit_test(test_runs_are_limited),
        cmocka_unit_test(test_cost_of_many_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
