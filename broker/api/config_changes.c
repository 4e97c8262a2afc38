/* Checking one resource, and making the change that is submitted for it. */
#include "broker/api/config_changes.h"

#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "broker/api/broker_logger.h"
#include "broker/api/certificate_change.h"
#include "broker/config/config_kind.h"
#include "broker/metadata/config_resolution.h"
#include "broker/metadata/metadata_features.h"
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

enum { LIST_ELEMENTS_MAX = 64 }; /* of what is appended or subtracted at once */

/* ---- One setting ---- */

/* Whose settings are changed, and what is wrong with one of them. */
struct config_taking {
    const struct broker_settings *settings;
    const struct metadata *metadata;
    struct config_owner owner;
    const struct setting_table *rows;
    const struct config_set *present; /* what is set now */
    bool *seen;                       /* for each row, whether it came before */
    struct kp_arena *arena;           /* of the command */
};

/* What the kind says, as Kafka's error. */
static int16_t error_of(int error) {
    return error == ERR_NONE     ? KAFKA_NONE
           : error == ERR_DENIED ? KAFKA_INVALID_REQUEST
                                 : KAFKA_INVALID_CONFIG;
}

/* The leader compares each with each. */
static int16_t check_elements(const char *name, const char *value, struct error_text *why) {
    size_t count = 1;
    for (const char *at = value; (at = strchr(at, ',')) != NULL; at++)
        count++;
    if (count <= LIST_ELEMENTS_MAX) return KAFKA_NONE;
    return error_set(why, KAFKA_INVALID_CONFIG,
                     "%zu elements are too many to append to %.80s, or to subtract from it; %d at "
                     "most at once",
                     count, name, LIST_ELEMENTS_MAX);
}

int config_is_served(const struct metadata *metadata, const char *name, const char *value,
                     struct error_text *why) {
    if (strcmp(name, "delay.enable") != 0 || strcmp(value, "true") != 0 ||
        metadata_feature_level(metadata, FEATURE_DELAY_VERSION) >= 1)
        return ERR_NONE;
    return error_set(why, ERR_INVALID,
                     "%s=%s is not possible while the feature " FEATURE_DELAY_VERSION
                     " is at level 0: give all brokers this version first",
                     name, value);
}

/* A new value. */
static int16_t check_value(const struct config_taking *taking, const char *name, const char *value,
                           struct error_text *why) {
    int error = config_kind_check(taking->settings, &taking->owner, name, value, why);
    if (error == ERR_NONE && taking->owner.type == CONFIG_RESOURCE_TOPIC)
        error = config_is_served(taking->metadata, name, value, why);
    return error_of(error);
}

static int16_t check_operation(const struct config_taking *taking, int8_t operation,
                               const char *name, const char *value, struct error_text *why) {
    int place = setting_table_find(taking->rows, name);
    switch (operation) {
    case CONFIG_SET: return check_value(taking, name, value, why);
    case CONFIG_DELETE: /* also of what a newer version set, and, as in Kafka, of what there is not:
                         * tools unset the throttles that they never set */
        return KAFKA_NONE;
    default: break;
    }
    int error = config_kind_check_name(&taking->owner, name, why);
    if (error != ERR_NONE) return error_of(error);
    if (setting_table_row(taking->rows, (size_t)place)->type == SETTING_LIST)
        return check_elements(name, value, why);
    return error_set(
        why, KAFKA_INVALID_CONFIG,
        "%.80s cannot be appended to or subtracted from, because it is no list; set the "
        "whole value",
        name);
}

static int16_t check_one(const struct config_taking *taking,
                         const struct kp_incremental_alter_configs_request_config *config,
                         const char *name, const char *value, struct error_text *why) {
    bool deletes = config->config_operation == CONFIG_DELETE;
    if (config->config_operation < CONFIG_SET || config->config_operation > CONFIG_SUBTRACT)
        return error_set(why, KAFKA_INVALID_REQUEST,
                         "there is no operation %d; 0 sets a setting, 1 deletes it, 2 appends to a "
                         "list and 3 subtracts from it",
                         config->config_operation);
    if (config->value.len < 0 && !deletes)
        return error_set(why, KAFKA_INVALID_REQUEST, "the %s setting %.80s has no value",
                         taking->rows->kind, name);
    if (!text_is_plain(config->name.data, (size_t)config->name.len) ||
        (config->value.len > 0 && !text_is_plain(config->value.data, (size_t)config->value.len)))
        return error_set(
            why, KAFKA_INVALID_CONFIG,
            "the %s setting %.80s is not possible; names and values are UTF-8 without control characters",
            taking->rows->kind, name);
    return check_operation(taking, config->config_operation, name, value, why);
}

