/* Questions about states of appliers, and answers to those of others. */
#include "broker/healing/state_exchange.h"

#include <string.h>

#include "base/check.h"
#include "base/container_of.h"
#include "base/crc32c.h"
#include "base/mem.h"
#include "broker/healing/giving_list.h"
#include "storage/little_endian.h"
#include "storage/segment/prefix_source.h"

enum {
    FORMAT = 1,
    QUESTION_SIZE = 33,
    ANSWER_HEAD_SIZE = 18,
    TIMEOUT_MS = 10 * 1000,
    KEPT_MS = 20 * 1000,
};

/* What one broker asks for. */
struct state_giving {
    struct giving base; /* first: a giving is its state_giving */
    uint64_t group, session;
    log_index index; /* that the state describes */
    log_term term;
    uint32_t at;                  /* of the file, where the question begins */
    bool asked;                   /* it is open */
    struct prefix_source *source; /* of the state alone; NULL: none is held */
    bool ready, reading;
};

struct state_exchange {
    struct env *env;
    struct shard *shard;
    struct broker_messages *messages;
    struct giving_list givings;
};

/* ---- Given ---- */

static struct raft_group *group_of(const struct state_giving *giving) {
    const struct state_exchange *exchange = giving->base.exchange;
    return shard_group(exchange->shard, giving->group);
}

static void end_giving(struct giving *base) {
    struct state_giving *giving = (struct state_giving *)base;
    struct raft_group *group = group_of(giving);
    if (giving->source != NULL && group != NULL)
        partition_log_take_state_back(raft_group_log(group), giving->source);
    else if (giving->source != NULL)
        prefix_source_close(giving->source);
    giving->source = NULL;
    giving->ready = giving->reading = false;
}

static uint32_t total_of(const struct state_giving *giving) {
    return (uint32_t)prefix_source_files(giving->source)->files[0].size_bytes;
}

/* NULL: it is not here. */
static void answer(struct state_giving *giving, const struct slice *bytes) {
    size_t len = bytes != NULL ? bytes->len : 0;
    struct buffer *buffer = buffer_new(NULL, ANSWER_HEAD_SIZE + len);
    buffer->data[0] = FORMAT;
    buffer->data[1] = bytes != NULL;
    le_put_u64(buffer->data + 2, giving->index);
    le_put_u32(buffer->data + 10, giving->term);
    le_put_u32(buffer->data + 14, bytes != NULL ? total_of(giving) : 0);
    if (len > 0) memcpy(buffer->data + ANSWER_HEAD_SIZE, bytes->data, len);
    giving->asked = false;
    const struct state_exchange *exchange = giving->base.exchange;
    broker_messages_answer(exchange->messages, giving->base.caller,
                           slice_of(buffer, 0, ANSWER_HEAD_SIZE + len));
    buffer_unref(buffer);
}

static void give_nothing(struct state_giving *giving) {
    end_giving(&giving->base);
    if (giving->asked) answer(giving, NULL);
}

static void read_piece(struct state_giving *giving) {
    uint32_t total = total_of(giving);
    if (giving->at >= total) {
        give_nothing(giving);
        return;
    }
    uint32_t left = total - giving->at;
    giving->reading = true;
    prefix_source_read(giving->source, 0, giving->at,
                       left < STATE_PIECE_MOST ? left : STATE_PIECE_MOST);
}

static void on_ready(void *arg, int error) {
    struct state_giving *giving = arg;
    giving->ready = !error;
    if (error || prefix_source_files(giving->source)->files[0].size_bytes > UINT32_MAX)
        give_nothing(giving);
    else if (giving->asked)
        read_piece(giving);
}

static void on_piece(void *arg, int error, struct slice bytes) {
    struct state_giving *giving = arg;
    giving->reading = false;
    if (error) {
        give_nothing(giving);
        return;
    }
    if (giving->asked) answer(giving, &bytes);
    slice_unref(&bytes);
}

static void giving_begin(struct state_giving *giving, log_index least) {
    static const struct prefix_source_events events = {on_ready, on_piece};
    struct raft_group *group = group_of(giving);
    end_giving(&giving->base);
    if (group != NULL)
        giving->source = partition_log_give_state(raft_group_log(group), least, &giving->index);
    if (giving->source != NULL)
        giving->term = partition_log_term_at(raft_group_log(group), giving->index);
    if (giving->source == NULL || giving->term == 0)
        give_nothing(giving);
    else
        prefix_source_begin(giving->source, &events, giving);
}

