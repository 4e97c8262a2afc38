/* Resolving changes of settings against the table. */
#include "broker/metadata/config_resolution.h"

#include <string.h>

#include "broker/config/group_settings.h"
#include "broker/metadata/metadata_rows.h"
#include "broker/metadata/name_hash.h"
#include "protocol/kafka_error.h"

static bool is_changed(const struct command_set_configs *command, const char *name) {
    for (int32_t i = 0; i < command->configs.count; i++)
        if (kp_string_is(command->configs.items[i].name, name)) return true;
    return false;
}

/* What will be set. Texts are the table's and the arena's. False: it does not fit. */
static bool outcome_of(const struct config_set *present, const struct command_set_configs *command,
                       struct kp_arena *arena, struct config_set *into) {
    size_t most = present->count + (size_t)command->configs.count;
    struct config_pair *pairs = kp_arena_alloc(arena, (most + 1) * sizeof *pairs);
    if (pairs == NULL) return false;
    *into = (struct config_set){.pairs = pairs};
    for (size_t i = 0; i < present->count && !command->replace; i++)
        if (!is_changed(command, present->pairs[i].name)) pairs[into->count++] = present->pairs[i];
    for (int32_t i = 0; i < command->configs.count; i++) {
        const struct command_config_change *change = &command->configs.items[i];
        if (change->value.len < 0) continue;
        pairs[into->count] = (struct config_pair){
            kp_arena_string(arena, change->name.data, (size_t)change->name.len).data,
            kp_arena_string(arena, change->value.data, (size_t)change->value.len).data};
        if (pairs[into->count].name == NULL || pairs[into->count].value == NULL) return false;
        into->count++;
    }
    return true;
}

static bool is_same(const struct config_set *a, const struct config_set *b) {
    if (a->count != b->count) return false;
    for (size_t i = 0; i < a->count; i++) {
        const char *value = config_set_find(b, a->pairs[i].name);
        if (value == NULL || strcmp(value, a->pairs[i].value) != 0) return false;
    }
    return true;
}

/* False: there is no such topic. */
static bool present_of(const struct metadata *metadata, const struct command_set_configs *command,
                       struct config_set *into) {
    static const struct config_set nothing;
    if (command->type == CONFIG_RESOURCE_TOPIC) {
        const struct metadata_topic *topic = metadata_topic_with_id(metadata, command->id.bytes);
        *into = topic == NULL ? nothing : topic->configs;
        return topic != NULL;
    }
    const struct metadata_resource *resource = metadata_resource_named(
        metadata, (enum config_resource_type)command->type, command->name.data,
        (size_t)command->name.len);
    *into = resource == NULL ? nothing : resource->configs;
    return true;
}

static bool go_together(const struct metadata_view *view, int8_t type,
                        const struct config_set *outcome, struct metadata_result *result) {
    struct error_text why;
    if (type != CONFIG_RESOURCE_GROUP ||
        group_settings_check_set(view->settings, outcome, &why) == ERR_NONE)
        return true;
    return metadata_refuse(result, KAFKA_INVALID_CONFIG, "%s", why.text);
}

enum metadata_prepared config_resolve(const struct metadata_view *view,
                                      const struct command_set_configs *command,
                                      struct kp_arena *arena, struct metadata_result *result) {
    struct config_set present, outcome;
    if (!present_of(view->metadata, command, &present)) {
        metadata_refuse(result, KAFKA_UNKNOWN_TOPIC_OR_PARTITION,
                        "this topic does not exist (any more)");
        return PREPARED_REFUSED;
    }
    if (!outcome_of(&present, command, arena, &outcome)) {
        metadata_refuse(result, KAFKA_INVALID_REQUEST,
                        "so many settings are too much for one request");
        return PREPARED_REFUSED;
    }
    if (is_same(&outcome, &present)) return PREPARED_NOTHING;
    if (!go_together(view, command->type, &outcome, result)) return PREPARED_REFUSED;
    bool fits = command->type == CONFIG_RESOURCE_TOPIC ||
                metadata_resources_fit(&view->metadata->resources, command, result);
    return fits ? PREPARED : PREPARED_REFUSED;
}

uint32_t config_resolution_key(const struct command_set_configs *command) {
    bool topic = command->type == CONFIG_RESOURCE_TOPIC;
    return metadata_name_hash((uint64_t)command->type,
                              topic ? (const char *)command->id.bytes : command->name.data,
                              topic ? sizeof command->id.bytes : (size_t)command->name.len) |
           1;
}
