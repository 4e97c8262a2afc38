/* drave group describe --per: how far behind a group is by topic, or by member. */
#ifndef CLIENT_WHY_GROUP_SUMS_H
#define CLIENT_WHY_GROUP_SUMS_H

#include <jansson.h>

#include "client/kafka/group_view.h"

struct group_sum {
    const char *topic,
        *member; /* the one that is not summed by: NULL; member NULL: nobody owns it */
    size_t partitions;
    int64_t lag_records; /* of those whose lag is known; -1: of none */
    double lag_seconds;  /* the largest; -1: not known */
};

enum group_sum_by { SUM_BY_TOPIC, SUM_BY_MEMBER };

/* In the order in which they first appear; *count of them, in the arena. NULL: its limit is passed.
 */
struct group_sum *group_sums(const struct group_view *view, enum group_sum_by by,
                             struct kp_arena *arena, size_t *count);
json_t *group_sums_json(const struct group_sum *sums, enum group_sum_by by, size_t count);

#endif
