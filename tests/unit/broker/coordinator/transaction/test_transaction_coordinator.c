/* Transactions from their first partition to their completion; what waits meanwhile, what a change
 * of leaders finds. */
#include "broker/coordinator/transaction/transaction_coordinator.h"

#include <string.h>

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

/* The answer leaves with the decision, the completion comes behind the markers. */
static void test_commit(void **state) {
    (void)state;
    transactions_begin(&f);
    struct asked *end = ask_end(&f, "a", 1000, 0, true, false);
    group_clock_turn(&f.clock);
    assert_false(end->told); /* nothing has committed */
    assert_int_equal(f.order_count, 0);
    transactions_run(&f);
    assert_told(end, KAFKA_NONE);
    assert_status(&f, "a", TRANSACTION_PREPARE_COMMIT);
    assert_int_equal(f.order_count, 1);
    const struct marker_order *order = f.orders[0];
    assert_true(order->commit);
    assert_int_equal(order->producer_id, 1000);
    assert_int_equal(order->producer_epoch, 0);
    assert_int_equal(order->topic_count, 1);
    assert_memory_equal(order->topics[0].name, "t", 1);
    assert_int_equal(order->topics[0].partitions[0], 0);
    transactions_mark(&f, 0, KAFKA_NONE);
    transactions_run(&f);
    assert_status(&f, "a", TRANSACTION_COMPLETE_COMMIT);
    end = ask_end(&f, "a", 1000, 0, true, false);
    transactions_run(&f);
    assert_told(end, KAFKA_NONE);
}

/* What comes while a transaction is being ended waits, and goes on by itself. */
static void test_next_transaction_waits_for_the_one_before(void **state) {
    (void)state;
    transactions_begin(&f);
    ask_end(&f, "a", 1000, 0, false, false);
    struct asked *add = ask_add(&f, "a", 1000, 0, "t", 1, false);
    struct asked *again = ask_end(&f, "a", 1000, 0, false, false);
    transactions_run(&f);
    group_clock_pass(&f.clock, TRANSACTION_PATIENCE_MS - 20);
    assert_false(add->told || again->told);
    transactions_mark(&f, 0, KAFKA_NONE);
    transactions_run(&f);
    assert_told(add, KAFKA_NONE);
    assert_status(&f, "a", TRANSACTION_PREPARE_ABORT); /* `again` has ended that one */
    transactions_mark(&f, 0, KAFKA_NONE);
    transactions_run(&f);
    assert_told(again, KAFKA_NONE);
}

static size_t partitions_now(const char *id) {
    return transaction_partitions_count(&state_now(&f, id)->partitions);
}

/* One for each partition that is produced to (KIP-890) is not one record each. */
static void test_adds_that_wait_are_one_record(void **state) {
    (void)state;
    struct asked *adds[8];
    transactions_begin(&f);
    for (int i = 0; i < 8; i++)
        adds[i] = ask_add(&f, "a", 1000, 0, "t", 1 + i, false);
    struct asked *stranger = ask_add(&f, "a", 1001, 0, "t", 20, false);
    assert_int_equal(fake_log_commit(&f.log, 1), 1); /* the first, which did not wait */
    assert_int_equal(partitions_now("a"), 2);
    assert_int_equal(f.log.waiting_count, 1);
    assert_int_equal(fake_log_commit(&f.log, 1), 1);
    assert_int_equal(partitions_now("a"), 9);
    transactions_run(&f);
    for (int i = 0; i < 8; i++)
        assert_told(adds[i], KAFKA_NONE);
    assert_int_equal(f.invited, 9); /* what is in it, and nobody else's */
    ask_add(&f, "a", 1000, 0, "t", 1, false);
    transactions_run(&f);
    assert_int_equal(f.invited, 9); /* it was already */
    assert_told(stranger, KAFKA_INVALID_PRODUCER_ID_MAPPING);
    assert_int_equal(partitions_now("a"), 9);
}

