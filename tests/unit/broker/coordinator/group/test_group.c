/* Turns at a group, its row in the table, and deadlines that are moved lazily. */
#include <string.h>

#include "base/container_of.h"
#include "broker/coordinator/group/group_batch.h"
#include "broker/coordinator/group/group_call.h"
#include "protocol/kafka_error.h"
#include "tests/unit/broker/coordinator/fixture_group_clock.h"
#include "tests/unit/broker/fixture_coordinator_log.h"
#include "tests/unit/unit.h"

struct fixture {
    struct group_clock clock;
    struct broker_settings settings;
    struct group_memory memory;
    struct group_table table;
    struct fake_log log;
    char order[200];
};

static struct fixture f;

static void state_apply(void *state, const struct coordinator_record *record,
                        const struct coordinator_place *place) {
    (void)state;
    (void)record;
    (void)place;
}

static void state_nothing(void *state) {
    (void)state;
}

static void state_settled(void *state) {
    group_table_settled(&((struct fixture *)state)->table);
}

static const struct coordinator_state state_type = {.apply = state_apply,
                                                    .leading = state_nothing,
                                                    .lost = state_nothing,
                                                    .settled = state_settled};

static int setup(void **state) {
    *state = memset(&f, 0, sizeof f);
    group_clock_open(&f.clock);
    fake_log_open(&f.log, &state_type, &f);
    group_table_init(&f.table, f.clock.env, &f.settings, &f.log.log, &f.memory);
    fake_log_lead(&f.log);
    f.table.leading = true;
    return 0;
}

static int teardown(void **state) {
    (void)state;
    group_table_close(&f.table);
    assert_int_equal(f.memory.budget.used, 0);
    fake_log_close(&f.log);
    group_clock_close(&f.clock);
    return 0;
}

static void say(const char *what) {
    strncat(f.order, what, sizeof f.order - strlen(f.order) - 1);
}

static void expect(const char *order) {
    assert_string_equal(f.order, order);
    f.order[0] = '\0';
}

/* ---- Turns ---- */

struct user {
    struct group_turn turn; /* first */
    const char *name;
    bool writes;
};

static void user_written(struct group_turn *turn, int16_t error) {
    say(error == 0 ? "+" : "-");
    say(((struct user *)turn)->name);
    group_turn_end(turn);
}

static void user_run(struct group_turn *turn) {
    struct user *user = (struct user *)turn;
    say(user->name);
    if (!user->writes) {
        group_turn_end(turn);
        return;
    }
    struct group_batch batch;
    group_batch_open(&batch);
    group_batch_add(&batch, user->name, 1, NULL, 0);
    group_turn_write(turn, &batch);
    group_batch_close(&batch);
}

static void user_refused(struct group_turn *turn, int16_t error) {
    say(error == KAFKA_NOT_COORDINATOR ? "!" : "?");
    say(((struct user *)turn)->name);
}

static void take(struct user *user, const char *name, bool writes, bool shares) {
    *user = (struct user){.turn = {.run = user_run,
                                   .refused = user_refused,
                                   .written = user_written,
                                   .shares = shares},
                          .name = name,
                          .writes = writes};
    group_turn_take(group_make(&f.table, kp_string_of("g")), &user->turn);
}

/* What comes while a decision is uncommitted waits, in order; the row is there as long as that, and
 * not longer. */
static void test_group_one_decision_at_a_time(void **state) {
    (void)state;
    struct user a, b, c, d;
    take(&a, "a", true, false);
    take(&b, "b", false, false);
    take(&c, "c", true, false);
    take(&d, "d", false, false);
    expect("a");
    fake_log_commit(&f.log, 1);
    expect("+abc");
    assert_non_null(group_find(&f.table, kp_string_of("g")));
    fake_log_refuse(&f.log, KAFKA_COORDINATOR_NOT_AVAILABLE);
    fake_log_commit(&f.log, 1);
    expect("+cd");
    assert_null(group_find(&f.table, kp_string_of("g")));
}

/* A decision that was late may commit yet: until it has, nothing is decided from a state without
 * it. Clients are told so; what the coordinator itself wants waits. Other groups go on. */
