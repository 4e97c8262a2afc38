/*
 * Which partition of this broker is cleaned next.
 *
 * Happy path: every log.cleaner.backoff.ms all open partitions are walked over, in steps between
 * which everybody else has his turn; of those that are dirty enough (partition_is_dirty) the
 * broker's own go first, then those that are overdue, then the dirtiest; that one is cleaned, and
 * behind it the next walk begins at once. On the way leaders see whether tombstones are to be
 * marked (tombstone_marking.h). Failures: a round that ends with an error is told on the log, and
 * that partition waits, longer each time, while others go on; one whose partition was closed is
 * over. While the disk is short of room none begins: a round needs room for what it writes; a
 * partition of which one takes more than there is, is passed over, and that is told. Invariants:
 * one walk or one round at a time; no partition has a timer for it.
 */
#ifndef BROKER_CLEANER_CLEANER_H
#define BROKER_CLEANER_CLEANER_H

#include "broker/cluster/broker_messages.h"
#include "broker/config/broker_settings.h"
#include "broker/partition_set/partition_set.h"

struct cleaner;

struct cleaner *cleaner_new(struct env *env, struct log *log,
                            const struct broker_settings *settings, struct log_store *store,
                            struct partition_set *partitions, struct broker_messages *messages);
void cleaner_free(struct cleaner *cleaner); /* NULL does nothing */

#endif
