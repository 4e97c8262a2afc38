/* Routes, files, and who may call. */
#include "broker/console/console.h"

#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "broker/console/changes/changes.h"
#include "broker/console/console_internal.h"

enum {
    BAD_REQUEST = 400,
    MISDIRECTED = 421,
    FORBIDDEN = 403,
    NOT_FOUND = 404,
    NOT_ALLOWED = 405,
    TOO_LARGE = 413,
    UNAVAILABLE = 503,
    HOST_ROOM = 256,
};

static const struct route {
    const char *path;
    void (*begin)(struct inquiry *inquiry);
} routes[] = {
    {"/api/overview", console_overview}, {"/api/topics", console_topics},
    {"/api/topic", console_topic},       {"/api/config", console_config},
    {"/api/records", console_records},   {"/api/groups", console_groups},
    {"/api/group", console_group},       {"/api/events", console_events},
    {"/api/clients", console_clients},   {"/api/mode", console_mode},
    {"/api/meta", console_meta},
};

static const char tail_path[] = "/api/tail";

static bool path_is(const struct http_request *request, const char *path) {
    return request->path_len == strlen(path) && memcmp(request->path, path, request->path_len) == 0;
}

static bool begins_with(const struct http_request *request, const char *path) {
    return request->path_len >= strlen(path) && memcmp(request->path, path, strlen(path)) == 0;
}

bool console_serves(const struct http_request *request) {
    return path_is(request, "/") || begins_with(request, console_page_tag) ||
           begins_with(request, console_api_tag);
}

/* ---- Who may call ---- */

/* The host without its port, terminated; false: it is none. */
static bool host_of(const struct http_request *request, char host[HOST_ROOM]) {
    size_t len = request->host_len;
    if (request->host == NULL || len == 0 || len >= HOST_ROOM) return false;
    const char *text = request->host, *end;
    if (text[0] == '[') { /* [::1]:8092 */
        end = memchr(text, ']', len);
        if (end == NULL) return false;
        text++;
    } else {
        end = memchr(text, ':', len);
        if (end == NULL) end = text + len;
    }
    memcpy(host, text, (size_t)(end - text));
    host[end - text] = '\0';
    return true;
}

/* No name that somebody registered can look like one. */
static bool is_address(const char *host) {
    return strchr(host, ':') != NULL ||
           (*host != '\0' && strspn(host, "0123456789.") == strlen(host));
}

static bool is_listed(const char *list, const char *host) {
    size_t len = strlen(host);
    for (const char *at = list; *at != '\0';) {
        size_t piece = strcspn(at, ",");
        const char *name = at + strspn(at, " ");
        size_t name_len = name < at + piece ? (size_t)(at + piece - name) : 0;
        while (name_len > 0 && name[name_len - 1] == ' ')
            name_len--;
        if (name_len == len && strncasecmp(name, host, len) == 0) return len > 0;
        at += piece + (at[piece] == ',');
    }
    return false;
}

/* A page of a stranger may have a name that leads here (DNS rebinding): its browser then says that
 * name. Who names nobody (HTTP/1.0) is no browser. */
static bool may_call(const struct console *console, const struct http_request *request) {
    char host[HOST_ROOM];
    if (request->host == NULL) return true;
    if (!host_of(request, host)) return false;
    return is_address(host) || strcasecmp(host, "localhost") == 0 ||
           is_listed(console->options.hosts, host);
}

/* A page of a stranger cannot read what its reader's browser asks for here, but could have all
 * places taken: browsers say where a request comes from ("none": somebody typed it). */
static bool is_asked_by_stranger(const struct http_request *request) {
    static const char own[] = "same-origin", typed[] = "none";
    const char *value;
    size_t len;
    unsigned lines = http_request_field(request, "sec-fetch-site", &value, &len);
    return lines > 1 || (lines == 1 && !(len == sizeof own - 1 && memcmp(value, own, len) == 0) &&
                         !(len == sizeof typed - 1 && memcmp(value, typed, len) == 0));
}

/* What cannot be decoded would count as not said: a search without its filter. */
static bool query_is_encoded(const struct http_request *request) {
    struct http_pair pair = {.next = request->query};
    enum http_paired paired = HTTP_PAIR;
    while (paired == HTTP_PAIR)
        paired = http_query_next(request->query, request->query_len, &pair);
    return paired == HTTP_PAIRS_END;
}

static const char misdirected[] =
    "the console is not served under this name; call it by an address, or list the name in "
    "console.hosts\n";

int console_takes(struct console *console, const struct http_request *request, const char **text) {
    if (!begins_with(request, console_api_tag)) return NOT_ALLOWED;
    if (!may_call(console, request)) {
        *text = misdirected;
        return MISDIRECTED;
    }
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++)
        if (path_is(request, routes[i].path)) return NOT_ALLOWED;
    if (path_is(request, tail_path)) return NOT_ALLOWED;
    if (*console->options.token == '\0' || change_of(request) == NULL) {
        *text = "there is no such route\n";
        return NOT_FOUND;
    }
    int status = change_guard(request, console->options.token, text);
    if (status == 0 && request->body_len > CONSOLE_BODY) {
        *text = "a change has 3 MiB at most\n";
        return TOO_LARGE;
    }
    return status;
}

