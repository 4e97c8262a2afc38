/*
 * The sessions of a member of a share group: one with each broker that leads something of what is
 * assigned to it.
 *
 * Happy path: share_leaders_place whenever the assignment or leaders may have changed; the caller
 * goes through `sessions`. Failures: partitions that nobody leads, or whose topic the broker that
 * is asked does not know, are left out, and the answer says so. Invariant: a session whose broker
 * leads nothing of it any more is ended.
 */
#ifndef CLIENT_SHARING_SHARE_LEADERS_H
#define CLIENT_SHARING_SHARE_LEADERS_H

#include "client/sharing/share_member.h"
#include "client/sharing/share_session.h"

struct share_topic {
    struct kp_uuid id;
    const char *name; /* one of the member's */
};

struct share_leaders {
    struct share_session **sessions;
    size_t count, room;
    struct share_topic *topics; /* those that were found so far */
    size_t topic_count, topic_room;
    const char *bootstrap;
};

/* ERR_NONE: all that is assigned has a leader. ERR_AGAIN: not all of it; ERR_* of admin_request:
 * none is known; what was before stays. `why` has the sentence. *missing is a topic of the member's
 * that is not there, NULL: none. */
int share_leaders_place(struct share_leaders *leaders, const struct share_member *member,
                        const char **missing, struct error_text *why);
/* NULL: not known. */
const char *share_leaders_topic(const struct share_leaders *leaders, struct kp_uuid id);
/* Ends all sessions, and frees what there is. */
void share_leaders_close(struct share_leaders *leaders);

#endif
