/*
 * A consumer group as its coordinator tells it, put together for console_group: members and what
 * they own, what is committed. In the terms of why/facts.h, so that it can be judged.
 *
 * Happy path: the answers to ConsumerGroupDescribe and DescribeGroups (of which one knows the
 * group) and OffsetFetch are taken; then each partition stands there once, in the order of topics
 * and partitions. Failures: false where the memory of the inquiry is used up.
 */
#ifndef BROKER_CONSOLE_GROUP_VIEW_H
#define BROKER_CONSOLE_GROUP_VIEW_H

#include "broker/console/asking/inquiry.h"
#include "broker/console/asking/partition_facts.h"
#include "protocol/messages/consumer_group_describe.h"
#include "protocol/messages/describe_groups.h"
#include "protocol/messages/group_activity.h"
#include "protocol/messages/offset_fetch.h"
#include "why/facts.h"

struct group_view {
    bool found;
    const char *protocol; /* the assignor */
    struct why_facts facts;
    size_t room; /* of facts.partitions */
    /* Of each partition in facts.partitions, once group_view_sort has run. */
    struct partition_fact *asked;
};

bool group_view_take_consumer(struct inquiry *inquiry, struct group_view *view,
                              const struct kp_consumer_group_describe_response_group *group);
bool group_view_take_classic(struct inquiry *inquiry, struct group_view *view,
                             const struct kp_describe_groups_response_group *group);
bool group_view_take_offsets(struct inquiry *inquiry, struct group_view *view,
                             const struct kp_offset_fetch_response *response);
/* When all are taken. */
bool group_view_sort(struct inquiry *inquiry, struct group_view *view);

/* What the coordinator remembers (NULL: it does not tell), and what the leaders have told of
 * `asked`. */
bool group_view_take_activity(struct inquiry *inquiry, struct group_view *view,
                              const struct kp_group_activity_response *activity);
void group_view_take_told(struct group_view *view);

#endif
