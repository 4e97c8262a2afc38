/* Requests about the cluster, filled with what most tests want, and whole brokers to ask. */
#ifndef TESTS_UNIT_BROKER_FIXTURE_CLUSTER_ASKS_H
#define TESTS_UNIT_BROKER_FIXTURE_CLUSTER_ASKS_H

#include "protocol/messages/create_partitions.h"
#include "protocol/messages/metadata.h"
#include "tests/unit/broker/fixture_brokers.h"

/* One broker, or three, started with brokers_start out of the test's state; the first of them. */
struct broker_node *start_one(void **state, const char *const *pairs);
struct broker_node *start_three(void **state);

/* `part` is somewhere in it. */
void assert_text(struct kp_string string, const char *part);

/* `name` NULL: all topics. */
struct kp_metadata_response metadata(struct broker_node *node, int version, const char *name,
                                     bool create);

/* `count` partitions for it, `assignments` of them assigned to broker 1 by the client (0: placed by
 * the broker). */
struct kp_create_partitions_response grow(struct broker_node *node, int version, const char *name,
                                          int32_t count, int assignments);

#endif
