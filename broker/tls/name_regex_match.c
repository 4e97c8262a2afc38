/*
 * Going over the ways of an expression, the preferred one first. What is still to be tried lies on
 * a stack of our own; a place (instruction, byte) that was tried is marked and never tried again:
 * what follows from it does not depend on how it was reached, and it led to nothing.
 */
#include <string.h>

#include "base/mem.h"
#include "broker/tls/name_regex_internal.h"

/* To be tried, or, with `slot`, a group's end to be set back. */
struct step {
    uint32_t at;
    int32_t slot; /* -1: try */
    size_t place; /* in the name; what the slot had */
};

struct walk {
    const struct name_regex *regex;
    const char *name;
    size_t len;
    uint64_t *tried; /* a bit for each instruction and place */
    struct step *steps;
    size_t count, room;
    size_t slots[2 * NAME_REGEX_GROUPS];
};

static void push(struct walk *walk, uint32_t at, int32_t slot, size_t place) {
    walk->steps = mem_grow(walk->steps, walk->count, &walk->room, sizeof *walk->steps);
    walk->steps[walk->count++] = (struct step){at, slot, place};
}

static bool was_tried(struct walk *walk, uint32_t at, size_t place) {
    size_t bit = at * (walk->len + 1) + place;
    uint64_t mask = (uint64_t)1 << (bit % 64);
    bool was = (walk->tried[bit / 64] & mask) != 0;
    walk->tried[bit / 64] |= mask;
    return was;
}

static bool word_edge(const struct walk *walk, size_t place) {
    bool before = place > 0 && name_is_word((unsigned char)walk->name[place - 1]);
    bool behind = place < walk->len && name_is_word((unsigned char)walk->name[place]);
    return before != behind;
}

/* Whether the instruction lets one go on to the next at the same place. */
static bool passes(const struct walk *walk, enum name_op op, size_t place) {
    switch (op) {
    case NAME_BEGIN: return place == 0;
    case NAME_END: return place == walk->len;
    case NAME_WORD: return word_edge(walk, place);
    default: return !word_edge(walk, place);
    }
}

/* From there as far as there is no choice; other ways are pushed. True: all of it matches. */
static bool follow(struct walk *walk, uint32_t at, size_t place, uint64_t *budget) {
    for (; *budget > 0 && !was_tried(walk, at, place); --*budget) {
        const struct name_instruction *one = &walk->regex->code[at];
        uint32_t far = (uint32_t)((int32_t)at + one->to);
        switch (one->op) {
        case NAME_SET:
            if (place == walk->len || !name_set_has(&one->set, (unsigned char)walk->name[place]))
                return false;
            place++;
            at++;
            break;
        case NAME_SPLIT:
            push(walk, far, -1, place);
            at++;
            break;
        case NAME_SPLIT_FAR:
            push(walk, at + 1, -1, place);
            at = far;
            break;
        case NAME_JUMP: at = far; break;
        case NAME_SAVE:
            push(walk, 0, one->to, walk->slots[one->to]);
            walk->slots[one->to] = place;
            at++;
            break;
        case NAME_MATCH: return place == walk->len;
        default:
            if (!passes(walk, one->op, place)) return false;
            at++;
        }
    }
    return false;
}

bool name_regex_match(const struct name_regex *regex, const char *name, size_t len,
                      struct name_group groups[NAME_REGEX_GROUPS], uint64_t *budget) {
    struct walk walk = {.regex = regex, .name = name, .len = len};
    size_t bits = regex->count * (len + 1);
    bool matches = false;
    walk.tried = mem_zalloc((bits / 64 + 1) * sizeof *walk.tried);
    memset(walk.slots, 0xff, sizeof walk.slots);
    push(&walk, 0, -1, 0);
    while (!matches && walk.count > 0 && *budget > 0) {
        struct step step = walk.steps[--walk.count];
        if (step.slot >= 0)
            walk.slots[step.slot] = step.place;
        else
            matches = follow(&walk, step.at, step.place, budget);
    }
    for (unsigned i = 0; i < NAME_REGEX_GROUPS; i++)
        groups[i] = (struct name_group){walk.slots[2 * i], walk.slots[2 * i + 1]};
    groups[0] = (struct name_group){0, len};
    mem_free(walk.tried);
    mem_free(walk.steps);
    return matches && *budget > 0;
}
