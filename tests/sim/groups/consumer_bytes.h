/*
 * What members of the classic protocol tell one another through the coordinator: Kafka's
 * ConsumerProtocolSubscription (version 3) and ConsumerProtocolAssignment (version 3), of the topic
 * of the run.
 */
#ifndef SIM_GROUPS_CONSUMER_BYTES_H
#define SIM_GROUPS_CONSUMER_BYTES_H

#include "tests/sim/groups/group_book.h"

/* Encoded; the bytes live as long as the buffer. */
struct consumer_bytes {
    uint8_t data[1024];
    int32_t len;
};
struct kp_bytes consumer_bytes_view(const struct consumer_bytes *bytes);

void consumer_bytes_of_subscription(const char *topic, const struct owned_list *owned,
                                    int32_t generation, struct consumer_bytes *into);
void consumer_bytes_of_assignment(const char *topic, const struct owned_list *owned,
                                  struct consumer_bytes *into);

/* What cannot be read fails the run. `owned` of the topic of the run. */
void consumer_bytes_subscription(struct run *run, struct kp_bytes bytes, struct owned_list *owned,
                                 int32_t *generation);
/* No bytes: nothing. */
void consumer_bytes_assignment(struct run *run, struct kp_bytes bytes, struct owned_list *owned);

#endif
