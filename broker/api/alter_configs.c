/*
 * AlterConfigs (key 33): all settings of a topic are replaced, what is left out is deleted; at any broker. Old clients have no other; of
 * two that change a topic at the same time the later one wins. config_changes.h says what is refused.
 */
#include "protocol/alter_configs.h"

#include "base/mem.h"
#include "broker/api/config_changes.h"
#include "broker/api/handlers.h"

enum { ANSWER_MAX = 16 << 20 };

static void answer(struct topic_changes *changes) {
    const struct kp_alter_configs_request *asked = changes->request->message;
    struct kp_alter_configs_response response;
    struct kp_arena arena;
    kp_arena_init(&arena, ANSWER_MAX);
    kp_set_fallbacks(&kp_alter_configs_response_schema, &response);
    struct kp_alter_configs_response_resource *items = kp_new_items(&arena, &kp_alter_configs_response_resource_schema,
                                                                    &response.responses, (int32_t)changes->count);
    for (size_t i = 0; items != NULL && i < changes->count; i++) {
        items[i].resource_type = asked->resources.items[i].resource_type;
        items[i].resource_name = asked->resources.items[i].resource_name;
        items[i].error_code = changes->items[i].error;
        items[i].error_message = topic_change_message(&changes->items[i]);
    }
    request_respond(changes->request, &response);
    kp_arena_close(&arena);
}

/* As the newer request has them: every setting is set. Of the request's arena; NULL: they do not fit. */
static struct kp_incremental_alter_configs_request_resource *translate(struct request *request,
                                                                       const struct kp_alter_configs_request *asked) {
    struct kp_incremental_alter_configs_request newer;
    struct kp_incremental_alter_configs_request_resource *resources = kp_new_items(
        &request->arena, &kp_incremental_alter_configs_request_resource_schema, &newer.resources,
        asked->resources.count);
    for (int32_t i = 0; resources != NULL && i < asked->resources.count; i++) {
        const struct kp_alter_configs_request_resource *one = &asked->resources.items[i];
        resources[i].resource_type = one->resource_type;
        resources[i].resource_name = one->resource_name;
        struct kp_incremental_alter_configs_request_config *configs = kp_new_items(
            &request->arena, &kp_incremental_alter_configs_request_config_schema, &resources[i].configs,
            one->configs.count);
        if (configs == NULL && one->configs.count > 0) return NULL;
        for (int32_t c = 0; c < one->configs.count; c++)
            configs[c] = (struct kp_incremental_alter_configs_request_config){.name = one->configs.items[c].name,
                                                                              .config_operation = CONFIG_SET,
                                                                              .value = one->configs.items[c].value};
    }
    return resources;
}

void api_alter_configs(void *service, struct request *request) {
    const struct kp_alter_configs_request *asked = request->message;
    int32_t count = asked->resources.count;
    struct kp_incremental_alter_configs_request_resource *resources = translate(request, asked);
    if ((resources == NULL && count > 0) || config_changes_are_too_many(resources, count)) {
        request_close_connection(request);
        return;
    }
    struct topic_changes *changes = topic_changes_begin(service, request, count, CONFIG_CHANGES_TIMEOUT_MS, answer);
    if (changes == NULL) return;
    bool *twice = mem_zalloc(changes->count + 1);
    config_changes_find_twice(resources, count, twice);
    for (int32_t i = 0; i < count; i++) {
        struct config_resource resource = {
            .asked = &resources[i], .replace = true, .validate_only = asked->validate_only, .twice = twice[i]};
        config_change_begin(&changes->items[i], &resource);
    }
    mem_free(twice);
    topic_changes_started(changes);
}
