/*
 * The settings of a topic: one table; a topic that does not set one has the broker's.
 *
 * Pure. Names are Kafka's, all of Kafka 4.3: what cannot be chosen yet may be asked for as it is.
 * Failures: an unknown name gets the nearest one, an impossible value its limits.
 */
#ifndef BROKER_CONFIG_TOPIC_SETTINGS_H
#define BROKER_CONFIG_TOPIC_SETTINGS_H

#include "broker/config/broker_settings.h"
#include "broker/config/config_resource.h"
#include "broker/config/setting_search.h"

struct topic_setting {
    struct setting row;         /* its fallback is that of the broker's setting */
    const char *broker_setting; /* the broker's name for the same; NULL: it has none */
    bool as_broker; /* a topic may only ask for what the broker has, and has what the broker has now
                     */
};

const struct topic_setting *topic_settings_table(size_t *n);
/* The same, as settings. */
const struct setting_table *topic_settings_rows(void);
/* Whether a topic may have it. ERR_NOT_FOUND (no such setting), ERR_INVALID; `why` has the
 * sentence. */
int topic_settings_check(const struct broker_settings *settings, const char *name,
                         const char *value, struct error_text *why);
/* Whether all that a topic sets goes together, with what the broker says to the rest. ERR_INVALID.
 */
int topic_settings_check_set(const struct broker_settings *settings, const struct config_set *set,
                             struct error_text *why);
/* The value that holds for a topic of which `set` is set (NULL: nothing), and whether the topic
 * says so itself (*own). Texts of settings and set. */
const char *topic_settings_value(const struct broker_settings *settings,
                                 const struct config_set *set, const struct topic_setting *setting,
                                 bool *own);

/* Whether share groups may put their dead letters into a topic of which that is set. */
bool topic_settings_takes_letters(const struct config_set *set);

#endif
