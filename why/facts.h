/*
 * What is known of a group that may lag behind: its members, its partitions as coordinator and
 * leaders see them, what happened lately. Facts only; what follows from them is in diagnosis.h.
 *
 * Happy path: whoever asks coordinator and leaders begins partitions with why_partition_unknown,
 * fills in what is told, and finds who reads for a member with why_take_reader. Failures: none.
 * Ages are ms before now, rates thousandths of records a second; WHY_UNKNOWN is what is not known,
 * and never stands for 0. Texts belong to whoever made the facts.
 */
#ifndef WHY_FACTS_H
#define WHY_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/messages/group_activity.h"
#include "protocol/messages/partition_traffic.h"

enum { WHY_UNKNOWN = -1, WHY_NOBODY = -1 };
enum why_window { WHY_SHORT, WHY_LONG, WHY_WINDOWS }; /* the window, and ten times it */

struct why_member {
    const char *id, *instance, *client_id, *host; /* instance NULL: not a static member */
    size_t owned;                                 /* partitions */
    int64_t heard_age_ms;                         /* of its last heartbeat */
    int64_t rebalance_timeout_ms;
};

/* Who fetches a partition for the member that owns it. */
struct why_reader {
    bool known;
    int64_t offset, furthest; /* that it fetched from last, and ever */
    int64_t seen_age_ms;      /* of its last fetch */
    int64_t moved_age_ms;     /* since when it has come no further */
    int32_t again;            /* how often since then it was given what it had been given */
};

struct why_partition {
    const char *topic;
    int32_t partition;
    int32_t member;                      /* place in the members; WHY_NOBODY */
    int64_t committed;                   /* WHY_UNKNOWN: never */
    int64_t log_start, end;              /* of the log */
    int64_t lag;                         /* records */
    int64_t age_ms;                      /* of the next record to be consumed; 0: there is none */
    int64_t commit_age_ms, moved_age_ms; /* of the last commit; of the last that moved on */
    int64_t produced[WHY_WINDOWS], consumed[WHY_WINDOWS]; /* rates */
    bool watched; /* its leader has told; else nothing is known of its reader and of what comes */
    struct why_reader reader;
};

/* Nothing is known of it but where it is, and who has it. */
struct why_partition why_partition_unknown(const char *topic, int32_t partition, int32_t member);

/* Somebody who fetches, as the leader remembers: its client id may be cut. `reader` is what it
 * would be as the reader. */
struct why_fetcher {
    struct kp_string client_id, peer; /* "10.0.0.7:41234" or "[::1]:41234" */
    struct why_reader reader;
};
/* The member whose fetches are looked for, and what its group has committed. */
struct why_sought {
    struct kp_string client_id, host; /* "/10.0.0.7" */
    int64_t committed;
};
/* Makes `one` the reader, if it looks like the member. Several may (others of the same name at the
 * same host): the one that fetched last of those that ever came to where the group stands, for
 * nobody commits what he has not fetched. */
void why_take_reader(struct why_reader *best, const struct why_sought *sought,
                     const struct why_fetcher *one);
/* The same with all of whom the partition's leader told. */
void why_take_readers(struct why_partition *partition, const struct why_member *owner,
                      const struct kp_partition_traffic_response_partition *told);

struct why_event {
    int64_t age_ms;
    enum kp_group_event what;
    bool began; /* a rebalance */
    const char *member_id, *client_id, *host;
};

struct why_facts {
    const char *group, *type, *state;
    int64_t window_ms;
    bool told;            /* the coordinator has told what it remembers; else no events are known */
    int64_t leading_ms;   /* for so long it has been the coordinator */
    int64_t unsettled_ms; /* the group is being rebalanced for so long; WHY_UNKNOWN: it is not */
    struct why_member *members;
    struct why_partition *partitions; /* committed, or owned by a member */
    struct why_event *events;         /* the oldest first */
    size_t member_count, partition_count, event_count;
};

#endif
