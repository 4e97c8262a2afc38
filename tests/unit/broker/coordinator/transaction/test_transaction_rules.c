/* What a coordinator decides, row by row of Kafka's tables, and where it decides otherwise. */
#include "broker/coordinator/transaction/transaction_rules.h"

#include "protocol/kafka_error.h"
#include "tests/unit/unit.h"

enum { PID = 7, NEW_PID = 900, LAST = TRANSACTION_EPOCH_LAST };

static struct transaction_moment moment = {.now_ms = 5000, .new_id = NEW_PID};

static int setup(void **state) {
    (void)state;
    moment = (struct transaction_moment){.now_ms = 5000, .new_id = NEW_PID};
    return 0;
}

static struct transaction_state state_of(enum transaction_status status, int16_t epoch) {
    struct transaction_state state = {.status = status,
                                      .producer_id = PID,
                                      .previous_id = -1,
                                      .next_id = -1,
                                      .epoch = epoch,
                                      .last_epoch = -1,
                                      .timeout_ms = 60000,
                                      .update_ms = 1000,
                                      .start_ms = 1000};
    if (!transaction_is_over(status)) {
        static const int32_t partitions[] = {0, 1};
        transaction_partitions_add(&state.partitions, kp_string_of("t"), partitions, 2);
        transaction_partitions_settle(&state.partitions);
    }
    return state;
}

/* Checks what a verdict is, and frees it. */
static void assert_answer(struct transaction_verdict verdict, int16_t error, bool confirm) {
    assert_int_equal(verdict.kind, TRANSACTION_ANSWER);
    assert_int_equal(verdict.error, error);
    assert_int_equal(verdict.confirm, confirm);
}

static void assert_next(struct transaction_verdict verdict, enum transaction_verdict_kind kind,
                        enum transaction_status status, int64_t producer_id, int16_t epoch,
                        int16_t last_epoch) {
    assert_int_equal(verdict.kind, kind);
    assert_int_equal(verdict.next.status, status);
    assert_int_equal(verdict.next.producer_id, producer_id);
    assert_int_equal(verdict.next.epoch, epoch);
    assert_int_equal(verdict.next.last_epoch, last_epoch);
    assert_int_equal(verdict.next.update_ms, moment.now_ms);
    transaction_state_close(&verdict.next);
}

/* ---- InitProducerId ---- */

static struct transaction_verdict init(const struct transaction_state *state, int64_t producer_id,
                                       int16_t epoch) {
    struct transaction_init_ask ask = {producer_id, epoch, 30000};
    return transaction_judge_init(state, &ask, &moment);
}

/* An id that nobody has used gets a producer id, which is taken first. */
static void test_init_of_a_new_id(void **state) {
    (void)state;
    moment.new_id = -1;
    assert_int_equal(init(NULL, -1, -1).kind, TRANSACTION_TAKE_ID);
    moment.new_id = NEW_PID;
    struct transaction_verdict verdict = init(NULL, 3, 4); /* of a time that is forgotten */
    assert_int_equal(verdict.next.timeout_ms, 30000);
    assert_int_equal(verdict.next.start_ms, -1);
    assert_int_equal(verdict.producer_id, NEW_PID);
    assert_int_equal(verdict.epoch, 0);
    assert_next(verdict, TRANSACTION_WRITE, TRANSACTION_EMPTY, NEW_PID, 0, -1);
}

/* Who begins anew gets the next epoch, and those before cannot come back. */
static void test_init_of_an_instance_that_begins(void **state) {
    (void)state;
    struct transaction_state empty = state_of(TRANSACTION_COMPLETE_COMMIT, 5);
    empty.last_epoch = 4;
    assert_next(init(&empty, -1, -1), TRANSACTION_WRITE, TRANSACTION_EMPTY, PID, 6, -1);
    empty.epoch = LAST;
    struct transaction_verdict verdict = init(&empty, -1, -1);
    assert_int_equal(verdict.next.previous_id, PID);
    assert_next(verdict, TRANSACTION_WRITE, TRANSACTION_EMPTY, NEW_PID, 0, -1);
    empty.epoch = INT16_MAX; /* as a fence leaves it */
    assert_next(init(&empty, -1, -1), TRANSACTION_WRITE, TRANSACTION_EMPTY, NEW_PID, 0, -1);
    moment.new_id = -1;
    assert_int_equal(init(&empty, -1, -1).kind, TRANSACTION_TAKE_ID);
}

