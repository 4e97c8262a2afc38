/* The coordinator between a log, a clock and markers that obey the test. */
#include "tests/unit/broker/coordinator/fixture_transactions.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "broker/producer/producer_state.h"
#include "protocol/kafka_error.h"
#include "tests/unit/unit.h"

/* ---- What the coordinator stands on ---- */

static void mark(void *arg, struct marker_order *order) {
    struct transactions *f = arg;
    assert_true(f->order_count < ORDERS_MOST);
    assert_true(order->topic_count > 0);
    assert_int_equal(order->coordinator_epoch, f->log.epoch);
    f->orders[f->order_count++] = order;
}

static void order_remove(struct transactions *f, size_t at) {
    assert_true(at < f->order_count);
    memmove(f->orders + at, f->orders + at + 1, (--f->order_count - at) * sizeof *f->orders);
}

static void mark_cancel(void *arg, struct marker_order *order) {
    struct transactions *f = arg;
    size_t at = 0;
    while (at < f->order_count && f->orders[at] != order)
        at++;
    order_remove(f, at);
}

void transactions_mark(struct transactions *f, size_t at, int16_t error) {
    assert_true(at < f->order_count);
    struct marker_order *order = f->orders[at];
    order_remove(f, at);
    f->orders_done++;
    order->done(order, error);
}

static void invite(void *arg, const struct producer_invitation *invitation,
                   const struct transaction_partitions *partitions) {
    struct transactions *f = arg;
    struct kp_string id = {invitation->id, (int32_t)invitation->id_len};
    const struct transaction_state *now = transaction_coordinator_look(f->coordinator, id);
    assert_int_equal(now->status, TRANSACTION_ONGOING);
    assert_true(transaction_partitions_have_all(&now->partitions, partitions));
    assert_int_equal(invitation->producer_id, now->producer_id);
    assert_int_equal(invitation->epoch, now->epoch);
    assert_int_equal(invitation->coordinator_epoch, f->log.epoch);
    f->invited += transaction_partitions_count(partitions);
}

static void take_id(void *arg, struct producer_id_wait *wait) {
    struct transactions *f = arg;
    if (!f->ids_wait) {
        wait->done(wait, KAFKA_NONE, f->next_id++);
        return;
    }
    assert_true(f->id_wait_count < ORDERS_MOST);
    f->id_waits[f->id_wait_count++] = wait;
}

static void take_id_cancel(void *arg, struct producer_id_wait *wait) {
    struct transactions *f = arg;
    size_t at = 0;
    while (at < f->id_wait_count && f->id_waits[at] != wait)
        at++;
    assert_true(at < f->id_wait_count);
    memmove(f->id_waits + at, f->id_waits + at + 1,
            (--f->id_wait_count - at) * sizeof *f->id_waits);
}

void transactions_give_ids(struct transactions *f, int16_t error) {
    struct producer_id_wait *waits[ORDERS_MOST];
    size_t count = f->id_wait_count;
    memcpy(waits, f->id_waits, sizeof waits);
    f->id_wait_count = 0;
    for (size_t i = 0; i < count; i++)
        waits[i]->done(waits[i], error, error == KAFKA_NONE ? f->next_id++ : -1);
}

/* ---- What commits is looked at ---- */

/* The one that is open; a replay and a snapshot are others. */
static struct transactions *watched;

static void check_record(struct transactions *f, const struct coordinator_record *record) {
    struct kp_string id;
    struct transaction_state next;
    assert_int_equal(transaction_key_read(record->key, record->key_len, &id), 0);
    const struct transaction_state *now = transaction_coordinator_look(f->coordinator, id);
    if (record->tombstone) {
        assert_non_null(now);
        assert_true(transaction_is_over(now->status));
        return;
    }
    assert_int_equal(transaction_state_read(record->value, record->value_len, &next), 0);
    if (now == NULL)
        assert_int_equal(next.status, TRANSACTION_EMPTY);
    else if (!transaction_may_move(now->status, next.status))
        fail_msg("%.*s: %s follows %s", id.len, id.data, transaction_status_name(next.status),
                 transaction_status_name(now->status));
    if (now != NULL && transaction_is_prepared(now->status) && now->partitions.count > 0)
        assert_true(f->orders_done > 0);
    for (size_t i = 0; i < f->order_count; i++) /* its markers are not under way any more */
        assert_false(now != NULL && transaction_is_prepared(now->status) &&
                     f->orders[i]->producer_id == now->producer_id);
    transaction_state_close(&next);
}

static void checked_apply(void *state, const struct coordinator_record *record,
                          const struct coordinator_place *place) {
    if (watched != NULL && watched->coordinator == state) check_record(watched, record);
    transaction_coordinator_state.apply(state, record, place);
}

static struct coordinator_state checked_state;

/* ---- Life ---- */

static int16_t version_of(void *arg) {
    struct transactions *f = arg;
    return f->version;
}

static struct transaction_coordinator *coordinator_new(struct transactions *f) {
    struct transaction_coordinator_options options = {.env = f->clock.env,
                                                      .lines = &f->lines,
                                                      .settings = &f->settings,
                                                      .memory = &f->memory,
                                                      .counts = &f->counts,
                                                      .mark = mark,
                                                      .mark_cancel = mark_cancel,
                                                      .invite = invite,
                                                      .take_id = take_id,
                                                      .take_id_cancel = take_id_cancel,
                                                      .version = version_of,
                                                      .arg = f};
    return transaction_coordinator_new(&options, &f->log.log);
}

