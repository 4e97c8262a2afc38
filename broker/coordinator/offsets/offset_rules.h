/*
 * What the protocol of a consumer group says about its offsets: who may commit, read and remove
 * them, and when they are too old. Filled by the wing that knows the protocols.
 *
 * All are called on the leader, in the turn of the group but for `age`; the state they look at is
 * committed. Specification: KIP-211 (expiry), KIP-496 (removal), KIP-848 and KIP-1251 (epochs).
 */
#ifndef BROKER_COORDINATOR_OFFSETS_OFFSET_RULES_H
#define BROKER_COORDINATOR_OFFSETS_OFFSET_RULES_H

#include "broker/coordinator/group/group.h"
#include "broker/coordinator/group/group_batch.h"
#include "broker/coordinator/group/topic_set.h"

struct offset_commit;
struct offset_fetch;

/* From when the retention of a group's offsets counts. */
struct offset_age {
    enum {
        OFFSETS_STAY,            /* none expires now, whatever its age */
        OFFSETS_AGE_BY_COMMIT,   /* from its commit; those of subscribed topics stay */
        OFFSETS_AGE_SINCE,       /* all of them from `since_ms` (wall clock) */
        OFFSETS_AGE_BY_LATER_OF, /* from its commit or `since_ms`, whichever is later; those of
                                    subscribed topics stay */
    } rule;
    int64_t since_ms;
    bool empty; /* nobody is in it: without offsets it goes, too */
};

struct offset_rules {
    /* Whether it may commit, which renews the session of a member. 0; an error for the request; or
     * 0 and errors in entries, which are then left out. */
    int16_t (*commit)(struct group *group, struct offset_commit *commit);
    /* 0, UNKNOWN_MEMBER_ID, STALE_MEMBER_EPOCH, ILLEGAL_GENERATION. */
    int16_t (*fetch)(const struct group *group, const struct offset_fetch *fetch);
    /* 0, GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP. */
    int16_t (*remove)(const struct group *group);
    /* Adds the topics that members read: all when that is not known. */
    void (*reads)(struct group *group, struct topic_set *topics);
    void (*age)(const struct group *group, struct offset_age *age);
    /* The tombstones of the group itself, which is empty; nothing for a simple group. */
    void (*tombstones)(const struct group *group, struct group_batch *batch);
};

#endif
