/* Counting what brokers hold, and choosing the next one by these counts. */
#include "broker/placement/placement.h"

#include <string.h>

#include "base/check.h"

/* Distance from `from` to `to` around a ring of `count`. */
static size_t around(size_t from, size_t to, size_t count) {
    return (to + count - from) % count;
}

static bool is_better_first(const struct placement_broker *one,
                            const struct placement_broker *other) {
    return one->away != other->away ? other->away : one->leaders < other->leaders;
}

static size_t first_replica(const struct placement_broker *brokers, size_t count, size_t start) {
    size_t best = start;
    for (size_t step = 1; step < count; step++) {
        size_t at = (start + step) % count;
        if (is_better_first(&brokers[at], &brokers[best])) best = at;
    }
    return best;
}

static bool rack_is_used(const struct placement_broker *brokers, size_t count, const char *rack,
                         const int32_t *chosen, size_t chosen_count) {
    for (size_t i = 0; i < count; i++) {
        if (rack[0] == '\0' || strcmp(brokers[i].rack, rack) != 0) continue;
        for (size_t j = 0; j < chosen_count; j++)
            if (chosen[j] == brokers[i].node) return true;
    }
    return false;
}

static bool is_chosen(int32_t node, const int32_t *chosen, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (chosen[i] == node) return true;
    return false;
}

size_t placement_another(const struct placement_broker *brokers, size_t count,
                         const int32_t *chosen, size_t chosen_count, size_t from) {
    size_t best = count;
    bool best_used = true;
    for (size_t step = 0; step < count; step++) {
        size_t at = (from + step) % count;
        if (is_chosen(brokers[at].node, chosen, chosen_count)) continue;
        bool used = rack_is_used(brokers, count, brokers[at].rack, chosen, chosen_count);
        bool better = best == count || (best_used && !used) ||
                      (best_used == used && brokers[at].replicas < brokers[best].replicas);
        if (better) {
            best = at;
            best_used = used;
        }
    }
    return best;
}

void placement_place(struct placement_broker *brokers, size_t count, size_t partitions,
                     size_t factor, uint64_t start, int32_t *into) {
    /* place (metadata_leader.c) has refused others, of clients and of peers. */
    CHECK(factor > 0 && factor <= count);
    for (size_t p = 0; p < partitions; p++) {
        size_t begin = (size_t)((start + p) % count);
        int32_t *row = into + p * factor;
        size_t first = first_replica(brokers, count, begin);
        brokers[first].leaders++;
        brokers[first].replicas++;
        row[0] = brokers[first].node;
        /* The second replica follows the leader at a distance that changes once around, so that a
         * broker's partitions share their followers evenly among the others. */
        size_t shift = 1 + (size_t)((start + p) / count % (count > 1 ? count - 1 : 1));
        for (size_t r = 1; r < factor; r++) {
            size_t at = placement_another(brokers, count, row, r, (first + shift) % count);
            CHECK(at < count); /* factor <= count */
            brokers[at].replicas++;
            row[r] = brokers[at].node;
            shift = around(first, at, count) + 1;
        }
    }
}
