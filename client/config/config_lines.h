/*
 * What differs between the settings that a resource has of its own and the lines NAME=VALUE that
 * somebody wrote instead (drave config edit), as the words of drave config set: NAME=VALUE, or NAME
 * alone for what goes back to what holds behind it.
 *
 * Happy path: config_lines_compare. Failures: a line that is none, more than CONFIG_LINES_MOST
 * changes; said. Invariants: empty lines and those with # in front say nothing; what cannot be
 * changed or is secret was never shown, so that it lacks means nothing.
 */
#ifndef CLIENT_CONFIG_CONFIG_LINES_H
#define CLIENT_CONFIG_CONFIG_LINES_H

#include "protocol/messages/describe_configs.h"

enum { CONFIG_LINES_MOST = 500 };

struct config_lines {
    const struct kp_describe_configs_response_resource *found; /* as it is now; borrowed */
    int8_t own_source; /* of what it has of its own (config_resource.h) */
    struct kp_arena *arena;
};

/* Whether a line of it is to be edited. */
bool config_is_shown(const struct kp_describe_configs_response_config *config);
/* Cuts the text into lines. Appends to the words, of which there are *count and have room for
 * CONFIG_LINES_MOST more; they live as long as the text and the arena. False: said. */
bool config_lines_compare(const struct config_lines *lines, char *text, char **words, int *count);

#endif
