/* What a coordinator orders of partitions, on two whole brokers. */
#include "broker/sharing/sharing_exchange.h"

#include <stdio.h>

#include "base/mem.h"
#include "broker/broker_internal.h"
#include "broker/coordinator/coordinators.h"
#include "broker/coordinator/serving/group_coordinator.h"
#include "broker/share/shares.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/find_coordinator.h"
#include "tests/unit/broker/fixture_brokers.h"
#include "tests/unit/broker/fixture_cluster_asks.h"
#include "tests/unit/unit.h"

enum { LARGE = SHARING_ORDER_MOST + 3 };

static size_t times_done;

static void ordered(struct sharing_order *order) {
    (void)order;
    times_done++;
}

static bool is_done(struct brokers *brokers) {
    (void)brokers;
    return times_done > 0;
}

/* An order that has more partitions than are asked at once is over when the last ones have
 * answered too, wherever they are led. */
static void test_large_order(void **state) {
    struct brokers *brokers = *state;
    brokers_start(brokers, 2, NULL);
    struct broker_node *node = &brokers->nodes[0];
    assert_int_equal(brokers_create_topic(node, "t", 2, 1, NULL), 0);
    const struct metadata_topic *topic = metadata_topic_named(
        broker_services(node->broker)->metadata, "t", 1);
    struct sharing_ask *asks = mem_zalloc(LARGE * sizeof *asks);
    struct sharing_answer *answers = mem_zalloc(LARGE * sizeof *answers);
    for (size_t i = 0; i < LARGE; i++) {
        asks[i].partition = topic->partitions[i % 2].group;
        answers[i].code = -1;
    }
    struct sharing_order order = {.what = SHARING_LOOK,
                                  .group = kp_string_of("g"),
                                  .asks = asks,
                                  .answers = answers,
                                  .count = LARGE,
                                  .timeout_ms = 60000, /* they are asked until they answer */
                                  .done = ordered};
    times_done = 0;
    sharing_order_begin(node->broker->sharing_exchange, &order);
    assert_int_equal(times_done, 0);
    brokers_until(brokers, is_done);
    assert_int_equal(times_done, 1);
    for (size_t i = 0; i < LARGE; i++) {
        assert_int_equal(answers[i].code, KAFKA_NONE);
        assert_int_equal(answers[i].start, -1);
    }
    mem_free(answers);
    mem_free(asks);
}

/* ---- One behind the other ---- */

/* Of one partition. */
struct single {
    struct sharing_order order;
    struct sharing_ask ask;
    struct sharing_answer answer;
};

static struct sharing_orderer orderer;

static void order_one(struct broker_node *node, struct single *one, enum sharing_what what,
                      uint64_t partition) {
    one->ask = (struct sharing_ask){.partition = partition, .start = SHARING_LATEST};
    one->order = (struct sharing_order){.what = what,
                                        .group = kp_string_of("g"),
                                        .asks = &one->ask,
                                        .answers = &one->answer,
                                        .count = 1,
                                        .timeout_ms = 60000,
                                        .done = ordered};
    one->order.orderer = orderer;
    sharing_order_begin(node->broker->sharing_exchange, &one->order);
}

static size_t wanted;

static bool are_done(struct brokers *brokers) {
    (void)brokers;
    return times_done == wanted;
}

/* Both in one turn, then where it begins: -1 when it is not there. */
static kafka_offset after_both(struct broker_node *node, uint64_t partition,
                               enum sharing_what first, enum sharing_what second) {
    struct single orders[3];
    times_done = 0;
    wanted = 2;
    orderer = (struct sharing_orderer){0};
    order_one(node, &orders[0], first, partition);
    order_one(node, &orders[1], second, partition);
    brokers_until(node->brokers, are_done);
    wanted = 3;
    order_one(node, &orders[2], SHARING_LOOK, partition);
    brokers_until(node->brokers, are_done);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(orders[i].answer.code, KAFKA_NONE);
    return orders[2].answer.start;
}

/* What is under way counts: a group that goes while it begins is gone, one that begins while it
 * goes is there, and one that begins elsewhere meanwhile is there too. */
