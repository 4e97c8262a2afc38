/*
 * How programs that watch others are told how the cluster is: as a plugin of Nagios and its kin, or
 * as metrics of Prometheus, for a file that its agent on the machine reads.
 *
 * Happy path: the findings of `drave health`, one after the other. Failures: a cluster that cannot
 * be asked is told in the same form. Invariant: a plugin prints one line, and ends with 0 (well), 1
 * (a warning: nothing is refused), 2 (something is refused) or 3 (it could not be asked).
 */
#ifndef CLIENT_HEALTH_HEALTH_FORMAT_H
#define CLIENT_HEALTH_HEALTH_FORMAT_H

#include <jansson.h>
#include <stdbool.h>

enum health_format { HEALTH_PLAIN, HEALTH_NAGIOS, HEALTH_PROMETHEUS };

/* False: there is no such format. */
bool health_format_named(const char *name, enum health_format *format);

/* `findings`: [{name, ok, text}]; NULL: the cluster could not be asked. `refusing`: some client is
 * refused something. Returns the exit code. */
int health_format_print(enum health_format format, const json_t *findings, bool refusing);

#endif
