/*
 * A consumer group as ConsumerGroupDescribe shows it (key 69, KIP-848).
 *
 * Happy path: fills a group of the answer from committed state, member after member, in steps that
 * are short: consumer_describe_begin, then consumer_describe_step until it says that it is over,
 * and consumer_describe_end. All texts are copies in the arena. Failures: the arena's limit is
 * passed. Invariants: topics that are gone are left out; each member is as it is when its step
 * comes, and those that come meanwhile are left out.
 */
#ifndef BROKER_COORDINATOR_CONSUMER_CONSUMER_DESCRIBE_H
#define BROKER_COORDINATOR_CONSUMER_CONSUMER_DESCRIBE_H

#include "broker/coordinator/consumer/consumer_group.h"
#include "broker/metadata/metadata.h"
#include "protocol/messages/consumer_group_describe.h"

/* Zeroed before; all of it is its own. */
struct consumer_describing {
    struct kp_consumer_group_describe_response_group *into;
    const struct metadata *metadata;
    struct kp_arena *arena;
    struct consumer_cursor members;
    int32_t room;
    struct kp_string names; /* of the member before, as topic_names.h has them; a copy */
    const struct kp_consumer_group_describe_response_member *before;
};

/* False: no room. All but the first two stay until consumer_describe_end. */
bool consumer_describe_begin(struct consumer_describing *describing, struct consumer_group *group,
                             const struct metadata *metadata, struct kp_arena *arena,
                             struct kp_consumer_group_describe_response_group *into);
enum consumer_described { CONSUMER_DESCRIBED_MORE, CONSUMER_DESCRIBED_ALL, CONSUMER_TOO_LARGE };
enum consumer_described consumer_describe_step(struct consumer_describing *describing);
void consumer_describe_end(struct consumer_describing *describing); /* nothing if it has ended */

#endif
