/*
 * A member of a share group (KIP-932): says by heartbeats what it reads, and hears which partitions
 * it is to fetch.
 *
 * Happy path: share_member_open; share_member_beat in every turn of the caller's loop, which joins,
 * and keeps `assigned` as the coordinator said it last; share_member_close, which leaves.
 * Failures: a coordinator that has moved, does not answer, or no longer knows the member is asked
 * again, wherever it is by then, and joined again; what is assigned stays meanwhile. What the group
 * refuses for good is said. Invariant: a turn takes no longer than one request may (BEAT_MS).
 */
#ifndef CLIENT_SHARING_SHARE_MEMBER_H
#define CLIENT_SHARING_SHARE_MEMBER_H

#include "client/kafka/group_client.h"
#include "client/line/talk.h"
#include "client/sharing/share_places.h"

struct share_member {
    /* Read-only for callers. */
    struct admin_client *admin; /* quiet; free for questions between two turns, once renewed */
    const char *group;
    char id[23]; /* its own choice */
    struct share_places assigned;
    bool changed; /* `assigned`, in the last turn */
    /* Its own. */
    char *const *topics;
    size_t topic_count;
    int32_t epoch; /* 0: not joined */
    bool told;     /* what is assigned, if only that nothing is */
    uint64_t due_ms;
    struct patience patience;
};

/* Texts are the caller's, and outlive it. Joins with the first turn. */
void share_member_open(struct share_member *member, const char *bootstrap, const char *group,
                       char *const *topics, size_t topic_count);
/* A heartbeat, if it is due. An exit code: EXIT_REFUSED, said, where the group does not take it. */
int share_member_beat(struct share_member *member);
/* Leaves the group, if it is in it, and frees what it has. */
void share_member_close(struct share_member *member);

#endif
