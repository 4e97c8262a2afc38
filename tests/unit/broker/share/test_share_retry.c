/*
 * Records that come back and wait for their next delivery: how long, that nobody gets them before,
 * that others are given meanwhile, and that it is in commands and snapshots.
 */
#include <string.h>

#include "base/env_uv/env_uv.h"
#include "base/error.h"
#include "broker/share/shares.h"
#include "protocol/kafka_error.h"
#include "tests/unit/unit.h"

enum { WALL_MS = 1000050, LOCK_MS = 50 };

struct fixture {
    struct share_state state;
    struct share_queue queue;
    struct share_limits limits;
};

static void begin(struct fixture *f) {
    *f = (struct fixture){0};
    f->limits = (struct share_limits){
        .lock_ms = LOCK_MS,
        .locks = 100,
        .deliveries = 10,
        .window = 1000,
        .ranges = 1000,
        .retry = {.base_ms = 1000, .max_ms = 3000, .released = true, .timed_out = true}};
    share_state_open(&f->state, 0);
    share_queue_open(&f->queue, &f->state);
    share_queue_clock(&f->queue, WALL_MS);
}

static void end(struct fixture *f) {
    share_queue_close(&f->queue);
    share_state_close(&f->state);
}

static uint64_t acquire(struct fixture *f, kafka_offset first, kafka_offset last) {
    struct offset_ranges given = {.size = sizeof(struct share_range)};
    uint64_t count = share_queue_acquire(&f->queue, &f->limits, first, last, UINT64_MAX, 1, 0,
                                         &given);
    offset_ranges_free(&given);
    return count;
}

static void commit(struct fixture *f, struct offset_ranges *outcomes) {
    for (size_t i = 0; i < outcomes->count; i++) {
        share_state_set(&f->state, offset_ranges_at(outcomes, i));
        share_queue_committed(&f->queue, offset_ranges_at(outcomes, i));
    }
    offset_ranges_free(outcomes);
}

static void release(struct fixture *f, kafka_offset first, kafka_offset last) {
    struct offset_ranges outcomes = {.size = sizeof(struct share_range)};
    int8_t type = SHARE_ACK_RELEASE;
    struct share_ack ack = {{first, last}, &type, 1};
    assert_int_equal(share_queue_acknowledge(&f->queue, &f->limits, &ack, 1, 1, 0, &outcomes),
                     KAFKA_NONE);
    commit(f, &outcomes);
}

static void time_out(struct fixture *f) {
    struct offset_ranges outcomes = {.size = sizeof(struct share_range)};
    share_queue_expire(&f->queue, &f->limits, LOCK_MS, &outcomes);
    commit(f, &outcomes);
}

static int64_t time_of(const struct fixture *f, kafka_offset offset) {
    const struct share_range *range = offset_ranges_over(&f->state.ranges, offset);
    return range == NULL ? 0 : range->time_ms;
}

/* As long as it says, twice as long with each delivery, up to the most; rounded up. */
static void test_how_long(void **state) {
    (void)state;
    struct fixture f;
    begin(&f);
    static const int64_t wait_ms[] = {1000, 2000, 3000, 3000};
    int64_t wall_ms = WALL_MS;
    for (size_t i = 0; i < sizeof wait_ms / sizeof wait_ms[0]; i++) {
        assert_int_equal(acquire(&f, 0, 0), 1);
        release(&f, 0, 0);
        assert_int_equal(time_of(&f, 0), (wall_ms + wait_ms[i] + 99) / 100 * 100);
        assert_int_equal(acquire(&f, 0, 0), 0);
        wall_ms = time_of(&f, 0) - 1;
        assert_false(share_queue_clock(&f.queue, wall_ms));
        assert_int_equal(acquire(&f, 0, 0), 0);
        assert_true(share_queue_clock(&f.queue, ++wall_ms));
    }
    f.limits.retry.base_ms = 0;
    assert_int_equal(acquire(&f, 0, 0), 1);
    release(&f, 0, 0);
    assert_int_equal(time_of(&f, 0), 0);
    assert_int_equal(acquire(&f, 0, 0), 1);
    end(&f);
}

