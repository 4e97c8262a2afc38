/*
 * What interfaces for people ask of a cluster that has none of it: ACLs, users, quotas, moves,
 * transactions; and all that has settings. Answered as by an unconfigured Kafka, on one whole
 * broker.
 */
#include <stdio.h>

#include "base/mem.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/describe_acls.h"
#include "protocol/messages/describe_client_quotas.h"
#include "protocol/messages/describe_transactions.h"
#include "protocol/messages/describe_user_scram_credentials.h"
#include "protocol/messages/list_config_resources.h"
#include "protocol/messages/list_partition_reassignments.h"
#include "protocol/messages/list_transactions.h"
#include "tests/unit/broker/fixture_broker.h"
#include "tests/unit/unit.h"

enum { MANY = 100000 };

/* Nobody is asked who may do what, and Kafka's code and sentence say so. */
static void test_describe_acls(void **state) {
    struct one_broker *one = *state;
    struct kp_describe_acls_request request;
    struct kp_describe_acls_response response;
    one_broker_start(one);
    kp_set_fallbacks(&kp_describe_acls_request_schema, &request);
    request.resource_type_filter = request.operation = request.permission_type = 1; /* any */
    for (int version = 1; version <= 3; version++) {
        assert_true(one_broker_ask(one, KP_DESCRIBE_ACLS, version, &request, &response));
        assert_int_equal(response.error_code, KAFKA_SECURITY_DISABLED);
        assert_true(
            kp_string_is(response.error_message, "No Authorizer is configured on the broker"));
        assert_int_equal(response.resources.count, 0);
    }
}

static struct kp_describe_client_quotas_response ask_quotas(struct one_broker *one,
                                                            const char *type, int8_t match_type,
                                                            const char *match, const char *second) {
    struct kp_describe_client_quotas_request_component components[2] = {
        {.entity_type = kp_string_of(type), .match_type = match_type, .match = kp_string_of(match)},
        {.entity_type = kp_string_of(second), .match_type = 2, .match = KP_NULL_STRING}};
    struct kp_describe_client_quotas_request request;
    struct kp_describe_client_quotas_response response;
    kp_set_fallbacks(&kp_describe_client_quotas_request_schema, &request);
    request.components.items = components;
    request.components.count = type == NULL ? 0 : second == NULL ? 1 : 2;
    for (int version = 0; version <= 1; version++) {
        assert_true(one_broker_ask(one, KP_DESCRIBE_CLIENT_QUOTAS, version, &request, &response));
        assert_int_equal(response.entries.count, response.error_code == 0 ? 0 : -1);
        assert_int_equal(response.error_message.len > 0, response.error_code != 0);
    }
    return response;
}

/* None, whatever is asked for; a filter that makes no sense is refused. */
static void test_describe_client_quotas(void **state) {
    static const struct {
        const char *type, *match, *second;
        int8_t match_type;
        int16_t error;
    } rows[] = {{NULL, NULL, NULL, 0, KAFKA_NONE},
                {"user", "alice", NULL, 0, KAFKA_NONE},
                {"client-id", NULL, NULL, 1, KAFKA_NONE},
                {"user", NULL, "client-id", 2, KAFKA_NONE},
                {"ip", "10.0.0.1", NULL, 0, KAFKA_NONE},
                {"ip", NULL, "user", 2, KAFKA_INVALID_REQUEST},
                {"user", NULL, "user", 1, KAFKA_INVALID_REQUEST},
                {"user", NULL, NULL, 0, KAFKA_INVALID_REQUEST},
                {"user", "alice", NULL, 1, KAFKA_INVALID_REQUEST},
                {"user", "alice", NULL, 2, KAFKA_INVALID_REQUEST},
                {"user", NULL, NULL, 9, KAFKA_INVALID_REQUEST},
                {"", "x", NULL, 0, KAFKA_INVALID_REQUEST},
                {"group", "g", NULL, 0, KAFKA_UNSUPPORTED_VERSION}};
    struct one_broker *one = *state;
    one_broker_start(one);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int16_t error = ask_quotas(one, rows[i].type, rows[i].match_type, rows[i].match,
                                   rows[i].second)
                            .error_code;
        if (error != rows[i].error) fail_msg("row %zu: %s", i, kafka_error_name(error));
    }
}

