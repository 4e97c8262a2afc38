/*
 * From the replicas that a partition has to those that it is to have: the next step, nothing else.
 *
 * No step is remembered: whoever leads compares what is to be with the committed configuration, so
 * a new leader, a crash or another plan in the middle needs nothing of its own (the idea of
 * single-server changes: Raft dissertation, 4.1; of comparing each time: KIP-455's controller).
 *
 *   stand-bys that are not to be     removed: they count nowhere
 *   voters whose disks are lost      removed before anybody comes: they never count again, and a
 *                                    newcomer that votes beside them makes a majority dearer
 *   those to be that are not inside  added as stand-bys, one after the other
 *   as many voters as there may be,  one stand-by that is ready is promoted: then there is one more
 *     or fewer
 *   more voters than there may be    one that is to go is removed
 *   more voters than are to be       one that is to go and is out of sync is removed
 *   only the leader is to go         it hands over to one that stays, which goes on
 *
 * There may be as many voters as are to be, but while somebody who joins has not nearly all, as
 * many as there were before: a plan for fewer replicas takes no copy away before the others have
 * theirs, as with Kafka.
 *
 * Pure. Invariants: a step keeps a majority of those that are in sync among those that vote, so the
 * change itself can commit; the leader never removes itself.
 */
#ifndef BROKER_REASSIGNMENT_REASSIGNMENT_STEP_H
#define BROKER_REASSIGNMENT_REASSIGNMENT_STEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "storage/log_types.h"

struct reassignment_member {
    replica_id replica;
    bool wanted;        /* it is to be; in the order of the plan */
    bool joining;       /* it was not there before the plan */
    bool inside, voter; /* as the committed configuration says */
    bool in_sync;       /* of a voter: with the leader, which is itself */
    bool ready;         /* of a stand-by: it has had nearly all for a while */
    bool lost;          /* its disk is gone: it never comes, and is not wanted */
};

enum reassignment_action {
    REASSIGNMENT_WAITS,
    REASSIGNMENT_ADDS,
    REASSIGNMENT_PROMOTES,
    REASSIGNMENT_REMOVES,
    REASSIGNMENT_HANDS_OVER,
    REASSIGNMENT_DONE, /* the configuration is what is to be */
};

struct reassignment_step {
    enum reassignment_action action;
    replica_id replica; /* which one; 0: none */
};

/* `leader`: ours. All servers of the configuration are among the members. */
struct reassignment_step reassignment_next(const struct reassignment_member *members, size_t count,
                                           replica_id leader);

#endif
