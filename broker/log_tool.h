/* draved log dump and draved log verify: what lies in a data directory, also beside a running broker. */
#ifndef BROKER_LOG_TOOL_H
#define BROKER_LOG_TOOL_H

#include "broker/options.h"

/* Both print on stdout and return the exit code: 0, or 1 with the sentence on stderr. */
int log_tool_dump(const struct options *options);
int log_tool_verify(const struct options *options);

#endif
