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

/* One setting, and what stands behind it. */
struct config_entry {
    const struct setting *row;
    const char *own; /* what is set for the resource itself; NULL: nothing */
    enum config_source own_source;
    const char *broker_setting; /* NULL: the broker has none like it */
    const char *synonym;        /* then: Kafka's name for the default; NULL: the setting's */
    bool read_only;
};

/* The values that stand behind each other, the one that holds first. */
static int add_synonyms(const struct broker_settings *settings, const struct config_entry *entry,
                        struct kp_arena *arena, struct kp_describe_configs_response_config *into) {
    struct kp_describe_configs_response_synonym *items = kp_new_items(
        arena, &kp_describe_configs_response_synonym_schema, &into->synonyms, 3);
    if (items == NULL) return ERR_TOO_LARGE;
    int32_t n = 0;
    if (entry->own != NULL)
        items[n++] = (struct kp_describe_configs_response_synonym){
            kp_string_of(entry->row->name), into->value, (int8_t)entry->own_source};
    const char *broker_name = entry->broker_setting;
    if (broker_source(settings, broker_name) == CONFIG_STATIC_BROKER)
        items[n++] = (struct kp_describe_configs_response_synonym){
            kp_string_of(broker_name), kp_string_of(settings_text(settings->values, broker_name)),
            CONFIG_STATIC_BROKER};
    const char *default_name = broker_name != NULL      ? broker_name
                               : entry->synonym != NULL ? entry->synonym
                                                        : entry->row->name;
    items[n++] = (struct kp_describe_configs_response_synonym){
        kp_string_of(default_name), kp_string_of(entry->row->fallback), CONFIG_DEFAULT};
    into->synonyms.count = n;
    return ERR_NONE;
}

/* Where entries go: those that are wished for, behind each other. */
struct entries {
    const struct broker_settings *settings;
    const struct config_wish *wish;
    struct kp_arena *arena;
    struct kp_describe_configs_response_resource *result;
};

static int entries_open(struct entries *entries, size_t rows) {
    void *items = kp_new_items(entries->arena, &kp_describe_configs_response_config_schema,
                               &entries->result->configs, (int32_t)rows);
    entries->result->configs.count = 0;
    return items == NULL ? ERR_TOO_LARGE : ERR_NONE;
}

static int entries_add(struct entries *entries, const struct config_entry *entry) {
    const struct setting *row = entry->row;
    struct kp_arena *arena = entries->arena;
    if (!is_wished(entries->wish, row->name)) return ERR_NONE;
    struct kp_describe_configs_response_config *into =
        &entries->result->configs.items[entries->result->configs.count++];
    const char *value = entry->broker_setting == NULL
                            ? row->fallback
                            : settings_text(entries->settings->values, entry->broker_setting);
    into->name = kp_string_of(row->name);
    /* What is set may go before the answer does. */
    into->value = entry->own == NULL ? kp_string_of(value)
                                     : kp_arena_string(arena, entry->own, strlen(entry->own));
    if (into->value.data == NULL) return ERR_TOO_LARGE;
    into->read_only = entry->read_only;
    into->config_source = (int8_t)(entry->own != NULL
                                       ? entry->own_source
                                       : broker_source(entries->settings, entry->broker_setting));
    into->config_type = type_of(row);
    into->documentation = entries->wish->documentation ? kp_string_of(row->help) : KP_NULL_STRING;
    return entries->wish->synonyms ? add_synonyms(entries->settings, entry, arena, into) : ERR_NONE;
}

int config_entries_of_topic(const struct broker_settings *settings,
                            const struct metadata_topic *topic, const struct config_wish *wish,
                            struct kp_arena *arena,
                            struct kp_describe_configs_response_resource *result) {
    size_t rows;
    const struct topic_setting *table = topic_settings_table(&rows);
    struct entries entries = {settings, wish, arena, result};
    int error = entries_open(&entries, rows);
    for (size_t i = 0; error == ERR_NONE && i < rows; i++) {
        bool own;
        const char *value = topic_settings_value(settings, topic, &table[i], &own);
        struct config_entry entry = {.row = &table[i].row,
                                     .own = own ? value : NULL,
                                     .own_source = CONFIG_TOPIC,
                                     .broker_setting = table[i].broker_setting};
        error = entries_add(&entries, &entry);
    }
    return error;
}

int config_entries_of_group(const struct broker_settings *settings, const struct config_set *set,
                            const struct config_wish *wish, struct kp_arena *arena,
                            struct kp_describe_configs_response_resource *result) {
    size_t rows;
    const struct group_setting *table = group_settings_table(&rows);
    struct entries entries = {settings, wish, arena, result};
    int error = entries_open(&entries, rows);
    for (size_t i = 0; error == ERR_NONE && i < rows; i++) {
        struct config_entry entry = {.row = &table[i].row,
                                     .own = set == NULL ? NULL
                                                        : config_set_find(set, table[i].row.name),
                                     .own_source = CONFIG_GROUP,
                                     .broker_setting = table[i].broker_setting,
                                     .synonym = table[i].synonym};
        error = entries_add(&entries, &entry);
    }
    return error;
}

int config_entries_of_broker(const struct broker_settings *settings, const struct config_wish *wish,
                             struct kp_arena *arena,
                             struct kp_describe_configs_response_resource *result) {
    size_t rows;
    const struct setting *table = broker_settings_table(&rows);
    struct entries entries = {settings, wish, arena, result};
    int error = entries_open(&entries, rows);
    for (size_t i = 0; error == ERR_NONE && i < rows; i++) {
        struct config_entry entry = {.row = &table[i],
                                     .broker_setting = table[i].name,
                                     .read_only = true}; /* they are read when it starts */
        error = entries_add(&entries, &entry);
    }
    return error;
}
