/* Resolving changes of settings against the table. */
#include "broker/metadata/config_resolution.h"

#include <string.h>

#include "base/text.h"
#include "broker/config/config_kind.h"
#include "broker/config/group_settings.h"
#include "broker/config/name_hash.h"
#include "broker/config/topic_settings.h"
#include "broker/metadata/metadata_features.h"
#include "broker/metadata/metadata_rows.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/incremental_alter_configs.h"

static bool is_changed(const struct command_set_configs *command, const char *name) {
    for (int32_t i = 0; i < command->configs.count; i++)
        if (kp_string_is(command->configs.items[i].name, name)) return true;
    return false;
}

/* ---- Lists ---- */

/* The next element of a list, trimmed; false: there is none left. */
static bool next_element(struct kp_string *list, struct kp_string *element) {
    while (list->len > 0) {
        const char *comma = memchr(list->data, ',', (size_t)list->len);
        int32_t len = comma == NULL ? list->len : (int32_t)(comma - list->data);
        *element = (struct kp_string){list->data, len};
        list->data += len + (comma != NULL);
        list->len -= len + (comma != NULL);
        element->len = (int32_t)text_trim(element->data, (size_t)element->len, &element->data);
        if (element->len > 0) return true;
    }
    return false;
}

static bool has_element(struct kp_string list, struct kp_string wanted) {
    struct kp_string element;
    while (next_element(&list, &element))
        if (kp_string_equal(element, wanted)) return true;
    return false;
}

/* Those of `from` that are not in `but`, behind what is in `into`; that has room. */
static void add_elements(struct kp_string *into, struct kp_string from, struct kp_string but) {
    struct kp_string element;
    char *text = (char *)into->data;
    while (next_element(&from, &element)) {
        if (has_element(but, element) || has_element(*into, element)) continue;
        if (into->len > 0) text[into->len++] = ',';
        memcpy(text + into->len, element.data, (size_t)element.len);
        into->len += element.len;
    }
}

/* The value that comes of it. False: it does not fit. */
static bool list_outcome(const char *present, int8_t operation, struct kp_string value,
                         struct kp_arena *arena, struct kp_string *into) {
    struct kp_string before = kp_string_of(present), nothing = {"", 0};
    char *text = kp_arena_alloc(arena, (size_t)before.len + (size_t)value.len + 2);
    if (text == NULL) return false;
    struct kp_string list = {text, 0};
    bool appends = operation == CONFIG_APPEND;
    add_elements(&list, before, appends ? nothing : value);
    if (appends) add_elements(&list, value, nothing);
    text[list.len] = '\0';
    *into = list;
    return true;
}

/* Whether its present value may be a list at all; its row then. */
static const struct setting *list_row(int8_t type, const char *name,
                                      struct metadata_result *result) {
    const struct setting_table *rows = config_kind_rows((enum config_resource_type)type);
    int place = setting_table_find(rows, name);
    const struct setting *row = place < 0 ? NULL : setting_table_row(rows, (size_t)place);
    if (row != NULL && row->type == SETTING_LIST) return row;
    metadata_refuse(
        result, KAFKA_INVALID_CONFIG,
        "%.80s cannot be appended to or subtracted from, because it is no list; set the "
        "whole value",
        name);
    return NULL;
}

/* ---- Sets ---- */

static bool does_not_fit(struct metadata_result *result) {
    return metadata_refuse(result, KAFKA_INVALID_REQUEST,
                           "so many settings are too much for one request");
}

/* What the change sets `name` to. */
static bool value_of(const struct config_set *present, const struct metadata_change *change,
                     int32_t i, const char *name, struct kp_arena *arena, struct kp_string *into,
                     struct metadata_result *result) {
    const struct command_set_configs *command = &change->command.set_configs;
    struct kp_string value = command->configs.items[i].value;
    int8_t operation = change->operations == NULL ? CONFIG_SET : change->operations[i];
    if (operation < CONFIG_APPEND) {
        *into = kp_arena_string(arena, value.data, (size_t)value.len);
        return into->data != NULL || does_not_fit(result);
    }
    const struct setting *row = list_row(command->type, name, result);
    if (row == NULL) return false;
    const char *before = config_set_find(present, name);
    return list_outcome(before == NULL ? row->fallback : before, operation, value, arena, into) ||
           does_not_fit(result);
}

