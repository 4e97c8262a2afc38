/*
 * A metadata table with brokers and one topic, for tests of plans and of what is lost: commands are
 * applied to it, and what it tells is kept as a text.
 */
#ifndef UNIT_BROKER_FIXTURE_REPLICAS_H
#define UNIT_BROKER_FIXTURE_REPLICAS_H

#include "broker/metadata/metadata.h"
#include "broker/metadata/metadata_commands.h"

struct replicas_fixture {
    struct metadata *metadata;
    struct metadata_listener listener;
    struct metadata_result result;
    uint64_t index;
    uint8_t requests;
    char told[512];
};

extern const struct kp_uuid replicas_topic_id;

int replicas_apply(struct replicas_fixture *fixture, const struct metadata_command *command);
/* Brokers 1 to 6, of which 1 to 3 are in the roster, and a topic of two partitions on 1, 2, 3. */
int replicas_setup(void **state);
int replicas_teardown(void **state);
const struct metadata_partition *replicas_partition(const struct replicas_fixture *fixture);
int replicas_plan(struct replicas_fixture *fixture, const int32_t *nodes, int32_t count);
int replicas_done_with(struct replicas_fixture *fixture, uint64_t number, int64_t change);
int replicas_done(struct replicas_fixture *fixture, uint64_t number);
replica_id replicas_id_on(const struct replicas_fixture *fixture, int32_t node);
int replicas_replace(struct replicas_fixture *fixture, int32_t node, uint8_t former,
                     uint8_t directory);

#endif
