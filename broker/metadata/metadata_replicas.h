/*
 * Where the replicas of a partition are to be: plans in the metadata table (KIP-455).
 *
 * Happy path: SET_REPLICAS names brokers; those that have none get a replica with a new id, those
 * that are not named any more are leaving, and the plan is under way. The partition's leader takes
 * the steps (broker/reassignment) and says REPLICAS_DONE: what was leaving is gone. A plan takes
 * the place of another at any time; a broker that comes back before its replica has gone has the
 * old one, with its votes.
 * REPLACE_BROKER gives every replica of a broker a new id, because the votes of the old one are
 * lost; the old one is to go, and no broker has it. RECOVER_PARTITION names the one that goes on
 * alone where a majority is lost that way.
 * A cancel puts back those that were there before the plan. One that was to go, and whose directory
 * is lost meanwhile, cannot be: one of those that join stays in its place, if any does, so that the
 * partition has as many as before. The metadata leader works that out and submits the names: what a
 * command does never changes, for logs are applied again by later programs, and by others beside
 * them. SET_REPLICAS with `cancel`, of earlier leaders, puts back those that are left, and no more.
 * Failures: a command that names no, unknown or doubled brokers is refused and changes nothing; a
 * REPLICAS_DONE of an older plan says nothing. Pure.
 * Invariants: a node has at most one replica of a partition, leaving ones included; a replica id
 * means one (partition, node) for ever; a replica leaves only by a REPLICAS_DONE.
 */
#ifndef BROKER_METADATA_METADATA_REPLICAS_H
#define BROKER_METADATA_METADATA_REPLICAS_H

#include "broker/metadata/metadata_rows.h"

/* Whether the command would do something: true, or false with the error and a sentence in
 * `result`. */
bool metadata_replicas_check(const struct metadata *metadata,
                             const struct command_set_replicas *command,
                             struct metadata_result *result);
/* Where a cancel leaves a partition that moves: the brokers, in their order, and how many they are.
 * 0: the plan is a cancelled one already, or of those that were there before it all are lost. */
size_t metadata_replicas_put_back(const struct metadata_partition *partition,
                                  int32_t nodes[METADATA_REPLICAS_MAX]);
/* An earlier sending of that command was applied. */
bool metadata_replicas_is_known(const struct metadata *metadata,
                                const struct command_set_replicas *command);

void metadata_replicas_set(struct metadata *metadata, const struct command_set_replicas *command,
                           log_index index, struct metadata_result *result);
void metadata_replicas_done(struct metadata *metadata, const struct command_replicas_done *command);

/* ---- The directory of a broker is lost (metadata_roster.h) ---- */

/* Whether each of its replicas can be replaced; false: with a sentence in `result`. */
bool metadata_replicas_may_replace(const struct metadata *metadata, int32_t node,
                                   struct metadata_result *result);
/* How many partitions have no majority without the replica on `node`, and so no leader again;
 * *first is one of them. As far as the table knows: who is to go counts as voting, who joins does
 * not. */
size_t metadata_replicas_stuck_without(const struct metadata *metadata, int32_t node,
                                       const struct metadata_partition **first);
/* Those that were not replaced already by a command of this time, which gave ids from `below` on,
 * `most` at most; how many are left. */
size_t metadata_replicas_replace(struct metadata *metadata, int32_t node, replica_id below,
                                 size_t most, log_index index);
/* Of the partitions in metadata_replicas_stuck_without: how many only wait until another directory,
 * which took the place of a lost one, has all that it is to have. */
size_t metadata_replicas_waiting_without(const struct metadata *metadata, int32_t node);

/* ---- A majority is lost ---- */

/* Whether that replica may go on alone: a majority of those that vote is lost with its directories,
 * which never come back, and this one is not. False: with the error and a sentence in `result`. */
bool metadata_replicas_may_recover(const struct metadata *metadata,
                                   const struct command_recover_partition *command,
                                   struct metadata_result *result);
void metadata_replicas_recover(struct metadata *metadata,
                               const struct command_recover_partition *command, log_index index,
                               struct metadata_result *result);

#endif
