/*
 * Which member of a group gets which partition: what an assignor is given, and what it says.
 *
 * Everything is a number: topics have places, partitions are numbered through all topics, members
 * have places. So an assignor allocates little, looks nothing up, and may run on another thread on
 * a copy. Who makes the input leaves out topics that do not exist and what was held of them.
 * Happy path: fill an input, call an assignor, read `owner`. Failures: none.
 * Invariants: equal input gives equal output, in whatever order the members stand (they are told
 * apart by id, which is unique); a partition is given to one subscriber of its topic at most, and
 * to one if its topic has any; the time is linear in subscriptions, members and partitions, but for
 * logarithms and a fixed number of rounds.
 */
#ifndef BROKER_COORDINATOR_ASSIGNMENT_ASSIGNMENT_H
#define BROKER_COORDINATOR_ASSIGNMENT_ASSIGNMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "protocol/wire.h"

#define ASSIGNMENT_NOBODY UINT32_MAX

/* Topics stand in the order of their ids, which is the order in which partitions are given away. */
struct assignment_topic {
    uint32_t first;      /* the number of its partition 0 */
    uint32_t partitions; /* they have the numbers from there on */
};

/* Several members may share one array of topics: that they subscribe to the same shows at once. */
struct assignment_member {
    struct kp_string id, instance; /* instance: null for a dynamic member */
    const uint32_t *topics;        /* places, ascending, each once */
    const uint32_t *held; /* numbers of partitions that it was to have so far, in any order */
    uint32_t topic_count, held_count;
};

struct assignment_input {
    const struct assignment_topic *topics;
    const struct assignment_member *members;
    uint32_t topic_count, member_count;
    uint32_t partition_count; /* of all topics */
};

/* An assignor: sets owner[partition number] to the place of a member, or to ASSIGNMENT_NOBODY. */
typedef void assignment_assignor(const struct assignment_input *input, uint32_t *owner);

/* "range": of each topic, its subscribers get neighbouring partitions, the first ones one more.
 * Static members come first, by instance id, then the others, by id, so that topics with as many
 * partitions line up, also over restarts. Nothing is sticky. */
assignment_assignor assign_range;

/* "uniform": how many partitions members have differs by one at most if all subscribe to the same,
 * else by as little as 16 rounds of moves reach; what a member holds moves only for that. */
assignment_assignor assign_uniform;

/* ---- For assignors ---- */

/* Places of all members in the order of their ids; with `static_first` as assign_range says. For
 * mem_free. */
uint32_t *assignment_order(const struct assignment_input *input, bool static_first);

/* The subscribers of each topic: places[first[topic] .. first[topic + 1] - 1], as in `order`. */
struct assignment_subscribers {
    uint32_t *first, *places;
};
void assignment_subscribers_init(struct assignment_subscribers *subscribers,
                                 const struct assignment_input *input, const uint32_t *order);
void assignment_subscribers_close(struct assignment_subscribers *subscribers);

/* The topic that a partition belongs to. */
uint32_t assignment_topic_of(const struct assignment_input *input, uint32_t partition);

#endif
