/*
 * All Raft groups of one loop: their timers, peers, and what they share.
 *
 * The owner opens a log_store and peers' events are routed through the shard: raft messages to
 * their groups, the rest to the owner. One timer heap for all groups; heartbeats of all groups to a
 * peer in one frame; results and votes of one turn in one frame.
 */
#ifndef RAFT_GLUE_SHARD_H
#define RAFT_GLUE_SHARD_H

#include "base/measure/buckets.h"
#include "raft-glue/peer/peers.h"
#include "storage/log/partition_log.h"

struct shard;
struct raft_group;

enum { ASKING_MS = 1000 };

struct shard_options {
    int32_t node;
    uint32_t heartbeat_ms;        /* 200; also between two signs of life of a broker */
    uint32_t election_timeout_ms; /* 1000; each group draws from [T, 2T) */
    uint32_t failover_ms;         /* 50: t of the fast failover (election.c) */
    bool asks_around;             /* it leads nothing before every peer has answered whether this
                                     broker belongs to them still, ASKING_MS at the most; from when
                                     it knows whom to ask (shard_settled) */
    uint64_t absent_ms;  /* a member that was not heard for so long is not waited for by what goes
                            from a log's beginning (raft_group_everywhere) */
    uint64_t fetch_rate; /* bytes a second of the files that members here lack; 0: no limit */
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
/* Another fetch_rate, from now on. */
void shard_set_fetch_rate(struct shard *shard, uint64_t bytes_per_second);
/* When so many bytes of what a member here lacks may be asked for at that rate: behind all that
 * were before, of any group. The caller asks then. */
uint64_t shard_fetch_turn_us(struct shard *shard, uint32_t length);
struct peers *shard_peers(struct shard *shard);
/* Of one that asks around: not everybody has answered yet. */
bool shard_is_asking(const struct shard *shard);
/* All that this broker knew about who belongs to the cluster, when it ended, it knows again, and
 * has added them as peers. Those whom it lets in hear so: before that it lets in whom it let in at
 * the very beginning, which is no answer. Who cannot be reached gives none. Once. */
void shard_settled(struct shard *shard);
struct env *shard_env(struct shard *shard);
struct log *shard_log(struct shard *shard);
struct log_store *shard_store(struct shard *shard);
struct raft_group *shard_group(struct shard *shard, uint64_t group); /* NULL: not open here */
/* The one with the least id that is not below `from`, of all open ones, or of those with damage in
 * their logs; NULL: there is none. For whoever passes over them one after the other. */
struct raft_group *shard_group_from(const struct shard *shard, uint64_t from);
struct raft_group *shard_damaged_from(const struct shard *shard, uint64_t from);

/* For a clean stop: tells the peers, stands for nothing any more, and hands over every leadership
 * to the most caught-up live replica whose broker does not stop, too; then calls `done` (also when
 * `timeout_ms` is over). Leads on, and takes submits, for a moment. */
void shard_transfer_all(struct shard *shard, uint32_t timeout_ms, void (*done)(void *arg),
                        void *arg);

/* Why a replica stood for election. */
enum election_cause {
    ELECTION_TIMEOUT,  /* it heard nothing of a leader */
    ELECTION_DEAD,     /* the process of the leader was known to be dead, or it had resigned */
    ELECTION_TRANSFER, /* the leader asked it to */
    ELECTION_FIRST,    /* nobody had led yet, as far as it knew */
    ELECTION_CAUSES
};
/* Why one led no more. */
enum lead_loss {
    LOSS_TRANSFER,    /* handed over */
    LOSS_DEPOSED,     /* another one was elected */
    LOSS_NO_MAJORITY, /* it heard none any more */
    LOSS_STOPPED,     /* something was wrong with it */
    LOSSES
};

struct shard_stats {
    uint64_t
        received_bytes; /* of entries from peers, until their round of the journal is durable */
    uint64_t receive_pauses; /* times that peers were not read because of them, or of what is
                                uncommitted */
    uint64_t elections[ELECTION_CAUSES], leaderships_lost[LOSSES];
    struct buckets failovers; /* microseconds, bounds_latency: from when a leader was missed to when
                                 the next one served; told by the next one */
    /* Of entries with batches, one of a group at a time (bounds_sync): from their submit until our
     * own disk has them, and from then until they are committed; 0 if others were faster. */
    struct buckets journal_us, quorum_us;
    uint64_t truncations, messages_dropped, frames_sent, frames_received, entries_sent,
        fast_failovers, transfers, /* planned ones after which this replica led no more */
        late_starts,               /* engines that were started behind entry 1 */
        sent_below_start,          /* runs of entries below that, sent to followers */
        trails_cut, trails_extended,
        reanchored; /* raft_group_trail.c; reanchored: AppendEntries that reached below the trail */
    uint64_t quiet_begun, quiet_ended; /* times that a group fell quiet here, or woke */
    uint64_t damaged_files;            /* segments in which reads met damage */
    uint64_t damaged_logs;             /* with damage, now */
    uint64_t mended_logs;              /* that are whole again, since the start */
    uint64_t left_for_damage; /* those of the planned transfers that were made because of it, */
    uint64_t left_for_room;   /* and because of a disk without room */
    uint64_t changes;         /* of configurations, submitted here */
    uint64_t started_anew;    /* engines of sole voters that followed */
    uint64_t snapshots_offered, snapshots_refused, snapshot_pieces_sent, snapshot_bytes_sent;
    uint64_t snapshots_fetched, snapshots_installed,
        snapshot_bytes_fetched; /* logs whose beginning a leader offered, and gave as files */
    uint64_t stranded;  /* members, at present, that lack the beginning of a log led here, and
                           cannot be given it; each was logged with what to do */
    uint64_t not_taken; /* messages of which some entries were not taken, because the disk had no
                           room for them */
};
/* What one other broker is sent. */
struct shard_peer_stats {
    uint64_t window_full_us; /* for so long entries waited because peer_window_bytes were not
                                acknowledged */
    uint64_t files_bytes;    /* of logs' beginnings that it is offered, and has not asked for yet */
};
struct shard_peer_stats shard_peer_stats(const struct shard *shard, int32_t node);
void shard_stats_get(const struct shard *shard, struct shard_stats *stats);

#endif
