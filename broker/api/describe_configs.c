/*
 * DescribeConfigs (key 32): the settings of topics, and of this broker.
 *
 * Failures are per resource: UNKNOWN_TOPIC_OR_PARTITION, INVALID_TOPIC, INVALID_REQUEST (another broker's id, a type that has no settings).
 */
#include "protocol/describe_configs.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "broker/api/config_entries.h"
#include "broker/api/handlers.h"
#include "broker/services.h"
#include "broker/topic_name.h"
#include "protocol/kafka_error.h"

enum { RESOURCE_TOPIC = 2, RESOURCE_BROKER = 4, ANSWER_MAX = 64 << 20 };

static void refuse(struct kp_arena *arena, struct kp_describe_configs_response_resource *into, int16_t error,
                   const char *format, struct kp_string name, int32_t node) {
    into->error_code = error;
    into->error_message = kp_arena_printf(arena, format, name.len < 0 ? 0 : name.len, name.data, node);
    into->configs.count = 0;
}

static int describe(const struct broker_services *services, const struct kp_describe_configs_request_resource *asked,
                    const struct config_wish *wish, struct kp_arena *arena,
                    struct kp_describe_configs_response_resource *into) {
    char own_id[16];
    snprintf(own_id, sizeof own_id, "%" PRId32, services->settings->node_id);
    if (asked->resource_type == RESOURCE_TOPIC) {
        const struct metadata_topic *topic = metadata_topic_named(services->metadata, asked->resource_name.data,
                                                                  (size_t)asked->resource_name.len);
        struct error_text why;
        if (topic != NULL) return config_entries_of_topic(services->settings, topic, wish, arena, into);
        if (topic_name_check(asked->resource_name.data, (size_t)asked->resource_name.len, &why) != ERR_NONE) {
            refuse(arena, into, KAFKA_INVALID_TOPIC, "no topic can be called %.*s", asked->resource_name, 0);
            return ERR_NONE;
        }
        refuse(arena, into, KAFKA_UNKNOWN_TOPIC_OR_PARTITION, "Topic '%.*s' does not exist.", asked->resource_name, 0);
    } else if (asked->resource_type == RESOURCE_BROKER) {
        if (asked->resource_name.len == 0 || kp_string_is(asked->resource_name, own_id))
            return config_entries_of_broker(services->settings, wish, arena, into);
        refuse(arena, into, KAFKA_INVALID_REQUEST, "the settings of broker %.*s were asked of broker %d; ask it itself",
               asked->resource_name, services->settings->node_id);
    } else {
        refuse(arena, into, KAFKA_INVALID_REQUEST, "%.*s is neither a topic nor a broker; only these have settings",
               asked->resource_name, 0);
    }
    return ERR_NONE;
}

void api_describe_configs(void *service, struct request *request) {
    const struct broker_services *services = service;
    const struct kp_describe_configs_request *asked = request->message;
    struct kp_describe_configs_response response;
    struct kp_arena arena;
    kp_arena_init(&arena, ANSWER_MAX);
    kp_set_fallbacks(&kp_describe_configs_response_schema, &response);
    struct kp_describe_configs_response_resource *items = kp_new_items(
        &arena, &kp_describe_configs_response_resource_schema, &response.results, asked->resources.count);
    bool fits = items != NULL;
    for (int32_t i = 0; fits && i < asked->resources.count; i++) {
        const struct kp_describe_configs_request_resource *one = &asked->resources.items[i];
        struct config_wish wish = {.names = one->configuration_keys.items,
                                   .name_count = one->configuration_keys.count,
                                   .synonyms = asked->include_synonyms,
                                   .documentation = asked->include_documentation};
        items[i].error_message = KP_NULL_STRING;
        items[i].resource_type = one->resource_type;
        items[i].resource_name = one->resource_name;
        fits = describe(services, one, &wish, &arena, &items[i]) == ERR_NONE;
    }
    if (fits)
        request_respond(request, &response);
    else
        request_close_connection(request); /* over ANSWER_MAX: the same resources asked for again and again */
    kp_arena_close(&arena);
}