/* What waits holds no lock, is not counted as ready, and stops nobody. */
static void test_others_are_given(void **state) {
    (void)state;
    struct fixture f;
    begin(&f);
    f.limits.locks = 4;
    assert_int_equal(acquire(&f, 0, 3), 4);
    release(&f, 0, 2);
    assert_int_equal(f.queue.held, 1);
    assert_int_equal(share_queue_next(&f.queue, &f.limits, 0), 4);
    assert_int_equal(share_queue_ready(&f.queue, &f.limits, 6), 2);
    assert_int_equal(acquire(&f, 0, 6), 3);
    share_queue_clock(&f.queue, WALL_MS + 5000);
    f.limits.locks = 100;
    assert_int_equal(share_queue_next(&f.queue, &f.limits, 0), 0);
    assert_int_equal(acquire(&f, 0, 6), 3);
    end(&f);
}

static void test_which_ones_wait(void **state) {
    (void)state;
    struct fixture f;
    begin(&f);
    f.limits.retry.timed_out = false;
    acquire(&f, 0, 1);
    release(&f, 0, 0);
    time_out(&f);
    assert_true(time_of(&f, 0) > WALL_MS);
    assert_int_equal(time_of(&f, 1), 0);
    f.limits.retry = (struct share_retry){.base_ms = 1000, .max_ms = 3000, .timed_out = true};
    acquire(&f, 1, 2);
    release(&f, 2, 2);
    time_out(&f);
    assert_true(time_of(&f, 1) > WALL_MS);
    assert_int_equal(time_of(&f, 2), 0);
    end(&f);
}

/* A record is archived when it comes back from the last delivery that it may have, however long it
 * would wait for another one. */
static void test_last_delivery(void **state) {
    (void)state;
    struct fixture f;
    begin(&f);
    uint16_t count;
    f.limits.deliveries = 2;
    assert_int_equal(acquire(&f, 5, 5), 1);
    release(&f, 5, 5);
    assert_int_equal(share_state_of(&f.state, 5, &count), SHARE_AVAILABLE);
    assert_int_equal(count, 1);
    share_queue_clock(&f.queue, time_of(&f, 5));
    assert_int_equal(acquire(&f, 5, 5), 1);
    time_out(&f);
    assert_int_equal(share_state_of(&f.state, 5, &count), SHARE_ARCHIVED);
    assert_int_equal(time_of(&f, 5), 0);
    assert_int_equal(acquire(&f, 5, 5), 0);
    end(&f);
}

/* ---- In the log ---- */

/* A time is in the command, and of an older form if there is none. */
static void test_commands(void **state) {
    (void)state;
    struct share_command made = {.what = SHARE_OUTCOMES,
                                 .number = 1,
                                 .outcomes.size = sizeof(struct share_range)},
                         got;
    *(struct share_range *)offset_ranges_append(&made.outcomes) = (struct share_range){.at = {5, 6},
                                                                                       .count = 1};
    struct slice bytes = share_command_encode(&made);
    assert_int_equal(bytes.data[2], SHARE_OUTCOMES);
    slice_unref(&bytes);
    *(struct share_range *)offset_ranges_append(&made.outcomes) = (struct share_range){
        .at = {7, 9}, .count = 2, .time_ms = 1764565812300};
    bytes = share_command_encode(&made);
    assert_int_equal(bytes.data[2], SHARE_TIMED_OUTCOMES);
    assert_int_equal(share_command_decode(bytes.data, bytes.len, &got), ERR_NONE);
    assert_int_equal(got.what, SHARE_OUTCOMES);
    assert_int_equal(got.outcomes.count, 2);
    assert_memory_equal(got.outcomes.items, made.outcomes.items, 2 * sizeof(struct share_range));
    offset_ranges_free(&got.outcomes);
    uint8_t copy[64];
    assert_true(bytes.len < sizeof copy);
    for (size_t at = 3; at < bytes.len; at++)
        for (int value = 0; value < 256; value++) { /* none of them is believed too far */
            memcpy(copy, bytes.data, bytes.len);
            copy[at] = (uint8_t)value;
            if (share_command_decode(copy, bytes.len, &got) != ERR_NONE) continue;
            for (size_t i = 0; i < got.outcomes.count; i++)
                assert_true(((struct share_range *)offset_ranges_at(&got.outcomes, i))->time_ms >=
                            0);
            offset_ranges_free(&got.outcomes);
        }
    slice_unref(&bytes);
    offset_ranges_free(&made.outcomes);
}

