/*
 * The whole table as an image (metadata_image.h), put together in steps while commands go on being
 * applied.
 *
 * Happy path: topics are written one after the other, over several turns of the loop; one that
 * changes behind the walk is written again, one that goes is left out. When all are as they are in
 * the table, the little that is left follows in the same turn, and `done` gets the parts: the image
 * is of the commands that are applied at that moment. Failures: none. Invariants: no step takes
 * longer than one topic; the image is never of two moments.
 */
#ifndef BROKER_METADATA_IMAGE_METADATA_KEEPING_H
#define BROKER_METADATA_IMAGE_METADATA_KEEPING_H

#include "base/buffer.h"
#include "base/env.h"
#include "broker/metadata/metadata.h"

struct metadata_keeping;

/* `parts`: array and references are the receiver's. It is over then: nothing is to be ended. Never
 * within the call. */
struct metadata_keeping *metadata_keeping_begin(struct env *env, struct metadata *metadata,
                                                void (*done)(void *arg, struct slice *parts,
                                                             size_t count),
                                                void *arg);
/* `done` does not come. NULL does nothing. */
void metadata_keeping_end(struct metadata_keeping *keeping);

#endif
