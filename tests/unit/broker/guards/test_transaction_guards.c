/* Who waits for the coordinator of a transaction: order, answers, markers that come between. */
#include <string.h>

#include "broker/guards/transaction_guards.h"
#include "protocol/kafka_error.h"
#include "tests/unit/unit.h"

enum { A = 7, B = 8, MOST = 8 };

struct fixture {
    struct transaction_asker asker;
    struct guards *guards;
    struct transaction_question *asked[MOST]; /* under way, as they were put */
    size_t asked_count, put;
};

static void ask(void *arg, struct transaction_question *question) {
    struct fixture *fixture = arg;
    assert_true(fixture->asked_count < MOST);
    fixture->asked[fixture->asked_count++] = question;
    fixture->put++;
}

static struct transaction_question *take(struct fixture *fixture, size_t at) {
    assert_true(at < fixture->asked_count);
    struct transaction_question *question = fixture->asked[at];
    fixture->asked_count--;
    memmove(&fixture->asked[at], &fixture->asked[at + 1],
            (fixture->asked_count - at) * sizeof fixture->asked[0]);
    return question;
}

static void cancel(void *arg, struct transaction_question *question) {
    struct fixture *fixture = arg;
    for (size_t i = 0; i < fixture->asked_count; i++)
        if (fixture->asked[i] == question) {
            take(fixture, i);
            return;
        }
    fail();
}

/* The first one that is under way. */
static void answer(struct fixture *fixture, int16_t error) {
    struct transaction_question *question = take(fixture, 0);
    question->done(question, error);
}

static int setup(void **state) {
    static struct fixture fixture;
    fixture = (struct fixture){.asker = {ask, cancel, &fixture}};
    fixture.guards = guards_new(&fixture.asker, "t", 3, 5);
    *state = &fixture;
    return 0;
}

static int teardown(void **state) {
    struct fixture *fixture = *state;
    assert_int_equal(fixture->asked_count, 0);
    guards_free(fixture->guards);
    return 0;
}

struct one {
    struct guarded guarded; /* first */
    struct fixture *fixture;
    struct one *then_waits, *then_leaves; /* when it is told */
    unsigned told;                        /* 0: not; else its place */
    int16_t error;
};

static unsigned tellings;

static void on_told(struct guarded *guarded, int16_t error) {
    struct one *one = (struct one *)guarded;
    assert_int_equal(one->told, 0);
    assert_null(guarded->guard);
    one->told = ++tellings;
    one->error = error;
    if (one->then_waits != NULL) guards_wait(one->fixture->guards, &one->then_waits->guarded);
    if (one->then_leaves != NULL) guards_cancel(one->fixture->guards, &one->then_leaves->guarded);
}

static struct one make(struct fixture *fixture, int64_t producer, int16_t epoch, bool asks) {
    return (struct one){.guarded = {.done = on_told,
                                    .producer_id = producer,
                                    .epoch = epoch,
                                    .asks = asks,
                                    .id = kp_string_of("id")},
                        .fixture = fixture};
}

static void wait_for(struct fixture *fixture, struct one *one) {
    guards_wait(fixture->guards, &one->guarded);
    assert_int_equal(one->told, 0);
}

/* One question for all that comes of a producer meanwhile, and all are told in order; what another
 * one writes has its own. */
static void test_guards_one_question(void **state) {
    struct fixture *fixture = *state;
    struct one first = make(fixture, A, 1, true), plain = make(fixture, A, 1, false),
               third = make(fixture, A, 1, true), other = make(fixture, B, 0, true),
               late = make(fixture, A, 1, true);
    first.then_waits = &late;
    wait_for(fixture, &first);
    wait_for(fixture, &plain);
    wait_for(fixture, &third);
    wait_for(fixture, &other);
    assert_int_equal(fixture->put, 2);
    assert_int_equal(fixture->asked[0]->producer_id, A);
    assert_int_equal(fixture->asked[0]->epoch, 1);
    assert_int_equal(fixture->asked[0]->partition, 3);
    assert_true(kp_string_is(fixture->asked[0]->topic, "t"));
    assert_true(kp_string_is(fixture->asked[0]->id, "id"));
    assert_false(fixture->asked[0]->adds);
    answer(fixture, KAFKA_NONE);
    assert_true(first.told < plain.told && plain.told < third.told && third.told < late.told);
    assert_int_equal(late.error, KAFKA_NONE);
    assert_int_equal(other.told, 0);
    assert_false(guards_busy(fixture->guards, A));
    assert_true(guards_busy(fixture->guards, B));
    answer(fixture, KAFKA_PRODUCER_FENCED);
    assert_int_equal(other.error, KAFKA_PRODUCER_FENCED);
    assert_false(guards_busy(fixture->guards, B));
}