static void test_group_decision_in_doubt(void **state) {
    (void)state;
    struct user a, b, c, d, e;
    take(&a, "a", true, false);
    take(&b, "b", true, false);
    fake_log_late(&f.log);
    expect("a-a?b");
    take(&c, "c", true, true);
    expect("?c");
    d = (struct user){.turn = {.run = user_run, .written = user_written, .unrefused = true},
                      .name = "d",
                      .writes = true};
    group_turn_take(group_make(&f.table, kp_string_of("g")), &d.turn);
    expect("");
    e = (struct user){.turn = {.run = user_run, .refused = user_refused}, .name = "e"};
    group_turn_take(group_make(&f.table, kp_string_of("h")), &e.turn);
    expect("e");
    fake_log_commit(&f.log, 1);
    expect("d");
    fake_log_commit(&f.log, 1);
    expect("+d");
    assert_null(group_find(&f.table, kp_string_of("g")));
}

/* Who leads no more has nothing in doubt. */
static void test_group_doubt_is_lost(void **state) {
    (void)state;
    struct user a, b;
    take(&a, "a", true, false);
    fake_log_late(&f.log);
    expect("a-a");
    struct group *group = group_find(&f.table, kp_string_of("g"));
    assert_true(group != NULL && group->in_doubt);
    fake_log_lose(&f.log, true);
    f.table.leading = false;
    group_turns_refuse(group, KAFKA_NOT_COORDINATOR);
    group_settle(group);
    assert_null(group_find(&f.table, kp_string_of("g")));
    fake_log_lead(&f.log);
    f.table.leading = true;
    take(&b, "b", false, false);
    expect("b");
}

/* Commits of offsets run beside each other, behind the decision before them, and hold back the one
 * after them; those that come later stay behind it. */
static void test_group_sharing_turns(void **state) {
    (void)state;
    struct user a, b, c, d, e;
    take(&a, "a", true, false);
    take(&b, "b", true, true);
    take(&c, "c", true, true);
    take(&d, "d", true, false);
    take(&e, "e", true, true);
    expect("a");
    fake_log_commit(&f.log, 1);
    expect("+abc");
    fake_log_commit(&f.log, 1);
    expect("+b");
    fake_log_commit(&f.log, 1);
    expect("+cd");
    fake_log_commit(&f.log, 1);
    expect("+de");
    fake_log_commit_all(&f.log);
    expect("+e");
}

/* Whoever has gone does not run; when it was the one that held others back, they go on. */
static void test_group_turn_is_canceled(void **state) {
    (void)state;
    struct user a, b, c;
    take(&a, "a", true, true);
    take(&b, "b", true, false);
    take(&c, "c", true, true);
    expect("a");
    assert_true(group_turn_cancel(&b.turn));
    expect("c");
    assert_false(group_turn_cancel(&c.turn));
    fake_log_commit_all(&f.log);
    expect("+a+c");
}

/* The lead is lost while a decision is uncommitted: nobody behind it decides any more. */
static void test_group_lost(void **state) {
    (void)state;
    struct user a, b, c;
    take(&a, "a", true, false);
    take(&b, "b", true, false);
    take(&c, "c", true, true);
    fake_log_lose(&f.log, true);
    expect("a-a!b!c");
    assert_int_equal(group_count(&f.table), 0);
}

/* No more wait than a few for each member. */
static void test_group_limit_of_waiting(void **state) {
    (void)state;
    static struct user users[40];
    struct user own;
    take(&users[0], "a", true, false);
    group_find(&f.table, kp_string_of("g"))->members = 2;
    for (int i = 1; i < 26; i++)
        take(&users[i], "b", false, false);
    expect("a?b");
    own = (struct user){.turn = {.run = user_run, .refused = user_refused, .unrefused = true},
                        .name = "o"};
    group_turn_take(group_find(&f.table, kp_string_of("g")), &own.turn);
    expect("");
    fake_log_commit_all(&f.log);
    expect("+abbbbbbbbbbbbbbbbbbbbbbbbo");
}

/* ---- Deadlines ---- */

struct alarm {
    struct group_timer timer; /* first */
    const char *name;
    uint64_t again_ms;
};

static void alarm_due(struct group_timer *timer) {
    struct alarm *alarm = (struct alarm *)timer;
    say(alarm->name);
    if (alarm->again_ms > 0) group_timer_set(f.table.timers, timer, alarm->again_ms);
    alarm->again_ms = 0;
}

