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
#include "tests/unit/unit.h"

struct fixture {
    struct metadata *metadata;
    struct metadata_listener listener;
    struct metadata_result result;
    uint64_t index;
    uint8_t requests;
    char told[512];
};

static void on_changed(void *arg, const struct metadata_partition *partition) {
    struct fixture *fixture = arg;
    size_t used = strlen(fixture->told);
    snprintf(fixture->told + used, sizeof fixture->told - used, "~%d ", partition->index);
}

static void on_left(void *arg, const struct metadata_partition *partition,
                    const struct metadata_replica *replica) {
    struct fixture *fixture = arg;
    size_t used = strlen(fixture->told);
    snprintf(fixture->told + used, sizeof fixture->told - used, "-%d:%d ", partition->index,
             replica->node);
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

static const struct kp_uuid topic_id = {{9, 8, 7}};

static const struct cluster_node founders[] = {{1, {1}}, {2, {2}}, {3, {3}}};

/* Brokers 1 to 6, of which 1 to 3 are in the roster, and a topic of two partitions on 1, 2, 3. */
static int setup(void **state) {
    static const struct metadata_events events = {.replicas_changed = on_changed,
                                                  .replica_left = on_left};
    static struct fixture fixture;
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
        assert_int_equal(apply(&fixture, &command), KAFKA_NONE);
    }
    struct command_partition partitions[2] = {{.nodes = {nodes, 3}}, {.nodes = {nodes, 3}}};
    metadata_command_init(&command, COMMAND_CREATE_TOPIC);
    command.create_topic.name = kp_string_of("orders");
    command.create_topic.id = topic_id;
    command.create_topic.partitions.items = partitions;
    command.create_topic.partitions.count = 2;
    assert_int_equal(apply(&fixture, &command), KAFKA_NONE);
    *state = &fixture;
    return 0;
}

static int teardown(void **state) {
    struct fixture *fixture = *state;
    metadata_free(fixture->metadata);
    return 0;
}

static const struct metadata_partition *partition(const struct fixture *fixture) {
    return metadata_partition_at(metadata_topic_named(fixture->metadata, "orders", 6), 0);
}

static int plan(struct fixture *fixture, const int32_t *nodes, int32_t count) {
    struct metadata_command command;
    metadata_command_init(&command, COMMAND_SET_REPLICAS);
    command.set_replicas.id = topic_id;
    command.set_replicas.request = (struct kp_uuid){{++fixture->requests, 1}};
    command.set_replicas.nodes.items = (int32_t *)nodes;
    command.set_replicas.nodes.count = count;
    command.set_replicas.cancel = count == 0;
    return apply(fixture, &command);
}

/* As the metadata leader does it: what is asked for becomes a command, which is applied. */
static int cancel(struct fixture *fixture) {
    static const struct broker_settings settings = {.offsets_topic_partitions = 1};
    struct metadata_view view = {.metadata = fixture->metadata,
                                 .settings = &settings,
                                 .partitions_max = BROKER_PARTITIONS_MOST,
                                 .broker_partitions_max = BROKER_PARTITIONS_MOST};
    struct metadata_change change = {.validate_only = false};
    struct kp_arena arena;
    kp_arena_init(&arena, METADATA_COMMAND_ARENA);
    metadata_command_init(&change.command, COMMAND_SET_REPLICAS);
    change.command.set_replicas.id = topic_id;
    change.command.set_replicas.request = (struct kp_uuid){{++fixture->requests, 1}};
    change.command.set_replicas.cancel = true;
    if (metadata_leader_prepare(&view, &change, &arena, &fixture->result) == PREPARED) {
        assert_false(change.command.set_replicas.cancel);
        apply(fixture, &change.command);
    }
    kp_arena_close(&arena);
    return fixture->result.error;
}

static bool can_be_put_back(const struct fixture *fixture) {
    int32_t nodes[METADATA_REPLICAS_MAX];
    return metadata_replicas_put_back(partition(fixture), nodes) > 0;
}

