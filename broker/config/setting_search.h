/*
 * Tables whose rows begin with a setting (of topics, of groups): finding one by its name, and what
 * to say when it is not there.
 */
#ifndef BROKER_CONFIG_SETTING_SEARCH_H
#define BROKER_CONFIG_SETTING_SEARCH_H

#include "base/settings.h"

struct setting_table {
    const char *kind; /* what has these settings: "topic" */
    const void *rows; /* `count`, each `stride` bytes long and with a struct setting in front */
    size_t count, stride;
};

const struct setting *setting_table_row(const struct setting_table *table, size_t place);
/* The place of the row of that name; -1: there is none. */
int setting_table_find(const struct setting_table *table, const char *name);
/* ERR_NOT_FOUND, with Kafka's words and the nearest name. */
int setting_table_unknown(const struct setting_table *table, const char *name,
                          struct error_text *why);

#endif
