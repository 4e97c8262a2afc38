/* Rows of the two tables of settings as entries of an answer. */
#include "broker/api/config_entries.h"

#include <string.h>

enum {
    TYPE_BOOLEAN = 1,
    TYPE_STRING = 2,
    TYPE_INT = 3,
    TYPE_LONG = 5,
    TYPE_DOUBLE = 6,
    TYPE_LIST = 7
};

static bool is_wished(const struct config_wish *wish, const char *name) {
    for (int32_t i = 0; i < wish->name_count; i++)
        if (kp_string_is(wish->names[i], name)) return true;
    return wish->name_count <= 0;
}

static int8_t type_of(const struct setting *row) {
    switch (row->type) {
    case SETTING_BOOL: return TYPE_BOOLEAN;
    case SETTING_INT: return row->max > INT32_MAX ? TYPE_LONG : TYPE_INT;
    case SETTING_LIST: return TYPE_LIST;
    case SETTING_DECIMAL: return TYPE_DOUBLE;
    case SETTING_TEXT:
    case SETTING_CHOICE: break;
    }
    return TYPE_STRING;
}

/* `name` NULL: no setting of the broker's. */
static enum config_source broker_source(const struct broker_settings *settings, const char *name) {
    return name == NULL || settings_is_default(settings->values, name) ? CONFIG_DEFAULT
                                                                       : CONFIG_STATIC_BROKER;
}

enum config_source config_source_of(const struct broker_settings *settings,
                                    const struct metadata_topic *topic,
                                    const struct topic_setting *setting) {
    bool own;
    topic_settings_value(settings, topic, setting, &own);
    return own ? CONFIG_TOPIC : broker_source(settings, setting->broker_setting);
}

/* The values that stand behind each other, the one that holds first. `own`: the topic's, or NULL.
 * `broker_name`: NULL if the broker has no setting like it. */
static int add_synonyms(const struct broker_settings *settings, const struct setting *row,
                        const char *own, const char *broker_name, struct kp_arena *arena,
                        struct kp_describe_configs_response_config *into) {
    struct kp_describe_configs_response_synonym *items = kp_new_items(
        arena, &kp_describe_configs_response_synonym_schema, &into->synonyms, 3);
    if (items == NULL) return ERR_TOO_LARGE;
    int32_t n = 0;
    if (own != NULL)
        items[n++] = (struct kp_describe_configs_response_synonym){kp_string_of(row->name),
                                                                   kp_string_of(own), CONFIG_TOPIC};
    if (broker_source(settings, broker_name) == CONFIG_STATIC_BROKER)
        items[n++] = (struct kp_describe_configs_response_synonym){
            kp_string_of(broker_name), kp_string_of(settings_text(settings->values, broker_name)),
            CONFIG_STATIC_BROKER};
    items[n++] = (struct kp_describe_configs_response_synonym){
        kp_string_of(broker_name == NULL ? row->name : broker_name), kp_string_of(row->fallback),
        CONFIG_DEFAULT};
    into->synonyms.count = n;
    return ERR_NONE;
}

int config_entries_of_topic(const struct broker_settings *settings,
                            const struct metadata_topic *topic, const struct config_wish *wish,
                            struct kp_arena *arena,
                            struct kp_describe_configs_response_resource *result) {
    size_t rows;
    const struct topic_setting *table = topic_settings_table(&rows);
    struct kp_describe_configs_response_config *items = kp_new_items(
        arena, &kp_describe_configs_response_config_schema, &result->configs, (int32_t)rows);
    if (items == NULL) return ERR_TOO_LARGE;
    int32_t n = 0;
    for (size_t i = 0; i < rows; i++) {
        const struct setting *row = &table[i].row;
        if (!is_wished(wish, row->name)) continue;
        bool own;
        const char *value = topic_settings_value(settings, topic, &table[i], &own);
        if (own)
            value = kp_arena_string(arena, value, strlen(value))
                        .data; /* the topic may go before the answer does */
        if (value == NULL) return ERR_TOO_LARGE;
        items[n].name = kp_string_of(row->name);
        items[n].value = kp_string_of(value);
        items[n].config_source = (int8_t)config_source_of(settings, topic, &table[i]);
        items[n].config_type = type_of(row);
        items[n].documentation = wish->documentation ? kp_string_of(row->help) : KP_NULL_STRING;
        if (wish->synonyms && add_synonyms(settings, row, own ? value : NULL,
                                           table[i].broker_setting, arena, &items[n]) != ERR_NONE)
            return ERR_TOO_LARGE;
        n++;
    }
    result->configs.count = n;
    return ERR_NONE;
}

int config_entries_of_broker(const struct broker_settings *settings, const struct config_wish *wish,
                             struct kp_arena *arena,
                             struct kp_describe_configs_response_resource *result) {
    size_t rows;
    const struct setting *table = broker_settings_table(&rows);
    struct kp_describe_configs_response_config *items = kp_new_items(
        arena, &kp_describe_configs_response_config_schema, &result->configs, (int32_t)rows);
    if (items == NULL) return ERR_TOO_LARGE;
    int32_t n = 0;
    for (size_t i = 0; i < rows; i++) {
        const struct setting *row = &table[i];
        if (!is_wished(wish, row->name)) continue;
        items[n].name = kp_string_of(row->name);
        items[n].value = kp_string_of(settings_text(settings->values, row->name));
        items[n].read_only = true; /* a broker's settings are read when it starts */
        items[n].config_source = (int8_t)broker_source(settings, row->name);
        items[n].config_type = type_of(row);
        items[n].documentation = wish->documentation ? kp_string_of(row->help) : KP_NULL_STRING;
        if (wish->synonyms &&
            add_synonyms(settings, row, NULL, row->name, arena, &items[n]) != ERR_NONE)
            return ERR_TOO_LARGE;
        n++;
    }
    result->configs.count = n;
    return ERR_NONE;
}
