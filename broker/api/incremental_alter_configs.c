/*
 * IncrementalAlterConfigs (key 44): settings of topics are set and deleted one by one, at any broker. config_changes.h says what is refused.
 *
 * Happy path: checked here, committed by the metadata leader, and answered when this broker's table has it: the next batch meets it.
 */
#include "protocol/incremental_alter_configs.h"

#include "base/mem.h"
#include "broker/api/config_changes.h"
#include "broker/api/handlers.h"

enum { ANSWER_MAX = 16 << 20 };

static void answer(struct topic_changes *changes) {
    const struct kp_incremental_alter_configs_request *asked = changes->request->message;
    struct kp_incremental_alter_configs_response response;
    struct kp_arena arena;
    kp_arena_init(&arena, ANSWER_MAX);
    kp_set_fallbacks(&kp_incremental_alter_configs_response_schema, &response);
    struct kp_incremental_alter_configs_response_resource *items = kp_new_items(
        &arena, &kp_incremental_alter_configs_response_resource_schema, &response.responses, (int32_t)changes->count);
    for (size_t i = 0; items != NULL && i < changes->count; i++) {
        items[i].resource_type = asked->resources.items[i].resource_type;
        items[i].resource_name = asked->resources.items[i].resource_name;
        items[i].error_code = changes->items[i].error;
        items[i].error_message = topic_change_message(&changes->items[i]);
    }
    request_respond(changes->request, &response);
    kp_arena_close(&arena);
}

void api_incremental_alter_configs(void *service, struct request *request) {
    const struct kp_incremental_alter_configs_request *asked = request->message;
    int32_t count = asked->resources.count;
    if (config_changes_are_too_many(asked->resources.items, count)) {
        request_close_connection(request);
        return;
    }
    struct topic_changes *changes = topic_changes_begin(service, request, count, CONFIG_CHANGES_TIMEOUT_MS, answer);
    if (changes == NULL) return;
    bool *twice = mem_zalloc(changes->count + 1);
    config_changes_find_twice(asked->resources.items, count, twice);
    for (int32_t i = 0; i < count; i++) {
        struct config_resource resource = {
            .asked = &asked->resources.items[i], .validate_only = asked->validate_only, .twice = twice[i]};
        config_change_begin(&changes->items[i], &resource);
    }
    mem_free(twice);
    topic_changes_started(changes);
}
