/*
 * Over which connection a member was heard last. When that closes, its client has died, or comes
 * back at once: it need not take a whole session to tell which.
 *
 * Happy path: group_presence_heard whenever it is heard; its connection closes: it is `absent`, and
 * `gone` is called; heard again, it is not. Failures: none.
 * Invariants: a connection is named only while it is open; group_presence_clear comes before the
 * memory of a presence goes. Of one connection GROUP_PRESENCE_MAX members are known, no client has
 * as many: of the others it is not seen that they go.
 */
#ifndef BROKER_COORDINATOR_GROUP_GROUP_PRESENCE_H
#define BROKER_COORDINATOR_GROUP_GROUP_PRESENCE_H

#include "broker/coordinator/group/group.h"

enum { GROUP_PRESENCE_MAX = 1000 };

/* Lies, zeroed but for `gone`, in a member. */
struct group_presence {
    bool absent;
    /* May set timers, and clears no presence. */
    void (*gone)(struct group_presence *presence);
    struct group_line *line; /* its own, from here on; NULL: none is known */
    struct group_presence *next, *prev;
};

/* NULL: it is not known over which. */
void group_presence_heard(struct group_table *table, struct group_presence *presence,
                          const void *connection);
void group_presence_clear(struct group_table *table, struct group_presence *presence);
void group_presence_closed(struct group_table *table, const void *connection);

/* How long one that is absent and speaks every `interval_ms` may take to be heard again: it
 * connects at once, and speaks when it would have. */
static inline uint64_t group_presence_patience_ms(uint64_t interval_ms) {
    return interval_ms + (interval_ms > 2000 ? interval_ms / 2 : 1000);
}

#endif
