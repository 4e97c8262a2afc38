/* Checking one resource, and making the change that is submitted for it. */
#include "broker/api/config_changes.h"

#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "broker/partition/topic_settings.h"
#include "protocol/kafka_error.h"

/* ---- The request as a whole ---- */

struct key config_changes_key(
    const struct kp_incremental_alter_configs_request_resource *resource) {
    return (struct key){.text = resource->resource_name, .number = resource->resource_type};
}

bool config_changes_are_too_many(
    const struct kp_incremental_alter_configs_request_resource *resources, int32_t count) {
    int64_t settings = 0;
    for (int32_t i = 0; i < count && count <= CONFIG_CHANGES_MAX && settings <= CONFIG_CHANGES_MAX;
         i++)
        settings += resources[i].configs.count;
    return count > CONFIG_CHANGES_MAX || settings > CONFIG_CHANGES_MAX;
}

/* ---- One setting ---- */

/* The place of the setting in the table; -1: there is none. */
static int find_setting(const char *name) {
    size_t rows;
    const struct topic_setting *table = topic_settings_table(&rows);
    for (size_t i = 0; i < rows; i++)
        if (strcmp(table[i].row.name, name) == 0) return (int)i;
    return -1;
}

static int16_t check_one(const struct topic_change *item,
                         const struct kp_incremental_alter_configs_request_config *config,
                         const char *name, const char *value, struct error_text *why) {
    bool deletes = config->config_operation == CONFIG_DELETE;
    if (config->config_operation < CONFIG_SET || config->config_operation > CONFIG_SUBTRACT)
        return error_set(why, KAFKA_INVALID_REQUEST,
                         "there is no operation %d; 0 sets a setting and 1 deletes it",
                         config->config_operation);
    if (config->value.len < 0 && !deletes)
        return error_set(why, KAFKA_INVALID_REQUEST, "the topic setting %.80s has no value", name);
    if (!text_is_plain(config->name.data, (size_t)config->name.len) ||
        (config->value.len > 0 && !text_is_plain(config->value.data, (size_t)config->value.len)))
        return error_set(
            why, KAFKA_INVALID_CONFIG,
            "the topic setting %.80s is not possible; names and values are UTF-8 without control characters",
            name);
    if (config->config_operation > CONFIG_DELETE)
        return error_set(
            why, KAFKA_INVALID_CONFIG,
            "%.80s cannot be appended to or subtracted from: it is not a list of which drave has a choice; "
            "set the whole value",
            name);
    if (deletes && find_setting(name) >= 0) return KAFKA_NONE;
    return topic_settings_check(item->changes->services->settings, name, value, why) == ERR_NONE
               ? KAFKA_NONE
               : KAFKA_INVALID_CONFIG;
}

/* Into the command. `seen`: for each row of the table, whether it came before. */
static int16_t take_one(const struct topic_change *item,
                        const struct kp_incremental_alter_configs_request_config *config,
                        bool *seen, struct command_config_change *into, struct error_text *why) {
    char *name = mem_strndup(config->name.data, (size_t)config->name.len);
    char *value = mem_strndup(config->value.len < 0 ? "" : config->value.data,
                              config->value.len < 0 ? 0 : (size_t)config->value.len);
    int16_t error = check_one(item, config, name, value, why);
    int place = error == KAFKA_NONE ? find_setting(name) : -1;
    if (place >= 0 && seen[place])
        error = error_set(why, KAFKA_INVALID_REQUEST, "the topic setting %.80s is given twice",
                          name);
    if (place >= 0) seen[place] = true;
    into->name = config->name;
    into->value = config->config_operation == CONFIG_DELETE ? KP_NULL_STRING : config->value;
    mem_free(name);
    mem_free(value);
    return error;
}

/* ---- One resource ---- */

static bool take_configs(struct topic_change *item, const struct config_resource *resource,
                         struct command_set_configs *command, struct kp_arena *arena) {
    int32_t count = resource->asked->configs.count;
    struct command_config_change *rows = kp_new_items(arena, &command_config_change_schema,
                                                      &command->configs, count);
    size_t settings;
    topic_settings_table(&settings);
    bool *seen = kp_arena_alloc(arena, settings);
    if ((rows == NULL && count > 0) || seen == NULL) {
        topic_change_refuse(item, KAFKA_INVALID_REQUEST, "the request has more settings than fit");
        return false;
    }
    memset(seen, 0, settings);
    for (int32_t i = 0; i < count; i++) {
        struct error_text why;
        int16_t error = take_one(item, &resource->asked->configs.items[i], seen, &rows[i], &why);
        if (error == KAFKA_NONE) continue;
        topic_change_refuse(item, error, "%s", why.text);
        return false;
    }
    return true;
}

/* NULL: refused. */
static const struct metadata_topic *find_topic(struct topic_change *item, struct kp_string name) {
    const struct metadata_topic *topic = metadata_topic_named(item->changes->services->metadata,
                                                              name.data, (size_t)name.len);
    struct error_text why;
    if (name.len == 0)
        topic_change_refuse(
            item, KAFKA_INVALID_REQUEST,
            "the settings of all topics at once are those of the brokers; name a topic");
    else if (!authorize(&item->changes->request->ctx, AUTHORIZE_ALTER_CONFIGS, AUTHORIZE_TOPIC,
                        name.data, (size_t)name.len))
        topic_change_refuse(item, KAFKA_TOPIC_AUTHORIZATION_FAILED,
                            "the settings of topic %.*s may not be changed by this user",
                            name.len > 100 ? 100 : (int)name.len, name.data);
    else if (topic == NULL && topic_name_check(name.data, (size_t)name.len, &why) != ERR_NONE)
        topic_change_refuse(item, KAFKA_INVALID_TOPIC, "%s", why.text);
    else if (topic == NULL)
        topic_change_refuse(item, KAFKA_UNKNOWN_TOPIC_OR_PARTITION, "topic %.*s does not exist",
                            name.len > 100 ? 100 : (int)name.len, name.data);
    else
        return topic;
    return NULL;
}

void config_change_begin(struct topic_change *item, const struct config_resource *resource) {
    int8_t type = resource->asked->resource_type;
    if (item->twice) {
        topic_change_refuse(item, KAFKA_INVALID_REQUEST, "this resource is in the request twice");
        return;
    }
    if (type == CONFIG_RESOURCE_BROKER) {
        topic_change_refuse(
            item, KAFKA_INVALID_REQUEST,
            "the settings of a broker are read when it starts; change its configuration file, and start it "
            "again");
        return;
    }
    if (type != CONFIG_RESOURCE_TOPIC) {
        topic_change_refuse(
            item, KAFKA_INVALID_REQUEST,
            "resources of type %d have no settings that can be changed; topics (type 2) have",
            type);
        return;
    }
    const struct metadata_topic *topic = find_topic(item, resource->asked->resource_name);
    if (topic == NULL) return;
    struct metadata_change change = {.validate_only = resource->validate_only};
    struct kp_arena arena;
    kp_arena_init(&arena, METADATA_COMMAND_ARENA);
    metadata_command_init(&change.command, COMMAND_SET_CONFIGS);
    struct command_set_configs *command = &change.command.set_configs;
    memcpy(item->id.bytes, topic->id, sizeof topic->id);
    command->id = item->id;
    command->replace = resource->replace;
    env_random(item->changes->services->env, command->request.bytes, sizeof command->request.bytes);
    if (take_configs(item, resource, command, &arena)) topic_change_submit(item, &change, false);
    kp_arena_close(&arena);
}
