/*
 * The command line of draved: what was asked for, or the sentence what is wrong with it.
 */
#ifndef BROKER_OPTIONS_H
#define BROKER_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/io/output.h"

enum options_action {
    ACTION_RUN,
    ACTION_CHECK,
    ACTION_HELP,
    ACTION_HELP_CONFIG,
    ACTION_HELP_METRICS,
    ACTION_HELP_EVENTS,
    ACTION_VERSION,
    ACTION_LOG_DUMP,
    ACTION_LOG_VERIFY,
    ACTION_BACKUP_ADOPT
};

enum { OPTIONS_SET_MAX = 256 };

struct options {
    enum options_action action;
    const char *config; /* file; NULL: none */
    const char *set[OPTIONS_SET_MAX];
    size_t set_count;
    const char *directory; /* log dump, log verify */
    const char *topic;     /* NULL: all */
    long partition;        /* -1: all */
    bool json;
    char **directories; /* backup adopt */
    size_t directory_count;
};

/* Texts point into argv. ERR_INVALID: wrong usage. */
int options_parse(int argc, char **argv, struct options *options, struct error_text *why);
void options_print_help(struct output *out);
void options_print_settings(struct output *out); /* the table, as --help-config */
void options_print_metrics(struct output *out);  /* likewise, --help-metrics */
void options_print_events(struct output *out);   /* likewise, --help-events */

#endif