/* An error is for all that the question was for; what asks something else has a question of its
 * own, and what does not ask has its turn. */
static void test_guards_errors(void **state) {
    struct fixture *fixture = *state;
    struct one first = make(fixture, A, 1, true), same = make(fixture, A, 1, true),
               plain = make(fixture, A, 1, false), next = make(fixture, A, 2, true),
               last = make(fixture, A, 2, true);
    last.guarded.adds = true;
    wait_for(fixture, &first);
    wait_for(fixture, &same);
    wait_for(fixture, &plain);
    wait_for(fixture, &next);
    wait_for(fixture, &last);
    answer(fixture, KAFKA_TRANSACTION_ABORTABLE);
    assert_int_equal(first.error, KAFKA_TRANSACTION_ABORTABLE);
    assert_int_equal(same.error, KAFKA_TRANSACTION_ABORTABLE);
    assert_int_equal(plain.error, KAFKA_NONE);
    assert_int_equal(next.told, 0);
    assert_int_equal(fixture->asked[0]->epoch, 2);
    answer(fixture, KAFKA_NONE);
    assert_int_equal(next.error, KAFKA_NONE);
    assert_true(fixture->asked[0]->adds);
    answer(fixture, KAFKA_NONE);
    assert_int_equal(last.error, KAFKA_NONE);
}

/* KAFKA-14884: an answer that the end of the transaction may have overtaken is none. */
static void test_guards_marker_between(void **state) {
    struct fixture *fixture = *state;
    struct one first = make(fixture, A, 4, true);
    wait_for(fixture, &first);
    guards_marker(fixture->guards, B, 9, false);
    guards_marker(fixture->guards, A, 3, false);
    guards_marker(fixture->guards, A, 4, true); /* of the transaction before this one */
    guards_marker(fixture->guards, A, 4, false);
    answer(fixture, KAFKA_NONE);
    assert_int_equal(first.told, 0);
    guards_marker(fixture->guards, A, 5, true);
    answer(fixture, KAFKA_NONE);
    assert_int_equal(first.told, 0);
    assert_int_equal(fixture->put, 3);
    guards_marker(fixture->guards, A, 4, true);
    answer(fixture, KAFKA_NONE);
    assert_int_equal(first.error, KAFKA_NONE);
    assert_true(first.told > 0);
}

/* Who has gone is not told, and with the last one of its producer the question goes. */
static void test_guards_cancel(void **state) {
    struct fixture *fixture = *state;
    struct one first = make(fixture, A, 1, true), second = make(fixture, A, 1, true),
               third = make(fixture, A, 1, true), fourth = make(fixture, A, 1, true);
    wait_for(fixture, &first);
    wait_for(fixture, &second);
    guards_cancel(fixture->guards, &first.guarded);
    assert_int_equal(fixture->asked_count, 1);
    guards_cancel(fixture->guards, &second.guarded);
    assert_int_equal(fixture->asked_count, 0);
    assert_false(guards_busy(fixture->guards, A));
    third.then_leaves = &fourth;
    wait_for(fixture, &third);
    wait_for(fixture, &fourth);
    answer(fixture, KAFKA_NONE);
    assert_true(third.told > 0);
    assert_int_equal(fourth.told, 0);
    assert_int_equal(first.told + second.told, 0);
}

/* With the lead all questions end. */
static void test_guards_fail(void **state) {
    struct fixture *fixture = *state;
    struct one first = make(fixture, A, 1, true), plain = make(fixture, A, 1, false),
               other = make(fixture, B, 1, true);
    wait_for(fixture, &first);
    wait_for(fixture, &plain);
    wait_for(fixture, &other);
    guards_fail(fixture->guards, KAFKA_NOT_LEADER_OR_FOLLOWER);
    assert_int_equal(first.error, KAFKA_NOT_LEADER_OR_FOLLOWER);
    assert_int_equal(plain.error, KAFKA_NOT_LEADER_OR_FOLLOWER);
    assert_int_equal(other.error, KAFKA_NOT_LEADER_OR_FOLLOWER);
    assert_false(guards_busy(fixture->guards, A));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_guards_one_question), TEST(test_guards_errors), TEST(test_guards_marker_between),
        TEST(test_guards_cancel),       TEST(test_guards_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
