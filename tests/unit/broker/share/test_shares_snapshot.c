/*
 * The shares of a partition as bytes and back, in steps between which they change.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/env_uv/env_uv.h"
#include "base/error.h"
#include "broker/share/shares.h"
#include "tests/unit/unit.h"

enum { GROUPS = 4, OFFSETS = 3000, ROUNDS = 60, STEP_BYTES_MOST = 32 << 10, STEP_US_MOST = 5000 };
#if defined(__SANITIZE_ADDRESS__)
enum { SLOWER = 5 }; /* a list that grows is mapped anew, and looked at byte by byte */
#else
enum { SLOWER = 1 };
#endif

struct fixture {
    struct env *env;
    struct shares *shares, *others;
    uint64_t seed;
};

static int submit(void *arg, struct slice *command) {
    (void)arg;
    (void)command;
    return ERR_LIMIT;
}

static struct shares *none(const struct fixture *f) {
    static struct share_book book;
    struct shares_options options = {.env = f->env, .submit = submit, .book = &book};
    return shares_new(&options);
}

static struct fixture begin(void) {
    struct fixture f = {.seed = 1};
    assert_int_equal(env_uv_new(&f.env, 1), ERR_NONE);
    f.shares = none(&f);
    f.others = none(&f);
    return f;
}

static void end(struct fixture *f) {
    shares_free(f->shares);
    shares_free(f->others);
    assert_true(env_uv_free(f->env));
}

static uint64_t draw(struct fixture *f, uint64_t below) {
    f->seed = f->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (f->seed >> 33) % below;
}

static void apply(struct shares *shares, struct share_command *command) {
    struct slice bytes = share_command_encode(command);
    assert_int_equal(shares_apply(shares, bytes.data, bytes.len), ERR_NONE);
    slice_unref(&bytes);
}

static void share_begins(struct shares *shares, const char *group, kafka_offset start) {
    apply(shares, &(struct share_command){
                      .what = SHARE_BEGIN, .group = kp_string_of(group), .start = start});
}

static struct slice bytes_of(struct shares *shares) {
    struct snapshot_bytes bytes = {0};
    struct shares_walk *walk = shares_walk_new(shares);
    while (!shares_walk_step(walk, &bytes))
        continue;
    shares_walk_rest(walk, &bytes);
    return snapshot_bytes_whole(&bytes);
}

static int restore(struct shares *shares, const uint8_t *bytes, size_t len) {
    int error = ERR_NONE;
    shares_reset(shares);
    for (size_t at = 0, took; error == ERR_NONE && at < len; at += took)
        error = shares_decode(shares, bytes + at, len - at, &took);
    return error;
}

static void assert_equal(struct shares *one, struct shares *other) {
    struct slice a = bytes_of(one), b = bytes_of(other);
    assert_int_equal(a.len, b.len);
    if (a.len > 0) assert_memory_equal(a.data, b.data, a.len);
    slice_unref(&a);
    slice_unref(&b);
}

static void change(struct fixture *f) {
    char group[8];
    snprintf(group, sizeof group, "g%d", (int)draw(f, GROUPS));
    struct share *share = shares_find(f->shares, kp_string_of(group));
    struct share_command command = {.what = SHARE_OUTCOMES,
                                    .outcomes.size = sizeof(struct share_range)};
    if (share == NULL || draw(f, 60) == 0) {
        share_begins(f->shares, group, (kafka_offset)draw(f, 20));
        return;
    }
    command.number = share->number;
    if (draw(f, 60) == 0) {
        command.what = SHARE_DROP;
        apply(f->shares, &command);
        return;
    }
    for (uint64_t count = 1 + draw(f, 30); count > 0; count--) {
        static const uint8_t states[] = {SHARE_AVAILABLE, SHARE_ACKNOWLEDGED, SHARE_ARCHIVED};
        kafka_offset first = share->state.start +
                             (kafka_offset)draw(f, draw(f, 3) == 0 ? 3 : OFFSETS);
        *(struct share_range *)offset_ranges_append(&command.outcomes) = (struct share_range){
            .at = {first, first + (kafka_offset)draw(f, 4)},
            .state = states[draw(f, 3)],
            .count = (uint16_t)(1 + draw(f, 3))};
    }
    uint16_t was;
    for (size_t i = 0; i < command.outcomes.count; i++) { /* nobody revives what is over */
        struct share_range *range = offset_ranges_at(&command.outcomes, i);
        for (kafka_offset at = range->at.first; at <= range->at.last; at++)
            if (range->state == SHARE_AVAILABLE &&
                share_state_is_over(share_state_of(&share->state, at, &was)))
                range->state = SHARE_ARCHIVED;
        if (share_state_is_over(range->state)) range->count = 0;
        share_state_set(&share->state, range); /* as the next ones of the command find it */
    }
    apply(f->shares, &command);
    offset_ranges_free(&command.outcomes);
    if (draw(f, 40) == 0) shares_pass(f->shares, (kafka_offset)draw(f, 60));
}