struct leader {
    struct env *env;
    struct shares *shares, *other;
};

static int submit(void *arg, struct slice *command) {
    struct leader *leader = arg;
    assert_int_equal(shares_apply(leader->shares, command->data, command->len), ERR_NONE);
    slice_unref(command);
    return ERR_NONE;
}

struct waiting {
    struct share_waiter waiter; /* first */
    struct leader *leader;
};

static void stop(struct share_waiter *waiter) {
    env_uv_stop(((struct waiting *)waiter)->leader->env);
}

static struct slice bytes_of(struct shares *shares) {
    struct snapshot_bytes bytes = {0};
    struct shares_walk *walk = shares_walk_new(shares);
    while (!shares_walk_step(walk, &bytes))
        continue;
    shares_walk_rest(walk, &bytes);
    return snapshot_bytes_whole(&bytes);
}

/* From the snapshot of one that leads another one goes on: nobody gets it before, and who waits is
 * called then. */
static void test_a_new_leader_waits_on(void **state) {
    (void)state;
    struct leader leader = {0};
    struct share_book book = {0};
    assert_int_equal(env_uv_new(&leader.env, 1), ERR_NONE);
    struct shares_options options = {
        .env = leader.env, .submit = submit, .arg = &leader, .book = &book};
    leader.shares = shares_new(&options);
    leader.other = shares_new(&options);
    struct share_command command = {.what = SHARE_BEGIN, .group = kp_string_of("g")};
    struct slice bytes = share_command_encode(&command);
    submit(&leader, &bytes);
    struct share *share = shares_find(leader.shares, kp_string_of("g"));
    int64_t due_ms = env_wall_ms(leader.env) / 100 * 100 + 300;
    share_state_set(&share->state,
                    &(struct share_range){.at = {0, 0}, .count = 1, .time_ms = due_ms});
    bytes = bytes_of(leader.shares);
    for (size_t at = 0, took; at < bytes.len; at += took)
        assert_int_equal(shares_decode(leader.other, bytes.data + at, bytes.len - at, &took),
                         ERR_NONE);
    slice_unref(&bytes);
    share = shares_find(leader.other, kp_string_of("g"));
    assert_non_null(share);
    shares_leading(leader.other);
    share_read_by(share, &(struct share_limits){.locks = 1, .window = 10, .ranges = 10});
    assert_int_equal(share_queue_next(&share->queue, &share->limits, 0), 1);
    struct waiting waiting = {.waiter.available = stop, .leader = &leader};
    while (env_wall_ms(leader.env) < due_ms) {
        share_wait(share, &waiting.waiter);
        env_uv_run(leader.env);
    }
    share_read_by(share, &share->limits);
    assert_int_equal(share_queue_next(&share->queue, &share->limits, 0), 0);
    share_wait_cancel(&waiting.waiter);
    shares_lost(leader.other);
    shares_free(leader.shares);
    shares_free(leader.other);
    assert_true(env_uv_free(leader.env));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_how_long),        cmocka_unit_test(test_others_are_given),
        cmocka_unit_test(test_which_ones_wait), cmocka_unit_test(test_last_delivery),
        cmocka_unit_test(test_commands),        cmocka_unit_test(test_a_new_leader_waits_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
