/*
 * What a share group changes in the partitions that it reads: it begins there, begins elsewhere,
 * or goes. One at a time, in four steps, so that whatever may have begun is always recorded:
 *
 *   a turn of the group: checked, recorded as beginning --> the leaders of the partitions are asked
 *   --> a turn of the group: recorded as they answered --> over
 *
 * What is recorded already is not written again: where a group has begun, to begin elsewhere
 * changes nothing of that.
 *
 * Happy path: share_work_begin_places, with every heartbeat, looks whether something that a member
 * reads has not begun, and behind a change of coordinators or of the metadata asks the leaders once
 * more of all that has, without a record; the other two are what clients ask for, and are answered
 * when it is over. Failures: a partition that does not answer in time stays recorded as beginning,
 * and is asked again with a later heartbeat; a group that is to go stays until all of its
 * partitions have let go. When the lead is lost, work ends with NOT_COORDINATOR; leaders may do
 * what they were asked. Invariants: a group that is moved or dropped has no members, and gets none
 * meanwhile (share_work_needs_it_empty).
 */
#ifndef BROKER_COORDINATOR_SHARE_SHARE_WORK_H
#define BROKER_COORDINATOR_SHARE_SHARE_WORK_H

#include "broker/coordinator/share/share_group.h"

/* Something that a member reads has not begun: it is made to. Inside of a turn of the group. */
void share_work_begin_places(struct share_group *group);
/* Nobody may join now. */
bool share_work_needs_it_empty(const struct share_group *group);
/* The lead is lost. */
void share_work_lost(struct share_group *group);

/* ---- AlterShareGroupOffsets, DeleteShareGroupOffsets (KIP-932) ---- */

/* A partition of which something is asked, or a topic. */
struct share_change_part {
    struct kp_uuid topic;
    struct kp_string name;
    int32_t partition; /* of a topic: not looked at */
    int64_t start;     /* below 0: as share.auto.offset.reset says */
    int16_t code;      /* out */
};

struct share_change {
    struct group_call call; /* first */
    struct kp_string group_id, client_host;
    bool forgets; /* the topics of `parts` with all that begun in them; else it begins elsewhere */
    struct share_change_part *parts; /* all three stay until `done` */
    size_t count;
    struct share_work *work; /* ours */
};

/* The group is made if it is to begin elsewhere. Errors: GROUP_ID_NOT_FOUND (also of another kind),
 * NON_EMPTY_GROUP, INVALID_GROUP_ID (too long), COORDINATOR_LOAD_IN_PROGRESS (something is under
 * way with it), COORDINATOR_NOT_AVAILABLE (no memory for more), those of a write. Of a part:
 * UNKNOWN_TOPIC_OR_PARTITION (forgets: it never began there, or is named twice),
 * COORDINATOR_NOT_AVAILABLE (it did not answer), POLICY_VIOLATION (too many groups are there),
 * KAFKA_STORAGE_ERROR (no room on its disk). */
void share_change_take(struct group_table *table, struct share_change *change);

/* ---- DeleteGroups ---- */

/* Of a call that has its turn, at a share group: it is answered, and its turn ends.
 * NON_EMPTY_GROUP, COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE (some partitions have
 * not let go). */
void share_work_delete(struct group_delete *call);

#endif
