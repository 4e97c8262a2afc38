/*
 * DescribeConfigs (key 32): the settings of topics, of groups (that need not exist), of this
 * broker, of all brokers ("": what is set for them), and the level of this broker's logger.
 *
 * A resource that is named twice is answered twice, as in Kafka: what the answer takes is charged
 * step by step. Failures are per resource: UNKNOWN_TOPIC_OR_PARTITION, INVALID_TOPIC,
 * INVALID_REQUEST (another broker's id, a type that has no settings); TOPIC_, GROUP_,
 * CLUSTER_AUTHORIZATION_FAILED.
 */
#include "protocol/messages/describe_configs.h"

#include <string.h>

#include "broker/api/broker_logger.h"
#include "broker/api/config_entries.h"
#include "broker/api/handlers.h"
#include "broker/api/services.h"
#include "broker/config/topic_name.h"
#include "broker/server/request_steps.h"
#include "protocol/kafka_error.h"

enum { KEYS_MAX = 1000 };

static void configs_refuse(struct kp_arena *arena,
                           struct kp_describe_configs_response_resource *into, int16_t error,
                           const char *format, struct kp_string name, int32_t node) {
    into->error_code = error;
    into->error_message = kp_arena_printf(arena, format, name.len < 0 ? 0 : name.len, name.data,
                                          node);
    into->configs.count = 0;
}

static int describe_topic(const struct broker_services *services, struct kp_string name,
                          const struct config_wish *wish, struct kp_arena *arena,
                          struct kp_describe_configs_response_resource *into) {
    const struct metadata_topic *topic = metadata_topic_named(services->metadata, name.data,
                                                              (size_t)name.len);
    struct error_text why;
    if (topic != NULL)
        return config_entries_of_topic(services->settings, &topic->configs, wish, arena, into);
    if (topic_name_check(name.data, (size_t)name.len, &why) != ERR_NONE)
        configs_refuse(arena, into, KAFKA_INVALID_TOPIC, "no topic can be called %.*s", name, 0);
    else
        configs_refuse(arena, into, KAFKA_UNKNOWN_TOPIC_OR_PARTITION,
                       "Topic '%.*s' does not exist.", name, 0);
    return ERR_NONE;
}

static int describe_group(const struct broker_services *services, struct kp_string name,
                          const struct config_wish *wish, struct kp_arena *arena,
                          struct kp_describe_configs_response_resource *into) {
    if (name.len == 0) {
        configs_refuse(arena, into, KAFKA_INVALID_REQUEST, "Group name must not be empty%.*s", name,
                       0);
        return ERR_NONE;
    }
    const struct metadata_resource *resource = metadata_resource_named(
        services->metadata, CONFIG_RESOURCE_GROUP, name.data, (size_t)name.len);
    return config_entries_of_group(services->settings, resource == NULL ? NULL : &resource->configs,
                                   wish, arena, into);
}

static int describe_broker(const struct broker_services *services, struct kp_string name,
                           const struct config_wish *wish, struct kp_arena *arena,
                           struct kp_describe_configs_response_resource *into) {
    const struct metadata_resource *all = metadata_resource_named(services->metadata,
                                                                  CONFIG_RESOURCE_BROKER, "", 0);
    int32_t node;
    if (name.len == 0)
        return config_entries_of_all_brokers(all == NULL ? NULL : &all->configs, wish, arena, into);
    if (config_node_id(name.data, (size_t)name.len, &node) && node == services->settings->node_id)
        return config_entries_of_broker(services->settings, wish, arena, into);
    configs_refuse(arena, into, KAFKA_INVALID_REQUEST,
                   "the settings of broker %.*s were asked of broker %d; ask it itself", name,
                   services->settings->node_id);
    return ERR_NONE;
}

static int describe_logger(const struct broker_services *services, struct kp_string name,
                           const struct config_wish *wish, struct kp_arena *arena,
                           struct kp_describe_configs_response_resource *into) {
    int32_t node;
    if (config_node_id(name.data, (size_t)name.len, &node) && node == services->settings->node_id)
        return config_entries_of_logger(broker_logger_level(services), wish, arena, into);
    configs_refuse(arena, into, KAFKA_INVALID_REQUEST,
                   "the logger of broker %.*s was asked of broker %d; ask it itself, by its id",
                   name, services->settings->node_id);
    return ERR_NONE;
}

