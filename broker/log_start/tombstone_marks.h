/*
 * Up to which offset the tombstones of a compacted partition may go, and from when on.
 *
 * A tombstone (a record without a value) says to consumers that its key is gone. It may go itself
 * when nobody can meet an older record of the key any more: so the leader says in a command, for
 * all replicas at one place of the log, up to which offset every one of them is clean, those that
 * are away included, and when it knew that. From then on delete.retention.ms run, in which
 * consumers that have read an older value still find the tombstone (the time of Kafka's KIP-534).
 *
 * Command, little-endian: u8 format 1, u8 command 3, i64 offset, i64 wall clock ms. In a snapshot:
 * i64 offset and i64 ms of each mark. Pure. Invariant: offsets and times of the marks rise.
 */
#ifndef BROKER_LOG_START_TOMBSTONE_MARKS_H
#define BROKER_LOG_START_TOMBSTONE_MARKS_H

#include "base/buffer.h"
#include "storage/log_types.h"

enum {
    TOMBSTONES_COMMAND = 3,
    TOMBSTONE_MARKS_MAX = 16,
    /* Within delete.retention.ms, of a leader: so that the ones that are forgotten are past. */
    TOMBSTONE_MARKS_STEPS = 8,
    TOMBSTONE_MARK_SIZE = 16, /* bytes in a snapshot */
};

struct tombstone_mark {
    kafka_offset offset; /* every replica is clean up to here, */
    int64_t at_ms;       /* ... since then at the latest */
};

struct slice tombstone_mark_encode(const struct tombstone_mark *mark);
/* ERR_VERSION: another format or command; ERR_MALFORMED. */
int tombstone_mark_decode(const void *bytes, size_t len, struct tombstone_mark *into);

/* The last ones. All zero: none. */
struct tombstone_marks {
    struct tombstone_mark marks[TOMBSTONE_MARKS_MAX];
    size_t count;
};
/* One that is not beyond the last is passed over. When there are too many the first is forgotten:
 * what it let go waits for the second. */
void tombstone_marks_add(struct tombstone_marks *marks, struct tombstone_mark mark);
/* The last one; offset 0: there is none. */
struct tombstone_mark tombstone_marks_last(const struct tombstone_marks *marks);
/* Tombstones before it may go at `now_ms`; 0: none may. */
kafka_offset tombstone_marks_past(const struct tombstone_marks *marks, int64_t now_ms,
                                  int64_t retention_ms);

#endif
