/*
 * Random histories: producers that begin, add, end and repeat, twins with one id, leads that are
 * lost, writes that are late or refused, markers that take their time, clocks that run on. At each
 * record the fixture checks what may follow what, so that a decision is never taken back; here it
 * is checked that all markers that are under way are those of a decision that has committed, and
 * that nothing is left over when all has calmed down.
 */
#include "protocol/kafka_error.h"
#include "tests/unit/broker/coordinator/fixture_transactions.h"
#include "tests/unit/unit.h"

enum { SEEDS = 60, STEPS = 1200, IDS = 3, PRODUCERS = 6 };

static struct transactions f;
static uint64_t seed;

static uint32_t below(uint32_t limit) {
    seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (uint32_t)(seed >> 33) % limit;
}

/* ---- Markers are those of a decision ---- */

static void check_orders(void) {
    static const char *const ids[IDS] = {"a", "b", "c"};
    for (size_t i = 0; i < f.order_count; i++) {
        bool found = false;
        for (size_t n = 0; n < IDS && !found; n++) {
            const struct transaction_state *state = state_now(&f, ids[n]);
            found = state != NULL && transaction_is_prepared(state->status) &&
                    state->producer_id == f.orders[i]->producer_id &&
                    state->epoch == f.orders[i]->producer_epoch &&
                    (state->status == TRANSACTION_PREPARE_COMMIT) == f.orders[i]->commit;
        }
        assert_true(found);
    }
}

/* ---- Producers ---- */

struct producer {
    const char *id;
    int64_t producer_id;
    int16_t epoch;
    bool raises;
    struct asked *waits; /* for this answer */
};
static struct producer producers[PRODUCERS];

/* Takes what it was told; sometimes it did not hear it. */
static void hear(struct producer *producer) {
    struct asked *asked = producer->waits;
    if (asked == NULL || !asked->told) return;
    producer->waits = NULL;
    bool names = asked->call.kind == TRANSACTION_INIT ||
                 (asked->call.kind == TRANSACTION_END && producer->raises);
    if (asked->call.error == KAFKA_NONE && names && below(8) > 0) {
        producer->producer_id = asked->call.producer_id;
        producer->epoch = asked->call.epoch;
    }
}

static void speak(struct producer *producer) {
    static const char *const topics[] = {"t", "u", "v"};
    hear(producer);
    if (producer->waits != NULL && below(4) > 0) return;
    switch (producer->producer_id < 0 ? 0 : below(8)) {
    case 0:
        if (producer->producer_id < 0 || below(4) == 0) {
            bool gives = producer->producer_id >= 0 && below(2) == 0;
            producer->waits = ask_init(&f, producer->id, gives ? producer->producer_id : -1,
                                       gives ? producer->epoch : -1);
            break;
        } /* fall through */
    case 1:
    case 2:
    case 3:
    case 4:
        producer->waits = ask_add(&f, producer->id, producer->producer_id, producer->epoch,
                                  topics[below(3)], (int32_t)below(4), below(4) == 0);
        break;
    default:
        producer->waits = ask_end(&f, producer->id, producer->producer_id, producer->epoch,
                                  below(3) > 0, producer->raises);
    }
}

static void someone_goes(void) {
    struct asked *asked = f.asked[below((uint32_t)f.asked_count)];
    if (asked->told || asked->cancelled || !transaction_call_cancel(&asked->call)) return;
    asked->cancelled = true;
    for (size_t i = 0; i < PRODUCERS; i++)
        if (producers[i].waits == asked) producers[i].waits = NULL;
}

static void mark_one(void) {
    uint32_t what = below(12);
    int16_t error = what == 0   ? KAFKA_TRANSACTION_COORDINATOR_FENCED
                    : what == 1 ? KAFKA_INVALID_PRODUCER_EPOCH
                                : KAFKA_NONE;
    if (f.order_count > 0) transactions_mark(&f, below((uint32_t)f.order_count), error);
}

