/*
 * Who belongs to the cluster: for each broker its directory, where the others reach it, and under
 * which replica id it is in group 0. It begins with those that formed the cluster; ADMIT_BROKER
 * adds one, and nobody who is not in it is let in.
 *
 * Happy path: an admitted broker gets a replica id of group 0; when it registers it says where it
 * is reached now. DRAIN_BROKER keeps new replicas away from one, and has those moved that are there
 * (broker/reassignment/drains.h); RETIRE_BROKER takes it out; REPLACE_BROKER gives its id to
 * another directory, with new replica ids everywhere; SET_VOTERS says who is to vote on the
 * metadata. Failures: an id or a directory that is taken is refused and changes nothing; a command
 * that was applied before changes nothing either. Pure. Invariants: a replica id means one
 * directory for ever; an id that was taken out never comes back, nor does a directory that was
 * taken out, given up or replaced; who holds a replica stays; places are by node id, so a walk is
 * the same on every broker.
 */
#ifndef BROKER_METADATA_METADATA_ROSTER_H
#define BROKER_METADATA_METADATA_ROSTER_H

#include "broker/cluster/cluster_record.h"
#include "broker/metadata/metadata.h"
#include "broker/metadata/metadata_commands.h"

/* One configuration of group 0 holds them all (RAFT_GROUP_SERVERS_MAX). */
enum { ROSTER_MAX = 250 };

struct roster_broker {
    int32_t node;
    replica_id replica; /* in group 0 */
    uint8_t directory[METADATA_UUID_SIZE];
    const char *host; /* where the others reach it; "": it has not said so yet */
    int32_t port;
    bool draining;
    bool votes;    /* it is to vote on the metadata */
    bool given_up; /* the metadata went on without it: its directory never comes back, and no other
                      one has its place yet */
};

/* Those that formed the cluster; before the first command. */
void metadata_roster_begin(struct metadata *metadata, const struct cluster_record *cluster);

size_t metadata_roster_count(const struct metadata *metadata);
/* By node id; place 0 .. count - 1. */
const struct roster_broker *metadata_roster_at(const struct metadata *metadata, size_t place);
const struct roster_broker *metadata_roster_of(const struct metadata *metadata,
                                               int32_t node); /* NULL: none */
const struct roster_broker *metadata_roster_with_replica(const struct metadata *metadata,
                                                         replica_id replica);

/* It belonged to the cluster and was taken out. */
bool metadata_roster_is_retired(const struct metadata *metadata, int32_t node);
/* That directory belonged to the cluster, and another one has its place, or nobody. */
bool metadata_roster_is_retired_directory(const struct metadata *metadata,
                                          const uint8_t directory[METADATA_UUID_SIZE]);
/* How many of the roster do not drain. */
size_t metadata_roster_taking(const struct metadata *metadata);
/* It is in the roster, and drains. */
bool metadata_roster_is_draining(const struct metadata *metadata, int32_t node);

/* It may be given replicas: nobody has said that it goes, or has gone for good. */
bool metadata_roster_takes(const struct metadata *metadata, int32_t node);

/* ---- Of an image (broker/metadata/image) ---- */
/* One says that it has that replica id of group 0 (0: it formed the cluster), which this table has
 * given already, with a directory of which the table has never heard: of two metadata one went on
 * from an earlier place than the other (metadata_roster_give_up), and which one is not known. */
bool metadata_roster_is_of_another_past(const struct metadata *metadata,
                                        const uint8_t directory[METADATA_UUID_SIZE],
                                        replica_id replica);

/* One more, of which neither node nor replica is there; its host is taken over. */
void metadata_roster_put(struct metadata *metadata, const struct roster_broker *row);

/* ---- Of metadata.c and the metadata leader ---- */

/* Whether it would be admitted: true, or false with the error and a sentence in `result`. */
bool metadata_roster_check(const struct metadata *metadata,
                           const struct command_admit_broker *command,
                           struct metadata_result *result);
void metadata_roster_admit(struct metadata *metadata, const struct command_admit_broker *command,
                           struct metadata_result *result);
/* Likewise for the two others. Whether it is alive, and votes on the metadata, the table does not
 * say (metadata_leader.h). */
bool metadata_roster_check_drain(const struct metadata *metadata,
                                 const struct command_drain_broker *command,
                                 struct metadata_result *result);
void metadata_roster_drain(struct metadata *metadata, const struct command_drain_broker *command,
                           struct metadata_result *result);
bool metadata_roster_check_retire(const struct metadata *metadata,
                                  const struct command_retire_broker *command,
                                  struct metadata_result *result);
void metadata_roster_retire(struct metadata *metadata, const struct command_retire_broker *command,
                            struct metadata_result *result);
/* Whether the old one is alive, and whether partitions have a majority without it, is asked by the
 * metadata leader (metadata_leader.h). */
bool metadata_roster_check_replace(const struct metadata *metadata,
                                   const struct command_replace_broker *command,
                                   struct metadata_result *result);
/* One that passed the check, and is not done. Its replicas are no matter of this. */
void metadata_roster_replace(struct metadata *metadata,
                             const struct command_replace_broker *command);
/* The metadata, of which those were a majority or a part of one, went on without them. Until a
 * REPLACE_BROKER they are those that they were, and nobody lets them in. */
void metadata_roster_give_up(struct metadata *metadata,
                             const struct command_recover_partition *command);
/* It was done before. */
bool metadata_roster_is_replaced(const struct metadata *metadata,
                                 const struct command_replace_broker *command);
/* Whether those can be the ones that vote on the metadata; that they are alive is asked by the
 * metadata leader. */
bool metadata_roster_check_voters(const struct metadata *metadata,
                                  const struct command_set_voters *command,
                                  struct metadata_result *result);
void metadata_roster_set_voters(struct metadata *metadata, const struct command_set_voters *command,
                                struct metadata_result *result);
/* Those, and no others, are to vote already. */
bool metadata_roster_votes_are(const struct metadata *metadata,
                               const struct command_set_voters *command);
/* A broker registers: whether it is the one that belongs here; notes where it is reached. */
bool metadata_roster_register(struct metadata *metadata,
                              const struct command_register_broker *command,
                              struct metadata_result *result);

#endif
