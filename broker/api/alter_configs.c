/*
 * AlterConfigs (key 33): all settings of a topic are replaced, what is left out is deleted; at any
 * broker. Old clients have no other; of two that change a topic at the same time the later one
 * wins. config_changes.h says what is refused.
 */
#include "protocol/messages/alter_configs.h"

#include "broker/api/config_changes.h"
#include "broker/api/handlers.h"

static bool configs_add(struct topic_changes *changes, size_t i) {
    const struct kp_alter_configs_request *asked = changes->request->message;
    struct kp_alter_configs_response *response = changes->response;
    struct kp_alter_configs_response_resource *into = &response->responses.items[i];
    kp_set_fallbacks(&kp_alter_configs_response_resource_schema, into);
    into->resource_type = asked->resources.items[i].resource_type;
    into->resource_name = asked->resources.items[i].resource_name;
    into->error_code = changes->items[i]->error;
    into->error_message = topic_change_message(changes->items[i]);
    response->responses.count++;
    return true;
}

static struct key key(const struct topic_changes *changes, size_t i) {
    const struct kp_incremental_alter_configs_request_resource *resources = changes->asked;
    return config_changes_key(&resources[i]);
}

static struct config_resource resource_of(const struct topic_changes *changes, size_t i) {
    const struct kp_alter_configs_request *asked = changes->request->message;
    const struct kp_incremental_alter_configs_request_resource *resources = changes->asked;
    return (struct config_resource){
        .asked = &resources[i], .replace = true, .validate_only = asked->validate_only};
}

static void configs_start(struct topic_changes *changes, size_t i) {
    struct config_resource resource = resource_of(changes, i);
    config_change_begin(changes->items[i], &resource);
}

static void changed(struct topic_changes *changes, size_t i) {
    struct config_resource resource = resource_of(changes, i);
    config_change_log(changes, &resource);
}

static const struct topic_changes_api api = {.key = key,
                                             .start = configs_start,
                                             .changed = changed,
                                             .add = configs_add};

/* As the newer request has them: every setting is set. Of the request's arena; NULL: they do not
 * fit. */
static struct kp_incremental_alter_configs_request_resource *translate(
    struct request *request, const struct kp_alter_configs_request *asked) {
    struct kp_incremental_alter_configs_request newer;
    struct kp_incremental_alter_configs_request_resource *resources = kp_new_items(
        &request->arena, &kp_incremental_alter_configs_request_resource_schema, &newer.resources,
        asked->resources.count);
    for (int32_t i = 0; resources != NULL && i < asked->resources.count; i++) {
        const struct kp_alter_configs_request_resource *one = &asked->resources.items[i];
        resources[i].resource_type = one->resource_type;
        resources[i].resource_name = one->resource_name;
        struct kp_incremental_alter_configs_request_config *configs = kp_new_items(
            &request->arena, &kp_incremental_alter_configs_request_config_schema,
            &resources[i].configs, one->configs.count);
        if (configs == NULL && one->configs.count > 0) return NULL;
        for (int32_t c = 0; c < one->configs.count; c++)
            configs[c] = (struct kp_incremental_alter_configs_request_config){
                .name = one->configs.items[c].name,
                .config_operation = CONFIG_SET,
                .value = one->configs.items[c].value};
    }
    return resources;
}

void api_alter_configs(void *service, struct request *request) {
    const struct kp_alter_configs_request *asked = request->message;
    int32_t count = asked->resources.count;
    int64_t settings = 0;
    for (int32_t i = 0; i < count; i++)
        settings += asked->resources.items[i].configs.count;
    bool too_many = count > CONFIG_CHANGES_MAX || settings > CONFIG_CHANGES_MAX;
    if (too_many) {
        request_close_because(
            request,
            "it names more than %d resources or settings in one request; name fewer at a time",
            CONFIG_CHANGES_MAX);
        return;
    }
    struct kp_incremental_alter_configs_request_resource *resources = translate(request, asked);
    if (resources == NULL && count > 0) {
        request_close_too_large(request);
        return;
    }
    struct kp_alter_configs_response *response = kp_arena_alloc(&request->arena, sizeof *response);
    kp_set_fallbacks(&kp_alter_configs_response_schema, response);
    response->responses.items = kp_arena_alloc(
        &request->arena, ((size_t)count + 1) * sizeof *response->responses.items);
    topic_changes_run(service, request, count, CONFIG_CHANGES_TIMEOUT_MS, &api, resources,
                      response->responses.items == NULL ? NULL : response);
}
