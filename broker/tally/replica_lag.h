/*
 * What replicas on other brokers lack of partitions that are led here: of one partition, and summed
 * by broker.
 *
 * Happy path: each look at a partition that is led replaces what the last one found; sums follow.
 * A partition of which something lacks is looked at in every round (tally.h). Failures: none.
 * Invariants: a sum of entries and bytes is the sum of what was found and not taken away; for how
 * long something lacks is told by rounds: it is at least so long, and late by one at most.
 */
#ifndef BROKER_TALLY_REPLICA_LAG_H
#define BROKER_TALLY_REPLICA_LAG_H

#include "broker/metadata/metadata.h"
#include "raft-glue/raft_group.h"

/* Of one replica that lacks some. */
struct replica_lag {
    int32_t node;
    uint64_t entries, bytes; /* bytes: about */
    log_index mark;          /* the log ended with it at mark_ms, and the replica lacks it */
    uint64_t mark_ms;
};
struct replica_lags {
    struct replica_lag *items; /* NULL: none */
    size_t count;
    bool summed;
};

/* Of all replicas on one broker. */
struct broker_lag {
    int32_t node;
    uint64_t entries, bytes;
    uint64_t oldest_ms; /* env_now_ms; 0: nothing lacks */
};
struct broker_lags {
    struct broker_lag *items; /* of each broker that lacked some ever */
    size_t count, room;
};

/* A round of looks begins: ages are found anew. */
void broker_lags_begin(struct broker_lags *lags);
void broker_lags_close(struct broker_lags *lags);
/* Zeros: it lacks nothing. */
struct broker_lag broker_lags_of(const struct broker_lags *lags, int32_t node);

/* The group leads; `known` says who has replicas. */
void replica_lags_look(struct replica_lags *lags, struct broker_lags *sums,
                       struct raft_group *group, const struct metadata_partition *known,
                       uint64_t now_ms);
/* Out of the sums, until the next look, which goes on from there. */
void replica_lags_take_away(struct replica_lags *lags, struct broker_lags *sums);
/* It is taken away, and forgotten. */
void replica_lags_close(struct replica_lags *lags, struct broker_lags *sums);

#endif
