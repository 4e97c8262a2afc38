/* What time brings to transactions and to their ids, and the walk of a new leader, from which on it
 * runs. */
#include "broker/coordinator/transaction/transaction_coordinator.h"

#include <stdio.h>

#include "protocol/kafka_error.h"
#include "tests/unit/broker/coordinator/fixture_transactions.h"
#include "tests/unit/unit.h"

static struct transactions f;

static int setup(void **state) {
    (void)state;
    transactions_open(&f);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    transactions_close(&f);
    return 0;
}

/* What lasts too long is aborted, its producer is fenced. */
static void test_timeout(void **state) {
    (void)state;
    transactions_begin(&f);
    group_clock_pass(&f.clock, 30000);
    ask_add(&f, "a", 1000, 0, "t", 1, false); /* does not begin it anew */
    transactions_run(&f);
    group_clock_pass(&f.clock, 29000);
    transactions_run(&f);
    assert_status(&f, "a", TRANSACTION_ONGOING);
    group_clock_pass(&f.clock, 1100);
    transactions_run(&f);
    assert_status(&f, "a", TRANSACTION_PREPARE_ABORT);
    assert_int_equal(f.orders[0]->producer_epoch, 1);
    transactions_mark(&f, 0, KAFKA_NONE);
    struct asked *end = ask_end(&f, "a", 1000, 0, true, false);
    transactions_run(&f);
    assert_told(end, KAFKA_PRODUCER_FENCED);
    assert_status(&f, "a", TRANSACTION_COMPLETE_ABORT);
}

/* Where each end raises the epoch, the timeout has raised it, and the producer learns so by its
 * abort, once and again; it is not fenced. A commit that comes too late is. */
static void test_timeout_where_ends_raise_the_epoch(void **state) {
    (void)state;
    f.version = 2;
    transactions_begin(&f);
    group_clock_pass(&f.clock, 60100);
    transactions_run(&f);
    assert_status(&f, "a", TRANSACTION_PREPARE_ABORT);
    assert_int_equal(f.orders[0]->producer_epoch, 1);
    assert_int_equal(f.orders[0]->transaction_version, 2);
    transactions_mark(&f, 0, KAFKA_NONE);
    struct asked *commit = ask_end(&f, "a", 1000, 0, true, true);
    struct asked *abort = ask_end(&f, "a", 1000, 0, false, true);
    struct asked *again = ask_end(&f, "a", 1000, 0, false, true);
    transactions_run(&f);
    assert_told(commit, KAFKA_PRODUCER_FENCED);
    assert_told(abort, KAFKA_NONE);
    assert_told(again, KAFKA_NONE);
    assert_int_equal(abort->call.epoch, 1);
    assert_int_equal(again->call.epoch, 1);
    assert_status(&f, "a", TRANSACTION_COMPLETE_ABORT);
}

/* There a producer that asks for an epoch while its own transaction is open has the one that the
 * abort gave, not a second one; a new instance has one more. */
static void test_init_where_ends_raise_the_epoch(void **state) {
    (void)state;
    f.version = 2;
    transactions_begin(&f);
    struct asked *init = ask_init(&f, "a", 1000, 0);
    transactions_run(&f);
    assert_int_equal(f.orders[0]->producer_epoch, 1);
    transactions_mark(&f, 0, KAFKA_NONE);
    transactions_run(&f);
    assert_told(init, KAFKA_NONE);
    assert_int_equal(init->call.epoch, 1);
    ask_add(&f, "a", 1000, 1, "t", 0, false);
    transactions_run(&f);
    init = ask_init(&f, "a", -1, -1);
    transactions_run(&f);
    assert_int_equal(f.orders[0]->producer_epoch, 2);
    transactions_mark(&f, 0, KAFKA_NONE);
    transactions_run(&f);
    assert_told(init, KAFKA_NONE);
    assert_int_equal(init->call.epoch, 3);
}

/* A decision stands against a timeout that comes while it is written. */
static void test_timeout_while_a_commit_is_written(void **state) {
    (void)state;
    transactions_begin(&f);
    group_clock_pass(&f.clock, 59990);
    struct asked *end = ask_end(&f, "a", 1000, 0, true, false);
    group_clock_pass(&f.clock, 1000);
    transactions_run(&f);
    assert_told(end, KAFKA_NONE);
    assert_status(&f, "a", TRANSACTION_PREPARE_COMMIT);
    transactions_mark(&f, 0, KAFKA_NONE);
    transactions_run(&f);
    assert_status(&f, "a", TRANSACTION_COMPLETE_COMMIT);
}

