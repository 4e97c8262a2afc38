/*
 * The rules that a filter fits, some in each step of a request: there may be ten thousand.
 *
 * Happy path: acl_walk_next until it is over; what fits is in `found`, as copies in the arena, in
 * the order of the table. Failures: ACL_WALK_FULL, the arena has no room. Invariant: a rule that
 * is there all the time is found once, whatever comes and goes meanwhile.
 */
#ifndef BROKER_API_ACL_WALK_H
#define BROKER_API_ACL_WALK_H

#include "broker/access/acl_table.h"
#include "broker/metadata/metadata.h"

enum acl_walk_state { ACL_WALK_MORE, ACL_WALK_OVER, ACL_WALK_FULL };

struct acl_walk {
    const struct metadata *metadata;
    struct kp_arena *arena;
    struct acl_rule filter;
    struct acl_rule *found; /* ours, all below */
    size_t count, room;
    struct acl_rule last; /* that was looked at */
    bool begun;
};

/* `filter` stays. */
void acl_walk_begin(struct acl_walk *walk, const struct metadata *metadata,
                    const struct acl_rule *filter, struct kp_arena *arena);
enum acl_walk_state acl_walk_next(struct acl_walk *walk);

#endif
