/*
 * Disks that are too small for what producers send, until they are mended, in runs whose brokers
 * keep room (disk.min.free.bytes): of one machine, or of all, with somewhat more room than is to be
 * kept.
 *
 * Happy path: producers are refused by whoever has none, or sent to others; topics come and go as
 * ever. Failure of the run: a write that finds the disk full, although nobody but the broker writes
 * to it. A disk that the nemesis fills or loses meanwhile is not looked at any more, nor one of
 * which elections may have taken what was kept.
 */
#ifndef SIM_LITTLE_ROOM_H
#define SIM_LITTLE_ROOM_H

#include "tests/sim/cluster.h"

/* In some runs; nothing in the others. No broker has been started. */
void little_room_begin(struct cluster *cluster);

#endif