/* A new leader goes by the record, and gives some seconds. */
static void test_timeout_behind_a_takeover(void **state) {
    (void)state;
    transactions_begin(&f);
    group_clock_pass(&f.clock, 59000);
    fake_log_lose(&f.log, false);
    group_clock_pass(&f.clock, 100000);
    fake_log_lead(&f.log);
    transactions_run(&f);
    group_clock_pass(&f.clock, 4900);
    transactions_run(&f);
    assert_status(&f, "a", TRANSACTION_ONGOING);
    group_clock_pass(&f.clock, 200);
    transactions_run(&f);
    assert_status(&f, "a", TRANSACTION_PREPARE_ABORT);
    transactions_mark(&f, 0, KAFKA_NONE);
    transactions_run(&f);
}

/* A call comes before the new leader has gone through what it found: the time runs all the same,
 * and is not that of one that began under it. */
static void test_calls_before_the_walk(void **state) {
    (void)state;
    transactions_begin(&f);
    struct asked *init = ask_init(&f, "b", -1, -1);
    transactions_run(&f);
    assert_told(init, KAFKA_NONE);
    group_clock_pass(&f.clock, 59000);
    fake_log_lose(&f.log, false);
    fake_log_lead(&f.log);
    struct asked *add = ask_add(&f, "a", 1000, 0, "t", 1, false);
    ask_add(&f, "b", init->call.producer_id, 0, "t", 2, false);
    fake_log_commit_all(&f.log);
    transactions_run(&f);
    assert_told(add, KAFKA_NONE);
    group_clock_pass(&f.clock, 5100);
    transactions_run(&f);
    assert_status(&f, "a", TRANSACTION_PREPARE_ABORT);
    assert_status(&f, "b", TRANSACTION_ONGOING);
    transactions_mark(&f, 0, KAFKA_NONE);
    transactions_run(&f);
    group_clock_pass(&f.clock, 55000);
    transactions_run(&f);
    assert_status(&f, "b", TRANSACTION_PREPARE_ABORT);
    transactions_mark(&f, 0, KAFKA_NONE);
    transactions_run(&f);
}

/* More than a piece of the walk: all of them are completed. */
static void test_takeover_of_very_many(void **state) {
    (void)state;
    enum { IDS = 200 };
    for (int i = 0; i < IDS; i++) {
        char id[16];
        snprintf(id, sizeof id, "id-%d", i);
        struct asked *init = ask_init(&f, id, -1, -1);
        transactions_run(&f);
        ask_add(&f, id, init->call.producer_id, 0, "t", 0, false);
    }
    transactions_run(&f);
    fake_log_lose(&f.log, false);
    fake_log_lead(&f.log);
    group_clock_turn(&f.clock);
    struct transactions_open open = {.oldest_ms = INT64_MAX};
    group_clock_pass(&f.clock, 61000);
    for (int i = 0; i < IDS; i++) {
        transactions_run(&f);
        transactions_mark(&f, 0, KAFKA_NONE);
    }
    transactions_run(&f);
    transaction_coordinator_count(f.coordinator, &open);
    assert_int_equal(open.ids, IDS);
    assert_int_equal(open.ongoing, 0);
    assert_int_equal(open.ending, 0);
}

/* Ids that nobody uses go; those in a transaction stay, however old. */
static void test_expiry(void **state) {
    (void)state;
    transactions_begin(&f);
    ask_init(&f, "b", -1, -1);
    transactions_run(&f);
    f.settings.transactional_id_expiration_ms = 5400 * 1000;
    group_clock_pass(&f.clock, 3700 * 1000);
    transactions_run(&f);
    assert_non_null(state_now(&f, "b"));
    transactions_mark(&f, 0, KAFKA_NONE); /* the timeout's */
    transactions_run(&f);
    group_clock_pass(&f.clock, 3600 * 1000);
    transactions_run(&f);
    assert_null(state_now(&f, "b"));
    assert_status(&f, "a", TRANSACTION_COMPLETE_ABORT); /* since half an hour less */
    struct asked *add = ask_add(&f, "b", 1001, 0, "t", 0, false);
    transactions_run(&f);
    assert_told(add, KAFKA_INVALID_PRODUCER_ID_MAPPING);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_timeout, setup, teardown),
        cmocka_unit_test_setup_teardown(test_timeout_where_ends_raise_the_epoch, setup, teardown),
        cmocka_unit_test_setup_teardown(test_init_where_ends_raise_the_epoch, setup, teardown),
        cmocka_unit_test_setup_teardown(test_timeout_while_a_commit_is_written, setup, teardown),
        cmocka_unit_test_setup_teardown(test_timeout_behind_a_takeover, setup, teardown),
        cmocka_unit_test_setup_teardown(test_calls_before_the_walk, setup, teardown),
        cmocka_unit_test_setup_teardown(test_takeover_of_very_many, setup, teardown),
        cmocka_unit_test_setup_teardown(test_expiry, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
