/* Rows of the two tables of settings as entries of an answer. */
#include "broker/api/config_entries.h"

#include <string.h>

#include "broker/config/dynamic_settings.h"

enum {
    TYPE_BOOLEAN = 1,
    TYPE_STRING = 2,
    TYPE_INT = 3,
    TYPE_LONG = 5,
    TYPE_DOUBLE = 6,
    TYPE_LIST = 7,
    TYPE_PASSWORD = 9
};

static bool is_wished(const struct config_wish *wish, const char *name) {
    for (int32_t i = 0; i < wish->name_count; i++)
        if (kp_string_is(wish->names[i], name)) return true;
    return wish->name_count <= 0;
}

static int8_t type_of(const struct setting *row) {
    if (row->secret) return TYPE_PASSWORD;
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
    if (name == NULL || settings_is_default(settings->values, name)) return CONFIG_DEFAULT;
    if (settings_laid(settings->values, LAYER_BROKER, name) != NULL) return CONFIG_DYNAMIC_BROKER;
    return settings_laid(settings->values, LAYER_ALL_BROKERS, name) != NULL
               ? CONFIG_DYNAMIC_ALL_BROKERS
               : CONFIG_STATIC_BROKER;
}

enum config_source config_source_of(const struct broker_settings *settings,
                                    const struct config_set *set,
                                    const struct topic_setting *setting) {
    bool own;
    topic_settings_value(settings, set, setting, &own);
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
    bool alone; /* nothing behind what is set for the resource itself is shown */
};

/* ---- Synonyms ---- */

enum { SYNONYMS_MAX = 5 };

/* Those of one setting, the one that holds first. */
struct synonyms {
    struct kp_describe_configs_response_synonym *items;
    int32_t count;
    struct kp_arena *arena;
    bool full; /* the arena */
};

/* `value` NULL: there is none of that source. */
static void synonyms_add(struct synonyms *synonyms, const char *name, const char *value,
                         enum config_source source) {
    if (value == NULL) return;
    struct kp_string copy = kp_arena_string(synonyms->arena, value, strlen(value));
    synonyms->full = synonyms->full || copy.data == NULL;
    synonyms->items[synonyms->count++] = (struct kp_describe_configs_response_synonym){
        kp_string_of(name), copy, (int8_t)source};
}

static void add_broker_synonyms(struct synonyms *synonyms, const struct settings *values,
                                const char *name) {
    const char *read = settings_source(values, name) == NULL ? NULL
                                                             : settings_read_text(values, name);
    synonyms_add(synonyms, name, settings_laid(values, LAYER_BROKER, name), CONFIG_DYNAMIC_BROKER);
    synonyms_add(synonyms, name, settings_laid(values, LAYER_ALL_BROKERS, name),
                 CONFIG_DYNAMIC_ALL_BROKERS);
    synonyms_add(synonyms, name, read, CONFIG_STATIC_BROKER);
}

static int add_synonyms(const struct broker_settings *settings, const struct config_entry *entry,
                        struct kp_arena *arena, struct kp_describe_configs_response_config *into) {
    struct synonyms synonyms = {.arena = arena};
    const char *broker_name = entry->broker_setting;
    synonyms.items = kp_new_items(arena, &kp_describe_configs_response_synonym_schema,
                                  &into->synonyms, SYNONYMS_MAX);
    if (synonyms.items == NULL) return ERR_TOO_LARGE;
    synonyms_add(&synonyms, entry->row->name, entry->own, entry->own_source);
    if (broker_name != NULL) add_broker_synonyms(&synonyms, settings->values, broker_name);
    if (!entry->alone)
        synonyms_add(&synonyms,
                     broker_name != NULL      ? broker_name
                     : entry->synonym != NULL ? entry->synonym
                                              : entry->row->name,
                     entry->row->fallback, CONFIG_DEFAULT);
    into->synonyms.count = synonyms.count;
    return synonyms.full ? ERR_TOO_LARGE : ERR_NONE;
}

/* ---- Entries ---- */

/* Where they go: those that are wished for, behind each other. */
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
    const char *value = entry->own != NULL ? entry->own
                        : entry->broker_setting == NULL
                            ? row->fallback
                            : settings_text(entries->settings->values, entry->broker_setting);
    into->name = kp_string_of(row->name);
    into->is_sensitive = row->secret;
    into->value = row->secret ? KP_NULL_STRING : kp_arena_string(arena, value, strlen(value));
    if (into->value.data == NULL && !row->secret) return ERR_TOO_LARGE;
    into->read_only = entry->read_only;
    into->config_source = (int8_t)(entry->own != NULL
                                       ? entry->own_source
                                       : broker_source(entries->settings, entry->broker_setting));
    into->config_type = type_of(row);
    into->documentation = entries->wish->documentation ? kp_string_of(row->help) : KP_NULL_STRING;
    if (!entries->wish->synonyms || row->secret) return ERR_NONE;
    return add_synonyms(entries->settings, entry, arena, into);
}

int config_entries_of_topic(const struct broker_settings *settings, const struct config_set *set,
                            const struct config_wish *wish, struct kp_arena *arena,
                            struct kp_describe_configs_response_resource *result) {
    size_t rows;
    const struct topic_setting *table = topic_settings_table(&rows);
    struct entries entries = {settings, wish, arena, result};
    int error = entries_open(&entries, rows);
    for (size_t i = 0; error == ERR_NONE && i < rows; i++) {
        bool own;
        const char *value = topic_settings_value(settings, set, &table[i], &own);
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
                                     .read_only = dynamic_settings_find(table[i].name) == NULL};
        error = entries_add(&entries, &entry);
    }
    return error;
}

int config_entries_of_all_brokers(const struct config_set *set, const struct config_wish *wish,
                                  struct kp_arena *arena,
                                  struct kp_describe_configs_response_resource *result) {
    size_t rows;
    const struct setting *table = broker_settings_table(&rows);
    struct entries entries = {.wish = wish, .arena = arena, .result = result};
    int error = entries_open(&entries, rows);
    for (size_t i = 0; error == ERR_NONE && set != NULL && i < rows; i++) {
        struct config_entry entry = {.row = &table[i],
                                     .own = config_set_find(set, table[i].name),
                                     .own_source = CONFIG_DYNAMIC_ALL_BROKERS,
                                     .alone = true};
        if (entry.own != NULL) error = entries_add(&entries, &entry);
    }
    return error;
}

int config_entries_of_logger(const char *level, const struct config_wish *wish,
                             struct kp_arena *arena,
                             struct kp_describe_configs_response_resource *result) {
    size_t rows;
    const struct setting *table = broker_settings_table(&rows);
    struct entries entries = {.wish = wish, .arena = arena, .result = result};
    struct config_entry entry = {.row = setting_find(table, rows, "log.level"),
                                 .own = level,
                                 .own_source = CONFIG_LOGGER,
                                 .alone = true};
    int error = entries_open(&entries, 1);
    return error == ERR_NONE ? entries_add(&entries, &entry) : error;
}
