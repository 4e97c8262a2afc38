/* The committed state of one share-partition. */
#include "broker/share/share_state.h"

#include "base/check.h"
#include "base/mutant.h"

static struct share_range *range_at(const struct share_state *state, size_t place) {
    return offset_ranges_at(&state->ranges, place);
}

void share_state_open(struct share_state *state, kafka_offset start) {
    *state = (struct share_state){.start = start, .ranges = {.size = sizeof(struct share_range)}};
}

void share_state_close(struct share_state *state) {
    offset_ranges_free(&state->ranges);
    offset_ranges_free(&state->move.records);
    state->move = (struct share_move){0};
    state->archiving = 0;
}

bool share_state_is_over(uint8_t state) {
    return state == SHARE_ACKNOWLEDGED || state == SHARE_ARCHIVED;
}

bool share_range_is_like(const struct share_range *a, const struct share_range *b) {
    return a->state == b->state && a->count == b->count && a->time_ms == b->time_ms &&
           a->reason == b->reason;
}

/* ---- Changes ---- */

/* The one at `place` and the one before it become one, if they say the same. */
static void merge(struct share_state *state, size_t place) {
    if (place == 0 || place >= state->ranges.count) return;
    struct share_range *before = range_at(state, place - 1), *after = range_at(state, place);
    if (before->at.last + 1 != after->at.first || !share_range_is_like(before, after)) return;
    before->at.last = after->at.last;
    offset_ranges_remove(&state->ranges, place, 1);
}

static uint64_t length_of(const struct offset_range *range) {
    return (uint64_t)(range->last - range->first + 1);
}

/* Those places go. */
static void remove_ranges(struct share_state *state, size_t from, size_t count) {
    for (size_t i = from; i < from + count; i++)
        if (range_at(state, i)->state == SHARE_ARCHIVING)
            state->archiving -= length_of(&range_at(state, i)->at);
    offset_ranges_remove(&state->ranges, from, count);
}

/* Over whatever is over at the front. */
static void advance(struct share_state *state) {
    size_t passed = 0;
    while (passed < state->ranges.count && range_at(state, passed)->at.first == state->start &&
           (share_state_is_over(range_at(state, passed)->state) ||
            MUTANT(MUTANT_SHARE_RELEASED_PASSED)))
        state->start = range_at(state, passed++)->at.last + 1;
    remove_ranges(state, 0, passed);
}

void share_state_set(struct share_state *state, const struct share_range *outcome) {
    kafka_offset first = outcome->at.first < state->start ? state->start : outcome->at.first,
                 last = outcome->at.last;
    CHECK(outcome->state != SHARE_ACQUIRED);
    if (first > last) return;
    size_t from = offset_ranges_split(&state->ranges, first),
           to = offset_ranges_split(&state->ranges, last + 1);
    remove_ranges(state, from, to - from);
    if (outcome->state != SHARE_AVAILABLE || outcome->count > 0) {
        struct share_range *range = offset_ranges_insert(&state->ranges, from);
        *range = *outcome;
        range->at.first = first;
        if (share_state_is_over(range->state)) range->count = 0;
        if (share_state_is_over(range->state)) range->time_ms = 0;
        if (range->state == SHARE_ARCHIVING) state->archiving += length_of(&range->at);
        merge(state, from + 1);
        merge(state, from);
    }
    advance(state);
}

void share_state_pass(struct share_state *state, kafka_offset start) {
    if (start <= state->start) return;
    size_t below = offset_ranges_split(&state->ranges, start);
    remove_ranges(state, 0, below);
    state->start = start;
    advance(state);
}

/* ---- Dead letters ---- */

int32_t share_move_count(const struct share_move *move) {
    uint64_t count = 0;
    for (size_t i = 0; i < move->records.count; i++)
        count += length_of(offset_ranges_at(&move->records, i));
    return (int32_t)count;
}

int32_t share_move_next(const struct share_move *move) {
    int32_t count = MUTANT(MUTANT_LETTER_NUMBERS_KEPT) ? 0 : share_move_count(move);
    return move->sequence > INT32_MAX - count - SHARE_MOVE_RECORDS ? -1 : move->sequence + count;
}

void share_state_move(struct share_state *state, struct share_move *move) {
    offset_ranges_free(&state->move.records);
    state->move = *move;
    move->records = (struct offset_ranges){.size = sizeof(struct offset_range)};
    state->move.open = true;
}

static bool has_archiving(const struct share_state *state, const struct offset_range *within) {
    size_t at = offset_ranges_find(&state->ranges, within->first);
    for (; at < state->ranges.count && range_at(state, at)->at.first <= within->last; at++)
        if (range_at(state, at)->state == SHARE_ARCHIVING) return true;
    return false;
}

void share_state_settle(struct share_state *state) {
    bool open = false;
    if (!state->move.open) return;
    for (size_t i = 0; !open && i < state->move.records.count; i++)
        open = has_archiving(state, offset_ranges_at(&state->move.records, i));
    state->move.open = open;
}

/* ---- Questions ---- */

uint8_t share_state_of(const struct share_state *state, kafka_offset offset, uint16_t *count) {
    const struct share_range *range = offset_ranges_over(&state->ranges, offset);
    *count = range == NULL ? 0 : range->count;
    return range == NULL ? SHARE_AVAILABLE : range->state;
}

kafka_offset share_state_end(const struct share_state *state) {
    size_t count = state->ranges.count;
    return count == 0 ? state->start : range_at(state, count - 1)->at.last + 1;
}

uint64_t share_state_over_count(const struct share_state *state) {
    uint64_t count = 0;
    for (size_t i = 0; i < state->ranges.count; i++) {
        const struct share_range *range = range_at(state, i);
        if (share_state_is_over(range->state))
            count += (uint64_t)(range->at.last - range->at.first + 1);
    }
    return count;
}
