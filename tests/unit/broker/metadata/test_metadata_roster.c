/* The roster: who formed the cluster, who came later, where they are reached, who is refused. */
#include <string.h>

#include "broker/metadata/metadata_roster.h"
#include "protocol/kafka_error.h"
#include "tests/unit/unit.h"

struct fixture {
    struct metadata *metadata;
    struct metadata_listener listener;
    struct metadata_result result;
    uint64_t index;
    int changes;
    int32_t changed;
};

static void on_changed(void *arg, const struct roster_broker *broker) {
    struct fixture *fixture = arg;
    fixture->changes++;
    fixture->changed = broker->node;
}

static int setup(void **state) {
    static const struct metadata_events events = {.roster_changed = on_changed};
    static const struct cluster_node nodes[] = {{1, {1}}, {2, {2}}, {3, {3}}};
    static struct fixture fixture;
    struct cluster_record record;
    memset(&fixture, 0, sizeof fixture);
    cluster_record_make(&record, nodes, 3, 3);
    fixture.metadata = metadata_new(3, 42);
    metadata_roster_begin(fixture.metadata, &record);
    fixture.listener = (struct metadata_listener){.events = &events, .arg = &fixture};
    metadata_listen(fixture.metadata, &fixture.listener);
    *state = &fixture;
    return 0;
}

static int teardown(void **state) {
    struct fixture *fixture = *state;
    metadata_free(fixture->metadata);
    return 0;
}

static int apply(struct fixture *fixture, const struct metadata_command *command) {
    struct slice bytes;
    assert_int_equal(metadata_command_encode(command, &bytes), ERR_NONE);
    assert_int_equal(metadata_apply(fixture->metadata, ++fixture->index, bytes.data, bytes.len,
                                    &fixture->result),
                     ERR_NONE);
    slice_unref(&bytes);
    return fixture->result.error;
}

static int admit(struct fixture *fixture, int32_t node, uint8_t directory, const char *host) {
    struct metadata_command command;
    metadata_command_init(&command, COMMAND_ADMIT_BROKER);
    command.admit_broker = (struct command_admit_broker){
        .node = node, .directory = {{directory}}, .host = kp_string_of(host), .port = 9093};
    return apply(fixture, &command);
}

static int register_broker(struct fixture *fixture, int32_t node, uint8_t directory,
                           const char *host, int32_t port) {
    struct metadata_command command;
    metadata_command_init(&command, COMMAND_REGISTER_BROKER);
    command.register_broker.node = node;
    command.register_broker.directory.bytes[0] = directory;
    command.register_broker.rack = kp_string_of("");
    command.register_broker.peer_host = kp_string_of(host);
    command.register_broker.peer_port = port;
    return apply(fixture, &command);
}

/* Those that formed the cluster have the replica ids from 1 on; one that came later has one that
 * nobody else ever had, and is no broker that serves before it registers. */
static void test_metadata_roster_admits(void **state) {
    struct fixture *fixture = *state;
    assert_int_equal(metadata_roster_count(fixture->metadata), 3);
    assert_int_equal(metadata_roster_of(fixture->metadata, 2)->replica, 2);
    assert_int_equal(admit(fixture, 0, 7, "ten"), KAFKA_NONE);
    assert_int_equal(admit(fixture, 9, 8, "nine"), KAFKA_NONE);
    assert_int_equal(fixture->changes, 2);
    assert_int_equal(metadata_roster_count(fixture->metadata), 5);
    assert_int_equal(metadata_roster_at(fixture->metadata, 0)->node, 0);
    assert_int_equal(metadata_roster_of(fixture->metadata, 0)->replica, 4);
    assert_int_equal(metadata_roster_with_replica(fixture->metadata, 5)->node, 9);
    assert_null(metadata_roster_with_replica(fixture->metadata, 6));
    assert_string_equal(metadata_roster_of(fixture->metadata, 9)->host, "nine");
    assert_int_equal(metadata_broker_count(fixture->metadata), 0);
}

