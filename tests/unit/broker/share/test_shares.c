/*
 * The shares of a partition on its leader, over a log that is an array, and on a replica that
 * applies what the log has.
 */
#include <string.h>

#include "base/env_uv/env_uv.h"
#include "base/error.h"
#include "base/mem.h"
#include "broker/share/shares.h"
#include "protocol/kafka_error.h"
#include "tests/unit/unit.h"

enum { LOG_MAX = 32 };

struct fixture {
    struct env *env;
    struct env_timer *pause;
    struct shares *leader, *replica;
    struct slice log[LOG_MAX];
    size_t count, applied;
    bool full; /* it takes nothing */
    int refused;
};

static struct fixture f;
static struct share_book book;

static int submit(void *arg, struct slice *command) {
    struct fixture *own = arg;
    if (own->full) own->refused++;
    if (own->full) return ERR_LIMIT;
    assert_true(own->count < LOG_MAX);
    own->log[own->count++] = *command;
    return ERR_NONE;
}

static kafka_offset log_end(void *arg) {
    (void)arg;
    return 100;
}

static void stop(void *arg) {
    env_uv_stop(arg);
}

/* What was deferred has run. */
static void turn(void) {
    env_timer_start(f.pause, 1);
    env_uv_run(f.env);
}

/* All that the log has commits on both. */
static void commit(void) {
    for (; f.applied < f.count; f.applied++) {
        const struct slice *entry = &f.log[f.applied];
        assert_int_equal(shares_apply(f.leader, entry->data, entry->len), ERR_NONE);
        assert_int_equal(shares_apply(f.replica, entry->data, entry->len), ERR_NONE);
    }
    turn();
}

static int begin(void **state) {
    (void)state;
    f = (struct fixture){0};
    assert_int_equal(env_uv_new(&f.env, 1), ERR_NONE);
    struct shares_options options = {
        .env = f.env, .submit = submit, .arg = &f, .end = log_end, .book = &book};
    f.pause = env_timer_new(f.env, stop, f.env);
    f.leader = shares_new(&options);
    f.replica = shares_new(&options);
    shares_leading(f.leader);
    return 0;
}

static int end(void **state) {
    (void)state;
    shares_free(f.leader);
    shares_free(f.replica);
    for (size_t i = 0; i < f.count; i++)
        slice_unref(&f.log[i]);
    env_timer_free(f.pause);
    assert_true(env_uv_free(f.env));
    return 0;
}

/* ---- Who waits ---- */

struct asker {
    struct share_commit commit; /* first */
    int done;
    int16_t error;
};

static void on_done(struct share_commit *commit, int16_t error) {
    struct asker *asker = (struct asker *)commit;
    asker->done++;
    asker->error = error;
}

struct waiting {
    struct share_waiter waiter; /* first */
    int called;
    bool stops;
};

static void on_available(struct share_waiter *waiter) {
    struct waiting *waiting = (struct waiting *)waiter;
    waiting->called++;
    if (waiting->stops) env_uv_stop(f.env);
}

static struct share *begun(const char *group, kafka_offset start) {
    struct asker asker = {.commit.done = on_done};
    share_begin(f.leader, kp_string_of(group), start, &asker.commit);
    turn();
    commit();
    assert_int_equal(asker.done, 1);
    assert_int_equal(asker.error, KAFKA_NONE);
    struct share *share = shares_find(f.leader, kp_string_of(group));
    assert_non_null(share);
    share->limits = (struct share_limits){.lock_ms = 60000,
                                          .locks = 100,
                                          .deliveries = 5,
                                          .renew = true,
                                          .window = 1000,
                                          .ranges = 1000};
    return share;
}

static void acquire(struct share *share, kafka_offset first, kafka_offset last) {
    struct offset_ranges given = {.size = sizeof(struct share_range)};
    uint64_t count = share_queue_acquire(&share->queue, &share->limits, first, last, UINT64_MAX, 1,
                                         env_now_ms(f.env), &given);
    assert_int_equal(count, last - first + 1);
    offset_ranges_free(&given);
    share_watch(share);
}

