/*
 * What became of a delayed record that was to be called off: the order of the log says it.
 *
 * Happy path: where it waited, and the partition's high watermark then, were asked before; now the
 * partition is read from there up to what calls it off: either a record there is its delivery, or
 * it is never delivered. Failures: what cannot be read within the time is not known.
 */
#ifndef CLIENT_DELAY_DELAY_FATE_H
#define CLIENT_DELAY_DELAY_FATE_H

#include "client/line/command.h"

enum delay_fate { FATE_CALLED_OFF, FATE_DELIVERED, FATE_UNKNOWN };

/* Of the record that waited at `offset` when the partition ended at `from`, and which the record at
 * `to` calls off. FATE_DELIVERED: *at is the offset of its delivery. */
enum delay_fate delay_fate(const struct invocation *in, const char *topic, int32_t partition,
                           int64_t offset, int64_t from, int64_t to, int64_t *at);

#endif
