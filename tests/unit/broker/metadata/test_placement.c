/* Where replicas go: evenly, over racks, and what the metadata leader refuses. */
#include <stdio.h>
#include <string.h>

#include "broker/metadata/metadata_leader.h"
#include "broker/metadata/metadata_roster.h"
#include "broker/placement/placement.h"
#include "protocol/kafka_error.h"
#include "tests/unit/unit.h"

/* Every broker leads and holds the same number, and the followers of one broker's partitions are
 * spread, too. */
static void test_placement_even(void **state) {
    (void)state;
    struct placement_broker brokers[] = {
        {1, "", 0, 0, false}, {2, "", 0, 0, false}, {3, "", 0, 0, false}, {4, "", 0, 0, false}};
    int32_t nodes[24 * 3];
    placement_place(brokers, 4, 24, 3, 0, nodes);
    int followed[5][5] = {{0}};
    for (int p = 0; p < 24; p++) {
        assert_int_not_equal(nodes[3 * p], nodes[3 * p + 1]);
        assert_int_not_equal(nodes[3 * p], nodes[3 * p + 2]);
        assert_int_not_equal(nodes[3 * p + 1], nodes[3 * p + 2]);
        followed[nodes[3 * p]][nodes[3 * p + 1]]++;
        followed[nodes[3 * p]][nodes[3 * p + 2]]++;
    }
    for (int b = 0; b < 4; b++) {
        assert_int_equal(brokers[b].leaders, 6);
        assert_int_equal(brokers[b].replicas, 18);
        for (int other = 1; other <= 4; other++)
            if (other != brokers[b].node) assert_in_range(followed[brokers[b].node][other], 2, 6);
    }
}

/* Topics made one by one, each with one partition, are spread as well as one large topic; what is
 * there already counts. */
static void test_placement_balances_what_is_there(void **state) {
    (void)state;
    struct placement_broker brokers[] = {
        {1, "", 5, 5, false}, {2, "", 0, 9, false}, {3, "", 2, 2, false}};
    int32_t nodes[2];
    for (int topic = 0; topic < 8; topic++)
        placement_place(brokers, 3, 1, 2, (uint64_t)topic, nodes);
    for (int b = 0; b < 3; b++)
        assert_int_equal(brokers[b].leaders, 5);
}

/* With racks, a partition is in as many of them as it can be. */
static void test_placement_racks(void **state) {
    (void)state;
    struct placement_broker brokers[] = {{1, "a", 0, 0, false}, {2, "a", 0, 0, false},
                                         {3, "b", 0, 0, false}, {4, "b", 0, 0, false},
                                         {5, "c", 0, 0, false}, {6, "c", 0, 0, false}};
    int32_t nodes[30 * 3];
    placement_place(brokers, 6, 30, 3, 7, nodes);
    for (int p = 0; p < 30; p++) {
        int racks = 0;
        for (int r = 0; r < 3; r++)
            racks |= 1 << (nodes[3 * p + r] - 1) / 2;
        assert_int_equal(racks, 7);
    }
    for (int b = 0; b < 6; b++)
        assert_int_equal(brokers[b].leaders, 5);
}

/* One broker holds everything when it is alone. */
static void test_placement_alone(void **state) {
    (void)state;
    struct placement_broker brokers[] = {{7, "", 0, 0, false}};
    int32_t nodes[3];
    placement_place(brokers, 1, 3, 1, 2, nodes);
    for (int p = 0; p < 3; p++)
        assert_int_equal(nodes[p], 7);
}

/* ---- The metadata leader ---- */

enum { OWN_PARTITIONS = 10 };

struct fixture {
    struct metadata *metadata;
    struct kp_arena arena;
    bool young; /* the leader has just been elected */
    struct metadata_change change;
    struct metadata_result result;
    uint64_t index;
    bool again;
    uint32_t partitions_max, broker_partitions_max;
};

static void apply(struct fixture *fixture, const struct metadata_command *command) {
    struct slice bytes;
    struct metadata_result result;
    assert_int_equal(metadata_command_encode(command, &bytes), ERR_NONE);
    assert_int_equal(
        metadata_apply(fixture->metadata, ++fixture->index, bytes.data, bytes.len, &result),
        ERR_NONE);
    assert_int_equal(result.error, 0);
    slice_unref(&bytes);
}