static void acknowledge(struct share *share, kafka_offset first, kafka_offset last, int8_t type,
                        struct asker *asker) {
    struct offset_ranges outcomes = {.size = sizeof(struct share_range)};
    struct share_ack ack = {{first, last}, &type, 1};
    *asker = (struct asker){.commit.done = on_done};
    assert_int_equal(share_queue_acknowledge(&share->queue, &share->limits, &ack, 1, 1,
                                             env_now_ms(f.env), &outcomes),
                     KAFKA_NONE);
    share_end(share, &outcomes, &asker->commit);
}

static struct slice bytes_of(struct shares *shares) {
    struct snapshot_bytes bytes = {0};
    struct shares_walk *walk = shares_walk_new(shares);
    while (!shares_walk_step(walk, &bytes))
        continue;
    shares_walk_rest(walk, &bytes);
    return snapshot_bytes_whole(&bytes);
}

static void assert_replica_equal(void) {
    struct slice one = bytes_of(f.leader), other = bytes_of(f.replica);
    assert_int_equal(one.len, other.len);
    assert_memory_equal(one.data, other.data, one.len);
    slice_unref(&one);
    slice_unref(&other);
}

/* ---- Tests ---- */

/* However many ask for a group at once, it begins once; nobody hears of it before it has committed,
 * nor of one that committed while another leads. */
static void test_begins_once(void **state) {
    (void)state;
    struct asker first = {.commit.done = on_done}, second = first, gone = first;
    share_begin(f.leader, kp_string_of("g"), 10, &first.commit);
    share_begin(f.leader, kp_string_of("g"), 20, &second.commit);
    share_begin(f.leader, kp_string_of("h"), 30, &gone.commit);
    share_commit_cancel(&gone.commit);
    turn();
    assert_int_equal(first.done + second.done, 0);
    assert_null(shares_find(f.leader, kp_string_of("g")));
    commit();
    assert_int_equal(first.done + second.done, 2);
    assert_int_equal(gone.done, 0);
    assert_int_equal(shares_count(f.leader), 2);
    assert_int_equal(shares_find(f.leader, kp_string_of("g"))->state.start, 10);
    assert_int_equal(shares_find(f.replica, kp_string_of("g"))->state.start, 10);
    assert_replica_equal();
}

/* Outcomes of one turn are one command for each share; they are told when it is applied. */
static void test_begins_anew_and_goes(void **state) {
    (void)state;
    struct share *share = begun("g", 0);
    struct asker waits, first = {.commit.done = on_done}, anew = first, gone = first, again = first;
    acquire(share, 0, 9);
    acknowledge(share, 0, 3, SHARE_ACK_ACCEPT, &waits);
    share_begin_anew(f.leader, kp_string_of("g"), 50, 1, &anew.commit);
    share_begin(f.leader, kp_string_of("h"), 70, &first.commit);
    turn();
    assert_int_equal(waits.done + anew.done, 0);
    commit();
    assert_int_equal(anew.done + first.done, 2);
    share = shares_find(f.leader, kp_string_of("g"));
    assert_int_equal(share->state.start, 50);
    assert_int_equal(share->epoch, 1);
    assert_int_equal(share->queue.held, 0);
    assert_replica_equal();

    share_drop(share, &gone.commit);
    share_drop(share, &again.commit);
    turn();
    assert_int_equal(gone.done + again.done, 0);
    commit();
    assert_int_equal(gone.done + again.done, 2);
    assert_int_equal(gone.error + again.error, KAFKA_NONE);
    assert_null(shares_find(f.leader, kp_string_of("g")));
    assert_null(shares_find(f.replica, kp_string_of("g")));
    assert_int_equal(shares_count(f.leader), 1);
    assert_replica_equal();
}

