/*
 * A Metadata request that comes while leaders change waits for the new ones, for a moment.
 *
 * A client whose leader has just died asks at once, often before this broker knows more than that a
 * link broke. Told the old leader again, or none, it asks the next time when a timer of its own
 * says so: up to a second later. An election takes a tenth of that.
 *
 * Invariant: it looks at the few partitions that a step of the answer adds, and keeps no more of
 * them than fit here: however much is asked for, and however often the same, neither time nor
 * memory beyond the answer's own goes into it.
 */
#ifndef BROKER_API_METADATA_HOLD_H
#define BROKER_API_METADATA_HOLD_H

#include "broker/api/services.h"
#include "broker/server/request.h"

enum { METADATA_HOLD_AT_ONCE = 16 };

/* Of one request, and in its arena; begins with metadata_hold_begin. */
struct metadata_hold {
    struct leader_wait wait; /* first */
    const struct broker_services *services;
    struct request *request;
    bool (*step)(struct request *request);
    uint64_t until_ms; /* held no longer than that, however often */
};

/* From now on the request is held for LEADER_DOUBT_MS at most. `step` is how it goes on. */
void metadata_hold_begin(struct metadata_hold *hold, const struct broker_services *services,
                         struct request *request, bool (*step)(struct request *request));
/* True if the leader of one of these partitions (METADATA_HOLD_AT_ONCE at most) is in doubt and
 * there is time left: `step` is called in steps again, after this call, when none is any more or
 * the time is over; a client that has gone ends the request, and while the broker stops the
 * connection is closed instead. */
bool metadata_hold(struct metadata_hold *hold, const struct metadata_partition *partitions,
                   int32_t count);

#endif