static void register_broker(struct fixture *fixture, int32_t node, bool fenced) {
    struct metadata_command command;
    metadata_command_init(&command, COMMAND_REGISTER_BROKER);
    command.register_broker.node = node;
    command.register_broker.directory.bytes[0] = (uint8_t)node;
    apply(fixture, &command);
    metadata_command_init(&command, COMMAND_FENCE_BROKER);
    command.fence_broker.node = node;
    command.fence_broker.fenced = fenced;
    apply(fixture, &command);
}

static int setup(void **state) {
    static struct fixture fixture;
    static const struct cluster_node nodes[] = {{1, {1}}, {2, {2}}, {3, {3}}};
    memset(&fixture, 0, sizeof fixture);
    fixture.metadata = metadata_new(3, 1);
    struct cluster_record cluster;
    cluster_record_make(&cluster, nodes, 3, 3);
    metadata_roster_begin(fixture.metadata, &cluster);
    kp_arena_init(&fixture.arena, METADATA_COMMAND_ARENA);
    metadata_command_init(&fixture.change.command, COMMAND_CREATE_TOPIC);
    fixture.change.command.create_topic.name = kp_string_of("orders");
    fixture.change.command.create_topic.id = (struct kp_uuid){{1}};
    fixture.partitions_max = fixture.broker_partitions_max = BROKER_PARTITIONS_MOST;
    *state = &fixture;
    return 0;
}

static int teardown(void **state) {
    struct fixture *fixture = *state;
    metadata_free(fixture->metadata);
    kp_arena_close(&fixture->arena);
    return 0;
}

static bool prepare_with(struct fixture *fixture, const struct metadata_load *load, size_t loads,
                         const int32_t *dead, size_t dead_count) {
    static const struct broker_settings settings = {.offsets_topic_partitions = OWN_PARTITIONS,
                                                    .transaction_partitions = OWN_PARTITIONS};
    struct metadata_view view = {.metadata = fixture->metadata,
                                 .settings = &settings,
                                 .pending = load,
                                 .pending_count = loads,
                                 .dead = dead,
                                 .dead_count = dead_count,
                                 .partitions_max = fixture->partitions_max,
                                 .broker_partitions_max = fixture->broker_partitions_max,
                                 .young = fixture->young};
    enum metadata_prepared prepared = metadata_leader_prepare(&view, &fixture->change,
                                                              &fixture->arena, &fixture->result);
    fixture->again = prepared == PREPARED_AGAIN;
    return prepared == PREPARED;
}

static bool prepare(struct fixture *fixture, int32_t partitions, int16_t factor) {
    fixture->change.place_partitions = partitions;
    fixture->change.replication_factor = factor;
    fixture->change.command.create_topic.partitions.count = 0;
    return prepare_with(fixture, NULL, 0, NULL, 0);
}

/* More replicas than live brokers: the sentence has both numbers; trying again helps only while a
 * broker has never registered. */
static void test_metadata_leader_too_many_replicas(void **state) {
    struct fixture *fixture = *state;
    register_broker(fixture, 1, false);
    register_broker(fixture, 2, false);
    assert_false(prepare(fixture, 1, 3));
    assert_int_equal(fixture->result.error, KAFKA_INVALID_REPLICATION_FACTOR);
    assert_true(fixture->again);
    assert_false(prepare(fixture, 1, 4));
    assert_false(fixture->again); /* there will never be four */
    register_broker(fixture, 3, true);
    assert_false(prepare(fixture, 1, 4));
    assert_false(fixture->again);
    assert_non_null(strstr(fixture->result.message,
                           "Replication factor: 4 larger than available brokers: 2 (of 3)."));
    fixture->young =
        true; /* who gave its lease back before a restart may not have renewed it yet */
    assert_false(prepare(fixture, 1, 3));
    assert_true(fixture->again);
    assert_false(prepare(fixture, 1, 4));
    assert_false(fixture->again);
    assert_true(prepare(fixture, 5, 2)); /* not on the fenced one */
    for (int p = 0; p < 5; p++)
        for (int r = 0; r < 2; r++)
            assert_int_not_equal(
                fixture->change.command.create_topic.partitions.items[p].nodes.items[r], 3);
}

