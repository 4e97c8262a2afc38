/* Partitions whose majority is lost, in the metadata table: which replica may go on alone. */
#include "broker/metadata/metadata_commands.h"
#include "broker/metadata/metadata_replicas.h"
#include "protocol/kafka_error.h"
#include "tests/unit/broker/fixture_replicas.h"
#include "tests/unit/unit.h"

static int recover(struct replicas_fixture *fixture, replica_id replica, int64_t term,
                   int64_t index) {
    struct metadata_command command;
    metadata_command_init(&command, COMMAND_RECOVER_PARTITION);
    command.recover_partition = (struct command_recover_partition){
        .group = (int64_t)replicas_partition(fixture)->group,
        .replica = (int64_t)replica,
        .term = term,
        .index = index};
    return replicas_apply(fixture, &command);
}

static int recover_without(struct replicas_fixture *fixture, replica_id replica, int32_t *unread,
                           int32_t count) {
    struct metadata_command command;
    metadata_command_init(&command, COMMAND_RECOVER_PARTITION);
    command.recover_partition.group = (int64_t)replicas_partition(fixture)->group;
    command.recover_partition.replica = (int64_t)replica;
    command.recover_partition.term = 3;
    command.recover_partition.index = 40;
    command.recover_partition.unread.items = unread;
    command.recover_partition.unread.count = count;
    return replicas_apply(fixture, &command);
}

/* Also where one is lost and one is not to be read: the other one goes on. But not where those that
 * are not to be read could be a majority once more. */
static void test_replicas_recover_unread(void **state) {
    struct replicas_fixture *fixture = *state;
    int32_t three[] = {3}, both[] = {2, 3};
    assert_int_equal(recover_without(fixture, replicas_id_on(fixture, 1), both, 2),
                     KAFKA_POLICY_VIOLATION);
    assert_int_equal(replicas_partition(fixture)->recovery.replica, 0);
    assert_int_equal(replicas_replace(fixture, 2, 2, 9), KAFKA_NONE);
    assert_int_equal(recover_without(fixture, replicas_id_on(fixture, 1), NULL, 0),
                     KAFKA_POLICY_VIOLATION);
    assert_int_equal(recover_without(fixture, replicas_id_on(fixture, 1), three, 1), KAFKA_NONE);
    assert_int_equal(replicas_partition(fixture)->recovery.replica, replicas_id_on(fixture, 1));
}

/* One goes on alone only where a majority is lost with its directories, and only one that is not
 * lost and has something; until the plan is done, or it is lost, too. */
static void test_replicas_recover(void **state) {
    struct replicas_fixture *fixture = *state;
    const struct metadata_partition *first = NULL;
    assert_int_equal(recover(fixture, replicas_id_on(fixture, 1), 3, 40), KAFKA_POLICY_VIOLATION);
    replica_id lost = replicas_id_on(fixture, 3);
    assert_int_equal(replicas_replace(fixture, 2, 2, 9), KAFKA_NONE);
    assert_int_equal(recover(fixture, replicas_id_on(fixture, 1), 3, 40), KAFKA_POLICY_VIOLATION);
    assert_int_equal(replicas_replace(fixture, 3, 3, 10), KAFKA_NONE);
    assert_int_equal(recover(fixture, lost, 3, 40), KAFKA_INVALID_REQUEST);
    assert_int_equal(recover(fixture, replicas_id_on(fixture, 3), 3, 40), KAFKA_INVALID_REQUEST);
    assert_int_equal(recover(fixture, replicas_id_on(fixture, 1), 3, 0), KAFKA_INVALID_REQUEST);
    assert_int_equal(replicas_partition(fixture)->recovery.replica, 0);
    assert_int_equal(recover(fixture, replicas_id_on(fixture, 1), 3, 40), KAFKA_NONE);
    assert_int_equal(replicas_partition(fixture)->recovery.replica, replicas_id_on(fixture, 1));
    assert_int_equal(replicas_partition(fixture)->recovery.term, 3);
    assert_int_equal(replicas_partition(fixture)->recovery.index, 40);
    assert_int_equal(replicas_partition(fixture)->plan, fixture->index);
    assert_int_equal((replicas_partition(fixture) + 1)->recovery.replica, 0);
    assert_int_equal(metadata_replicas_stuck_without(fixture->metadata, 2, &first), 1); /* only */
    assert_ptr_equal(first, replicas_partition(fixture) + 1);
    assert_int_equal(recover(fixture, replicas_id_on(fixture, 1), 3, 41),
                     KAFKA_NONE); /* once more */
    assert_int_equal(replicas_partition(fixture)->recovery.index, 41);
    replicas_done(fixture, replicas_partition(fixture)->plan);
    assert_int_equal(replicas_partition(fixture)->recovery.replica, 0);
    assert_int_equal(recover(fixture, replicas_id_on(fixture, 1), 3, 41), KAFKA_POLICY_VIOLATION);
}

/* It had not heard of the configuration with which the last plan was done: its own takes that
 * place, and is one with which this plan can be done. */
static void test_replicas_recover_in_front_of_a_configuration(void **state) {
    struct replicas_fixture *fixture = *state;
    replicas_plan(fixture, (int32_t[]){1, 2, 3, 4}, 4);
    replicas_done_with(fixture, replicas_partition(fixture)->plan, 60);
    assert_int_equal(replicas_partition(fixture)->configured, 60);
    assert_int_equal(replicas_replace(fixture, 2, 2, 9), KAFKA_NONE);
    assert_int_equal(replicas_replace(fixture, 3, 3, 10), KAFKA_NONE);
    assert_int_equal(recover(fixture, replicas_id_on(fixture, 1), 3, 40), KAFKA_NONE);
    assert_int_equal(replicas_partition(fixture)->configured, 40);
    replicas_done_with(fixture, replicas_partition(fixture)->plan, 45);
    assert_int_equal(replicas_partition(fixture)->configured, 45);
}

/* Another one, which joined, may go on only when the first is lost as well. */
static void test_replicas_recover_with_another(void **state) {
    struct replicas_fixture *fixture = *state;
    replicas_plan(fixture, (int32_t[]){1, 2, 3, 4}, 4);
    assert_int_equal(replicas_replace(fixture, 2, 2, 9), KAFKA_NONE);
    assert_int_equal(replicas_replace(fixture, 3, 3, 10), KAFKA_NONE);
    assert_int_equal(recover(fixture, replicas_id_on(fixture, 1), 3, 40), KAFKA_NONE);
    assert_int_equal(recover(fixture, replicas_id_on(fixture, 4), 3, 39), KAFKA_POLICY_VIOLATION);
    assert_int_equal(replicas_replace(fixture, 1, 1, 11), KAFKA_NONE);
    assert_int_equal(replicas_partition(fixture)->recovery.replica, 0);
    assert_int_equal(recover(fixture, replicas_id_on(fixture, 4), 3, 39), KAFKA_NONE);
    assert_int_equal(replicas_partition(fixture)->recovery.replica, replicas_id_on(fixture, 4));
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, replicas_setup, replicas_teardown)
    const struct CMUnitTest tests[] = {TEST(test_replicas_recover),
                                       TEST(test_replicas_recover_unread),
                                       TEST(test_replicas_recover_in_front_of_a_configuration),
                                       TEST(test_replicas_recover_with_another)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
