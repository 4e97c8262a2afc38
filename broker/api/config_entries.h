/*
 * Settings as answers show them: DescribeConfigs of topics, groups and brokers, CreateTopics of the
 * topic just made.
 *
 * Everything comes from the tables (broker_settings.h, topic_settings.h, group_settings.h). Texts
 * point into tables and settings; what was set for a topic or a group is a copy in the arena.
 */
#ifndef BROKER_API_CONFIG_ENTRIES_H
#define BROKER_API_CONFIG_ENTRIES_H

#include "broker/api/services.h"
#include "broker/config/group_settings.h"
#include "broker/partition/topic_settings.h"
#include "protocol/messages/describe_configs.h"

enum config_source {
    CONFIG_TOPIC = 1,
    CONFIG_STATIC_BROKER = 4,
    CONFIG_DEFAULT = 5,
    CONFIG_GROUP = 8
};

/* Where the value comes from that holds for a topic (NULL: one with no settings of its own). */
enum config_source config_source_of(const struct broker_settings *settings,
                                    const struct metadata_topic *topic,
                                    const struct topic_setting *setting);

struct config_wish {
    const struct kp_string *names; /* only these; none: all, as Kafka does */
    int32_t name_count;
    bool synonyms, documentation;
};
/* Into `result`; arrays come from `arena`. ERR_TOO_LARGE. */
int config_entries_of_topic(const struct broker_settings *settings,
                            const struct metadata_topic *topic, const struct config_wish *wish,
                            struct kp_arena *arena,
                            struct kp_describe_configs_response_resource *result);
/* `set`: what is set for the group; NULL: nothing. */
int config_entries_of_group(const struct broker_settings *settings, const struct config_set *set,
                            const struct config_wish *wish, struct kp_arena *arena,
                            struct kp_describe_configs_response_resource *result);
int config_entries_of_broker(const struct broker_settings *settings, const struct config_wish *wish,
                             struct kp_arena *arena,
                             struct kp_describe_configs_response_resource *result);

#endif
