/*
 * Inside of the metadata group, shared by its files. Nobody else's. From the ground to the top:
 *
 *   metadata_pending.c  the leader's side: changes become commands, which are pending until they
 *                       are applied
 *   metadata_submit.c   the asking side: changes are brought to whoever leads, until they are done
 *                       or their time is over
 *   metadata_quorum.c   how far each broker is: asked of whoever leads
 *   metadata_group.c    opening, closing; what the Raft group tells, what other brokers ask
 */
#ifndef BROKER_METADATA_METADATA_GROUP_INTERNAL_H
#define BROKER_METADATA_METADATA_GROUP_INTERNAL_H

#include "base/mem.h"
#include "broker/metadata/metadata_change.h"
#include "broker/metadata/metadata_group.h"
#include "protocol/kafka_error.h"
#include "storage/log_types.h"

#include <utlist.h>

struct pending;
struct unconfirmed;
struct change_asker;

enum { AHEAD_MAX = 4 };

struct metadata_group {
    struct env *env;
    struct log *log;
    struct shard *shard;
    struct raft_group *group;
    struct metadata *metadata;
    const struct cluster_record *cluster;
    const struct broker_settings *settings;
    int32_t node;
    struct broker_messages *messages;
    struct metadata_group_keeper keeper;
    struct metadata_group_events events;
    void *arg;
    uint64_t applied;
    struct metadata_group_changes changes;
    /* Those of whom this broker has heard, and its table has not; each replica and node once. */
    struct raft_group_member ahead[AHEAD_MAX];
    size_t ahead_count;
    bool leading;
    uint64_t leading_since_ms;
    struct pending *pending;    /* by index; on the leader */
    struct metadata_load *load; /* what all of them will add, by broker */
    size_t load_count;
    struct unconfirmed *unconfirmed;
    /* Whoever asked is told what came of it. */
    void (*tell)(struct metadata_group *group, struct change_asker asker,
                 const struct change_outcome *outcome);
    struct metadata_submit *submits;
    /* While those that are done end: the one to look at next; NULL: none. */
    struct metadata_submit *next_to_end;
    struct env_timer *retry;
    struct env_task task;       /* tries what waits */
    struct env_timer *patience; /* until damage that other brokers may mend counts as mended by
                                   nobody; NULL: none was met */
};

/* Who is told of an outcome. */
struct change_asker {
    bool nobody;                    /* who asked has gone */
    struct metadata_submit *submit; /* one of ours; NULL: */
    struct broker_caller caller;    /* another broker */
};

/* ---- metadata_pending.c ---- */

/* Takes a change as the leader. True: *outcome is known. False: a command is under way,
 * metadata_pending_end says when it is over; or a majority is asked, and group->tell comes. */
bool metadata_pending_begin(struct metadata_group *group, const uint8_t *data, size_t len,
                            struct change_asker asker, struct change_outcome *outcome);
/* Ends the first command if it is at `index` or below: true, and who asked. */
bool metadata_pending_end(struct metadata_group *group, log_index index,
                          struct change_asker *asker);
/* That one will not be told; what it asked for is under way all the same. */
void metadata_pending_forget(struct metadata_group *group, const struct metadata_submit *submit);

/* ---- metadata_submit.c ---- */

void metadata_submits_open(struct metadata_group *group);
void metadata_submits_close(struct metadata_group *group); /* ends all */
/* The leader's outcome of one that it was given. */
void metadata_submit_take(struct metadata_submit *submit, const struct change_outcome *outcome);

/* ---- metadata_quorum.c, besides what metadata_quorum.h says ---- */

void metadata_quorum_open(struct metadata_group *group);
void metadata_quorum_close(struct metadata_group *group);

#endif
