/*
 * The assignor "uniform" for members that subscribe to different topics.
 *
 * Happy path: members keep what they hold and still subscribe to; what is free goes to the least
 * loaded subscriber of its topic, topics with the fewest ways out first (most partitions for each
 * subscriber); then at most 16 rounds over all topics move partitions from the most loaded owner
 * to the least loaded subscriber while their loads differ by more than one, and end when a round
 * moves nothing.
 * Invariant: within the walk over one topic the highest load only falls and the lowest only rises,
 * so nobody who received gives again, and there are no more moves than partitions.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "broker/coordinator/assignment/assignor_uniform_internal.h"

enum { ROUNDS = 16 };

/* Members by load, then by rank (their place in the order of ids): the one to take is first. */
struct load_heap {
    uint32_t *members, count;
    bool most; /* the most loaded first */
};

struct mixed {
    const struct assignment_input *input;
    struct assignment_subscribers subscribers;
    uint32_t *owner;
    uint32_t *load, *rank;  /* by place of member */
    uint32_t *head, *next;  /* of the topic at hand: a member's partitions; NOBODY: none, the end */
    struct load_heap least; /* subscribers of the topic at hand */
    struct load_heap most;  /* its owners */
};

static bool heap_before(const struct mixed *mixed, const struct load_heap *heap, uint32_t a,
                        uint32_t b) {
    if (mixed->load[a] != mixed->load[b])
        return heap->most ? mixed->load[a] > mixed->load[b] : mixed->load[a] < mixed->load[b];
    return mixed->rank[a] < mixed->rank[b];
}

static void heap_sink(const struct mixed *mixed, struct load_heap *heap, uint32_t at) {
    for (uint32_t child; (child = 2 * at + 1) < heap->count; at = child) {
        uint32_t *members = heap->members;
        if (child + 1 < heap->count && heap_before(mixed, heap, members[child + 1], members[child]))
            child++;
        if (!heap_before(mixed, heap, members[child], members[at])) return;
        uint32_t swapped = members[at];
        members[at] = members[child];
        members[child] = swapped;
    }
}

static void heap_build(const struct mixed *mixed, struct load_heap *heap) {
    for (uint32_t at = heap->count / 2; at-- > 0;)
        heap_sink(mixed, heap, at);
}

static void heap_drop_first(const struct mixed *mixed, struct load_heap *heap) {
    heap->members[0] = heap->members[--heap->count];
    heap_sink(mixed, heap, 0);
}

static void least_of_topic(struct mixed *mixed, uint32_t topic) {
    uint32_t first = mixed->subscribers.first[topic];
    mixed->least.count = mixed->subscribers.first[topic + 1] - first;
    if (mixed->least.count > 0)
        memcpy(mixed->least.members, mixed->subscribers.places + first,
               mixed->least.count * sizeof *mixed->least.members);
    heap_build(mixed, &mixed->least);
}

/* ---- What is held stays where it is, until balance asks for it ---- */

static bool subscribes(const struct assignment_member *member, uint32_t topic) {
    uint32_t low = 0, high = member->topic_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (member->topics[middle] < topic)
            low = middle + 1;
        else
            high = middle;
    }
    return low < member->topic_count && member->topics[low] == topic;
}

static void keep_all(struct mixed *mixed, uint32_t place) {
    const struct assignment_member *member = &mixed->input->members[place];
    for (uint32_t i = 0; i < member->held_count; i++) {
        uint32_t partition = member->held[i];
        if (partition >= mixed->input->partition_count) continue;
        if (mixed->owner[partition] != ASSIGNMENT_NOBODY) continue;
        if (!subscribes(member, assignment_topic_of(mixed->input, partition))) continue;
        mixed->owner[partition] = place;
        mixed->load[place]++;
    }
}

/* ---- What is free ---- */

struct ranked_topic {
    uint32_t topic, partitions, subscribers;
};

/* Most partitions for each subscriber first, then fewest subscribers, then by id. */
static int topic_order(const void *left, const void *right) {
    const struct ranked_topic *a = left, *b = right;
    uint64_t ratio_a = (uint64_t)a->partitions * b->subscribers;
    uint64_t ratio_b = (uint64_t)b->partitions * a->subscribers;
    if (ratio_a != ratio_b) return ratio_a > ratio_b ? -1 : 1;
    if (a->subscribers != b->subscribers) return a->subscribers < b->subscribers ? -1 : 1;
    return (a->topic > b->topic) - (a->topic < b->topic);
}

/* Topics that have subscribers, in that order; `count`: how many. For mem_free. */
static struct ranked_topic *topics_ranked(const struct mixed *mixed, uint32_t *count) {
    struct ranked_topic *topics = mem_alloc(mixed->input->topic_count * sizeof *topics);
    *count = 0;
    for (uint32_t t = 0; t < mixed->input->topic_count; t++) {
        uint32_t subscribers = mixed->subscribers.first[t + 1] - mixed->subscribers.first[t];
        if (subscribers > 0)
            topics[(*count)++] = (struct ranked_topic){t, mixed->input->topics[t].partitions,
                                                       subscribers};
    }
    qsort(topics, *count, sizeof *topics, topic_order);
    return topics;
}