/* What waits for the end of a transaction begins the next one together with it. */
static void test_next_transaction_begins_with_the_completion(void **state) {
    (void)state;
    transactions_begin(&f);
    ask_end(&f, "a", 1000, 0, true, true);
    transactions_run(&f);
    struct asked *first = ask_add(&f, "a", 1000, 1, "t", 1, false);
    struct asked *second = ask_add(&f, "a", 1000, 1, "t", 2, false);
    struct asked *checks = ask_add(&f, "a", 1000, 1, "t", 2, true);
    transactions_mark(&f, 0, KAFKA_NONE);
    assert_int_equal(f.log.waiting_count, 1);
    const struct coordinator_record *records;
    assert_int_equal(fake_log_newest(&f.log, &records), 2);
    assert_false(first->told || second->told);
    assert_int_equal(fake_log_commit(&f.log, 1), 1);
    assert_status(&f, "a", TRANSACTION_ONGOING);
    assert_int_equal(partitions_now("a"), 2);
    transactions_run(&f);
    assert_told(first, KAFKA_NONE);
    assert_told(second, KAFKA_NONE);
    assert_told(checks, KAFKA_NONE);
}

/* That fails: the calls hear of it, and the completion is written all the same. */
static void test_completion_is_tried_again_without_who_waited(void **state) {
    (void)state;
    transactions_begin(&f);
    ask_end(&f, "a", 1000, 0, true, true);
    transactions_run(&f);
    struct asked *add = ask_add(&f, "a", 1000, 1, "t", 1, false);
    struct asked *old = ask_add(&f, "a", 1000, 0, "t", 2, false);
    fake_log_refuse(&f.log, KAFKA_COORDINATOR_NOT_AVAILABLE);
    transactions_mark(&f, 0, KAFKA_NONE);
    transactions_run(&f);
    assert_told(add, KAFKA_COORDINATOR_NOT_AVAILABLE);
    assert_status(&f, "a", TRANSACTION_PREPARE_COMMIT);
    assert_int_equal(f.order_count, 0); /* all have their markers */
    group_clock_pass(&f.clock, 150);
    transactions_run(&f);
    assert_status(&f, "a", TRANSACTION_COMPLETE_COMMIT);
    assert_told(old, KAFKA_PRODUCER_FENCED);
}

/* An end that was held up in an old connection, until the next transaction of the same epoch was
 * open, does not end that one (KAFKA-17754). */
static void test_end_that_was_held_up(void **state) {
    (void)state;
    f.connected_us = 100;
    transactions_begin(&f);
    f.connected_us = 200; /* it has not heard of the end that it sent, and sends it again */
    struct asked *end = ask_end(&f, "a", 1000, 0, true, false);
    transactions_run(&f);
    assert_told(end, KAFKA_NONE);
    struct asked *add = ask_add(&f, "a", 1000, 0, "t", 1, false);
    transactions_mark(&f, 0, KAFKA_NONE);
    transactions_run(&f);
    assert_told(add, KAFKA_NONE);
    f.connected_us = 100;
    struct asked *held_up = ask_end(&f, "a", 1000, 0, true, false);
    transactions_run(&f);
    assert_told(held_up, KAFKA_NETWORK_EXCEPTION);
    assert_status(&f, "a", TRANSACTION_ONGOING);
    struct asked *stranger = ask_end(&f, "a", 1000, 7, true, false);
    transactions_run(&f);
    assert_told(stranger, KAFKA_PRODUCER_FENCED); /* it is told so on any connection */
    struct asked *raises = ask_end(&f, "a", 1000, 0, true, true);
    transactions_run(&f);
    assert_told(raises, KAFKA_NONE); /* its epoch tells the transactions apart */
}

