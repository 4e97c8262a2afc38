/* What a broker says of itself. */
#include "broker/broker_internal.h"
#include "broker/observe/timeline.h"
#include "protocol/messages/broker_status.h"
#include "tests/unit/broker/fixture_brokers.h"
#include "tests/unit/broker/fixture_cluster_asks.h"
#include "tests/unit/unit.h"

static struct kp_broker_status_response ask(struct broker_node *node, struct kp_string *names,
                                            int32_t count, int32_t reasons_max) {
    struct kp_broker_status_request request;
    struct kp_broker_status_response response;
    kp_set_fallbacks(&kp_broker_status_request_schema, &request);
    request.metrics.items = names;
    request.metrics.count = count;
    request.reasons_max = reasons_max;
    brokers_ask(node, KP_BROKER_STATUS, 0, &request, &response);
    return response;
}

static const struct kp_broker_status_response_metric *metric_of(
    const struct kp_broker_status_response *response, const char *name) {
    for (int32_t i = 0; i < response->metrics.count; i++)
        if (kp_string_is(response->metrics.items[i].name, name)) return &response->metrics.items[i];
    return NULL;
}

/* Who it is, how it is, with as many reasons as were asked for; all numbers, or those that were
 * named. */
static void test_broker_status(void **state) {
    struct broker_node *node = start_one(state, (const char *const[]){"broker.rack=r1", NULL});
    assert_int_equal(brokers_create_topic(node, "t", 3, 1, NULL), 0);
    struct kp_broker_status_response response = ask(node, NULL, -1, 2);
    assert_int_equal(response.error_code, 0);
    assert_int_equal(response.node_id, 1);
    assert_true(kp_string_is(response.rack, "r1"));
    assert_true(kp_string_is(response.version, DRAVE_VERSION));
    assert_true(response.cluster_id.len > 0 && response.uptime_ms >= 0);
    assert_int_equal(response.health.count, 3);
    assert_true(kp_string_is(response.health.items[0].name, "ready") &&
                response.health.items[0].ok);
    /* Nobody else has a replica: 3 partitions and the metadata. */
    assert_true(kp_string_is(response.health.items[1].name, "stoppable"));
    assert_false(response.health.items[1].ok);
    assert_int_equal(response.health.items[1].reasons.count, 2);
    assert_int_equal(response.health.items[1].left_out, 2);
    assert_text(response.health.items[1].reasons.items[0].text, "replicas in sync");
    const struct kp_broker_status_response_metric *sync = metric_of(&response,
                                                                    "drave_journal_sync_seconds");
    assert_int_equal(sync->samples.items[0].counts.count, sync->bounds.count + 1);
    assert_true(sync->samples.items[0].value > 0);
    struct kp_string names[] = {kp_string_of("drave_partitions"), kp_string_of("no_such")};
    response = ask(node, names, 2, 0);
    assert_int_equal(response.metrics.count, 1);
    const struct kp_broker_status_response_metric *roles = metric_of(&response, "drave_partitions");
    assert_true(kp_string_is(roles->labels.items[0], "role"));
    assert_int_equal(roles->samples.count, 2);
    assert_true(kp_string_is(roles->samples.items[0].labels.items[0], "leader"));
    assert_int_equal(response.health.items[1].reasons.count, 0);
    assert_int_equal(response.health.items[1].left_out, 4);
}

enum { MANY = TIMELINE_MOST, AT_ONCE = 100 };

static void note_many(struct broker_node *node) {
    uint64_t long_ago_ms = env_now_ms(node->brokers->env) - 2 * TIMELINE_CROWD_MS;
    for (int32_t i = 0; i < MANY; i++)
        timeline_note(node->broker->timeline, long_ago_ms, 0,
                      &(struct event_note){EVENT_BROKER_AWAY, i, "", "", -1, 0});
}

/* Whatever is asked for, an answer has so much of it; events are asked on for. */
static void test_broker_status_is_bounded(void **state) {
    struct broker_node *node = start_one(state, NULL);
    struct kp_broker_status_request request;
    struct kp_broker_status_response response;
    int32_t told = 0;
    assert_int_equal(brokers_create_topic(node, "t", 2 * AT_ONCE, 1, NULL), 0);
    note_many(node);
    kp_set_fallbacks(&kp_broker_status_request_schema, &request);
    request.reasons_max = request.events_max = INT32_MAX;
    do {
        brokers_ask(node, KP_BROKER_STATUS, 0, &request, &response);
        assert_int_equal(response.health.items[1].reasons.count, AT_ONCE);
        assert_true(response.health.items[1].left_out > AT_ONCE);
        assert_in_range(response.events.count, 0, AT_ONCE);
        for (int32_t i = 0; i < response.events.count; i++) {
            assert_true(response.events.items[i].id > request.events_after);
            request.events_after = response.events.items[i].id;
        }
        told += response.events.count;
    } while (response.events.count > 0);
    assert_true(told > MANY - AT_ONCE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_broker_status, brokers_setup, brokers_teardown),
        cmocka_unit_test_setup_teardown(test_broker_status_is_bounded, brokers_setup,
                                        brokers_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
