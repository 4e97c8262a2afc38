/* The routes, and who waits for numbers. */
#include "broker/observe/http_port.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "base/check.h"
#include "base/mem.h"
#include "broker/http/http_server.h"
#include "broker/observe/process_numbers.h"
#include "broker/observe/snapshot_text.h"

enum {
    CONNECTIONS_MAX = 28,
    HEAD_MS = 10 * 1000,
    ANSWER_MS = 30 * 1000,
    SILENT_MS = 90 * 1000,
    UNREAD_MAX = 32 << 20,
    BODIES_MAX = 4 * CONSOLE_BODY,
    WAIT_US = 1000 * 1000,       /* for the loop; numbers as old as that are new enough */
    HANGS_US = 30000 * 1000,     /* a loop that has not turned for so long is not alive */
    OLD_US = 5000 * 1000,        /* too old for /health/ready when the loop does not answer */
    PARTITIONS_US = 5000 * 1000, /* for the loop to look at partitions */
    TEXT_US = 250 * 1000,        /* one text is for all who ask within that */
    CODES_MAX = 24,              /* more than there are */
    REASONS_TEXT = 1000,
};

enum route {
    ROUTE_INDEX,
    ROUTE_LIVE,
    ROUTE_READY,
    ROUTE_STOPPABLE,
    ROUTE_CLUSTER,
    ROUTE_METRICS,
    ROUTE_PARTITIONS,
    ROUTE_PAGES, /* of the console */
    ROUTE_API,   /* the same */
    ROUTE_OTHER,
    ROUTES
};
static const char *const paths[ROUTES] = {
    "/health",  "/health/live",        "/health/ready",  "/health/stoppable", "/health/cluster",
    "/metrics", "/metrics/partitions", console_page_tag, console_api_tag,     "other"};
static const char JSON[] = "application/json";

struct http_port {
    struct env *env;
    struct http_port_options options;
    struct http_server *server;
    struct console *console;       /* NULL: it is not served */
    struct http_exchange *waiting; /* for newer numbers; the longest first */
    struct env_timer *timer;
    struct http_exchange *asking; /* for partitions; the first is the one that is looked for */
    uint64_t wish;                /* of it; 0: none */
    struct env_timer *patience;   /* with the loop */
    struct snapshot *snapshot;    /* the newest; NULL: none came so far */
    struct slice text;            /* of /metrics, made at text_us */
    uint64_t text_us;
    int64_t began_ms;
    struct {
        int status;
        uint64_t count;
    } answers[ROUTES][CODES_MAX];
};

/* ---- What there is to say ---- */

static uint64_t stall_us(const struct http_port *port) {
    uint64_t turned_us = handover_turned_us(port->options.handover), now_us = env_now_us(port->env);
    return turned_us == 0 || turned_us > now_us ? 0 : now_us - turned_us;
}

/* UINT64_MAX: there are none. */
static uint64_t age_us(const struct http_port *port) {
    return port->snapshot == NULL ? UINT64_MAX : env_now_us(port->env) - port->snapshot->taken_us;
}

static void add_answers(const struct http_port *port, struct snapshot *own) {
    for (int route = 0; route < ROUTES; route++)
        for (int i = 0; i < CODES_MAX && port->answers[route][i].status != 0; i++) {
            char code[12];
            snprintf(code, sizeof code, "%d", port->answers[route][i].status);
            snapshot_add2(own, METRIC_HTTP_REQUESTS, (double)port->answers[route][i].count,
                          snapshot_text(own, paths[route], strlen(paths[route])),
                          snapshot_text(own, code, strlen(code)));
        }
}

/* The numbers of this thread beside those of the loop. */
static void make_text(struct http_port *port) {
    struct snapshot *own = snapshot_new();
    snapshot_add(own, METRIC_LOOP_STALL, (double)stall_us(port) / 1e6);
    if (port->snapshot != NULL) snapshot_add(own, METRIC_SNAPSHOT_AGE, (double)age_us(port) / 1e6);
    process_numbers(port->env, own, port->began_ms);
    add_answers(port, own);
    if (port->console != NULL)
        snapshot_add(own, METRIC_HTTP_STREAMS, console_streams(port->console));
    slice_unref(&port->text);
    port->text = metrics_text(port->snapshot, own);
    port->text_us = env_now_us(port->env);
    snapshot_unref(own);
}

static void respond_metrics(struct http_port *port, struct http_exchange *exchange) {
    if (port->text.buffer == NULL || env_now_us(port->env) - port->text_us >= TEXT_US)
        make_text(port);
    http_respond(exchange, paths[ROUTE_METRICS], 200, METRICS_CONTENT_TYPE, slice_ref(port->text));
}

static void respond_health(struct http_exchange *exchange, enum route route,
                           const struct health *health) {
    const struct http_request *request = http_exchange_request(exchange);
    char limit[12];
    size_t most = REASONS_TEXT;
    if (http_query_value(request->query, request->query_len, "limit", limit, sizeof limit))
        most = (size_t)strtoul(limit, NULL, 10);
    http_respond(exchange, paths[route], health->ok ? 200 : 503, JSON, health_text(health, most));
}

