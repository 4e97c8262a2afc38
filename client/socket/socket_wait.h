/* Waiting for sockets that do not block, under one deadline. */
#ifndef CLIENT_SOCKET_SOCKET_WAIT_H
#define CLIENT_SOCKET_SOCKET_WAIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "client/line/talk.h"

/* How long something may take, and what is said meanwhile. */
struct admin_wait {
    uint64_t deadline_ms; /* by now_ms() */
    bool quiet;           /* nothing is said */
    struct patience patience;
};
/* Milliseconds left; 0: none. */
uint64_t admin_wait_left_ms(const struct admin_wait *wait);

/* Waits until the socket is ready, for `events` of poll; says what for ("accepted the connection")
 * after a while. ERR_TIMEOUT, ERR_SYSTEM. */
int socket_wait_for(struct admin_wait *wait, int fd, short events, const char *address,
                    const char *what, struct error_text *why);
extern const char socket_answered[]; /* what is mostly waited for */

#endif
