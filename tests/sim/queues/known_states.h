/*
 * What replicas of a partition know where they have applied so much of its log: the same, whether
 * they applied it, replayed it or were given it. What differs fails the run.
 */
#ifndef SIM_QUEUES_KNOWN_STATES_H
#define SIM_QUEUES_KNOWN_STATES_H

#include "broker/partition/partition.h"
#include "broker/snapshot/snapshot_bytes.h"
#include "tests/sim/cluster.h"

/* All zero at first. */
struct known_states {
    uint64_t *hashes; /* by applied index; 0: nobody was seen there */
    size_t capacity;
};

/* How much a replica has applied; 0: nothing, or what it is given is not there yet. NULL: it is not
 * open. */
uint64_t known_applied(const struct partition *partition);
/* Never 0. The bytes are let go. */
uint64_t known_hash(struct snapshot_bytes *bytes);

/* All replicas of partition 0 of that topic that are to be there have applied equally much. */
bool known_are_equal(struct cluster *cluster, const char *topic);

struct known_state {
    unsigned place; /* of the broker */
    uint64_t applied, hash;
};
void known_note(struct known_states *known, struct run *run, const struct known_state *state,
                const char *of);

#endif