/* A broker that is fenced gets replicas where there are too few others: it comes back. It is the
 * first of none, and no partition begins without a majority. */
static void test_metadata_leader_counts_on_the_fenced(void **state) {
    struct fixture *fixture = *state;
    for (int32_t node = 1; node <= 5; node++)
        register_broker(fixture, node, node > 2);
    assert_true(prepare(fixture, 6, 3));
    for (int p = 0; p < 6; p++) {
        const int32_t *nodes = fixture->change.command.create_topic.partitions.items[p].nodes.items;
        assert_true(nodes[0] <= 2 && (nodes[1] <= 2) + (nodes[2] <= 2) == 1);
    }
    assert_false(prepare(fixture, 1, 4)); /* two of four are no majority */
    assert_int_equal(fixture->result.error, KAFKA_INVALID_REPLICATION_FACTOR);
}

/* A command that has committed in an earlier try is done, although the brokers that it needs are
 * not alive any more. */
static void test_metadata_leader_recognises_an_earlier_try(void **state) {
    struct fixture *fixture = *state;
    struct metadata_command *command = &fixture->change.command;
    for (int32_t node = 1; node <= 3; node++)
        register_broker(fixture, node, false);
    assert_true(prepare(fixture, 2, 3));
    apply(fixture, command);
    register_broker(fixture, 2, true);
    register_broker(fixture, 3, true);
    assert_true(prepare(fixture, 2, 3));
    apply(fixture, command);
    command->create_topic.id = (struct kp_uuid){{2}};
    assert_false(prepare(fixture, 2, 3)); /* somebody else's */
    assert_int_equal(fixture->result.error, KAFKA_INVALID_REPLICATION_FACTOR);

    register_broker(fixture, 2, false);
    register_broker(fixture, 3, false);
    metadata_command_init(command, COMMAND_CREATE_PARTITIONS);
    command->create_partitions.id = (struct kp_uuid){{1}};
    command->create_partitions.request = (struct kp_uuid){{9}};
    command->create_partitions.present = 2;
    fixture->change.place_partitions = 1;
    assert_true(prepare_with(fixture, NULL, 0, NULL, 0));
    apply(fixture, command);
    register_broker(fixture, 2, true);
    register_broker(fixture, 3, true);
    command->create_partitions.partitions.count = 0;
    assert_true(prepare_with(fixture, NULL, 0, NULL, 0));
    apply(fixture, command);
}

/* Numbers out of range. */
static void test_metadata_leader_wrong_numbers(void **state) {
    struct fixture *fixture = *state;
    register_broker(fixture, 1, false);
    assert_false(prepare(fixture, 0, 1));
    assert_int_equal(fixture->result.error, KAFKA_INVALID_PARTITIONS);
    assert_false(prepare(fixture, METADATA_PARTITIONS_MAX + 1, 1));
    assert_int_equal(fixture->result.error, KAFKA_INVALID_PARTITIONS);
    assert_false(prepare(fixture, 1, -1));
    assert_int_equal(fixture->result.error, KAFKA_INVALID_REPLICATION_FACTOR);
}

/* What is under way counts: topics created in one burst do not all get their first replica on one
 * broker. */
static void test_metadata_leader_counts_what_is_under_way(void **state) {
    struct fixture *fixture = *state;
    for (int32_t node = 1; node <= 3; node++)
        register_broker(fixture, node, false);
    struct metadata_load load[] = {{1, 4, 4}, {2, 4, 4}};
    fixture->change.place_partitions = 4;
    fixture->change.replication_factor = 1;
    assert_true(prepare_with(fixture, load, 2, NULL, 0));
    for (int p = 0; p < 4; p++)
        assert_int_equal(fixture->change.command.create_topic.partitions.items[p].nodes.items[0],
                         3);
}

