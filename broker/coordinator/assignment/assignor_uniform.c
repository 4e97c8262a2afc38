/*
 * The assignor "uniform" (KIP-848): balanced, and sticky as far as balance allows.
 *
 * Happy path: all members subscribe to the same (assign_same): with P partitions and M members each
 * has P / M, and the first P % M of those who hold more keep one more; what is above that is given
 * back, and fills those below. No assignment of such a balance keeps more in its place.
 * Otherwise assignor_uniform_mixed.c.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "broker/coordinator/assignment/assignor_uniform_internal.h"

static bool all_subscribe_to_the_same(const struct assignment_input *input) {
    const struct assignment_member *first = &input->members[0];
    for (uint32_t i = 1; i < input->member_count; i++) {
        const struct assignment_member *member = &input->members[i];
        if (member->topics == first->topics && member->topic_count == first->topic_count) continue;
        if (member->topic_count != first->topic_count ||
            (first->topic_count > 0 && memcmp(member->topics, first->topics,
                                              first->topic_count * sizeof *first->topics) != 0))
            return false;
    }
    return true;
}

static int number_order(const void *left, const void *right) {
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

uint32_t *uniform_held(const struct assignment_input *input, uint32_t place) {
    const struct assignment_member *member = &input->members[place];
    uint32_t *held = mem_alloc(member->held_count * sizeof *held);
    if (member->held_count > 0) memcpy(held, member->held, member->held_count * sizeof *held);
    qsort(held, member->held_count, sizeof *held, number_order);
    return held;
}

/* Keeps up to `most` of what it holds and nobody has yet; returns how many. `wanted`: by partition
 * number. */
static uint32_t keep(const struct assignment_input *input, uint32_t place, uint32_t most,
                     const bool *wanted, uint32_t *owner) {
    uint32_t *held = uniform_held(input, place), kept = 0;
    for (uint32_t i = 0; i < input->members[place].held_count && kept < most; i++) {
        if (held[i] >= input->partition_count || !wanted[held[i]]) continue;
        if (owner[held[i]] != ASSIGNMENT_NOBODY) continue;
        owner[held[i]] = place;
        kept++;
    }
    mem_free(held);
    return kept;
}

static void assign_same(const struct assignment_input *input, const uint32_t *order,
                        uint32_t *owner) {
    const struct assignment_member *any = &input->members[0];
    bool *wanted = mem_zalloc(input->partition_count);
    uint32_t *counts = mem_alloc(input->member_count * sizeof *counts);
    uint32_t total = 0;
    for (uint32_t t = 0; t < any->topic_count; t++) {
        const struct assignment_topic *topic = &input->topics[any->topics[t]];
        memset(wanted + topic->first, true, topic->partitions);
        total += topic->partitions;
    }
    uint32_t share = total / input->member_count, more = total % input->member_count;
    for (uint32_t i = 0; i < input->member_count; i++) {
        counts[i] = keep(input, order[i], share + (more > 0 ? 1 : 0), wanted, owner);
        if (counts[i] > share) more--;
    }
    uint32_t next = 0;
    for (uint32_t i = 0; i < input->member_count; i++) {
        uint32_t quota = share;
        if (counts[i] <= share && more > 0) {
            quota++;
            more--;
        }
        for (; counts[i] < quota; counts[i]++) {
            while (!wanted[next] || owner[next] != ASSIGNMENT_NOBODY)
                next++;
            owner[next] = order[i];
        }
    }
    mem_free(counts);
    mem_free(wanted);
}

void assign_uniform(const struct assignment_input *input, uint32_t *owner) {
    for (uint32_t p = 0; p < input->partition_count; p++)
        owner[p] = ASSIGNMENT_NOBODY;
    if (input->member_count == 0) return;
    uint32_t *order = assignment_order(input, false);
    if (all_subscribe_to_the_same(input))
        assign_same(input, order, owner);
    else
        uniform_assign_mixed(input, order, owner);
    mem_free(order);
}
