/*
 * All Raft groups of one loop: their timers, peers, and what they share.
 *
 * The owner opens a log_store and peers' events are routed through the shard: raft messages to
 * their groups, the rest to the owner. One timer heap for all groups; heartbeats of all groups to a
 * peer in one frame; results and votes of one turn in one frame.
 */
#ifndef RAFT_GLUE_SHARD_H
#define RAFT_GLUE_SHARD_H

#include "raft-glue/peer/peers.h"
#include "storage/log/partition_log.h"

struct shard;
struct raft_group;

struct shard_options {
    int32_t node;
    uint32_t heartbeat_ms;            /* 200; also between two signs of life of a broker */
    uint32_t election_timeout_ms;     /* 1000; each group draws from [T, 2T) */
    uint32_t failover_ms;             /* 50: t of the fast failover (election.c) */
    uint64_t group_uncommitted_bytes; /* a leader refuses to submit beyond it */
    uint64_t uncommitted_bytes; /* over all groups: leaders refuse, followers stop reading bulk */
    uint64_t peer_window_bytes; /* entries sent to one peer and not yet acknowledged */
    uint64_t engine_entries; /* of each log, that the engine knows about (raft_group_trail.c); 0: as
                                many as it can count */
    struct peers_options peers;
};

/* `events` as in peers.h, for the owner: called after the shard has done its part. ERR_* of
 * peers_open and rollback_guard_open. */
int shard_open(struct env *env, struct log *log, struct log_store *store,
               const struct shard_options *options, const struct peers_events *events, void *arg,
               struct shard **shard, struct error_text *why);
/* Groups must be closed before. */
void shard_close(struct shard *shard);
struct peers *shard_peers(struct shard *shard);
struct env *shard_env(struct shard *shard);
struct log *shard_log(struct shard *shard);
struct log_store *shard_store(struct shard *shard);
struct raft_group *shard_group(struct shard *shard, uint64_t group); /* NULL: not open here */

/* For a clean stop: tells the peers, stands for nothing any more, and hands over every leadership
 * to the most caught-up live replica whose broker does not stop, too; then calls `done` (also when
 * `timeout_ms` is over). Leads on, and takes submits, for a moment. */
void shard_transfer_all(struct shard *shard, uint32_t timeout_ms, void (*done)(void *arg),
                        void *arg);

struct shard_stats {
    uint64_t elections, leaderships_lost, truncations, messages_dropped, frames_sent,
        frames_received, entries_sent, fast_failovers,
        transfers,        /* planned ones after which this replica led no more */
        late_starts,      /* engines that were started behind entry 1 */
        sent_below_start, /* runs of entries below that, sent to followers */
        trails_cut, trails_extended,
        reanchored; /* raft_group_trail.c; reanchored: AppendEntries that reached below the trail */
    uint64_t quiet_begun, quiet_ended; /* times that a group fell quiet here, or woke */
    uint64_t damaged_files;            /* segments in which reads met damage */
    uint64_t left_for_damage; /* those of the planned transfers that were made because of it, */
    uint64_t left_for_room;   /* and because of a disk without room */
    uint64_t not_taken; /* messages of which some entries were not taken, because the disk had no
                           room for them */
};
void shard_stats_get(const struct shard *shard, struct shard_stats *stats);

#endif