static int done_with(struct fixture *fixture, uint64_t number, int64_t change) {
    struct metadata_command command;
    metadata_command_init(&command, COMMAND_REPLICAS_DONE);
    command.replicas_done.group = (int64_t)partition(fixture)->group;
    command.replicas_done.plan = (int64_t)number;
    command.replicas_done.change = change;
    return apply(fixture, &command);
}

static int done(struct fixture *fixture, uint64_t number) {
    return done_with(fixture, number, 0);
}

/* "2 3 4+ | 1": nodes, those that join with a plus, behind the bar those that leave. */
static const char *members(const struct fixture *fixture) {
    static char text[200];
    size_t used = 0;
    const struct metadata_partition *one = partition(fixture);
    text[0] = '\0';
    for (size_t i = 0; i < metadata_member_count(one); i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%d%s",
                                 i == one->replica_count ? " | "
                                 : i > 0                 ? " "
                                                         : "",
                                 one->replicas[i].node, one->replicas[i].joining ? "+" : "");
    return text;
}

static replica_id id_on(const struct fixture *fixture, int32_t node) {
    const struct metadata_replica *replica = metadata_replica_on(partition(fixture), node);
    return replica == NULL ? 0 : replica->replica;
}

/* A broker comes with a new id, another one leaves when it is done, and a second DONE, or that of
 * an older plan, says nothing. */
static void test_replicas_move(void **state) {
    struct fixture *fixture = *state;
    replica_id first = id_on(fixture, 1);
    assert_int_equal(plan(fixture, (int32_t[]){2, 3, 4}, 3), KAFKA_NONE);
    assert_string_equal(members(fixture), "2 3 4+ | 1");
    assert_int_equal(id_on(fixture, 4), first + 6); /* behind those of both partitions */
    assert_true(metadata_replica_is_first(partition(fixture), first));
    assert_false(metadata_replica_is_first(partition(fixture), id_on(fixture, 4)));
    assert_int_equal(metadata_plan_count(fixture->metadata), 1);
    assert_int_equal(metadata_load_of(fixture->metadata, 1).replicas, 2);
    assert_int_equal(metadata_load_of(fixture->metadata, 4).replicas, 1);
    uint64_t number = partition(fixture)->plan;
    assert_int_equal(number, fixture->index);
    assert_int_equal(done(fixture, number - 1), KAFKA_NONE);
    assert_string_equal(members(fixture), "2 3 4+ | 1");
    assert_int_equal(done(fixture, number), KAFKA_NONE);
    assert_string_equal(members(fixture), "2 3 4");
    assert_int_equal(done(fixture, number), KAFKA_NONE);
    assert_string_equal(fixture->told, "~0 ~0 -0:1 ");
    assert_int_equal(metadata_plan_count(fixture->metadata), 0);
    assert_int_equal(metadata_load_of(fixture->metadata, 1).replicas, 1);
    assert_int_equal(partition(fixture)->first_replica, first);
    assert_int_equal(partition(fixture)->first_count, 3);
}

/* Who comes back before the plan is done has the id that it had; behind it, another one. */
static void test_replicas_come_back(void **state) {
    struct fixture *fixture = *state;
    replica_id one = id_on(fixture, 1), four;
    plan(fixture, (int32_t[]){2, 3, 4}, 3);
    four = id_on(fixture, 4);
    assert_int_equal(plan(fixture, (int32_t[]){1, 2}, 2), KAFKA_NONE);
    assert_string_equal(members(fixture), "1 2 | 3 4+");
    assert_int_equal(id_on(fixture, 1), one);
    assert_int_equal(plan(fixture, (int32_t[]){4, 2}, 2), KAFKA_NONE);
    assert_string_equal(members(fixture), "4+ 2 | 1 3");
    assert_int_equal(id_on(fixture, 4), four);
    done(fixture, partition(fixture)->plan);
    assert_int_equal(plan(fixture, (int32_t[]){1, 2, 4}, 3), KAFKA_NONE);
    assert_string_equal(members(fixture), "1+ 2 4");
    assert_true(id_on(fixture, 1) > four);
}

/* What is cancelled already cannot be cancelled again, as in Kafka; anything else can, also fewer
 * replicas. */