/* Nobody waits for longer than its patience; the end goes on all the same. */
static void test_patience_ends(void **state) {
    (void)state;
    transactions_begin(&f);
    ask_end(&f, "a", 1000, 0, true, false);
    transactions_run(&f);
    struct asked *add = ask_add(&f, "a", 1000, 0, "t", 1, false);
    struct asked *init = ask_init(&f, "a", -1, -1);
    struct asked *gone = ask_add(&f, "a", 1000, 0, "t", 2, false);
    assert_true(transaction_call_cancel(&gone->call));
    gone->cancelled = true;
    group_clock_pass(&f.clock, TRANSACTION_PATIENCE_MS + 1);
    assert_told(add, KAFKA_CONCURRENT_TRANSACTIONS);
    assert_false(init->told);
    group_clock_pass(&f.clock, TRANSACTION_INIT_PATIENCE_MS);
    assert_told(init, KAFKA_CONCURRENT_TRANSACTIONS);
    for (int i = 0; i < TRANSACTION_WAITING_MOST; i++)
        ask_add(&f, "a", 1000, 0, "t", i, false);
    struct asked *many = ask_add(&f, "a", 1000, 0, "t", 0, false);
    group_clock_turn(&f.clock);
    assert_told(many, KAFKA_CONCURRENT_TRANSACTIONS);
    transactions_mark(&f, 0, KAFKA_NONE);
    transactions_run(&f);
    assert_status(&f, "a", TRANSACTION_ONGOING);
}

/* A new instance ends what its predecessor left open, and begins when that is over. */
static void test_new_instance_aborts_and_goes_on(void **state) {
    (void)state;
    transactions_begin(&f);
    struct asked *init = ask_init(&f, "a", -1, -1);
    transactions_run(&f);
    assert_status(&f, "a", TRANSACTION_PREPARE_ABORT);
    assert_int_equal(f.orders[0]->producer_epoch, 1);
    assert_false(f.orders[0]->commit);
    assert_false(init->told);
    transactions_mark(&f, 0, KAFKA_NONE);
    transactions_run(&f);
    assert_told(init, KAFKA_NONE);
    assert_int_equal(init->call.epoch, 2);
    struct asked *old = ask_add(&f, "a", 1000, 0, "t", 0, false);
    struct asked *older = ask_end(&f, "a", 1000, 0, true, false);
    transactions_run(&f);
    assert_told(old, KAFKA_PRODUCER_FENCED);
    assert_told(older, KAFKA_PRODUCER_FENCED);
}

/* EndTxn 5 tells the next epoch, and ends nothing without markers. */
static void test_commit_raises_the_epoch(void **state) {
    (void)state;
    transactions_begin(&f);
    struct asked *end = ask_end(&f, "a", 1000, 0, true, true);
    transactions_run(&f);
    assert_told(end, KAFKA_NONE);
    assert_int_equal(end->call.producer_id, 1000);
    assert_int_equal(end->call.epoch, 1);
    assert_int_equal(f.orders[0]->producer_epoch, 1);
    assert_int_equal(f.orders[0]->transaction_version, 2);
    transactions_mark(&f, 0, KAFKA_NONE);
    end = ask_end(&f, "a", 1000, 1, false, true); /* of nothing */
    transactions_run(&f);
    assert_told(end, KAFKA_NONE);
    assert_int_equal(end->call.epoch, 2);
    assert_status(&f, "a", TRANSACTION_COMPLETE_ABORT);
    assert_int_equal(f.order_count, 0);
}

/* ---- Changes of leaders ---- */

/* A decision stands, whoever leads: the next one sends all markers again. */
static void test_takeover_of_a_decision(void **state) {
    (void)state;
    transactions_begin(&f);
    ask_end(&f, "a", 1000, 0, true, false);
    transactions_run(&f);
    struct asked *add = ask_add(&f, "a", 1000, 0, "t", 1, false);
    assert_int_equal(f.orders[0]->coordinator_epoch, 1);
    fake_log_lose(&f.log, false);
    transactions_run(&f);
    assert_told(add, KAFKA_NOT_COORDINATOR);
    assert_int_equal(f.order_count, 0); /* cancelled */
    add = ask_add(&f, "a", 1000, 0, "t", 1, false);
    transactions_run(&f);
    assert_told(add, KAFKA_NOT_COORDINATOR);
    fake_log_lead(&f.log);
    transactions_run(&f);
    assert_int_equal(f.order_count, 1);
    assert_int_equal(f.orders[0]->coordinator_epoch, 2);
    assert_true(f.orders[0]->commit);
    transactions_mark(&f, 0, KAFKA_NONE);
    transactions_run(&f);
    assert_status(&f, "a", TRANSACTION_COMPLETE_COMMIT);
}

