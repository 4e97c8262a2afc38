/*
 * Records in the order of keys (share.order=key), beside a model that is an array of records: drawn
 * fetches, acknowledgements, ends of locks and of holders, commits that are late.
 *
 * What must be so: of a key one holder has records at a time; a record is given when every earlier
 * one of its key is over or that holder's; when one comes back whatever was given of its key behind
 * it, and is not said anything of, comes back too, with the count that it had; in the end nothing
 * is left.
 */
#include <string.h>

#include "broker/share/share_queue.h"
#include "protocol/kafka_error.h"
#include "tests/unit/unit.h"

enum { RECORDS = 60, KEYS = 5, HOLDERS = 4, COMMANDS = 8, ROUNDS = 300, STEPS = 400 };

struct naive {
    uint64_t key, holder; /* 0: nobody's */
    uint16_t count;
    bool over, ending;
};

static struct {
    uint64_t seed, now_ms;
    struct share_state state;
    struct share_queue queue;
    struct share_limits limits;
    struct naive records[RECORDS];
    struct offset_ranges commands[COMMANDS]; /* that have not committed */
    size_t command_count;
} f;

static uint64_t draw(uint64_t below) {
    f.seed = f.seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (f.seed >> 33) % below;
}

/* ---- The model ---- */

/* Every earlier one of the key is over or his, and none of them is on its way back. */
static bool may_have(size_t at, uint64_t holder) {
    const struct naive *record = &f.records[at];
    if (record->over || record->holder != 0 || record->ending) return false;
    for (size_t i = 0; i < RECORDS; i++) {
        const struct naive *other = &f.records[i];
        if (i == at || other->key != record->key || record->key == 0 || other->over) continue;
        if (other->holder != 0 && other->holder != holder) return false;
        if (i < at && other->holder == 0) return false;
    }
    return true;
}

/* Outcomes become what is known; the records are nobody's when they have committed. */
static void note(const struct offset_ranges *outcomes) {
    for (size_t i = 0; i < outcomes->count; i++) {
        const struct share_range *range = offset_ranges_at(outcomes, i);
        for (kafka_offset at = range->at.first; at <= range->at.last; at++) {
            assert_true(f.records[at].holder != 0 && !f.records[at].ending);
            f.records[at].ending = true;
        }
    }
}

static void commit(void) {
    if (f.command_count == 0) return;
    struct offset_ranges outcomes = f.commands[0];
    memmove(f.commands, f.commands + 1, --f.command_count * sizeof *f.commands);
    for (size_t i = 0; i < outcomes.count; i++) {
        const struct share_range *range = offset_ranges_at(&outcomes, i);
        share_state_set(&f.state, range);
        share_queue_committed(&f.queue, range);
        for (kafka_offset at = range->at.first; at <= range->at.last; at++)
            f.records[at] = (struct naive){.key = f.records[at].key,
                                           .count = range->count,
                                           .over = share_state_is_over(range->state)};
    }
    offset_ranges_free(&outcomes);
}

/* What comes back takes along what was given of its key behind it. */
static void check_followers(void) {
    for (size_t i = 0; i < RECORDS; i++) {
        const struct naive *later = &f.records[i];
        if (later->holder == 0 || later->ending || later->key == 0) continue;
        for (size_t j = 0; j < i; j++)
            if (f.records[j].key == later->key && f.records[j].ending) {
                const struct share_lock *lock = offset_ranges_over(&f.queue.locks, (kafka_offset)j);
                assert_true(lock == NULL || lock->outcome != SHARE_AVAILABLE);
            }
    }
}

static void submit(struct offset_ranges *outcomes) {
    note(outcomes);
    check_followers();
    if (f.command_count == COMMANDS) commit();
    f.commands[f.command_count++] = *outcomes;
}

/* ---- Steps ---- */

/* A look from the first on, as share_take does it. */
static void fetch(uint64_t holder) {
    bool passed[KEYS + 1] = {false};
    uint64_t most = draw(6) + 1;
    for (size_t at = 0; at < RECORDS && most > 0; at++) {
        struct naive *record = &f.records[at];
        struct offset_ranges given = {.size = sizeof(struct share_range)};
        struct offset_range one = {(kafka_offset)at, (kafka_offset)at};
        uint64_t got = 0;
        if (share_queue_available(&f.queue, one.first) != one.first) continue;
        if (record->key == 0)
            got = share_queue_acquire(&f.queue, &f.limits, one.first, one.last, 1, holder, f.now_ms,
                                      &given);
        else if (!passed[record->key] && share_queue_key_is_free(&f.queue, record->key, holder))
            got = share_queue_acquire_keyed(&f.queue, &f.limits, one, 1, record->key, holder,
                                            f.now_ms, &given);
        passed[record->key] = passed[record->key] || got == 0;
        if (record->key != 0 || got > 0) assert_true(got == 0 || may_have(at, holder));
        if (got > 0) {
            record->holder = holder;
            record->count++;
            most--;
        }
        offset_ranges_free(&given);
    }
}