static void test_orders_meet(void **state) {
    struct brokers *brokers = *state;
    brokers_start(brokers, 1, NULL);
    struct broker_node *node = &brokers->nodes[0];
    assert_int_equal(brokers_create_topic(node, "t", 1, 1, NULL), 0);
    uint64_t partition =
        metadata_topic_named(broker_services(node->broker)->metadata, "t", 1)->partitions[0].group;
    assert_int_equal(after_both(node, partition, SHARING_BEGIN, SHARING_DROP), -1);
    assert_int_equal(after_both(node, partition, SHARING_BEGIN, SHARING_BEGIN), 0);
    assert_int_equal(after_both(node, partition, SHARING_DROP, SHARING_BEGIN), 0);
    assert_int_equal(after_both(node, partition, SHARING_DROP, SHARING_MOVE), 0);
    assert_int_equal(after_both(node, partition, SHARING_MOVE, SHARING_DROP), -1);
    assert_int_equal(after_both(node, partition, SHARING_MOVE, SHARING_MOVE), 0);
    assert_int_equal(after_both(node, partition, SHARING_DROP, SHARING_DROP), -1);
}

static int16_t ordered_as(struct broker_node *node, uint64_t partition, enum sharing_what what,
                          struct sharing_orderer by) {
    struct single one;
    times_done = 0;
    wanted = 1;
    orderer = by;
    order_one(node, &one, what, partition);
    brokers_until(node->brokers, are_done);
    return one.answer.code;
}

/* What a coordinator ordered that another one has followed comes too late, wherever the partition
 * is led, and changes nothing. */
static void test_late_order(void **state) {
    struct brokers *brokers = *state;
    brokers_start(brokers, 2, NULL);
    struct broker_node *node = &brokers->nodes[0];
    assert_int_equal(brokers_create_topic(node, "t", 2, 1, NULL), 0);
    const struct metadata_topic *topic = metadata_topic_named(
        broker_services(node->broker)->metadata, "t", 1);
    for (size_t i = 0; i < 2; i++) {
        uint64_t partition = topic->partitions[i].group;
        assert_int_equal(ordered_as(node, partition, SHARING_BEGIN, (struct sharing_orderer){0}),
                         KAFKA_NONE);
        /* Any Raft group has a term. */
        struct sharing_orderer now = {
            partition, (int32_t)leader_table_get(node->broker->leaders, partition).term};
        struct sharing_orderer before = {partition, now.term - 1};
        assert_int_equal(ordered_as(node, partition, SHARING_DROP, before), KAFKA_NOT_COORDINATOR);
        assert_int_equal(ordered_as(node, partition, SHARING_LOOK, before), KAFKA_NONE);
        assert_int_equal(after_both(node, partition, SHARING_LOOK, SHARING_LOOK), 0);
        assert_int_equal(ordered_as(node, partition, SHARING_DROP, now), KAFKA_NONE);
        assert_int_equal(ordered_as(node, partition, SHARING_BEGIN, before), KAFKA_NOT_COORDINATOR);
        assert_int_equal(after_both(node, partition, SHARING_LOOK, SHARING_LOOK), -1);
    }
}

/* ---- What is not written ---- */

static struct broker_node *start_single(void **state, uint64_t *partition) {
    struct brokers *brokers = *state;
    brokers_start(brokers, 1, NULL);
    struct broker_node *node = &brokers->nodes[0];
    assert_int_equal(brokers_create_topic(node, "t", 1, 1, NULL), 0);
    *partition =
        metadata_topic_named(broker_services(node->broker)->metadata, "t", 1)->partitions[0].group;
    return node;
}

static struct partition *partition_of(struct broker_node *node, uint64_t partition) {
    return partition_set_find_group(broker_services(node->broker)->partitions, partition);
}

static int32_t epoch_of(struct broker_node *node, uint64_t partition) {
    return shares_find(partition_shares(partition_of(node, partition)), kp_string_of("g"))->epoch;
}

/* A group that is where it is to begin, and has done nothing there, does not begin anew: nothing is
 * written. What it has done is forgotten. */
static void test_move_to_where_it_is(void **state) {
    uint64_t partition;
    struct broker_node *node = start_single(state, &partition);
    struct sharing_orderer nobody = {0};
    assert_int_equal(ordered_as(node, partition, SHARING_MOVE, nobody), KAFKA_NONE);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ordered_as(node, partition, SHARING_MOVE, nobody), KAFKA_NONE);
        assert_int_equal(epoch_of(node, partition), 0);
    }
    struct share *share = shares_find(partition_shares(partition_of(node, partition)),
                                      kp_string_of("g"));
    share_state_set(&share->state, &(struct share_range){.at = {3, 4}, .count = 1});
    assert_int_equal(ordered_as(node, partition, SHARING_MOVE, nobody), KAFKA_NONE);
    assert_int_equal(epoch_of(node, partition), 1);
}

