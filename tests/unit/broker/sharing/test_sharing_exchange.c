/* What a coordinator orders of partitions, on two whole brokers. */
#include "broker/sharing/sharing_exchange.h"

#include "base/mem.h"
#include "broker/broker_internal.h"
#include "protocol/kafka_error.h"
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_large_order, brokers_setup, brokers_teardown),
        cmocka_unit_test_setup_teardown(test_late_order, brokers_setup, brokers_teardown),
        cmocka_unit_test_setup_teardown(test_orders_meet, brokers_setup, brokers_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
