/* The room of the disk: what was accepted counts at once, whoever is told that there is none keeps
 * records out, and what is said about it. */
#include <stdlib.h>
#include <string.h>

#include "base/env_uv/env_uv.h"
#include "storage/disk_space.h"
#include "tests/unit/unit.h"

struct fixture {
    struct env *env;
    struct log log;
    struct disk_space *room;
    uint64_t free_bytes, promised;
    unsigned changes;
    struct env_timer *limit;
};

static uint64_t promised(void *arg) {
    return ((struct fixture *)arg)->promised;
}

/* Ends env_uv_run. */
static void on_changed(void *arg) {
    struct fixture *f = arg;
    f->changes++;
    env_uv_stop(f->env);
}

static const struct disk_space_events events = {promised, on_changed};

static void too_late(void *arg) {
    (void)arg;
    fail_msg("nothing changed");
}

/* The limit is so many hundredths of what is free. */
static struct fixture *set_up(unsigned percent) {
    struct fixture *f = calloc(1, sizeof *f);
    struct env_disk_room now;
    assert_int_equal(env_uv_new(&f->env, 2), ERR_NONE);
    f->log = (struct log){.env = f->env, .level = LOG_ERROR};
    assert_int_equal(env_disk_free(f->env, "/tmp", &now), ERR_NONE);
    f->free_bytes = now.free_bytes;
    f->room = disk_space_new(f->env, &f->log, "/tmp", f->free_bytes / 100 * percent, &events, f);
    f->limit = env_timer_new(f->env, too_late, f);
    return f;
}

static void tear_down(struct fixture *f) {
    disk_space_free(f->room);
    env_timer_free(f->limit);
    assert_true(env_uv_free(f->env));
    free(f);
}

static void wait_for_change(struct fixture *f) {
    env_timer_start(f->limit, UNIT_PATIENCE_S * 1000 * 1000);
    env_uv_run(f->env);
    env_timer_stop(f->limit);
}

static bool leader(struct fixture *f, unsigned percent) {
    return disk_space_for(f->room, DISK_ROOM_LEADER, f->free_bytes / 100 * percent);
}

/* What was accepted is gone at once, without a look, and comes back when it turns out not to be
 * needed. */
static void test_room_counts_what_is_accepted(void **state) {
    (void)state;
    struct fixture *f = set_up(50);
    assert_true(leader(f, 30));
    f->promised = f->free_bytes / 100 * 30;
    assert_in_range(disk_space_left(f->room), f->free_bytes / 100 * 60, f->free_bytes / 100 * 80);
    assert_in_range(disk_space_above_limit(f->room), f->free_bytes / 100 * 10,
                    f->free_bytes / 100 * 30);
    assert_false(leader(f, 30)); /* it would leave less than the limit */
    assert_int_equal(f->changes, 1);
    assert_true(disk_space_is_short(f->room, DISK_ROOM_LEADER));
    assert_true(disk_space_for(f->room, DISK_ROOM_FOLLOWER,
                               f->free_bytes / 100 * 30)); /* its limit is lower */
    assert_non_null(strstr(disk_space_sentence(f->room), "the disk of /tmp is nearly full: "));
    assert_non_null(strstr(disk_space_sentence(f->room), "disk.min.free.bytes is "));
    assert_non_null(strstr(disk_space_sentence(f->room), "drave topic delete"));
    assert_false(leader(f, 0)); /* no record at all, so that producers stay in order, */
    f->promised = 0;
    while (disk_space_is_short(
        f->room, DISK_ROOM_LEADER)) /* until a look has found a little more than the limit */
        wait_for_change(f);
    assert_true(leader(f, 30));
    assert_string_equal(disk_space_sentence(f->room), "");
    tear_down(f);
}