/* One that begins anew behind one that begins is told of its own command. */
static void test_begins_anew_behind_a_begin(void **state) {
    (void)state;
    struct asker first = {.commit.done = on_done}, follows = first, anew = first;
    share_begin(f.leader, kp_string_of("g"), 10, &first.commit);
    share_begin(f.leader, kp_string_of("g"), 20, &follows.commit);
    share_begin_anew(f.leader, kp_string_of("g"), 30, 1, &anew.commit);
    turn();
    assert_int_equal(f.count, 2);
    assert_int_equal(shares_apply(f.leader, f.log[0].data, f.log[0].len), ERR_NONE);
    assert_int_equal(shares_apply(f.replica, f.log[0].data, f.log[0].len), ERR_NONE);
    f.applied = 1;
    assert_int_equal(first.done + follows.done, 2);
    assert_int_equal(anew.done, 0);
    commit();
    assert_int_equal(anew.done, 1);
    assert_int_equal(shares_find(f.leader, kp_string_of("g"))->state.start, 30);
    assert_replica_equal();
}

static void test_outcomes_go_together(void **state) {
    (void)state;
    struct share *share = begun("g", 0);
    struct asker a, b, none = {.commit.done = on_done};
    struct waiting waiting = {.waiter.available = on_available};
    struct offset_ranges nothing = {.size = sizeof(struct share_range)};
    size_t before = f.count;
    acquire(share, 0, 9);
    share_wait(share, &waiting.waiter);
    acknowledge(share, 5, 9, SHARE_ACK_RELEASE, &b);
    acknowledge(share, 0, 3, SHARE_ACK_ACCEPT, &a); /* below the first */
    share_end(share, &nothing, &none.commit);
    turn();
    assert_int_equal(f.count, before + 1);
    assert_int_equal(a.done + b.done + waiting.called, 0);
    assert_int_equal(none.done, 1);
    commit();
    assert_int_equal(a.done + b.done, 2);
    assert_int_equal(a.error + b.error, KAFKA_NONE);
    assert_int_equal(waiting.called, 1);
    assert_int_equal(share->state.start, 4);
    assert_int_equal(share->queue.held, 1);
    share_wait_cancel(&waiting.waiter);
    assert_replica_equal();
}

/* What the log does not take is offered again until it does. */
static void test_log_takes_it_later(void **state) {
    (void)state;
    struct share *share = begun("g", 0);
    struct asker asker;
    struct waiting waiting = {.waiter.available = on_available};
    acquire(share, 0, 0);
    share_wait(share, &waiting.waiter);
    f.full = true;
    acknowledge(share, 0, 0, SHARE_ACK_RELEASE, &asker);
    while (f.refused < 3)
        turn();
    assert_int_equal(asker.done, 0);
    f.full = false;
    while (f.applied == f.count)
        turn();
    commit();
    assert_int_equal(asker.done, 1);
    assert_int_equal(waiting.called, 1);
    share_wait_cancel(&waiting.waiter);
    assert_int_equal(share->state.ranges.count, 1);
}

/* Nobody says anything: the records come back by the clock. */
static void test_time_is_over(void **state) {
    (void)state;
    struct share *share = begun("g", 0);
    uint16_t count;
    share->limits.lock_ms = 5;
    acquire(share, 3, 4);
    while (f.applied == f.count)
        turn();
    commit();
    assert_int_equal(share->queue.held, 0);
    assert_int_equal(share_state_of(&share->state, 4, &count), SHARE_AVAILABLE);
    assert_int_equal(count, 1);
    assert_replica_equal();
}

/* The lead is lost: whoever waits is told so, nothing is held, and what was not submitted is gone.
 * What commits all the same counts. */
static void test_lead_is_lost(void **state) {
    (void)state;
    struct share *share = begun("g", 0);
    struct asker in_log, unsent, beginning = {.commit.done = on_done};
    struct waiting waiting = {.waiter.available = on_available};
    acquire(share, 0, 9);
    acknowledge(share, 0, 0, SHARE_ACK_ACCEPT, &in_log);
    turn();
    acknowledge(share, 1, 1, SHARE_ACK_ACCEPT, &unsent);
    share_begin(f.leader, kp_string_of("h"), 0, &beginning.commit);
    share_wait(share, &waiting.waiter);
    shares_lost(f.leader);
    assert_int_equal(in_log.error, KAFKA_NOT_LEADER_OR_FOLLOWER);
    assert_int_equal(unsent.error, KAFKA_NOT_LEADER_OR_FOLLOWER);
    assert_int_equal(beginning.error, KAFKA_NOT_LEADER_OR_FOLLOWER);
    assert_int_equal(in_log.done + unsent.done + beginning.done, 3);
    assert_int_equal(waiting.called, 1);
    assert_int_equal(share->queue.held, 0);
    commit();
    assert_int_equal(f.count, 2);
    assert_int_equal(share->state.start, 1);
    assert_replica_equal();
}

