/*
 * The settings of a consumer group (Kafka's resource type GROUP): one table; a group that does not
 * set one has the broker's.
 *
 * Pure. Names are Kafka's, all of Kafka 4.3 (GroupConfig): those of kinds of groups that are not
 * built may be asked for as they are. A value lies within the broker's limits
 * (group.consumer.min/max.*) when it is set; when the limits move later, what holds is the nearest
 * that they allow, as in Kafka.
 * Failures: an unknown name gets the nearest one, an impossible value its limits.
 */
#ifndef BROKER_CONFIG_GROUP_SETTINGS_H
#define BROKER_CONFIG_GROUP_SETTINGS_H

#include "broker/config/broker_settings.h"
#include "broker/config/config_resource.h"
#include "broker/config/setting_search.h"

struct group_setting {
    struct setting row;
    const char *broker_setting; /* the broker's name for the same; NULL: it has none */
    const char *least, *most;   /* the broker's settings that bound it; NULL: nothing does */
    const char *synonym;        /* Kafka's name for the default, where the broker has none */
    int16_t share_version;      /* what that feature must be at for it to be set; 0: whatever */
};

const struct group_setting *group_settings_table(size_t *n);
/* The same, as settings. */
const struct setting_table *group_settings_rows(void);
/* Whether a group may have it. ERR_NOT_FOUND (no such setting), ERR_INVALID; `why` has the
 * sentence. */
int group_settings_check(const struct broker_settings *settings, const char *name,
                         const char *value, struct error_text *why);
/* Whether all that a group has set goes together. ERR_INVALID. */
int group_settings_check_set(const struct broker_settings *settings, const struct config_set *set,
                             struct error_text *why);

/* The share.version that all brokers must know for what is set; 0: none, else of the setting
 * `*name`. */
int16_t group_settings_share_version(const struct config_set *set, const char **name);

/* What holds for the members of a group of KIP-848. */
struct group_timing {
    uint32_t session_timeout_ms, heartbeat_interval_ms, assignment_interval_ms;
};
/* `set` NULL: nothing is set. */
struct group_timing group_settings_timing(const struct broker_settings *settings,
                                          const struct config_set *set);

enum { GROUP_RESET_LATEST = -1, GROUP_RESET_EARLIEST = -2 };

/* What holds for a group that shares partitions (KIP-932). */
struct group_sharing {
    uint32_t session_timeout_ms, heartbeat_interval_ms;
    uint64_t lock_ms, locks;
    uint16_t deliveries;
    bool renew;
    int64_t reset_ms; /* share.auto.offset.reset: so long before now, or GROUP_RESET_LATEST,
                         GROUP_RESET_EARLIEST */
    bool committed;   /* share.isolation.level */
    bool keyed;       /* share.order */
    uint64_t retry_base_ms, retry_max_ms; /* share.retry.backoff.ms, share.retry.backoff.max.ms */
    bool retry_released, retry_timed_out; /* share.retry.on */
};

/* Where a group that shares partitions puts what it gives up (KIP-1191). */
struct group_letters {
    const char *topic; /* errors.deadletterqueue.topic.name, of the set; NULL: nowhere */
    bool copies;       /* errors.deadletterqueue.copy.record.enable */
};
#define GROUP_LETTERS_PREFIX "dlq." /* what the names of such topics begin with */
struct group_letters group_settings_letters(const struct config_set *set);

struct group_sharing group_settings_sharing(const struct config_set *set);

#endif
