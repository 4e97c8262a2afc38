/*
 * Lines that are plugins of Nagios and its kin (drave health --format nagios): what their exit
 * codes mean, and what is said when nothing could be asked, for those of wrong usage and of
 * refusals would be taken for states of the cluster.
 */
#ifndef CLIENT_LINE_PLUGIN_H
#define CLIENT_LINE_PLUGIN_H

#include <stdbool.h>

enum plugin_state { PLUGIN_WELL, PLUGIN_WARNING, PLUGIN_CRITICAL, PLUGIN_UNKNOWN };

/* Whether it is one, whatever else is wrong with it. */
bool plugin_is(int argc, char **argv);
/* Its line, when what is wrong was said; returns its exit code. */
int plugin_not_asked(void);

#endif
