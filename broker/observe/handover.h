/*
 * Where two threads meet: the event loop, which has the numbers, and the thread that shows them.
 *
 * Happy path: the one that shows asks; the loop is woken (by whoever joins the two), takes a
 * snapshot and puts it here; the other is woken and takes it. Failures: a loop that hangs puts
 * nothing; then handover_turned_us says since when. Invariants: nothing else is shared; a snapshot
 * belongs to one of the two, or lies here; the newest takes the place of one that nobody took.
 */
#ifndef BROKER_OBSERVE_HANDOVER_H
#define BROKER_OBSERVE_HANDOVER_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/observe/snapshot.h"

enum { HANDOVER_GLOB = 256 };

struct handover;
struct handover *handover_new(void);
void handover_free(struct handover *handover); /* both are done; NULL does nothing */

/* ---- The loop's ---- */

/* It turns: at that time of env_now_us. Once a second at least. */
void handover_turned(struct handover *handover, uint64_t now_us);
/* Whether a snapshot is wanted; asked for once. */
bool handover_is_wanted(struct handover *handover);
void handover_put(struct handover *handover, struct snapshot *snapshot); /* takes it over */
/* Numbers of partitions are wanted, of topics that match `glob`; each wish is taken once. */
bool handover_partitions_wanted(struct handover *handover, uint64_t *wish,
                                char glob[HANDOVER_GLOB]);
void handover_put_partitions(struct handover *handover, uint64_t wish, struct snapshot *snapshot);
/* Clients are served on that port of the first listener; 0: not any more. */
void handover_serves(struct handover *handover, int port);

/* ---- The other's ---- */

void handover_want(struct handover *handover);
/* In place of the last such wish; not 0. */
uint64_t handover_want_partitions(struct handover *handover, const char *glob);
struct snapshot *handover_take_partitions(struct handover *handover,
                                          uint64_t wish);     /* NULL: none of that wish is here */
struct snapshot *handover_take(struct handover *handover);    /* NULL: none since the last time */
uint64_t handover_turned_us(const struct handover *handover); /* 0: it has not begun to */
int handover_port(const struct handover *handover);           /* 0: no clients are served */

#endif
