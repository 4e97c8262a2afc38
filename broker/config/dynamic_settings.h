/*
 * The settings of brokers that may change while they run (Kafka's dynamic broker settings): which
 * they are, whether a change makes sense, and what holds on one broker.
 *
 * Happy path: values are set in the metadata for all brokers (resource BROKER, "") or for one (its
 * id), and lie over what a broker's file says: one broker's go before those of all.
 * dynamic_settings_new copies what was read; dynamic_settings_follow lays over it what is set now,
 * and the typed values, to which everybody points, change in place.
 *
 * Failures: what cannot be set so has a sentence: a name that nobody knows (with the nearest), a
 * setting of Kafka's that is of another architecture, one that needs a restart, an impossible
 * value. What is set and does not fit this broker (an older version that does not know it, a file
 * that contradicts it) never ends it: it goes on without, and says so.
 *
 * Pure. Invariant: what follows from the same file and the same sets is the same, whatever held
 * before: a broker that was restarted has what one has that went on.
 */
#ifndef BROKER_CONFIG_DYNAMIC_SETTINGS_H
#define BROKER_CONFIG_DYNAMIC_SETTINGS_H

#include "broker/config/broker_settings.h"
#include "broker/config/config_resource.h"
#include "broker/config/setting_search.h"

/* The layers of struct settings; the later goes before the earlier. */
enum settings_layer { LAYER_ALL_BROKERS, LAYER_BROKER };

struct dynamic_setting {
    const char *name;
    bool one_broker; /* cannot be set for all */
};
/* `n` rows, static. */
const struct dynamic_setting *dynamic_settings_table(size_t *n);
/* NULL: it needs a restart, or does not exist. */
const struct dynamic_setting *dynamic_settings_find(const char *name);
/* All settings of brokers, for who looks for names. */
const struct setting_table *broker_settings_rows(void);

/* Whether brokers may have it so while they run. ERR_NOT_FOUND: there is no such setting here.
 * ERR_INVALID: the value. ERR_DENIED: it needs a restart, or is of one broker. */
int dynamic_settings_check(enum settings_layer layer, const char *name, const char *value,
                           struct error_text *why);
/* Whether the name can be set at all; ERR_NOT_FOUND, ERR_DENIED. */
int dynamic_settings_check_name(enum settings_layer layer, const char *name,
                                struct error_text *why);
/* Whether a broker with these settings could work if `set` were all that is set in that layer.
 * ERR_INVALID. */
int dynamic_settings_check_set(const struct broker_settings *settings, enum settings_layer layer,
                               const struct config_set *set, struct error_text *why);

/* ---- What holds on one broker ---- */

struct dynamic_settings;

/* `read` is what file and command line say, and must stay as long. */
struct dynamic_settings *dynamic_settings_new(const struct broker_settings *read);
void dynamic_settings_free(struct dynamic_settings *dynamic); /* NULL does nothing */
/* The same struct each time; its values change inside of dynamic_settings_follow. */
const struct broker_settings *dynamic_settings_now(const struct dynamic_settings *dynamic);
/* What is set for all brokers and for this one (NULL: nothing). Who waits for a time of the
 * settings waits for the new one from then on (interval.h). `warn` is told of what cannot hold.
 * True: something is another now. */
bool dynamic_settings_follow(struct dynamic_settings *dynamic, const struct config_set *of_all,
                             const struct config_set *of_broker,
                             void (*warn)(void *arg, const char *sentence), void *arg);

#endif