/* The markers are written, the completion is lost with the lead: they are sent once more. */
static void test_takeover_before_the_completion(void **state) {
    (void)state;
    transactions_begin(&f);
    ask_end(&f, "a", 1000, 0, true, false);
    transactions_run(&f);
    transactions_mark(&f, 0, KAFKA_NONE);
    fake_log_lose(&f.log, false);
    assert_status(&f, "a", TRANSACTION_PREPARE_COMMIT);
    fake_log_lead(&f.log);
    transactions_run(&f);
    assert_int_equal(f.order_count, 1);
    transactions_mark(&f, 0, KAFKA_NONE);
    transactions_run(&f);
    assert_status(&f, "a", TRANSACTION_COMPLETE_COMMIT);
}

/* The outcome of a decision that was lost is open: whoever asked repeats. */
static void test_decision_lost_with_the_lead(void **state) {
    (void)state;
    transactions_begin(&f);
    struct asked *end = ask_end(&f, "a", 1000, 0, true, false);
    fake_log_lose(&f.log, true);
    transactions_run(&f);
    assert_told(end, KAFKA_NOT_COORDINATOR);
    assert_status(&f, "a", TRANSACTION_PREPARE_COMMIT);
    fake_log_lead(&f.log);
    end = ask_end(&f, "a", 1000, 0, true, false);
    transactions_run(&f);
    assert_false(end->told);
    transactions_mark(&f, 0, KAFKA_NONE);
    transactions_run(&f);
    assert_told(end, KAFKA_NONE);
}

/* KAFKA-20357: what was not heard is asked for again behind a change of leaders. */
static void test_last_epoch_survives_a_takeover(void **state) {
    (void)state;
    ask_init(&f, "a", -1, -1);
    transactions_run(&f);
    ask_init(&f, "a", 1000, 0);
    fake_log_lose(&f.log, true);
    fake_log_lead(&f.log);
    struct asked *again = ask_init(&f, "a", 1000, 0);
    transactions_run(&f);
    assert_told(again, KAFKA_NONE);
    assert_int_equal(again->call.epoch, 1);
}

/* ---- Writes that fail ---- */

/* A decision that was late is not decided again before it is known to be nothing. */
static void test_decision_in_doubt(void **state) {
    (void)state;
    transactions_begin(&f);
    struct asked *end = ask_end(&f, "a", 1000, 0, true, false);
    fake_log_late(&f.log);
    struct asked *abort = ask_end(&f, "a", 1000, 0, false, false);
    group_clock_turn(&f.clock);
    assert_told(end, KAFKA_COORDINATOR_NOT_AVAILABLE);
    assert_told(abort, KAFKA_COORDINATOR_NOT_AVAILABLE);
    group_clock_pass(&f.clock, 100000); /* the timeout, too */
    transactions_run(&f);
    assert_status(&f, "a", TRANSACTION_PREPARE_COMMIT);
    assert_int_equal(f.order_count, 1);
    transactions_mark(&f, 0, KAFKA_NONE);
    transactions_run(&f);
    assert_status(&f, "a", TRANSACTION_COMPLETE_COMMIT);
}