static void give_free(struct mixed *mixed, uint32_t topic) {
    const struct assignment_topic *of = &mixed->input->topics[topic];
    bool ready = false;
    for (uint32_t p = of->first; p < of->first + of->partitions; p++) {
        if (mixed->owner[p] != ASSIGNMENT_NOBODY) continue;
        if (!ready) least_of_topic(mixed, topic);
        ready = true;
        mixed->owner[p] = mixed->least.members[0];
        mixed->load[mixed->owner[p]]++;
        heap_sink(mixed, &mixed->least, 0);
    }
}

/* ---- Balance ---- */

static bool loads_are_even(const struct mixed *mixed, uint32_t topic) {
    uint32_t least = UINT32_MAX, most = 0;
    for (uint32_t i = mixed->subscribers.first[topic]; i < mixed->subscribers.first[topic + 1];
         i++) {
        uint32_t load = mixed->load[mixed->subscribers.places[i]];
        if (load < least) least = load;
        if (load > most) most = load;
    }
    return most - least <= 1;
}

/* Its owners, with a list of what each has; the list gives its lowest number first. */
static void list_owners(struct mixed *mixed, uint32_t topic) {
    const struct assignment_topic *of = &mixed->input->topics[topic];
    mixed->most.count = 0;
    for (uint32_t p = of->first + of->partitions; p-- > of->first;) {
        uint32_t place = mixed->owner[p];
        if (mixed->head[place] == ASSIGNMENT_NOBODY)
            mixed->most.members[mixed->most.count++] = place;
        mixed->next[p] = mixed->head[place];
        mixed->head[place] = p;
    }
}

static void forget_owners(struct mixed *mixed, uint32_t topic) {
    for (uint32_t i = mixed->subscribers.first[topic]; i < mixed->subscribers.first[topic + 1]; i++)
        mixed->head[mixed->subscribers.places[i]] = ASSIGNMENT_NOBODY;
}

/* Whether anything moved. */
static bool balance_topic(struct mixed *mixed, uint32_t topic) {
    if (loads_are_even(mixed, topic)) return false;
    bool moved = false;
    least_of_topic(mixed, topic);
    list_owners(mixed, topic);
    heap_build(mixed, &mixed->most);
    while (mixed->most.count > 0) {
        uint32_t from = mixed->most.members[0], to = mixed->least.members[0];
        /* No underflow: who is the most loaded owner may be the least loaded subscriber. */
        if (mixed->load[from] <= mixed->load[to] + 1) break;
        uint32_t partition = mixed->head[from];
        mixed->head[from] = mixed->next[partition];
        mixed->owner[partition] = to;
        mixed->load[from]--;
        mixed->load[to]++;
        heap_sink(mixed, &mixed->least, 0);
        if (mixed->head[from] == ASSIGNMENT_NOBODY)
            heap_drop_first(mixed, &mixed->most);
        else
            heap_sink(mixed, &mixed->most, 0);
        moved = true;
    }
    forget_owners(mixed, topic);
    return moved;
}

void uniform_assign_mixed(const struct assignment_input *input, const uint32_t *order,
                          uint32_t *owner) {
    uint32_t members = input->member_count;
    uint32_t *numbers = mem_zalloc(5 * (size_t)members * sizeof *numbers);
    struct mixed mixed = {.input = input,
                          .owner = owner,
                          .load = numbers,
                          .rank = numbers + members,
                          .head = numbers + 2 * (size_t)members,
                          .next = mem_alloc(input->partition_count * sizeof *mixed.next),
                          .least = {.members = numbers + 3 * (size_t)members},
                          .most = {.members = numbers + 4 * (size_t)members, .most = true}};
    assignment_subscribers_init(&mixed.subscribers, input, order);
    for (uint32_t i = 0; i < members; i++) {
        mixed.rank[order[i]] = i;
        mixed.head[i] = ASSIGNMENT_NOBODY;
    }
    for (uint32_t i = 0; i < members; i++)
        keep_all(&mixed, order[i]);
    uint32_t topic_count;
    struct ranked_topic *topics = topics_ranked(&mixed, &topic_count);
    for (uint32_t i = 0; i < topic_count; i++)
        give_free(&mixed, topics[i].topic);
    bool moved = true;
    for (int round = 0; round < ROUNDS && moved; round++) {
        moved = false;
        for (uint32_t i = 0; i < topic_count; i++)
            if (balance_topic(&mixed, topics[i].topic)) moved = true;
    }
    mem_free(topics);
    assignment_subscribers_close(&mixed.subscribers);
    mem_free(mixed.next);
    mem_free(numbers);
}