/* Where producers are refused for lack of room no group begins, nor begins elsewhere; one that is
 * there stays, and may go. */
static void test_no_room_on_the_disk(void **state) {
    uint64_t partition;
    struct broker_node *node = start_single(state, &partition);
    struct sharing_orderer nobody = {0};
    struct disk_space *room = log_store_room(node->broker->store);
    struct disk_space_facts facts;
    assert_int_equal(ordered_as(node, partition, SHARING_BEGIN, nobody), KAFKA_NONE);
    struct share *share = shares_find(partition_shares(partition_of(node, partition)),
                                      kp_string_of("g"));
    share_state_set(&share->state, &(struct share_range){.at = {3, 4}, .count = 1});
    disk_space_facts_get(room, &facts);
    /* So that a follower has room, and a leader has not. */
    disk_space_set_min_free(room, facts.free_bytes + facts.free_bytes / 2);
    assert_int_equal(ordered_as(node, partition, SHARING_BEGIN, nobody), KAFKA_NONE);
    assert_int_equal(ordered_as(node, partition, SHARING_MOVE, nobody), KAFKA_STORAGE_ERROR);
    assert_int_equal(ordered_as(node, partition, SHARING_DROP, nobody), KAFKA_NONE);
    assert_int_equal(ordered_as(node, partition, SHARING_BEGIN, nobody), KAFKA_STORAGE_ERROR);
    disk_space_set_min_free(room, facts.min_free_bytes);
    uint64_t limit_ms = env_now_ms(node->brokers->env) + 10000; /* it looks once a second */
    int16_t code;
    do
        code = ordered_as(node, partition, SHARING_BEGIN, nobody);
    while (code != KAFKA_NONE && env_now_ms(node->brokers->env) < limit_ms);
    assert_int_equal(code, KAFKA_NONE);
}

/* Of groups that are about to begin in one turn no more do than may share a partition. */
static void test_too_many_groups(void **state) {
    enum { ALL = SHARES_MAX + 5 };
    static struct single orders[ALL];
    static char names[ALL][8];
    uint64_t partition;
    size_t refused = 0;
    struct broker_node *node = start_single(state, &partition);
    times_done = 0;
    wanted = ALL;
    orderer = (struct sharing_orderer){0};
    for (size_t i = 0; i < ALL; i++) {
        snprintf(names[i], sizeof names[i], "g%zu", i);
        orders[i].ask = (struct sharing_ask){.partition = partition, .start = SHARING_LATEST};
        orders[i].order = (struct sharing_order){.what = i % 2 == 0 ? SHARING_BEGIN : SHARING_MOVE,
                                                 .group = kp_string_of(names[i]),
                                                 .asks = &orders[i].ask,
                                                 .answers = &orders[i].answer,
                                                 .count = 1,
                                                 .timeout_ms = 60000,
                                                 .done = ordered};
        sharing_order_begin(node->broker->sharing_exchange, &orders[i].order);
    }
    brokers_until(node->brokers, are_done);
    for (size_t i = 0; i < ALL; i++)
        refused += orders[i].answer.code == KAFKA_POLICY_VIOLATION;
    assert_int_equal(refused, ALL - SHARES_MAX);
    assert_int_equal(shares_count(partition_shares(partition_of(node, partition))), SHARES_MAX);
}

static int16_t begin_named(struct broker_node *node, uint64_t partition, const char *group) {
    struct single one = {.ask = {.partition = partition, .start = SHARING_LATEST}};
    one.order = (struct sharing_order){.what = SHARING_BEGIN,
                                       .group = kp_string_of(group),
                                       .asks = &one.ask,
                                       .answers = &one.answer,
                                       .count = 1,
                                       .timeout_ms = 60000,
                                       .done = ordered};
    times_done = 0;
    sharing_order_begin(node->broker->sharing_exchange, &one.order);
    brokers_until(node->brokers, is_done);
    return one.answer.code;
}

/* Where a partition is full a new group takes the place of the one that was used least, if nobody
 * has used it for as long as offsets are kept; one that is used keeps its own. */
