/* Questions about entries, and answers to those of others. */
#include "broker/healing/entry_exchange.h"

#include <string.h>

#include "base/check.h"
#include "base/container_of.h"
#include "base/mem.h"
#include "base/mutant.h"
#include "broker/healing/giving_list.h"
#include "storage/little_endian.h"

enum {
    FORMAT = 1,
    QUESTION_SIZE = 25,
    ANSWER_HEAD_SIZE = 6,
    TIMEOUT_MS = 3000,
    KEPT_MS = 10 * 1000,
};

/* What one broker asks for. */
struct entry_giving {
    struct giving base; /* first: a giving is its entry_giving */
    uint64_t group;
    log_index index;
    log_term term;
    uint32_t from;
    struct partition_log_read read;
    bool reading;
    struct entry *entry; /* NULL: not read, or not here */
};

struct entry_exchange {
    struct env *env;
    struct shard *shard;
    struct broker_messages *messages;
    struct giving_list givings;
};

/* ---- Asked by others ---- */

static void answer(struct entry_giving *giving) {
    const struct entry *entry = giving->entry;
    uint32_t total = entry != NULL ? (uint32_t)entry_stored_size(entry) : 0;
    uint32_t left = giving->from < total ? total - giving->from : 0;
    uint32_t len = left < ENTRY_PIECE_MOST ? left : ENTRY_PIECE_MOST;
    struct buffer *buffer = buffer_new(NULL, ANSWER_HEAD_SIZE + len);
    buffer->data[0] = FORMAT;
    buffer->data[1] = len > 0;
    le_put_u32(buffer->data + 2, total);
    for (uint32_t done = 0; done < len;) { /* the header, then the body */
        uint32_t at = giving->from + done, part = len - done;
        const uint8_t *bytes = at < ENTRY_HEADER_SIZE ? entry->header + at
                                                      : entry->body.data + at - ENTRY_HEADER_SIZE;
        if (at < ENTRY_HEADER_SIZE && part > ENTRY_HEADER_SIZE - at) part = ENTRY_HEADER_SIZE - at;
        memcpy(buffer->data + ANSWER_HEAD_SIZE + done, bytes, part);
        done += part;
    }
    if (MUTANT(MUTANT_MENDED_UNCHECKED) && len > ENTRY_HEADER_SIZE)
        buffer->data[ANSWER_HEAD_SIZE + len - 1] ^= 1;
    const struct entry_exchange *exchange = giving->base.exchange;
    broker_messages_answer(exchange->messages, giving->base.caller,
                           slice_of(buffer, 0, ANSWER_HEAD_SIZE + len));
    buffer_unref(buffer);
    if (len == left) { /* the last piece */
        entry_unref(giving->entry);
        giving->entry = NULL;
    }
}

static void on_read(struct partition_log_read *read, int error) {
    struct entry_giving *giving = CONTAINER_OF(read, struct entry_giving, read);
    giving->reading = false;
    if (!error) {
        giving->entry = entry_ref(read->entries[0]);
        partition_log_read_release(read);
    }
    answer(giving);
}

static void begin_giving(struct giving *base) {
    ((struct entry_giving *)base)->read.done = on_read;
}

static void end_giving(struct giving *base) {
    struct entry_giving *giving = (struct entry_giving *)base;
    if (giving->reading) partition_log_read_cancel(&giving->read);
    giving->reading = false;
    entry_unref(giving->entry);
    giving->entry = NULL;
}

/* Only what is known to be committed: of that there is one for each index. */
static struct partition_log *log_with(struct entry_giving *giving) {
    const struct entry_exchange *exchange = giving->base.exchange;
    struct raft_group *group = shard_group(exchange->shard, giving->group);
    if (group == NULL || giving->index > raft_group_commit_index(group)) return NULL;
    struct partition_log *log = raft_group_log(group);
    bool here = giving->index >= partition_log_first_index(log) &&
                giving->index <= partition_log_last_index(log) &&
                (giving->term == 0 || partition_log_term_at(log, giving->index) == giving->term);
    return here ? log : NULL;
}

static void read_entry(struct entry_giving *giving) {
    struct partition_log *log = log_with(giving);
    if (log == NULL)
        answer(giving);
    else if (!partition_log_read(log, giving->index, giving->index, 1, &giving->read))
        giving->reading = true;
}

static void on_request(void *arg, struct broker_caller caller, const uint8_t *body, size_t len) {
    struct entry_exchange *exchange = arg;
    if (len != QUESTION_SIZE || body[0] != FORMAT) return;
    struct entry_giving *giving = (struct entry_giving *)giving_list_of(&exchange->givings, caller);
    uint64_t group = le_get_u64(body + 1), index = le_get_u64(body + 9);
    log_term term = le_get_u32(body + 17);
    bool same = giving->entry != NULL && giving->group == group && giving->index == index &&
                giving->term == term;
    if (!same) end_giving(&giving->base);
    giving->group = group;
    giving->index = index;
    giving->term = term;
    giving->from = le_get_u32(body + 21);
    if (same)
        answer(giving);
    else
        read_entry(giving);
}

/* ---- Asking ---- */

static void drop_body(struct entry_ask *ask) {
    buffer_unref(ask->body);
    ask->body = NULL;
    ask->got = ask->total = 0;
}

static void ask_next(struct entry_ask *ask);

static void end_ask(struct entry_ask *ask, int error, struct entry *entry) {
    int32_t node = error == ERR_NONE ? ask->nodes[ask->at] : -1;
    struct entry_exchange *exchange = ask->exchange;
    drop_body(ask);
    ask->exchange = NULL;
    bool over = ask->done(ask, error, entry, node);
    if (over || error != ERR_NONE) return;
    ask->exchange = exchange;
    ask_next(ask);
}

