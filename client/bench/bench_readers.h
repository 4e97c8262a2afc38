/*
 * The reading side of drave bench: one consumer of all partitions, or the members of a group, each
 * in a thread of its own.
 *
 * Happy path: opened from the beginning or from the end of a topic, they read until they are
 * stopped; a partition counts as reached once somebody has read it to its end. Failures: an error
 * of a partition or of the group is said once by each, and counted. Invariant: records are counted
 * as they come, by whichever reader; results are read after stopping.
 */
#ifndef CLIENT_BENCH_BENCH_READERS_H
#define CLIENT_BENCH_BENCH_READERS_H

#include <stdint.h>

#include "client/bench/histogram.h"
#include "client/line/command.h"

enum { BENCH_STAMP = 8 }; /* a stamped record begins with so many bytes: when it was to be sent */

struct bench_readers;

struct bench_reading {
    const struct invocation *in;
    const char *topic;
    int32_t partitions;
    const char *group; /* NULL: one consumer without a group */
    int members;       /* of the group */
    bool from_end;     /* else from the beginning; a group from what it has committed */
    bool stamped;      /* take the age of each record */
};

struct bench_read {
    uint64_t records, bytes, errors;
    uint64_t opened_us, first_us, last_us; /* first: a group has its first partition; without one
                                              as opened. last: when the last record came */
    struct histogram age;                  /* from the stamp to the arrival */
};

/* Microseconds of the monotonic clock, which the stamps have. */
uint64_t bench_now_us(void);

/* `reading` is copied; what it points to stays the caller's. Ends the program with a sentence when
 * there can be no such client. */
struct bench_readers *bench_readers_open(const struct bench_reading *reading);
/* Whether every partition has been read to its end, at some time since. */
bool bench_readers_reached(const struct bench_readers *readers);
/* Records that have come. */
uint64_t bench_readers_count(const struct bench_readers *readers);
/* Whether one of them was refused, so that no end is to be waited for. */
bool bench_readers_failed(const struct bench_readers *readers);
/* Members leave; `read` gets the sums. */
void bench_readers_close(struct bench_readers *readers, struct bench_read *read);

#endif
