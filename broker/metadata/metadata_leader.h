/*
 * What the metadata leader does with a change before it becomes a command: checks it against the
 * table and places new partitions on live brokers.
 *
 * Happy path: metadata_leader_prepare() leaves a complete command. Failures: a result with Kafka's
 * error and a sentence with the numbers; PREPARED_AGAIN when waiting helps: the cluster is still
 * coming up (a broker of the record has never registered, or the leader is young), or a broker that
 * is to be replaced was connected lately. Nothing is
 * made beyond the limits, and what is pending counts, so many requests at once do not pass them
 * either: POLICY_VIOLATION. Pure: reads the table and what is pending.
 */
#ifndef BROKER_METADATA_METADATA_LEADER_H
#define BROKER_METADATA_METADATA_LEADER_H

#include "broker/metadata/metadata.h"
#include "broker/metadata/metadata_group.h"

struct metadata_view {
    const struct metadata *metadata;
    const struct broker_settings *settings; /* of the leader; what is left out here is of them */
    /* What commands under way will add to brokers, which the table does not show yet. */
    const struct metadata_load *pending;
    size_t pending_count;
    /* What there may be with it: partitions in the cluster, replicas on a broker (KIP-578). */
    uint32_t partitions_max, broker_partitions_max;
    /* Brokers that are not fenced yet, but whose processes are known to be dead: they get replicas
     * only if the others do not suffice. */
    const int32_t *dead;
    size_t dead_count;
    /* Of RETIRE_BROKER: the configuration of group 0. */
    const struct raft_group_configuration *servers;
    uint64_t down_ms; /* of REPLACE_BROKER, REPLACE_REPLICAS: for how long there is no link with
                         that broker */
    bool young; /* the leader has just been elected: brokers that gave their leases back before they
                   ended may still renew them */
};

enum metadata_prepared {
    PREPARED,         /* submit it; or, validate_only, all is well */
    PREPARED_NOTHING, /* all of it is so already: done, without a command */
    PREPARED_REFUSED, /* the result says why not */
    PREPARED_AGAIN,   /* not now; the result is what to say when the time is over */
};
/* Checks and completes `change->command`; arrays come from `arena`. */
enum metadata_prepared metadata_leader_prepare(const struct metadata_view *view,
                                               struct metadata_change *change,
                                               struct kp_arena *arena,
                                               struct metadata_result *result);

#endif