/* NONE, or that the settings of such a thing may not be seen by the asker. */
static int16_t refusal_of(const struct request *request, int type, struct kp_string name) {
    const struct request_ctx *ctx = &request->ctx;
    size_t len = name.len < 0 ? 0 : (size_t)name.len;
    switch (type) {
    case CONFIG_RESOURCE_TOPIC:
        return authorize(ctx, AUTHORIZE_DESCRIBE_CONFIGS, AUTHORIZE_TOPIC, name.data, len)
                   ? KAFKA_NONE
                   : KAFKA_TOPIC_AUTHORIZATION_FAILED;
    case CONFIG_RESOURCE_GROUP:
        return authorize(ctx, AUTHORIZE_DESCRIBE_CONFIGS, AUTHORIZE_GROUP, name.data, len)
                   ? KAFKA_NONE
                   : KAFKA_GROUP_AUTHORIZATION_FAILED;
    default:
        return authorize(ctx, AUTHORIZE_DESCRIBE_CONFIGS, AUTHORIZE_CLUSTER, NULL, 0)
                   ? KAFKA_NONE
                   : KAFKA_CLUSTER_AUTHORIZATION_FAILED;
    }
}

static int describe(const struct broker_services *services,
                    const struct kp_describe_configs_request_resource *asked,
                    const struct config_wish *wish, struct kp_arena *arena,
                    struct kp_describe_configs_response_resource *into) {
    struct kp_string name = asked->resource_name;
    switch (asked->resource_type) {
    case CONFIG_RESOURCE_TOPIC: return describe_topic(services, name, wish, arena, into);
    case CONFIG_RESOURCE_GROUP: return describe_group(services, name, wish, arena, into);
    case CONFIG_RESOURCE_BROKER: return describe_broker(services, name, wish, arena, into);
    case CONFIG_RESOURCE_BROKER_LOGGER: return describe_logger(services, name, wish, arena, into);
    default:
        configs_refuse(
            arena, into, KAFKA_INVALID_REQUEST,
            "%.*s is neither a topic nor a group nor a broker nor its logger; only these "
            "have settings",
            name, 0);
        return ERR_NONE;
    }
}

/* One request on its way; in its arena. */
struct describing {
    const struct broker_services *services;
    struct kp_describe_configs_response response;
    int32_t at;
};

/* False: it does not fit. */
static bool describe_one(struct describing *describing, struct request *request,
                         const struct kp_describe_configs_request_resource *one) {
    const struct kp_describe_configs_request *asked = request->message;
    int32_t place = describing->response.results.count++;
    struct kp_describe_configs_response_resource *into = &describing->response.results.items[place];
    struct config_wish wish = {.names = one->configuration_keys.items,
                               .name_count = one->configuration_keys.count,
                               .synonyms = asked->include_synonyms,
                               .documentation = asked->include_documentation};
    kp_set_fallbacks(&kp_describe_configs_response_resource_schema, into);
    into->error_message = KP_NULL_STRING;
    into->resource_type = one->resource_type;
    into->resource_name = one->resource_name;
    if (wish.name_count > KEYS_MAX) {
        configs_refuse(&request->arena, into, KAFKA_INVALID_REQUEST,
                       "%.*s: more settings are named than the %d that may be", one->resource_name,
                       KEYS_MAX);
        return true;
    }
    into->error_code = refusal_of(request, one->resource_type, one->resource_name);
    if (into->error_code != KAFKA_NONE) {
        into->error_message = kp_string_of(kafka_error_message(into->error_code));
        into->configs.count = 0;
        return true;
    }
    return describe(describing->services, one, &wish, &request->arena, into) == ERR_NONE;
}

static bool describe_next(struct request *request) {
    const struct kp_describe_configs_request *asked = request->message;
    struct describing *describing = request->state;
    if (describing->at == asked->resources.count) {
        request_respond_kept(request, &describing->response);
        return false;
    }
    if (describe_one(describing, request, &asked->resources.items[describing->at++])) return true;
    request_close_too_large(request);
    return false;
}

void api_describe_configs(void *service, struct request *request) {
    const struct broker_services *services = service;
    const struct kp_describe_configs_request *asked = request->message;
    struct describing *describing = kp_arena_alloc(&request->arena, sizeof *describing);
    size_t count = asked->resources.count < 0 ? 0 : (size_t)asked->resources.count;
    *describing = (struct describing){.services = services};
    kp_set_fallbacks(&kp_describe_configs_response_schema, &describing->response);
    describing->response.results.items = kp_arena_alloc(
        &request->arena, (count + 1) * sizeof *describing->response.results.items);
    request->state = describing;
    if (describing->response.results.items != NULL)
        request_steps(request, describe_next);
    else
        request_close_too_large(request);
}
