/*
 * Records whose time to live is over (message.ttl.ms) end for the groups that share their
 * partition, also where nobody asks for them: so the start of a group, and how far it is behind,
 * do not wait for a member.
 *
 * Happy path: each second a walk over the partitions that this broker leads and that have such a
 * setting; of each group what is available at its head is read, and archived as long as its time is
 * over, a turn at a time. Failures: what cannot be read is left for the next time. Invariants:
 * without such a setting there is no walk; of a head that lives nothing is read again before its
 * time is over; in a second no more than EXPIRED_READS_MOST reads, and it goes on with the next
 * one; what members hold is left alone.
 */
#ifndef BROKER_SHARING_EXPIRED_SWEEP_H
#define BROKER_SHARING_EXPIRED_SWEEP_H

#include "broker/partition_set/partition_set.h"

enum {
    EXPIRED_SWEEP_MS = 1000,
    EXPIRED_READS_MOST = 200,
    EXPIRED_READ_BYTES = 64 << 10,
};

struct expired_sweep;
struct expired_sweep *expired_sweep_new(struct env *env, struct partition_set *partitions);
/* Before the partitions are freed. NULL does nothing. */
void expired_sweep_free(struct expired_sweep *sweep);

#endif
