/* Plans in the metadata table: who gets a new id, who keeps the old one, who leaves, and when. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "broker/metadata/metadata.h"
#include "broker/metadata/metadata_commands.h"
#include "broker/metadata/metadata_leader.h"
#include "broker/metadata/metadata_replicas.h"
#include "broker/metadata/metadata_roster.h"
#include "protocol/kafka_error.h"
#include "tests/unit/broker/fixture_replicas.h"
#include "tests/unit/unit.h"

/* As the metadata leader does it: what is asked for becomes a command, which is applied. */
static int cancel(struct replicas_fixture *fixture) {
    static const struct broker_settings settings = {.offsets_topic_partitions = 1};
    struct metadata_view view = {.metadata = fixture->metadata,
                                 .settings = &settings,
                                 .partitions_max = BROKER_PARTITIONS_MOST,
                                 .broker_partitions_max = BROKER_PARTITIONS_MOST};
    struct metadata_change change = {.validate_only = false};
    struct kp_arena arena;
    kp_arena_init(&arena, METADATA_COMMAND_ARENA);
    metadata_command_init(&change.command, COMMAND_SET_REPLICAS);
    change.command.set_replicas.id = replicas_topic_id;
    change.command.set_replicas.request = (struct kp_uuid){{++fixture->requests, 1}};
    change.command.set_replicas.cancel = true;
    if (metadata_leader_prepare(&view, &change, &arena, &fixture->result) == PREPARED) {
        assert_false(change.command.set_replicas.cancel);
        replicas_apply(fixture, &change.command);
    }
    kp_arena_close(&arena);
    return fixture->result.error;
}

static bool can_be_put_back(const struct replicas_fixture *fixture) {
    int32_t nodes[METADATA_REPLICAS_MAX];
    return metadata_replicas_put_back(replicas_partition(fixture), nodes) > 0;
}

/* "2 3 4+ | 1": nodes, those that join with a plus, behind the bar those that leave. */
static const char *members(const struct replicas_fixture *fixture) {
    static char text[200];
    size_t used = 0;
    const struct metadata_partition *one = replicas_partition(fixture);
    text[0] = '\0';
    for (size_t i = 0; i < metadata_member_count(one); i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%d%s",
                                 i == one->replica_count ? " | "
                                 : i > 0                 ? " "
                                                         : "",
                                 one->replicas[i].node, one->replicas[i].joining ? "+" : "");
    return text;
}

/* A broker comes with a new id, another one leaves when it is done, and a second DONE, or that of
 * an older plan, says nothing. */
static void test_replicas_move(void **state) {
    struct replicas_fixture *fixture = *state;
    replica_id first = replicas_id_on(fixture, 1);
    assert_int_equal(replicas_plan(fixture, (int32_t[]){2, 3, 4}, 3), KAFKA_NONE);
    assert_string_equal(members(fixture), "2 3 4+ | 1");
    assert_int_equal(replicas_id_on(fixture, 4), first + 6); /* behind those of both partitions */
    assert_true(metadata_replica_is_first(replicas_partition(fixture), first));
    assert_false(
        metadata_replica_is_first(replicas_partition(fixture), replicas_id_on(fixture, 4)));
    assert_int_equal(metadata_plan_count(fixture->metadata), 1);
    assert_int_equal(metadata_load_of(fixture->metadata, 1).replicas, 2);
    assert_int_equal(metadata_load_of(fixture->metadata, 4).replicas, 1);
    uint64_t number = replicas_partition(fixture)->plan;
    assert_int_equal(number, fixture->index);
    assert_int_equal(replicas_done(fixture, number - 1), KAFKA_NONE);
    assert_string_equal(members(fixture), "2 3 4+ | 1");
    assert_int_equal(replicas_done(fixture, number), KAFKA_NONE);
    assert_string_equal(members(fixture), "2 3 4");
    assert_int_equal(replicas_done(fixture, number), KAFKA_NONE);
    assert_string_equal(fixture->told, "~0 ~0 -0:1 ");
    assert_int_equal(metadata_plan_count(fixture->metadata), 0);
    assert_int_equal(metadata_load_of(fixture->metadata, 1).replicas, 1);
    assert_int_equal(replicas_partition(fixture)->first_replica, first);
    assert_int_equal(replicas_partition(fixture)->first_count, 3);
}

