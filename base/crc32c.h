/* CRC-32C (Castagnoli), as in Kafka's record batches and RFC 3720. */
#ifndef BASE_CRC32C_H
#define BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* The checksum of `len` bytes; `seed` is 0 or the checksum of the bytes before them. */
uint32_t crc32c(uint32_t seed, const void *data, size_t len);
/* The checksum `crc` of a text after `len` bytes in it changed from `old` to `new`, with `behind`
 * bytes after them that are not looked at. */
uint32_t crc32c_changed(uint32_t crc, const void *old, const void *new, size_t len,
                        uint64_t behind);

#endif
