/*
 * Up to where tombstones may go: the leaders on this broker ask all members of their partitions how
 * far they are clean, and have what is true of every one of them marked (tombstone_marks.h).
 *
 *   meet, meet, ... -> ask -> answers of all brokers concerned -> partition_mark_tombstones
 *
 * Happy path: a walk over all partitions meets those that want a mark; behind it each broker is
 * asked once about all of them, so quiet groups need not wake. A mark is the least of all answers.
 * Failures: whoever does not answer, does not know the partition, or is another replica of it,
 * holds the mark back: it is away, and when it is back it may lead, and show what the others had
 * cleaned. It is asked again at the next walk. Invariants: one round at a time, of MARKING_MAX
 * partitions at most; an answer is about what is on the disk of that replica.
 *
 * A request is u8 format, then u64 group and u64 replica of each, little-endian; its answer u8
 * format, then i64 offset of each, -1: not here.
 */
#ifndef BROKER_CLEANER_TOMBSTONE_MARKING_H
#define BROKER_CLEANER_TOMBSTONE_MARKING_H

#include "broker/cluster/broker_messages.h"
#include "broker/partition_set/partition_set.h"

enum { MARKING_MAX = 1024 };

struct tombstone_marking;

struct tombstone_marking *tombstone_marking_new(int32_t node, struct partition_set *partitions,
                                                struct broker_messages *messages);
void tombstone_marking_free(struct tombstone_marking *marking); /* NULL does nothing */
/* Takes it up, if it wants a mark; not while a round is under way, or full. */
void tombstone_marking_meet(struct tombstone_marking *marking, struct partition *partition);
/* Asks about those that were met. */
void tombstone_marking_ask(struct tombstone_marking *marking);

#endif
