/* What brokers tell each other of partitions, for the causes of lag. */
#include "broker/causes/cause_exchange.h"

#include "broker/broker_internal.h"
#include "broker/share/shares.h"
#include "tests/unit/broker/fixture_brokers.h"
#include "tests/unit/broker/fixture_data_asks.h"
#include "tests/unit/unit.h"

enum { PARTITIONS = 6, RECORDS = 3, GONE = PARTITIONS, NO_LEADER = 1 << 20 };

static int done;

static void on_done(void *arg) {
    assert_ptr_equal(arg, &done);
    done++;
}

static bool is_done(struct brokers *brokers) {
    (void)brokers;
    return done > 0;
}

static uint64_t never_used(void *sessions, int32_t session_id) {
    (void)sessions;
    (void)session_id;
    return 0;
}

static const struct metadata_topic *topic_of(const struct broker_node *node) {
    return metadata_topic_named(broker_services(node->broker)->metadata, "t", 1);
}

/* All partitions have a leader, as the first broker knows. */
static bool are_led(struct brokers *brokers) {
    const struct metadata_topic *topic = topic_of(&brokers->nodes[0]);
    for (int32_t i = 0; i < PARTITIONS; i++)
        if (leader_table_get(brokers->nodes[0].broker->leaders, topic->partitions[i].group).node ==
            LEADER_NONE)
            return false;
    return true;
}

static struct broker_node *leader_of(struct brokers *brokers, int32_t partition) {
    uint64_t group = topic_of(&brokers->nodes[0])->partitions[partition].group;
    int32_t id = leader_table_get(brokers->nodes[0].broker->leaders, group).node;
    return &brokers->nodes[id - 1];
}

static void produce(struct brokers *brokers, int32_t partition) {
    struct produce_ask ask;
    struct kp_produce_response response;
    produce_begin(&ask, "t", -1);
    produce_add(&ask, partition, RECORDS, 10);
    brokers_ask(leader_of(brokers, partition), KP_PRODUCE, 9, &ask.request, &response);
    assert_int_equal(response.responses.items[0].partition_responses.items[0].error_code, 0);
    produce_end(&ask);
}

static struct cause_exchange *exchange_of(struct broker_node *node) {
    const struct cause_exchange_options options = {.env = node->brokers->env,
                                                   .node = node->id,
                                                   .leaders = node->broker->leaders,
                                                   .partitions = node->broker->partitions,
                                                   .messages = node->broker->messages,
                                                   .session_used_ms = never_used,
                                                   .done = on_done,
                                                   .arg = &done};
    return cause_exchange_new(&options);
}

struct asked {
    struct cause_facts facts;
    struct why_partition partitions[PARTITIONS + 1];
    uint64_t groups[PARTITIONS + 1];
};

/* All partitions, committed at 1, without a member; and one that is gone. */
static void make_facts(struct brokers *brokers, struct asked *asked) {
    *asked = (struct asked){
        .facts = {.facts = {.partitions = asked->partitions, .partition_count = PARTITIONS + 1},
                  .partitions = asked->groups}};
    for (int32_t i = 0; i <= PARTITIONS; i++) {
        asked->partitions[i] = why_partition_unknown("t", i, WHY_NOBODY);
        asked->partitions[i].committed = 1;
        asked->groups[i] = i == GONE ? NO_LEADER
                                     : topic_of(&brokers->nodes[0])->partitions[i].group;
    }
}

/* Leaders here and elsewhere tell alike; of what nobody leads nothing is known. */
static void test_leaders_tell(void **state) {
    struct brokers *brokers = *state;
    struct asked asked;
    done = 0;
    brokers_start(brokers, 2, NULL);
    assert_int_equal(brokers_create_topic(&brokers->nodes[0], "t", PARTITIONS, 1, NULL), 0);
    brokers_until(brokers, are_led);
    int led_here = 0;
    for (int32_t i = 0; i < PARTITIONS; i++) {
        led_here += leader_of(brokers, i)->id == 1;
        produce(brokers, i);
    }
    assert_in_range(led_here, 1, PARTITIONS - 1);
    make_facts(brokers, &asked);
    struct cause_exchange *exchange = exchange_of(&brokers->nodes[0]);
    cause_exchange_ask(exchange, &asked.facts);
    assert_int_equal(done, 0);
    brokers_until(brokers, is_done);
    for (int32_t i = 0; i < PARTITIONS; i++) {
        const struct why_partition *one = &asked.partitions[i];
        assert_true(one->watched);
        assert_int_equal(one->log_start, 0);
        assert_int_equal(one->end, RECORDS);
        assert_int_equal(one->lag, RECORDS - 1);
        assert_in_range(one->age_ms, 0, UNIT_PATIENCE_S * 1000);
        assert_false(one->reader.known);
    }
    assert_false(asked.partitions[GONE].watched);
    assert_int_equal(asked.partitions[GONE].lag, WHY_UNKNOWN);
    assert_int_equal(done, 1);
    cause_exchange_free(exchange);
}