/* A repeated command changes nothing; an id or a directory that is taken is refused. */
static void test_metadata_roster_refuses(void **state) {
    struct fixture *fixture = *state;
    assert_int_equal(admit(fixture, 4, 7, "four"), KAFKA_NONE);
    assert_int_equal(admit(fixture, 4, 7, "elsewhere"), KAFKA_NONE);
    assert_int_equal(admit(fixture, 4, 8, "four"), KAFKA_DUPLICATE_RESOURCE);
    assert_int_equal(admit(fixture, 5, 7, "five"), KAFKA_DUPLICATE_RESOURCE);
    assert_int_equal(admit(fixture, 5, 2, "five"), KAFKA_DUPLICATE_RESOURCE);
    assert_int_equal(admit(fixture, 2, 9, "two"), KAFKA_DUPLICATE_RESOURCE);
    assert_int_equal(admit(fixture, -1, 9, "minus"), KAFKA_INVALID_REQUEST);
    assert_int_equal(admit(fixture, 5, 0, "five"), KAFKA_INVALID_REQUEST);
    assert_int_equal(fixture->changes, 1);
    assert_int_equal(metadata_roster_count(fixture->metadata), 4);
    assert_string_equal(metadata_roster_of(fixture->metadata, 4)->host, "four");
}

/* The cluster has a limit. */
static void test_metadata_roster_is_full(void **state) {
    struct fixture *fixture = *state;
    for (int32_t node = 4; node <= ROSTER_MAX; node++)
        assert_int_equal(admit(fixture, node, (uint8_t)node, "host"), KAFKA_NONE);
    assert_int_equal(admit(fixture, 1000, 255, "host"), KAFKA_POLICY_VIOLATION);
    assert_int_equal(metadata_roster_count(fixture->metadata), ROSTER_MAX);
}

/* Who registers says where the others reach it; one with another directory is not let in. */
static void test_metadata_roster_registers(void **state) {
    struct fixture *fixture = *state;
    assert_string_equal(metadata_roster_of(fixture->metadata, 2)->host, "");
    assert_int_equal(register_broker(fixture, 2, 2, "two", 9094), KAFKA_NONE);
    assert_int_equal(fixture->changed, 2);
    assert_string_equal(metadata_roster_of(fixture->metadata, 2)->host, "two");
    assert_int_equal(metadata_roster_of(fixture->metadata, 2)->port, 9094);
    assert_int_equal(register_broker(fixture, 2, 2, "two", 9094), KAFKA_NONE);
    assert_int_equal(register_broker(fixture, 2, 2, "", 0), KAFKA_NONE); /* an older version */
    assert_int_equal(fixture->changes, 1);
    assert_int_equal(register_broker(fixture, 3, 2, "three", 1), KAFKA_BROKER_ID_NOT_REGISTERED);
    assert_null(metadata_broker_of(fixture->metadata, 3));
}

/* ---- Going ---- */

static int drain(struct fixture *fixture, int32_t node, bool draining) {
    struct metadata_command command;
    metadata_command_init(&command, COMMAND_DRAIN_BROKER);
    command.drain_broker = (struct command_drain_broker){.node = node, .draining = draining};
    return apply(fixture, &command);
}

static int retire(struct fixture *fixture, int32_t node) {
    struct metadata_command command;
    metadata_command_init(&command, COMMAND_RETIRE_BROKER);
    command.retire_broker.node = node;
    return apply(fixture, &command);
}

static int create(struct fixture *fixture, int32_t *nodes, int32_t count) {
    struct metadata_command command;
    struct command_partition partition = {.nodes = {nodes, count}};
    metadata_command_init(&command, COMMAND_CREATE_TOPIC);
    command.create_topic.name = kp_string_of("orders");
    command.create_topic.id = (struct kp_uuid){{1}};
    command.create_topic.partitions.items = &partition;
    command.create_topic.partitions.count = 1;
    return apply(fixture, &command);
}

static int move(struct fixture *fixture, int32_t *nodes, int32_t count) {
    struct metadata_command command;
    metadata_command_init(&command, COMMAND_SET_REPLICAS);
    command.set_replicas.id = (struct kp_uuid){{1}};
    command.set_replicas.request = (struct kp_uuid){{(uint8_t)fixture->index, 1}};
    command.set_replicas.nodes.items = nodes;
    command.set_replicas.nodes.count = count;
    return apply(fixture, &command);
}

/* One that drains gets no replica that it does not have, until that is taken back; the last that
 * takes some does not drain. */