static void one_step(void) {
    uint32_t what = below(100);
    if (what < 45)
        speak(&producers[below(PRODUCERS)]);
    else if (what < 70)
        fake_log_commit(&f.log, 1 + below(3));
    else if (what < 82)
        mark_one();
    else if (what < 88)
        group_clock_pass(&f.clock, below(400));
    else if (what < 90)
        group_clock_pass(&f.clock, below(40000));
    else if (what < 92 && f.asked_count > 0)
        someone_goes();
    else if (what < 94)
        transactions_give_ids(&f, below(5) == 0 ? KAFKA_BROKER_NOT_AVAILABLE : KAFKA_NONE);
    else if (what == 94)
        fake_log_refuse(&f.log, KAFKA_COORDINATOR_NOT_AVAILABLE);
    else if (what == 95 && f.log.waiting != NULL)
        fake_log_late(&f.log);
    else if (what == 96 && f.log.leading)
        fake_log_lose(&f.log, below(2) == 0);
    else if (what == 97)
        f.ids_wait = !f.ids_wait;
    else if (what == 98)
        f.version = 2 - f.version;
    if (!f.log.leading && below(3) > 0) fake_log_lead(&f.log);
    group_clock_turn(&f.clock);
    check_orders();
    if (below(100) == 0) transactions_compare(&f);
}

/* All that waits goes through: no id is left in the middle of an end. */
static void calm_down(void) {
    static const char *const ids[IDS] = {"a", "b", "c"};
    f.ids_wait = false;
    if (!f.log.leading) fake_log_lead(&f.log);
    for (int i = 0; i < 10; i++) {
        transactions_give_ids(&f, KAFKA_NONE);
        transactions_run(&f);
        while (f.order_count > 0)
            transactions_mark(&f, 0, KAFKA_NONE);
        group_clock_pass(&f.clock, 70000); /* timeouts, too */
    }
    transactions_run(&f);
    for (size_t i = 0; i < IDS; i++) {
        const struct transaction_state *state = state_now(&f, ids[i]);
        assert_true(state == NULL || transaction_is_over(state->status));
    }
}

static void test_histories(void **state) {
    (void)state;
    static const char *const ids[IDS] = {"a", "b", "c"};
    for (uint64_t run = 1; run <= SEEDS; run++) {
        seed = run * 7919;
        transactions_open(&f);
        for (size_t i = 0; i < PRODUCERS; i++)
            producers[i] = (struct producer){
                .id = ids[i % IDS], .producer_id = -1, .epoch = -1, .raises = i < IDS};
        for (int i = 0; i < STEPS; i++)
            one_step();
        calm_down();
        transactions_close(&f);
    }
}

/* The same with epochs that are nearly used up. */
static void test_histories_at_the_last_epochs(void **state) {
    (void)state;
    for (uint64_t run = 1; run <= SEEDS; run++) {
        seed = run * 104729;
        transactions_open(&f);
        for (size_t i = 0; i < PRODUCERS; i++)
            producers[i] = (struct producer){.id = i % 2 == 0 ? "a" : "b",
                                             .producer_id = 500 + (int64_t)(i % 2),
                                             .epoch = 32760,
                                             .raises = i < 4};
        for (int i = 0; i < 2; i++) {
            struct transaction_state old = {.producer_id = 500 + i,
                                            .previous_id = -1,
                                            .next_id = -1,
                                            .epoch = 32760,
                                            .last_epoch = -1,
                                            .timeout_ms = 60000,
                                            .start_ms = -1};
            struct kp_writer writer;
            kp_writer_init(&writer, INT32_MAX);
            transaction_key_write(kp_string_of(i == 0 ? "a" : "b"), &writer);
            size_t key_len = writer.len;
            transaction_state_write(&old, &writer);
            struct coordinator_record record = {.key = writer.data,
                                                .key_len = key_len,
                                                .value = writer.data + key_len,
                                                .value_len = writer.len - key_len};
            fake_log_apply(&f.log, &record, 1);
            kp_writer_close(&writer);
        }
        for (int i = 0; i < STEPS; i++)
            one_step();
        calm_down();
        transactions_close(&f);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_histories),
        cmocka_unit_test(test_histories_at_the_last_epochs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