/* Whatever is applied between two steps is in the bytes too. */
static void test_changes_between_steps(void **state) {
    (void)state;
    struct fixture f = begin();
    for (int round = 0; round < ROUNDS; round++) {
        struct snapshot_bytes bytes = {0};
        for (uint64_t count = draw(&f, 200); count > 0; count--)
            change(&f);
        struct shares_walk *walk = shares_walk_new(f.shares);
        while (!shares_walk_step(walk, &bytes))
            for (uint64_t count = draw(&f, 8); count > 0; count--)
                change(&f);
        for (uint64_t count = draw(&f, 8); count > 0; count--)
            change(&f); /* while others are walked over */
        shares_walk_rest(walk, &bytes);
        struct slice whole = snapshot_bytes_whole(&bytes);
        assert_int_equal(restore(f.others, whole.data, whole.len), ERR_NONE);
        assert_equal(f.shares, f.others);
        slice_unref(&whole);
        if (round % 10 == 0) shares_reset(f.shares);
    }
    end(&f);
}

/* No group ever shared it: there are no bytes. A walk that is stopped leaves nothing behind. */
static void test_nothing_is_no_bytes(void **state) {
    (void)state;
    struct fixture f = begin();
    struct slice bytes = bytes_of(f.shares);
    assert_int_equal(bytes.len, 0);
    slice_unref(&bytes);
    struct shares_walk *walk = shares_walk_new(f.shares);
    share_begins(f.shares, "g", 0);
    shares_walk_stop(walk);
    end(&f);
}

/* Bytes that are cut anywhere, or that no shares could have made. */
static void test_bytes_that_make_no_sense(void **state) {
    (void)state;
    struct fixture f = begin();
    share_begins(f.shares, "g", 3);
    share_begins(f.shares, "another", 7);
    struct share *share = shares_find(f.shares, kp_string_of("g"));
    share_state_set(&share->state, &(struct share_range){.at = {9, 12}, .state = SHARE_ARCHIVED});
    share_state_set(&share->state, &(struct share_range){.at = {14, 14}, .count = 3});
    struct slice whole = bytes_of(f.shares);
    for (size_t len = 1; len < whole.len; len++)
        assert_int_equal(restore(f.others, whole.data, len), ERR_MALFORMED);
    uint8_t copy[512];
    assert_true(whole.len < sizeof copy);
    for (size_t at = 0; at < whole.len; at++)
        for (int value = 0; value < 256; value++) { /* none of them is believed too far */
            memcpy(copy, whole.data, whole.len);
            copy[at] = (uint8_t)value;
            if (restore(f.others, copy, whole.len) == ERR_NONE)
                assert_true(shares_count(f.others) == 2);
        }
    assert_int_equal(restore(f.others, whole.data, whole.len), ERR_NONE);
    assert_equal(f.shares, f.others);
    slice_unref(&whole);
    end(&f);
}

/* Of this thread alone, whatever else the machine does. */
static uint64_t cpu_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* A hundred groups of 20000 runs each: no step has much to do, there and back. */
static void test_many_runs(void **state) {
    (void)state;
    struct fixture f = begin();
    struct snapshot_bytes bytes = {0};
    char group[16];
    for (int g = 0; g < SHARES_MAX; g++) {
        snprintf(group, sizeof group, "g%d", g);
        share_begins(f.shares, group, 0);
        struct share *share = shares_find(f.shares, kp_string_of(group));
        for (kafka_offset at = 1; at < 2 * SHARE_WINDOW_RANGES; at += 2)
            share_state_set(&share->state, &(struct share_range){.at = {at, at}, .count = 1});
    }
    uint64_t longest_us = 0;
    struct shares_walk *walk = shares_walk_new(f.shares);
    for (bool all = false; !all;) {
        size_t before = bytes.len;
        uint64_t began_us = cpu_us();
        all = shares_walk_step(walk, &bytes);
        if (cpu_us() - began_us > longest_us) longest_us = cpu_us() - began_us;
        assert_in_range(bytes.len - before, 0, STEP_BYTES_MOST);
    }
    size_t before = bytes.len;
    shares_walk_rest(walk, &bytes);
    assert_in_range(bytes.len - before, 0, STEP_BYTES_MOST);
    struct slice whole = snapshot_bytes_whole(&bytes);
    uint64_t restore_us = 0;
    for (size_t at = 0, took; at < whole.len; at += took) {
        uint64_t began_us = cpu_us();
        assert_int_equal(shares_decode(f.others, whole.data + at, whole.len - at, &took), ERR_NONE);
        if (cpu_us() - began_us > restore_us) restore_us = cpu_us() - began_us;
        assert_in_range(took, 1, STEP_BYTES_MOST);
    }
    print_message("%zu bytes, the longest step of the walk took %d us, of restoring %d us\n",
                  whole.len, (int)longest_us, (int)restore_us);
    assert_in_range(longest_us, 0, SLOWER * STEP_US_MOST);
    assert_in_range(restore_us, 0, SLOWER * STEP_US_MOST);
    assert_equal(f.shares, f.others);
    slice_unref(&whole);
    end(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_changes_between_steps),
        cmocka_unit_test(test_nothing_is_no_bytes),
        cmocka_unit_test(test_bytes_that_make_no_sense),
        cmocka_unit_test(test_many_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