/* The start of the log moves all of them, and who waited for room is called. */
static void test_log_start_moves(void **state) {
    (void)state;
    struct share *share = begun("g", 0);
    struct waiting waiting = {.waiter.available = on_available};
    begun("another", 7);
    share->limits.locks = 8;
    acquire(share, 2, 9);
    share_wait(share, &waiting.waiter);
    shares_pass(f.leader, 5);
    shares_pass(f.replica, 5);
    assert_int_equal(waiting.called, 1);
    share_wait_cancel(&waiting.waiter);
    assert_int_equal(share->state.start, 5);
    assert_int_equal(share->queue.held, 5);
    assert_int_equal(shares_find(f.leader, kp_string_of("another"))->state.start, 7);
    assert_int_equal(begun("late", 3)->state.start, 5);
    assert_replica_equal();
}

/* Who waits is called for what is given back, or makes room where there was none, once, and not for
 * what is over. */
static void test_who_is_called(void **state) {
    (void)state;
    struct share *share = begun("g", 0);
    struct asker asker;
    struct waiting waiting = {.waiter.available = on_available};
    struct offset_ranges given = {.size = sizeof(struct share_range)};
    acquire(share, 0, 9);
    share_wait(share, &waiting.waiter);
    acknowledge(share, 0, 0, SHARE_ACK_ACCEPT, &asker);
    turn();
    commit();
    assert_int_equal(waiting.called, 0);
    acknowledge(share, 1, 2, SHARE_ACK_RELEASE, &asker);
    turn();
    commit();
    acknowledge(share, 3, 4, SHARE_ACK_RELEASE, &asker);
    turn();
    commit();
    assert_int_equal(waiting.called, 1);
    share_wait(share, &waiting.waiter);
    share->limits.locks = share->queue.held;
    acknowledge(share, 5, 5, SHARE_ACK_ACCEPT, &asker);
    turn();
    commit();
    assert_int_equal(waiting.called, 2);
    share_wait(share, &waiting.waiter);
    share->limits.locks = 100;
    share_queue_acquire(&share->queue, &share->limits, 1, 4, UINT64_MAX, 7, env_now_ms(f.env),
                        &given);
    share_give_back(share, &given, 7, UINT64_MAX);
    assert_int_equal(waiting.called, 3);
    uint16_t count;
    share_state_of(&share->state, 1, &count);
    assert_int_equal(count, 1);
    assert_int_equal(share_queue_next(&share->queue, &share->limits, 0), 1);
    offset_ranges_free(&given);
    share_wait_cancel(&waiting.waiter);
    assert_int_equal(share->waiting, 0);
}

/* Several want what there is: each has its part, in the order in which they began to wait. Who
 * might come later finds room. */
static void test_parts(void **state) {
    (void)state;
    struct share *share = begun("g", 0);
    struct waiting waiting[3] = {{.waiter.available = on_available},
                                 {.waiter.available = on_available},
                                 {.waiter.available = on_available}},
                   other = waiting[0];
    assert_int_equal(share_part(share, &other.waiter, 50, false, 500), 500);
    assert_int_equal(share_part(share, &other.waiter, 50, true, 500), 50);
    acquire(share, 0, 39);
    assert_int_equal(share_part(share, &other.waiter, 50, true, 500), 30);
    for (int i = 0; i < 3; i++)
        share_wait(share, &waiting[i].waiter);
    share_wait(share, &waiting[0].waiter); /* once more: it keeps its place */
    assert_ptr_equal(share->waiters, &waiting[0].waiter);
    assert_int_equal(share->waiting, 3);
    assert_int_equal(share_part(share, &waiting[0].waiter, 50, false, 500), 4); /* 40 to 49 */
    assert_int_equal(share_part(share, &other.waiter, 50, false, 500), 3);
    assert_int_equal(share_part(share, &waiting[0].waiter, 50, false, 2), 2);
    assert_int_equal(share_part(share, &waiting[0].waiter, 40, false, 500), 0);
    shares_lost(f.leader);
    assert_int_equal(waiting[0].called + waiting[1].called + waiting[2].called, 3);
    assert_int_equal(share->waiting, 0);
    assert_null(waiting[2].waiter.share);
}