static void test_replicas_cancel_twice(void **state) {
    struct fixture *fixture = *state;
    plan(fixture, (int32_t[]){2, 3, 4}, 3);
    assert_true(can_be_put_back(fixture));
    plan(fixture, NULL, 0);
    assert_false(can_be_put_back(fixture));
    done(fixture, partition(fixture)->plan);
    plan(fixture, (int32_t[]){2, 3}, 2);
    assert_true(can_be_put_back(fixture));
}

/* A list of plans in which each is found: those in the middle end, and the others stay. */
static void test_replicas_many_plans(void **state) {
    enum { MANY = 500 };
    struct fixture *fixture = *state;
    static int32_t nodes[] = {1};
    static struct command_partition partitions[MANY];
    struct metadata_command command;
    metadata_command_init(&command, COMMAND_CREATE_PARTITIONS);
    for (int i = 0; i < MANY; i++)
        partitions[i].nodes.items = nodes, partitions[i].nodes.count = 1;
    command.create_partitions.id = topic_id;
    command.create_partitions.request = (struct kp_uuid){{77}};
    command.create_partitions.present = 2;
    command.create_partitions.partitions.items = partitions;
    command.create_partitions.partitions.count = MANY;
    assert_int_equal(apply(fixture, &command), KAFKA_NONE);
    const struct metadata_topic *topic = metadata_topic_named(fixture->metadata, "orders", 6);
    metadata_command_init(&command, COMMAND_SET_REPLICAS);
    command.set_replicas.id = topic_id;
    int32_t other = 2;
    command.set_replicas.nodes.items = &other;
    command.set_replicas.nodes.count = 1;
    for (int i = 0; i < MANY; i++) {
        command.set_replicas.partition = 2 + i;
        command.set_replicas.request = (struct kp_uuid){{(uint8_t)i, (uint8_t)(i >> 8), 5}};
        assert_int_equal(apply(fixture, &command), KAFKA_NONE);
    }
    assert_int_equal(metadata_plan_count(fixture->metadata), MANY);
    metadata_command_init(&command, COMMAND_REPLICAS_DONE);
    for (int i = 0; i < MANY; i += 2) {
        command.replicas_done.group = (int64_t)topic->partitions[2 + i].group;
        command.replicas_done.plan = (int64_t)topic->partitions[2 + i].plan;
        assert_int_equal(apply(fixture, &command), KAFKA_NONE);
    }
    assert_int_equal(metadata_plan_count(fixture->metadata), MANY / 2);
    for (size_t i = 0; i < MANY / 2; i++)
        assert_int_equal(metadata_plan_at(fixture->metadata, i)->index % 2, 1);
}

/* A cancelled plan: what was there before, in Kafka's order; what came leaves. */
static void test_replicas_cancel(void **state) {
    struct fixture *fixture = *state;
    assert_int_equal(plan(fixture, NULL, 0), KAFKA_NO_REASSIGNMENT_IN_PROGRESS);
    plan(fixture, (int32_t[]){4, 2, 5}, 3);
    assert_string_equal(members(fixture), "4+ 2 5+ | 1 3");
    assert_int_equal(plan(fixture, NULL, 0), KAFKA_NONE);
    assert_string_equal(members(fixture), "2 1 3 | 4+ 5+");
    assert_int_equal(plan(fixture, NULL, 0), KAFKA_NONE); /* once more changes nothing */
    assert_string_equal(members(fixture), "2 1 3 | 4+ 5+");
    done(fixture, partition(fixture)->plan);
    assert_string_equal(members(fixture), "2 1 3");
    assert_int_equal(plan(fixture, NULL, 0), KAFKA_NO_REASSIGNMENT_IN_PROGRESS);
}

/* The same brokers in another order are there already. */
static void test_replicas_order(void **state) {
    struct fixture *fixture = *state;
    assert_int_equal(plan(fixture, (int32_t[]){3, 1, 2}, 3), KAFKA_NONE);
    assert_string_equal(members(fixture), "3 1 2");
    assert_int_equal(partition(fixture)->plan, 0);
    assert_int_equal(metadata_load_of(fixture->metadata, 3).leaders, 1);
}