/* The completion is refused: it is tried again, without the markers. */
static void test_completion_refused(void **state) {
    (void)state;
    transactions_begin(&f);
    ask_end(&f, "a", 1000, 0, true, false);
    transactions_run(&f);
    fake_log_refuse(&f.log, KAFKA_COORDINATOR_NOT_AVAILABLE);
    transactions_mark(&f, 0, KAFKA_NONE);
    transactions_run(&f);
    assert_status(&f, "a", TRANSACTION_PREPARE_COMMIT);
    group_clock_pass(&f.clock, 1000);
    transactions_run(&f);
    assert_int_equal(f.order_count, 0);
    assert_status(&f, "a", TRANSACTION_COMPLETE_COMMIT);
}

/* Refused by partitions that heard from a later coordinator: sent again, later. */
static void test_markers_fenced(void **state) {
    (void)state;
    transactions_begin(&f);
    ask_end(&f, "a", 1000, 0, true, false);
    transactions_run(&f);
    transactions_mark(&f, 0, KAFKA_TRANSACTION_COORDINATOR_FENCED);
    transactions_run(&f);
    assert_int_equal(f.order_count, 0);
    assert_status(&f, "a", TRANSACTION_PREPARE_COMMIT);
    group_clock_pass(&f.clock, 1100);
    assert_int_equal(f.order_count, 1);
    transactions_mark(&f, 0, KAFKA_INVALID_PRODUCER_EPOCH);
    transactions_run(&f);
    assert_status(&f, "a", TRANSACTION_COMPLETE_COMMIT);
}

/* ---- Producer ids ---- */

/* Taking one may take long, or fail; the lead may be lost meanwhile. */
static void test_ids_that_take_long(void **state) {
    (void)state;
    f.ids_wait = true;
    struct asked *first = ask_init(&f, "a", -1, -1);
    struct asked *second = ask_init(&f, "a", -1, -1);
    transactions_run(&f);
    assert_false(first->told);
    transactions_give_ids(&f, KAFKA_BROKER_NOT_AVAILABLE);
    transactions_run(&f);
    assert_told(first, KAFKA_COORDINATOR_LOAD_IN_PROGRESS);
    transactions_give_ids(&f, KAFKA_NONE);
    transactions_run(&f);
    assert_told(second, KAFKA_NONE);
    struct asked *third = ask_init(&f, "b", -1, -1);
    fake_log_lose(&f.log, false);
    transactions_run(&f);
    assert_told(third, KAFKA_NOT_COORDINATOR);
    assert_null(state_now(&f, "b"));
}

/* ---- Limits ---- */

/* While the memory is spent nothing begins, and what has begun ends. */
static void test_memory_is_spent(void **state) {
    (void)state;
    transactions_begin(&f);
    budget_set_limit(&f.memory, 1);
    struct asked *init = ask_init(&f, "b", -1, -1);
    struct asked *add = ask_add(&f, "a", 1000, 0, "t", 1, false);
    transactions_run(&f);
    assert_told(init, KAFKA_COORDINATOR_NOT_AVAILABLE);
    assert_told(add, KAFKA_COORDINATOR_NOT_AVAILABLE);
    struct asked *end = ask_end(&f, "a", 1000, 0, true, false);
    transactions_run(&f);
    assert_told(end, KAFKA_NONE);
    transactions_mark(&f, 0, KAFKA_NONE);
    transactions_run(&f);
    assert_status(&f, "a", TRANSACTION_COMPLETE_COMMIT);
}

/* Others that came first have taken nearly all of it. */
static void test_memory_is_left_to_known_ids(void **state) {
    (void)state;
    transactions_begin(&f);
    size_t others = f.memory.limit - f.memory.limit / 8 - f.memory.used;
    budget_charge(&f.memory, others);
    struct asked *init = ask_init(&f, "b", -1, -1);
    struct asked *add = ask_add(&f, "a", 1000, 0, "t", 1, false);
    transactions_run(&f);
    assert_told(init, KAFKA_COORDINATOR_NOT_AVAILABLE);
    assert_told(add, KAFKA_NONE);
    budget_release(&f.memory, others);
}

