/* The table of the settings of groups, and what holds for one. */
#include "broker/config/group_settings.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "broker/config/setting_rows.h"

#define OF_CONSUMERS(setting_name, value, smallest, sentence)                   \
    {                                                                           \
        .row = NUMBER(setting_name ".ms", value, 0, INT32_MAX, "ms", sentence), \
        .broker_setting = "group." setting_name ".ms",                          \
        .least = "group.consumer.min." smallest ".ms",                          \
        .most = "group.consumer.max." smallest ".ms",                           \
    }

#define NO_SHARE_GROUPS "There are no share groups yet."
#define NO_STREAMS_GROUPS \
    "There are no groups of the streams protocol; Kafka Streams works with its classic one."

static const struct group_setting table[] = {
    OF_CONSUMERS("consumer.session.timeout", "45000", "session.timeout",
                 "How long a member of KIP-848 that sends no heartbeat keeps its partitions."),
    OF_CONSUMERS(
        "consumer.heartbeat.interval", "5000", "heartbeat.interval",
        "How often members of KIP-848 are asked to send a heartbeat; they hear of it with their next one."),
    OF_CONSUMERS(
        "consumer.assignment.interval", "1000", "assignment.interval",
        "How long the group waits behind an assignment before it works out the next; 0: not at all."),
    {.row = SO_INT("share.session.timeout.ms", "45000", NO_SHARE_GROUPS),
     .synonym = "group.share.session.timeout.ms"},
    {.row = SO_INT("share.heartbeat.interval.ms", "5000", NO_SHARE_GROUPS),
     .synonym = "group.share.heartbeat.interval.ms"},
    {.row = SO_INT("share.assignment.interval.ms", "1000", NO_SHARE_GROUPS),
     .synonym = "group.share.assignment.interval.ms"},
    {.row = SO_INT("share.record.lock.duration.ms", "30000", NO_SHARE_GROUPS),
     .synonym = "group.share.record.lock.duration.ms"},
    {.row = SO_INT("share.delivery.count.limit", "5", NO_SHARE_GROUPS),
     .synonym = "group.share.delivery.count.limit"},
    {.row = SO_INT("share.partition.max.record.locks", "2000", NO_SHARE_GROUPS),
     .synonym = "group.share.partition.max.record.locks"},
    {.row = SO_TEXT("share.auto.offset.reset", "latest", NO_SHARE_GROUPS)},
    {.row = SO_TEXT("share.isolation.level", "read_uncommitted", NO_SHARE_GROUPS)},
    {.row = SO_SWITCH("share.renew.acknowledge.enable", "true", NO_SHARE_GROUPS)},
    {.row = SO_INT("streams.session.timeout.ms", "45000", NO_STREAMS_GROUPS),
     .synonym = "group.streams.session.timeout.ms"},
    {.row = SO_INT("streams.heartbeat.interval.ms", "5000", NO_STREAMS_GROUPS),
     .synonym = "group.streams.heartbeat.interval.ms"},
    {.row = SO_INT("streams.assignment.interval.ms", "1000", NO_STREAMS_GROUPS),
     .synonym = "group.streams.assignment.interval.ms"},
    {.row = SO_INT("streams.initial.rebalance.delay.ms", "3000", NO_STREAMS_GROUPS),
     .synonym = "group.streams.initial.rebalance.delay.ms"},
    {.row = SO_INT("streams.num.standby.replicas", "0", NO_STREAMS_GROUPS),
     .synonym = "group.streams.num.standby.replicas"},
};
static const struct setting_table settings_of_groups = {.kind = "group",
                                                        .rows = table,
                                                        .count = sizeof table / sizeof table[0],
                                                        .stride = sizeof *table};

const struct group_setting *group_settings_table(size_t *n) {
    *n = settings_of_groups.count;
    return table;
}

const struct setting_table *group_settings_rows(void) {
    return &settings_of_groups;
}

/* ---- Checks ---- */

static int check_bounds(const struct broker_settings *settings, const struct group_setting *setting,
                        const char *value, struct error_text *why) {
    int64_t number = strtoll(value, NULL, 10);
    int64_t least = settings_int(settings->values, setting->least);
    int64_t most = settings_int(settings->values, setting->most);
    if (number >= least && number <= most) return ERR_NONE;
    return error_set(why, ERR_INVALID,
                     "%s=%" PRId64 " is not possible: the brokers allow %" PRId64 " to %" PRId64
                     " (%s, %s); choose a value within, or move these limits",
                     setting->row.name, number, least, most, setting->least, setting->most);
}

int group_settings_check(const struct broker_settings *settings, const char *name,
                         const char *value, struct error_text *why) {
    int place = setting_table_find(&settings_of_groups, name);
    if (place < 0) return setting_table_unknown(&settings_of_groups, name, why);
    int error = setting_check(&table[place].row, value, why);
    return error == ERR_NONE && table[place].least != NULL
               ? check_bounds(settings, &table[place], value, why)
               : error;
}

/* ---- What holds ---- */

/* The broker's `fallback`, or what is set, between the limits of today. */
static uint32_t timing_of(const struct config_set *set, const char *name, uint32_t fallback,
                          uint32_t least, uint32_t most) {
    const char *own = set == NULL ? NULL : config_set_find(set, name);
    if (own == NULL) return fallback;
    uint32_t value = (uint32_t)strtoll(own, NULL, 10);
    return value < least ? least : value > most ? most : value;
}

struct group_timing group_settings_timing(const struct broker_settings *settings,
                                          const struct config_set *set) {
    return (struct group_timing){
        .session_timeout_ms = timing_of(set, "consumer.session.timeout.ms",
                                        settings->group_consumer_session_timeout_ms,
                                        settings->group_consumer_min_session_timeout_ms,
                                        settings->group_consumer_max_session_timeout_ms),
        .heartbeat_interval_ms = timing_of(set, "consumer.heartbeat.interval.ms",
                                           settings->group_consumer_heartbeat_interval_ms,
                                           settings->group_consumer_min_heartbeat_interval_ms,
                                           settings->group_consumer_max_heartbeat_interval_ms),
        .assignment_interval_ms = timing_of(set, "consumer.assignment.interval.ms",
                                            settings->group_consumer_assignment_interval_ms,
                                            settings->group_consumer_min_assignment_interval_ms,
                                            settings->group_consumer_max_assignment_interval_ms),
    };
}

int group_settings_check_set(const struct broker_settings *settings, const struct config_set *set,
                             struct error_text *why) {
    struct group_timing timing = group_settings_timing(settings, set);
    if (timing.heartbeat_interval_ms < timing.session_timeout_ms) return ERR_NONE;
    return error_set(why, ERR_INVALID,
                     "consumer.heartbeat.interval.ms=%" PRIu32
                     " is not less than consumer.session.timeout.ms=%" PRIu32
                     ", so every member would be taken for dead; lower the one or raise the other",
                     timing.heartbeat_interval_ms, timing.session_timeout_ms);
}