/* What is refused changes nothing; what is repeated is done once. */
static void test_replicas_refused(void **state) {
    struct fixture *fixture = *state;
    struct metadata_command command;
    assert_int_equal(plan(fixture, (int32_t[]){1, 1}, 2), KAFKA_INVALID_REPLICA_ASSIGNMENT);
    assert_int_equal(plan(fixture, (int32_t[]){1, 7}, 2), KAFKA_INVALID_REPLICA_ASSIGNMENT);
    metadata_command_init(&command, COMMAND_SET_REPLICAS);
    command.set_replicas.id = topic_id;
    command.set_replicas.request = (struct kp_uuid){{200}};
    assert_int_equal(apply(fixture, &command), KAFKA_INVALID_REPLICA_ASSIGNMENT); /* nobody */
    command.set_replicas.nodes.items = (int32_t[]){1, 2};
    command.set_replicas.nodes.count = 2;
    command.set_replicas.same_count = true;
    assert_int_equal(apply(fixture, &command), KAFKA_INVALID_REPLICATION_FACTOR);
    command.set_replicas.same_count = false;
    command.set_replicas.partition = 2;
    assert_int_equal(apply(fixture, &command), KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
    assert_string_equal(fixture->told, "");
    command.set_replicas.partition = 0;
    assert_int_equal(apply(fixture, &command), KAFKA_NONE);
    uint64_t number = partition(fixture)->plan;
    assert_int_equal(apply(fixture, &command), KAFKA_NONE);
    assert_int_equal(partition(fixture)->plan, number);
}

/* ---- A lost directory ---- */

static int replace(struct fixture *fixture, int32_t node, uint8_t former, uint8_t directory) {
    struct metadata_command command;
    metadata_command_init(&command, COMMAND_REPLACE_BROKER);
    command.replace_broker = (struct command_replace_broker){
        .node = node, .former = {{former}}, .directory = {{directory}}, .below = INT64_MAX};
    command.replace_broker.host = kp_string_of("");
    return apply(fixture, &command);
}

/* Every replica of it has an id that nobody had, in its place; the old one is nowhere, counts for
 * nobody's load, and goes when the plan is done, which nobody is told as a loss of his. */
static void test_replicas_replaced(void **state) {
    struct fixture *fixture = *state;
    const struct metadata_partition *second = partition(fixture) + 1;
    replica_id old = id_on(fixture, 2), next = metadata_next_replica(fixture->metadata);
    assert_int_equal(replace(fixture, 2, 2, 9), KAFKA_NONE);
    assert_string_equal(members(fixture), "1 2 3 | -1");
    assert_int_equal(id_on(fixture, 2), next + 1); /* behind that of group 0 */
    assert_int_equal(partition(fixture)->replicas[3].replica, old);
    assert_int_equal(metadata_replica_on(second, 2)->replica, next + 2);
    assert_false(metadata_replica_is_first(partition(fixture), id_on(fixture, 2)));
    assert_int_equal(metadata_plan_count(fixture->metadata), 2);
    assert_int_equal(metadata_load_of(fixture->metadata, 2).replicas, 2);
    assert_int_equal(metadata_load_of(fixture->metadata, METADATA_NODE_LOST).replicas, 0);
    assert_false(can_be_put_back(fixture));
    uint64_t number = partition(fixture)->plan;
    assert_int_equal(number, fixture->index);
    assert_int_equal(done(fixture, number), KAFKA_NONE);
    assert_string_equal(members(fixture), "1 2 3");
    assert_string_equal(fixture->told, "~0 ~1 ~0 -0:-1 ");
}

/* In the middle of a move: a lost one does not come back under its id, by no other plan and by no
 * cancel, whether it stays, joins or leaves. */
static void test_replicas_replaced_while_they_move(void **state) {
    struct fixture *fixture = *state;
    replica_id one = id_on(fixture, 1), two = id_on(fixture, 2);
    plan(fixture, (int32_t[]){2, 3, 4}, 3);
    uint64_t before = partition(fixture)->plan;
    assert_int_equal(replace(fixture, 1, 1, 8), KAFKA_NONE); /* it leaves */
    assert_string_equal(members(fixture), "2 3 4+ | -1");
    assert_int_equal(replace(fixture, 2, 2, 9), KAFKA_NONE); /* it stays */
    assert_string_equal(members(fixture), "2 3 4+ | -1 -1");
    assert_int_equal(done(fixture, before), KAFKA_NONE); /* of the plan before: says nothing */
    assert_int_equal(plan(fixture, (int32_t[]){1, 2, 3}, 3), KAFKA_NONE);
    assert_string_equal(members(fixture), "1+ 2 3 | 4+ -1 -1");
    assert_true(id_on(fixture, 1) > two && id_on(fixture, 2) > two && id_on(fixture, 1) != one);
    /* As many as there were are there: there is nothing to put back. */
    assert_int_equal(cancel(fixture), KAFKA_NO_REASSIGNMENT_IN_PROGRESS);
    assert_string_equal(members(fixture), "1+ 2 3 | 4+ -1 -1");
    done(fixture, partition(fixture)->plan);
    assert_string_equal(members(fixture), "1 2 3");
}

/* Whoever was to go is lost, and the move is cancelled: there are as many as before, and whoever
 * stays for it goes by a plan as any other. */
static void test_replicas_cancel_behind_a_loss(void **state) {
    struct fixture *fixture = *state;
    plan(fixture, (int32_t[]){4, 5, 3}, 3);
    replica_id four = id_on(fixture, 4);
    assert_int_equal(replace(fixture, 1, 1, 8), KAFKA_NONE);
    assert_string_equal(members(fixture), "4+ 5+ 3 | -1 2");
    assert_true(can_be_put_back(fixture));
    assert_int_equal(cancel(fixture), KAFKA_NONE);
    assert_string_equal(members(fixture), "3 2 4+ | 5+ -1");
    assert_int_equal(id_on(fixture, 4), four);
    assert_false(can_be_put_back(fixture));
    assert_int_equal(replace(fixture, 3, 3, 9), KAFKA_NONE); /* it stays, in the same place */
    assert_string_equal(members(fixture), "3 2 4+ | 5+ -1 -1");
    assert_int_equal(replace(fixture, 3, 9, 10), KAFKA_NONE); /* once more */
    assert_int_equal(cancel(fixture), KAFKA_NO_REASSIGNMENT_IN_PROGRESS);
    assert_string_equal(members(fixture), "3 2 4+ | 5+ -1 -1 -1");
    done(fixture, partition(fixture)->plan);
    assert_string_equal(members(fixture), "3 2 4");
    plan(fixture, (int32_t[]){3}, 1); /* nobody joins who could stay */
    assert_int_equal(replace(fixture, 2, 2, 11), KAFKA_NONE);
    cancel(fixture);
    assert_string_equal(members(fixture), "3 4 | -1");
}

/* A cancel as earlier leaders submitted it does what it did: whoever applies such a log, whatever
 * program that is, and beside whichever other, comes to the same table. */
static void test_replicas_cancel_of_earlier_leaders(void **state) {
    struct fixture *fixture = *state;
    plan(fixture, (int32_t[]){4, 5, 3}, 3);
    assert_int_equal(replace(fixture, 1, 1, 8), KAFKA_NONE);
    assert_int_equal(plan(fixture, NULL, 0), KAFKA_NONE);
    assert_string_equal(members(fixture), "3 2 | 4+ 5+ -1");
    assert_int_equal(cancel(fixture), KAFKA_NONE);
    assert_string_equal(members(fixture), "3 2 4+ | 5+ -1");
    assert_int_equal(cancel(fixture), KAFKA_NO_REASSIGNMENT_IN_PROGRESS);
}

/* All that it was on before a move are lost: there is nothing to go back to, and a partition always
 * has a replica. */
static void test_replicas_cancel_to_nobody(void **state) {
    struct fixture *fixture = *state;
    plan(fixture, (int32_t[]){1}, 1);
    done(fixture, partition(fixture)->plan);
    plan(fixture, (int32_t[]){4}, 1);
    assert_int_equal(replace(fixture, 1, 1, 8), KAFKA_NONE);
    assert_string_equal(members(fixture), "4+ | -1");
    assert_int_equal(cancel(fixture), KAFKA_NO_REASSIGNMENT_IN_PROGRESS);
    assert_string_equal(members(fixture), "4+ | -1");
    assert_false(can_be_put_back(fixture));
}

/* Which partitions have no majority without it: what was lost before counts as voting, who joins
 * does not vote yet. */
static void test_replicas_stuck_without(void **state) {
    struct fixture *fixture = *state;
    const struct metadata_partition *first = NULL;
    assert_int_equal(metadata_replicas_stuck_without(fixture->metadata, 2, &first), 0);
    assert_int_equal(replace(fixture, 2, 2, 9), KAFKA_NONE);
    assert_int_equal(metadata_replicas_stuck_without(fixture->metadata, 3, &first), 2);
    assert_ptr_equal(first, partition(fixture));
    assert_int_equal(metadata_replicas_stuck_without(fixture->metadata, 2, &first), 0);
    done(fixture, partition(fixture)->plan);
    assert_int_equal(metadata_replicas_stuck_without(fixture->metadata, 3, &first), 1);
    plan(fixture, (int32_t[]){1, 3, 4}, 3);
    assert_int_equal(metadata_replicas_stuck_without(fixture->metadata, 3, &first), 1);
}

/* One that has not caught up is lost again: of the two that it had one voted at most. */
static void test_replicas_lost_twice(void **state) {
    struct fixture *fixture = *state;
    const struct metadata_partition *first = NULL;
    assert_int_equal(replace(fixture, 2, 2, 9), KAFKA_NONE);
    assert_int_equal(metadata_replicas_waiting_without(fixture->metadata, 3), 2);
    assert_int_equal(replace(fixture, 2, 9, 10), KAFKA_NONE);
    assert_string_equal(members(fixture), "1 2 3 | -1 -1");
    assert_int_equal(metadata_replicas_stuck_without(fixture->metadata, 2, &first), 0);
    assert_int_equal(metadata_replicas_stuck_without(fixture->metadata, 3, &first), 2);
    assert_int_equal(metadata_replicas_waiting_without(fixture->metadata, 3), 2);
    done(fixture, partition(fixture)->plan);
    assert_int_equal(metadata_replicas_waiting_without(fixture->metadata, 3), 1);
    assert_int_equal(replace(fixture, 3, 3, 11), KAFKA_NONE); /* with a loss that is accepted */
    assert_int_equal(metadata_replicas_waiting_without(fixture->metadata, 1), 1);
    assert_int_equal(metadata_replicas_stuck_without(fixture->metadata, 1, &first), 2);
}

static int replace_some(struct fixture *fixture, uint8_t former, int64_t below, int32_t most) {
    struct metadata_command command;
    metadata_command_init(&command, COMMAND_REPLACE_REPLICAS);
    command.replace_replicas = (struct command_replace_replicas){
        .node = 2, .former = {{former}}, .below = below, .most = most};
    return apply(fixture, &command);
}

/* Some at a time, each once; the broker itself comes last, with what was made for it meanwhile. */
static void test_replicas_replaced_in_pieces(void **state) {
    struct fixture *fixture = *state;
    struct metadata_command command;
    replica_id old = id_on(fixture, 2), below = metadata_next_replica(fixture->metadata);
    assert_int_equal(replace_some(fixture, 7, (int64_t)below, 1), KAFKA_DUPLICATE_RESOURCE);
    assert_int_equal(replace_some(fixture, 2, (int64_t)below, 1), KAFKA_NONE);
    assert_int_equal(fixture->result.value, 1);
    assert_int_equal(id_on(fixture, 2), below);
    assert_int_equal(metadata_replica_on(partition(fixture) + 1, 2)->replica, old + 3);
    assert_int_equal(replace_some(fixture, 2, (int64_t)below, 5), KAFKA_NONE);
    assert_int_equal(fixture->result.value, 0);
    assert_int_equal(metadata_replica_on(partition(fixture) + 1, 2)->replica, below + 1);
    assert_int_equal(replace_some(fixture, 2, (int64_t)below, 5), KAFKA_NONE);
    assert_int_equal(id_on(fixture, 2), below);
    assert_int_equal(plan(fixture, (int32_t[]){1, 3}, 2), KAFKA_NONE); /* away, */
    done(fixture, partition(fixture)->plan);
    assert_int_equal(plan(fixture, (int32_t[]){1, 2, 3}, 3), KAFKA_NONE); /* and back */
    replica_id later = id_on(fixture, 2);
    metadata_command_init(&command, COMMAND_REPLACE_BROKER);
    command.replace_broker.node = 2;
    command.replace_broker.former.bytes[0] = 2;
    command.replace_broker.directory.bytes[0] = 9;
    command.replace_broker.host = kp_string_of("");
    command.replace_broker.below = (int64_t)below;
    assert_int_equal(apply(fixture, &command), KAFKA_NONE);
    assert_true(id_on(fixture, 2) > later);
    assert_int_equal(metadata_replica_on(partition(fixture) + 1, 2)->replica, below + 1);
    assert_int_equal(metadata_roster_of(fixture->metadata, 2)->directory[0], 9);
}

/* ---- A lost majority ---- */

static int recover(struct fixture *fixture, replica_id replica, int64_t term, int64_t index) {
    struct metadata_command command;
    metadata_command_init(&command, COMMAND_RECOVER_PARTITION);
    command.recover_partition = (struct command_recover_partition){
        .group = (int64_t)partition(fixture)->group,
        .replica = (int64_t)replica,
        .term = term,
        .index = index};
    return apply(fixture, &command);
}

static int recover_without(struct fixture *fixture, replica_id replica, int32_t *unread,
                           int32_t count) {
    struct metadata_command command;
    metadata_command_init(&command, COMMAND_RECOVER_PARTITION);
    command.recover_partition.group = (int64_t)partition(fixture)->group;
    command.recover_partition.replica = (int64_t)replica;
    command.recover_partition.term = 3;
    command.recover_partition.index = 40;
    command.recover_partition.unread.items = unread;
    command.recover_partition.unread.count = count;
    return apply(fixture, &command);
}

/* Also where one is lost and one is not to be read: the other one goes on. But not where those that
 * are not to be read could be a majority once more. */
static void test_replicas_recover_unread(void **state) {
    struct fixture *fixture = *state;
    int32_t three[] = {3}, both[] = {2, 3};
    assert_int_equal(recover_without(fixture, id_on(fixture, 1), both, 2), KAFKA_POLICY_VIOLATION);
    assert_int_equal(partition(fixture)->recovery.replica, 0);
    assert_int_equal(replace(fixture, 2, 2, 9), KAFKA_NONE);
    assert_int_equal(recover_without(fixture, id_on(fixture, 1), NULL, 0), KAFKA_POLICY_VIOLATION);
    assert_int_equal(recover_without(fixture, id_on(fixture, 1), three, 1), KAFKA_NONE);
    assert_int_equal(partition(fixture)->recovery.replica, id_on(fixture, 1));
}

/* One goes on alone only where a majority is lost with its directories, and only one that is not
 * lost and has something; until the plan is done, or it is lost, too. */
static void test_replicas_recover(void **state) {
    struct fixture *fixture = *state;
    const struct metadata_partition *first = NULL;
    assert_int_equal(recover(fixture, id_on(fixture, 1), 3, 40), KAFKA_POLICY_VIOLATION);
    replica_id lost = id_on(fixture, 3);
    assert_int_equal(replace(fixture, 2, 2, 9), KAFKA_NONE);
    assert_int_equal(recover(fixture, id_on(fixture, 1), 3, 40), KAFKA_POLICY_VIOLATION);
    assert_int_equal(replace(fixture, 3, 3, 10), KAFKA_NONE);
    assert_int_equal(recover(fixture, lost, 3, 40), KAFKA_INVALID_REQUEST);
    assert_int_equal(recover(fixture, id_on(fixture, 3), 3, 40), KAFKA_INVALID_REQUEST);
    assert_int_equal(recover(fixture, id_on(fixture, 1), 3, 0), KAFKA_INVALID_REQUEST);
    assert_int_equal(partition(fixture)->recovery.replica, 0);
    assert_int_equal(recover(fixture, id_on(fixture, 1), 3, 40), KAFKA_NONE);
    assert_int_equal(partition(fixture)->recovery.replica, id_on(fixture, 1));
    assert_int_equal(partition(fixture)->recovery.term, 3);
    assert_int_equal(partition(fixture)->recovery.index, 40);
    assert_int_equal(partition(fixture)->plan, fixture->index);
    assert_int_equal((partition(fixture) + 1)->recovery.replica, 0);
    assert_int_equal(metadata_replicas_stuck_without(fixture->metadata, 2, &first), 1); /* only */
    assert_ptr_equal(first, partition(fixture) + 1);
    assert_int_equal(recover(fixture, id_on(fixture, 1), 3, 41), KAFKA_NONE); /* once more */
    assert_int_equal(partition(fixture)->recovery.index, 41);
    done(fixture, partition(fixture)->plan);
    assert_int_equal(partition(fixture)->recovery.replica, 0);
    assert_int_equal(recover(fixture, id_on(fixture, 1), 3, 41), KAFKA_POLICY_VIOLATION);
}

/* It had not heard of the configuration with which the last plan was done: its own takes that
 * place, and is one with which this plan can be done. */
static void test_replicas_recover_in_front_of_a_configuration(void **state) {
    struct fixture *fixture = *state;
    plan(fixture, (int32_t[]){1, 2, 3, 4}, 4);
    done_with(fixture, partition(fixture)->plan, 60);
    assert_int_equal(partition(fixture)->configured, 60);
    assert_int_equal(replace(fixture, 2, 2, 9), KAFKA_NONE);
    assert_int_equal(replace(fixture, 3, 3, 10), KAFKA_NONE);
    assert_int_equal(recover(fixture, id_on(fixture, 1), 3, 40), KAFKA_NONE);
    assert_int_equal(partition(fixture)->configured, 40);
    done_with(fixture, partition(fixture)->plan, 45);
    assert_int_equal(partition(fixture)->configured, 45);
}

/* Another one, which joined, may go on only when the first is lost as well. */
static void test_replicas_recover_with_another(void **state) {
    struct fixture *fixture = *state;
    plan(fixture, (int32_t[]){1, 2, 3, 4}, 4);
    assert_int_equal(replace(fixture, 2, 2, 9), KAFKA_NONE);
    assert_int_equal(replace(fixture, 3, 3, 10), KAFKA_NONE);
    assert_int_equal(recover(fixture, id_on(fixture, 1), 3, 40), KAFKA_NONE);
    assert_int_equal(recover(fixture, id_on(fixture, 4), 3, 39), KAFKA_POLICY_VIOLATION);
    assert_int_equal(replace(fixture, 1, 1, 11), KAFKA_NONE);
    assert_int_equal(partition(fixture)->recovery.replica, 0);
    assert_int_equal(recover(fixture, id_on(fixture, 4), 3, 39), KAFKA_NONE);
    assert_int_equal(partition(fixture)->recovery.replica, id_on(fixture, 4));
}

/* A topic that goes takes its plans with it. */
static void test_replicas_topic_goes(void **state) {
    struct fixture *fixture = *state;
    struct metadata_command command;
    plan(fixture, (int32_t[]){4, 5}, 2);
    metadata_command_init(&command, COMMAND_DELETE_TOPIC);
    command.delete_topic.id = topic_id;
    assert_int_equal(apply(fixture, &command), KAFKA_NONE);
    assert_int_equal(metadata_plan_count(fixture->metadata), 0);
    for (int32_t node = 1; node <= 6; node++)
        assert_int_equal(metadata_load_of(fixture->metadata, node).replicas, 0);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
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
                                       TEST(test_replicas_replaced_in_pieces),
                                       TEST(test_replicas_recover),
                                       TEST(test_replicas_recover_unread),
                                       TEST(test_replicas_recover_in_front_of_a_configuration),
                                       TEST(test_replicas_recover_with_another)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
