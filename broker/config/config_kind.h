/*
 * What a resource of each kind may have set: which settings there are, and whether a value, and
 * all values together, make sense. Pure.
 *
 * Failures: ERR_NOT_FOUND, there is no such setting (the sentence has the nearest name);
 * ERR_DENIED, there is one that cannot be set so (of a broker: it needs a restart, or is of one
 * broker); ERR_INVALID, a value that is not possible, or does not go with the others.
 */
#ifndef BROKER_CONFIG_CONFIG_KIND_H
#define BROKER_CONFIG_CONFIG_KIND_H

#include "broker/config/broker_settings.h"
#include "broker/config/config_resource.h"
#include "broker/config/setting_search.h"

/* A topic, a group or a broker ("" for all of them): the others have no settings here. */
struct config_owner {
    enum config_resource_type type;
    const char *name; /* of a topic it does not matter */
    size_t name_len;
};

const struct setting_table *config_kind_rows(enum config_resource_type type);
/* Of the broker with these `settings`. */
int config_kind_check(const struct broker_settings *settings, const struct config_owner *owner,
                      const char *name, const char *value, struct error_text *why);
/* Whether there is one of this name that can be set there. */
int config_kind_check_name(const struct config_owner *owner, const char *name,
                           struct error_text *why);
/* All that would be set for the owner. What another broker's file says to it is not known here. */
int config_kind_check_set(const struct broker_settings *settings, const struct config_owner *owner,
                          const struct config_set *set, struct error_text *why);

#endif