/* Who comes back before the plan is done has the id that it had; behind it, another one. */
static void test_replicas_come_back(void **state) {
    struct replicas_fixture *fixture = *state;
    replica_id one = replicas_id_on(fixture, 1), four;
    replicas_plan(fixture, (int32_t[]){2, 3, 4}, 3);
    four = replicas_id_on(fixture, 4);
    assert_int_equal(replicas_plan(fixture, (int32_t[]){1, 2}, 2), KAFKA_NONE);
    assert_string_equal(members(fixture), "1 2 | 3 4+");
    assert_int_equal(replicas_id_on(fixture, 1), one);
    assert_int_equal(replicas_plan(fixture, (int32_t[]){4, 2}, 2), KAFKA_NONE);
    assert_string_equal(members(fixture), "4+ 2 | 1 3");
    assert_int_equal(replicas_id_on(fixture, 4), four);
    replicas_done(fixture, replicas_partition(fixture)->plan);
    assert_int_equal(replicas_plan(fixture, (int32_t[]){1, 2, 4}, 3), KAFKA_NONE);
    assert_string_equal(members(fixture), "1+ 2 4");
    assert_true(replicas_id_on(fixture, 1) > four);
}

/* What is cancelled already cannot be cancelled again, as in Kafka; anything else can, also fewer
 * replicas. */
static void test_replicas_cancel_twice(void **state) {
    struct replicas_fixture *fixture = *state;
    replicas_plan(fixture, (int32_t[]){2, 3, 4}, 3);
    assert_true(can_be_put_back(fixture));
    replicas_plan(fixture, NULL, 0);
    assert_false(can_be_put_back(fixture));
    replicas_done(fixture, replicas_partition(fixture)->plan);
    replicas_plan(fixture, (int32_t[]){2, 3}, 2);
    assert_true(can_be_put_back(fixture));
}

/* A list of plans in which each is found: those in the middle end, and the others stay. */
static void test_replicas_many_plans(void **state) {
    enum { MANY = 500 };
    struct replicas_fixture *fixture = *state;
    static int32_t nodes[] = {1};
    static struct command_partition partitions[MANY];
    struct metadata_command command;
    metadata_command_init(&command, COMMAND_CREATE_PARTITIONS);
    for (int i = 0; i < MANY; i++)
        partitions[i].nodes.items = nodes, partitions[i].nodes.count = 1;
    command.create_partitions.id = replicas_topic_id;
    command.create_partitions.request = (struct kp_uuid){{77}};
    command.create_partitions.present = 2;
    command.create_partitions.partitions.items = partitions;
    command.create_partitions.partitions.count = MANY;
    assert_int_equal(replicas_apply(fixture, &command), KAFKA_NONE);
    const struct metadata_topic *topic = metadata_topic_named(fixture->metadata, "orders", 6);
    metadata_command_init(&command, COMMAND_SET_REPLICAS);
    command.set_replicas.id = replicas_topic_id;
    int32_t other = 2;
    command.set_replicas.nodes.items = &other;
    command.set_replicas.nodes.count = 1;
    for (int i = 0; i < MANY; i++) {
        command.set_replicas.partition = 2 + i;
        command.set_replicas.request = (struct kp_uuid){{(uint8_t)i, (uint8_t)(i >> 8), 5}};
        assert_int_equal(replicas_apply(fixture, &command), KAFKA_NONE);
    }
    assert_int_equal(metadata_plan_count(fixture->metadata), MANY);
    metadata_command_init(&command, COMMAND_REPLICAS_DONE);
    for (int i = 0; i < MANY; i += 2) {
        command.replicas_done.group = (int64_t)topic->partitions[2 + i].group;
        command.replicas_done.plan = (int64_t)topic->partitions[2 + i].plan;
        assert_int_equal(replicas_apply(fixture, &command), KAFKA_NONE);
    }
    assert_int_equal(metadata_plan_count(fixture->metadata), MANY / 2);
    for (size_t i = 0; i < MANY / 2; i++)
        assert_int_equal(metadata_plan_at(fixture->metadata, i)->index % 2, 1);
}

