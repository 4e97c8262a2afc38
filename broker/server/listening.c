/* Binding, in the order of the settings. */
#include "broker/server/listening.h"

#include <string.h>

#include "base/io/host_port.h"
#include "base/io/listen_error.h"

enum { BACKLOG = 1024 };

static int bind_one(struct listening *listening, struct env *env, const struct broker_listener *of,
                    const char *host, int port,
                    void (*accepted)(void *socket, struct env_stream *stream), void *owner,
                    struct error_text *why) {
    struct listening_socket *socket = &listening->sockets[listening->count];
    char address[HOST_PORT_TEXT];
    *socket = (struct listening_socket){
        .owner = owner, .name = of->name, .tls = of->tls, .logs_in = of->logs_in};
    int error = env_listen(env, host, port, BACKLOG, accepted, socket, &socket->listener,
                           &socket->port);
    if (error != ERR_NONE)
        return listen_error_set(why, error,
                                &(struct listen_place){"listen for clients",
                                                       host_port_text(host, port, address), port,
                                                       "listeners"});
    env_listener_pause(socket->listener, true);
    listening->count++;
    return ERR_NONE;
}

static int bind_listener(struct listening *listening, struct env *env,
                         const struct broker_listener *listener,
                         void (*accepted)(void *socket, struct env_stream *stream), void *owner,
                         struct error_text *why) {
    int error = bind_one(listening, env, listener, listener->host, listener->port, accepted, owner,
                         why);
    if (error != ERR_NONE || !listener->bind_ipv6_loopback_too) return error;
    struct error_text ipv6_why;
    error = bind_one(listening, env, listener, "::1", listening->sockets[listening->count - 1].port,
                     accepted, owner, &ipv6_why);
    if (error == ERR_BUSY) {
        *why = ipv6_why;
        return error;
    }
    return ERR_NONE; /* a machine without IPv6 has no ::1, and no client that asks for it */
}

int listening_open(struct listening *listening, struct env *env,
                   const struct broker_listener *listeners, size_t count,
                   void (*accepted)(void *socket, struct env_stream *stream), void *owner,
                   struct error_text *why) {
    for (size_t i = 0; i < count; i++) {
        int error = bind_listener(listening, env, &listeners[i], accepted, owner, why);
        if (error == ERR_NONE) continue;
        listening_close(listening);
        return error;
    }
    return ERR_NONE;
}

void listening_pause(struct listening *listening, bool pause) {
    for (size_t i = 0; i < listening->count; i++)
        env_listener_pause(listening->sockets[i].listener, pause);
}

void listening_close(struct listening *listening) {
    for (size_t i = 0; i < listening->count; i++)
        env_listener_close(listening->sockets[i].listener);
    listening->count = 0;
}

int listening_port(const struct listening *listening, const char *name) {
    for (size_t i = 0; i < listening->count; i++)
        if (name == NULL || strcmp(listening->sockets[i].name, name) == 0)
            return listening->sockets[i].port;
    return -1;
}
