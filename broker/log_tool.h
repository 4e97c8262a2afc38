/* draved log dump and draved log verify: what lies in a data directory, also beside a running
 * broker. */
#ifndef BROKER_LOG_TOOL_H
#define BROKER_LOG_TOOL_H

#include "base/io/output.h"
#include "broker/options.h"

/* Both return the exit code: 0, or 1 with the sentence on stderr. Output that cannot be written
 * ends the program. */
int log_tool_dump(const struct options *options, struct output *out);
int log_tool_verify(const struct options *options, struct output *out);

#endif
