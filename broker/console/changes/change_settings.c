/*
 * POST /api/change/settings: `topic`, and `settings`: lines NAME=VALUE, or NAME alone for what is
 * to have its default again.
 *
 * Happy path: what they are now is asked, then one request has all of them changed, or, dry,
 * checked; the plan says from what to what. Failures: the broker's own sentence is shown.
 */
#include <string.h>

#include "broker/console/changes/change_answer.h"
#include "broker/console/changes/changes.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/describe_configs.h"
#include "protocol/messages/incremental_alter_configs.h"

enum { BAD_REQUEST = 400, NOT_FOUND = 404, SETTINGS_MAX = 100, RESOURCE_TOPIC = 2 };

struct altering {
    const char *topic;
    char *lines[SETTINGS_MAX];
    struct kp_incremental_alter_configs_request_config configs[SETTINGS_MAX];
    int32_t count;
    const struct kp_describe_configs_response_resource *before;
};

static void say_setting(struct inquiry *inquiry, const struct altering *altering, int32_t at) {
    const struct kp_incremental_alter_configs_request_config *config = &altering->configs[at];
    struct kp_string was = kp_string_of("");
    for (int32_t i = 0; i < altering->before->configs.count; i++)
        if (kp_string_equal(altering->before->configs.items[i].name, config->name))
            was = altering->before->configs.items[i].value;
    change_says(inquiry, "%.*s: %.*s -> %s", (int)config->name.len, config->name.data,
                was.len < 0 ? 0 : (int)was.len, was.data,
                config->config_operation == CONFIG_DELETE ? "its default" : config->value.data);
}

static void altered(struct inquiry *inquiry) {
    const struct altering *altering = inquiry->state;
    const struct kp_incremental_alter_configs_response *response = change_answered(
        inquiry, KP_INCREMENTAL_ALTER_CONFIGS);
    if (response == NULL) return;
    if (response->responses.count != 1) return;
    if (response->responses.items[0].error_code != 0) {
        change_refused(inquiry, response->responses.items[0].error_code,
                       response->responses.items[0].error_message);
        return;
    }
    struct change_command command = change_command(inquiry, "drave topic alter");
    change_name(&command, altering->topic);
    change_begin(inquiry);
    json_array(&inquiry->json, "plan");
    for (int32_t i = 0; i < altering->count; i++) {
        bool unset = altering->configs[i].config_operation == CONFIG_DELETE;
        say_setting(inquiry, altering, i);
        change_plain(&command, unset ? "-d" : "-c");
        change_word(&command, altering->lines[i]);
        if (!change_is_dry(inquiry))
            change_log(inquiry, "topic %s: %s%s", altering->topic, altering->lines[i],
                       unset ? " has its default again" : "");
    }
    json_end(&inquiry->json);
    change_end(&command);
}

static void ask_altering(struct inquiry *inquiry) {
    struct altering *altering = inquiry->state;
    struct kp_incremental_alter_configs_request *request = inquiry_alloc(inquiry, sizeof *request);
    struct kp_incremental_alter_configs_request_resource *resource = inquiry_alloc(
        inquiry, sizeof *resource);
    const struct kp_describe_configs_response *told = change_answered(inquiry, KP_DESCRIBE_CONFIGS);
    if (request == NULL || resource == NULL || told == NULL) return;
    if (told->results.count != 1 || told->results.items[0].error_code != 0) {
        inquiry_refuse(inquiry, NOT_FOUND, "topic", "There is no topic \"%.250s\".",
                       altering->topic);
        return;
    }
    altering->before = &told->results.items[0];
    kp_set_fallbacks(&kp_incremental_alter_configs_request_schema, request);
    kp_set_fallbacks(&kp_incremental_alter_configs_request_resource_schema, resource);
    resource->resource_type = RESOURCE_TOPIC;
    resource->resource_name = kp_string_of(altering->topic);
    resource->configs.items = altering->configs;
    resource->configs.count = altering->count;
    request->resources.items = resource;
    request->resources.count = 1;
    request->validate_only = change_is_dry(inquiry);
    change_try(inquiry, "topic %s: %s and %d settings more are to be changed", altering->topic,
               altering->lines[0], (int)altering->count - 1);
    inquiry_ask(inquiry, -1, KP_INCREMENTAL_ALTER_CONFIGS, 0, 0, request,
                sizeof(struct kp_incremental_alter_configs_response));
    inquiry_then(inquiry, altered);
}

static void ask_before(struct inquiry *inquiry) {
    const struct altering *altering = inquiry->state;
    struct kp_describe_configs_request *request = inquiry_alloc(inquiry, sizeof *request);
    struct kp_describe_configs_request_resource *resource = inquiry_alloc(inquiry,
                                                                          sizeof *resource);
    if (request == NULL || resource == NULL) return;
    kp_set_fallbacks(&kp_describe_configs_request_schema, request);
    kp_set_fallbacks(&kp_describe_configs_request_resource_schema, resource);
    resource->resource_type = RESOURCE_TOPIC;
    resource->resource_name = kp_string_of(altering->topic);
    resource->configuration_keys.count = -1;
    request->resources.items = resource;
    request->resources.count = 1;
    inquiry_ask(inquiry, -1, KP_DESCRIBE_CONFIGS, 1, 0, request,
                sizeof(struct kp_describe_configs_response));
    inquiry_then(inquiry, ask_altering);
}

void change_settings(struct inquiry *inquiry) {
    struct altering *altering = inquiry_alloc(inquiry, sizeof *altering);
    if (altering == NULL) return;
    char *rest = change_lines(inquiry, "settings"), *line;
    altering->topic = inquiry_value(inquiry, "topic");
    while ((line = change_line(&rest)) != NULL && altering->count < SETTINGS_MAX) {
        struct kp_incremental_alter_configs_request_config *config =
            &altering->configs[altering->count];
        size_t name = strcspn(line, "=");
        altering->lines[altering->count++] = line;
        config->name = kp_arena_string(&inquiry->arena, line, name);
        config->config_operation = line[name] == '=' ? CONFIG_SET : CONFIG_DELETE;
        config->value = line[name] == '=' ? kp_string_of(line + name + 1) : KP_NULL_STRING;
    }
    if (altering->topic == NULL || *altering->topic == '\0' || altering->count == 0 ||
        line != NULL) {
        inquiry_refuse(
            inquiry, BAD_REQUEST, "settings",
            "Of which topic, and what? Write topic=TOPIC and settings=NAME=VALUE, a line "
            "each, %d at most.",
            SETTINGS_MAX);
        return;
    }
    inquiry->state = altering;
    inquiry_cluster(inquiry, ask_before);
}