static bool is_change(const struct console *console, const struct http_request *request) {
    return *console->options.token != '\0' && change_of(request) != NULL;
}

const char *console_allows(const struct console *console, const struct http_request *request) {
    return request->path != NULL && is_change(console, request) ? "POST" : "GET, HEAD";
}

/* ---- Answers ---- */

static void refuse(struct http_exchange *exchange, const char *tag, int status, const char *text) {
    http_respond_with(exchange, tag, status, "text/plain; charset=utf-8", console_api_lines,
                      slice_copy(NULL, text, strlen(text)));
}

static void respond_file(struct http_exchange *exchange, const struct http_request *request) {
    bool index = path_is(request, "/");
    for (size_t i = 0; i < console_asset_count; i++) {
        const struct console_asset *asset = &console_assets[i];
        if (!path_is(request, asset->path)) continue;
        http_respond_with(exchange, console_page_tag, 200, asset->type,
                          index ? console_index_lines : console_file_lines,
                          (struct slice){NULL, asset->data, asset->len});
        return;
    }
    refuse(exchange, console_page_tag, NOT_FOUND, "the console has no such file; begin at /\n");
}

static void (*route_of(const struct http_request *request))(struct inquiry *) {
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++)
        if (path_is(request, routes[i].path)) return routes[i].begin;
    return NULL;
}

/* What of it is there, so that pages show no button that would be refused. */
void console_mode(struct inquiry *inquiry) {
    json_object(&inquiry->json, NULL);
    json_bool(&inquiry->json, "admin", *console_of(inquiry)->options.token != '\0');
    json_end(&inquiry->json);
    inquiry_respond(inquiry);
}

void console_handle(struct console *console, struct http_exchange *exchange) {
    const struct http_request *request = http_exchange_request(exchange);
    bool api = begins_with(request, console_api_tag);
    const char *tag = api ? console_api_tag : console_page_tag;
    if (!may_call(console, request)) {
        refuse(exchange, tag, MISDIRECTED, misdirected);
        return;
    }
    if (!api) {
        respond_file(exchange, request);
        return;
    }
    if (is_asked_by_stranger(request)) {
        refuse(exchange, tag, FORBIDDEN, "only pages of this console ask here\n");
        return;
    }
    if (!query_is_encoded(request)) {
        refuse(exchange, tag, BAD_REQUEST,
               "what stands behind the ? is not NAME=VALUE&..., percent-encoded, without a zero "
               "byte\n");
        return;
    }
    if (path_is(request, tail_path)) {
        if (request->head_only)
            http_respond_with(exchange, tag, 200, "text/event-stream", console_api_lines,
                              (struct slice){0});
        else if (console->tail_count >= TAILS_MAX)
            refuse(exchange, tag, UNAVAILABLE, "too many follow at once; ask again\n");
        else
            console_tail(console, exchange);
        return;
    }
    void (*route)(struct inquiry *) = request->post ? change_of(request) : route_of(request);
    if (!request->post && is_change(console, request))
        refuse(exchange, tag, NOT_ALLOWED, "a change is a POST\n");
    else if (route == NULL)
        refuse(exchange, tag, NOT_FOUND, "there is no such route; /api/overview is one\n");
    else if (console->asker.inquiry_count >= CONSOLE_INQUIRIES)
        refuse(exchange, tag, UNAVAILABLE, "too much is asked at once; ask again\n");
    else
        inquiry_begin(&console->asker, exchange, route);
}

void console_gone(struct console *console, struct http_exchange *exchange) {
    struct inquiry *inquiry = exchange->wish;
    exchange->wish = NULL;
    if (inquiry != NULL && !console_tail_gone(console, inquiry)) inquiry_gone(inquiry);
}

/* ---- Life ---- */

static void forget_rows(void *arg) {
    struct console *console = arg;
    topic_rows_free(console->rows);
    console->rows = NULL;
}

unsigned console_streams(const struct console *console) {
    return console->tail_count;
}

struct console *console_new(struct env *env, const struct console_options *options) {
    struct console *console = mem_zalloc(sizeof *console);
    console->options = *options;
    console->asker = (struct asker){.env = env,
                                    .log = options->log,
                                    .node = options->node,
                                    .broker_host = options->broker_host,
                                    .broker_port = options->broker_port,
                                    .arg = options->arg,
                                    .tag = console_api_tag,
                                    .lines = console_api_lines,
                                    .upstream = upstream_new(env)};
    console->forget_rows = env_timer_new(env, forget_rows, console);
    return console;
}

/* Behind the server, which has told of each exchange that it is gone. */
void console_free(struct console *console) {
    if (console == NULL) return;
    upstream_free(console->asker.upstream);
    env_timer_free(console->forget_rows);
    topic_rows_free(console->rows);
    mem_free(console);
}
