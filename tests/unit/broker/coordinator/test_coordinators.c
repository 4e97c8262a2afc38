/* From a group id to the state on this broker: it leads, is about to, or is somewhere else. */
#include <string.h>

#include "base/container_of.h"
#include "base/mem.h"
#include "broker/coordinator/coordinators.h"
#include "broker/metadata/metadata_commands.h"
#include "protocol/kafka_error.h"
#include "tests/unit/broker/fixture_partitions.h"
#include "tests/unit/unit.h"

/* Of a topic with four partitions the fixture opens number 3, in which "c" lives, and not "a". */
enum { PARTITIONS = 4, OPEN = 3 };

struct cast {
    struct metadata *metadata;
    struct coordinators *coordinators;
};

static struct cast cast;

static void ignore(void *state) {
    (void)state;
}

static void ignore_record(void *state, const struct coordinator_record *record,
                          const struct coordinator_place *place) {
    (void)state;
    (void)record;
    (void)place;
}

static bool no_records(void *state, void **walk, size_t most,
                       void (*sink)(void *arg, const struct coordinator_record *record),
                       void *arg) {
    (void)state;
    (void)walk;
    (void)most;
    (void)sink;
    (void)arg;
    return true;
}

static const struct coordinator_state state_type = {.apply = ignore_record,
                                                    .leading = ignore,
                                                    .lost = ignore,
                                                    .records = no_records,
                                                    .free = mem_free};

static void *state_new(void *arg, struct coordinator_log *log, int32_t partition) {
    (void)arg;
    (void)log;
    int32_t *state = mem_alloc(sizeof *state);
    *state = partition;
    return state;
}

static void make_topic(void) {
    int32_t node = 1;
    struct command_partition partitions[PARTITIONS];
    struct metadata_command command;
    struct metadata_result result;
    struct slice bytes;
    metadata_command_init(&command, COMMAND_CREATE_TOPIC);
    command.create_topic.name = kp_string_of("topic");
    command.create_topic.id.bytes[0] = 1;
    command.create_topic.partitions.items = partitions;
    command.create_topic.partitions.count = PARTITIONS;
    for (int p = 0; p < PARTITIONS; p++) {
        partitions[p].nodes.items = &node;
        partitions[p].nodes.count = 1;
    }
    assert_int_equal(metadata_command_encode(&command, &bytes), ERR_NONE);
    assert_int_equal(metadata_apply(cast.metadata, 1, bytes.data, bytes.len, &result), ERR_NONE);
    assert_int_equal(result.error, KAFKA_NONE);
    slice_unref(&bytes);
}

static void make_applier(struct fixture_node *node, struct applier *applier) {
    struct metadata_topic other = {.name = "another"};
    struct metadata_partition of_other = {.topic = &other, .index = OPEN};
    (void)node;
    coordinators_make(cast.coordinators, &of_other, applier);
    assert_null(applier->type);
    const struct metadata_topic *topic = metadata_topic_named(cast.metadata, "topic", 5);
    coordinators_make(cast.coordinators, &topic->partitions[OPEN], applier);
    assert_non_null(applier->type);
}

static int setup(void **state) {
    fixture_setup(state);
    struct fixture *fixture = *state;
    fixture->make_applier = make_applier;
    cast.metadata = metadata_new(3, 1);
    struct coordinators_options options = {.env = fixture->env,
                                           .metadata = cast.metadata,
                                           .topic = "topic",
                                           .write_timeout_ms = 1000,
                                           .type = &state_type,
                                           .state_new = state_new};
    cast.coordinators = coordinators_new(&options);
    return 0;
}

static int teardown(void **state) {
    struct fixture *fixture = *state;
    for (int i = 0; i < fixture->node_count; i++)
        if (fixture->nodes[i].open) node_close(&fixture->nodes[i]);
    coordinators_free(cast.coordinators);
    metadata_free(cast.metadata);
    return fixture_teardown(state);
}

