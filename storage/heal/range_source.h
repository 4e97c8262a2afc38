/*
 * The entries that segments of a log hold, from one index to another, read one after the other for
 * another replica, which has to write a segment again.
 *
 *   new, add, add, ... -> next, next, ... -> free
 *
 * Happy path: the segments are held from the beginning on, so that all that is read was there at
 * one moment, whatever is cleaned or let go of meanwhile; entries that were cleaned away are not
 * there, and the rest comes in order. Failures: damage here, or no file, ends it: `failed` says
 * where. Invariants: one step at a time; a job touches only what is its source's own, and the file
 * of the segment that it holds. */
#ifndef STORAGE_HEAL_RANGE_SOURCE_H
#define STORAGE_HEAL_RANGE_SOURCE_H

#include "storage/segment/segment.h"
#include "storage/segment/segment_cursor.h"

struct range_source;

struct range_source *range_source_new(struct env *env, log_index first, log_index last);
/* The next segment; held from now on. */
void range_source_add(struct range_source *source, struct segment *segment);
/* Entries of about so many bytes, fewer where much had to be passed over; `done` comes later.
 * ERR_NONE: there is more; ERR_EOF: these are the last; else: the source is of no use any more.
 * Array and references are the source's, until the next call. */
void range_source_next(struct range_source *source, uint64_t bytes,
                       void (*done)(void *arg, int error, struct entry *const *entries,
                                    size_t count),
                       void *arg);
/* What a failed step met: NULL, or the segment and the place in it. */
struct segment *range_source_damaged(const struct range_source *source, uint64_t *position);
/* Also while a step is under way: `done` does not come. */
void range_source_free(struct range_source *source);

#endif