bool config_value_trim(const struct setting_table *rows, const char *name, struct kp_string *value,
                       struct kp_arena *arena) {
    if (value->len <= 0) return true;
    value->len = (int32_t)text_trim(value->data, (size_t)value->len, &value->data);
    int place = setting_table_find(rows, name);
    if (place < 0 || setting_table_row(rows, (size_t)place)->type != SETTING_LIST) return true;
    struct kp_string copy = kp_arena_string(arena, value->data, (size_t)value->len);
    if (copy.data == NULL) return false;
    copy.len = (int32_t)text_trim_items((char *)copy.data, (size_t)copy.len);
    *value = copy;
    return true;
}

/* Into the command. */
static int16_t take_one(const struct config_taking *taking,
                        struct kp_incremental_alter_configs_request_config config,
                        struct command_config_change *into, struct error_text *why) {
    char *name = mem_strndup(config.name.data, (size_t)config.name.len);
    if (!config_value_trim(taking->rows, name, &config.value, taking->arena)) {
        mem_free(name);
        return error_set(why, KAFKA_INVALID_REQUEST, "the request has more settings than fit");
    }
    char *value = mem_strndup(config.value.len < 0 ? "" : config.value.data,
                              config.value.len < 0 ? 0 : (size_t)config.value.len);
    int16_t error = check_one(taking, &config, name, value, why);
    int place = error == KAFKA_NONE ? setting_table_find(taking->rows, name) : -1;
    if (place >= 0 && taking->seen[place])
        error = error_set(why, KAFKA_INVALID_REQUEST, "the %s setting %.80s is given twice",
                          taking->rows->kind, name);
    if (place >= 0) taking->seen[place] = true;
    into->name = config.name;
    into->value = config.config_operation == CONFIG_DELETE ? KP_NULL_STRING : config.value;
    mem_free(name);
    mem_free(value);
    return error;
}

/* ---- One resource ---- */

/* What is appended and subtracted is told apart only where there is any: the leader works it out.
 */
static bool take_operations(const struct config_resource *resource, struct metadata_change *change,
                            struct kp_arena *arena) {
    int32_t count = resource->asked->configs.count;
    bool lists = false;
    for (int32_t i = 0; i < count; i++)
        lists = lists || resource->asked->configs.items[i].config_operation > CONFIG_DELETE;
    if (!lists) return true;
    int8_t *operations = kp_arena_alloc(arena, (size_t)count);
    for (int32_t i = 0; operations != NULL && i < count; i++)
        operations[i] = resource->asked->configs.items[i].config_operation;
    change->operations = operations;
    return operations != NULL;
}