static void test_metadata_roster_drains(void **state) {
    struct fixture *fixture = *state;
    int32_t nodes[] = {1, 2}, others[] = {1, 3};
    for (int32_t node = 1; node <= 3; node++)
        assert_int_equal(register_broker(fixture, node, (uint8_t)node, "h", 1), KAFKA_NONE);
    assert_int_equal(create(fixture, nodes, 2), KAFKA_NONE);
    assert_int_equal(drain(fixture, 3, true), KAFKA_NONE);
    assert_int_equal(drain(fixture, 2, true), KAFKA_NONE);
    assert_int_equal(drain(fixture, 1, true), KAFKA_POLICY_VIOLATION);
    assert_int_equal(drain(fixture, 7, true), KAFKA_BROKER_ID_NOT_REGISTERED);
    assert_true(metadata_roster_is_draining(fixture->metadata, 3));
    assert_int_equal(metadata_roster_taking(fixture->metadata), 1);
    assert_int_equal(move(fixture, others, 2), KAFKA_INVALID_REPLICA_ASSIGNMENT);
    assert_int_equal(move(fixture, nodes, 2), KAFKA_NONE); /* it has it */
    assert_int_equal(drain(fixture, 3, false), KAFKA_NONE);
    assert_int_equal(move(fixture, others, 2), KAFKA_NONE);
}

/* Whoever holds a replica stays; who went is listed no more, and neither its id nor its directory
 * comes back. A repeated command changes nothing. */
static void test_metadata_roster_retires(void **state) {
    struct fixture *fixture = *state;
    int32_t nodes[] = {1, 2};
    for (int32_t node = 1; node <= 3; node++)
        assert_int_equal(register_broker(fixture, node, (uint8_t)node, "h", 1), KAFKA_NONE);
    assert_int_equal(create(fixture, nodes, 2), KAFKA_NONE);
    assert_int_equal(retire(fixture, 2), KAFKA_POLICY_VIOLATION);
    assert_int_equal(retire(fixture, 7), KAFKA_BROKER_ID_NOT_REGISTERED);
    assert_int_equal(retire(fixture, 3), KAFKA_NONE);
    int changes = fixture->changes;
    assert_int_equal(fixture->changed, 3);
    assert_int_equal(retire(fixture, 3), KAFKA_NONE);
    assert_int_equal(fixture->changes, changes);
    assert_null(metadata_roster_of(fixture->metadata, 3));
    assert_null(metadata_broker_of(fixture->metadata, 3));
    assert_true(metadata_roster_is_retired(fixture->metadata, 3));
    assert_int_equal(register_broker(fixture, 3, 3, "h", 1), KAFKA_BROKER_ID_NOT_REGISTERED);
    assert_int_equal(admit(fixture, 3, 9, "h"), KAFKA_DUPLICATE_RESOURCE);
    assert_int_equal(admit(fixture, 9, 3, "h"), KAFKA_DUPLICATE_RESOURCE);
    assert_int_equal(admit(fixture, 9, 9, "h"), KAFKA_NONE);
    assert_int_equal(metadata_roster_of(fixture->metadata, 9)->replica > 3, 1);
}

/* ---- Being replaced ---- */

static int replace(struct fixture *fixture, int32_t node, uint8_t former, uint8_t directory) {
    struct metadata_command command;
    metadata_command_init(&command, COMMAND_REPLACE_BROKER);
    command.replace_broker = (struct command_replace_broker){.node = node,
                                                             .former = {{former}},
                                                             .directory = {{directory}},
                                                             .host = kp_string_of("new"),
                                                             .port = 9095};
    return apply(fixture, &command);
}

/* Another directory has the id, under a replica id that nobody had, and is not alive before it
 * registers; the old one never comes back, nor does it register. A repeated command changes
 * nothing. */
static void test_metadata_roster_replaces(void **state) {
    struct fixture *fixture = *state;
    assert_int_equal(register_broker(fixture, 2, 2, "two", 9094), KAFKA_NONE);
    assert_int_equal(metadata_next_replica(fixture->metadata), 4);
    assert_int_equal(replace(fixture, 2, 2, 7), KAFKA_NONE);
    const struct roster_broker *row = metadata_roster_of(fixture->metadata, 2);
    assert_int_equal(row->replica, 4);
    assert_int_equal(row->directory[0], 7);
    assert_string_equal(row->host, "new");
    assert_true(row->votes);
    assert_null(metadata_roster_with_replica(fixture->metadata, 2));
    assert_true(metadata_broker_of(fixture->metadata, 2)->fenced);
    assert_false(metadata_roster_is_retired(fixture->metadata, 2));
    assert_true(metadata_roster_is_retired_directory(fixture->metadata, (uint8_t[16]){2}));
    int changes = fixture->changes;
    assert_int_equal(replace(fixture, 2, 2, 7), KAFKA_NONE);
    assert_int_equal(fixture->changes, changes);
    assert_int_equal(metadata_roster_of(fixture->metadata, 2)->replica, 4);
    assert_int_equal(register_broker(fixture, 2, 2, "two", 1), KAFKA_BROKER_ID_NOT_REGISTERED);
    assert_int_equal(register_broker(fixture, 2, 7, "two", 1), KAFKA_NONE);
    assert_false(metadata_broker_of(fixture->metadata, 2)->fenced);
    assert_int_equal(replace(fixture, 2, 7, 2), KAFKA_DUPLICATE_RESOURCE);
    assert_int_equal(admit(fixture, 9, 2, "nine"), KAFKA_DUPLICATE_RESOURCE);
}

