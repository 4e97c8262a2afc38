/* Replicas that were given up as lost while their broker was away, which comes back with its
 * directory: they take no part, and their files go only where others go on without them. */
#include <string.h>

#include "broker/metadata/metadata_change.h"
#include "broker/metadata/metadata_commands.h"
#include "broker/metadata/metadata_group.h"
#include "broker/metadata/metadata_roster.h"
#include "broker/metadata/metadata_rows.h"
#include "protocol/kafka_error.h"
#include "tests/unit/broker/fixture_brokers.h"
#include "tests/unit/unit.h"

static const char *const settings[] = {"broker.session.timeout.ms=1000", NULL};

static struct broker_node *away;
static struct metadata_submit submit;
static int answered; /* the error; -1: not yet */

static const struct metadata *table_of(const struct broker_node *node) {
    return broker_services(node->broker)->metadata;
}

static const struct metadata_partition *partition_of(const struct broker_node *node,
                                                     const char *topic, int32_t index) {
    return metadata_partition_at(metadata_topic_named(table_of(node), topic, strlen(topic)), index);
}

static struct partition *open_at(const struct broker_node *node, const char *topic, int32_t index) {
    return partition_set_find(broker_services(node->broker)->partitions, topic, strlen(topic),
                              index);
}

/* Of a topic with one replica of each partition. */
static int32_t partition_on(const struct broker_node *node, const char *topic) {
    int32_t index = 0;
    while (metadata_replica_on(partition_of(node, topic, index), node->id) == NULL)
        index++;
    return index;
}

static bool all_is_open(struct brokers *brokers) {
    for (int i = 0; i < 3; i++) {
        struct broker_node *node = &brokers->nodes[i];
        if (metadata_topic_named(table_of(node), "alone", 5) == NULL ||
            metadata_topic_named(table_of(node), "three", 5) == NULL ||
            open_at(node, "three", 0) == NULL ||
            open_at(node, "alone", partition_on(node, "alone")) == NULL)
            return false;
    }
    return true;
}

static bool is_led(struct brokers *brokers) {
    return brokers_metadata_leader(brokers) != NULL;
}

static void on_answer(struct metadata_submit *of, const struct metadata_result *result) {
    (void)of;
    answered = result->error;
}

static bool has_answered(struct brokers *brokers) {
    return (void)brokers, answered >= 0;
}

/* Its replicas get new ids, and its directory stays: who began to give it up came no further. */
static void give_up_by_half(struct brokers *brokers) {
    struct metadata_change change = {.validate_only = false};
    submit.done = on_answer;
    do { /* it is away for long enough, in a while */
        brokers_until(brokers, is_led);
        const struct broker_node *leader = brokers_metadata_leader(brokers);
        const struct roster_broker *row = metadata_roster_of(table_of(leader), away->id);
        metadata_command_init(&change.command, COMMAND_REPLACE_REPLICAS);
        change.command.replace_replicas.node = away->id;
        change.command.replace_replicas.accept_loss = true;
        change.command.replace_replicas.most = 100;
        change.command.replace_replicas.below = (int64_t)metadata_next_replica(table_of(leader));
        memcpy(change.command.replace_replicas.former.bytes, row->directory, sizeof row->directory);
        answered = -1;
        metadata_group_submit(broker_services(leader->broker)->metadata_group, &submit, &change,
                              10000);
        brokers_until(brokers, has_answered);
    } while (answered == KAFKA_POLICY_VIOLATION);
    assert_int_equal(answered, KAFKA_NONE);
}

static bool knows_it(struct brokers *brokers) {
    (void)brokers;
    return away->ready && partition_of(away, "three", 0)->plan != 0;
}

static bool next_one_is_open(struct brokers *brokers) {
    (void)brokers;
    struct partition *here = open_at(away, "three", 0);
    return here != NULL &&
           raft_group_replica(partition_group(here)) ==
               metadata_replica_on(partition_of(away, "three", 0), away->id)->replica;
}

static bool is_whole(struct brokers *brokers) {
    (void)brokers;
    return partition_of(away, "three", 0)->plan == 0;
}

static void take_announcement(void *arg, int32_t node, struct slice announcement) {
    (void)node;
    leader_table_receive(broker_services(away->broker)->leaders, 77, &announcement);
    slice_unref(&announcement);
    (void)arg;
}

/* As a broker did that nobody hears any more. */
static void announce_from_nowhere(struct brokers *brokers, uint64_t group) {
    struct leader_table *table = leader_table_new(brokers->env, NULL, 77, take_announcement, NULL);
    leader_table_lead(table, group, 9, (const int32_t[]){77}, 1);
    leader_table_peer_up(table, away->id);
    leader_table_free(table);
    assert_int_equal(leader_table_get(broker_services(away->broker)->leaders, group).node, 77);
}

static uint64_t until_ms;

static bool time_is_over(struct brokers *brokers) {
    return env_now_ms(brokers->env) >= until_ms;
}

/* What three have is led without it, and the next replica takes the place of its own. What it had
 * alone nobody leads, but for one who said so and is not heard: that is the last there is of it. */
static void test_given_up_files_stay(void **state) {
    struct brokers *brokers = *state;
    brokers_start(brokers, 3, settings);
    brokers_until(brokers, is_led);
    struct broker_node *leader = brokers_metadata_leader(brokers);
    assert_int_equal(brokers_create_topic(leader, "three", 1, 3, NULL), 0);
    assert_int_equal(brokers_create_topic(leader, "alone", 3, 1, NULL), 0);
    brokers_until(brokers, all_is_open);
    away = &brokers->nodes[leader->id % 3];
    int32_t alone = partition_on(away, "alone");
    uint64_t group = partition_of(away, "alone", alone)->group;
    brokers_kill(away);
    give_up_by_half(brokers);
    assert_int_equal(brokers_start_one(away), ERR_NONE);
    brokers_until(brokers, knows_it);
    brokers_until(brokers, next_one_is_open);
    brokers_until(brokers, is_whole);
    assert_null(open_at(away, "alone", alone));
    struct partition_set *set = broker_services(away->broker)->partitions;
    assert_null(partition_set_find_group(set, group));
    announce_from_nowhere(brokers, group);
    until_ms = env_now_ms(brokers->env) +
               (uint64_t)7 * broker_services(away->broker)->settings->raft_election_timeout_ms;
    brokers_until(brokers, time_is_over);
    assert_null(partition_set_find_group(set, group));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_given_up_files_stay, brokers_setup, brokers_teardown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
