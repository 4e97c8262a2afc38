/* Ranges that are given, and asked for. */
#include "broker/healing/range_exchange.h"

#include <string.h>

#include "base/container_of.h"
#include "base/mem.h"
#include "broker/healing/giving_list.h"
#include "storage/heal/range_source.h"
#include "storage/little_endian.h"

enum {
    FORMAT = 1,
    QUESTION_SIZE = 41,
    ANSWER_HEAD_SIZE = 2,
    NOTHING = 0,
    MORE = 1,
    LAST = 2,
    TIMEOUT_MS = 10 * 1000,
    KEPT_MS = 20 * 1000,
    ENTRIES_AT_ONCE = 256,
    STEP_BYTES = 256 << 10,
    LATER_US = 100 * 1000,
    PATIENCE = 4096, /* answers without a byte: each passes over much, or waits a moment */
};

/* What one broker is given. */
struct range_giving {
    struct giving base;          /* first: a giving is its range_giving */
    uint64_t group, session, at; /* `at`: of the stream, where `bytes` begins */
    log_index first, last;
    struct range_source *source; /* NULL: not yet, or no more */
    bool begun, asked, reading, ended;
    uint8_t *bytes;
    size_t len, room, sent; /* `sent`: of them, in the last answer */
    struct env_timer *later;
};

struct range_exchange {
    struct env *env;
    struct shard *shard;
    struct broker_messages *messages;
    struct giving_list givings;
};

/* ---- Given ---- */

static struct partition_log *log_of(const struct range_giving *giving) {
    const struct range_exchange *exchange = giving->base.exchange;
    struct raft_group *group = shard_group(exchange->shard, giving->group);
    if (group == NULL || giving->last > raft_group_commit_index(group)) return NULL;
    return raft_group_log(group);
}

static void drop_source(struct range_giving *giving) {
    struct partition_log *log = log_of(giving);
    if (giving->source == NULL) return;
    if (log != NULL && !giving->reading)
        partition_log_take_range_back(log, giving->source);
    else
        range_source_free(giving->source);
    giving->source = NULL;
    giving->reading = false;
}

static void giving_reset(struct range_giving *giving) {
    drop_source(giving);
    env_timer_stop(giving->later);
    giving->begun = giving->asked = giving->ended = false;
    giving->at = 0;
    giving->len = giving->sent = 0;
}

static void end_giving(struct giving *base) {
    struct range_giving *giving = (struct range_giving *)base;
    giving_reset(giving);
    env_timer_free(giving->later);
    mem_free(giving->bytes);
}

static void answer(struct range_giving *giving, uint8_t what, size_t len) {
    struct buffer *buffer = buffer_new(NULL, ANSWER_HEAD_SIZE + len);
    buffer->data[0] = FORMAT;
    buffer->data[1] = what;
    if (len > 0) memcpy(buffer->data + ANSWER_HEAD_SIZE, giving->bytes, len);
    giving->sent = len;
    giving->asked = false;
    const struct range_exchange *exchange = giving->base.exchange;
    broker_messages_answer(exchange->messages, giving->base.caller,
                           slice_of(buffer, 0, ANSWER_HEAD_SIZE + len));
    buffer_unref(buffer);
}

static void answer_with_bytes(struct range_giving *giving) {
    size_t len = giving->len < RANGE_PIECE_MOST ? giving->len : RANGE_PIECE_MOST;
    answer(giving, giving->ended && len == giving->len ? LAST : MORE, len);
}

static void add_bytes(struct range_giving *giving, const struct entry *entry) {
    size_t size = (size_t)entry_stored_size(entry);
    if (giving->len + size > giving->room) {
        giving->room = giving->len + size;
        giving->bytes = mem_realloc(giving->bytes, giving->room);
    }
    memcpy(giving->bytes + giving->len, entry->header, ENTRY_HEADER_SIZE);
    if (entry->body.len > 0)
        memcpy(giving->bytes + giving->len + ENTRY_HEADER_SIZE, entry->body.data, entry->body.len);
    giving->len += size;
}

static void on_read(void *arg, int error, struct entry *const *entries, size_t count) {
    struct range_giving *giving = arg;
    giving->reading = false;
    for (size_t i = 0; i < count; i++)
        add_bytes(giving, entries[i]);
    if (error != ERR_NONE && error != ERR_EOF) {
        giving_reset(giving);
        answer(giving, NOTHING, 0);
        return;
    }
    giving->ended = error == ERR_EOF;
    if (giving->asked) answer_with_bytes(giving);
}