/* Who is not there, a directory that is another one's or none, and a broker that somebody else
 * replaced meanwhile. */
static void test_metadata_roster_replaces_not(void **state) {
    struct fixture *fixture = *state;
    assert_int_equal(replace(fixture, 7, 7, 8), KAFKA_BROKER_ID_NOT_REGISTERED);
    assert_int_equal(replace(fixture, 2, 2, 3), KAFKA_DUPLICATE_RESOURCE);
    assert_int_equal(replace(fixture, 2, 2, 0), KAFKA_INVALID_REQUEST);
    assert_int_equal(replace(fixture, 2, 5, 8), KAFKA_DUPLICATE_RESOURCE);
    assert_int_equal(fixture->changes, 0);
    assert_int_equal(metadata_next_replica(fixture->metadata), 4);
}

/* ---- Voting on the metadata ---- */

static int set_voters(struct fixture *fixture, int32_t *nodes, int32_t count, int32_t *former,
                      int32_t former_count) {
    struct metadata_command command;
    metadata_command_init(&command, COMMAND_SET_VOTERS);
    command.set_voters.nodes.items = nodes;
    command.set_voters.nodes.count = count;
    command.set_voters.former.items = former;
    command.set_voters.former.count = former_count;
    return apply(fixture, &command);
}

static int give_up(struct fixture *fixture, replica_id survivor, int32_t *lost, int32_t count) {
    struct metadata_command command;
    metadata_command_init(&command, COMMAND_RECOVER_PARTITION);
    command.recover_partition.group = METADATA_GROUP;
    command.recover_partition.replica = (int64_t)survivor;
    command.recover_partition.lost.items = lost;
    command.recover_partition.lost.count = count;
    return apply(fixture, &command);
}

/* The metadata goes on without some, never without the one that it goes on with: they cannot
 * register, and are those that they were until another directory takes their place. */
static void test_metadata_roster_gives_up(void **state) {
    struct fixture *fixture = *state;
    int32_t lost[] = {2, 9, 1};
    assert_int_equal(register_broker(fixture, 2, 2, "two", 9093), KAFKA_NONE);
    int changes = fixture->changes;
    assert_int_equal(give_up(fixture, 1, lost, 3), KAFKA_NONE);
    assert_int_equal(fixture->changes, changes + 1);
    assert_int_equal(fixture->changed, 2);
    assert_true(metadata_roster_of(fixture->metadata, 2)->given_up);
    assert_false(metadata_roster_of(fixture->metadata, 1)->given_up);
    assert_int_equal(metadata_roster_of(fixture->metadata, 2)->replica, 2);
    assert_true(metadata_broker_of(fixture->metadata, 2)->fenced);
    assert_int_equal(register_broker(fixture, 2, 2, "two", 9093), KAFKA_BROKER_ID_NOT_REGISTERED);
    assert_int_equal(give_up(fixture, 1, lost, 3), KAFKA_NONE); /* once more */
    assert_int_equal(fixture->changes, changes + 1);
    assert_int_equal(replace(fixture, 2, 2, 7), KAFKA_NONE);
    assert_false(metadata_roster_of(fixture->metadata, 2)->given_up);
    assert_int_equal(register_broker(fixture, 2, 7, "two", 9093), KAFKA_NONE);
}

/* Of two metadata that went on from the same place each gives the same ids. Who comes back with the
 * other one is not told that it was replaced: neither by the one nor by the other. */
static void test_metadata_roster_other_past(void **state) {
    struct fixture *fixture = *state;
    static const uint8_t never_met[METADATA_UUID_SIZE] = {50}, replaced[METADATA_UUID_SIZE] = {2},
                         here[METADATA_UUID_SIZE] = {7}, left[METADATA_UUID_SIZE] = {9};
    assert_int_equal(replace(fixture, 2, 2, 7), KAFKA_NONE);
    assert_int_equal(admit(fixture, 4, 9, "four"), KAFKA_NONE);
    assert_int_equal(drain(fixture, 4, true), KAFKA_NONE);
    assert_int_equal(retire(fixture, 4), KAFKA_NONE);
    replica_id last = metadata_next_replica(fixture->metadata) - 1;
    assert_true(metadata_roster_is_of_another_past(fixture->metadata, never_met, last));
    assert_false(metadata_roster_is_of_another_past(fixture->metadata, never_met, last + 1));
    assert_false(metadata_roster_is_of_another_past(fixture->metadata, never_met, 0));
    assert_false(metadata_roster_is_of_another_past(fixture->metadata, replaced, last));
    assert_false(metadata_roster_is_of_another_past(fixture->metadata, here, last));
    assert_false(metadata_roster_is_of_another_past(fixture->metadata, left, last));
}

