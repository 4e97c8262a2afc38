/* CRC-32C (Castagnoli), as in Kafka's record batches and RFC 3720. */
#ifndef BASE_CRC32C_H
#define BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* The checksum of `len` bytes; `seed` is 0 or the checksum of the bytes before them. */
uint32_t crc32c(uint32_t seed, const void *data, size_t len);

#endif
