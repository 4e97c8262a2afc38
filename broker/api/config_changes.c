/* Checking one resource, and making the change that is submitted for it. */
#include "broker/api/config_changes.h"

#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "broker/config/group_settings.h"
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

/* What has settings that can be changed. */
struct config_kind {
    const struct setting_table *rows;
    int (*check)(const struct broker_settings *settings, const char *name, const char *value,
                 struct error_text *why);
};

static struct config_kind kind_of(int8_t type) {
    return type == CONFIG_RESOURCE_GROUP
               ? (struct config_kind){group_settings_rows(), group_settings_check}
               : (struct config_kind){topic_settings_rows(), topic_settings_check};
}

static int16_t check_one(const struct topic_change *item, const struct config_kind *kind,
                         const struct kp_incremental_alter_configs_request_config *config,
                         const char *name, const char *value, struct error_text *why) {
    bool deletes = config->config_operation == CONFIG_DELETE;
    if (config->config_operation < CONFIG_SET || config->config_operation > CONFIG_SUBTRACT)
        return error_set(why, KAFKA_INVALID_REQUEST,
                         "there is no operation %d; 0 sets a setting and 1 deletes it",
                         config->config_operation);
    if (config->value.len < 0 && !deletes)
        return error_set(why, KAFKA_INVALID_REQUEST, "the %s setting %.80s has no value",
                         kind->rows->kind, name);
    if (!text_is_plain(config->name.data, (size_t)config->name.len) ||
        (config->value.len > 0 && !text_is_plain(config->value.data, (size_t)config->value.len)))
        return error_set(
            why, KAFKA_INVALID_CONFIG,
            "the %s setting %.80s is not possible; names and values are UTF-8 without control characters",
            kind->rows->kind, name);
    if (config->config_operation > CONFIG_DELETE)
        return error_set(
            why, KAFKA_INVALID_CONFIG,
            "%.80s cannot be appended to or subtracted from: it is not a list of which drave has a choice; "
            "set the whole value",
            name);
    if (deletes && setting_table_find(kind->rows, name) >= 0) return KAFKA_NONE;
    return kind->check(item->changes->services->settings, name, value, why) == ERR_NONE
               ? KAFKA_NONE
               : KAFKA_INVALID_CONFIG;
}

/* Into the command. `seen`: for each row of the table, whether it came before. */
static int16_t take_one(const struct topic_change *item, const struct config_kind *kind,
                        const struct kp_incremental_alter_configs_request_config *config,
                        bool *seen, struct command_config_change *into, struct error_text *why) {
    char *name = mem_strndup(config->name.data, (size_t)config->name.len);
    char *value = mem_strndup(config->value.len < 0 ? "" : config->value.data,
                              config->value.len < 0 ? 0 : (size_t)config->value.len);
    int16_t error = check_one(item, kind, config, name, value, why);
    int place = error == KAFKA_NONE ? setting_table_find(kind->rows, name) : -1;
    if (place >= 0 && seen[place])
        error = error_set(why, KAFKA_INVALID_REQUEST, "the %s setting %.80s is given twice",
                          kind->rows->kind, name);
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
    struct config_kind kind = kind_of(resource->asked->resource_type);
    bool *seen = kp_arena_alloc(arena, kind.rows->count);
    if ((rows == NULL && count > 0) || seen == NULL) {
        topic_change_refuse(item, KAFKA_INVALID_REQUEST, "the request has more settings than fit");
        return false;
    }
    memset(seen, 0, kind.rows->count);
    for (int32_t i = 0; i < count; i++) {
        struct error_text why;
        int16_t error = take_one(item, &kind, &resource->asked->configs.items[i], seen, &rows[i],
                                 &why);
        if (error == KAFKA_NONE) continue;
        topic_change_refuse(item, error, "%s", why.text);
        return false;
    }
    return true;
}

/* False: refused. */
static bool take_topic(struct topic_change *item, struct kp_string name,
                       struct command_set_configs *command) {
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
    if (item->error != 0) return false;
    memcpy(item->id.bytes, topic->id, sizeof topic->id);
    command->id = item->id;
    return true;
}

static bool take_group(struct topic_change *item, struct kp_string name,
                       struct command_set_configs *command) {
    if (name.len == 0)
        topic_change_refuse(item, KAFKA_INVALID_REQUEST,
                            "Default group resources are not allowed: the settings of all groups "
                            "at once are those of the brokers (group.consumer.*); name a group");
    else if (!authorize(&item->changes->request->ctx, AUTHORIZE_ALTER_CONFIGS, AUTHORIZE_GROUP,
                        name.data, (size_t)name.len))
        topic_change_refuse(item, KAFKA_GROUP_AUTHORIZATION_FAILED,
                            "the settings of group %.*s may not be changed by this user",
                            name.len > 100 ? 100 : (int)name.len, name.data);
    if (item->error != 0) return false;
    command->name = name;
    return true;
}

static bool take_resource(struct topic_change *item, int8_t type, struct kp_string name,
                          struct command_set_configs *command) {
    command->type = type;
    switch (type) {
    case CONFIG_RESOURCE_TOPIC: return take_topic(item, name, command);
    case CONFIG_RESOURCE_GROUP: return take_group(item, name, command);
    case CONFIG_RESOURCE_BROKER:
        topic_change_refuse(
            item, KAFKA_INVALID_REQUEST,
            "the settings of a broker are read when it starts; change its configuration file, and start it "
            "again");
        return false;
    default:
        topic_change_refuse(
            item, KAFKA_INVALID_REQUEST,
            "resources of type %d have no settings that can be changed; topics (type 2) and groups (type 32) have",
            type);
        return false;
    }
}

void config_change_begin(struct topic_change *item, const struct config_resource *resource) {
    int8_t type = resource->asked->resource_type;
    if (item->twice) {
        topic_change_refuse(item, KAFKA_INVALID_REQUEST, "this resource is in the request twice");
        return;
    }
    struct metadata_change change = {.validate_only = resource->validate_only};
    struct kp_arena arena;
    metadata_command_init(&change.command, COMMAND_SET_CONFIGS);
    struct command_set_configs *command = &change.command.set_configs;
    if (!take_resource(item, type, resource->asked->resource_name, command)) return;
    command->replace = resource->replace;
    env_random(item->changes->services->env, command->request.bytes, sizeof command->request.bytes);
    kp_arena_init(&arena, METADATA_COMMAND_ARENA);
    if (take_configs(item, resource, command, &arena)) topic_change_submit(item, &change, false);
    kp_arena_close(&arena);
}