static struct kp_describe_user_scram_credentials_response ask_users(
    struct one_broker *one, struct kp_describe_user_scram_credentials_request_user *users,
    int32_t count) {
    struct kp_describe_user_scram_credentials_request request = {.users = {users, count}};
    struct kp_describe_user_scram_credentials_response response;
    assert_true(one_broker_ask(one, KP_DESCRIBE_USER_SCRAM_CREDENTIALS, 0, &request, &response));
    assert_int_equal(response.error_code, KAFKA_NONE);
    return response;
}

/* There are none; each one that is named is told once, also of very many. */
static void test_describe_users(void **state) {
    struct one_broker *one = *state;
    one_broker_start(one);
    assert_int_equal(ask_users(one, NULL, -1).results.count, 0);
    assert_int_equal(ask_users(one, NULL, 0).results.count, 0);
    struct kp_describe_user_scram_credentials_request_user *users = mem_zalloc(MANY *
                                                                               sizeof *users);
    char(*names)[16] = mem_zalloc(MANY * sizeof *names);
    for (int i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof names[i], "u%d", i / 2 * 2); /* each twice */
        users[i].name = kp_string_of(names[i]);
    }
    users[MANY - 1].name = kp_string_of("alice");
    struct kp_describe_user_scram_credentials_response response = ask_users(one, users, MANY);
    assert_int_equal(response.results.count, MANY / 2 + 1);
    assert_int_equal(response.results.items[0].error_code, KAFKA_DUPLICATE_RESOURCE);
    assert_int_equal(response.results.items[MANY / 2].error_code, KAFKA_RESOURCE_NOT_FOUND);
    assert_true(kp_string_is(response.results.items[MANY / 2].user, "alice"));
    assert_true(response.results.items[MANY / 2].error_message.len > 0);
    mem_free(names);
    mem_free(users);
}

/* None is under way, of all topics and of those that are named. */
static void test_list_partition_reassignments(void **state) {
    struct one_broker *one = *state;
    int32_t zero = 0;
    struct kp_list_partition_reassignments_request_topic topics[] = {
        {.name = kp_string_of("t"), .partition_indexes = {&zero, 1}},
        {.name = kp_string_of("never-made"), .partition_indexes = {&zero, 1}}};
    struct kp_list_partition_reassignments_request request = {.topics = {NULL, -1}};
    struct kp_list_partition_reassignments_response response;
    one_broker_start(one);
    one_broker_create(one, "t", 1);
    for (int i = 0; i < 2; i++) {
        assert_true(one_broker_ask(one, KP_LIST_PARTITION_REASSIGNMENTS, 0, &request, &response));
        assert_int_equal(response.error_code, KAFKA_NONE);
        assert_int_equal(response.topics.count, 0);
        request.topics.items = topics;
        request.topics.count = 2;
    }
}

/* None; states that do not exist are named, a pattern that is none is refused. */
static void test_list_transactions(void **state) {
    struct one_broker *one = *state;
    struct kp_string states[] = {kp_string_of("Ongoing"), kp_string_of("Never"),
                                 kp_string_of("Never"), kp_string_of("")};
    struct kp_list_transactions_request request;
    struct kp_list_transactions_response response;
    one_broker_start(one);
    kp_set_fallbacks(&kp_list_transactions_request_schema, &request);
    request.state_filters.items = states;
    request.state_filters.count = 4;
    for (int version = 0; version <= 2; version++) {
        assert_true(one_broker_ask(one, KP_LIST_TRANSACTIONS, version, &request, &response));
        assert_int_equal(response.error_code, KAFKA_NONE);
        assert_int_equal(response.unknown_state_filters.count, 2);
        assert_true(kp_string_is(response.unknown_state_filters.items[0], "Never"));
        assert_int_equal(response.transaction_states.count, 0);
    }
    request.transactional_id_pattern = kp_string_of("orders-(");
    assert_true(one_broker_ask(one, KP_LIST_TRANSACTIONS, 2, &request, &response));
    assert_int_equal(response.error_code, KAFKA_INVALID_REGULAR_EXPRESSION);
    request.transactional_id_pattern = kp_string_of("orders-.*");
    assert_true(one_broker_ask(one, KP_LIST_TRANSACTIONS, 2, &request, &response));
    assert_int_equal(response.error_code, KAFKA_NONE);
}