static void begin(void *arg) {
    struct range_giving *giving = arg;
    bool later = false;
    struct partition_log *log = log_of(giving);
    if (log != NULL)
        giving->source = partition_log_give_range(log, giving->first, giving->last, &later);
    if (later) {
        env_timer_start(giving->later, LATER_US);
        return;
    }
    giving->begun = giving->source != NULL;
    if (!giving->begun) {
        answer(giving, NOTHING, 0);
        return;
    }
    giving->reading = true;
    range_source_next(giving->source, STEP_BYTES, on_read, giving);
}

static void go_on(struct range_giving *giving) {
    bool enough = giving->len >= RANGE_PIECE_MOST || giving->ended;
    if (!giving->begun) {
        begin(giving);
    } else if (enough) {
        answer_with_bytes(giving);
    } else if (!giving->reading) {
        giving->reading = true;
        range_source_next(giving->source, STEP_BYTES, on_read, giving);
    }
}

static void begin_giving(struct giving *base) {
    struct range_giving *giving = (struct range_giving *)base;
    const struct range_exchange *exchange = base->exchange;
    giving->later = env_timer_new(exchange->env, begin, giving);
}

/* What was sent has come; or the question comes again, because the answer was lost. False: neither,
 * so that whoever asks begins anew. */
static bool moves_to(struct range_giving *giving, uint64_t at) {
    if (at == giving->at) return true;
    if (at != giving->at + giving->sent) return false;
    giving->len -= giving->sent;
    memmove(giving->bytes, giving->bytes + giving->sent, giving->len);
    giving->at = at;
    giving->sent = 0;
    return true;
}

static void on_request(void *arg, struct broker_caller caller, const uint8_t *body, size_t len) {
    struct range_exchange *exchange = arg;
    if (len != QUESTION_SIZE || body[0] != FORMAT) return;
    struct range_giving *giving = (struct range_giving *)giving_list_of(&exchange->givings, caller);
    uint64_t session = le_get_u64(body + 25), at = le_get_u64(body + 33);
    if (session != giving->session) {
        giving_reset(giving);
        giving->session = session;
        giving->group = le_get_u64(body + 1);
        giving->first = le_get_u64(body + 9);
        giving->last = le_get_u64(body + 17);
    }
    giving->asked = true;
    if ((giving->begun || at == 0) && moves_to(giving, at))
        go_on(giving);
    else
        answer(giving, NOTHING, 0);
}

/* ---- Asked for ---- */

static void on_answer(struct broker_call *call, int error, const uint8_t *body, size_t len);

static void ask_now(struct range_ask *ask) {
    struct buffer *buffer = buffer_new(NULL, QUESTION_SIZE);
    buffer->data[0] = FORMAT;
    le_put_u64(buffer->data + 1, ask->group);
    le_put_u64(buffer->data + 9, ask->first);
    le_put_u64(buffer->data + 17, ask->last);
    le_put_u64(buffer->data + 25, ask->session);
    le_put_u64(buffer->data + 33, ask->at);
    struct slice body = slice_of(buffer, 0, QUESTION_SIZE);
    buffer_unref(buffer);
    ask->call.done = on_answer;
    broker_messages_call(ask->exchange->messages, &ask->call, ask->node, BROKER_REQUEST_RANGE, body,
                         TIMEOUT_MS);
}

static void ask_end(struct range_ask *ask) {
    ask->exchange = NULL;
    mem_free(ask->bytes);
    ask->bytes = NULL;
    ask->len = ask->room = 0;
}

static void ask_failed(struct range_ask *ask) {
    ask_end(ask);
    ask->failed(ask);
}

static bool take_bytes(struct range_ask *ask, const uint8_t *bytes, size_t len) {
    if (len == 0) return ask->patience-- > 0;
    ask->patience = PATIENCE;
    if (ask->len + len > (size_t)ENTRY_HEADER_SIZE + ENTRY_BODY_MAX + RANGE_PIECE_MOST)
        return false;
    if (ask->len + len > ask->room) {
        ask->room = 2 * (ask->len + len);
        ask->bytes = mem_realloc(ask->bytes, ask->room);
    }
    memcpy(ask->bytes + ask->len, bytes, len);
    ask->len += len;
    ask->at += len;
    return true;
}

