/*
 * Checksums of the entries in bytes that somebody has changed, made right again: what stands behind
 * the checksum is the target.
 */
#ifndef TESTS_FUZZ_ENTRIES_H
#define TESTS_FUZZ_ENTRIES_H

#include <stddef.h>
#include <stdint.h>

/* One entry, whose body may lie in another place; returns the body's length, or SIZE_MAX: there is
 * no room for so much. */
size_t entries_seal_one(uint8_t *header, uint8_t *body, size_t body_room);

#endif
