/*
 * The topics that the members of a group read, gathered once for many questions.
 *
 * Happy path: topic_set_open; topic_set_add for each name; topic_set_has; topic_set_close.
 * Failures: when it is not known what is read, or to gather it takes longer than a turn of the loop
 * may, every topic is in it: whoever asks leaves alone what is read. Invariant: texts are borrowed
 * while it is open.
 */
#ifndef BROKER_COORDINATOR_GROUP_TOPIC_SET_H
#define BROKER_COORDINATOR_GROUP_TOPIC_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/wire.h"

struct topic_set_slot;

struct topic_set {
    uint64_t seed;
    struct topic_set_slot *slots; /* its own, all below */
    size_t slot_count, count;
    uint32_t work; /* that may still be done */
    bool all;
};

/* `seed`: of the hash table. */
void topic_set_open(struct topic_set *set, uint64_t seed);
void topic_set_close(struct topic_set *set); /* nothing if it is not open, but zeroed */
/* True: it was not known to be in it. */
bool topic_set_add(struct topic_set *set, struct kp_string name);
/* So many names are looked at, but not added. */
void topic_set_pass(struct topic_set *set, size_t names);
void topic_set_add_all(struct topic_set *set);
bool topic_set_has(const struct topic_set *set, struct kp_string name);

#endif