/* Nobody is the coordinator of any transactional id. */
static void test_describe_transactions(void **state) {
    struct one_broker *one = *state;
    struct kp_string *ids = mem_zalloc(MANY * sizeof *ids);
    struct kp_describe_transactions_request request = {.transactional_ids = {ids, MANY}};
    struct kp_describe_transactions_response response;
    for (int i = 0; i < MANY; i++)
        ids[i] = kp_string_of(i == 0 ? "" : "payments");
    one_broker_start(one);
    assert_true(one_broker_ask(one, KP_DESCRIBE_TRANSACTIONS, 0, &request, &response));
    assert_int_equal(response.transaction_states.count, MANY);
    assert_int_equal(response.transaction_states.items[0].error_code, KAFKA_INVALID_REQUEST);
    for (int i = 1; i < MANY; i++)
        assert_int_equal(response.transaction_states.items[i].error_code, KAFKA_NOT_COORDINATOR);
    mem_free(ids);
}

/* How many of each type; `error` of the request. */
static void assert_resources(struct one_broker *one, int8_t *types, int32_t count, int topics,
                             int brokers, int loggers, int16_t error) {
    struct kp_list_config_resources_request request = {.resource_types = {types, count}};
    struct kp_list_config_resources_response response;
    int found[128] = {0};
    assert_true(one_broker_ask(one, KP_LIST_CONFIG_RESOURCES, 1, &request, &response));
    assert_int_equal(response.error_code, error);
    for (int32_t i = 0; i < response.config_resources.count; i++) {
        const struct kp_list_config_resources_response_resource *row =
            &response.config_resources.items[i];
        if (row->resource_type != 2 || kp_string_is(row->resource_name, "a") ||
            kp_string_is(row->resource_name, "b"))
            found[row->resource_type]++;
        assert_true(row->resource_type == 2 || kp_string_is(row->resource_name, "1"));
    }
    assert_int_equal(found[2], topics);
    assert_int_equal(found[4], brokers);
    assert_int_equal(found[8], loggers);
    assert_int_equal(found[16] + found[32], 0);
}

/* Topics, brokers and loggers by name; of client metrics, which version 0 asks for, and of groups
 * there are none. */
static void test_list_config_resources(void **state) {
    struct one_broker *one = *state;
    int8_t topics[] = {2, 2}, two[] = {4, 8}, none[] = {16, 32}, wrong[] = {2, 6};
    one_broker_start(one);
    one_broker_create(one, "a", 1);
    one_broker_create(one, "b", 1);
    assert_resources(one, NULL, 0, 2, 1, 1, KAFKA_NONE);
    assert_resources(one, topics, 2, 2, 0, 0, KAFKA_NONE);
    assert_resources(one, two, 2, 0, 1, 1, KAFKA_NONE);
    assert_resources(one, none, 2, 0, 0, 0, KAFKA_NONE);
    assert_resources(one, wrong, 2, 0, 0, 0, KAFKA_UNSUPPORTED_VERSION);
    struct kp_list_config_resources_request request = {0};
    struct kp_list_config_resources_response response;
    assert_true(one_broker_ask(one, KP_LIST_CONFIG_RESOURCES, 0, &request, &response));
    assert_int_equal(response.error_code, KAFKA_NONE);
    assert_int_equal(response.config_resources.count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, one_broker_setup, one_broker_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_describe_acls),         TEST(test_describe_client_quotas),
        TEST(test_describe_users),        TEST(test_list_partition_reassignments),
        TEST(test_list_transactions),     TEST(test_describe_transactions),
        TEST(test_list_config_resources),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
