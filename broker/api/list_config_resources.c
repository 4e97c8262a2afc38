/*
 * ListConfigResources (key 74): the names of all that has settings: topics, brokers, their
 * loggers, and the groups for which something is set. KIP-1142. Version 0 asks for client metrics,
 * of which there are none.
 *
 * Topics and groups are listed in steps, those that were there when the request came. Failures:
 * UNSUPPORTED_VERSION for a type that does not exist.
 */
#include "protocol/messages/list_config_resources.h"

#include <inttypes.h>
#include <string.h>

#include "broker/api/handlers.h"
#include "broker/api/services.h"
#include "broker/api/topic_ids.h"
#include "broker/server/request_steps.h"
#include "protocol/kafka_error.h"

enum {
    RESOURCE_ALL = CONFIG_RESOURCE_TOPIC | CONFIG_RESOURCE_BROKER | CONFIG_RESOURCE_BROKER_LOGGER |
                   CONFIG_RESOURCE_CLIENT_METRICS | CONFIG_RESOURCE_GROUP,
    ROWS_OF_A_STEP = 64,
};

/* One request on its way; in its arena. */
struct resources {
    const struct broker_services *services;
    struct kp_list_config_resources_response response;
    struct topic_ids topics; /* that are listed, and which of them is next */
    size_t at;
    /* Groups: those made behind the first and up to the second index of group 0 are still to be
     * looked at. */
    uint64_t groups_after, groups_up_to;
};

/* Types are powers of two, so that a set of them is their sum. -1: one of them is none. */
static int types_of(const struct kp_list_config_resources_request *asked, int version) {
    if (version == 0) return CONFIG_RESOURCE_CLIENT_METRICS;
    int types = 0;
    for (int32_t i = 0; i < asked->resource_types.count; i++) {
        int type = asked->resource_types.items[i];
        bool known = type > 0 && (type & RESOURCE_ALL) == type && (type & (type - 1)) == 0;
        if (!known) return -1;
        types |= type;
    }
    return types == 0 ? RESOURCE_ALL : types;
}

/* False: the arena's limit is passed. */
static bool add_resource(struct resources *resources, int8_t type, struct kp_string name) {
    struct kp_list_config_resources_response_resource *row =
        &resources->response.config_resources.items[resources->response.config_resources.count++];
    kp_set_fallbacks(&kp_list_config_resources_response_resource_schema, row);
    row->resource_type = type;
    row->resource_name = name;
    return name.len >= 0;
}

static bool add_brokers(struct resources *resources, struct kp_arena *arena, int8_t type) {
    const struct broker_services *services = resources->services;
    bool fits = true;
    for (size_t i = 0; i < metadata_broker_count(services->metadata); i++) {
        const struct metadata_broker *broker = metadata_broker_at(services->metadata, i);
        if (!services_broker_is_down(services, broker))
            fits = add_resource(resources, type,
                                kp_arena_printf(arena, "%" PRId32, broker->node)) &&
                   fits;
    }
    return fits;
}

static bool add_next_topic(struct resources *resources, struct request *request) {
    const struct metadata_topic *topic = topic_ids_at(
        &resources->topics, resources->services->metadata, resources->at++);
    if (topic == NULL) return true;
    size_t len = strlen(topic->name);
    return add_resource(resources, CONFIG_RESOURCE_TOPIC,
                        kp_arena_string(&request->arena, topic->name, len));
}

static bool add_next_group(struct resources *resources, struct request *request) {
    const struct metadata_resource *resource = metadata_resource_after(
        resources->services->metadata, resources->groups_after);
    bool is_last = resource == NULL || resource->created > resources->groups_up_to;
    resources->groups_after = is_last ? resources->groups_up_to : resource->created;
    if (is_last || resource->type != CONFIG_RESOURCE_GROUP) return true;
    size_t len = strlen(resource->name);
    return add_resource(resources, CONFIG_RESOURCE_GROUP,
                        kp_arena_string(&request->arena, resource->name, len));
}

static bool add_next(struct request *request) {
    struct resources *resources = request->state;
    for (int n = 0; n < ROWS_OF_A_STEP; n++) {
        bool fits = true;
        if (resources->at < resources->topics.count) {
            fits = add_next_topic(resources, request);
        } else if (resources->groups_after < resources->groups_up_to) {
            fits = add_next_group(resources, request);
        } else {
            request_respond_kept(request, &resources->response);
            return false;
        }
        if (fits) continue;
        request_close_too_large(request);
        return false;
    }
    return true;
}

/* The brokers; room for all. */
static bool prepare(struct resources *resources, struct kp_arena *arena, int types) {
    const struct metadata *metadata = resources->services->metadata;
    if ((types & CONFIG_RESOURCE_TOPIC) != 0 &&
        !topic_ids_take(&resources->topics, metadata, arena))
        return false;
    size_t most = resources->topics.count + 2 * metadata_broker_count(metadata);
    if ((types & CONFIG_RESOURCE_GROUP) != 0) {
        resources->groups_up_to = metadata_version(metadata);
        most += metadata_resource_count(metadata);
    }
    resources->response.config_resources.items = kp_arena_alloc(
        arena, (most + 1) * sizeof *resources->response.config_resources.items);
    if (resources->response.config_resources.items == NULL) return false;
    if ((types & CONFIG_RESOURCE_BROKER) != 0 &&
        !add_brokers(resources, arena, CONFIG_RESOURCE_BROKER))
        return false;
    return (types & CONFIG_RESOURCE_BROKER_LOGGER) == 0 ||
           add_brokers(resources, arena, CONFIG_RESOURCE_BROKER_LOGGER);
}

void api_list_config_resources(void *service, struct request *request) {
    struct resources *resources = kp_arena_alloc(&request->arena, sizeof *resources);
    int types = types_of(request->message, request->api_version);
    *resources = (struct resources){.services = service};
    kp_set_fallbacks(&kp_list_config_resources_response_schema, &resources->response);
    request->state = resources;
    if (!authorize(&request->ctx, AUTHORIZE_DESCRIBE_CONFIGS, AUTHORIZE_CLUSTER, NULL, 0))
        resources->response.error_code = KAFKA_CLUSTER_AUTHORIZATION_FAILED;
    else if (types < 0)
        resources->response.error_code = KAFKA_UNSUPPORTED_VERSION;
    if (resources->response.error_code != KAFKA_NONE)
        request_respond(request, &resources->response);
    else if (prepare(resources, &request->arena, types))
        request_steps(request, add_next);
    else
        request_close_too_large(request);
}