static void test_unused_group_gives_way(void **state) {
    uint64_t partition;
    struct broker_node *node = start_single(state, &partition);
    struct shares *shares = partition_shares(partition_of(node, partition));
    for (size_t i = 0; i < SHARES_MAX; i++) {
        char name[24];
        snprintf(name, sizeof name, "g%zu", i);
        assert_int_equal(begin_named(node, partition, name), KAFKA_NONE);
    }
    assert_int_equal(begin_named(node, partition, "new"), KAFKA_POLICY_VIOLATION);
    uint64_t kept_ms = (uint64_t)broker_services(node->broker)->settings->offsets_retention_ms;
    for (struct share *share = shares_find(shares, kp_string_of("g0")); share != NULL;
         share = share->next)
        share->used_ms -= kept_ms / 2;
    shares_find(shares, kp_string_of("g7"))->used_ms -= kept_ms;
    shares_find(shares, kp_string_of("g9"))->used_ms -= kept_ms + 60000;
    assert_int_equal(begin_named(node, partition, "new"), KAFKA_NONE);
    assert_null(shares_find(shares, kp_string_of("g9")));
    assert_int_equal(begin_named(node, partition, "newer"), KAFKA_NONE);
    assert_null(shares_find(shares, kp_string_of("g7")));
    assert_int_equal(begin_named(node, partition, "newest"), KAFKA_POLICY_VIOLATION);
    assert_int_equal(shares_count(shares), SHARES_MAX);
}

/* ---- A coordinator ---- */

static struct group_coordinator *coordinator;

static void on_coordinator(struct coordinator_find *find, void *found, int16_t error) {
    (void)find;
    assert_int_equal(error, KAFKA_NONE);
    coordinator = found;
}

static bool is_found(struct brokers *brokers) {
    (void)brokers;
    return coordinator != NULL;
}

/* What a coordinator orders has its partition beside its term: a term in which it led before comes
 * too late. */
static void test_coordinator_says_who_it_is(void **state) {
    uint64_t partition;
    struct broker_node *node = start_single(state, &partition);
    struct kp_find_coordinator_request request;
    struct kp_find_coordinator_response response;
    kp_set_fallbacks(&kp_find_coordinator_request_schema, &request);
    request.key = kp_string_of("g");
    do
        brokers_ask(node, KP_FIND_COORDINATOR, 3, &request, &response);
    while (response.error_code != KAFKA_NONE);
    struct coordinator_find find = {.done = on_coordinator};
    coordinator = NULL;
    coordinators_find(node->broker->group_coordinators, "g", 1, &find);
    brokers_until(node->brokers, is_found);
    struct group_table *groups = group_coordinator_groups(coordinator);
    int32_t term = coordinator_log_epoch(groups->log);
    for (int32_t late = 1; late >= 0; late--) {
        struct single one;
        times_done = 0;
        wanted = 1;
        one.ask = (struct sharing_ask){.partition = partition, .start = SHARING_LATEST};
        one.order = (struct sharing_order){.what = SHARING_BEGIN,
                                           .orderer.term = term - late,
                                           .group = kp_string_of("g"),
                                           .asks = &one.ask,
                                           .answers = &one.answer,
                                           .count = 1,
                                           .timeout_ms = 60000,
                                           .done = ordered};
        groups->sharing.begin(groups->sharing.arg, &one.order);
        brokers_until(node->brokers, are_done);
        assert_int_equal(one.answer.code, late > 0 ? KAFKA_NOT_COORDINATOR : KAFKA_NONE);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_large_order, brokers_setup, brokers_teardown),
        cmocka_unit_test_setup_teardown(test_late_order, brokers_setup, brokers_teardown),
        cmocka_unit_test_setup_teardown(test_orders_meet, brokers_setup, brokers_teardown),
        cmocka_unit_test_setup_teardown(test_move_to_where_it_is, brokers_setup, brokers_teardown),
        cmocka_unit_test_setup_teardown(test_no_room_on_the_disk, brokers_setup, brokers_teardown),
        cmocka_unit_test_setup_teardown(test_too_many_groups, brokers_setup, brokers_teardown),
        cmocka_unit_test_setup_teardown(test_unused_group_gives_way, brokers_setup,
                                        brokers_teardown),
        cmocka_unit_test_setup_teardown(test_coordinator_says_who_it_is, brokers_setup,
                                        brokers_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