struct found {
    struct coordinator_find find; /* first */
    bool over;
    void *state;
    int16_t error;
};

static void on_found(struct coordinator_find *find, void *state, int16_t error) {
    struct found *found = (struct found *)find;
    assert_false(found->over);
    assert_int_equal(error == KAFKA_NONE, state != NULL);
    found->over = true;
    found->state = state;
    found->error = error;
}

static void begin_find(const char *key, struct found *found) {
    *found = (struct found){.find.done = on_found};
    coordinators_find(cast.coordinators, key, strlen(key), &found->find);
}

static int16_t error_of(const char *key) {
    struct found found;
    begin_find(key, &found);
    assert_true(found.over);
    return found.error;
}

static void count_states(void *arg, void *state) {
    assert_int_equal(*(int32_t *)state, OPEN);
    ++*(int *)arg;
}

/* What is led here is found at once; what is elsewhere, or nowhere, is not. */
static void test_coordinators_find(void **state) {
    struct fixture *fixture = *state;
    int states = 0;
    assert_int_equal(error_of("c"), KAFKA_NOT_COORDINATOR);
    assert_null(coordinators_partition_of(cast.coordinators, "c", 1));
    make_topic();
    assert_int_equal(coordinators_partition_of(cast.coordinators, "c", 1)->index, OPEN);
    assert_int_equal(error_of("c"), KAFKA_NOT_COORDINATOR);
    fixture_start(fixture, 1);
    struct found found;
    begin_find("c", &found);
    assert_true(found.over);
    assert_int_equal(*(int32_t *)found.state, OPEN);
    assert_int_equal(error_of("a"), KAFKA_NOT_COORDINATOR);
    assert_int_equal(coordinators_each(cast.coordinators, count_states, &states), 0);
    assert_int_equal(states, 1);
    node_close(&fixture->nodes[0]);
    assert_int_equal(error_of("c"), KAFKA_NOT_COORDINATOR);
    states = 0;
    coordinators_each(cast.coordinators, count_states, &states);
    assert_int_equal(states, 0);
}

static struct found early, gone;
static bool began;

static struct fixture_node *open_node(struct fixture *fixture) {
    struct fixture_node *node = &fixture->nodes[0];
    make_topic();
    fixture->node_count = 1;
    node->fixture = fixture;
    node->id = 1;
    memcpy(node->dir, fixture->dir, sizeof fixture->dir);
    began = false;
    node_open(node, true);
    return node;
}

/* From its election until it serves, which is a flush of the disk, it is waited. */
static bool asked_early(struct fixture *fixture) {
    struct partition *partition = fixture->nodes[0].partition;
    if (!began && (partition_is_electing(partition) || partition_is_leading(partition))) {
        began = true;
        begin_find("c", &early);
        begin_find("c", &gone);
        coordinators_find_cancel(&gone.find);
    }
    return began && early.over;
}

/* Who comes while a replica is being elected is told when it leads, not before; who has gone is
 * not. */
static void test_coordinators_find_waits(void **state) {
    struct fixture *fixture = *state;
    struct fixture_node *node = open_node(fixture);
    run_until(fixture, asked_early);
    assert_int_equal(early.error, KAFKA_NONE);
    assert_int_equal(*(int32_t *)early.state, OPEN);
    assert_true(partition_is_leading(node->partition));
}

static bool asked_at_all(struct fixture *fixture) {
    asked_early(fixture);
    return began;
}

/* Who waits when the partition closes is told so. */
static void test_coordinators_find_ends_with_the_partition(void **state) {
    struct fixture *fixture = *state;
    struct fixture_node *node = open_node(fixture);
    run_until(fixture, asked_at_all);
    bool waits = !early.over;
    node_close(node);
    assert_true(early.over);
    if (waits) assert_int_equal(early.error, KAFKA_NOT_COORDINATOR);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_coordinators_find, setup, teardown),
        cmocka_unit_test_setup_teardown(test_coordinators_find_waits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_coordinators_find_ends_with_the_partition, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
