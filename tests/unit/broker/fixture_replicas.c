/* The table and its commands; fixture_replicas.h has the rules. */
#include "tests/unit/broker/fixture_replicas.h"

#include <stdio.h>
#include <string.h>

#include "broker/metadata/metadata_commands.h"
#include "broker/metadata/metadata_roster.h"
#include "protocol/kafka_error.h"
#include "tests/unit/unit.h"

static void on_changed(void *arg, const struct metadata_partition *partition) {
    struct replicas_fixture *fixture = arg;
    size_t used = strlen(fixture->told);
    snprintf(fixture->told + used, sizeof fixture->told - used, "~%d ", partition->index);
}

static void on_left(void *arg, const struct metadata_partition *partition,
                    const struct metadata_replica *replica) {
    struct replicas_fixture *fixture = arg;
    size_t used = strlen(fixture->told);
    snprintf(fixture->told + used, sizeof fixture->told - used, "-%d:%d ", partition->index,
             replica->node);
}

int replicas_apply(struct replicas_fixture *fixture, const struct metadata_command *command) {
    struct slice bytes;
    assert_int_equal(metadata_command_encode(command, &bytes), ERR_NONE);
    assert_int_equal(metadata_apply(fixture->metadata, ++fixture->index, bytes.data, bytes.len,
                                    &fixture->result),
                     ERR_NONE);
    slice_unref(&bytes);
    return fixture->result.error;
}

const struct kp_uuid replicas_topic_id = {{9, 8, 7}};

static const struct cluster_node founders[] = {{1, {1}}, {2, {2}}, {3, {3}}};

/* Brokers 1 to 6, of which 1 to 3 are in the roster, and a topic of two partitions on 1, 2, 3. */
int replicas_setup(void **state) {
    static const struct metadata_events events = {.replicas_changed = on_changed,
                                                  .replica_left = on_left};
    static struct replicas_fixture fixture;
    static int32_t nodes[] = {1, 2, 3};
    memset(&fixture, 0, sizeof fixture);
    fixture.metadata = metadata_new(3, 42);
    fixture.listener = (struct metadata_listener){.events = &events, .arg = &fixture};
    metadata_listen(fixture.metadata, &fixture.listener);
    struct cluster_record record;
    cluster_record_make(&record, founders, 3, 3);
    metadata_roster_begin(fixture.metadata, &record);
    struct metadata_command command;
    for (int32_t node = 1; node <= 6; node++) {
        metadata_command_init(&command, COMMAND_REGISTER_BROKER);
        command.register_broker.node = node;
        command.register_broker.directory.bytes[0] = (uint8_t)node;
        command.register_broker.rack = kp_string_of("");
        assert_int_equal(replicas_apply(&fixture, &command), KAFKA_NONE);
    }
    struct command_partition partitions[2] = {{.nodes = {nodes, 3}}, {.nodes = {nodes, 3}}};
    metadata_command_init(&command, COMMAND_CREATE_TOPIC);
    command.create_topic.name = kp_string_of("orders");
    command.create_topic.id = replicas_topic_id;
    command.create_topic.partitions.items = partitions;
    command.create_topic.partitions.count = 2;
    assert_int_equal(replicas_apply(&fixture, &command), KAFKA_NONE);
    *state = &fixture;
    return 0;
}

int replicas_teardown(void **state) {
    struct replicas_fixture *fixture = *state;
    metadata_free(fixture->metadata);
    return 0;
}

const struct metadata_partition *replicas_partition(const struct replicas_fixture *fixture) {
    return metadata_partition_at(metadata_topic_named(fixture->metadata, "orders", 6), 0);
}

int replicas_plan(struct replicas_fixture *fixture, const int32_t *nodes, int32_t count) {
    struct metadata_command command;
    metadata_command_init(&command, COMMAND_SET_REPLICAS);
    command.set_replicas.id = replicas_topic_id;
    command.set_replicas.request = (struct kp_uuid){{++fixture->requests, 1}};
    command.set_replicas.nodes.items = (int32_t *)nodes;
    command.set_replicas.nodes.count = count;
    command.set_replicas.cancel = count == 0;
    return replicas_apply(fixture, &command);
}

int replicas_done_with(struct replicas_fixture *fixture, uint64_t number, int64_t change) {
    struct metadata_command command;
    metadata_command_init(&command, COMMAND_REPLICAS_DONE);
    command.replicas_done.group = (int64_t)replicas_partition(fixture)->group;
    command.replicas_done.plan = (int64_t)number;
    command.replicas_done.change = change;
    return replicas_apply(fixture, &command);
}

int replicas_done(struct replicas_fixture *fixture, uint64_t number) {
    return replicas_done_with(fixture, number, 0);
}

replica_id replicas_id_on(const struct replicas_fixture *fixture, int32_t node) {
    const struct metadata_replica *replica = metadata_replica_on(replicas_partition(fixture), node);
    return replica == NULL ? 0 : replica->replica;
}

int replicas_replace(struct replicas_fixture *fixture, int32_t node, uint8_t former,
                     uint8_t directory) {
    struct metadata_command command;
    metadata_command_init(&command, COMMAND_REPLACE_BROKER);
    command.replace_broker = (struct command_replace_broker){
        .node = node, .former = {{former}}, .directory = {{directory}}, .below = INT64_MAX};
    command.replace_broker.host = kp_string_of("");
    return replicas_apply(fixture, &command);
}
