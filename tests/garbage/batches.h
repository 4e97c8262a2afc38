/*
 * Record batches that honest producers send, that broken ones send, and that nobody should: for
 * garbage's Produce requests.
 *
 * The bytes live in the arena. Every codec; counts, lengths, attributes, timestamps and producer
 * fields by chance, with a right checksum most of the time, so that what stands behind the checksum
 * is reached; and bombs: a few kB that unfold to many MiB.
 */
#ifndef TESTS_GARBAGE_BATCHES_H
#define TESTS_GARBAGE_BATCHES_H

#include "protocol/arena.h"
#include "tests/garbage/chance.h"

/* Records for a Produce request: mostly one batch, sometimes none, two, or something else. */
struct kp_bytes batches_by_chance(struct chance *chance, struct kp_arena *arena);

#endif