void transactions_open(struct transactions *f) {
    memset(f, 0, sizeof *f);
    group_clock_open(&f->clock);
    f->lines = (struct log){.env = f->clock.env, .level = LOG_WARN};
    f->settings.transactional_id_expiration_ms = 604800000;
    f->next_id = 1000;
    budget_init(&f->memory, 64 << 20);
    f->coordinator = coordinator_new(f);
    checked_state = transaction_coordinator_state;
    checked_state.apply = checked_apply;
    watched = f;
    fake_log_open(&f->log, &checked_state, f->coordinator);
    fake_log_keep(&f->log, true);
    fake_log_lead(&f->log);
}

static bool all_told(const struct transactions *f) {
    for (size_t i = 0; i < f->asked_count; i++)
        if (f->asked[i]->call.stage == TRANSACTION_CALL_ANSWERED) return false;
    return true;
}

void transactions_run(struct transactions *f) {
    do {
        fake_log_commit_all(&f->log);
        group_clock_turn(&f->clock);
    } while (f->log.waiting != NULL || !all_told(f));
}

void transactions_compare(struct transactions *f) {
    struct transaction_coordinator *replayed = coordinator_new(f);
    fake_log_replay(&f->log, replayed);
    fake_log_compare(&f->log, f->coordinator, replayed);
    transaction_coordinator_state.free(replayed);
    struct transaction_coordinator *restored = coordinator_new(f);
    fake_log_restore(&f->log, restored);
    fake_log_compare(&f->log, f->coordinator, restored);
    transaction_coordinator_state.free(restored);
}

void transactions_close(struct transactions *f) {
    transactions_compare(f);
    fake_log_keep(&f->log, false);
    if (f->log.leading) fake_log_lose(&f->log, false);
    group_clock_turn(&f->clock);
    transaction_coordinator_state.free(f->coordinator);
    watched = NULL;
    assert_int_equal(f->memory.used, 0);
    assert_int_equal(f->order_count, 0);
    assert_int_equal(f->id_wait_count, 0);
    for (size_t i = 0; i < f->asked_count; i++) {
        assert_true(f->asked[i]->told || f->asked[i]->cancelled);
        transaction_partitions_close(&f->asked[i]->partitions);
        mem_free(f->asked[i]);
    }
    fake_log_close(&f->log);
    group_clock_close(&f->clock);
}

/* ---- Asking ---- */

static void on_told(struct transaction_call *call) {
    struct asked *asked = (struct asked *)call;
    assert_false(asked->told || asked->cancelled);
    asked->told = true;
    assert_true(call->error != KAFKA_NONE || call->epoch != INT16_MAX); /* never handed out */
}

static struct asked *asked_new(struct transactions *f, enum transaction_call_kind kind,
                               const char *id) {
    struct asked *asked = mem_zalloc(sizeof *asked);
    assert_true(f->asked_count < ASKED_MOST);
    f->asked[f->asked_count++] = asked;
    snprintf(asked->id, sizeof asked->id, "%s", id);
    asked->call.kind = kind;
    asked->call.id = kp_string_of(asked->id);
    asked->call.connected_us = f->connected_us;
    asked->call.done = on_told;
    return asked;
}

struct asked *ask_init(struct transactions *f, const char *id, int64_t producer_id, int16_t epoch) {
    struct asked *asked = asked_new(f, TRANSACTION_INIT, id);
    asked->call.init = (struct transaction_init_ask){producer_id, epoch, 60000};
    transaction_coordinator_call(f->coordinator, &asked->call);
    return asked;
}

struct asked *ask_add(struct transactions *f, const char *id, int64_t producer_id, int16_t epoch,
                      const char *topic, int32_t partition, bool verifies) {
    struct asked *asked = asked_new(f, TRANSACTION_ADD, id);
    transaction_partitions_add(&asked->partitions, kp_string_of(topic), &partition, 1);
    transaction_partitions_settle(&asked->partitions);
    asked->call.add = (struct transaction_add_ask){.producer_id = producer_id,
                                                   .epoch = epoch,
                                                   .partitions = &asked->partitions,
                                                   .verifies = verifies};
    transaction_coordinator_call(f->coordinator, &asked->call);
    return asked;
}

struct asked *ask_end(struct transactions *f, const char *id, int64_t producer_id, int16_t epoch,
                      bool commit, bool raises) {
    struct asked *asked = asked_new(f, TRANSACTION_END, id);
    asked->call.end = (struct transaction_end_ask){producer_id, epoch, commit, raises};
    transaction_coordinator_call(f->coordinator, &asked->call);
    return asked;
}

void assert_told(const struct asked *asked, int16_t error) {
    assert_true(asked->told);
    assert_int_equal(asked->call.error, error);
}

const struct transaction_state *state_now(struct transactions *f, const char *id) {
    return transaction_coordinator_look(f->coordinator, kp_string_of(id));
}

void assert_status(struct transactions *f, const char *id, enum transaction_status status) {
    const struct transaction_state *state = state_now(f, id);
    assert_non_null(state);
    assert_string_equal(transaction_status_name(state->status), transaction_status_name(status));
}

void transactions_begin(struct transactions *f) {
    struct asked *init = ask_init(f, "a", -1, -1);
    transactions_run(f);
    assert_told(init, KAFKA_NONE);
    assert_int_equal(init->call.producer_id, 1000);
    assert_int_equal(init->call.epoch, 0);
    struct asked *add = ask_add(f, "a", 1000, 0, "t", 0, false);
    transactions_run(f);
    assert_told(add, KAFKA_NONE);
    assert_status(f, "a", TRANSACTION_ONGOING);
}
