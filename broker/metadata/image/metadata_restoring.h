/*
 * A table that says something takes over what an image says (metadata_image.h), in steps.
 *
 *   reading, into a table of its own --> the two are exchanged --> telling what is different -->
 * done
 *          |
 *          +-- it cannot be read: the table stays as it is --> done
 *
 * Happy path: all parts are read; from one moment on the table says what the image says; then
 * whoever listens is told what went, came or changed, as commands would have told it. No command is
 * applied meanwhile. Failures: those of image_read_part; nobody is told anything then. Invariant:
 * what is told is true when it is told, but that more may have changed.
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
/* `done` does not come; what the table says may be from before or after. NULL does nothing. */
void metadata_restoring_end(struct metadata_restoring *restoring);

#endif