/* Who leads elsewhere and is gone is not waited for long, and leaves its partitions unknown; who
 * stops meanwhile is told nothing. */
static void test_leader_is_gone(void **state) {
    struct brokers *brokers = *state;
    struct asked asked;
    done = 0;
    brokers_start(brokers, 2, NULL);
    assert_int_equal(brokers_create_topic(&brokers->nodes[0], "t", PARTITIONS, 1, NULL), 0);
    brokers_until(brokers, are_led);
    bool elsewhere[PARTITIONS];
    for (int32_t i = 0; i < PARTITIONS; i++)
        elsewhere[i] = leader_of(brokers, i)->id == 2;
    make_facts(brokers, &asked);
    brokers_kill(&brokers->nodes[1]);
    struct cause_exchange *exchange = exchange_of(&brokers->nodes[0]);
    cause_exchange_ask(exchange, &asked.facts);
    cause_exchange_stop(exchange);
    cause_exchange_ask(exchange, &asked.facts);
    brokers_until(brokers, is_done);
    for (int32_t i = 0; i < PARTITIONS; i++)
        assert_int_equal(asked.partitions[i].watched, !elsewhere[i]);
    assert_int_equal(done, 1);
    cause_exchange_free(exchange);
}

static struct shares *shares_of(struct brokers *brokers, int32_t partition) {
    uint64_t group = topic_of(&brokers->nodes[0])->partitions[partition].group;
    return partition_shares(
        partition_set_find_group(leader_of(brokers, partition)->broker->partitions, group));
}

/* The share group has begun in all but the last partition. */
static bool have_begun(struct brokers *brokers) {
    for (int32_t i = 0; i < PARTITIONS - 1; i++)
        if (shares_find(shares_of(brokers, i), kp_string_of("s")) == NULL) return false;
    return true;
}

/* Of a share group leaders here and elsewhere tell what it does, counted from where it is; nothing
 * where it has not begun. */
static void test_leaders_tell_of_shares(void **state) {
    struct brokers *brokers = *state;
    struct asked asked;
    struct why_share_partition shared[PARTITIONS + 1];
    struct cause_told told[PARTITIONS + 1];
    done = 0;
    brokers_start(brokers, 2, NULL);
    assert_int_equal(brokers_create_topic(&brokers->nodes[0], "t", PARTITIONS, 1, NULL), 0);
    brokers_until(brokers, are_led);
    for (int32_t i = 0; i < PARTITIONS; i++)
        produce(brokers, i);
    for (int32_t i = 0; i < PARTITIONS - 1; i++)
        share_begin(shares_of(brokers, i), kp_string_of("s"), 1, NULL);
    brokers_until(brokers, have_begun);
    make_facts(brokers, &asked);
    asked.facts.told = told;
    asked.facts.shared = (struct why_share_facts){
        .group = "s", .partitions = shared, .partition_count = PARTITIONS + 1};
    for (int32_t i = 0; i <= PARTITIONS; i++)
        shared[i] = (struct why_share_partition){
            .topic = "t", .partition = i, .start = -1, .lag = -1, .age_ms = -1};
    struct cause_exchange *exchange = exchange_of(&brokers->nodes[0]);
    cause_exchange_ask(exchange, &asked.facts);
    brokers_until(brokers, is_done);
    for (int32_t i = 0; i <= PARTITIONS; i++) {
        const struct why_share_partition *one = &shared[i];
        bool begun = i < PARTITIONS - 1;
        assert_int_equal(one->told != NULL, begun);
        assert_int_equal(one->start, begun ? 1 : -1);
        assert_int_equal(one->lag, begun ? RECORDS - 1 : -1);
        if (!begun) continue;
        assert_in_range(one->age_ms, 0, UNIT_PATIENCE_S * 1000);
        const struct kp_partition_traffic_response_shared *what = why_shared(one);
        assert_int_equal(what->acquired + what->acquired_most + what->waiting + what->retried, 0);
        assert_int_equal(what->lock_left_ms, -1);
    }
    cause_exchange_free(exchange);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_leaders_tell, brokers_setup, brokers_teardown),
        cmocka_unit_test_setup_teardown(test_leaders_tell_of_shares, brokers_setup,
                                        brokers_teardown),
        cmocka_unit_test_setup_teardown(test_leader_is_gone, brokers_setup, brokers_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
