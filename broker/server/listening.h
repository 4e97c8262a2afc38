/* The sockets on which clients come: of each listener one, or two where ::1 is bound beside
 * 127.0.0.1. */
#ifndef BROKER_SERVER_LISTENING_H
#define BROKER_SERVER_LISTENING_H

#include "base/env.h"
#include "broker/config/broker_settings.h"

struct listening_socket {
    void *owner;
    struct env_listener *listener;
    const char *name; /* of the listener: the settings' */
    bool tls, logs_in;
    int port;
};

struct listening {
    struct listening_socket sockets[2 * BROKER_LISTENERS_MAX];
    size_t count;
};

/* Binds; `accepted` gets the socket, and a stream that it owns, when they are not paused any more.
 * ERR_BUSY, ERR_NAME, ERR_DENIED, ERR_INVALID, ERR_SYSTEM: none is bound, `why` has the sentence.
 */
int listening_open(struct listening *listening, struct env *env,
                   const struct broker_listener *listeners, size_t count,
                   void (*accepted)(void *socket, struct env_stream *stream), void *owner,
                   struct error_text *why);
void listening_pause(struct listening *listening, bool pause);
void listening_close(struct listening *listening);
/* Of that name (NULL: the first); -1: there is none. */
int listening_port(const struct listening *listening, const char *name);

#endif