/* Deadlines that were moved, later or earlier, are due then and only then. */
static void test_group_timers_move(void **state) {
    (void)state;
    struct alarm a = {.timer.due = alarm_due, .name = "a"};
    struct alarm b = {.timer.due = alarm_due, .name = "b"};
    struct alarm c = {.timer.due = alarm_due, .name = "c"};
    uint64_t now_ms = env_now_ms(f.clock.env);
    group_timer_set(f.table.timers, &a.timer, now_ms + 100);
    group_timer_set(f.table.timers, &b.timer, now_ms + 200);
    group_timer_set(f.table.timers, &c.timer, now_ms + 300);
    group_timer_set(f.table.timers, &a.timer, now_ms + 250);
    group_timer_set(f.table.timers, &c.timer, now_ms + 50);
    group_clock_pass(&f.clock, 51);
    expect("c");
    group_clock_pass(&f.clock, 100);
    expect("");
    group_clock_pass(&f.clock, 50);
    expect("b");
    a.again_ms = now_ms + 400;
    group_clock_pass(&f.clock, 100);
    expect("a");
    group_clock_pass(&f.clock, 95);
    expect("");
    group_clock_pass(&f.clock, 20);
    expect("a");
    group_timer_set(f.table.timers, &a.timer, now_ms + 500);
    group_timer_clear(f.table.timers, &a.timer);
    group_clock_pass(&f.clock, 1000);
    expect("");
}

enum { ALARMS = 1000 };

/* Many at the same moment are told over several turns, each once. */
static void test_group_timers_many(void **state) {
    (void)state;
    static struct alarm alarms[ALARMS];
    for (int i = 0; i < ALARMS; i++) {
        alarms[i] = (struct alarm){.timer.due = alarm_due, .name = ""};
        group_timer_set(f.table.timers, &alarms[i].timer, env_now_ms(f.clock.env) + 10);
    }
    group_clock_pass(&f.clock, 20);
    for (int i = 0; i < ALARMS; i++)
        assert_false(group_timer_is_set(&alarms[i].timer));
}

/* ---- Bytes that are shared ---- */

/* Equal bytes of a pool are one; others, and null, are not; all memory comes back. */
static void test_group_shared_bytes(void **state) {
    (void)state;
    struct shared_pool *pool = f.table.shared;
    struct shared_bytes *a = shared_string_of(pool, kp_string_of("range"));
    struct shared_bytes *b = shared_string_of(pool, kp_string_of("range"));
    struct shared_bytes *c = shared_string_of(NULL, kp_string_of("range"));
    struct shared_bytes *empty = shared_bytes_of(pool, NULL, 0);
    assert_ptr_equal(a, b);
    assert_ptr_not_equal(a, c);
    assert_true(shared_bytes_equal(a, c));
    assert_false(shared_bytes_equal(a, empty));
    assert_false(shared_bytes_equal(empty, NULL));
    assert_true(shared_string_is(a, kp_string_of("range")));
    assert_null(shared_string_of(pool, KP_NULL_STRING));
    assert_int_equal(shared_string(empty).len, 0);
    shared_bytes_release(a);
    assert_true(kp_string_is(shared_string(b), "range"));
    shared_bytes_release(b);
    shared_bytes_release(c);
    shared_bytes_release(empty);
    assert_int_equal(shared_pool_bytes(pool), 0);
}

/* Who walks over the groups of a coordinator that goes finds nothing more. */
static void test_group_cursor_outlives(void **state) {
    (void)state;
    struct group_table table;
    struct group_cursor cursor;
    group_table_init(&table, f.clock.env, &f.settings, &f.log.log, &f.memory);
    group_cursor_open(&cursor, &table);
    group_table_close(&table);
    assert_null(group_cursor_next(&cursor));
    group_cursor_close(&cursor);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_group_cursor_outlives, setup, teardown),
        cmocka_unit_test_setup_teardown(test_group_one_decision_at_a_time, setup, teardown),
        cmocka_unit_test_setup_teardown(test_group_decision_in_doubt, setup, teardown),
        cmocka_unit_test_setup_teardown(test_group_doubt_is_lost, setup, teardown),
        cmocka_unit_test_setup_teardown(test_group_sharing_turns, setup, teardown),
        cmocka_unit_test_setup_teardown(test_group_turn_is_canceled, setup, teardown),
        cmocka_unit_test_setup_teardown(test_group_lost, setup, teardown),
        cmocka_unit_test_setup_teardown(test_group_limit_of_waiting, setup, teardown),
        cmocka_unit_test_setup_teardown(test_group_timers_move, setup, teardown),
        cmocka_unit_test_setup_teardown(test_group_timers_many, setup, teardown),
        cmocka_unit_test_setup_teardown(test_group_shared_bytes, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
