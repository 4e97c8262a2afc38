/* An array of ranges, of which the last may grow. */
#include "client/sharing/share_outcomes.h"

#include "base/mem.h"

void share_outcomes_add(struct share_outcomes *outcomes, struct share_range range) {
    struct share_range *last = outcomes->count > 0 ? &outcomes->items[outcomes->count - 1] : NULL;
    if (range.first > range.last) {
        return;
    }
    if (last && last->partition == range.partition && kp_uuid_equal(last->topic, range.topic) &&
        last->outcome == range.outcome && last->last + 1 == range.first) {
        last->last = range.last;
        return;
    }
    outcomes->items = mem_grow(outcomes->items, outcomes->count, &outcomes->room,
                               sizeof(*outcomes->items));
    outcomes->items[outcomes->count++] = range;
}

uint64_t share_outcomes_count(const struct share_outcomes *outcomes, enum share_outcome outcome) {
    uint64_t count = 0;
    for (size_t i = 0; i < outcomes->count; i++) {
        const struct share_range *range = &outcomes->items[i];
        count += range->outcome == (int8_t)outcome ? (uint64_t)(range->last - range->first) + 1 : 0;
    }
    return count;
}

void share_outcomes_clear(struct share_outcomes *outcomes) {
    outcomes->count = 0;
}

void share_outcomes_free(struct share_outcomes *outcomes) {
    mem_free(outcomes->items);
    *outcomes = (struct share_outcomes){.items = NULL};
}
