/* Questions for one more entry, and answers to those of others. */
#include "broker/healing/further_exchange.h"

#include "base/container_of.h"
#include "base/mem.h"
#include "storage/little_endian.h"

enum { FORMAT = 1, QUESTION_SIZE = 17, ANSWER_SIZE = 2, TIMEOUT_MS = 3000 };

struct further_exchange {
    struct shard *shard;
    struct broker_messages *messages;
};

/* ---- Asked by others ---- */

static void on_request(void *arg, struct broker_caller caller, const uint8_t *body, size_t len) {
    const struct further_exchange *exchange = arg;
    if (len != QUESTION_SIZE || body[0] != FORMAT) return;
    struct raft_group *group = shard_group(exchange->shard, le_get_u64(body + 1));
    struct buffer *buffer = buffer_new(NULL, ANSWER_SIZE);
    buffer->data[0] = FORMAT;
    buffer->data[1] = group != NULL && raft_group_go_on(group, le_get_u64(body + 9)) == ERR_NONE;
    broker_messages_answer(exchange->messages, caller, slice_of(buffer, 0, ANSWER_SIZE));
    buffer_unref(buffer);
}

/* ---- Asking ---- */

static void on_answer(struct broker_call *call, int error, const uint8_t *body, size_t len) {
    struct further_ask *ask = CONTAINER_OF(call, struct further_ask, call);
    ask->exchange = NULL;
    ask->done(ask, !error && len == ANSWER_SIZE && body[0] == FORMAT && body[1] == 1);
}

void further_ask_begin(struct further_exchange *exchange, struct further_ask *ask, int32_t node,
                       uint64_t group, log_index last) {
    struct buffer *buffer = buffer_new(NULL, QUESTION_SIZE);
    buffer->data[0] = FORMAT;
    le_put_u64(buffer->data + 1, group);
    le_put_u64(buffer->data + 9, last);
    struct slice body = slice_of(buffer, 0, QUESTION_SIZE);
    buffer_unref(buffer);
    ask->exchange = exchange;
    ask->call.done = on_answer;
    broker_messages_call(exchange->messages, &ask->call, node, BROKER_REQUEST_FURTHER, body,
                         TIMEOUT_MS);
}

void further_ask_cancel(struct further_ask *ask) {
    if (ask->exchange == NULL) return;
    broker_messages_call_cancel(ask->exchange->messages, &ask->call);
    ask->exchange = NULL;
}

/* ---- Life ---- */

struct further_exchange *further_exchange_new(struct shard *shard,
                                              struct broker_messages *messages) {
    struct further_exchange *exchange = mem_zalloc(sizeof *exchange);
    *exchange = (struct further_exchange){.shard = shard, .messages = messages};
    broker_messages_serve(messages, BROKER_REQUEST_FURTHER, on_request, exchange);
    return exchange;
}

void further_exchange_free(struct further_exchange *exchange) {
    if (exchange == NULL) return;
    broker_messages_serve(exchange->messages, BROKER_REQUEST_FURTHER, NULL, NULL);
    mem_free(exchange);
}