static void on_request(void *arg, struct broker_caller caller, const uint8_t *body, size_t len) {
    struct state_exchange *exchange = arg;
    if (len != QUESTION_SIZE || body[0] != FORMAT) return;
    struct state_giving *giving = (struct state_giving *)giving_list_of(&exchange->givings, caller);
    uint64_t session = le_get_u64(body + 17), at = le_get_u64(body + 25);
    bool begins = session != giving->session;
    giving->asked = true;
    giving->at = at < UINT32_MAX ? (uint32_t)at : UINT32_MAX;
    if (begins) {
        end_giving(&giving->base);
        giving->session = session;
        giving->group = le_get_u64(body + 1);
        giving_begin(giving, le_get_u64(body + 9));
    } else if (giving->source == NULL) {
        give_nothing(giving);
    } else if (giving->ready && !giving->reading) {
        read_piece(giving);
    } /* else the answer to the question before is that to this one */
}

/* ---- Asked for ---- */

static void drop_state(struct state_ask *ask) {
    mem_free(ask->state);
    ask->state = NULL;
    ask->room = 0;
    ask->got = ask->total = ask->crc = 0;
}

static void on_answer(struct broker_call *call, int error, const uint8_t *body, size_t len);

static void ask_now(struct state_ask *ask) {
    struct buffer *buffer = buffer_new(NULL, QUESTION_SIZE);
    buffer->data[0] = FORMAT;
    le_put_u64(buffer->data + 1, ask->group);
    le_put_u64(buffer->data + 9, ask->least);
    le_put_u64(buffer->data + 17, ask->session);
    le_put_u64(buffer->data + 25, ask->got);
    struct slice body = slice_of(buffer, 0, QUESTION_SIZE);
    buffer_unref(buffer);
    ask->call.done = on_answer;
    broker_messages_call(ask->exchange->messages, &ask->call, ask->nodes[ask->at],
                         BROKER_REQUEST_STATE, body, TIMEOUT_MS);
}

static void its_turn(void *arg) {
    ask_now(arg);
}

static void ask_in_turn(struct state_ask *ask) {
    uint64_t now_us = env_now_us(ask->exchange->env),
             most_us = now_us + STATE_WAIT_MS * UINT64_C(1000),
             turn_us = shard_fetch_turn_us(ask->exchange->shard, STATE_PIECE_MOST);
    if (turn_us <= now_us)
        ask_now(ask);
    else
        env_timer_start_at(ask->turn, turn_us < most_us ? turn_us : most_us);
}

static void ask_first(struct state_ask *ask) {
    drop_state(ask);
    ask->session = env_random_u64(ask->exchange->env) | 1;
    ask_in_turn(ask);
}

static void ask_end(struct state_ask *ask) {
    drop_state(ask);
    env_timer_free(ask->turn);
    ask->turn = NULL;
    ask->exchange = NULL;
}

static void ask_over(struct state_ask *ask, int error) {
    struct state_given none = {.node = -1};
    ask_end(ask);
    ask->done(ask, error, &none);
}

static void ask_next(struct state_ask *ask) {
    if (++ask->at < ask->count)
        ask_first(ask);
    else
        ask_over(ask, ERR_NOT_FOUND);
}

/* The first piece: what there is, and whether it can be what is asked for. */
static bool take_head(struct state_ask *ask, const uint8_t *answer, const uint8_t *bytes,
                      size_t len) {
    struct state_head head;
    ask->index = le_get_u64(answer + 2);
    ask->term = le_get_u32(answer + 10);
    ask->total = le_get_u32(answer + 14);
    if (ask->index < ask->least || len < STATE_HEAD_SIZE) return false;
    if (ask->total > STATE_MOST) ask->too_large = ask->total;
    if (ask->total > STATE_MOST) return false;
    memcpy(ask->head, bytes, STATE_HEAD_SIZE);
    if (state_head_decode(ask->head, &head) != ERR_NONE || !head.was_durable ||
        head.group != ask->group || head.index != ask->index ||
        ask->total != STATE_HEAD_SIZE + (uint64_t)head.len ||
        !ask->wants(ask, ask->index, ask->term))
        return false;
    ask->crc = state_head_crc(ask->head);
    ask->got = STATE_HEAD_SIZE;
    return true;
}

