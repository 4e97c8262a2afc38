/*
 * What members of share groups hold of the partitions that this broker leads, before it stops:
 * nothing more is given, and what they have they may say the last of here, so that nobody is given
 * it a second time.
 *
 * Happy path: `done` comes when nothing is held any more; without share groups after one walk over
 * the partitions. Failures: whoever holds something keeps nobody for long: `done` comes when nobody
 * has said the last of anything for a while, or it has taken too long in any case. Invariants:
 * `done` comes once, never within the call; nothing is given behind it either, so what is held then
 * is all that will be given again.
 */
#ifndef BROKER_SHARING_SHARING_SETTLING_H
#define BROKER_SHARING_SHARING_SETTLING_H

#include "broker/partition_set/partition_set.h"

struct sharing_settling_limits {
    uint64_t quiet_ms; /* behind the last record that is held no more */
    uint64_t most_ms;  /* in all */
};

struct sharing_settling;
struct sharing_settling *sharing_settling_new(struct env *env, struct partition_set *partitions,
                                              const struct sharing_settling_limits *limits,
                                              void (*done)(void *arg), void *arg);
/* `done` is not called. Before the partitions are freed. NULL does nothing. */
void sharing_settling_free(struct sharing_settling *settling);

#endif