/* Those that are named are to vote, and no others; who drains and does not vote gets no vote; a
 * change of what is not so any more changes nothing. */
static void test_metadata_roster_votes(void **state) {
    struct fixture *fixture = *state;
    int32_t first[] = {1, 2, 3}, two[] = {4, 1}, other[] = {3, 1}, twice[] = {1, 1};
    int32_t unknown[] = {1, 7};
    assert_int_equal(admit(fixture, 4, 7, "four"), KAFKA_NONE);
    assert_false(metadata_roster_of(fixture->metadata, 4)->votes);
    int changes = fixture->changes;
    assert_int_equal(set_voters(fixture, two, 0, NULL, 0), KAFKA_INVALID_REQUEST);
    assert_int_equal(set_voters(fixture, twice, 2, NULL, 0), KAFKA_INVALID_REQUEST);
    assert_int_equal(set_voters(fixture, unknown, 2, NULL, 0), KAFKA_BROKER_ID_NOT_REGISTERED);
    assert_int_equal(set_voters(fixture, two, 2, other, 2), KAFKA_INVALID_REQUEST);
    assert_int_equal(drain(fixture, 4, true), KAFKA_NONE);
    assert_int_equal(set_voters(fixture, two, 2, NULL, 0), KAFKA_POLICY_VIOLATION);
    assert_int_equal(drain(fixture, 4, false), KAFKA_NONE);
    assert_int_equal(fixture->changes, changes + 2);
    assert_int_equal(set_voters(fixture, two, 2, first, 3), KAFKA_NONE);
    assert_int_equal(fixture->changes, changes + 5); /* 2 and 3 not any more, 4 */
    assert_true(metadata_roster_of(fixture->metadata, 4)->votes);
    assert_true(metadata_roster_of(fixture->metadata, 1)->votes);
    assert_false(metadata_roster_of(fixture->metadata, 2)->votes);
    assert_int_equal(set_voters(fixture, two, 2, first, 3), KAFKA_NONE); /* repeated */
    assert_int_equal(fixture->changes, changes + 5);
    assert_int_equal(drain(fixture, 4, true), KAFKA_NONE);
    assert_int_equal(set_voters(fixture, two, 2, NULL, 0), KAFKA_NONE); /* it has it */
}

/* ADMIT of what is there, and taking back a drain that is none, are done once. */
static void test_metadata_roster_repeated(void **state) {
    struct fixture *fixture = *state;
    assert_int_equal(admit(fixture, 4, 7, "four"), KAFKA_NONE);
    replica_id next = metadata_next_replica(fixture->metadata);
    int changes = fixture->changes;
    assert_int_equal(admit(fixture, 4, 7, "four"), KAFKA_NONE);
    assert_int_equal(drain(fixture, 4, false), KAFKA_NONE);
    assert_int_equal(fixture->changes, changes);
    assert_int_equal(drain(fixture, 4, true), KAFKA_NONE);
    assert_int_equal(drain(fixture, 4, true), KAFKA_NONE);
    assert_int_equal(fixture->changes, changes + 1);
    assert_int_equal(drain(fixture, 4, false), KAFKA_NONE);
    assert_int_equal(drain(fixture, 4, false), KAFKA_NONE);
    assert_int_equal(fixture->changes, changes + 2);
    assert_int_equal(metadata_next_replica(fixture->metadata), next);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_metadata_roster_admits),   TEST(test_metadata_roster_refuses),
        TEST(test_metadata_roster_is_full),  TEST(test_metadata_roster_registers),
        TEST(test_metadata_roster_drains),   TEST(test_metadata_roster_retires),
        TEST(test_metadata_roster_replaces), TEST(test_metadata_roster_replaces_not),
        TEST(test_metadata_roster_gives_up), TEST(test_metadata_roster_votes),
        TEST(test_metadata_roster_repeated), TEST(test_metadata_roster_other_past),
    };
    return cmocka_run_group_tests_name("metadata_roster", tests, NULL, NULL);
}