/* KIP-360: a producer that goes on gives its epoch; asked again, it gets the same answer. */
static void test_init_of_a_producer_that_goes_on(void **state) {
    (void)state;
    struct transaction_state empty = state_of(TRANSACTION_COMPLETE_ABORT, 5);
    assert_next(init(&empty, PID, 5), TRANSACTION_WRITE, TRANSACTION_EMPTY, PID, 6, 5);
    empty.epoch = 6;
    empty.last_epoch = 5;
    assert_next(init(&empty, PID, 5), TRANSACTION_WRITE, TRANSACTION_EMPTY, PID, 6, 5);
    assert_answer(init(&empty, PID, 4), KAFKA_PRODUCER_FENCED, false);
    assert_answer(init(&empty, PID, 7), KAFKA_PRODUCER_FENCED, true);
    assert_answer(init(&empty, PID + 1, 6), KAFKA_PRODUCER_FENCED, true);
}

/* The answer that gave another producer id was lost: the old one asks again. */
static void test_init_again_behind_another_id(void **state) {
    (void)state;
    struct transaction_state empty = state_of(TRANSACTION_EMPTY, LAST);
    struct transaction_verdict verdict = init(&empty, PID, LAST);
    struct transaction_state next = verdict.next;
    assert_next(verdict, TRANSACTION_WRITE, TRANSACTION_EMPTY, NEW_PID, 0, LAST);
    assert_next(init(&next, PID, LAST), TRANSACTION_WRITE, TRANSACTION_EMPTY, NEW_PID, 0, LAST);
    assert_answer(init(&next, PID, LAST - 1), KAFKA_PRODUCER_FENCED, true);
    next.previous_id = NEW_PID; /* it has moved on */
    assert_answer(init(&next, PID, LAST), KAFKA_PRODUCER_FENCED, true);
}

/* An open transaction is aborted first; its owner is shut out by an epoch above. */
static void test_init_aborts_what_is_open(void **state) {
    (void)state;
    struct transaction_state ongoing = state_of(TRANSACTION_ONGOING, 5);
    assert_next(init(&ongoing, -1, -1), TRANSACTION_FENCE, TRANSACTION_PREPARE_ABORT, PID, 6, -1);
    assert_next(init(&ongoing, PID, 5), TRANSACTION_FENCE, TRANSACTION_PREPARE_ABORT, PID, 6, -1);
    /* One that is no longer the producer aborts nothing. */
    assert_answer(init(&ongoing, PID, 4), KAFKA_PRODUCER_FENCED, false);
    moment.version = 2;
    assert_next(init(&ongoing, -1, -1), TRANSACTION_FENCE, TRANSACTION_PREPARE_ABORT, PID, 6, 5);
    transaction_state_close(&ongoing);
}

/* ---- Fences ---- */

/* The last epoch is for them; with it, TV 2 gives another producer id. */
static void test_fence_with_the_last_epoch(void **state) {
    (void)state;
    struct transaction_state ongoing = state_of(TRANSACTION_ONGOING, LAST);
    assert_next(transaction_judge_fence(&ongoing, &moment), TRANSACTION_FENCE,
                TRANSACTION_PREPARE_ABORT, PID, INT16_MAX, -1);
    moment.version = 2;
    struct transaction_verdict verdict = transaction_judge_fence(&ongoing, &moment);
    struct transaction_state completed = transaction_completed(&verdict.next, 6000);
    assert_int_equal(verdict.next.next_id, NEW_PID);
    assert_int_equal(verdict.next.partitions.count, 1);
    assert_next(verdict, TRANSACTION_FENCE, TRANSACTION_PREPARE_ABORT, PID, INT16_MAX, LAST);
    assert_int_equal(completed.producer_id, NEW_PID);
    assert_int_equal(completed.previous_id, PID);
    assert_int_equal(completed.next_id, -1);
    assert_int_equal(completed.epoch, 0);
    assert_int_equal(completed.last_epoch, LAST);
    moment.new_id = -1;
    assert_int_equal(transaction_judge_fence(&ongoing, &moment).kind, TRANSACTION_TAKE_ID);
    transaction_state_close(&ongoing);
}

/* ---- Adding ---- */