static bool take_configs(struct topic_change *item, const struct config_resource *resource,
                         struct metadata_change *change, struct kp_arena *arena) {
    struct command_set_configs *command = &change->command.set_configs;
    int32_t count = resource->asked->configs.count;
    struct command_config_change *rows = kp_new_items(arena, &command_config_change_schema,
                                                      &command->configs, count);
    const struct setting_table *table = config_kind_rows((enum config_resource_type)command->type);
    bool *seen = kp_arena_alloc(arena, table->count);
    struct config_set present;
    if ((rows == NULL && count > 0) || seen == NULL || !take_operations(resource, change, arena)) {
        topic_change_refuse(item, KAFKA_INVALID_REQUEST, "the request has more settings than fit");
        return false;
    }
    memset(seen, 0, table->count);
    config_present(item->changes->services->metadata, command, &present);
    struct config_taking taking = {.settings = item->changes->services->settings,
                                   .metadata = item->changes->services->metadata,
                                   .owner = {(enum config_resource_type)command->type,
                                             command->name.data,
                                             command->name.len < 0 ? 0 : (size_t)command->name.len},
                                   .rows = table,
                                   .present = &present,
                                   .seen = seen,
                                   .arena = arena};
    for (int32_t i = 0; i < count; i++) {
        struct error_text why;
        int16_t error = take_one(&taking, resource->asked->configs.items[i], &rows[i], &why);
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

/* False: refused. */
static bool take_broker(struct topic_change *item, struct kp_string name,
                        struct command_set_configs *command) {
    const struct broker_services *services = item->changes->services;
    int32_t node = -1;
    bool one = name.len > 0, number = !one || config_node_id(name.data, (size_t)name.len, &node);
    if (!authorize(&item->changes->request->ctx, AUTHORIZE_ALTER_CONFIGS, AUTHORIZE_CLUSTER, NULL,
                   0))
        topic_change_refuse(item, KAFKA_CLUSTER_AUTHORIZATION_FAILED,
                            "the settings of brokers may not be changed by this user");
    else if (!number)
        topic_change_refuse(item, KAFKA_INVALID_REQUEST,
                            "Node id must be an integer, but it is: %.*s",
                            name.len > 100 ? 100 : (int)name.len, name.data);
    else if (one && metadata_broker_of(services->metadata, node) == NULL)
        topic_change_refuse(item, KAFKA_BROKER_ID_NOT_REGISTERED,
                            "there is no broker %" PRId32 "; drave info lists them", node);
    else if (one && node != services->settings->node_id)
        topic_change_refuse(item, KAFKA_INVALID_REQUEST,
                            "settings of broker %" PRId32 " were sent to broker %" PRId32
                            "; send them to it itself, which knows what goes with its file",
                            node, services->settings->node_id);
    if (item->error != 0) return false;
    command->name = name;
    return true;
}

/* Whether all goes together with this broker's file, which the metadata leader does not know. */
static bool fits_here(struct topic_change *item, const struct metadata_change *change,
                      struct kp_arena *arena) {
    const struct command_set_configs *command = &change->command.set_configs;
    const struct broker_services *services = item->changes->services;
    struct config_owner owner = {(enum config_resource_type)command->type, command->name.data,
                                 command->name.len < 0 ? 0 : (size_t)command->name.len};
    struct metadata_result result;
    struct config_set outcome;
    struct error_text why;
    if (command->type != CONFIG_RESOURCE_BROKER) return true;
    memset(&result, 0, sizeof result);
    if (!config_outcome(services->metadata, change, arena, &outcome, &result))
        topic_change_refuse(item, result.error, "%s", result.message);
    else if (config_kind_check_set(services->settings, &owner, &outcome, &why) != ERR_NONE)
        topic_change_refuse(item, KAFKA_INVALID_CONFIG, "%s", why.text);
    return item->error == 0;
}

static bool take_resource(struct topic_change *item, int8_t type, struct kp_string name,
                          struct command_set_configs *command) {
    command->type = type;
    switch (type) {
    case CONFIG_RESOURCE_TOPIC: return take_topic(item, name, command);
    case CONFIG_RESOURCE_GROUP: return take_group(item, name, command);
    case CONFIG_RESOURCE_BROKER: return take_broker(item, name, command);
    default:
        topic_change_refuse(
            item, KAFKA_INVALID_REQUEST,
            "resources of type %d have no settings that can be changed; topics (type 2), brokers "
            "(4), their loggers (8, by IncrementalAlterConfigs) and groups (32) have",
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
    if (type == CONFIG_RESOURCE_BROKER_LOGGER && !resource->replace) {
        broker_logger_change(item, resource->asked, resource->validate_only);
        return;
    }
    struct metadata_change change = {.validate_only = resource->validate_only};
    struct kp_arena arena;
    metadata_command_init(&change.command, COMMAND_SET_CONFIGS);
    struct command_set_configs *command = &change.command.set_configs;
    if (!take_resource(item, type, resource->asked->resource_name, command)) return;
    if (type == CONFIG_RESOURCE_BROKER && !resource->replace && certificate_change_is(resource)) {
        certificate_change_begin(item, resource);
        return;
    }
    command->replace = resource->replace;
    env_random(item->changes->services->env, command->request.bytes, sizeof command->request.bytes);
    kp_arena_init(&arena, METADATA_COMMAND_ARENA);
    if (take_configs(item, resource, &change, &arena) && fits_here(item, &change, &arena))
        topic_change_submit(item, &change, false);
    kp_arena_close(&arena);
}

/* ---- The log ---- */

static const char *kind_of(int8_t type) {
    return type == CONFIG_RESOURCE_TOPIC   ? "topic"
           : type == CONFIG_RESOURCE_GROUP ? "group"
                                           : "broker";
}

/* Names alone: what they are now is shown to who may see it. */
static void write_names(const struct config_resource *resource, char *into, size_t room) {
    size_t at = 0;
    into[0] = '\0';
    for (int32_t i = 0; i < resource->asked->configs.count && at + 1 < room; i++) {
        const struct kp_incremental_alter_configs_request_config *config =
            &resource->asked->configs.items[i];
        int len = snprintf(into + at, room - at, "%s%.*s%s", i == 0 ? "" : ", ",
                           config->name.len > 80 ? 80 : (int)config->name.len, config->name.data,
                           config->config_operation == CONFIG_DELETE ? " (unset)" : "");
        at += len < 0 ? 0 : (size_t)len;
    }
}

void config_change_log(const struct topic_changes *changes,
                       const struct config_resource *resource) {
    const struct request_ctx *ctx = &changes->request->ctx;
    struct kp_string name = resource->asked->resource_name;
    char names[1024];
    if (resource->validate_only) return;
    write_names(resource, names, sizeof names);
    log_event(changes->services->log, LOGGED_CONFIGS_CHANGED,
              "%s at %s (listener %s) has changed settings of %s%s '%.*s': %s%s", ctx->principal,
              ctx->peer, ctx->listener, name.len <= 0 ? "every " : "",
              kind_of(resource->asked->resource_type), name.len > 128 ? 128 : (int)name.len,
              name.data, names, resource->replace ? "; all others are unset" : "");
}