/* A cancelled plan: what was there before, in Kafka's order; what came leaves. */
static void test_replicas_cancel(void **state) {
    struct replicas_fixture *fixture = *state;
    assert_int_equal(replicas_plan(fixture, NULL, 0), KAFKA_NO_REASSIGNMENT_IN_PROGRESS);
    replicas_plan(fixture, (int32_t[]){4, 2, 5}, 3);
    assert_string_equal(members(fixture), "4+ 2 5+ | 1 3");
    assert_int_equal(replicas_plan(fixture, NULL, 0), KAFKA_NONE);
    assert_string_equal(members(fixture), "2 1 3 | 4+ 5+");
    assert_int_equal(replicas_plan(fixture, NULL, 0), KAFKA_NONE); /* once more changes nothing */
    assert_string_equal(members(fixture), "2 1 3 | 4+ 5+");
    replicas_done(fixture, replicas_partition(fixture)->plan);
    assert_string_equal(members(fixture), "2 1 3");
    assert_int_equal(replicas_plan(fixture, NULL, 0), KAFKA_NO_REASSIGNMENT_IN_PROGRESS);
}

/* The same brokers in another order are there already. */
static void test_replicas_order(void **state) {
    struct replicas_fixture *fixture = *state;
    assert_int_equal(replicas_plan(fixture, (int32_t[]){3, 1, 2}, 3), KAFKA_NONE);
    assert_string_equal(members(fixture), "3 1 2");
    assert_int_equal(replicas_partition(fixture)->plan, 0);
    assert_int_equal(metadata_load_of(fixture->metadata, 3).leaders, 1);
}