static struct transaction_verdict add(const struct transaction_state *state, int64_t producer_id,
                                      int16_t epoch, int32_t partition, bool verifies) {
    struct transaction_partitions set = {0};
    transaction_partitions_add(&set, kp_string_of("t"), &partition, 1);
    transaction_partitions_settle(&set);
    struct transaction_add_ask ask = {
        .producer_id = producer_id, .epoch = epoch, .partitions = &set, .verifies = verifies};
    struct transaction_verdict verdict = transaction_judge_add(state, &ask, &moment);
    transaction_partitions_close(&set);
    return verdict;
}

/* The first partition begins a transaction, others join it, known ones change nothing. */
static void test_add(void **state) {
    (void)state;
    struct transaction_state empty = state_of(TRANSACTION_EMPTY, 5);
    struct transaction_verdict verdict = add(&empty, PID, 5, 3, false);
    assert_int_equal(verdict.next.start_ms, moment.now_ms);
    assert_true(transaction_partitions_have(&verdict.next.partitions, kp_string_of("t"), 3));
    assert_next(verdict, TRANSACTION_WRITE, TRANSACTION_ONGOING, PID, 5, -1);

    struct transaction_state ongoing = state_of(TRANSACTION_ONGOING, 5);
    verdict = add(&ongoing, PID, 5, 3, false);
    assert_int_equal(verdict.next.start_ms, 1000);
    assert_int_equal(verdict.next.partitions.topics[0].count, 3);
    assert_next(verdict, TRANSACTION_WRITE, TRANSACTION_ONGOING, PID, 5, -1);
    assert_answer(add(&ongoing, PID, 5, 1, false), KAFKA_NONE, true);
    transaction_state_close(&ongoing);
}

/* Strangers and those from before add nothing. */
static void test_add_refused(void **state) {
    (void)state;
    struct transaction_state empty = state_of(TRANSACTION_EMPTY, 5);
    assert_answer(add(NULL, PID, 5, 0, false), KAFKA_INVALID_PRODUCER_ID_MAPPING, true);
    assert_answer(add(&empty, PID + 1, 5, 0, false), KAFKA_INVALID_PRODUCER_ID_MAPPING, true);
    assert_answer(add(&empty, PID, 4, 0, false), KAFKA_PRODUCER_FENCED, false);
    assert_answer(add(&empty, PID, 6, 0, false), KAFKA_PRODUCER_FENCED, true);
    struct transaction_state ending = state_of(TRANSACTION_PREPARE_COMMIT, 6);
    assert_int_equal(add(&ending, PID, 5, 0, false).kind, TRANSACTION_WAIT);
    transaction_state_close(&ending);
}

/* Verification adds nothing: what is not in a transaction is not written. */
static void test_verify(void **state) {
    (void)state;
    struct transaction_state ongoing = state_of(TRANSACTION_ONGOING, 5);
    assert_answer(add(&ongoing, PID, 5, 1, true), KAFKA_NONE, true);
    assert_answer(add(&ongoing, PID, 5, 3, true), KAFKA_TRANSACTION_ABORTABLE, true);
    assert_answer(add(&ongoing, PID, 4, 1, true), KAFKA_PRODUCER_FENCED, false);
    struct transaction_state over = state_of(TRANSACTION_COMPLETE_COMMIT, 5);
    assert_answer(add(&over, PID, 5, 1, true), KAFKA_TRANSACTION_ABORTABLE, true);
    transaction_state_close(&ongoing);
}

/* ---- Ending ---- */

static struct transaction_verdict end(const struct transaction_state *state, int16_t epoch,
                                      bool commit, bool raises) {
    struct transaction_end_ask ask = {PID, epoch, commit, raises};
    return transaction_judge_end(state, &ask, &moment);
}