/* One reason that this thread knows by itself. */
static void respond_unwell(struct http_exchange *exchange, enum route route, const char *code,
                           const char *format, double seconds) {
    struct snapshot *said = snapshot_new();
    char text[160];
    snprintf(text, sizeof text, "the event loop %s for %.0f s", format, seconds);
    snapshot_unwell(said, HEALTH_READY, code, "%s", text);
    respond_health(exchange, route, &said->health[HEALTH_READY]);
    snapshot_unref(said);
}

static void respond_live(struct http_port *port, struct http_exchange *exchange) {
    struct health well = {.ok = true};
    uint64_t stalled_us = stall_us(port);
    if (stalled_us >= HANGS_US)
        respond_unwell(exchange, ROUTE_LIVE, "loop_hangs", "has not turned",
                       (double)stalled_us / 1e6);
    else
        respond_health(exchange, ROUTE_LIVE, &well);
}

static void respond_judged(struct http_port *port, struct http_exchange *exchange,
                           enum route route) {
    static const enum health_kind kinds[ROUTES] = {[ROUTE_READY] = HEALTH_READY,
                                                   [ROUTE_STOPPABLE] = HEALTH_STOPPABLE,
                                                   [ROUTE_CLUSTER] = HEALTH_CLUSTER};
    if (port->snapshot == NULL)
        respond_unwell(exchange, route, "starting", "has said nothing yet, and has not turned",
                       (double)stall_us(port) / 1e6);
    else if (age_us(port) >= OLD_US)
        respond_unwell(exchange, route, "loop_hangs", "has not answered",
                       (double)age_us(port) / 1e6);
    else
        respond_health(exchange, route, &port->snapshot->health[kinds[route]]);
}

static void respond_index(struct http_exchange *exchange) {
    static const char text[] =
        "{\"live\":\"/health/live\",\"ready\":\"/health/ready\",\"stoppable\":\"/health/stoppable\","
        "\"cluster\":\"/health/cluster\",\"note\":\"cluster is for people and alerts, never for a "
        "probe\"}\n";
    http_respond(exchange, paths[ROUTE_INDEX], 200, JSON, slice_copy(NULL, text, sizeof text - 1));
}

/* ---- Partitions, on demand ---- */

static void ask_next(struct http_port *port) {
    char glob[HANDOVER_GLOB];
    if (port->wish != 0 || port->asking == NULL) return;
    const struct http_request *request = http_exchange_request(port->asking);
    http_query_value(request->query, request->query_len, "topic", glob, sizeof glob);
    port->wish = handover_want_partitions(port->options.handover, glob);
    port->options.ask(port->options.arg);
    env_timer_start(port->patience, PARTITIONS_US);
}

/* NULL: the loop gave none. */
static void respond_partitions(struct http_port *port, struct snapshot *snapshot) {
    static const char none[] = "the event loop does not answer; see /health/live\n";
    struct http_exchange *exchange = port->asking;
    port->wish = 0;
    env_timer_stop(port->patience);
    DL_DELETE(port->asking, exchange);
    if (snapshot != NULL)
        http_respond(exchange, paths[ROUTE_PARTITIONS], 200, METRICS_CONTENT_TYPE,
                     metrics_text(snapshot, NULL));
    else
        http_respond(exchange, paths[ROUTE_PARTITIONS], 503, "text/plain; charset=utf-8",
                     slice_copy(NULL, none, sizeof none - 1));
    snapshot_unref(snapshot);
    ask_next(port);
}

static void lost_patience(void *arg) {
    respond_partitions(arg, NULL);
}

static void ask_for_partitions(struct http_port *port, struct http_exchange *exchange) {
    static const char which[] = "say of which topics: /metrics/partitions?topic=orders-*\n";
    const struct http_request *request = http_exchange_request(exchange);
    char glob[HANDOVER_GLOB];
    if (!http_query_value(request->query, request->query_len, "topic", glob, sizeof glob)) {
        http_respond(exchange, paths[ROUTE_PARTITIONS], 400, "text/plain; charset=utf-8",
                     slice_copy(NULL, which, sizeof which - 1));
        return;
    }
    DL_APPEND(port->asking, exchange);
    ask_next(port);
}

/* ---- Requests ---- */

static enum route route_of(const struct http_request *request) {
    enum route route = ROUTE_INDEX;
    while (route < ROUTE_OTHER && (strlen(paths[route]) != request->path_len ||
                                   memcmp(paths[route], request->path, request->path_len) != 0))
        route++;
    return route;
}

