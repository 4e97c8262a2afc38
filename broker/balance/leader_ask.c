/*
 * The states of an ask, from the first call to its end.
 *
 *   WAITING --- another broker leads ---> CALLING ----- it leads no more ---> ANNOUNCING
 *      |  ^  \--- this broker leads ----> HANDING_OVER ----'                       |
 *      |  |---- busy, leads no more, no answer: after RETRY_US ----'               |
 *      |  '---- a later leader is known -------------------------------------------'
 *      '--- the target leads, will not, or time is over ---> ENDED (told at the end of the turn)
 */
#include "broker/balance/leader_ask.h"

#include <string.h>

#include "base/container_of.h"
#include "base/mem.h"

#include <utlist.h>

enum { RETRY_US = 20 * 1000, CALL_TIMEOUT_MS = 3000 };

struct leader_asks {
    struct env *env;
    int32_t node;
    struct leader_table *leaders;
    struct leader_transfers *transfers;
    struct broker_messages *messages;
    struct leader_ask *list;
    struct env_timer *retry;
    struct env_task task;
    bool closing;
};

static void end_ask(struct leader_ask *ask, enum leader_ask_outcome outcome) {
    ask->state = ASK_ENDED;
    ask->outcome = outcome;
    env_defer(ask->asks->env, &ask->asks->task);
}

static void try_later(struct leader_ask *ask) {
    ask->state = ASK_WAITING;
    env_timer_start(ask->asks->retry, RETRY_US);
}

static uint32_t left_ms(const struct leader_ask *ask) {
    return env_ms_until(ask->asks->env, ask->deadline_ms);
}

/* ---- What comes of it ---- */

static void on_announced(struct leader_wait *wait, int error) {
    struct leader_ask *ask = CONTAINER_OF(wait, struct leader_ask, wait);
    (void)error; /* who leads now is looked at in any case */
    ask->state = ASK_WAITING;
    env_defer(ask->asks->env, &ask->asks->task);
}

static void take_outcome(struct leader_ask *ask, enum leader_transfer_outcome outcome) {
    switch (outcome) {
    case TRANSFER_DONE:
        ask->state = ASK_ANNOUNCING;
        ask->wait = (struct leader_wait){.done = on_announced, .term_above = ask->term};
        leader_table_wait(ask->asks->leaders, &ask->wait, &ask->group, 1, left_ms(ask));
        break;
    case TRANSFER_NOT_NEEDED:
    case TRANSFER_NOT_LEADER:
    case TRANSFER_BUSY: try_later(ask); break;
    default: end_ask(ask, ASK_NOT_READY); break;
    }
}

static void on_answer(struct broker_call *call, int error, const uint8_t *body, size_t len) {
    struct leader_ask *ask = CONTAINER_OF(call, struct leader_ask, call);
    enum leader_transfer_outcome outcome;
    if (error != ERR_NONE || leader_transfer_answer_decode(body, len, &outcome) != ERR_NONE)
        try_later(ask);
    else
        take_outcome(ask, outcome);
}

static void on_handed_over(struct leader_handover *handover, enum leader_transfer_outcome outcome) {
    struct leader_ask *ask = CONTAINER_OF(handover, struct leader_ask, handover);
    take_outcome(ask, outcome);
}

/* ---- Trying ---- */

static void ask_leader(struct leader_ask *ask, const struct leader *leader) {
    struct leader_asks *asks = ask->asks;
    ask->asked = true;
    ask->term = leader->term;
    if (leader->node != asks->node) {
        uint32_t timeout_ms = left_ms(ask) < CALL_TIMEOUT_MS ? left_ms(ask) : CALL_TIMEOUT_MS;
        ask->state = ASK_CALLING;
        ask->call.done = on_answer;
        broker_messages_call(asks->messages, &ask->call, leader->node, BROKER_REQUEST_TRANSFER,
                             leader_transfer_request(ask->group, ask->target), timeout_ms);
        return;
    }
    enum leader_transfer_outcome outcome;
    ask->state = ASK_HANDING_OVER;
    ask->handover.done = on_handed_over;
    if (!leader_handover_begin(asks->transfers, &ask->handover, ask->group, ask->target, &outcome))
        take_outcome(ask, outcome);
}

static void try_ask(struct leader_ask *ask) {
    struct leader leader = leader_table_get(ask->asks->leaders, ask->group);
    if (leader.node == ask->target) {
        end_ask(ask, ask->asked && leader.term > ask->term ? ASK_DONE : ASK_NOT_NEEDED);
    } else if (left_ms(ask) == 0) {
        end_ask(ask, ASK_TIMED_OUT);
    } else if (leader.node == LEADER_NONE) {
        try_later(ask);
    } else {
        ask_leader(ask, &leader);
    }
}

static void ask_finish(struct leader_ask *ask) {
    DL_DELETE(ask->asks->list, ask);
    ask->asks = NULL;
    ask->done(ask, ask->outcome);
}

/* `done` may begin and cancel asks, so the walk begins anew after each that ended. */
static void on_task(struct env_task *task) {
    struct leader_asks *asks = CONTAINER_OF(task, struct leader_asks, task);
    struct leader_ask *ask;
    DL_FOREACH(asks->list, ask) if (ask->state == ASK_WAITING) try_ask(ask);
    do {
        DL_FOREACH(asks->list, ask) if (ask->state == ASK_ENDED) break;
        if (ask != NULL) ask_finish(ask);
    } while (ask != NULL);
}

static void on_retry(void *arg) {
    struct leader_asks *asks = arg;
    on_task(&asks->task);
}

void leader_ask_begin(struct leader_asks *asks, struct leader_ask *ask, uint64_t group,
                      int32_t target, uint32_t timeout_ms) {
    void (*done)(struct leader_ask *, enum leader_ask_outcome) = ask->done;
    *ask = (struct leader_ask){.done = done, .asks = asks, .group = group, .target = target};
    ask->deadline_ms = env_now_ms(asks->env) + timeout_ms;
    if (asks->closing) {
        ask->state = ASK_ENDED;
        ask->outcome = ASK_TIMED_OUT;
    }
    DL_APPEND(asks->list, ask);
    env_defer(asks->env, &asks->task);
}

void leader_ask_cancel(struct leader_ask *ask) {
    struct leader_asks *asks = ask->asks;
    if (asks == NULL) return;
    broker_messages_call_cancel(asks->messages, &ask->call);
    leader_handover_cancel(&ask->handover);
    leader_table_wait_cancel(&ask->wait);
    DL_DELETE(asks->list, ask);
    ask->asks = NULL;
}

/* ---- Life ---- */

struct leader_asks *leader_asks_new(struct env *env, int32_t node, struct leader_table *leaders,
                                    struct leader_transfers *transfers,
                                    struct broker_messages *messages) {
    struct leader_asks *asks = mem_zalloc(sizeof *asks);
    *asks = (struct leader_asks){
        .env = env, .node = node, .leaders = leaders, .transfers = transfers, .messages = messages};
    asks->task.run = on_task;
    asks->retry = env_timer_new(env, on_retry, asks);
    return asks;
}

void leader_asks_free(struct leader_asks *asks) {
    if (asks == NULL) return;
    asks->closing = true;
    while (asks->list != NULL) {
        struct leader_ask *ask = asks->list;
        void (*done)(struct leader_ask *, enum leader_ask_outcome) = ask->done;
        leader_ask_cancel(ask);
        done(ask, ASK_TIMED_OUT);
    }
    env_defer_cancel(asks->env, &asks->task);
    env_timer_free(asks->retry);
    mem_free(asks);
}