static void ask_now(struct entry_ask *ask) {
    struct buffer *buffer = buffer_new(NULL, QUESTION_SIZE);
    buffer->data[0] = FORMAT;
    le_put_u64(buffer->data + 1, ask->group);
    le_put_u64(buffer->data + 9, ask->index);
    le_put_u32(buffer->data + 17, ask->term);
    le_put_u32(buffer->data + 21, ask->got);
    struct slice body = slice_of(buffer, 0, QUESTION_SIZE);
    buffer_unref(buffer);
    broker_messages_call(ask->exchange->messages, &ask->call, ask->nodes[ask->at],
                         BROKER_REQUEST_ENTRY, body, TIMEOUT_MS);
}

static void ask_next(struct entry_ask *ask) {
    drop_body(ask);
    ask->at++;
    if (ask->at < ask->count)
        ask_now(ask);
    else
        end_ask(ask, ERR_NOT_FOUND, NULL);
}

/* The piece that was asked for, and of an entry that can be. */
static bool take_piece(struct entry_ask *ask, const uint8_t *answer, size_t len) {
    if (len <= ANSWER_HEAD_SIZE || len > ANSWER_HEAD_SIZE + ENTRY_PIECE_MOST ||
        answer[0] != FORMAT || answer[1] == 0)
        return false;
    uint32_t total = le_get_u32(answer + 2);
    const uint8_t *bytes = answer + ANSWER_HEAD_SIZE;
    len -= ANSWER_HEAD_SIZE;
    bool first = ask->got == 0;
    if (first && (total < ENTRY_HEADER_SIZE || total > ENTRY_HEADER_SIZE + ENTRY_BODY_MAX ||
                  len < ENTRY_HEADER_SIZE))
        return false;
    if (!first && total != ask->total) return false;
    if (len > total - ask->got) return false;
    if (first) {
        ask->total = total;
        ask->body = buffer_new(NULL, total - ENTRY_HEADER_SIZE);
        memcpy(ask->header, bytes, ENTRY_HEADER_SIZE);
        bytes += ENTRY_HEADER_SIZE;
        len -= ENTRY_HEADER_SIZE;
        ask->got = ENTRY_HEADER_SIZE;
    }
    if (len > 0) memcpy(ask->body->data + (ask->got - ENTRY_HEADER_SIZE), bytes, len);
    ask->got += (uint32_t)len;
    return true;
}

static struct entry *put_together(struct entry_ask *ask) {
    struct entry *entry;
    struct slice body = slice_of(ask->body, 0, ask->total - ENTRY_HEADER_SIZE);
    int error = MUTANT(MUTANT_MENDED_UNCHECKED)
                    ? entry_from_checked_bytes(ask->header, body, &entry)
                    : entry_from_bytes(ask->header, body, &entry);
    bool ours = !error && entry->group == ask->group && entry->index == ask->index &&
                (ask->term == 0 || entry->term == ask->term);
    if (error) slice_unref(&body);
    if (!error && !ours) entry_unref(entry);
    return ours ? entry : NULL;
}

static void on_answer(struct broker_call *call, int error, const uint8_t *body, size_t len) {
    struct entry_ask *ask = CONTAINER_OF(call, struct entry_ask, call);
    if (error == ERR_CANCELED) {
        end_ask(ask, ERR_CANCELED, NULL);
        return;
    }
    if (error || !take_piece(ask, body, len)) {
        ask_next(ask);
        return;
    }
    if (ask->got < ask->total) {
        ask_now(ask);
        return;
    }
    struct entry *entry = put_together(ask);
    if (entry != NULL)
        end_ask(ask, ERR_NONE, entry);
    else
        ask_next(ask);
}

void entry_ask_begin(struct entry_exchange *exchange, struct entry_ask *ask, uint64_t group,
                     log_index index, log_term term, const int32_t *nodes, size_t count) {
    CHECK(count > 0 && count <= ENTRY_ASKED_MOST); /* the caller's own array */
    ask->exchange = exchange;
    ask->call.done = on_answer;
    ask->group = group;
    ask->index = index;
    ask->term = term;
    memcpy(ask->nodes, nodes, count * sizeof *nodes);
    ask->count = count;
    ask->at = 0;
    drop_body(ask);
    ask_now(ask);
}

void entry_ask_cancel(struct entry_ask *ask) {
    if (ask->exchange == NULL) return;
    broker_messages_call_cancel(ask->exchange->messages, &ask->call);
    drop_body(ask);
    ask->exchange = NULL;
}

/* ---- Life ---- */

struct entry_exchange *entry_exchange_new(struct env *env, struct shard *shard,
                                          struct broker_messages *messages) {
    struct entry_exchange *exchange = mem_zalloc(sizeof *exchange);
    *exchange = (struct entry_exchange){.env = env, .shard = shard, .messages = messages};
    exchange->givings = (struct giving_list){.env = env,
                                             .exchange = exchange,
                                             .size = sizeof(struct entry_giving),
                                             .kept_ms = KEPT_MS,
                                             .begin = begin_giving,
                                             .end = end_giving};
    giving_list_open(&exchange->givings);
    broker_messages_serve(messages, BROKER_REQUEST_ENTRY, on_request, exchange);
    return exchange;
}

void entry_exchange_free(struct entry_exchange *exchange) {
    if (exchange == NULL) return;
    broker_messages_serve(exchange->messages, BROKER_REQUEST_ENTRY, NULL, NULL);
    giving_list_close(&exchange->givings);
    mem_free(exchange);
}
