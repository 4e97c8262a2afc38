/*
 * Damage to the body of a frame: bits, numbers at their extremes, varints without end, pieces put
 * in, taken out, doubled.
 */
#ifndef TESTS_GARBAGE_MUTATE_H
#define TESTS_GARBAGE_MUTATE_H

#include "tests/garbage/chance.h"

/* Bytes that grow; from mem_alloc, the owner frees `data`. */
struct bytes {
    uint8_t *data;
    size_t len, room;
};

void bytes_set(struct bytes *bytes, const void *data, size_t len);
void bytes_append(struct bytes *bytes, const void *data, size_t len);
/* Changes what lies behind `keep`, once to four times, and adds at most 64 KiB. */
void mutate(struct chance *chance, struct bytes *bytes, size_t keep);

/* The claims of a count or length at one place, for "counts that claim 2^31": fixed and compact
 * forms. */
enum { MUTATE_CLAIMS = 4 };
void mutate_claim(struct bytes *bytes, size_t at, unsigned which);

#endif
