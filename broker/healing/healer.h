/*
 * Damage in the logs of this broker is looked for, and mended with what other brokers have.
 *
 *   damage is found --- at once ---> a round of that log (log_healing.h): each entry that is
 * lacking ^                           is asked of the group's other members (entry_exchange.h), or
 *        |                           all that one of them has of a segment (range_exchange.h)
 *        +--- AGAIN_MS, while some is left +---> whole: it may lead again
 *
 *   a start cannot read a segment (wound_healer.h) ---> the same for it, or, where that is gone
 *                           elsewhere, a later beginning; then the log is opened
 *
 *   nothing is damaged ---> the scrub reads segments, and the files beside them, group by group,
 *                           from the place on where it stopped (scrub_place.h), until all were
 *                           read; and again after scrub.interval.ms
 *
 * Happy path: whoever reads finds damage, the scrub at the latest; within a second the log gets its
 * round, and the log of the broker says what was mended. Failures: nobody that can be reached has
 * it, or the disk has no room: the replica stays damaged, is told so by the one line of the damage,
 * and is looked at again.
 * Invariants: one round at a time, and mending goes before looking; groups take turns, so one that
 * cannot be mended keeps no other waiting; the scrub reads no more than scrub.bytes.per.second.
 */
#ifndef BROKER_HEALING_HEALER_H
#define BROKER_HEALING_HEALER_H

#include "broker/cluster/broker_messages.h"
#include "broker/config/broker_settings.h"
#include "broker/metadata/metadata.h"
#include "broker/partition_set/partition_set.h"
#include "raft-glue/raft_group.h"

struct healer;

/* Blocks for a small read. */
struct healer *healer_new(struct env *env, struct log *log, const struct broker_settings *settings,
                          struct shard *shard, const struct metadata *metadata,
                          struct partition_set *partitions, struct broker_messages *messages);
void healer_free(struct healer *healer); /* NULL does nothing */

#endif
