/* The table of the settings of groups, and what holds for one. */
#include "broker/config/group_settings.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/measure/iso_duration.h"
#include "broker/config/setting_rows.h"

#define SHARE_RESET "share.auto.offset.reset"
#define SHARE_RETRY "share.retry."
#define LETTERS "errors.deadletterqueue."

enum { WEEK = 7 * 24 * 3600 * 1000 };

#define OF_CONSUMERS(setting_name, value, smallest, sentence)                   \
    {                                                                           \
        .row = NUMBER(setting_name ".ms", value, 0, INT32_MAX, "ms", sentence), \
        .broker_setting = "group." setting_name ".ms",                          \
        .least = "group.consumer.min." smallest ".ms",                          \
        .most = "group.consumer.max." smallest ".ms",                           \
    }

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
    {.row = NUMBER("share.session.timeout.ms", "45000", 45000, 60000, "ms",
                   "How long a member of a share group that sends no heartbeat is one."),
     .synonym = "group.share.session.timeout.ms"},
    {.row = NUMBER("share.heartbeat.interval.ms", "5000", 5000, 15000, "ms",
                   "How often members of a share group are asked to send a heartbeat."),
     .synonym = "group.share.heartbeat.interval.ms"},
    {.row = SO_INT("share.assignment.interval.ms", "1000",
                   "Partitions of share groups are given out at once."),
     .synonym = "group.share.assignment.interval.ms"},
    {.row = NUMBER("share.record.lock.duration.ms", "30000", 1000, 3600000, "ms",
                   "How long a member of a share group may hold a record before others get it."),
     .synonym = "group.share.record.lock.duration.ms"},
    {.row = NUMBER("share.delivery.count.limit", "5", 2, 25, "",
                   "How often a record is given to a share group before it is archived."),
     .synonym = "group.share.delivery.count.limit"},
    {.row = NUMBER("share.partition.max.record.locks", "2000", 100, 10000, "",
                   "How many records of a partition members of a share group may hold at once."),
     .synonym = "group.share.partition.max.record.locks"},
    {.row = TEXT(
         SHARE_RESET, "latest",
         "Where a share group begins in a partition that it reads for the first time: latest, earliest, or by_duration: and how long before, as PT24H or P7D.")},
    {.row = CHOICE(
         "share.isolation.level", "read_uncommitted", "read_uncommitted,read_committed",
         "Whether a share group gets records of transactions that are open or were aborted.")},
    {.row = SWITCH("share.renew.acknowledge.enable", "true",
                   "Whether members of a share group may hold records for longer (KIP-1222).")},
    {.row = CHOICE(
         "share.order", "none", "none,key",
         "key: records of one key are held by one member at a time, and given in the order of their offsets.")},
    {.row = NUMBER(
         SHARE_RETRY "backoff.ms", "0", 0, WEEK, "ms",
         "How long a record that comes back to a share group waits before it is given again; twice as long with each delivery. 0: not at all."),
     .share_version = 2},
    {.row = NUMBER(SHARE_RETRY "backoff.max.ms", "600000", 0, WEEK, "ms",
                   "The most that a record waits so before it is given again."),
     .share_version = 2},
    {.row = CHOICE(
         SHARE_RETRY "on", "all", "released,timeout,all",
         "Which records wait: those that their holder released, those that it held for too long or left behind, or all."),
     .share_version = 2},
    {.row = TEXT(
         LETTERS "topic.name", "",
         "The topic to which a share group's records are copied that are rejected, or were given as often as they may be; empty: they are archived and no more."),
     .share_version = 3},
    {.row = SWITCH(
         LETTERS "copy.record.enable", "true",
         "Whether a dead letter has the record's key, value and headers; false: only where it was, and why it was given up."),
     .share_version = 3},
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

static bool reset_read(const char *value, int64_t *reset_ms) {
    static const char by[] = "by_duration:";
    if (strcmp(value, "latest") == 0)
        *reset_ms = GROUP_RESET_LATEST;
    else if (strcmp(value, "earliest") == 0)
        *reset_ms = GROUP_RESET_EARLIEST;
    else
        return strncmp(value, by, sizeof by - 1) == 0 &&
               iso_duration_read(value + sizeof by - 1, reset_ms);
    return true;
}

static int check_reset(const char *value, struct error_text *why) {
    int64_t reset_ms;
    if (reset_read(value, &reset_ms)) return ERR_NONE;
    return error_set(why, ERR_INVALID,
                     SHARE_RESET
                     "=%.100s is not possible: it is latest, earliest, or by_duration: "
                     "and a duration that is not negative, as by_duration:PT24H or by_duration:P7D",
                     value);
}

