/* A snapshot as text: the exposition format of Prometheus (0.0.4), and JSON of what is not well. */
#ifndef BROKER_OBSERVE_SNAPSHOT_TEXT_H
#define BROKER_OBSERVE_SNAPSHOT_TEXT_H

#include "base/buffer.h"
#include "broker/observe/snapshot.h"

#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Every family that has samples in one of the two, those of `first` before those of `second`.
 * Labels that no terminal and no parser would take as they are are escaped (base/printable.h). */
struct slice metrics_text(const struct snapshot *first, const struct snapshot *second);

/* {"ok":false,"reasons":[{"code":"...","text":"..."}]}; at most `limit` of them, and then how many
 * were left out. */
struct slice health_text(const struct health *health, size_t limit);

#endif
