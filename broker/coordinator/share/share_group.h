/*
 * A share group (KIP-932) at its coordinator: who is in it, and which partitions each member
 * fetches.
 *
 *   nobody -- first heartbeat: a record says that there is the group --> members come and go
 *
 * Happy path: a member beats with epoch 0, then with the epoch that it was told; whenever the
 * members, what they read or its partitions change, the epoch rises, and each hears with its next
 * heartbeat what it is to fetch. Partitions are shared, so nobody waits for anybody.
 * Failures: share_heartbeat, below. Members are the leader's memory: behind a change of
 * coordinators they are unknown, and join again, while they go on fetching. Invariants: a row with
 * a share group has no other kind of group, and the other way round; each partition of a topic that
 * somebody reads is some member's.
 */
#ifndef BROKER_COORDINATOR_SHARE_SHARE_GROUP_H
#define BROKER_COORDINATOR_SHARE_SHARE_GROUP_H

#include "broker/coordinator/group/assigned.h"
#include "broker/coordinator/group/group.h"
#include "broker/coordinator/group/group_batch.h"
#include "broker/coordinator/group/group_call.h"
#include "broker/coordinator/share/share_places.h"
#include "protocol/messages/share_group_describe.h"
#include "protocol/messages/share_group_heartbeat.h"

struct kp_record_type;

enum {
    SHARE_GROUP_MEMBERS_MAX = 200, /* group.share.max.size */
    SHARE_NAMES_MAX = 5000         /* of topics, that a member says */
};

struct share_member;
struct share_readers;
struct share_work;

struct share_group {
    struct group *row;
    int32_t first_epoch; /* as it is recorded */
    struct share_places places;
    size_t places_charged; /* to the group (group_memory.h) */
    /* Soft. */
    int32_t epoch;
    struct share_member *members; /* by id */
    size_t member_count;
    struct share_readers *readers;          /* of each topic, by name */
    uint64_t metadata_version, topics_hash; /* with which the members were told */
    struct share_work *work; /* under way with its partitions (share_work.h); NULL: nothing */
    uint64_t looked_version; /* of the metadata, when all that is read had begun, or was being begun
                                then; 0: not known */
    uint64_t confirmed_version; /* of the metadata, when all that had begun was asked whether it has
                                   still; 0: not since this broker leads, or since somebody is in
                                   it again: a partition lets go of groups that nobody uses */
};

struct share_heartbeat {
    struct group_call call;                                 /* first */
    const struct kp_share_group_heartbeat_request *request; /* borrowed until `done` */
    struct kp_string client_id, client_host;
    /* Out. */
    int32_t member_epoch, interval_ms;
    bool has_assignment;
    struct assigned_partition *assigned; /* freed by share_heartbeat_release */
    size_t assigned_count;
    char message[160]; /* empty: nothing to say */
};

/* Names that no topic can have are passed over; ids with a zero are refused, for they would be
 * taken for others.
 * Errors: INVALID_REQUEST, COORDINATOR_NOT_AVAILABLE (no memory for more), GROUP_ID_NOT_FOUND (also
 * of another kind), UNKNOWN_MEMBER_ID, FENCED_MEMBER_EPOCH, GROUP_MAX_SIZE_REACHED, those of a
 * write. */
void share_heartbeat_take(struct group_table *table, struct share_heartbeat *heartbeat);
void share_heartbeat_release(struct share_heartbeat *heartbeat);

/* "Empty", "Stable". */
const char *share_group_state(const struct share_group *group);
/* All but its id and its error. False: the arena has no room. */
bool share_group_describe(const struct share_group *group, const struct metadata *metadata,
                          struct kp_arena *arena,
                          struct kp_share_group_describe_response_group *into);
/* Its records, or their tombstones. */
void share_group_apply(struct group_table *table, const struct kp_record_type *type,
                       const struct coordinator_record *record);
void share_group_record(const struct share_group *group, struct group_batch *batch);
void share_group_tombstone(const struct share_group *group, struct group_batch *batch);
void share_group_drop(struct group *row);         /* nothing if it has none */
void share_group_lost(struct share_group *group); /* its members go */

#endif
