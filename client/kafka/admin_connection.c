/* Sockets that are not blocking, under one deadline; ApiVersions first, as every client does. */
#include "client/kafka/admin_connection.h"

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
#include "client/socket/socket_login.h"
#include "client/socket/socket_tls.h"
#include "protocol/messages/api_versions.h"
#include "protocol/messages/frame.h"

enum { ANSWER_MAX = 256 << 20, REQUEST_MAX = 16 << 20 };

/* ---- Bytes ---- */

static int send_all(struct admin_wait *wait, struct admin_connection *to, const uint8_t *data,
                    size_t len, struct error_text *why) {
    while (len > 0) {
        ssize_t n = to->tls ? socket_tls_send(to->tls, data, len)
                            : send(to->fd, data, len, MSG_NOSIGNAL);
        if (n >= 0) {
            data += n;
            len -= (size_t)n;
            continue;
        }
        int error = errno == EAGAIN ? socket_wait_for(wait, to->fd, POLLOUT, to->address,
                                                      "taken the request", why)
                                    : error_set(why, ERR_CONNECTION, "%s broke the connection (%s)",
                                                to->address, error_phrase(error_from_errno(errno)));
        if (error) {
            return error;
        }
    }
    return ERR_NONE;
}

static int receive_all(struct admin_wait *wait, struct admin_connection *from, uint8_t *data,
                       size_t len, struct error_text *why) {
    while (len > 0) {
        ssize_t n = from->tls ? socket_tls_receive(from->tls, data, len)
                              : recv(from->fd, data, len, 0);
        if (n > 0) {
            data += n;
            len -= (size_t)n;
            continue;
        }
        int error =
            n < 0 && errno == EAGAIN
                ? socket_wait_for(wait, from->fd, POLLIN, from->address, socket_answered, why)
                : error_set(
                      why, ERR_CONNECTION,
                      "%s broke the connection: it has just ended, waits for the other brokers itself, "
                      "is no drave broker, wants a login (--user NAME), or %s",
                      from->address,
                      from->tls ? "wants a certificate (--cert FILE)"
                                : "speaks TLS there (--tls, --ca FILE)");
        if (error) {
            return error;
        }
    }
    return ERR_NONE;
}

/* One frame, into the arena: what is decoded from it points there. */
static int receive_frame(struct admin_wait *wait, struct admin_connection *from,
                         struct kp_arena *arena, uint8_t **frame, size_t *len,
                         struct error_text *why) {
    uint8_t prefix[4];
    int error = receive_all(wait, from, prefix, sizeof(prefix), why);
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
    return receive_all(wait, from, *frame, *len, why);
}

/* ---- Requests ---- */

int admin_connection_exchange(struct admin_connection *with, struct admin_wait *wait,
                              const struct kp_api *api, int version, const void *request,
                              struct kp_arena *arena, void *response, struct error_text *why) {
    struct kp_writer writer;
    uint8_t *out = NULL, *in = NULL;
    size_t out_len = 0, in_len = 0;
    int32_t id = ++with->correlation;
    kp_writer_init(&writer, REQUEST_MAX);
    kp_request_encode(api, version, id, kp_string_of("drave"), request, &writer);
    int error = kp_writer_take(&writer, &out, &out_len);
    if (error) {
        return error_set(why, error, "the request does not fit into version %d of %s: %s", version,
                         api->name, error_phrase(error));
    }
    error = send_all(wait, with, out, out_len, why);
    mem_free(out);
    error = error ? error : receive_frame(wait, with, arena, &in, &in_len, why);
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

static int negotiate(struct admin_wait *wait, struct admin_connection *with,
                     struct error_text *why) {
    struct kp_arena arena;
    struct kp_api_versions_request request;
    struct kp_api_versions_response response;
    kp_set_fallbacks(&kp_api_versions_request_schema, &request);
    request.client_software_name = kp_string_of("drave");
    request.client_software_version = kp_string_of(DRAVE_VERSION);
    kp_arena_init(&arena, ANSWER_MAX);
    int error = admin_connection_exchange(with, wait, kp_api_find(KP_API_VERSIONS), 3, &request,
                                          &arena, &response, why);
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

/* ---- Reaching it ---- */

static int connect_to(struct admin_wait *wait, const struct addrinfo *where, const char *address,
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
            error = socket_wait_for(wait, *fd, POLLOUT, address, "accepted the connection", why);
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
static int resolve(struct admin_wait *wait, const char *host, const char *port,
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
           admin_wait_left_ms(wait) > 0) {
        gai_suspend(waited, 1, &(struct timespec){0, 50000000});
        state = 0;
        if (!wait->quiet) {
            patience_say(&wait->patience, "the name %s to be resolved", host);
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

/* ---- A connection ---- */

struct logging_in {
    struct admin_connection *with;
    struct admin_wait *wait;
};

static int exchange_to_log_in(void *arg, const struct kp_api *api, int version, const void *request,
                              struct kp_arena *arena, void *response, struct error_text *why) {
    const struct logging_in *logging_in = arg;
    return admin_connection_exchange(logging_in->with, logging_in->wait, api, version, request,
                                     arena, response, why);
}

static int log_in(struct admin_connection *connection, struct admin_wait *wait,
                  struct error_text *why) {
    struct logging_in logging_in = {connection, wait};
    const struct login_road road = {connection->address, exchange_to_log_in, &logging_in};
    return socket_login(&road, why);
}

int admin_connection_open(struct admin_connection *connection, struct admin_wait *wait,
                          const char *host, const char *port, struct error_text *why) {
    char address[sizeof(connection->address)];
    struct addrinfo *all;
    int fd = -1, error = resolve(wait, host, port, &all, why);
    if (error) {
        return error;
    }
    snprintf(address, sizeof(address), "%s:%s", host, port);
    error = ERR_CONNECTION;
    for (const struct addrinfo *one = all; one && error; one = one->ai_next) {
        error = connect_to(wait, one, address, &fd, why);
    }
    freeaddrinfo(all);
    if (error) {
        return error;
    }
    *connection = (struct admin_connection){.fd = fd};
    snprintf(connection->address, sizeof(connection->address), "%s", address);
    error = socket_tls_open(&connection->tls, connection->fd, address, host, wait, why);
    error = error ? error : negotiate(wait, connection, why);
    error = error ? error : log_in(connection, wait, why);
    if (error) {
        admin_connection_close(connection);
    }
    return error;
}

void admin_connection_close(struct admin_connection *connection) {
    socket_tls_close(connection->tls);
    close(connection->fd);
    mem_free(connection->ranges);
}

/* Private APIs are not advertised and have one version. */
int admin_connection_version(const struct admin_connection *with, const struct kp_api *api,
                             int version_min) {
    int to = api->key >= KP_PRIVATE ? api->to : -1;
    for (int i = 0; i < with->range_count; i++) {
        if (with->ranges[i].key == api->key) {
            to = with->ranges[i].to < api->to ? with->ranges[i].to : api->to;
        }
    }
    return to >= version_min && to >= api->from ? to : -1;
}