static void respond(struct http_port *port, struct http_exchange *exchange) {
    static const char nothing[] = "not found; there are /metrics and /health\n";
    enum route route = route_of(http_exchange_request(exchange));
    switch (route) {
    case ROUTE_INDEX: respond_index(exchange); break;
    case ROUTE_LIVE: respond_live(port, exchange); break;
    case ROUTE_READY:
    case ROUTE_STOPPABLE:
    case ROUTE_CLUSTER: respond_judged(port, exchange, route); break;
    case ROUTE_METRICS: respond_metrics(port, exchange); break;
    default:
        http_respond(exchange, paths[ROUTE_OTHER], 404, "text/plain; charset=utf-8",
                     slice_copy(NULL, nothing, sizeof nothing - 1));
    }
}

static void respond_all(struct http_port *port) {
    while (port->waiting != NULL) {
        struct http_exchange *exchange = port->waiting;
        DL_DELETE(port->waiting, exchange);
        respond(port, exchange);
    }
}

static void waited(void *arg) {
    respond_all(arg);
}

void http_port_arrived(struct http_port *port) {
    struct snapshot *partitions =
        port->wish == 0 ? NULL : handover_take_partitions(port->options.handover, port->wish);
    if (partitions != NULL) respond_partitions(port, partitions);
    struct snapshot *snapshot = handover_take(port->options.handover);
    if (snapshot == NULL) return;
    snapshot_unref(port->snapshot);
    port->snapshot = snapshot;
    slice_unref(&port->text);
    env_timer_stop(port->timer);
    respond_all(port);
}

static void handle(void *arg, struct http_exchange *exchange) {
    struct http_port *port = arg;
    enum route route = route_of(http_exchange_request(exchange));
    exchange->wish = NULL;
    if (port->console != NULL && console_serves(http_exchange_request(exchange))) {
        console_handle(port->console, exchange);
        return;
    }
    if (route == ROUTE_PARTITIONS) {
        ask_for_partitions(port, exchange);
        return;
    }
    bool needs = route == ROUTE_READY || route == ROUTE_STOPPABLE || route == ROUTE_CLUSTER ||
                 route == ROUTE_METRICS;
    if (!needs || age_us(port) < WAIT_US) {
        respond(port, exchange);
        return;
    }
    if (port->waiting == NULL) {
        handover_want(port->options.handover);
        port->options.ask(port->options.arg);
        env_timer_start(port->timer, WAIT_US);
    }
    DL_APPEND(port->waiting, exchange);
}

static int takes(void *arg, const struct http_request *request, const char **text) {
    struct http_port *port = arg;
    return port->console == NULL ? 405 : console_takes(port->console, request, text);
}

static const char *allows(void *arg, const struct http_request *request) {
    const struct http_port *port = arg;
    return port->console == NULL ? "GET, HEAD" : console_allows(port->console, request);
}

static void gone(void *arg, struct http_exchange *exchange) {
    struct http_port *port = arg;
    if (exchange->wish != NULL) {
        console_gone(port->console, exchange);
    } else if (route_of(http_exchange_request(exchange)) != ROUTE_PARTITIONS) {
        DL_DELETE(port->waiting, exchange);
    } else {
        bool first = exchange == port->asking;
        DL_DELETE(port->asking, exchange);
        if (first) {
            port->wish = 0;
            env_timer_stop(port->patience);
        }
        ask_next(port);
    }
}

static void answered(void *arg, const char *tag, int status) {
    struct http_port *port = arg;
    enum route route = ROUTE_INDEX;
    while (route < ROUTE_OTHER && paths[route] != tag)
        route++;
    int at = 0;
    while (port->answers[route][at].status != 0 && port->answers[route][at].status != status)
        CHECK(++at < CODES_MAX);
    port->answers[route][at].status = status;
    port->answers[route][at].count++;
}

/* ---- Life ---- */

int http_port_open(struct env *env, const struct http_port_options *options,
                   struct http_port **result) {
    struct http_port *port = mem_zalloc(sizeof *port);
    port->env = env;
    port->options = *options;
    port->began_ms = env_wall_ms(env);
    struct http_server_options server = {.host = options->host,
                                         .port = options->port,
                                         .connections = CONNECTIONS_MAX,
                                         .head_ms = HEAD_MS,
                                         .answer_ms = ANSWER_MS,
                                         .silent_ms = SILENT_MS,
                                         .unread_bytes = UNREAD_MAX,
                                         .body_bytes = BODIES_MAX,
                                         .takes = takes,
                                         .allows = allows,
                                         .handle = handle,
                                         .gone = gone,
                                         .answered = answered,
                                         .arg = port};
    int error = http_server_open(env, &server, &port->server);
    if (error != ERR_NONE) {
        mem_free(port);
        return error;
    }
    port->timer = env_timer_new(env, waited, port);
    port->patience = env_timer_new(env, lost_patience, port);
    if (options->console != NULL) port->console = console_new(env, options->console);
    *result = port;
    return ERR_NONE;
}

int http_port_number(const struct http_port *port) {
    return http_server_port(port->server);
}

void http_port_close(struct http_port *port) {
    if (port == NULL) return;
    http_server_close(port->server);
    console_free(port->console);
    env_timer_free(port->timer);
    env_timer_free(port->patience);
    snapshot_unref(port->snapshot);
    slice_unref(&port->text);
    mem_free(port);
}