/* EndTxn 0-4: the epoch stays; told again, the same end is the same answer. */
static void test_end_that_keeps_the_epoch(void **state) {
    (void)state;
    struct transaction_state ongoing = state_of(TRANSACTION_ONGOING, 5);
    assert_next(end(&ongoing, 5, true, false), TRANSACTION_WRITE, TRANSACTION_PREPARE_COMMIT, PID,
                5, -1);
    struct transaction_verdict verdict = end(&ongoing, 5, false, false);
    struct transaction_state aborted = transaction_completed(&verdict.next, 6000);
    assert_next(verdict, TRANSACTION_WRITE, TRANSACTION_PREPARE_ABORT, PID, 5, -1);
    assert_int_equal(aborted.status, TRANSACTION_COMPLETE_ABORT);
    assert_int_equal(aborted.epoch, 5);
    assert_int_equal(aborted.partitions.count, 0);
    assert_answer(end(&aborted, 5, false, false), KAFKA_NONE, true);
    assert_answer(end(&aborted, 5, true, false), KAFKA_INVALID_TXN_STATE, true);
    assert_answer(end(&aborted, 4, false, false), KAFKA_PRODUCER_FENCED, false);
    assert_answer(end(NULL, 5, false, false), KAFKA_INVALID_PRODUCER_ID_MAPPING, true);
    struct transaction_state empty = state_of(TRANSACTION_EMPTY, 5);
    assert_answer(end(&empty, 5, true, false), KAFKA_INVALID_TXN_STATE, true);
    assert_answer(end(&empty, 5, false, false), KAFKA_INVALID_TXN_STATE, true);
    transaction_state_close(&ongoing);
}

/* EndTxn 5: each end raises the epoch, and tells it; told again, it is told again. */
static void test_end_that_raises_the_epoch(void **state) {
    (void)state;
    struct transaction_state ongoing = state_of(TRANSACTION_ONGOING, 5);
    struct transaction_verdict verdict = end(&ongoing, 5, true, true);
    struct transaction_state done = transaction_completed(&verdict.next, 6000);
    assert_int_equal(verdict.producer_id, PID);
    assert_int_equal(verdict.epoch, 6);
    assert_next(verdict, TRANSACTION_WRITE, TRANSACTION_PREPARE_COMMIT, PID, 6, 5);
    assert_int_equal(done.epoch, 6);
    verdict = end(&done, 5, true, true);
    assert_int_equal(verdict.epoch, 6);
    assert_answer(verdict, KAFKA_NONE, true);
    assert_answer(end(&done, 6, true, true), KAFKA_INVALID_TXN_STATE, true);
    assert_answer(end(&done, 5, false, true), KAFKA_INVALID_TXN_STATE, true);
    assert_answer(end(&done, 4, false, true), KAFKA_PRODUCER_FENCED, false);
    assert_answer(end(&ongoing, 4, true, true), KAFKA_PRODUCER_FENCED, false);
    transaction_state_close(&ongoing);
}

/* KIP-890: a client that is not sure whether anything began aborts, with a new epoch all the same.
 */
static void test_end_of_nothing(void **state) {
    (void)state;
    static const enum transaction_status over[] = {TRANSACTION_EMPTY, TRANSACTION_COMPLETE_COMMIT,
                                                   TRANSACTION_COMPLETE_ABORT};
    for (size_t i = 0; i < 3; i++) {
        struct transaction_state nothing = state_of(over[i], 5);
        struct transaction_verdict verdict = end(&nothing, 5, false, true);
        assert_int_equal(verdict.next.start_ms, moment.now_ms);
        assert_next(verdict, TRANSACTION_WRITE, TRANSACTION_PREPARE_ABORT, PID, 6, 5);
        assert_answer(end(&nothing, 5, true, true), KAFKA_INVALID_TXN_STATE, true);
    }
}

/* Whoever came before the newest producer is fenced, commit or abort. */
static void test_end_behind_a_newer_producer(void **state) {
    (void)state;
    struct transaction_state empty = state_of(TRANSACTION_EMPTY, 6);
    for (int raises = 0; raises < 2; raises++) {
        empty.client_version = raises ? TRANSACTION_RAISES_EPOCH : 0;
        assert_answer(end(&empty, 5, false, true), KAFKA_PRODUCER_FENCED, false);
        assert_answer(end(&empty, 5, true, true), KAFKA_PRODUCER_FENCED, false);
    }
}

/* A commit that comes behind the timeout is fenced: INVALID_TXN_STATE would end Kafka Streams. */
static void test_end_behind_a_timeout(void **state) {
    (void)state;
    struct transaction_state aborted = state_of(TRANSACTION_COMPLETE_ABORT, 6);
    aborted.client_version = TRANSACTION_RAISES_EPOCH;
    assert_answer(end(&aborted, 5, true, true), KAFKA_PRODUCER_FENCED, false);
    assert_answer(end(&aborted, 5, false, true), KAFKA_NONE, true);
    aborted.epoch = INT16_MAX; /* of the fence, and nobody else's */
    assert_answer(end(&aborted, LAST, false, true), KAFKA_PRODUCER_FENCED, false);
}

