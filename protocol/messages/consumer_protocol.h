/*
 * What members of type "consumer" say to each other through a group of the classic protocol:
 * ConsumerProtocolSubscription, as the metadata of each protocol in a Join, and
 * ConsumerProtocolAssignment, in a Sync. A coordinator reads and writes them when members of both
 * protocols are in one group.
 *
 * Both are a version and fields without compact forms. Failures: ERR_MALFORMED, ERR_TOO_LARGE (the
 * arena's limit). A version from the future is read as the newest that is known, as Kafka does.
 */
#ifndef PROTOCOL_MESSAGES_CONSUMER_PROTOCOL_H
#define PROTOCOL_MESSAGES_CONSUMER_PROTOCOL_H

#include "protocol/schema.h"

enum { KP_CONSUMER_PROTOCOL_NEWEST = 3 };

struct kp_consumer_protocol_partitions {
    struct kp_string topic;
    KP_ARRAY_OF(int32_t) partitions;
};

struct kp_consumer_subscription {
    KP_ARRAY_OF(struct kp_string) topics;
    struct kp_bytes user_data;                                 /* the assignor's */
    KP_ARRAY_OF(struct kp_consumer_protocol_partitions) owned; /* v1+; nothing before */
    int32_t generation;                                        /* v2+; -1: not known */
    struct kp_string rack;                                     /* v3+; null: not known */
};

struct kp_consumer_assignment {
    KP_ARRAY_OF(struct kp_consumer_protocol_partitions) assigned;
    struct kp_bytes user_data;
};

extern const struct kp_schema kp_consumer_protocol_partitions_schema;
extern const struct kp_schema kp_consumer_subscription_schema;
extern const struct kp_schema kp_consumer_assignment_schema;

/* Texts point into `bytes`, arrays into the arena. */
int kp_consumer_subscription_read(struct kp_bytes bytes, struct kp_arena *arena,
                                  struct kp_consumer_subscription *into);
/* No bytes at all are an assignment of nothing. */
int kp_consumer_assignment_read(struct kp_bytes bytes, struct kp_arena *arena,
                                struct kp_consumer_assignment *into);
/* In the version that a subscription of that member has (`like`); the newest if that is not to be
 * read. */
void kp_consumer_assignment_write(const struct kp_consumer_assignment *assignment,
                                  struct kp_bytes like, struct kp_writer *writer);

#endif
