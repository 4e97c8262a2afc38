/*
 * One guard for each producer of which something waits.
 *
 *   wait -> asking -> (answered) -> telling -> (the list is empty) -> freed
 *             ^  `---(a marker)---'    |
 *             `---(another question)---'
 */
#include "broker/guards/transaction_guards.h"

#include <string.h>

#include "base/container_of.h"
#include "broker/producer/producer_hash.h"
#include "protocol/kafka_error.h"

#include <utlist.h>

struct guard {
    int64_t producer_id; /* the key */
    struct guards *guards;
    struct transaction_question question; /* for the first that waits */
    char *id;                             /* its own copy */
    bool asking, telling;
    bool stale; /* a marker came while it is asked */
    struct guarded *waiting;
    UT_hash_handle hh;
};

struct guards {
    const struct transaction_asker *asker;
    struct kp_string topic;
    int32_t partition;
    struct guard *table;
    uint64_t seed;
};

/* ---- The table ---- */

static struct guard *guard_find(const struct guards *guards, int64_t producer_id) {
    struct guard *guard;
    HASH_FIND_BYHASHVALUE(hh, guards->table, &producer_id, sizeof producer_id,
                          producer_hash(guards->seed, producer_id), guard);
    return guard;
}

static void guard_free(struct guard *guard) {
    HASH_DELETE(hh, guard->guards->table, guard);
    mem_free(guard->id);
    mem_free(guard);
}

/* ---- Asking ---- */

static void put_question(struct guard *guard) {
    const struct transaction_asker *asker = guard->guards->asker;
    guard->asking = true;
    guard->stale = false;
    asker->ask(asker->arg, &guard->question);
}

static void ask_for(struct guard *guard, const struct guarded *first) {
    struct transaction_question *question = &guard->question;
    mem_free(guard->id);
    guard->id = mem_alloc((size_t)first->id.len + 1);
    memcpy(guard->id, first->id.data, (size_t)first->id.len);
    question->id = (struct kp_string){guard->id, first->id.len};
    question->epoch = first->epoch;
    question->adds = first->adds;
    put_question(guard);
}

static bool is_of_question(const struct guard *guard, const struct guarded *guarded) {
    return guarded->epoch == guard->question.epoch && guarded->adds == guard->question.adds &&
           kp_string_equal(guarded->id, guard->question.id);
}

static void leave(struct guarded *guarded) {
    DL_DELETE(guarded->guard->waiting, guarded);
    guarded->guard = NULL;
}

/* Each `done` may add to the list, or take others out of it. */
static void tell_all(struct guard *guard, int16_t error) {
    guard->telling = true;
    while (guard->waiting != NULL) {
        struct guarded *first = guard->waiting;
        if (first->asks && !is_of_question(guard, first)) {
            guard->telling = false;
            ask_for(guard, first);
            return;
        }
        leave(first);
        first->done(first, first->asks ? error : KAFKA_NONE);
    }
    guard_free(guard);
}

static void on_answered(struct transaction_question *question, int16_t error) {
    struct guard *guard = CONTAINER_OF(question, struct guard, question);
    guard->asking = false;
    if (error == KAFKA_NONE && guard->stale)
        put_question(guard);
    else
        tell_all(guard, error);
}

/* ---- Waiting ---- */

bool guards_busy(const struct guards *guards, int64_t producer_id) {
    return guard_find(guards, producer_id) != NULL;
}

void guards_wait(struct guards *guards, struct guarded *guarded) {
    struct guard *guard = guard_find(guards, guarded->producer_id);
    if (guard == NULL) {
        guard = mem_zalloc(sizeof *guard);
        guard->producer_id = guarded->producer_id;
        guard->guards = guards;
        guard->question = (struct transaction_question){.producer_id = guarded->producer_id,
                                                        .topic = guards->topic,
                                                        .partition = guards->partition,
                                                        .done = on_answered};
        HASH_ADD_BYHASHVALUE(hh, guards->table, producer_id, sizeof guard->producer_id,
                             producer_hash(guards->seed, guard->producer_id), guard);
        ask_for(guard, guarded);
    }
    guarded->guard = guard;
    DL_APPEND(guard->waiting, guarded);
}

void guards_cancel(struct guards *guards, struct guarded *guarded) {
    struct guard *guard = guarded->guard;
    leave(guarded);
    if (guard->waiting != NULL || guard->telling) return;
    if (guard->asking) guards->asker->cancel(guards->asker->arg, &guard->question);
    guard_free(guard);
}

void guards_marker(struct guards *guards, int64_t producer_id, int16_t epoch, bool raises_epoch) {
    struct guard *guard = guard_find(guards, producer_id);
    if (guard == NULL || !guard->asking) return;
    int16_t asked = guard->question.epoch;
    if (asked < epoch || (asked == epoch && !raises_epoch)) guard->stale = true;
}

static void fail(struct guard *guard, int16_t error) {
    struct guards *guards = guard->guards;
    if (guard->asking) guards->asker->cancel(guards->asker->arg, &guard->question);
    guard->asking = false;
    guard->telling = true;
    while (guard->waiting != NULL) {
        struct guarded *first = guard->waiting;
        leave(first);
        first->done(first, error);
    }
    guard_free(guard);
}

void guards_fail(struct guards *guards, int16_t error) {
    while (guards->table != NULL)
        fail(guards->table, error);
}

/* ---- Life ---- */

struct guards *guards_new(const struct transaction_asker *asker, const char *topic,
                          int32_t partition, uint64_t seed) {
    struct guards *guards = mem_zalloc(sizeof *guards);
    guards->asker = asker;
    guards->topic = kp_string_of(topic);
    guards->partition = partition;
    guards->seed = seed;
    return guards;
}

void guards_free(struct guards *guards) {
    mem_free(guards);
}
