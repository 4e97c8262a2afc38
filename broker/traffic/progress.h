/*
 * A position that moves on, remembered: where it stood at some time, when it passed some place, how
 * fast it goes.
 *
 * Happy path: progress_begin, then progress_move with each new position. Points are kept at least
 * PROGRESS_STEP_MS apart; when there is no more room, the one goes whose neighbours are closest for
 * their age, so that what is long ago is known more coarsely than what was just now. Failures:
 * none; what lies before the beginning is not known. Invariants: never more than the room that it
 * began with (16 bytes a point); a move costs a store, and every PROGRESS_STEP_MS at most one look
 * along the points. A position that goes back (a consumer that seeks) is remembered like any other.
 *
 * Times are whatever clock the owner takes, ms, and never go back (an earlier one counts as the
 * last).
 */
#ifndef BROKER_TRAFFIC_PROGRESS_H
#define BROKER_TRAFFIC_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PROGRESS_STEP_MS = 250, PROGRESS_UNKNOWN = -1 };

struct progress_point {
    int64_t at_ms; /* it moved on then, and */
    int64_t from;  /* from there */
};

struct progress {
    struct progress_point *points; /* the oldest first */
    int64_t since_ms, since;       /* what was before is not known; and where it stood then */
    int64_t position;              /* now */
    int64_t moved_ms;              /* since when it stands there; `since_ms`: it has not moved */
    uint16_t count, room, most;
    bool begun;
};

/* With at most so many points. Frees what was before: nothing, or another beginning. */
void progress_begin(struct progress *progress, uint16_t most, int64_t now_ms, int64_t position);
void progress_close(struct progress *progress); /* nothing if it has not begun */
/* It has begun. Nothing if the position is the same. */
void progress_move(struct progress *progress, int64_t now_ms, int64_t position);

/* Where it stood; PROGRESS_UNKNOWN: that is before the beginning. */
int64_t progress_at(const struct progress *progress, int64_t at_ms);
enum progress_passing { PROGRESS_NOT_YET, PROGRESS_PASSED, PROGRESS_PASSED_BEFORE };
/* When it moved on from `place`: at *at_ms, or a little later; _BEFORE: earlier than *at_ms. For
 * positions that only grow. */
enum progress_passing progress_passed(const struct progress *progress, int64_t place,
                                      int64_t *at_ms);
/* How far it came per second over the last `window_ms`, in thousandths; 0 for one that went back;
 * PROGRESS_UNKNOWN: it is not known for so long. */
int64_t progress_rate(const struct progress *progress, int64_t now_ms, int64_t window_ms);
size_t progress_bytes(const struct progress *progress); /* of memory, besides the struct */

#endif
