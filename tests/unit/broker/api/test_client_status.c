/* Who is connected to a broker, and what they ask, as a client is told. */
#include "protocol/kafka_error.h"
#include "protocol/messages/api_versions.h"
#include "protocol/messages/client_status.h"
#include "tests/unit/broker/fixture_data_asks.h"
#include "tests/unit/unit.h"

static struct kp_client_status_response ask(struct one_broker *one, int64_t clients_after,
                                            int64_t traced_after) {
    struct kp_client_status_request request;
    struct kp_client_status_response response;
    kp_set_fallbacks(&kp_client_status_request_schema, &request);
    request.clients_after = clients_after;
    request.traced_after = traced_after;
    request.traced_client = KP_NULL_STRING;
    assert_true(one_broker_ask(one, KP_CLIENT_STATUS, 0, &request, &response));
    assert_int_equal(response.error_code, KAFKA_NONE);
    return response;
}

static void name_itself(struct one_broker *one) {
    struct kp_api_versions_request request;
    struct kp_api_versions_response response;
    kp_set_fallbacks(&kp_api_versions_request_schema, &request);
    request.client_software_name = kp_string_of("unit-test");
    request.client_software_version = kp_string_of("1.2");
    assert_true(one_broker_ask(one, KP_API_VERSIONS, 3, &request, &response));
    assert_int_equal(response.error_code, KAFKA_NONE);
}

/* A client sees itself, and what it has done; behind the last one there is nobody; another
 * connection is another client. */
static void test_client_status_tells_connections(void **state) {
    struct one_broker *one = *state;
    one_broker_start(one);
    name_itself(one);
    produce_one(one, "none", 0, 1, 1); /* an error */
    struct kp_client_status_response response = ask(one, 0, -1);
    assert_int_equal(response.clients.count, 1);
    assert_int_equal(response.requests.count, 0);
    struct kp_client_status_response_client client = response.clients.items[0];
    assert_true(kp_string_is(client.software, "unit-test"));
    assert_true(kp_string_is(client.version, "1.2"));
    assert_true(kp_string_is(client.listener, "PLAINTEXT"));
    assert_true(client.requests >= 3 && client.errors == 1);
    assert_true(client.received_bytes > 50 && client.sent_bytes > 50);
    assert_int_equal(client.last_api, KP_CLIENT_STATUS);
    assert_int_equal(ask(one, client.id, -1).clients.count, 0);
    assert_int_equal(ask(one, -1, -1).clients.count, 0);
    one_broker_dial_again(one);
    response = ask(one, client.id, -1);
    assert_int_equal(response.clients.count, 1);
    assert_true(response.clients.items[0].id > client.id);
    assert_int_equal(response.clients.items[0].software.len, 0);
}

/* From the first question on each request is told once, with its error. */
static void test_client_status_traces(void **state) {
    struct one_broker *one = *state;
    one_broker_start(one);
    produce_one(one, "none", 0, 1, 1);
    assert_int_equal(ask(one, -1, 0).requests.count, 0);
    produce_one(one, "none", 0, 1, 1);
    struct kp_client_status_response response = ask(one, -1, 0);
    assert_int_equal(response.requests.count, 2); /* the first question, too */
    struct kp_client_status_response_request traced = response.requests.items[1];
    assert_int_equal(traced.api_key, KP_PRODUCE);
    assert_int_equal(traced.error, KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
    assert_true(traced.request_bytes > 60 && traced.answer_bytes > 20);
    response = ask(one, -1, traced.id);
    assert_int_equal(response.requests.count, 1);
    assert_int_equal(response.requests.items[0].api_key, KP_CLIENT_STATUS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_client_status_tells_connections, one_broker_setup,
                                        one_broker_teardown),
        cmocka_unit_test_setup_teardown(test_client_status_traces, one_broker_setup,
                                        one_broker_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