/* Its length is only what somebody says. */
static void put(struct state_ask *ask, const uint8_t *bytes, size_t len) {
    size_t at = ask->got - STATE_HEAD_SIZE, most = ask->total - STATE_HEAD_SIZE;
    if (at + len > ask->room) {
        ask->room = 2 * (at + len) < most ? 2 * (at + len) : most;
        ask->state = mem_realloc(ask->state, ask->room);
    }
    memcpy(ask->state + at, bytes, len);
}

static bool take_piece(struct state_ask *ask, const uint8_t *answer, size_t len) {
    if (len <= ANSWER_HEAD_SIZE || len > ANSWER_HEAD_SIZE + STATE_PIECE_MOST ||
        answer[0] != FORMAT || answer[1] != 1)
        return false;
    const uint8_t *bytes = answer + ANSWER_HEAD_SIZE;
    len -= ANSWER_HEAD_SIZE;
    if (ask->got == 0) {
        if (!take_head(ask, answer, bytes, len)) return false;
        bytes += STATE_HEAD_SIZE;
        len -= STATE_HEAD_SIZE;
    }
    if (len > ask->total - ask->got) return false;
    if (len > 0) put(ask, bytes, len);
    ask->crc = crc32c(ask->crc, bytes, len);
    ask->got += (uint32_t)len;
    return true;
}

static bool is_whole(const struct state_ask *ask) {
    struct state_head head;
    return state_head_decode(ask->head, &head) == ERR_NONE && head.crc == ask->crc;
}

static void give_out(struct state_ask *ask) {
    struct state_exchange *exchange = ask->exchange;
    struct state_given given = {
        .index = ask->index,
        .term = ask->term,
        .state = slice_adopt(NULL, ask->state, ask->total - STATE_HEAD_SIZE),
        .node = ask->nodes[ask->at]};
    ask->state = NULL;
    ask_end(ask);
    if (ask->done(ask, ERR_NONE, &given)) return;
    ask->exchange = exchange;
    ask->turn = env_timer_new(exchange->env, its_turn, ask);
    ask_next(ask);
}

static void on_answer(struct broker_call *call, int error, const uint8_t *body, size_t len) {
    struct state_ask *ask = CONTAINER_OF(call, struct state_ask, call);
    if (error == ERR_CANCELED)
        ask_over(ask, ERR_CANCELED);
    else if (error || !take_piece(ask, body, len))
        ask_next(ask);
    else if (ask->got < ask->total)
        ask_in_turn(ask);
    else if (is_whole(ask))
        give_out(ask);
    else
        ask_next(ask);
}

void state_ask_begin(struct state_exchange *exchange, struct state_ask *ask, uint64_t group,
                     log_index least, const int32_t *nodes, size_t count) {
    CHECK(count > 0 && count <= STATE_ASKED_MOST); /* the caller's own array */
    ask->exchange = exchange;
    ask->group = group;
    ask->least = least;
    memcpy(ask->nodes, nodes, count * sizeof *nodes);
    ask->count = count;
    ask->at = 0;
    ask->too_large = 0;
    ask->turn = env_timer_new(exchange->env, its_turn, ask);
    ask_first(ask);
}

void state_ask_cancel(struct state_ask *ask) {
    if (ask->exchange == NULL) return;
    broker_messages_call_cancel(ask->exchange->messages, &ask->call);
    ask_end(ask);
}

/* ---- Life ---- */

struct state_exchange *state_exchange_new(struct env *env, struct shard *shard,
                                          struct broker_messages *messages) {
    struct state_exchange *exchange = mem_zalloc(sizeof *exchange);
    *exchange = (struct state_exchange){.env = env, .shard = shard, .messages = messages};
    exchange->givings = (struct giving_list){.env = env,
                                             .exchange = exchange,
                                             .size = sizeof(struct state_giving),
                                             .kept_ms = KEPT_MS,
                                             .end = end_giving};
    giving_list_open(&exchange->givings);
    broker_messages_serve(messages, BROKER_REQUEST_STATE, on_request, exchange);
    return exchange;
}

void state_exchange_free(struct state_exchange *exchange) {
    if (exchange == NULL) return;
    broker_messages_serve(exchange->messages, BROKER_REQUEST_STATE, NULL, NULL);
    giving_list_close(&exchange->givings);
    mem_free(exchange);
}
