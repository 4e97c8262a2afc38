/* Connecting to brokers in turn, negotiating versions, one request and its answer at a time, tried
 * again elsewhere. */
#include "client/kafka/admin_client.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "client/kafka/bootstrap.h"
#include "client/line/command.h"
#include "client/line/talk.h"
#include "protocol/messages/api_versions.h"
#include "protocol/messages/frame.h"

enum {
    CONNECTIONS_MAX = 16,
    ANSWER_MAX = 256 << 20,
    REQUEST_MAX = 16 << 20,
    AGAIN_MS = 50,
    REFUSED_MS = 2000
};

struct admin_connection {
    char address[300]; /* host:port */
    int fd;
    struct {
        int16_t key, from, to;
    } *ranges; /* what the broker serves */
    int range_count;
};

struct admin_client {
    char *bootstrap;
    uint64_t deadline_ms;
    uint64_t refused_ms; /* from then on it is over when each address refuses to be connected; 0:
                            not before the deadline */
    bool quiet;          /* one try, no words */
    unsigned sent;       /* how often the last request has left, whole or in part */
    struct patience patience;
    int32_t correlation;
    struct admin_connection connections[CONNECTIONS_MAX];
    int connection_count;
};

struct admin_client *admin_client_new(const char *bootstrap, uint64_t timeout_ms) {
    bootstrap_check(bootstrap);
    struct admin_client *admin = mem_zalloc(sizeof(*admin));
    admin->bootstrap = mem_strdup(bootstrap);
    admin->deadline_ms = now_ms() + timeout_ms;
    patience_begin(&admin->patience);
    return admin;
}

struct admin_client *admin_client_for(const struct invocation *in) {
    struct admin_client *admin = admin_client_new(in->bootstrap, in->timeout_ms);
    admin->refused_ms = in->timeout_given ? 0 : now_ms() + REFUSED_MS;
    return admin;
}

struct admin_client *admin_client_new_quiet(const char *bootstrap, uint64_t timeout_ms) {
    struct admin_client *admin = admin_client_new(bootstrap, timeout_ms);
    admin->quiet = true;
    return admin;
}

bool admin_client_repeated(const struct admin_client *admin) {
    return admin->sent > 1;
}

static void drop_connection(struct admin_client *admin, struct admin_connection *connection) {
    close(connection->fd);
    mem_free(connection->ranges);
    *connection = admin->connections[--admin->connection_count];
}

void admin_client_free(struct admin_client *admin) {
    while (admin->connection_count > 0) {
        drop_connection(admin, &admin->connections[0]);
    }
    mem_free(admin->bootstrap);
    mem_free(admin);
}

uint64_t admin_client_left_ms(const struct admin_client *admin) {
    uint64_t now = now_ms();
    return now < admin->deadline_ms ? admin->deadline_ms - now : 0;
}

static const char answered[] = "answered";

int32_t admin_client_answer_ms(const struct admin_client *admin) {
    enum { WAY_MS = 500 };
    uint64_t left = admin_client_left_ms(admin), way = left / 4 < WAY_MS ? left / 4 : WAY_MS;
    return left - way > INT32_MAX ? INT32_MAX : (int32_t)(left - way);
}

/* Waits until the socket is ready; says what for after a while. */
static int wait_for(struct admin_client *admin, int fd, short events, const char *address,
                    const char *what, struct error_text *why) {
    for (;;) {
        uint64_t left = admin_client_left_ms(admin);
        if (left == 0) {
            const char *reason = strcmp(what, answered) == 0
                                     ? " (it still starts, or most of its cluster is missing)"
                                     : "";
            return error_set(why, ERR_TIMEOUT, "%s has not %s in time%s", address, what, reason);
        }
        struct pollfd wait = {.fd = fd, .events = events};
        int n = poll(&wait, 1, left < 200 ? (int)left : 200);
        if (n > 0) {
            return ERR_NONE;
        }
        if (n < 0 && errno != EINTR) {
            return error_set(why, ERR_SYSTEM, "%s: %s", address,
                             error_phrase(error_from_errno(errno)));
        }
        if (!admin->quiet) {
            patience_say(&admin->patience, "%s, which has not %s yet", address, what);
        }
    }
}

static int send_all(struct admin_client *admin, struct admin_connection *to, const uint8_t *data,
                    size_t len, struct error_text *why) {
    while (len > 0) {
        ssize_t n = send(to->fd, data, len, MSG_NOSIGNAL);
        if (n >= 0) {
            data += n;
            len -= (size_t)n;
            continue;
        }
        int error = errno == EAGAIN
                        ? wait_for(admin, to->fd, POLLOUT, to->address, "taken the request", why)
                        : error_set(why, ERR_CONNECTION, "%s broke the connection (%s)",
                                    to->address, error_phrase(error_from_errno(errno)));
        if (error) {
            return error;
        }
    }
    return ERR_NONE;
}

