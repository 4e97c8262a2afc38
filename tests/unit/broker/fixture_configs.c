/* One setting of one resource at a time. */
#include "tests/unit/broker/fixture_configs.h"

#include "base/text.h"
#include "tests/unit/unit.h"

static void fill(struct config_ask *ask, int8_t type, const char *resource, const char *name,
                 int8_t op, const char *value) {
    *ask = (struct config_ask){
        .config = {kp_string_of(name), op, value == NULL ? KP_NULL_STRING : kp_string_of(value)},
        .resource = {.resource_type = type, .resource_name = kp_string_of(resource)}};
    ask->resource.configs.items = &ask->config;
    ask->resource.configs.count = 1;
    ask->request.resources.items = &ask->resource;
    ask->request.resources.count = 1;
}

void config_ask_later(struct config_ask *ask, struct broker_node *node, int8_t type,
                      const char *resource, const char *name, int8_t op, const char *value) {
    fill(ask, type, resource, name, op, value);
    brokers_ask_later(node, KP_INCREMENTAL_ALTER_CONFIGS, 1, &ask->request, &ask->response);
}

struct kp_incremental_alter_configs_response_resource config_alter(
    struct broker_node *node, int8_t type, const char *resource, const char *name, int8_t op,
    const char *value, bool validate_only) {
    struct config_ask ask;
    fill(&ask, type, resource, name, op, value);
    ask.request.validate_only = validate_only;
    brokers_ask(node, KP_INCREMENTAL_ALTER_CONFIGS, 1, &ask.request, &ask.response);
    assert_int_equal(ask.response.responses.count, 1);
    struct kp_incremental_alter_configs_response_resource result = ask.response.responses.items[0];
    assert_int_equal(result.resource_type, type);
    assert_true(kp_string_is(result.resource_name, resource));
    assert_int_equal(result.error_message.len < 0, result.error_code == 0);
    if (result.error_code != 0)
        assert_true(text_is_plain(result.error_message.data, (size_t)result.error_message.len));
    return result;
}

void config_set(struct broker_node *node, int8_t type, const char *resource, const char *name,
                const char *value) {
    struct kp_incremental_alter_configs_response_resource result = config_alter(
        node, type, resource, name, 0, value, false);
    if (result.error_code != 0)
        fail_msg("%s=%s of %s: %.*s", name, value, resource, (int)result.error_message.len,
                 result.error_message.data);
}

struct kp_describe_configs_response_config config_describe(struct broker_node *node, int8_t type,
                                                           const char *resource, const char *name) {
    struct kp_string key = kp_string_of(name);
    struct kp_describe_configs_request_resource row = {.resource_type = type,
                                                       .resource_name = kp_string_of(resource)};
    struct kp_describe_configs_request request;
    struct kp_describe_configs_response response;
    kp_set_fallbacks(&kp_describe_configs_request_schema, &request);
    row.configuration_keys.items = &key;
    row.configuration_keys.count = 1;
    request.resources.items = &row;
    request.resources.count = 1;
    request.include_synonyms = true;
    brokers_ask(node, KP_DESCRIBE_CONFIGS, 4, &request, &response);
    assert_int_equal(response.results.count, 1);
    assert_int_equal(response.results.items[0].error_code, 0);
    assert_int_equal(response.results.items[0].configs.count, 1);
    return response.results.items[0].configs.items[0];
}

void assert_config_is(struct broker_node *node, int8_t type, const char *resource, const char *name,
                      const char *value, int8_t source) {
    struct kp_describe_configs_response_config config = config_describe(node, type, resource, name);
    if (!kp_string_is(config.value, value))
        fail_msg("%s of %s is %.*s and not %s", name, resource, (int)config.value.len,
                 config.value.data, value);
    assert_int_equal(config.config_source, source);
}