/* The entry that begins there, if all of it has come. ERR_AGAIN: not yet. */
static int entry_at(const struct range_ask *ask, size_t at, struct entry **entry) {
    struct entry header;
    uint32_t body_len;
    size_t left = ask->len - at;
    if (left < ENTRY_HEADER_SIZE) return ERR_AGAIN;
    int error = entry_decode_header(ask->bytes + at, &header, &body_len);
    if (error) return error;
    if (left - ENTRY_HEADER_SIZE < body_len) return ERR_AGAIN;
    struct slice body = slice_copy(NULL, ask->bytes + at + ENTRY_HEADER_SIZE, body_len);
    error = entry_from_bytes(ask->bytes + at, body, entry);
    if (error) slice_unref(&body);
    return error;
}

static void give_out(struct range_ask *ask, bool last) {
    struct entry *entries[ENTRIES_AT_ONCE];
    size_t count = 0, at = 0;
    int error = ERR_NONE;
    while (!error && count < ENTRIES_AT_ONCE) {
        error = entry_at(ask, at, &entries[count]);
        if (!error) at += (size_t)entry_stored_size(entries[count++]);
    }
    ask->len -= at;
    if (at > 0) memmove(ask->bytes, ask->bytes + at, ask->len);
    bool cut = last && error == ERR_AGAIN && ask->len > 0;
    if ((error && error != ERR_AGAIN) || cut)
        ask_failed(ask);
    else if (count == 0 && !last)
        ask_now(ask);
    else {
        bool through = last && ask->len == 0;
        if (through) ask_end(ask);
        ask->came(ask, entries, count, through);
    }
    for (size_t i = 0; i < count; i++)
        entry_unref(entries[i]);
}

static void on_answer(struct broker_call *call, int error, const uint8_t *body, size_t len) {
    struct range_ask *ask = CONTAINER_OF(call, struct range_ask, call);
    bool sound = !error && len >= ANSWER_HEAD_SIZE && len <= ANSWER_HEAD_SIZE + RANGE_PIECE_MOST &&
                 body[0] == FORMAT && (body[1] == MORE || body[1] == LAST);
    if (error == ERR_CANCELED) {
        ask_end(ask);
        return;
    }
    bool last = sound && body[1] == LAST;
    if (!sound || (!take_bytes(ask, body + ANSWER_HEAD_SIZE, len - ANSWER_HEAD_SIZE) && !last))
        ask_failed(ask);
    else
        give_out(ask, last);
}

void range_ask_begin(struct range_exchange *exchange, struct range_ask *ask, int32_t node,
                     uint64_t group, log_index first, log_index last) {
    ask_end(ask);
    ask->exchange = exchange;
    ask->node = node;
    ask->group = group;
    ask->first = first;
    ask->last = last;
    ask->session = env_random_u64(exchange->env) | 1;
    ask->at = 0;
    ask->patience = PATIENCE;
    ask_now(ask);
}

void range_ask_more(struct range_ask *ask) {
    ask_now(ask);
}

void range_ask_cancel(struct range_ask *ask) {
    if (ask->exchange == NULL) return;
    broker_messages_call_cancel(ask->exchange->messages, &ask->call);
    ask_end(ask);
}

/* ---- Life ---- */

struct range_exchange *range_exchange_new(struct env *env, struct shard *shard,
                                          struct broker_messages *messages) {
    struct range_exchange *exchange = mem_zalloc(sizeof *exchange);
    *exchange = (struct range_exchange){.env = env, .shard = shard, .messages = messages};
    exchange->givings = (struct giving_list){.env = env,
                                             .exchange = exchange,
                                             .size = sizeof(struct range_giving),
                                             .kept_ms = KEPT_MS,
                                             .begin = begin_giving,
                                             .end = end_giving};
    giving_list_open(&exchange->givings);
    broker_messages_serve(messages, BROKER_REQUEST_RANGE, on_request, exchange);
    return exchange;
}

void range_exchange_free(struct range_exchange *exchange) {
    if (exchange == NULL) return;
    broker_messages_serve(exchange->messages, BROKER_REQUEST_RANGE, NULL, NULL);
    giving_list_close(&exchange->givings);
    mem_free(exchange);
}
