/* Questions about where logs begin, and answers to those of others. */
#include "broker/healing/place_exchange.h"

#include <string.h>

#include "base/check.h"
#include "base/container_of.h"
#include "base/mem.h"
#include "storage/little_endian.h"
#include "storage/log/partition_log.h"

enum {
    FORMAT = 1,
    QUESTION_SIZE = 9,
    ANSWER_SIZE = 30, /* and the configuration */
    CHANGE_MOST = 64 << 10,
    TIMEOUT_MS = 3000,
};

struct place_exchange {
    struct shard *shard;
    struct broker_messages *messages;
};

/* ---- Asked by others ---- */

static void on_request(void *arg, struct broker_caller caller, const uint8_t *body, size_t len) {
    static const struct start_file nowhere = {0};
    const struct place_exchange *exchange = arg;
    if (len != QUESTION_SIZE || body[0] != FORMAT) return;
    struct raft_group *group = shard_group(exchange->shard, le_get_u64(body + 1));
    const struct start_file *place = group ? partition_log_place(raft_group_log(group)) : &nowhere;
    size_t size = ANSWER_SIZE + place->change.len;
    struct buffer *buffer = buffer_new(NULL, size);
    buffer->data[0] = FORMAT;
    buffer->data[1] = place->index > 0;
    le_put_u64(buffer->data + 2, place->index);
    le_put_u32(buffer->data + 10, place->term);
    le_put_u64(buffer->data + 14, (uint64_t)place->next_offset);
    le_put_u64(buffer->data + 22, place->change_index);
    if (place->change.len > 0)
        memcpy(buffer->data + ANSWER_SIZE, place->change.data, place->change.len);
    broker_messages_answer(exchange->messages, caller, slice_of(buffer, 0, size));
    buffer_unref(buffer);
}

/* ---- Asking ---- */

static void on_answer(struct broker_call *call, int error, const uint8_t *body, size_t len);

static void ask_now(struct place_ask *ask) {
    struct buffer *buffer = buffer_new(NULL, QUESTION_SIZE);
    buffer->data[0] = FORMAT;
    le_put_u64(buffer->data + 1, ask->group);
    struct slice body = slice_of(buffer, 0, QUESTION_SIZE);
    buffer_unref(buffer);
    ask->call.done = on_answer;
    broker_messages_call(ask->exchange->messages, &ask->call, ask->nodes[ask->at],
                         BROKER_REQUEST_PLACE, body, TIMEOUT_MS);
}

static void ask_over(struct place_ask *ask, int error) {
    ask->exchange = NULL;
    ask->done(ask, error, NULL, -1);
}

static void ask_next(struct place_ask *ask) {
    if (++ask->at < ask->count)
        ask_now(ask);
    else
        ask_over(ask, ERR_NOT_FOUND);
}

static bool decode(const uint8_t *body, size_t len, struct start_file *place) {
    if (len < ANSWER_SIZE || len > ANSWER_SIZE + CHANGE_MOST || body[0] != FORMAT || body[1] != 1)
        return false;
    *place = (struct start_file){.index = le_get_u64(body + 2),
                                 .term = le_get_u32(body + 10),
                                 .next_offset = (kafka_offset)le_get_u64(body + 14),
                                 .change_index = le_get_u64(body + 22)};
    bool has_change = len > ANSWER_SIZE;
    if (has_change != (place->change_index > 0)) return false;
    if (has_change) place->change = slice_copy(NULL, body + ANSWER_SIZE, len - ANSWER_SIZE);
    return true;
}

static void on_answer(struct broker_call *call, int error, const uint8_t *body, size_t len) {
    struct place_ask *ask = CONTAINER_OF(call, struct place_ask, call);
    struct place_exchange *exchange = ask->exchange;
    struct start_file place;
    if (error == ERR_CANCELED) {
        ask_over(ask, error);
        return;
    }
    if (!error && decode(body, len, &place)) {
        ask->exchange = NULL;
        if (ask->done(ask, ERR_NONE, &place, ask->nodes[ask->at])) return;
        slice_unref(&place.change);
        ask->exchange = exchange;
    }
    ask_next(ask);
}

void place_ask_begin(struct place_exchange *exchange, struct place_ask *ask, uint64_t group,
                     const int32_t *nodes, size_t count) {
    CHECK(count > 0 && count <= PLACES_ASKED_MOST); /* the caller's own array */
    ask->exchange = exchange;
    ask->group = group;
    memcpy(ask->nodes, nodes, count * sizeof *nodes);
    ask->count = count;
    ask->at = 0;
    ask_now(ask);
}

void place_ask_cancel(struct place_ask *ask) {
    if (ask->exchange == NULL) return;
    broker_messages_call_cancel(ask->exchange->messages, &ask->call);
    ask->exchange = NULL;
}

/* ---- Life ---- */

struct place_exchange *place_exchange_new(struct shard *shard, struct broker_messages *messages) {
    struct place_exchange *exchange = mem_zalloc(sizeof *exchange);
    *exchange = (struct place_exchange){.shard = shard, .messages = messages};
    broker_messages_serve(messages, BROKER_REQUEST_PLACE, on_request, exchange);
    return exchange;
}

void place_exchange_free(struct place_exchange *exchange) {
    if (exchange == NULL) return;
    broker_messages_serve(exchange->messages, BROKER_REQUEST_PLACE, NULL, NULL);
    mem_free(exchange);
}
