/*
 * Checksums of the entries in bytes that somebody has changed, made right again: what stands behind the checksum is the target.
 */
#ifndef TESTS_FUZZ_ENTRIES_H
#define TESTS_FUZZ_ENTRIES_H

#include <stddef.h>
#include <stdint.h>

/* A row of entries, header and body each. */
void entries_seal_row(uint8_t *bytes, size_t len);
/* Headers in one place, their bodies behind each other in another, as a frame of entries has them; one header: its body's length. */
size_t entries_seal_one(uint8_t *header, uint8_t *body, size_t body_room);

#endif