/* What is no record for anybody is over when that has committed, takes no room, and is nobody's
 * meanwhile. */
static void test_archived(void **state) {
    (void)state;
    struct share *share = begun("g", 0);
    struct offset_ranges outcomes = {.size = sizeof(struct share_range)};
    struct asker asker = {.commit.done = on_done};
    acquire(share, 3, 4);
    share_queue_archive(&share->queue, &share->limits, 0, 8, &outcomes);
    assert_int_equal(outcomes.count, 2);
    assert_int_equal(share->queue.held, 2);
    assert_int_equal(share_queue_next(&share->queue, &share->limits, 0), 9);
    share_end(share, &outcomes, &asker.commit);
    turn();
    commit();
    assert_int_equal(asker.done, 1);
    assert_int_equal(share->queue.held, 2);
    assert_int_equal(share->state.start, 3);
    acknowledge(share, 3, 4, SHARE_ACK_ACCEPT, &asker);
    turn();
    commit();
    assert_int_equal(share->state.start, 9);
    assert_int_equal(share->queue.locks.count + share->queue.held, 0);
    assert_replica_equal();
}

/* A share that is dropped is no more; one that begins again is as new, whatever it was. */
static void test_dropped_and_begun_again(void **state) {
    (void)state;
    struct share *share = begun("g", 0);
    struct asker asker;
    struct share_command again = {
        .what = SHARE_BEGIN, .group = kp_string_of("g"), .start = 5, .epoch = 3};
    acquire(share, 0, 9);
    acknowledge(share, 0, 9, SHARE_ACK_ACCEPT, &asker);
    f.log[f.count++] = share_command_encode(&again);
    turn(); /* the outcomes are behind it */
    assert_int_equal(f.count, f.applied + 2);
    commit();
    assert_int_equal(asker.error, KAFKA_INVALID_RECORD_STATE);
    share = shares_find(f.leader, kp_string_of("g"));
    assert_int_equal(share->state.start, 5);
    assert_int_equal(share->epoch, 3);
    assert_int_equal(share->number, 1);
    share->limits = (struct share_limits){
        .lock_ms = 60000, .locks = 100, .deliveries = 5, .window = 1000, .ranges = 1000};
    acquire(share, 5, 9);
    acknowledge(share, 5, 9, SHARE_ACK_ACCEPT, &asker);
    turn();
    assert_int_equal(asker.done, 0);
    commit();
    assert_int_equal(asker.error, KAFKA_NONE);
    assert_int_equal(share->state.start, 10);
    struct share_command drop = {.what = SHARE_DROP, .number = share->number};
    f.log[f.count++] = share_command_encode(&drop);
    commit();
    assert_null(shares_find(f.leader, kp_string_of("g")));
    assert_int_equal(begun("g", 1)->number, 2); /* no number comes twice */
    assert_replica_equal();
}

