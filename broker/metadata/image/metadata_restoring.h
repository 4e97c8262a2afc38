/*
 * A table that says something takes over what an image says (metadata_image.h), in steps.
 *
 *   reading, into a table of its own --> the two are exchanged --> telling what is different -->
 * what was before is forgotten --> done
 *          |
 *          +-- it cannot be read: the table stays as it is; what was read is forgotten --> done
 *
 * Happy path: all parts are read; from one moment on the table says what the image says; then
 * whoever listens is told what went, came or changed, as commands would have told it. No command is
 * applied meanwhile. Failures: those of image_read_part; nobody is told anything then. Invariants:
 * what is told is true when it is told, but that more may have changed; a table of many partitions
 * is read, told and forgotten in steps, but by metadata_restoring_end.
 */
#ifndef BROKER_METADATA_IMAGE_METADATA_RESTORING_H
#define BROKER_METADATA_IMAGE_METADATA_RESTORING_H

#include "base/buffer.h"
#include "base/env.h"
#include "broker/metadata/metadata.h"

struct metadata_restoring;

/* Takes `image` over, which is of the entries up to `index`. `seed` as for metadata_new. `done`:
 * never within the call; it is over then. */
struct metadata_restoring *metadata_restoring_begin(struct env *env, struct metadata *metadata,
                                                    struct slice image, log_index index,
                                                    uint64_t seed,
                                                    void (*done)(void *arg, int error), void *arg);
/* Nobody waits for it any more. It ends as soon as what it read is forgotten, or, if the tables
 * were exchanged, everybody is told of that, and what was before is forgotten: what nobody was told
 * of would not be different for the next one. The new `done`, never within the call, says
 * ERR_CANCELED; until then no other one may begin, and nothing be applied. True: the table says
 * what the image said. */
bool metadata_restoring_leave(struct metadata_restoring *restoring,
                              void (*done)(void *arg, int error), void *arg);
/* All of it at once, when nothing else has to go on in this turn: `done` does not come; what the
 * table says may be from before or after. NULL does nothing. */
void metadata_restoring_end(struct metadata_restoring *restoring);

#endif
