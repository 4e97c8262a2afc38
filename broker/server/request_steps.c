/* Calling the step of a request until it is over, its share of the turn is, or its client has gone.
 *
 * Most are little work: a request is served with all that waits to be begun, in slices, until it
 * has had LITTLE_US. What is left then is much, and waits in a line of its own, of which one goes
 * on when its turn comes among all that: however many clients ask for much, one that asks for
 * little waits for no more than a slice of each. */
#include "broker/server/request_steps.h"

#include <stddef.h>

#include <utlist.h>

#include "base/check.h"
#include "base/container_of.h"
#include "broker/server/connection_internal.h"
#include "protocol/messages/api_table.h"

enum {
    RESERVE_PART = 2, /* ordinary answers do not wait until this part of the limit is taken beyond
                         it */
    SLICE_US = 50,
    LITTLE_US = 200,
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

static void leave_line(struct request *request) {
    if (!request->is_much) return;
    request->is_much = false;
    DL_DELETE2(request->connection->host->much->first, request, much_prev, much_next);
}

void request_steps_stop(struct request *request) {
    request->step = NULL;
    env_defer_cancel(request->env, &request->steps);
    leave_line(request);
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

static bool is_little(const struct request *request) {
    return request->spent_us < LITTLE_US;
}

static void join_line(struct request *request) {
    struct much_work *much = request->connection->host->much;
    if (request->is_much) return;
    request->is_much = true;
    DL_APPEND2(much->first, request, much_prev, much_next);
    env_yield(much->env, &much->goes_on);
}

static void wait_its_turn(struct request *request) {
    if (is_little(request))
        env_yield(request->env, &request->steps);
    else
        join_line(request);
}

/* Until the turn is long, or a slice is over. The request may be gone when it returns. */
static void go_on(struct request *request, bool a_slice) {
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
        uint64_t took_us = env_now_us(env) - began_us;
        if (env_turn_is_long(env) || (a_slice && took_us >= SLICE_US)) {
            request->spent_us += took_us;
            wait_its_turn(request);
            break;
        }
    }
    if (measured) request_work_ends(host);
    env_running(env, before);
}

static void next_turn(struct env_task *task) {
    go_on(CONTAINER_OF(task, struct request, steps), true);
}

/* Each until the turn is long, or it waits for something else. */
static void much_goes_on(struct env_task *task) {
    struct much_work *much = CONTAINER_OF(task, struct much_work, goes_on);
    do {
        struct request *request = much->first;
        if (request == NULL) return;
        leave_line(request);
        go_on(request, false);
    } while (!env_turn_is_long(much->env));
    if (much->first != NULL) env_yield(much->env, &much->goes_on);
}

void much_work_open(struct much_work *much, struct env *env) {
    *much = (struct much_work){.env = env, .goes_on.run = much_goes_on};
}

void much_work_close(struct much_work *much) {
    CHECK(much->first == NULL);
    env_defer_cancel(much->env, &much->goes_on);
}

/* Called from a release somewhere. */
static void there_is_room(struct budget_waiter *waiter) {
    struct request *request = CONTAINER_OF(waiter, struct request, room);
    wait_its_turn(request);
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
        wait_its_turn(request);
    else
        go_on(request, true);
}