static int receive_all(struct admin_client *admin, struct admin_connection *from, uint8_t *data,
                       size_t len, struct error_text *why) {
    while (len > 0) {
        ssize_t n = recv(from->fd, data, len, 0);
        if (n > 0) {
            data += n;
            len -= (size_t)n;
            continue;
        }
        int error = n < 0 && errno == EAGAIN
                        ? wait_for(admin, from->fd, POLLIN, from->address, answered, why)
                        : error_set(
                              why, ERR_CONNECTION,
                              "%s broke the connection: it has just ended, or is no drave broker",
                              from->address);
        if (error) {
            return error;
        }
    }
    return ERR_NONE;
}

/* One frame, into the arena: what is decoded from it points there. */
static int receive_frame(struct admin_client *admin, struct admin_connection *from,
                         struct kp_arena *arena, uint8_t **frame, size_t *len,
                         struct error_text *why) {
    uint8_t prefix[4];
    int error = receive_all(admin, from, prefix, sizeof(prefix), why);
    if (error) {
        return error;
    }
    *len = (size_t)prefix[0] << 24 | (size_t)prefix[1] << 16 | (size_t)prefix[2] << 8 | prefix[3];
    *frame = *len <= ANSWER_MAX ? kp_arena_alloc(arena, *len + 1) : NULL;
    if (!*frame) {
        return error_set(
            why, ERR_MALFORMED,
            "%s does not speak Kafka's protocol; give the address of a broker's listener with -b",
            from->address);
    }
    return receive_all(admin, from, *frame, *len, why);
}

static int exchange(struct admin_client *admin, struct admin_connection *with,
                    const struct kp_api *api, int version, const void *request,
                    struct kp_arena *arena, void *response, struct error_text *why) {
    struct kp_writer writer;
    uint8_t *out = NULL, *in = NULL;
    size_t out_len = 0, in_len = 0;
    int32_t id = ++admin->correlation;
    kp_writer_init(&writer, REQUEST_MAX);
    kp_request_encode(api, version, id, kp_string_of("drave"), request, &writer);
    int error = kp_writer_take(&writer, &out, &out_len);
    if (error) {
        return error_set(why, error, "the request does not fit into version %d of %s: %s", version,
                         api->name, error_phrase(error));
    }
    error = send_all(admin, with, out, out_len, why);
    mem_free(out);
    error = error ? error : receive_frame(admin, with, arena, &in, &in_len, why);
    if (error) {
        return error;
    }
    error = kp_response_decode(api, version, id, in, in_len, arena, response);
    if (error) {
        error_set(why, error, "%s answered %s with bytes that make no sense; is it a drave broker?",
                  with->address, api->name);
    }
    return error;
}

static int negotiate(struct admin_client *admin, struct admin_connection *with,
                     struct error_text *why) {
    struct kp_arena arena;
    struct kp_api_versions_request request;
    struct kp_api_versions_response response;
    kp_set_fallbacks(&kp_api_versions_request_schema, &request);
    request.client_software_name = kp_string_of("drave");
    request.client_software_version = kp_string_of(DRAVE_VERSION);
    kp_arena_init(&arena, ANSWER_MAX);
    int error = exchange(admin, with, kp_api_find(KP_API_VERSIONS), 3, &request, &arena, &response,
                         why);
    if (!error) {
        with->ranges = mem_zalloc((size_t)(response.api_keys.count + 1) * sizeof(*with->ranges));
        for (int32_t i = 0; i < response.api_keys.count; i++, with->range_count++) {
            with->ranges[i].key = response.api_keys.items[i].api_key;
            with->ranges[i].from = response.api_keys.items[i].min_version;
            with->ranges[i].to = response.api_keys.items[i].max_version;
        }
    }
    kp_arena_close(&arena);
    return error;
}

