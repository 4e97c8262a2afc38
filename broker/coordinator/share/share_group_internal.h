/* What the files of share groups share. For others: share_group.h. */
#ifndef BROKER_COORDINATOR_SHARE_SHARE_GROUP_INTERNAL_H
#define BROKER_COORDINATOR_SHARE_SHARE_GROUP_INTERNAL_H

#include "broker/config/group_settings.h"
#include "broker/coordinator/share/share_group.h"
#include "broker/coordinator/share/share_readers.h"

struct share_member {
    struct share_group *group;
    char *id;
    char *names; /* of topics, sorted, each once, one behind the other, each with a zero */
    size_t names_len;
    char *client_id, *client_host;
    int32_t epoch, previous_epoch;
    struct assigned_partition *assigned;
    size_t assigned_count;
    int32_t assigned_epoch; /* of the group, and the metadata, by which that was found; 0: never */
    uint64_t assigned_version; /* as share_group.metadata_version */
    size_t charged;            /* to the group (group_memory.h) */
    struct group_timer session;
    UT_hash_handle hh;
};

/* What is set for it. */
struct group_sharing share_group_sharing(const struct group *row);
/* The epoch rises if what the topics are has changed. */
void share_group_follow(struct share_group *group);
/* What it fetches from now on, behind share_group_follow. True: it is something else than before.
 */
bool share_member_assign(struct share_member *member);

#endif
