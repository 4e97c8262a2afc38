/* draved backup adopt: a copy of all data directories of a cluster becomes another cluster. */
#ifndef BROKER_BACKUP_TOOL_H
#define BROKER_BACKUP_TOOL_H

#include "base/io/output.h"
#include "broker/options.h"

/* The exit code: 0, or 1 with the sentence on stderr. It may be repeated with the same directories,
 * whatever became of an earlier try. */
int backup_tool_adopt(const struct options *options, struct output *out);

#endif
