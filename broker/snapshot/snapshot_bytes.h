/*
 * Bytes that become many, in pieces of which none is ever copied: an applier's state on its way
 * into a snapshot.
 *
 * Happy path: put, again and again; then the pieces are taken, or dropped. Failures: none. It
 * begins as zeros.
 */
#ifndef BROKER_SNAPSHOT_SNAPSHOT_BYTES_H
#define BROKER_SNAPSHOT_SNAPSHOT_BYTES_H

#include "base/buffer.h"

struct snapshot_bytes {
    struct slice *pieces; /* the last one may have room behind it */
    size_t count, capacity;
    size_t len; /* of all */
};

void snapshot_bytes_put(struct snapshot_bytes *bytes, const void *data, size_t len); /* copies */
void snapshot_bytes_drop(struct snapshot_bytes *bytes); /* leaves it empty */
/* `from` goes behind `to`, and is empty then. */
void snapshot_bytes_join(struct snapshot_bytes *to, struct snapshot_bytes *from);
/* In one piece; leaves it empty. */
struct slice snapshot_bytes_whole(struct snapshot_bytes *bytes);

#endif