static bool outcome_of(const struct config_set *present, const struct metadata_change *change,
                       struct kp_arena *arena, struct config_set *into,
                       struct metadata_result *result) {
    const struct command_set_configs *command = &change->command.set_configs;
    size_t most = present->count + (size_t)command->configs.count;
    struct config_pair *pairs = kp_arena_alloc(arena, (most + 1) * sizeof *pairs);
    if (pairs == NULL) return does_not_fit(result);
    *into = (struct config_set){.pairs = pairs};
    for (size_t i = 0; i < present->count && !command->replace; i++)
        if (!is_changed(command, present->pairs[i].name)) pairs[into->count++] = present->pairs[i];
    for (int32_t i = 0; i < command->configs.count; i++) {
        struct kp_string name = command->configs.items[i].name, value = KP_NULL_STRING;
        if (command->configs.items[i].value.len < 0) continue;
        name = kp_arena_string(arena, name.data, (size_t)name.len);
        if (name.data == NULL) return does_not_fit(result);
        if (!value_of(present, change, i, name.data, arena, &value, result)) return false;
        pairs[into->count++] = (struct config_pair){name.data, value.data};
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

bool config_present(const struct metadata *metadata, const struct command_set_configs *command,
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

bool config_outcome(const struct metadata *metadata, const struct metadata_change *change,
                    struct kp_arena *arena, struct config_set *outcome,
                    struct metadata_result *result) {
    struct config_set present;
    if (!config_present(metadata, &change->command.set_configs, &present))
        return metadata_refuse(result, KAFKA_UNKNOWN_TOPIC_OR_PARTITION,
                               "this topic does not exist (any more)");
    return outcome_of(&present, change, arena, outcome, result);
}

/* The command as it is applied: with values that need no table. */
static void complete(struct metadata_change *change, const struct config_set *outcome) {
    struct command_set_configs *command = &change->command.set_configs;
    for (size_t i = 0; i < outcome->count; i++)
        for (int32_t k = 0; k < command->configs.count; k++)
            if (kp_string_is(command->configs.items[k].name, outcome->pairs[i].name))
                command->configs.items[k].value = kp_string_of(outcome->pairs[i].value);
    change->operations = NULL;
}

/* What older brokers would not obey is not set. */
static bool brokers_know(const struct metadata *metadata, const struct config_set *outcome,
                         struct metadata_result *result) {
    const char *name;
    int16_t wanted = group_settings_share_version(outcome, &name),
            level = metadata_feature_level(metadata, FEATURE_SHARE_VERSION);
    return wanted <= level ||
           metadata_refuse(result, KAFKA_INVALID_CONFIG,
                           "%s needs " FEATURE_SHARE_VERSION
                           "=%d, and it is %d; when all brokers have this version, raise it: "
                           "kafka-features upgrade --feature " FEATURE_SHARE_VERSION "=%d",
                           name, wanted, level, wanted);
}

/* Dead letters could be put there. */
static bool letters_fit(const struct metadata_view *view, const struct config_set *outcome,
                        struct metadata_result *result) {
    struct group_letters letters = group_settings_letters(outcome);
    if (letters.topic == NULL) return true;
    if (strncmp(letters.topic, "__", 2) == 0)
        return metadata_refuse(
            result, KAFKA_INVALID_CONFIG,
            "%.200s is a topic of the brokers; dead letters need one of their own", letters.topic);
    if (strncmp(letters.topic, GROUP_LETTERS_PREFIX, strlen(GROUP_LETTERS_PREFIX)) != 0)
        return metadata_refuse(result, KAFKA_INVALID_CONFIG,
                               "the name of a dead-letter topic begins with " GROUP_LETTERS_PREFIX
                               ", so that everybody knows it for one; %.200s does not",
                               letters.topic);
    const struct metadata_topic *topic = metadata_topic_named(view->metadata, letters.topic,
                                                              strlen(letters.topic));
    if (topic == NULL)
        return metadata_refuse(result, KAFKA_INVALID_CONFIG,
                               "topic %.200s does not exist; create it first, with "
                               "errors.deadletterqueue.group.enable=true",
                               letters.topic);
    if (!topic_settings_takes_letters(&topic->configs))
        return metadata_refuse(result, KAFKA_INVALID_CONFIG,
                               "topic %.200s takes no dead letters; set "
                               "errors.deadletterqueue.group.enable=true of it first",
                               letters.topic);
    const char *policy = config_set_find(&topic->configs, "cleanup.policy");
    return policy == NULL || strstr(policy, "compact") == NULL ||
           metadata_refuse(result, KAFKA_INVALID_CONFIG,
                           "topic %.200s is compacted, and takes no records without a key; a "
                           "dead-letter topic has cleanup.policy=delete",
                           letters.topic);
}

/* Each value that was worked out, and all together. */
static bool make_sense(const struct metadata_view *view, const struct metadata_change *change,
                       const struct config_set *outcome, struct metadata_result *result) {
    const struct command_set_configs *command = &change->command.set_configs;
    struct config_owner owner = {(enum config_resource_type)command->type, command->name.data,
                                 command->name.len < 0 ? 0 : (size_t)command->name.len};
    struct error_text why;
    for (size_t i = 0; change->operations != NULL && i < outcome->count; i++)
        if (is_changed(command, outcome->pairs[i].name) &&
            config_kind_check(view->settings, &owner, outcome->pairs[i].name,
                              outcome->pairs[i].value, &why) != ERR_NONE)
            return metadata_refuse(result, KAFKA_INVALID_CONFIG, "%s", why.text);
    if (config_kind_check_set(view->settings, &owner, outcome, &why) != ERR_NONE)
        return metadata_refuse(result, KAFKA_INVALID_CONFIG, "%s", why.text);
    return command->type != CONFIG_RESOURCE_GROUP ||
           (brokers_know(view->metadata, outcome, result) && letters_fit(view, outcome, result));
}

enum metadata_prepared config_resolve(const struct metadata_view *view,
                                      struct metadata_change *change, struct kp_arena *arena,
                                      struct metadata_result *result) {
    struct command_set_configs *command = &change->command.set_configs;
    struct config_set present, outcome;
    if (!config_outcome(view->metadata, change, arena, &outcome, result)) return PREPARED_REFUSED;
    if (config_present(view->metadata, command, &present) && is_same(&outcome, &present))
        return PREPARED_NOTHING;
    if (!make_sense(view, change, &outcome, result)) return PREPARED_REFUSED;
    if (change->operations != NULL) complete(change, &outcome);
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