static void assert_refused(const struct fixture *fixture, const char *sentence) {
    assert_int_equal(fixture->result.error, KAFKA_POLICY_VIOLATION);
    assert_string_equal(fixture->result.message, sentence);
    assert_false(fixture->again);
}

/* The cluster's limit counts what is there and what is under way, for placed and for assigned
 * partitions, in new and in old topics. */
static void test_metadata_leader_limits_the_cluster(void **state) {
    struct fixture *fixture = *state;
    struct metadata_command *command = &fixture->change.command;
    struct metadata_load load[] = {{1, 2, 5}, {2, 3, 5}};
    int32_t nodes[] = {1, 2};
    struct command_partition assigned[] = {{{nodes, 2}}, {{nodes, 2}}};
    for (int32_t node = 1; node <= 3; node++)
        register_broker(fixture, node, false);
    fixture->partitions_max = 10;
    assert_true(prepare(fixture, 10, 3));
    assert_false(prepare(fixture, 11, 3));
    assert_refused(
        fixture,
        "11 more partitions beside 0 would pass max.partitions=10; ask for fewer, delete topics, or "
        "raise it on every broker");
    assert_true(prepare(fixture, 4, 3));
    apply(fixture, command);

    command->create_topic.id = (struct kp_uuid){{2}};
    command->create_topic.partitions.count = 0;
    fixture->change.place_partitions = 2;
    assert_false(prepare_with(fixture, load, 2, NULL, 0));
    assert_refused(
        fixture,
        "2 more partitions beside 9 would pass max.partitions=10; ask for fewer, delete topics, or "
        "raise it on every broker");
    command->create_topic.partitions.items = assigned;
    command->create_topic.partitions.count = 2;
    assert_false(prepare_with(fixture, load, 2, NULL, 0));
    assert_int_equal(fixture->result.error, KAFKA_POLICY_VIOLATION);
    command->create_topic.partitions.count = 1;
    assert_true(prepare_with(fixture, load, 2, NULL, 0));

    metadata_command_init(command, COMMAND_CREATE_PARTITIONS);
    command->create_partitions.id = (struct kp_uuid){{1}};
    command->create_partitions.present = 4;
    fixture->change.place_partitions = 6;
    assert_true(prepare_with(fixture, NULL, 0, NULL, 0));
    command->create_partitions.partitions.count = 0;
    assert_false(prepare_with(fixture, load, 2, NULL, 0));
    assert_int_equal(fixture->result.error, KAFKA_POLICY_VIOLATION);
}

/* A broker's limit counts replicas, whoever leads; what was deleted counts no more. */
static void test_metadata_leader_limits_a_broker(void **state) {
    struct fixture *fixture = *state;
    struct metadata_command *command = &fixture->change.command;
    struct metadata_load load[] = {{2, 0, 1}};
    int32_t nodes[] = {1, 2};
    struct command_partition assigned = {{nodes, 2}};
    for (int32_t node = 1; node <= 3; node++)
        register_broker(fixture, node, false);
    fixture->broker_partitions_max = 5;
    assert_false(prepare(fixture, 6, 3));
    assert_refused(
        fixture,
        "6 more replicas beside 0 on broker 1 would pass max.broker.partitions=5; ask for fewer, "
        "delete topics, add brokers, or raise it on every broker");
    assert_true(prepare(fixture, 15, 1));
    assert_true(prepare(fixture, 5, 3));
    assert_true(prepare(fixture, 4, 3));
    apply(fixture, command);

    command->create_topic.id = (struct kp_uuid){{2}};
    command->create_topic.partitions.items = &assigned;
    command->create_topic.partitions.count = 1;
    assert_true(prepare_with(fixture, NULL, 0, NULL, 0));
    assert_false(prepare_with(fixture, load, 1, NULL, 0));
    assert_refused(
        fixture,
        "1 more replicas beside 5 on broker 2 would pass max.broker.partitions=5; ask for fewer, "
        "delete topics, add brokers, or raise it on every broker");

    metadata_command_init(command, COMMAND_DELETE_TOPIC);
    command->delete_topic.id = (struct kp_uuid){{1}};
    apply(fixture, command);
    assert_int_equal(metadata_load_of(fixture->metadata, 2).replicas, 0);
    metadata_command_init(command, COMMAND_CREATE_TOPIC);
    command->create_topic.name = kp_string_of("orders");
    command->create_topic.id = (struct kp_uuid){{3}};
    assert_true(prepare(fixture, 5, 3));
}