/* A newer producer that keeps its epoch has ended a transaction: the one before, whose ends raise
 * it, has not, and does not get that epoch. */
static void test_end_behind_one_that_kept_the_epoch(void **state) {
    (void)state;
    static const enum transaction_status over[] = {TRANSACTION_COMPLETE_COMMIT,
                                                   TRANSACTION_COMPLETE_ABORT};
    for (size_t i = 0; i < 2; i++) {
        struct transaction_state ended = state_of(over[i], 6);
        assert_answer(end(&ended, 5, false, true), KAFKA_PRODUCER_FENCED, false);
        assert_answer(end(&ended, 5, true, true), KAFKA_PRODUCER_FENCED, false);
    }
}

/* With the last epoch the producer goes on under another id, also when it asks again. */
static void test_end_with_the_last_epoch(void **state) {
    (void)state;
    struct transaction_state ongoing = state_of(TRANSACTION_ONGOING, LAST);
    moment.new_id = -1;
    assert_int_equal(end(&ongoing, LAST, true, true).kind, TRANSACTION_TAKE_ID);
    moment.new_id = NEW_PID;
    struct transaction_verdict verdict = end(&ongoing, LAST, true, true);
    struct transaction_state done = transaction_completed(&verdict.next, 6000);
    assert_int_equal(verdict.producer_id, NEW_PID);
    assert_int_equal(verdict.epoch, 0);
    assert_next(verdict, TRANSACTION_WRITE, TRANSACTION_PREPARE_COMMIT, PID, INT16_MAX, LAST);
    verdict = end(&done, LAST, true, true);
    assert_int_equal(verdict.producer_id, NEW_PID);
    assert_int_equal(verdict.epoch, 0);
    assert_answer(verdict, KAFKA_NONE, true);
    assert_answer(end(&done, LAST - 1, true, true), KAFKA_INVALID_PRODUCER_ID_MAPPING, true);
    transaction_state_close(&ongoing);
}

/* ---- Moves ---- */

/* No other way leads to a state than those of Kafka's table. */
static void test_moves(void **state) {
    (void)state;
    static const char *const may[] = {
        [TRANSACTION_EMPTY] = "YYNYNN",           [TRANSACTION_ONGOING] = "NYYYNN",
        [TRANSACTION_PREPARE_COMMIT] = "NNNNYN",  [TRANSACTION_PREPARE_ABORT] = "NNNNNY",
        [TRANSACTION_COMPLETE_COMMIT] = "YYNYNN", [TRANSACTION_COMPLETE_ABORT] = "YYNYNN"};
    for (int from = 0; from < TRANSACTION_DEAD; from++) {
        for (int to = 0; to < TRANSACTION_DEAD; to++)
            assert_int_equal(transaction_may_move(from, to), may[from][to] == 'Y');
        assert_false(transaction_may_move(from, TRANSACTION_DEAD));
        assert_false(transaction_may_move(from, TRANSACTION_PREPARE_EPOCH_FENCE));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_init_of_a_new_id, setup),
        cmocka_unit_test_setup(test_init_of_an_instance_that_begins, setup),
        cmocka_unit_test_setup(test_init_of_a_producer_that_goes_on, setup),
        cmocka_unit_test_setup(test_init_again_behind_another_id, setup),
        cmocka_unit_test_setup(test_init_aborts_what_is_open, setup),
        cmocka_unit_test_setup(test_fence_with_the_last_epoch, setup),
        cmocka_unit_test_setup(test_add, setup),
        cmocka_unit_test_setup(test_add_refused, setup),
        cmocka_unit_test_setup(test_verify, setup),
        cmocka_unit_test_setup(test_end_that_keeps_the_epoch, setup),
        cmocka_unit_test_setup(test_end_that_raises_the_epoch, setup),
        cmocka_unit_test_setup(test_end_of_nothing, setup),
        cmocka_unit_test_setup(test_end_behind_a_newer_producer, setup),
        cmocka_unit_test_setup(test_end_behind_a_timeout, setup),
        cmocka_unit_test_setup(test_end_behind_one_that_kept_the_epoch, setup),
        cmocka_unit_test_setup(test_end_with_the_last_epoch, setup),
        cmocka_unit_test_setup(test_moves, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