static void say(uint64_t holder) {
    static const int8_t types[] = {SHARE_ACK_ACCEPT, SHARE_ACK_ACCEPT, SHARE_ACK_RELEASE,
                                   SHARE_ACK_REJECT};
    size_t at = draw(RECORDS);
    struct naive *record = &f.records[at];
    struct offset_ranges outcomes = {.size = sizeof(struct share_range)};
    struct share_ack ack = {
        .at = {(kafka_offset)at, (kafka_offset)at}, .types = &types[draw(4)], .type_count = 1};
    int16_t code = share_queue_acknowledge(&f.queue, &f.limits, &ack, 1, holder, f.now_ms,
                                           &outcomes);
    bool below = (kafka_offset)at < f.state.start;
    assert_int_equal(code == KAFKA_NONE, below || (record->holder == holder && !record->ending));
    submit(&outcomes);
}

static void step(void) {
    struct offset_ranges outcomes = {.size = sizeof(struct share_range)};
    switch (draw(12)) {
    case 0: share_queue_release(&f.queue, &f.limits, draw(HOLDERS) + 1, &outcomes); break;
    case 1:
        f.now_ms += draw(60);
        share_queue_expire(&f.queue, &f.limits, f.now_ms, &outcomes);
        break;
    case 2:
    case 3: commit(); return;
    case 4:
    case 5: fetch(draw(HOLDERS) + 1); return;
    default: say(draw(HOLDERS) + 1); return;
    }
    submit(&outcomes);
}

static void begin(uint64_t seed) {
    memset(&f, 0, sizeof f);
    f.seed = seed;
    f.limits = (struct share_limits){.lock_ms = 100,
                                     .locks = 30,
                                     .deliveries = 25,
                                     .window = 10000,
                                     .ranges = 1000,
                                     .keyed = true};
    share_state_open(&f.state, 0);
    share_queue_open(&f.queue, &f.state);
    for (size_t i = 0; i < RECORDS; i++)
        f.records[i].key = draw(KEYS + 1);
}

/* All of it is accepted by one who asks for it. */
static void finish(void) {
    struct offset_ranges outcomes = {.size = sizeof(struct share_range)};
    f.now_ms += 1000;
    share_queue_expire(&f.queue, &f.limits, f.now_ms, &outcomes);
    submit(&outcomes);
    for (int i = 0; i < 1000 && f.state.start < RECORDS; i++) {
        while (f.command_count > 0)
            commit();
        fetch(1);
        for (size_t at = 0; at < RECORDS; at++) {
            static const int8_t accept = SHARE_ACK_ACCEPT;
            struct share_ack ack = {
                .at = {(kafka_offset)at, (kafka_offset)at}, .types = &accept, .type_count = 1};
            if (f.records[at].holder != 1 || f.records[at].ending) continue;
            outcomes = (struct offset_ranges){.size = sizeof(struct share_range)};
            assert_int_equal(
                share_queue_acknowledge(&f.queue, &f.limits, &ack, 1, 1, f.now_ms, &outcomes),
                KAFKA_NONE);
            submit(&outcomes);
        }
    }
    assert_int_equal(f.state.start, RECORDS);
    assert_int_equal(f.queue.held, 0);
    assert_int_equal(f.queue.keys.runs.count, 0);
    assert_null(f.queue.keys.keys);
    share_queue_close(&f.queue);
    share_state_close(&f.state);
}

static void test_against_model(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        begin(seed);
        for (int i = 0; i < STEPS; i++)
            step();
        finish();
    }
}

/* A record that is given again and again takes those behind it along, and their counts stay. */
static void test_followers_count_nothing(void **state) {
    (void)state;
    static const int8_t release = SHARE_ACK_RELEASE;
    begin(1);
    f.limits.deliveries = 3;
    for (size_t i = 0; i < RECORDS; i++)
        f.records[i].key = 1;
    for (int i = 0; i < 2; i++) {
        struct offset_ranges given = {.size = sizeof(struct share_range)}, outcomes = given;
        for (kafka_offset at = 0; at < 3; at++)
            share_queue_acquire_keyed(&f.queue, &f.limits, (struct offset_range){at, at}, 1, 1, 7,
                                      f.now_ms, &given);
        struct share_ack ack = {.at = {0, 0}, .types = &release, .type_count = 1};
        assert_int_equal(
            share_queue_acknowledge(&f.queue, &f.limits, &ack, 1, 7, f.now_ms, &outcomes),
            KAFKA_NONE);
        for (size_t o = 0; o < outcomes.count; o++) {
            share_state_set(&f.state, offset_ranges_at(&outcomes, o));
            share_queue_committed(&f.queue, offset_ranges_at(&outcomes, o));
        }
        uint16_t count;
        share_state_of(&f.state, 0, &count);
        assert_int_equal(count, i + 1);
        share_state_of(&f.state, 2, &count);
        assert_int_equal(count, 0);
        assert_int_equal(f.queue.held, 0);
        offset_ranges_free(&given);
        offset_ranges_free(&outcomes);
    }
    share_queue_close(&f.queue);
    share_state_close(&f.state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_model),
        cmocka_unit_test(test_followers_count_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