/* Partitions of which no record could be made are not taken. */
static void test_too_many_partitions(void **state) {
    (void)state;
    enum { PARTS = 200000 };
    static int32_t numbers[PARTS];
    transactions_begin(&f);
    struct asked *add = ask_add(&f, "a", 1000, 0, "t", 1, true); /* a shape to fill */
    transactions_run(&f);
    assert_told(add, KAFKA_TRANSACTION_ABORTABLE);
    for (int32_t i = 0; i < PARTS; i++)
        numbers[i] = PARTS - i;
    struct transaction_partitions many = {0};
    transaction_partitions_add(&many, kp_string_of("t"), numbers, PARTS);
    transaction_partitions_settle(&many);
    add->told = false;
    add->call = (struct transaction_call){.kind = TRANSACTION_ADD,
                                          .id = kp_string_of("a"),
                                          .add = {.producer_id = 1000, .partitions = &many},
                                          .done = add->call.done};
    transaction_coordinator_call(f.coordinator, &add->call);
    transactions_run(&f);
    assert_told(add, KAFKA_UNKNOWN_SERVER_ERROR);
    transaction_partitions_close(&many);
}

static void assert_open(size_t ongoing, size_t ending, bool any) {
    struct transactions_open open = {.oldest_ms = INT64_MAX};
    transaction_coordinator_count(f.coordinator, &open);
    assert_int_equal(open.ids, 1);
    assert_int_equal(open.ongoing, ongoing);
    assert_int_equal(open.ending, ending);
    assert_int_equal(open.oldest_ms != INT64_MAX, any);
}

/* What is open is counted on every replica, what is decided on the leader that decided. */
static void test_counts(void **state) {
    (void)state;
    transactions_begin(&f);
    assert_open(1, 0, true);
    ask_end(&f, "a", 1000, 0, true, false);
    transactions_run(&f);
    assert_open(0, 1, true);
    assert_int_equal(f.counts.committed, 1);
    transactions_mark(&f, 0, KAFKA_NONE);
    transactions_run(&f);
    assert_open(0, 0, false);
    ask_add(&f, "a", 1000, 0, "t", 0, false);
    transactions_run(&f);
    group_clock_pass(&f.clock, 61000);
    transactions_run(&f);
    assert_open(0, 1, true);
    assert_int_equal(f.counts.aborted, 1);
    assert_int_equal(f.counts.timed_out, 1);
    transactions_mark(&f, 0, KAFKA_NONE);
    transactions_run(&f);
    assert_open(0, 0, false);
    assert_int_equal(f.counts.committed, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_commit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_next_transaction_waits_for_the_one_before, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_adds_that_wait_are_one_record, setup, teardown),
        cmocka_unit_test_setup_teardown(test_next_transaction_begins_with_the_completion, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_completion_is_tried_again_without_who_waited, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_end_that_was_held_up, setup, teardown),
        cmocka_unit_test_setup_teardown(test_patience_ends, setup, teardown),
        cmocka_unit_test_setup_teardown(test_new_instance_aborts_and_goes_on, setup, teardown),
        cmocka_unit_test_setup_teardown(test_commit_raises_the_epoch, setup, teardown),
        cmocka_unit_test_setup_teardown(test_takeover_of_a_decision, setup, teardown),
        cmocka_unit_test_setup_teardown(test_takeover_before_the_completion, setup, teardown),
        cmocka_unit_test_setup_teardown(test_decision_lost_with_the_lead, setup, teardown),
        cmocka_unit_test_setup_teardown(test_last_epoch_survives_a_takeover, setup, teardown),
        cmocka_unit_test_setup_teardown(test_decision_in_doubt, setup, teardown),
        cmocka_unit_test_setup_teardown(test_completion_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_markers_fenced, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ids_that_take_long, setup, teardown),
        cmocka_unit_test_setup_teardown(test_memory_is_spent, setup, teardown),
        cmocka_unit_test_setup_teardown(test_memory_is_left_to_known_ids, setup, teardown),
        cmocka_unit_test_setup_teardown(test_too_many_partitions, setup, teardown),
        cmocka_unit_test_setup_teardown(test_counts, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
