/*
 * Sending and receiving requests, answers and announcements; the calls that wait.
 *
 * Calls wait in one list in the order in which they were made; there are few at a time (metadata
 * changes, one lease renewal).
 */
#include "broker/cluster/broker_messages.h"

#include <inttypes.h>
#include <string.h>

#include "base/check.h"
#include "base/container_of.h"
#include "base/mem.h"
#include "storage/little_endian.h"

#include <utlist.h>

enum { NUMBER_SIZE = 8, TICK_US = 100 * 1000 };

struct broker_messages {
    struct env *env;
    struct log *log;
    struct peers *peers;
    uint64_t next_number;
    struct broker_call *calls;
    struct env_timer *tick;
    struct env_task down_task; /* ends calls to brokers that are not up */
    struct served {
        broker_request_handler *handler;
        void *arg;
    } served[BROKER_REQUESTS];
    struct log_limiter limiter;
};

static void end_call(struct broker_messages *messages, struct broker_call *call, int error,
                     const uint8_t *answer, size_t len) {
    DL_DELETE(messages->calls, call);
    call->waits = false;
    call->done(call, error, answer, len);
}

/* `done` may make and cancel calls, so the walk begins anew after each. */
static void end_late(struct broker_messages *messages) {
    uint64_t now_ms = env_now_ms(messages->env);
    struct broker_call *call;
    for (;;) {
        DL_FOREACH(messages->calls, call) if (call->deadline_ms <= now_ms) break;
        if (call == NULL) return;
        end_call(messages, call, ERR_TIMEOUT, NULL, 0);
    }
}

static void on_tick(void *arg) {
    struct broker_messages *messages = arg;
    end_late(messages);
    if (messages->calls != NULL) env_timer_start(messages->tick, TICK_US);
}

static void on_down_task(struct env_task *task) {
    struct broker_messages *messages = CONTAINER_OF(task, struct broker_messages, down_task);
    struct broker_call *call;
    for (;;) {
        DL_FOREACH(messages->calls, call) if (!peers_is_up(messages->peers, call->node)) break;
        if (call == NULL) return;
        end_call(messages, call, ERR_CONNECTION, NULL, 0);
    }
}

struct broker_messages *broker_messages_new(struct env *env, struct log *log, struct peers *peers) {
    struct broker_messages *messages = mem_zalloc(sizeof *messages);
    messages->env = env;
    messages->log = log;
    messages->peers = peers;
    /* Answers to an earlier life of this broker match nothing. */
    messages->next_number = env_random_u64(env);
    messages->tick = env_timer_new(env, on_tick, messages);
    messages->down_task.run = on_down_task;
    return messages;
}

void broker_messages_free(struct broker_messages *messages) {
    if (messages == NULL) return;
    while (messages->calls != NULL)
        end_call(messages, messages->calls, ERR_CANCELED, NULL, 0);
    env_defer_cancel(messages->env, &messages->down_task);
    env_timer_free(messages->tick);
    mem_free(messages);
}

void broker_messages_call(struct broker_messages *messages, struct broker_call *call, int32_t node,
                          enum broker_request what, struct slice body, uint32_t timeout_ms) {
    CHECK(!call->waits); /* the caller's own state */
    call->number = messages->next_number++;
    call->node = node;
    call->deadline_ms = env_now_ms(messages->env) + timeout_ms;
    call->waits = true;
    if (messages->calls == NULL) env_timer_start(messages->tick, TICK_US);
    DL_APPEND(messages->calls, call);
    if (!peers_is_up(messages->peers, node)) {
        slice_unref(&body);
        env_defer(messages->env, &messages->down_task);
        return;
    }
    uint8_t head[NUMBER_SIZE + 1];
    le_put_u64(head, call->number);
    head[NUMBER_SIZE] = (uint8_t)what;
    struct slice slices[2] = {slice_copy(NULL, head, sizeof head), body};
    peers_send(messages->peers, node, PEER_CONTROL, BROKER_MESSAGE_REQUEST, slices, 2);
}

void broker_messages_call_cancel(struct broker_messages *messages, struct broker_call *call) {
    if (!call->waits) return;
    DL_DELETE(messages->calls, call);
    call->waits = false;
}

void broker_messages_serve(struct broker_messages *messages, enum broker_request what,
                           broker_request_handler *handler, void *arg) {
    CHECK(what < BROKER_REQUESTS); /* a constant; what peers ask for is compared when it comes */
    messages->served[what] = (struct served){handler, arg};
}

void broker_messages_answer(struct broker_messages *messages, struct broker_caller caller,
                            struct slice body) {
    uint8_t head[NUMBER_SIZE];
    le_put_u64(head, caller.number);
    struct slice slices[2] = {slice_copy(NULL, head, sizeof head), body};
    peers_send(messages->peers, caller.node, PEER_CONTROL, BROKER_MESSAGE_ANSWER, slices, 2);
}

void broker_messages_send(struct broker_messages *messages, int32_t node,
                          enum broker_message_kind kind, struct slice payload) {
    peers_send(messages->peers, node, PEER_CONTROL, (uint8_t)kind, &payload, 1);
}

static void received_answer(struct broker_messages *messages, int32_t node,
                            const struct slice *payload) {
    uint64_t number = le_get_u64(payload->data);
    struct broker_call *call;
    DL_FOREACH(messages->calls, call) if (call->number == number && call->node == node) break;
    if (call == NULL) return; /* it ended by time */
    end_call(messages, call, ERR_NONE, payload->data + NUMBER_SIZE, payload->len - NUMBER_SIZE);
}

void broker_messages_receive(struct broker_messages *messages, int32_t node, uint8_t kind,
                             struct slice payload) {
    bool request = kind == BROKER_MESSAGE_REQUEST;
    size_t head = request ? NUMBER_SIZE + 1 : NUMBER_SIZE;
    if (payload.len < head || (request && payload.data[NUMBER_SIZE] >= BROKER_REQUESTS)) {
        log_limited(messages->log, &messages->limiter, LOGGED_MESSAGE_UNKNOWN,
                    "dropped a message of broker %" PRId32 " that this version does not understand",
                    node);
    } else if (request) {
        struct served *served = &messages->served[payload.data[NUMBER_SIZE]];
        struct broker_caller caller = {.node = node, .number = le_get_u64(payload.data)};
        /* Before this broker has a cluster, and while it stops, nobody answers: the caller asks
         * again. */
        if (served->handler != NULL)
            served->handler(served->arg, caller, payload.data + head, payload.len - head);
    } else {
        received_answer(messages, node, &payload);
    }
    slice_unref(&payload);
}

void broker_messages_down(struct broker_messages *messages) {
    env_defer(messages->env, &messages->down_task);
}
