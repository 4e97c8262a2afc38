/*
 * /api/tail: what /api/records tells, once a second and whenever there is more, as a stream of
 * events (text/event-stream), from where Last-Event-ID says, or ?at=, or what else /api/records
 * begins with.
 *
 * Happy path: each step is an inquiry as for /api/records, with its memory and its limits; what
 * has records is an event, with the place to go on as its id. Failures: a step that is refused is
 * an event "trouble", and the stream ends; for a browser that does not read no step is made, and
 * one that could not be sent is made once more: nothing is kept for it, and nothing is left out.
 * Invariants: TAILS_MAX streams, of TAIL_US at most, then a browser comes again by itself; a step
 * waits while others ask more.
 */
#include <stdio.h>
#include <string.h>

#include <utlist.h>

#include "base/mem.h"
#include "broker/console/console_internal.h"

enum {
    STEP_US = 1000 * 1000,
    AT_ONCE_US = 10 * 1000, /* there may be more */
    TAKEN_US = 100 * 1000,  /* what was sent last is not taken */
    TAIL_US = 600 * 1000 * 1000,
    QUIET_US = 15 * 1000 * 1000, /* then a comment, so that nobody takes it for dead */
    SPARE = 2,                   /* inquiries that are left for pages */
    ID_MAX = 2048,
};

struct tail {
    struct console *console;
    struct http_exchange *exchange;
    struct env_timer *timer;
    struct inquiry *inquiry; /* under way; NULL: none */
    char *at;                /* NULL: as the query says */
    uint64_t began_us, said_us;
    struct tail *next, *prev; /* the console's */
};

static void forget(struct tail *tail) {
    struct console *console = tail->console;
    DL_DELETE(console->tails, tail);
    console->tail_count--;
    env_timer_free(tail->timer);
    mem_free(tail->at);
    mem_free(tail);
}

static void end(struct tail *tail) {
    struct http_exchange *exchange = tail->exchange;
    exchange->wish = NULL;
    forget(tail);
    http_stream_end(exchange);
}

static bool has_records(struct slice json) {
    static const char none[] = "\"records\":[]";
    return memmem(json.data, json.len, none, sizeof none - 1) == NULL;
}

/* False: it was not taken, and may be said later. */
static bool say(struct tail *tail, const char *kind, const char *id, struct slice json) {
    size_t room = json.len + ID_MAX + 64;
    char *text = mem_alloc(room);
    int len = snprintf(text, room, "event: %s\nid: %.*s\ndata: ", kind, ID_MAX, id);
    size_t body = json.len > 0 && json.data[json.len - 1] == '\n' ? json.len - 1 : json.len;
    memcpy(text + len, json.data, body);
    memcpy(text + len + body, "\n\n", 2);
    bool sent = http_stream_send(tail->exchange,
                                 slice_adopt(NULL, (uint8_t *)text, (size_t)len + body + 2));
    if (sent) tail->said_us = env_now_us(tail->console->asker.env);
    return sent;
}

static void keep_awake(struct tail *tail) {
    static const char comment[] = ": nothing new\n\n";
    if (env_now_us(tail->console->asker.env) - tail->said_us < QUIET_US) return;
    if (http_stream_send(tail->exchange, slice_copy(NULL, comment, sizeof comment - 1)))
        tail->said_us = env_now_us(tail->console->asker.env);
}

static void answered(struct inquiry *inquiry, int status, struct slice json) {
    struct tail *tail = inquiry->owner;
    const char *goes_on = inquiry->goes_on; /* NULL: too little memory, the same once more */
    bool found = status == 200 && goes_on != NULL && has_records(json);
    tail->inquiry = NULL;
    if (status != 200) {
        say(tail, "trouble", tail->at == NULL ? "" : tail->at, json);
        slice_unref(&json);
        end(tail);
        return;
    }
    bool told = !found || say(tail, "records", goes_on, json);
    slice_unref(&json);
    if (told && goes_on != NULL) {
        mem_free(tail->at);
        tail->at = mem_strdup(goes_on);
    }
    keep_awake(tail);
    env_timer_start(tail->timer, found && told ? AT_ONCE_US : STEP_US);
}

static void step(void *arg) {
    struct tail *tail = arg;
    struct asker *asker = &tail->console->asker;
    if (env_now_us(asker->env) - tail->began_us >= TAIL_US)
        end(tail);
    else if (!http_stream_taken(tail->exchange))
        env_timer_start(tail->timer, TAKEN_US);
    else if (asker->inquiry_count + SPARE >= CONSOLE_INQUIRIES)
        env_timer_start(tail->timer, STEP_US);
    else
        tail->inquiry = inquiry_begin_step(asker, tail->exchange, console_records, tail->at,
                                           answered, tail);
}

void console_tail(struct console *console, struct http_exchange *exchange) {
    const struct http_request *request = http_exchange_request(exchange);
    struct tail *tail = mem_zalloc(sizeof *tail);
    const char *id;
    size_t len;
    tail->console = console;
    tail->exchange = exchange;
    tail->timer = env_timer_new(console->asker.env, step, tail);
    tail->began_us = tail->said_us = env_now_us(console->asker.env);
    if (http_request_field(request, "last-event-id", &id, &len) == 1 && len > 0 && len <= ID_MAX)
        tail->at = mem_strndup(id, len);
    exchange->wish = tail;
    DL_APPEND(console->tails, tail);
    console->tail_count++;
    http_stream_begin(exchange, console_api_tag, "text/event-stream", console_api_lines);
    env_timer_start(tail->timer, 0);
}

bool console_tail_gone(struct console *console, void *wish) {
    struct tail *tail;
    DL_FOREACH(console->tails, tail) {
        if (tail != wish) continue;
        if (tail->inquiry != NULL) inquiry_gone(tail->inquiry);
        forget(tail);
        return true;
    }
    return false;
}
