/*
 * LZ4 blocks for our own storage and peers (not Kafka's codec, which is protocol/record/codec.h):
 * the raw length travels beside them.
 */
#ifndef BASE_LZ4_BLOCK_H
#define BASE_LZ4_BLOCK_H

#include <stddef.h>
#include <stdint.h>

/* Returns the compressed length, or 0 when it would not fit into `room`, or LZ4 cannot take so many
 * bytes (above 2113929216). */
size_t lz4_block_compress(const void *from, size_t len, void *into, size_t room);
/* ERR_CORRUPT unless exactly `raw_len` bytes come out. Never reads or writes outside. */
int lz4_block_decompress(const void *from, size_t len, void *into, size_t raw_len);

#endif