/* What is refused changes nothing; what is repeated is done once. */
static void test_replicas_refused(void **state) {
    struct replicas_fixture *fixture = *state;
    struct metadata_command command;
    assert_int_equal(replicas_plan(fixture, (int32_t[]){1, 1}, 2),
                     KAFKA_INVALID_REPLICA_ASSIGNMENT);
    assert_int_equal(replicas_plan(fixture, (int32_t[]){1, 7}, 2),
                     KAFKA_INVALID_REPLICA_ASSIGNMENT);
    metadata_command_init(&command, COMMAND_SET_REPLICAS);
    command.set_replicas.id = replicas_topic_id;
    command.set_replicas.request = (struct kp_uuid){{200}};
    assert_int_equal(replicas_apply(fixture, &command),
                     KAFKA_INVALID_REPLICA_ASSIGNMENT); /* nobody */
    command.set_replicas.nodes.items = (int32_t[]){1, 2};
    command.set_replicas.nodes.count = 2;
    command.set_replicas.same_count = true;
    assert_int_equal(replicas_apply(fixture, &command), KAFKA_INVALID_REPLICATION_FACTOR);
    command.set_replicas.same_count = false;
    command.set_replicas.partition = 2;
    assert_int_equal(replicas_apply(fixture, &command), KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
    assert_string_equal(fixture->told, "");
    command.set_replicas.partition = 0;
    assert_int_equal(replicas_apply(fixture, &command), KAFKA_NONE);
    uint64_t number = replicas_partition(fixture)->plan;
    assert_int_equal(replicas_apply(fixture, &command), KAFKA_NONE);
    assert_int_equal(replicas_partition(fixture)->plan, number);
}

/* ---- A lost directory ---- */

/* Every replica of it has an id that nobody had, in its place; the old one is nowhere, counts for
 * nobody's load, and goes when the plan is done, which nobody is told as a loss of his. */
static void test_replicas_replaced(void **state) {
    struct replicas_fixture *fixture = *state;
    const struct metadata_partition *second = replicas_partition(fixture) + 1;
    replica_id old = replicas_id_on(fixture, 2), next = metadata_next_replica(fixture->metadata);
    assert_int_equal(replicas_replace(fixture, 2, 2, 9), KAFKA_NONE);
    assert_string_equal(members(fixture), "1 2 3 | -1");
    assert_int_equal(replicas_id_on(fixture, 2), next + 1); /* behind that of group 0 */
    assert_int_equal(replicas_partition(fixture)->replicas[3].replica, old);
    assert_int_equal(metadata_replica_on(second, 2)->replica, next + 2);
    assert_false(
        metadata_replica_is_first(replicas_partition(fixture), replicas_id_on(fixture, 2)));
    assert_int_equal(metadata_plan_count(fixture->metadata), 2);
    assert_int_equal(metadata_load_of(fixture->metadata, 2).replicas, 2);
    assert_int_equal(metadata_load_of(fixture->metadata, METADATA_NODE_LOST).replicas, 0);
    assert_false(can_be_put_back(fixture));
    uint64_t number = replicas_partition(fixture)->plan;
    assert_int_equal(number, fixture->index);
    assert_int_equal(replicas_done(fixture, number), KAFKA_NONE);
    assert_string_equal(members(fixture), "1 2 3");
    assert_string_equal(fixture->told, "~0 ~1 ~0 -0:-1 ");
}

/* In the middle of a move: a lost one does not come back under its id, by no other plan and by no
 * cancel, whether it stays, joins or leaves. */
static void test_replicas_replaced_while_they_move(void **state) {
    struct replicas_fixture *fixture = *state;
    replica_id one = replicas_id_on(fixture, 1), two = replicas_id_on(fixture, 2);
    replicas_plan(fixture, (int32_t[]){2, 3, 4}, 3);
    uint64_t before = replicas_partition(fixture)->plan;
    assert_int_equal(replicas_replace(fixture, 1, 1, 8), KAFKA_NONE); /* it leaves */
    assert_string_equal(members(fixture), "2 3 4+ | -1");
    assert_int_equal(replicas_replace(fixture, 2, 2, 9), KAFKA_NONE); /* it stays */
    assert_string_equal(members(fixture), "2 3 4+ | -1 -1");
    assert_int_equal(replicas_done(fixture, before),
                     KAFKA_NONE); /* of the plan before: says nothing */
    assert_int_equal(replicas_plan(fixture, (int32_t[]){1, 2, 3}, 3), KAFKA_NONE);
    assert_string_equal(members(fixture), "1+ 2 3 | 4+ -1 -1");
    assert_true(replicas_id_on(fixture, 1) > two && replicas_id_on(fixture, 2) > two &&
                replicas_id_on(fixture, 1) != one);
    /* As many as there were are there: there is nothing to put back. */
    assert_int_equal(cancel(fixture), KAFKA_NO_REASSIGNMENT_IN_PROGRESS);
    assert_string_equal(members(fixture), "1+ 2 3 | 4+ -1 -1");
    replicas_done(fixture, replicas_partition(fixture)->plan);
    assert_string_equal(members(fixture), "1 2 3");
}

/* Whoever was to go is lost, and the move is cancelled: there are as many as before, and whoever
 * stays for it goes by a plan as any other. */
static void test_replicas_cancel_behind_a_loss(void **state) {
    struct replicas_fixture *fixture = *state;
    replicas_plan(fixture, (int32_t[]){4, 5, 3}, 3);
    replica_id four = replicas_id_on(fixture, 4);
    assert_int_equal(replicas_replace(fixture, 1, 1, 8), KAFKA_NONE);
    assert_string_equal(members(fixture), "4+ 5+ 3 | -1 2");
    assert_true(can_be_put_back(fixture));
    assert_int_equal(cancel(fixture), KAFKA_NONE);
    assert_string_equal(members(fixture), "3 2 4+ | 5+ -1");
    assert_int_equal(replicas_id_on(fixture, 4), four);
    assert_false(can_be_put_back(fixture));
    assert_int_equal(replicas_replace(fixture, 3, 3, 9),
                     KAFKA_NONE); /* it stays, in the same place */
    assert_string_equal(members(fixture), "3 2 4+ | 5+ -1 -1");
    assert_int_equal(replicas_replace(fixture, 3, 9, 10), KAFKA_NONE); /* once more */
    assert_int_equal(cancel(fixture), KAFKA_NO_REASSIGNMENT_IN_PROGRESS);
    assert_string_equal(members(fixture), "3 2 4+ | 5+ -1 -1 -1");
    replicas_done(fixture, replicas_partition(fixture)->plan);
    assert_string_equal(members(fixture), "3 2 4");
    replicas_plan(fixture, (int32_t[]){3}, 1); /* nobody joins who could stay */
    assert_int_equal(replicas_replace(fixture, 2, 2, 11), KAFKA_NONE);
    cancel(fixture);
    assert_string_equal(members(fixture), "3 4 | -1");
}

/* A cancel as earlier leaders submitted it does what it did: whoever applies such a log, whatever
 * program that is, and beside whichever other, comes to the same table. */
static void test_replicas_cancel_of_earlier_leaders(void **state) {
    struct replicas_fixture *fixture = *state;
    replicas_plan(fixture, (int32_t[]){4, 5, 3}, 3);
    assert_int_equal(replicas_replace(fixture, 1, 1, 8), KAFKA_NONE);
    assert_int_equal(replicas_plan(fixture, NULL, 0), KAFKA_NONE);
    assert_string_equal(members(fixture), "3 2 | 4+ 5+ -1");
    assert_int_equal(cancel(fixture), KAFKA_NONE);
    assert_string_equal(members(fixture), "3 2 4+ | 5+ -1");
    assert_int_equal(cancel(fixture), KAFKA_NO_REASSIGNMENT_IN_PROGRESS);
}

/* All that it was on before a move are lost: there is nothing to go back to, and a partition always
 * has a replica. */
static void test_replicas_cancel_to_nobody(void **state) {
    struct replicas_fixture *fixture = *state;
    replicas_plan(fixture, (int32_t[]){1}, 1);
    replicas_done(fixture, replicas_partition(fixture)->plan);
    replicas_plan(fixture, (int32_t[]){4}, 1);
    assert_int_equal(replicas_replace(fixture, 1, 1, 8), KAFKA_NONE);
    assert_string_equal(members(fixture), "4+ | -1");
    assert_int_equal(cancel(fixture), KAFKA_NO_REASSIGNMENT_IN_PROGRESS);
    assert_string_equal(members(fixture), "4+ | -1");
    assert_false(can_be_put_back(fixture));
}

/* Which partitions have no majority without it: what was lost before counts as voting, who joins
 * does not vote yet. */
static void test_replicas_stuck_without(void **state) {
    struct replicas_fixture *fixture = *state;
    const struct metadata_partition *first = NULL;
    assert_int_equal(metadata_replicas_stuck_without(fixture->metadata, 2, &first), 0);
    assert_int_equal(replicas_replace(fixture, 2, 2, 9), KAFKA_NONE);
    assert_int_equal(metadata_replicas_stuck_without(fixture->metadata, 3, &first), 2);
    assert_ptr_equal(first, replicas_partition(fixture));
    assert_int_equal(metadata_replicas_stuck_without(fixture->metadata, 2, &first), 0);
    replicas_done(fixture, replicas_partition(fixture)->plan);
    assert_int_equal(metadata_replicas_stuck_without(fixture->metadata, 3, &first), 1);
    replicas_plan(fixture, (int32_t[]){1, 3, 4}, 3);
    assert_int_equal(metadata_replicas_stuck_without(fixture->metadata, 3, &first), 1);
}

/* One that has not caught up is lost again: of the two that it had one voted at most. */
static void test_replicas_lost_twice(void **state) {
    struct replicas_fixture *fixture = *state;
    const struct metadata_partition *first = NULL;
    assert_int_equal(replicas_replace(fixture, 2, 2, 9), KAFKA_NONE);
    assert_int_equal(metadata_replicas_waiting_without(fixture->metadata, 3), 2);
    assert_int_equal(replicas_replace(fixture, 2, 9, 10), KAFKA_NONE);
    assert_string_equal(members(fixture), "1 2 3 | -1 -1");
    assert_int_equal(metadata_replicas_stuck_without(fixture->metadata, 2, &first), 0);
    assert_int_equal(metadata_replicas_stuck_without(fixture->metadata, 3, &first), 2);
    assert_int_equal(metadata_replicas_waiting_without(fixture->metadata, 3), 2);
    replicas_done(fixture, replicas_partition(fixture)->plan);
    assert_int_equal(metadata_replicas_waiting_without(fixture->metadata, 3), 1);
    assert_int_equal(replicas_replace(fixture, 3, 3, 11),
                     KAFKA_NONE); /* with a loss that is accepted */
    assert_int_equal(metadata_replicas_waiting_without(fixture->metadata, 1), 1);
    assert_int_equal(metadata_replicas_stuck_without(fixture->metadata, 1, &first), 2);
}

static int replace_some(struct replicas_fixture *fixture, uint8_t former, int64_t below,
                        int32_t most) {
    struct metadata_command command;
    metadata_command_init(&command, COMMAND_REPLACE_REPLICAS);
    command.replace_replicas = (struct command_replace_replicas){
        .node = 2, .former = {{former}}, .below = below, .most = most};
    return replicas_apply(fixture, &command);
}

/* Some at a time, each once; the broker itself comes last, with what was made for it meanwhile. */
static void test_replicas_replaced_in_pieces(void **state) {
    struct replicas_fixture *fixture = *state;
    struct metadata_command command;
    replica_id old = replicas_id_on(fixture, 2), below = metadata_next_replica(fixture->metadata);
    assert_int_equal(replace_some(fixture, 7, (int64_t)below, 1), KAFKA_DUPLICATE_RESOURCE);
    assert_int_equal(replace_some(fixture, 2, (int64_t)below, 1), KAFKA_NONE);
    assert_int_equal(fixture->result.value, 1);
    assert_int_equal(replicas_id_on(fixture, 2), below);
    assert_int_equal(metadata_replica_on(replicas_partition(fixture) + 1, 2)->replica, old + 3);
    assert_int_equal(replace_some(fixture, 2, (int64_t)below, 5), KAFKA_NONE);
    assert_int_equal(fixture->result.value, 0);
    assert_int_equal(metadata_replica_on(replicas_partition(fixture) + 1, 2)->replica, below + 1);
    assert_int_equal(replace_some(fixture, 2, (int64_t)below, 5), KAFKA_NONE);
    assert_int_equal(replicas_id_on(fixture, 2), below);
    assert_int_equal(replicas_plan(fixture, (int32_t[]){1, 3}, 2), KAFKA_NONE); /* away, */
    replicas_done(fixture, replicas_partition(fixture)->plan);
    assert_int_equal(replicas_plan(fixture, (int32_t[]){1, 2, 3}, 3), KAFKA_NONE); /* and back */
    replica_id later = replicas_id_on(fixture, 2);
    metadata_command_init(&command, COMMAND_REPLACE_BROKER);
    command.replace_broker.node = 2;
    command.replace_broker.former.bytes[0] = 2;
    command.replace_broker.directory.bytes[0] = 9;
    command.replace_broker.host = kp_string_of("");
    command.replace_broker.below = (int64_t)below;
    assert_int_equal(replicas_apply(fixture, &command), KAFKA_NONE);
    assert_true(replicas_id_on(fixture, 2) > later);
    assert_int_equal(metadata_replica_on(replicas_partition(fixture) + 1, 2)->replica, below + 1);
    assert_int_equal(metadata_roster_of(fixture->metadata, 2)->directory[0], 9);
}

/* A topic that goes takes its plans with it. */
static void test_replicas_topic_goes(void **state) {
    struct replicas_fixture *fixture = *state;
    struct metadata_command command;
    replicas_plan(fixture, (int32_t[]){4, 5}, 2);
    metadata_command_init(&command, COMMAND_DELETE_TOPIC);
    command.delete_topic.id = replicas_topic_id;
    assert_int_equal(replicas_apply(fixture, &command), KAFKA_NONE);
    assert_int_equal(metadata_plan_count(fixture->metadata), 0);
    for (int32_t node = 1; node <= 6; node++)
        assert_int_equal(metadata_load_of(fixture->metadata, node).replicas, 0);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, replicas_setup, replicas_teardown)
    const struct CMUnitTest tests[] = {TEST(test_replicas_move),
                                       TEST(test_replicas_come_back),
                                       TEST(test_replicas_cancel),
                                       TEST(test_replicas_cancel_twice),
                                       TEST(test_replicas_many_plans),
                                       TEST(test_replicas_order),
                                       TEST(test_replicas_refused),
                                       TEST(test_replicas_topic_goes),
                                       TEST(test_replicas_replaced),
                                       TEST(test_replicas_replaced_while_they_move),
                                       TEST(test_replicas_stuck_without),
                                       TEST(test_replicas_cancel_to_nobody),
                                       TEST(test_replicas_cancel_behind_a_loss),
                                       TEST(test_replicas_cancel_of_earlier_leaders),
                                       TEST(test_replicas_lost_twice),
                                       TEST(test_replicas_replaced_in_pieces)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
