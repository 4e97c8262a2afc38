/* ApiVersions as a client meets it, on one whole broker: KIP-511, KIP-1242. */
#include "protocol/kafka_error.h"
#include "protocol/messages/api_versions.h"
#include "tests/unit/broker/fixture_broker.h"
#include "tests/unit/unit.h"

#include "broker/api/services.h"
#include "broker/cluster/cluster_record.h"

static struct kp_api_versions_response ask(struct one_broker *one, int version,
                                           struct kp_string cluster_id, int32_t node_id) {
    struct kp_api_versions_request request = {kp_string_of("test"), kp_string_of("1"), cluster_id,
                                              node_id};
    struct kp_api_versions_response response;
    assert_true(one_broker_ask(one, KP_API_VERSIONS, version, &request, &response));
    return response;
}

/* A client that says whom it means is told when it has come to somebody else; what is half said is
 * refused; what is not said, or not said in this version, is not looked at. */
static void test_api_versions_of_another_broker(void **state) {
    struct one_broker *one = *state;
    one_broker_start(one);
    struct kp_string ours = kp_string_of(broker_services(one->broker)->cluster->id);
    struct kp_string other = kp_string_of("another-cluster");
    const struct {
        struct kp_string cluster_id;
        int32_t node_id;
        int16_t code;
    } tries[] = {
        {KP_NULL_STRING, -1, KAFKA_NONE},
        {ours, 1, KAFKA_NONE},
        {ours, 2, KAFKA_REBOOTSTRAP_REQUIRED},
        {other, 1, KAFKA_REBOOTSTRAP_REQUIRED},
        {kp_string_of(""), 1, KAFKA_REBOOTSTRAP_REQUIRED},
        {ours, -2, KAFKA_REBOOTSTRAP_REQUIRED},
        {ours, -1, KAFKA_INVALID_REQUEST},
        {KP_NULL_STRING, 1, KAFKA_INVALID_REQUEST},
    };
    for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++) {
        struct kp_api_versions_response response = ask(one, 5, tries[i].cluster_id,
                                                       tries[i].node_id);
        assert_int_equal(response.error_code, tries[i].code);
        assert_int_equal(response.api_keys.count > 0, tries[i].code == KAFKA_NONE);
        assert_int_equal(ask(one, 4, tries[i].cluster_id, tries[i].node_id).error_code, KAFKA_NONE);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, one_broker_setup, one_broker_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_api_versions_of_another_broker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
