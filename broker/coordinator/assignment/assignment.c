/* What assignors share: the order of members, and who subscribes to what. */
#include "broker/coordinator/assignment/assignment.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct ordered {
    const struct assignment_member *member;
    uint32_t place;
    bool static_first;
};

static int text_order(struct kp_string a, struct kp_string b) {
    int32_t shorter = a.len < b.len ? a.len : b.len;
    int order = shorter > 0 ? memcmp(a.data, b.data, (size_t)shorter) : 0;
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static int member_order(const void *left, const void *right) {
    const struct ordered *a = left, *b = right;
    if (a->static_first) {
        bool fixed_a = a->member->instance.len >= 0, fixed_b = b->member->instance.len >= 0;
        if (fixed_a != fixed_b) return fixed_a ? -1 : 1;
        int order = fixed_a ? text_order(a->member->instance, b->member->instance) : 0;
        if (order != 0) return order;
    }
    return text_order(a->member->id, b->member->id);
}

uint32_t *assignment_order(const struct assignment_input *input, bool static_first) {
    struct ordered *members = mem_alloc(input->member_count * sizeof *members);
    for (uint32_t i = 0; i < input->member_count; i++)
        members[i] = (struct ordered){&input->members[i], i, static_first};
    qsort(members, input->member_count, sizeof *members, member_order);
    uint32_t *order = mem_alloc(input->member_count * sizeof *order);
    for (uint32_t i = 0; i < input->member_count; i++)
        order[i] = members[i].place;
    mem_free(members);
    return order;
}

void assignment_subscribers_init(struct assignment_subscribers *subscribers,
                                 const struct assignment_input *input, const uint32_t *order) {
    uint32_t *first = mem_zalloc(((size_t)input->topic_count + 2) * sizeof *first);
    for (uint32_t i = 0; i < input->member_count; i++)
        for (uint32_t t = 0; t < input->members[i].topic_count; t++)
            first[input->members[i].topics[t] + 2]++;
    for (uint32_t t = 0; t < input->topic_count; t++)
        first[t + 2] += first[t + 1];
    subscribers->places = mem_alloc(first[input->topic_count + 1] * sizeof *subscribers->places);
    /* first[t + 1] walks from the beginning of topic t to its end, which is where t + 1 begins. */
    for (uint32_t i = 0; i < input->member_count; i++) {
        const struct assignment_member *member = &input->members[order[i]];
        for (uint32_t t = 0; t < member->topic_count; t++)
            subscribers->places[first[member->topics[t] + 1]++] = order[i];
    }
    subscribers->first = first;
}

void assignment_subscribers_close(struct assignment_subscribers *subscribers) {
    mem_free(subscribers->first);
    mem_free(subscribers->places);
}

uint32_t assignment_topic_of(const struct assignment_input *input, uint32_t partition) {
    uint32_t low = 0, high = input->topic_count; /* the last topic with first <= partition */
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (input->topics[middle].first <= partition)
            low = middle;
        else
            high = middle;
    }
    return low;
}
