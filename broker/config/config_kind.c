/* One function of each table for each kind. */
#include "broker/config/config_kind.h"

#include "broker/config/dynamic_settings.h"
#include "broker/config/group_settings.h"
#include "broker/config/topic_settings.h"

const struct setting_table *config_kind_rows(enum config_resource_type type) {
    return type == CONFIG_RESOURCE_GROUP    ? group_settings_rows()
           : type == CONFIG_RESOURCE_BROKER ? broker_settings_rows()
                                            : topic_settings_rows();
}

static enum settings_layer layer_of(const struct config_owner *owner) {
    return owner->name_len == 0 ? LAYER_ALL_BROKERS : LAYER_BROKER;
}

int config_kind_check(const struct broker_settings *settings, const struct config_owner *owner,
                      const char *name, const char *value, struct error_text *why) {
    switch (owner->type) {
    case CONFIG_RESOURCE_GROUP: return group_settings_check(settings, name, value, why);
    case CONFIG_RESOURCE_BROKER: return dynamic_settings_check(layer_of(owner), name, value, why);
    case CONFIG_RESOURCE_TOPIC:
    case CONFIG_RESOURCE_BROKER_LOGGER:
    case CONFIG_RESOURCE_CLIENT_METRICS: break;
    }
    return topic_settings_check(settings, name, value, why);
}

int config_kind_check_name(const struct config_owner *owner, const char *name,
                           struct error_text *why) {
    const struct setting_table *rows = config_kind_rows(owner->type);
    if (owner->type == CONFIG_RESOURCE_BROKER)
        return dynamic_settings_check_name(layer_of(owner), name, why);
    return setting_table_find(rows, name) >= 0 ? ERR_NONE : setting_table_unknown(rows, name, why);
}

static bool is_own(const struct broker_settings *settings, const struct config_owner *owner) {
    int32_t node;
    return config_node_id(owner->name, owner->name_len, &node) && node == settings->node_id;
}

int config_kind_check_set(const struct broker_settings *settings, const struct config_owner *owner,
                          const struct config_set *set, struct error_text *why) {
    if (owner->type == CONFIG_RESOURCE_TOPIC) return topic_settings_check_set(settings, set, why);
    if (owner->type == CONFIG_RESOURCE_GROUP) return group_settings_check_set(settings, set, why);
    if (owner->type == CONFIG_RESOURCE_BROKER && (owner->name_len == 0 || is_own(settings, owner)))
        return dynamic_settings_check_set(settings, layer_of(owner), set, why);
    return ERR_NONE;
}
