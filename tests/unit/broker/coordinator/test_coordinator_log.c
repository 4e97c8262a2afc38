/* The stand-in for a coordinator's log keeps the contract that coordinators rely on. */
#include "tests/unit/broker/fixture_coordinator_log.h"
#include "tests/unit/unit.h"

#include <string.h>

#include "base/container_of.h"
#include "protocol/kafka_error.h"

/* A state that is one number: the last record's value. */
struct number {
    char value;
    int applied, led, lost;
};

static void number_apply(void *state, const struct coordinator_record *record,
                         const struct coordinator_place *place) {
    struct number *number = state;
    assert_int_equal(place->producer_id, -1);
    number->value = (char)record->value[0];
    number->applied++;
}

static void number_leading(void *state) {
    ((struct number *)state)->led++;
}

static void number_lost(void *state) {
    ((struct number *)state)->lost++;
}

static bool number_records(void *state, void **walk, size_t most,
                           void (*sink)(void *arg, const struct coordinator_record *record),
                           void *arg) {
    (void)walk;
    (void)most;
    const struct number *number = state;
    struct coordinator_record record = {.key = (const uint8_t *)"k",
                                        .key_len = 1,
                                        .value = (const uint8_t *)&number->value,
                                        .value_len = 1};
    if (number->applied > 0) sink(arg, &record);
    return true;
}

static const struct coordinator_state number_type = {.apply = number_apply,
                                                     .leading = number_leading,
                                                     .lost = number_lost,
                                                     .records = number_records};

struct call {
    struct coordinator_write write;
    struct coordinator_confirm confirm;
    int written, confirmed; /* -1: not yet */
};

static void call_written(struct coordinator_write *write, int16_t error) {
    ((struct call *)write)->written = error;
}

static void call_confirmed(struct coordinator_confirm *confirm, int16_t error) {
    CONTAINER_OF(confirm, struct call, confirm)->confirmed = error;
}

static void call_write(struct fake_log *fake, struct call *call, const char *value) {
    struct coordinator_record record = {
        .key = (const uint8_t *)"k", .key_len = 1, .value = (const uint8_t *)value, .value_len = 1};
    *call = (struct call){.write.done = call_written, .confirm.done = call_confirmed};
    call->written = call->confirmed = -1;
    coordinator_log_write(&fake->log, &record, 1, &call->write);
}

static void test_commits_in_order(void **unused) {
    (void)unused;
    struct number number = {0}, replayed = {0};
    struct fake_log fake;
    struct call first, second, canceled;
    fake_log_open(&fake, &number_type, &number);
    fake_log_lead(&fake);
    call_write(&fake, &first, "1");
    call_write(&fake, &canceled, "2");
    coordinator_write_cancel(&canceled.write);
    call_write(&fake, &second, "3");
    coordinator_log_confirm(&fake.log, &second.confirm);
    assert_int_equal(fake_log_commit(&fake, 1), 1);
    assert_int_equal(first.written, 0);
    assert_int_equal(number.value, '1');
    assert_int_equal(second.confirmed, -1);
    fake_log_commit_all(&fake);
    assert_int_equal(second.written, 0);
    assert_int_equal(second.confirmed, 0);
    assert_int_equal(canceled.written, -1);
    assert_int_equal(number.applied, 3);
    fake_log_replay(&fake, &replayed);
    fake_log_compare(&fake, &number, &replayed);
    fake_log_close(&fake);
}

static void test_lost_and_refused(void **unused) {
    (void)unused;
    struct number number = {0};
    struct fake_log fake;
    struct call call;
    fake_log_open(&fake, &number_type, &number);
    fake_log_lead(&fake);
    fake_log_refuse(&fake, KAFKA_COORDINATOR_NOT_AVAILABLE);
    call_write(&fake, &call, "1");
    fake_log_commit_all(&fake);
    assert_int_equal(call.written, KAFKA_COORDINATOR_NOT_AVAILABLE);
    assert_int_equal(number.applied, 0);
    call_write(&fake, &call, "2");
    coordinator_log_confirm(&fake.log, &call.confirm);
    fake_log_lose(&fake, true);
    assert_int_equal(call.written, KAFKA_NOT_COORDINATOR);
    assert_int_equal(call.confirmed, KAFKA_NOT_COORDINATOR);
    assert_int_equal(number.lost, 1);
    assert_int_equal(number.value, '2');
    fake_log_close(&fake);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_commits_in_order),
                                       cmocka_unit_test(test_lost_and_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
