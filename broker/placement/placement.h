/*
 * Which brokers hold the replicas of new partitions. Pure: a function of what is given.
 *
 * The first replica of a partition is its preferred leader; first replicas go to the brokers that
 * have the fewest of them and are not away, if there are any, further ones to racks that the
 * partition is not in yet, then to the brokers with the fewest replicas; ties are broken round
 * robin from a start that moves with each partition.
 */
#ifndef BROKER_PLACEMENT_PLACEMENT_H
#define BROKER_PLACEMENT_PLACEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct placement_broker {
    int32_t node;
    const char *rack;  /* "" for none */
    uint32_t leaders;  /* partitions whose first replica it is; counted up by placement_place */
    uint32_t replicas; /* all replicas; counted up, too */
    bool away;         /* nobody would be led by it at once */
};

/* Places `partitions` x `factor` replicas on `brokers` (factor <= count, checked): into[p * factor
 * + r] is the node. `start`: where ties begin, for example the number of partitions that there are.
 */
void placement_place(struct placement_broker *brokers, size_t count, size_t partitions,
                     size_t factor, uint64_t start, int32_t *into);

/* The place of the broker that is best for one more replica beside those on `chosen`; `count`:
 * there is none. `from`: where ties begin. */
size_t placement_another(const struct placement_broker *brokers, size_t count,
                         const int32_t *chosen, size_t chosen_count, size_t from);

#endif
