/*
 * The program of a regular expression: instructions whose jumps are relative, so that a piece that
 * stands for itself can be moved and copied. Private to topic_regex.c and its parser.
 *
 * Happy path: the parser appends, and turns the piece at the end into an optional or repeated one.
 * Failure: over the limit `too_large` is set, and nothing more is appended. Invariant: no jump
 * leaves the piece that it belongs to, but to just behind its end.
 */
#ifndef BROKER_COORDINATOR_REGEX_REGEX_PROGRAM_H
#define BROKER_COORDINATOR_REGEX_REGEX_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

/* ASCII characters. */
struct regex_set {
    uint64_t bits[2];
};
static inline bool regex_set_has(const struct regex_set *set, unsigned char c) {
    return c < 128 && (set->bits[c / 64] >> (c % 64) & 1) != 0;
}

enum regex_op {
    REGEX_SET,   /* one character of the set */
    REGEX_SPLIT, /* goes on at +1 and at +to */
    REGEX_JUMP,  /* goes on at +to */
    REGEX_BEGIN, /* nothing before */
    REGEX_END,   /* nothing behind */
    REGEX_WORD,  /* a word begins or ends here */
    REGEX_NOT_WORD,
    REGEX_MATCH,
};

struct regex_instruction {
    enum regex_op op;
    int32_t to;
    struct regex_set set;
};

struct regex_program {
    struct regex_instruction *code;
    uint32_t count, capacity;
    bool too_large;
};

void regex_program_add(struct regex_program *program, struct regex_instruction instruction);
/* Puts one in front of the piece that begins at `start` and reaches to the end. */
void regex_program_insert(struct regex_program *program, uint32_t start,
                          struct regex_instruction instruction);
/* The piece from `start` to the end, `min` to `max` times; max -1: as often as it comes. */
void regex_program_repeat(struct regex_program *program, uint32_t start, int32_t min, int32_t max);

#endif