static int connect_to(struct admin_client *admin, const struct addrinfo *where, const char *address,
                      int *fd, struct error_text *why) {
    *fd = socket(where->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (*fd < 0) {
        return error_set(why, ERR_SYSTEM, "%s: no socket: %s", address,
                         error_phrase(error_from_errno(errno)));
    }
    setsockopt(*fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    int failed = 0, error = ERR_NONE;
    if (connect(*fd, where->ai_addr, where->ai_addrlen) != 0) {
        failed = errno;
        if (failed == EINPROGRESS) {
            error = wait_for(admin, *fd, POLLOUT, address, "accepted the connection", why);
            getsockopt(*fd, SOL_SOCKET, SO_ERROR, &failed, &(socklen_t){sizeof(failed)});
        }
    }
    if (!error && failed) {
        error = error_from_errno(failed);
        error_set(why, error, "%s: %s", address, error_phrase(error));
    }
    if (error) {
        close(*fd);
    }
    return error;
}

/* The addresses of a host, within the time that is left: a resolver that is dead takes much longer.
 */
static int resolve(struct admin_client *admin, const char *host, const char *port,
                   struct addrinfo **all, struct error_text *why) {
    const struct addrinfo number = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST};
    if (getaddrinfo(host, port, &number, all) == 0) {
        return ERR_NONE;
    }
    struct lookup {
        struct gaicb request;
        struct addrinfo hints;
        char host[300], port[16];
    } *lookup = mem_zalloc(sizeof(*lookup));
    lookup->hints.ai_socktype = SOCK_STREAM;
    snprintf(lookup->host, sizeof(lookup->host), "%s", host);
    snprintf(lookup->port, sizeof(lookup->port), "%s", port);
    lookup->request.ar_name = lookup->host;
    lookup->request.ar_service = lookup->port;
    lookup->request.ar_request = &lookup->hints;
    const struct gaicb *const waited[] = {&lookup->request};
    int state = getaddrinfo_a(GAI_NOWAIT, (struct gaicb *[]){&lookup->request}, 1, NULL);
    while (state == 0 && (state = gai_error(&lookup->request)) == EAI_INPROGRESS &&
           admin_client_left_ms(admin) > 0) {
        gai_suspend(waited, 1, &(struct timespec){0, 50000000});
        state = 0;
        if (!admin->quiet) {
            patience_say(&admin->patience, "the name %s to be resolved", host);
        }
    }
    *all = state == 0 ? lookup->request.ar_result : NULL;
    if (state != EAI_INPROGRESS) {
        mem_free(lookup);
    } else if (gai_cancel(&lookup->request) == EAI_CANCELED) {
        mem_free(lookup);
    } /* else its thread still writes there; this program ends soon */
    return *all ? ERR_NONE
                : error_set(why, ERR_NAME, "%s:%s: the name does not resolve", host, port);
}

/* The connection to an address, made if there is none. */
static int connection_to(struct admin_client *admin, const char *host, const char *port,
                         struct admin_connection **found, struct error_text *why) {
    char address[300];
    snprintf(address, sizeof(address), "%s:%s", host, port);
    for (int i = 0; i < admin->connection_count; i++) {
        if (strcmp(admin->connections[i].address, address) == 0) {
            *found = &admin->connections[i];
            return ERR_NONE;
        }
    }
    if (admin->connection_count == CONNECTIONS_MAX) {
        drop_connection(admin, &admin->connections[0]);
    }
    struct addrinfo *all;
    int fd = -1, error = resolve(admin, host, port, &all, why);
    if (error) {
        return error;
    }
    error = ERR_CONNECTION;
    for (const struct addrinfo *one = all; one && error; one = one->ai_next) {
        error = connect_to(admin, one, address, &fd, why);
    }
    freeaddrinfo(all);
    if (error) {
        return error;
    }
    struct admin_connection *made = &admin->connections[admin->connection_count++];
    *made = (struct admin_connection){.fd = fd};
    snprintf(made->address, sizeof(made->address), "%s", address);
    error = negotiate(admin, made, why);
    if (error) {
        drop_connection(admin, made);
    }
    *found = made;
    return error;
}

/* The highest version both have; private APIs are not advertised and have one version. -1: none. */
static int common_version(const struct admin_connection *with, const struct kp_api *api,
                          int version_min) {
    int to = api->key >= KP_PRIVATE ? api->to : -1;
    for (int i = 0; i < with->range_count; i++) {
        if (with->ranges[i].key == api->key) {
            to = with->ranges[i].to < api->to ? with->ranges[i].to : api->to;
        }
    }
    return to >= version_min && to >= api->from ? to : -1;
}

static int request_on(struct admin_client *admin, struct admin_connection *with,
                      enum kp_api_key key, int version_min, const void *request,
                      struct kp_arena *arena, void *response, int *version,
                      struct error_text *why) {
    const struct kp_api *api = kp_api_find(key);
    int spoken = common_version(with, api, version_min);
    if (spoken < 0) {
        return error_set(
            why, ERR_VERSION,
            "%s does not serve %s as this drave (%s) needs it; use a drave of the broker's version",
            with->address, api->name, DRAVE_VERSION);
    }
    if (version) {
        *version = spoken;
    }
    admin->sent++;
    int error = exchange(admin, with, api, spoken, request, arena, response, why);
    if (error == ERR_TIMEOUT) { /* it has told its versions before: reached it is */
        error = error_set(
            why, ERR_AGAIN,
            "%s is there, but has not answered %s in time: most of its cluster may be missing, which drave "
            "info shows. Whether it was done is not known",
            with->address, api->name);
    }
    if (error) {
        drop_connection(admin, with);
    }
    return error;
}

int admin_request_to(struct admin_client *admin, const char *host, int port, enum kp_api_key key,
                     int version_min, const void *request, struct kp_arena *arena, void *response,
                     int *version, struct error_text *why) {
    struct admin_connection *with;
    char port_text[16];
    snprintf(port_text, sizeof(port_text), "%d", port);
    int error = connection_to(admin, host, port_text, &with, why);
    return error
               ? error
               : request_on(admin, with, key, version_min, request, arena, response, version, why);
}

struct admin_call {
    enum kp_api_key key;
    int version_min;
    const void *request;
    struct kp_arena *arena;
    void *response;
    int *version;
};

/* To be reached, each address has its share of the time that is left, so that a broker that is
 * frozen does not take that of the others; one that has told its versions is alive, and gets all of
 * it. */
static int try_each(struct admin_client *admin, const struct admin_call *call,
                    struct error_text *tried, bool *all_refused) {
    char *list = mem_strdup(admin->bootstrap), *rest = list, *one;
    uint64_t end_ms = admin->deadline_ms;
    int error = ERR_NONE;
    tried->text[0] = 0;
    *all_refused = true;
    while ((one = strsep(&rest, ",")) != NULL) {
        if (!*one || (*tried->text && admin_client_left_ms(admin) == 0)) {
            continue;
        }
        const char *host, *port;
        struct admin_connection *with;
        struct error_text this_one = {""};
        bootstrap_split(one, &host, &port);
        uint64_t others = bootstrap_count(rest);
        admin->deadline_ms = end_ms - admin_client_left_ms(admin) * others / (others + 1);
        error = connection_to(admin, host, port, &with, &this_one);
        admin->deadline_ms = end_ms;
        error = error ? error
                      : request_on(admin, with, call->key, call->version_min, call->request,
                                   call->arena, call->response, call->version, &this_one);
        *all_refused = *all_refused && error == ERR_REFUSED;
        if (!error) {
            break;
        }
        size_t used = strlen(tried->text);
        snprintf(tried->text + used, sizeof(tried->text) - used, "%s%.*s", used ? "; " : "",
                 (int)(sizeof(tried->text) - used), this_one.text);
    }
    mem_free(list);
    return error;
}

/* Whether the next moment may bring what is missing: a broker that starts, a name that is made. */
static bool may_come(int error) {
    return error == ERR_CONNECTION || error == ERR_REFUSED || error == ERR_NAME ||
           error == ERR_TIMEOUT;
}

int admin_request(struct admin_client *admin, enum kp_api_key key, int version_min,
                  const void *request, struct kp_arena *arena, void *response, int *version,
                  struct error_text *why) {
    const struct admin_call call = {key, version_min, request, arena, response, version};
    struct error_text tried = {""}, tried_before = {""};
    bool all_refused;
    int error, error_before = ERR_NONE;
    admin->sent = 0;
    for (;; error_before = error, tried_before = tried) {
        error = try_each(admin, &call, &tried, &all_refused);
        if (error == ERR_REFUSED && !all_refused) {
            error = ERR_CONNECTION;
        }
        uint64_t left = admin_client_left_ms(admin);
        if (error == ERR_TIMEOUT && left == 0 &&
            error_before != ERR_NONE) { /* cut short: the try before it says more */
            error = error_before;
            tried = tried_before;
        }
        bool nothing_listens = all_refused && admin->refused_ms > 0 &&
                               now_ms() + AGAIN_MS >= admin->refused_ms;
        if (!may_come(error) || admin->quiet || left <= AGAIN_MS || nothing_listens) {
            break;
        }
        patience_say(&admin->patience, "a broker to answer (%s)", tried.text);
        pause_ms(AGAIN_MS);
    }
    if (error) {
        *why = *tried.text ? tried : *why;
    }
    return error;
}

int admin_failed(int error, const struct error_text *why) {
    if (error == ERR_REFUSED) {
        say("no broker is reachable, nothing listens there: %s. Is the cluster running? Name its brokers with -b HOST:PORT,... or "
            "DRAVE_BOOTSTRAP; while it starts, give it longer with --timeout 60s",
            why->text);
        return EXIT_UNREACHABLE;
    }
    if (may_come(error)) {
        say("no broker is reachable: %s. Is the cluster running? Name its brokers with -b HOST:PORT,... or DRAVE_BOOTSTRAP; "
            "give it longer with --timeout 60s",
            why->text);
        return EXIT_UNREACHABLE;
    }
    say("%s", why->text);
    return EXIT_REFUSED;
}
