/*
 * Clients that have yet to log in, the oldest first: they may be here for a while only, and there
 * may be so many of them and no more.
 */
#ifndef BROKER_SERVER_STRANGERS_H
#define BROKER_SERVER_STRANGERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stranger {
    uint64_t since_us;
    bool listed;
    struct stranger *next, *prev;
};
struct strangers {
    struct stranger *oldest;
    size_t count;
};

void strangers_add(struct strangers *strangers, struct stranger *stranger, uint64_t now_us);
/* Nothing if it is not among them. */
void strangers_remove(struct strangers *strangers, struct stranger *stranger);

#endif
