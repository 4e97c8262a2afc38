/* Ids of share groups that are none, as a client meets them on one whole broker. */
#include <string.h>

#include "protocol/kafka_error.h"
#include "protocol/messages/alter_share_group_offsets.h"
#include "protocol/messages/share_group_describe.h"
#include "protocol/messages/share_group_heartbeat.h"
#include "tests/unit/broker/fixture_share_asks.h"
#include "tests/unit/unit.h"

static void assert_says(struct kp_string message, const char *part) {
    if (message.len <= 0 || memmem(message.data, (size_t)message.len, part, strlen(part)) == NULL)
        fail_msg("the message does not say \"%s\"", part);
}

static const struct kp_string zeroed = {"g\0x", 3};

static struct kp_share_group_heartbeat_response beat(struct one_broker *one, struct kp_string group,
                                                     struct kp_string member) {
    struct kp_share_group_heartbeat_request request;
    struct kp_share_group_heartbeat_response response;
    struct kp_string topic = kp_string_of("t");
    kp_set_fallbacks(&kp_share_group_heartbeat_request_schema, &request);
    request.group_id = group;
    request.member_id = member;
    request.rack_id = KP_NULL_STRING;
    request.subscribed_topic_names.items = &topic;
    request.subscribed_topic_names.count = 1;
    do
        assert_true(one_broker_ask(one, KP_SHARE_GROUP_HEARTBEAT, 1, &request, &response));
    while (response.error_code == KAFKA_NOT_COORDINATOR ||
           response.error_code == KAFKA_COORDINATOR_LOAD_IN_PROGRESS ||
           response.error_code == KAFKA_COORDINATOR_NOT_AVAILABLE);
    return response;
}

static int16_t describe(struct one_broker *one, struct kp_string group) {
    struct kp_share_group_describe_request request;
    struct kp_share_group_describe_response response;
    kp_set_fallbacks(&kp_share_group_describe_request_schema, &request);
    request.group_ids.items = &group;
    request.group_ids.count = 1;
    do
        assert_true(one_broker_ask(one, KP_SHARE_GROUP_DESCRIBE, 1, &request, &response));
    while (response.groups.items[0].error_code == KAFKA_NOT_COORDINATOR ||
           response.groups.items[0].error_code == KAFKA_COORDINATOR_LOAD_IN_PROGRESS ||
           response.groups.items[0].error_code == KAFKA_COORDINATOR_NOT_AVAILABLE);
    return response.groups.items[0].error_code;
}

static struct kp_alter_share_group_offsets_response alter(struct one_broker *one,
                                                          struct kp_string group) {
    struct kp_alter_share_group_offsets_request request;
    struct kp_alter_share_group_offsets_response response;
    kp_set_fallbacks(&kp_alter_share_group_offsets_request_schema, &request);
    request.group_id = group;
    do
        assert_true(one_broker_ask(one, KP_ALTER_SHARE_GROUP_OFFSETS, 0, &request, &response));
    while (response.error_code == KAFKA_NOT_COORDINATOR ||
           response.error_code == KAFKA_COORDINATOR_LOAD_IN_PROGRESS ||
           response.error_code == KAFKA_COORDINATOR_NOT_AVAILABLE);
    return response;
}

/* An empty group is told as Kafka tells it, and whoever has a zero in its id is refused by all. */
static void test_ids(void **state) {
    struct one_broker *one = *state;
    one_broker_start(one);
    share_served(one);
    one_broker_create(one, "t", 1);
    share_join(one, "g", "m"); /* coordinators are there */
    struct kp_share_group_heartbeat_response answer = beat(one, kp_string_of(""),
                                                           kp_string_of("m"));
    assert_int_equal(answer.error_code, KAFKA_INVALID_REQUEST);
    assert_says(answer.error_message, "GroupId can't be empty.");
    answer = beat(one, zeroed, kp_string_of("m"));
    assert_int_equal(answer.error_code, KAFKA_INVALID_REQUEST);
    assert_says(answer.error_message, "NUL");
    assert_int_equal(beat(one, kp_string_of("g"), zeroed).error_code, KAFKA_INVALID_REQUEST);
    assert_int_equal(describe(one, zeroed), KAFKA_INVALID_GROUP_ID);
    assert_int_equal(describe(one, kp_string_of("g")), KAFKA_NONE);
    struct kp_alter_share_group_offsets_response altered = alter(one, zeroed);
    assert_int_equal(altered.error_code, KAFKA_INVALID_GROUP_ID);
    assert_says(altered.error_message, "NUL");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_ids, one_broker_setup, one_broker_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
