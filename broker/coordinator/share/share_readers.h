/*
 * Who reads which topic of a share group: of each name that a member says, the members that say it,
 * ordered by their ids.
 *
 * Happy path: a member enters when it has said its names, and leaves before it says others or goes;
 * share_readers_place, whenever somebody is told what it fetches, in a time that hardly grows with
 * the group. Failures: none. Invariants: a topic is here as long as somebody reads it, whether
 * there is such a topic or not; what it takes is charged to the group (group_memory.h).
 */
#ifndef BROKER_COORDINATOR_SHARE_SHARE_READERS_H
#define BROKER_COORDINATOR_SHARE_SHARE_READERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/coordinator/group/group.h"

struct share_group;
struct share_member;

/* Of a name; a row of share_group.readers. */
struct share_readers {
    char *name;
    struct share_member **members; /* by id */
    size_t count, capacity;
    UT_hash_handle hh;
};

/* True: it reads something that nobody has read. */
bool share_readers_enter(struct share_member *member);
void share_readers_leave(struct share_member *member);
/* How many read what it reads as `name`, and how many of those come before it. */
void share_readers_place(const struct share_member *member, const char *name, int32_t *of,
                         int32_t *place);

#endif
