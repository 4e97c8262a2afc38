/*
 * The log of group 0, when a start cannot open it (storage/heal/wound.h): without it this broker
 * knows no topics, and no replicas of them, so it is mended before anything else is opened.
 *
 *   the opening fails --> begin --> asked of the brokers of the cluster record --> again: open it
 *                           ^                                                        |
 *                           +--------------------- it fails again -------------------+
 *
 * Happy path: mended with entries of another broker, the log opens. Failures: nobody that can be
 * reached has them: it is tried once a second, until MENDING_PATIENCE_MS are over; then begin says
 * no, and the broker ends as it did before there was mending.
 */
#ifndef BROKER_HEALING_START_MENDING_H
#define BROKER_HEALING_START_MENDING_H

#include "broker/cluster/broker_messages.h"
#include "broker/cluster/cluster_record.h"
#include "raft-glue/shard.h"

enum { MENDING_PATIENCE_MS = 60 * 1000 };

struct start_mending;

/* `again`: the log is to be opened once more; never within a call. */
struct start_mending *start_mending_new(struct shard *shard, struct broker_messages *messages,
                                        void (*again)(void *arg), void *arg);
/* Behind an opening that has failed. False: it has left no wound, or the patience is over. */
bool start_mending_begin(struct start_mending *mending, const struct cluster_record *record,
                         int32_t self);
void start_mending_free(struct start_mending *mending); /* NULL does nothing */

#endif
