/*
 * Settings as answers show them: DescribeConfigs of topics, groups and brokers, CreateTopics of the
 * topic just made.
 *
 * Everything comes from the tables (broker_settings.h, topic_settings.h, group_settings.h). Names
 * and defaults point into them; values are copies in the arena, because what is set may be another
 * before the answer has left.
 *
 * What holds is the first that is set of: the resource itself, this broker (its id), all brokers,
 * the broker's file or command line, the default; a source says which, and synonyms are all of them
 * in that order.
 */
#ifndef BROKER_API_CONFIG_ENTRIES_H
#define BROKER_API_CONFIG_ENTRIES_H

#include "broker/api/services.h"
#include "broker/config/group_settings.h"
#include "broker/config/topic_settings.h"
#include "protocol/messages/describe_configs.h"

enum config_source {
    CONFIG_TOPIC = 1,
    CONFIG_DYNAMIC_BROKER = 2,
    CONFIG_DYNAMIC_ALL_BROKERS = 3,
    CONFIG_STATIC_BROKER = 4,
    CONFIG_DEFAULT = 5,
    CONFIG_LOGGER = 6,
    CONFIG_GROUP = 8
};

/* Where the value comes from that holds for a topic of which `set` is set (NULL: nothing). */
enum config_source config_source_of(const struct broker_settings *settings,
                                    const struct config_set *set,
                                    const struct topic_setting *setting);

struct config_wish {
    const struct kp_string *names; /* only these; none: all, as Kafka does */
    int32_t name_count;
    bool synonyms, documentation;
};
/* Into `result`; arrays come from `arena`. ERR_TOO_LARGE. `set`: what is set for the topic, the
 * group, all brokers; NULL: nothing. */
int config_entries_of_topic(const struct broker_settings *settings, const struct config_set *set,
                            const struct config_wish *wish, struct kp_arena *arena,
                            struct kp_describe_configs_response_resource *result);
int config_entries_of_group(const struct broker_settings *settings, const struct config_set *set,
                            const struct config_wish *wish, struct kp_arena *arena,
                            struct kp_describe_configs_response_resource *result);
int config_entries_of_broker(const struct broker_settings *settings, const struct config_wish *wish,
                             struct kp_arena *arena,
                             struct kp_describe_configs_response_resource *result);
/* Only what is set. */
int config_entries_of_all_brokers(const struct config_set *set, const struct config_wish *wish,
                                  struct kp_arena *arena,
                                  struct kp_describe_configs_response_resource *result);
/* The one logger, with its level. */
int config_entries_of_logger(const char *level, const struct config_wish *wish,
                             struct kp_arena *arena,
                             struct kp_describe_configs_response_resource *result);

#endif