int group_settings_check(const struct broker_settings *settings, const char *name,
                         const char *value, struct error_text *why) {
    int place = setting_table_find(&settings_of_groups, name);
    if (place < 0) return setting_table_unknown(&settings_of_groups, name, why);
    int error = setting_check(&table[place].row, value, why);
    if (error == ERR_NONE && strcmp(name, SHARE_RESET) == 0) error = check_reset(value, why);
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

/* The first wait of a record is no longer than its longest. */
static int check_retry(const struct config_set *set, const struct group_sharing *sharing,
                       struct error_text *why) {
    const char *own = config_set_find(set, SHARE_RETRY "backoff.max.ms");
    if (sharing->retry_base_ms <= sharing->retry_max_ms) return ERR_NONE;
    return error_set(
        why, ERR_INVALID,
        SHARE_RETRY "backoff.ms=%" PRIu64 " is more than " SHARE_RETRY "backoff.max.ms=%" PRIu64
                    "%s: a record would never wait so long; lower the one or raise "
                    "the other, both in one request if need be",
        sharing->retry_base_ms, sharing->retry_max_ms, own == NULL ? ", the default" : "");
}

int group_settings_check_set(const struct broker_settings *settings, const struct config_set *set,
                             struct error_text *why) {
    struct group_timing timing = group_settings_timing(settings, set);
    struct group_sharing sharing = group_settings_sharing(set);
    if (check_retry(set, &sharing, why) != ERR_NONE) return ERR_INVALID;
    if (sharing.keyed && sharing.retry_base_ms > 0)
        return error_set(why, ERR_INVALID,
                         SHARE_RETRY
                         "backoff.ms=%" PRIu64
                         " does not go with share.order=key: what lies behind a record that waits "
                         "could not be given in order; set one of them back",
                         sharing.retry_base_ms);
    if (timing.heartbeat_interval_ms < timing.session_timeout_ms) return ERR_NONE;
    return error_set(why, ERR_INVALID,
                     "consumer.heartbeat.interval.ms=%" PRIu32
                     " is not less than consumer.session.timeout.ms=%" PRIu32
                     ", so every member would be taken for dead; lower the one or raise the other",
                     timing.heartbeat_interval_ms, timing.session_timeout_ms);
}

int16_t group_settings_share_version(const struct config_set *set, const char **name) {
    int16_t most = 0;
    *name = NULL;
    for (size_t i = 0; i < set->count; i++) {
        int place = setting_table_find(&settings_of_groups, set->pairs[i].name);
        if (place < 0 || table[place].share_version <= most) continue;
        most = table[place].share_version;
        *name = set->pairs[i].name;
    }
    return most;
}

static uint64_t sharing_of(const struct config_set *set, const char *name) {
    const char *own = set == NULL ? NULL : config_set_find(set, name);
    int place = setting_table_find(&settings_of_groups, name);
    return (uint64_t)strtoll(own != NULL ? own : table[place].row.fallback, NULL, 10);
}

static bool sharing_is(const struct config_set *set, const char *name, const char *value,
                       bool fallback) {
    const char *own = set == NULL ? NULL : config_set_find(set, name);
    return own == NULL ? fallback : strcmp(own, value) == 0;
}

static int64_t reset_of(const struct config_set *set) {
    const char *own = set == NULL ? NULL : config_set_find(set, SHARE_RESET);
    int64_t reset_ms = GROUP_RESET_LATEST;
    if (own != NULL) reset_read(own, &reset_ms); /* was checked when it was set */
    return reset_ms;
}

struct group_letters group_settings_letters(const struct config_set *set) {
    const char *topic = set == NULL ? NULL : config_set_find(set, LETTERS "topic.name");
    return (struct group_letters){
        .topic = topic == NULL || topic[0] == '\0' ? NULL : topic,
        .copies = sharing_is(set, LETTERS "copy.record.enable", "true", true)};
}

struct group_sharing group_settings_sharing(const struct config_set *set) {
    return (struct group_sharing){
        .session_timeout_ms = (uint32_t)sharing_of(set, "share.session.timeout.ms"),
        .heartbeat_interval_ms = (uint32_t)sharing_of(set, "share.heartbeat.interval.ms"),
        .lock_ms = sharing_of(set, "share.record.lock.duration.ms"),
        .locks = sharing_of(set, "share.partition.max.record.locks"),
        .deliveries = (uint16_t)sharing_of(set, "share.delivery.count.limit"),
        .renew = sharing_is(set, "share.renew.acknowledge.enable", "true", true),
        .reset_ms = reset_of(set),
        .committed = sharing_is(set, "share.isolation.level", "read_committed", false),
        .keyed = sharing_is(set, "share.order", "key", false),
        .retry_base_ms = sharing_of(set, SHARE_RETRY "backoff.ms"),
        .retry_max_ms = sharing_of(set, SHARE_RETRY "backoff.max.ms"),
        .retry_released = !sharing_is(set, SHARE_RETRY "on", "timeout", false),
        .retry_timed_out = !sharing_is(set, SHARE_RETRY "on", "released", false)};
}
