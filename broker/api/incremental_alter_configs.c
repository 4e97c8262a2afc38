/*
 * IncrementalAlterConfigs (key 44): settings of topics are set and deleted one by one, at any
 * broker. config_changes.h says what is refused.
 *
 * Happy path: checked here, committed by the metadata leader, and answered when this broker's table
 * has it: the next batch meets it.
 */
#include "protocol/messages/incremental_alter_configs.h"

#include "broker/api/config_changes.h"
#include "broker/api/handlers.h"

static bool alter_configs_add(struct topic_changes *changes, size_t i) {
    const struct kp_incremental_alter_configs_request *asked = changes->request->message;
    struct kp_incremental_alter_configs_response *response = changes->response;
    struct kp_incremental_alter_configs_response_resource *into = &response->responses.items[i];
    kp_set_fallbacks(&kp_incremental_alter_configs_response_resource_schema, into);
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
    const struct kp_incremental_alter_configs_request *asked = changes->request->message;
    const struct kp_incremental_alter_configs_request_resource *resources = changes->asked;
    return (struct config_resource){.asked = &resources[i], .validate_only = asked->validate_only};
}

static void alter_configs_start(struct topic_changes *changes, size_t i) {
    struct config_resource resource = resource_of(changes, i);
    config_change_begin(changes->items[i], &resource);
}

static void changed(struct topic_changes *changes, size_t i) {
    struct config_resource resource = resource_of(changes, i);
    config_change_log(changes, &resource);
}

static const struct topic_changes_api api = {.key = key,
                                             .start = alter_configs_start,
                                             .changed = changed,
                                             .add = alter_configs_add};

void api_incremental_alter_configs(void *service, struct request *request) {
    const struct kp_incremental_alter_configs_request *asked = request->message;
    int32_t count = asked->resources.count;
    if (config_changes_are_too_many(asked->resources.items, count)) {
        request_close_because(
            request,
            "it names more than %d resources or settings in one request; name fewer at a time",
            CONFIG_CHANGES_MAX);
        return;
    }
    struct kp_incremental_alter_configs_response *response = kp_arena_alloc(&request->arena,
                                                                            sizeof *response);
    kp_set_fallbacks(&kp_incremental_alter_configs_response_schema, response);
    response->responses.items = kp_arena_alloc(
        &request->arena, ((size_t)count + 1) * sizeof *response->responses.items);
    topic_changes_run(service, request, count, CONFIG_CHANGES_TIMEOUT_MS, &api,
                      asked->resources.items, response->responses.items == NULL ? NULL : response);
}