/* Bytes of a command that no leader writes. */
static void test_commands_that_make_no_sense(void **state) {
    (void)state;
    struct share_command got,
        made = {.what = SHARE_OUTCOMES, .outcomes.size = sizeof(struct share_range)};
    *(struct share_range *)offset_ranges_append(&made.outcomes) = (struct share_range){
        .at = {100, 200}, .count = 3};
    *(struct share_range *)offset_ranges_append(&made.outcomes) = (struct share_range){
        .at = {5, 5}, .state = SHARE_ARCHIVED};
    struct slice bytes = share_command_encode(&made);
    assert_int_equal(share_command_decode(bytes.data, bytes.len, &got), ERR_NONE);
    assert_int_equal(got.outcomes.count, 2);
    assert_memory_equal(got.outcomes.items, made.outcomes.items, 2 * sizeof(struct share_range));
    offset_ranges_free(&got.outcomes);
    uint8_t copy[64];
    for (size_t at = 0; at < bytes.len; at++)
        for (int value = 0; value < 256; value++) { /* none of them is believed too far */
            memcpy(copy, bytes.data, bytes.len);
            copy[at] = (uint8_t)value;
            if (share_command_decode(copy, bytes.len, &got) != ERR_NONE) continue;
            for (size_t i = 0; i < got.outcomes.count; i++) {
                const struct share_range *range = offset_ranges_at(&got.outcomes, i);
                assert_true(range->at.first >= 0 && range->at.last >= range->at.first);
                assert_true(range->at.last < INT64_MAX && range->state != SHARE_ACQUIRED);
            }
            offset_ranges_free(&got.outcomes);
        }
    static const char below[] = "\1\4\2\0\0\0\0\1\0\0\0", high[] = "\1\4\2\0\0\0\0\0\0\1\0";
    assert_int_equal(share_command_decode(below, sizeof below - 1, &got), ERR_MALFORMED);
    assert_int_equal(share_command_decode(high, sizeof high - 1, &got), ERR_MALFORMED);
    assert_int_equal(share_command_decode("\1\4\11\0\0\0\0", 7, &got), ERR_VERSION);
    assert_int_equal(share_command_decode("\1\3\2\0\0\0\0", 7, &got), ERR_VERSION);
    assert_int_equal(share_command_decode("\1\4", 2, &got), ERR_MALFORMED);
    offset_ranges_free(&made.outcomes);
    slice_unref(&bytes);
}

/* ---- Memory ---- */

/* The runs that groups keep are counted, committed and held, and no more when a group goes; the
 * more there are the fewer each may have, and always some. */
static void test_runs_are_counted(void **state) {
    (void)state;
    struct share *share = begun("g", 0);
    struct asker asker;
    assert_int_equal(book.runs, 0);
    acquire(share, 0, 9);
    assert_int_equal(book.runs, 1);
    acknowledge(share, 3, 3, SHARE_ACK_ACCEPT, &asker);
    share_watch(share);
    assert_int_equal(book.runs, 3);
    turn();
    commit();
    assert_int_equal(book.runs, 2 + 2 * 1); /* held on both sides; over on two replicas */
    share_drop(share, NULL);
    turn();
    commit();
    assert_int_equal(book.runs, 0);
    assert_null(book.tallies);
    assert_int_equal(share_ranges_most(0), SHARE_WINDOW_RANGES);
    assert_int_equal(share_ranges_most(SHARE_RANGES_ALL - 1000), 1000);
    assert_int_equal(share_ranges_most(SHARE_RANGES_ALL - 1), SHARE_RANGES_LEAST);
    assert_int_equal(share_ranges_most(UINT64_MAX), SHARE_RANGES_LEAST);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_runs_are_counted, begin, end),
        cmocka_unit_test_setup_teardown(test_begins_once, begin, end),
        cmocka_unit_test_setup_teardown(test_begins_anew_and_goes, begin, end),
        cmocka_unit_test_setup_teardown(test_begins_anew_behind_a_begin, begin, end),
        cmocka_unit_test_setup_teardown(test_outcomes_go_together, begin, end),
        cmocka_unit_test_setup_teardown(test_log_takes_it_later, begin, end),
        cmocka_unit_test_setup_teardown(test_time_is_over, begin, end),
        cmocka_unit_test_setup_teardown(test_lead_is_lost, begin, end),
        cmocka_unit_test_setup_teardown(test_log_start_moves, begin, end),
        cmocka_unit_test_setup_teardown(test_who_is_called, begin, end),
        cmocka_unit_test_setup_teardown(test_parts, begin, end),
        cmocka_unit_test_setup_teardown(test_archived, begin, end),
        cmocka_unit_test_setup_teardown(test_dropped_and_begun_again, begin, end),
        cmocka_unit_test_setup_teardown(test_commands_that_make_no_sense, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
