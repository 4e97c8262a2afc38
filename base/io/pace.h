/*
 * How fast something begins that comes in thousands: a few at once, which is all of most, and the
 * others at a pace.
 *
 * Happy path: what was not used is kept, up to the burst. Failures: none. Invariant: in any time T
 * at most burst + T / every_us begin. Pure: the caller has the clock.
 */
#ifndef BASE_IO_PACE_H
#define BASE_IO_PACE_H

#include <stdbool.h>
#include <stdint.h>

struct pace {
    uint64_t every_us, burst; /* the caller's, not 0 */
    uint64_t next_us;         /* when the next one is due; begin with 0 */
};

/* True: one may begin now, and is counted. */
bool pace_take(struct pace *pace, uint64_t now_us);
/* When it is worth to ask again: some are due then, one at least. */
uint64_t pace_again_us(const struct pace *pace);

#endif
