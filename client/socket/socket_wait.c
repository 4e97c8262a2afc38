/* poll, a fifth of a second at a time, so that something can be said. */
#include "client/socket/socket_wait.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

uint64_t admin_wait_left_ms(const struct admin_wait *wait) {
    uint64_t now = now_ms();
    return now < wait->deadline_ms ? wait->deadline_ms - now : 0;
}

const char socket_answered[] = "answered";

int socket_wait_for(struct admin_wait *wait, int fd, short events, const char *address,
                    const char *what, struct error_text *why) {
    for (;;) {
        uint64_t left = admin_wait_left_ms(wait);
        if (left == 0) {
            const char *reason = strcmp(what, socket_answered) == 0
                                     ? " (it still starts, or most of its cluster is missing)"
                                     : "";
            return error_set(why, ERR_TIMEOUT, "%s has not %s in time%s", address, what, reason);
        }
        struct pollfd socket = {.fd = fd, .events = events};
        int n = poll(&socket, 1, left < 200 ? (int)left : 200);
        if (n > 0) {
            return ERR_NONE;
        }
        if (n < 0 && errno != EINTR) {
            return error_set(why, ERR_SYSTEM, "%s: %s", address,
                             error_phrase(error_from_errno(errno)));
        }
        if (!wait->quiet) {
            patience_say(&wait->patience, "%s, which has not %s yet", address, what);
        }
    }
}