static bool prepare_done(struct fixture *fixture, uint64_t plan, int64_t change, bool asks) {
    struct metadata_command *command = &fixture->change.command;
    metadata_command_init(command, COMMAND_REPLICAS_DONE);
    const struct metadata_partition *partition = metadata_partition_at(
        metadata_topic_named(fixture->metadata, "orders", 6), 0);
    command->replicas_done.group = (int64_t)partition->group;
    command->replicas_done.plan = (int64_t)plan;
    command->replicas_done.change = change;
    fixture->change.validate_only = asks;
    return prepare_with(fixture, NULL, 0, NULL, 0);
}

static uint64_t move(struct fixture *fixture, int32_t node) {
    struct metadata_command *command = &fixture->change.command;
    metadata_command_init(command, COMMAND_SET_REPLICAS);
    command->set_replicas.id = (struct kp_uuid){{1}};
    command->set_replicas.request = (struct kp_uuid){{(uint8_t)node, 9}};
    command->set_replicas.nodes.items = &node;
    command->set_replicas.nodes.count = 1;
    apply(fixture, command);
    return fixture->index;
}

/* A plan is done with a configuration of its group, which is later than that of the plan before
 * where somebody joins; a question whether it is under way names none. */
static void test_metadata_leader_plan_is_done(void **state) {
    struct fixture *fixture = *state;
    int32_t first = 1;
    struct command_partition assigned = {{&first, 1}};
    for (int32_t node = 1; node <= 3; node++)
        register_broker(fixture, node, false);
    fixture->change.command.create_topic.partitions.items = &assigned;
    fixture->change.command.create_topic.partitions.count = 1;
    apply(fixture, &fixture->change.command);
    uint64_t plan = move(fixture, 2);
    assert_true(prepare_done(fixture, plan, 0, true));
    assert_false(prepare_done(fixture, plan, 0, false));
    assert_int_equal(fixture->result.error, KAFKA_INVALID_REQUEST);
    assert_false(prepare_done(fixture, plan, -5, false));
    assert_true(prepare_done(fixture, plan, 40, false));
    apply(fixture, &fixture->change.command);

    plan = move(fixture, 3);
    assert_false(prepare_done(fixture, plan, 40, false));
    assert_true(prepare_done(fixture, plan, 41, false));
    assert_false(prepare_done(fixture, plan - 1, 41, false)); /* done already: nothing to say */
}

/* The limits are reached when the first consumer group, or transaction, comes: the broker's own
 * topics are made all the same, with as many partitions as the settings say, and no more. */
static void test_metadata_leader_own_topics(void **state) {
    static const char *const names[] = {"__consumer_offsets", "__transaction_state"};
    struct fixture *fixture = *state;
    struct metadata_command *command = &fixture->change.command;
    for (int32_t node = 1; node <= 3; node++)
        register_broker(fixture, node, false);
    fixture->broker_partitions_max = fixture->partitions_max = 4;
    assert_true(prepare(fixture, 4, 3));
    apply(fixture, command);
    command->create_topic.id = (struct kp_uuid){{2}};
    command->create_topic.name = kp_string_of("more");
    assert_false(prepare(fixture, 1, 1));
    for (int i = 0; i < 2; i++) {
        command->create_topic.name = kp_string_of(names[i]);
        assert_true(prepare(fixture, OWN_PARTITIONS, 3));
        assert_false(prepare(fixture, OWN_PARTITIONS + 1, 3));
        assert_int_equal(fixture->result.error, KAFKA_POLICY_VIOLATION);
    }
}

/* What moves counts where it comes, beside what is on its way there; where it is already it does
 * not. */
