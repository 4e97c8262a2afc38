/* Calling the step of a request until it is over, its share of the turn is, or its client has gone.
 *
 * Where its bytes came it gets BEGIN_US, enough for most: clients whose requests are much work
 * would else make each turn long before others are read. What is left waits its turn with all such
 * work, and then goes on until that turn is long. */
#include "broker/server/request_steps.h"

#include <stddef.h>

#include "base/check.h"
#include "base/container_of.h"
#include "broker/server/connection_internal.h"
#include "protocol/messages/api_table.h"

enum {
    RESERVE_PART = 2, /* ordinary answers do not wait until this part of the limit is taken beyond
                         it */
    BEGIN_US = 200,
};

void request_steps_charge(struct request *request) {
    size_t taken = request->encoded;
    if (request->arena.used > request->decoded) taken += request->arena.used - request->decoded;
    if (taken <= request->charged_answer) return;
    budget_charge(request->ctx.answers, taken - request->charged_answer);
    request->charged_answer = taken;
}

void request_steps_release(struct request *request) {
    request_steps_stop(request);
    size_t charged = request->charged_answer;
    request->charged_answer = 0;
    budget_release(request->ctx.answers, charged);
}

void request_steps_stop(struct request *request) {
    request->step = NULL;
    env_defer_cancel(request->env, &request->steps);
    budget_wait_cancel(request->ctx.answers, &request->room);
}

/* Also of one that was told of room, as others were. */
static bool must_wait(struct request *request) {
    const struct budget *answers = request->ctx.answers;
    if (request->dead) return false;                /* all that it still does is to give back */
    if (request->charged_answer == 0) return false; /* it has taken nothing yet */
    bool reserve = answers->used < answers->limit + answers->limit / RESERVE_PART;
    if (request->charged_answer <= ANSWER_ORDINARY && reserve) return false;
    if (!budget_spent(answers)) return false;
    /* What is answered behind others that wait is kept until they are answered. */
    return request != request->connection->first || !budget_may_pass(request->ctx.answers, request);
}

/* The request may be gone when it returns. */
static void go_on(struct request *request, uint64_t share_us) {
    struct env *env = request->env;
    uint64_t began_us = env_now_us(env);
    const char *before = env_running(env, kp_api_find(request->api_key)->name);
    bool (*step)(struct request *request) = request->step;
    const struct connection_host *host = request->connection->host;
    bool measured = request_work_begins(request);
    for (;;) {
        if (must_wait(request)) {
            budget_wait(request->ctx.answers, &request->room);
            break;
        }
        request->step = NULL;
        if (!step(request)) break;
        request->step = step;
        request_steps_charge(request);
        if (env_turn_is_long(env) || env_now_us(env) - began_us >= share_us) {
            env_yield(env, &request->steps);
            break;
        }
    }
    if (measured) request_work_ends(host);
    env_running(env, before);
}

static void next_turn(struct env_task *task) {
    go_on(CONTAINER_OF(task, struct request, steps), UINT64_MAX);
}

/* Called from a release somewhere. */
static void there_is_room(struct budget_waiter *waiter) {
    struct request *request = CONTAINER_OF(waiter, struct request, room);
    env_yield(request->env, &request->steps);
}

void request_steps_first(struct request *request) {
    const struct budget *answers = request->ctx.answers;
    if (!request->room.waiting || answers->passer != NULL) return;
    budget_wait_cancel(request->ctx.answers, &request->room);
    there_is_room(&request->room);
}

void request_steps(struct request *request, bool (*step)(struct request *request)) {
    /* Handlers begin one kind of steps at a time, before they end. */
    CHECK(request->step == NULL && !request->ended);
    request->step = step;
    request->steps.run = next_turn;
    request->room.room = there_is_room;
    /* Handlers come here again and again when what they asked for was answered: within one turn,
     * if others do nothing but answer. */
    if (env_turn_is_long(request->env))
        env_yield(request->env, &request->steps);
    else
        go_on(request, BEGIN_US);
}