/* What went into files since the last look is gone, too; a look finds out what is true. */
static void test_room_counts_what_was_taken(void **state) {
    (void)state;
    struct fixture *f = set_up(50);
    disk_space_took(f->room, f->free_bytes / 100 * 70);
    assert_in_range(disk_space_left(f->room), 0, f->free_bytes / 100 * 40);
    assert_int_equal(disk_space_above_limit(f->room), 0);
    struct disk_space_facts facts;
    disk_space_facts_get(f->room, &facts);
    assert_in_range(facts.free_bytes, 0, f->free_bytes / 100 * 40);
    assert_string_equal(facts.path, "/tmp");
    assert_false(leader(f, 0));
    while (disk_space_is_short(f->room, DISK_ROOM_LEADER))
        wait_for_change(f);
    assert_true(disk_space_left(f->room) > f->free_bytes / 100 * 60);
    assert_true(leader(f, 30));
    tear_down(f);
}

/* A writer that finds no room keeps everybody's records out until it has got through, with its own
 * reason. */
static void test_room_waits_for_writers(void **state) {
    (void)state;
    static const struct {
        int error;
        const char *said;
    } cases[] = {{ERR_NO_SPACE, "no space left"},
                 {ERR_NO_INODES, "mkfs.ext4 -N"},
                 {ERR_QUOTA, "raise the quota"},
                 {ERR_FILE_SIZE, "ulimit -f"}};
    struct fixture *f = set_up(0);
    assert_true(leader(f, 90));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        disk_space_wait(f->room, cases[i].error);
        assert_false(leader(f, 0));
        assert_false(disk_space_for(f->room, DISK_ROOM_FOLLOWER, 0));
        if (strstr(disk_space_sentence(f->room), cases[i].said) == NULL)
            fail_msg("\"%s\" is not in: %s", cases[i].said, disk_space_sentence(f->room));
        disk_space_got_through(f->room);
        while (disk_space_is_short(f->room, DISK_ROOM_LEADER) ||
               disk_space_is_short(f->room, DISK_ROOM_FOLLOWER))
            wait_for_change(f);
        assert_true(leader(f, 90));
    }
    tear_down(f);
}

/* A limit above all that there is; a file system that does not tell. */
static void test_room_of_nothing(void **state) {
    (void)state;
    struct fixture *f = set_up(1000);
    while (!disk_space_is_short(f->room, DISK_ROOM_LEADER) ||
           !disk_space_is_short(f->room, DISK_ROOM_FOLLOWER))
        wait_for_change(f); /* told without being asked */
    disk_space_free(f->room);
    f->room = disk_space_new(f->env, &f->log, "/tmp/no-such-directory-of-drave", UINT64_MAX / 4,
                             &events, f);
    assert_true(leader(f, 0));
    assert_int_equal(disk_space_left(f->room), UINT64_MAX);
    tear_down(f);
}

/* Who can come again is told what there is above the limit, by a look if need be, and keeps nobody
 * else out. */
static void test_room_for_those_who_come_again(void **state) {
    (void)state;
    struct fixture *f = set_up(50);
    assert_true(disk_space_fits(f->room, f->free_bytes / 100 * 30));
    assert_false(disk_space_fits(f->room, f->free_bytes / 100 * 70));
    f->promised = f->free_bytes / 100 * 30;
    assert_false(disk_space_fits(f->room, f->free_bytes / 100 * 30));
    f->promised = 0;
    disk_space_took(f->room, f->free_bytes / 100 * 70); /* and it is gone again */
    while (!disk_space_fits(f->room, f->free_bytes / 100 * 30)) {}
    assert_int_equal(f->changes, 0);
    disk_space_set_min_free(f->room, 0);
    assert_true(disk_space_fits(f->room, f->free_bytes / 100 * 70));
    tear_down(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_room_counts_what_is_accepted),
        cmocka_unit_test(test_room_counts_what_was_taken),
        cmocka_unit_test(test_room_waits_for_writers),
        cmocka_unit_test(test_room_of_nothing),
        cmocka_unit_test(test_room_for_those_who_come_again),
    };
    return cmocka_run_group_tests_name("disk_room", tests, NULL, NULL);
}