static void test_metadata_leader_limits_what_moves(void **state) {
    struct fixture *fixture = *state;
    struct metadata_command *command = &fixture->change.command;
    struct metadata_load load[] = {{2, 0, 1}};
    int32_t from[] = {1}, to[] = {2}, other_order[] = {1, 2};
    struct command_partition assigned = {{from, 1}};
    for (int32_t node = 1; node <= 2; node++)
        register_broker(fixture, node, false);
    fixture->broker_partitions_max = 1;
    command->create_topic.partitions.items = &assigned;
    command->create_topic.partitions.count = 1;
    assert_true(prepare_with(fixture, NULL, 0, NULL, 0));
    apply(fixture, command);
    struct kp_uuid id = command->create_topic.id;
    metadata_command_init(command, COMMAND_SET_REPLICAS);
    command->set_replicas.id = id;
    command->set_replicas.request = (struct kp_uuid){{7}};
    command->set_replicas.nodes.items = to;
    command->set_replicas.nodes.count = 1;
    assert_true(prepare_with(fixture, NULL, 0, NULL, 0));
    assert_false(prepare_with(fixture, load, 1, NULL, 0));
    assert_refused(fixture,
                   "one more replica beside 1 on broker 2 would pass max.broker.partitions=1; "
                   "choose another broker, or raise it on every broker");
    command->set_replicas.nodes.items = other_order;
    command->set_replicas.nodes.count = 2;
    assert_true(prepare_with(fixture, NULL, 0, NULL, 0));
}

/* A broker that is known to be dead gets replicas only when there are too few others. */
static void test_metadata_leader_avoids_the_dead(void **state) {
    struct fixture *fixture = *state;
    static const int32_t dead[] = {2};
    for (int32_t node = 1; node <= 3; node++)
        register_broker(fixture, node, false);
    fixture->change.place_partitions = 6;
    fixture->change.replication_factor = 2;
    assert_true(prepare_with(fixture, NULL, 0, dead, 1));
    for (int p = 0; p < 6; p++)
        for (int r = 0; r < 2; r++)
            assert_int_not_equal(
                fixture->change.command.create_topic.partitions.items[p].nodes.items[r], 2);
    fixture->change.command.create_topic.partitions.count = 0;
    fixture->change.replication_factor = 3;
    assert_true(prepare_with(fixture, NULL, 0, dead, 1));
}

/* Assignments of the client are kept, but the brokers must exist. */
static void test_metadata_leader_assignments(void **state) {
    struct fixture *fixture = *state;
    int32_t nodes[] = {2, 1};
    struct command_partition partition = {{nodes, 2}};
    register_broker(fixture, 1, false);
    fixture->change.command.create_topic.partitions.items = &partition;
    fixture->change.command.create_topic.partitions.count = 1;
    assert_false(prepare_with(fixture, NULL, 0, NULL, 0));
    assert_int_equal(fixture->result.error, KAFKA_INVALID_REPLICA_ASSIGNMENT);
    assert_non_null(strstr(fixture->result.message, "broker 2, which does not exist"));
    register_broker(fixture, 2, false);
    assert_true(prepare_with(fixture, NULL, 0, NULL, 0));
    assert_ptr_equal(fixture->change.command.create_topic.partitions.items, &partition);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_placement_even),
        cmocka_unit_test(test_placement_balances_what_is_there),
        cmocka_unit_test(test_placement_racks),
        cmocka_unit_test(test_placement_alone),
        TEST(test_metadata_leader_too_many_replicas),
        TEST(test_metadata_leader_recognises_an_earlier_try),
        TEST(test_metadata_leader_wrong_numbers),
        TEST(test_metadata_leader_counts_what_is_under_way),
        TEST(test_metadata_leader_limits_the_cluster),
        TEST(test_metadata_leader_limits_a_broker),
        TEST(test_metadata_leader_own_topics),
        TEST(test_metadata_leader_plan_is_done),
        TEST(test_metadata_leader_limits_what_moves),
        TEST(test_metadata_leader_avoids_the_dead),
        TEST(test_metadata_leader_counts_on_the_fenced),
        TEST(test_metadata_leader_assignments),
    };
    return cmocka_run_group_tests_name("placement", tests, NULL, NULL);
}
