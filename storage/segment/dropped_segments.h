/*
 * Files of segments that their logs have let go of: they stay a while, and until nobody reads them,
 * then they are removed little by little.
 *
 * Happy path: a segment is added when `start` says durably that the log begins behind it; after its
 * delay, and when its last reader has let it go, its files are given to the paced removal.
 * Failures: none; what is not removed at the end of the process lies below the log's start, and is
 * found at the next opening.
 * Invariant: no file is touched that somebody may still read: a removal cuts files before it
 * unlinks them.
 */
#ifndef STORAGE_SEGMENT_DROPPED_SEGMENTS_H
#define STORAGE_SEGMENT_DROPPED_SEGMENTS_H

#include "base/env.h"
#include "storage/segment/paced_removal.h"
#include "storage/segment/segment.h"

struct dropped_segment;

struct dropped_segments {
    struct env *env;
    struct paced_removal *removals;
    struct env_timer *timer;
    struct dropped_segment *first, **end;
    uint64_t bytes; /* of those that wait */
    bool hurried;
};

void dropped_segments_open(struct dropped_segments *dropped, struct env *env,
                           struct paced_removal *removals);
/* Instead of segment_drop. */
void dropped_segments_add(struct dropped_segments *dropped, struct segment *segment,
                          uint64_t delay_ms);
/* Those that wait may have so many bytes together: the longest waiting go before their time. */
void dropped_segments_bound(struct dropped_segments *dropped, uint64_t most_bytes);
/* Files of an earlier life, which nobody reads. */
void dropped_segments_add_leftover(struct dropped_segments *dropped, const char *group_path,
                                   kafka_offset base_offset);
/* What a cleaning has left unfinished. */
void dropped_segments_add_unfinished(struct dropped_segments *dropped, const char *group_path,
                                     kafka_offset base_offset);
/* What was let go of in that directory goes with it: it is about to be another one. False: some of
 * it is being removed; ask again. */
bool dropped_segments_leave(struct dropped_segments *dropped, const char *group_path);
/* The disk is short of room: no delay counts for those that are here, nor for those that come until
 * it has room again (`hurried` false). */
void dropped_segments_hurry(struct dropped_segments *dropped, bool hurried);
/* Before the removals stop; the files stay. */
void dropped_segments_close(struct dropped_segments *dropped);

#endif
