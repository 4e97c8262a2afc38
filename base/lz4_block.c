/* LZ4 blocks by liblz4, whose lengths are ints: what does not fit into one is refused here. */
#include "base/lz4_block.h"

#include <limits.h>
#include <lz4.h>

#include "base/error.h"

size_t lz4_block_compress(const void *from, size_t len, void *into, size_t room) {
    if (len > LZ4_MAX_INPUT_SIZE) return 0;
    int limit = room > INT_MAX ? INT_MAX : (int)room;
    int written = LZ4_compress_default(from, into, (int)len, limit);
    return written <= 0 ? 0 : (size_t)written;
}

int lz4_block_decompress(const void *from, size_t len, void *into, size_t raw_len) {
    if (len > INT_MAX || raw_len > INT_MAX) return ERR_CORRUPT;
    int written = LZ4_decompress_safe(from, into, (int)len, (int)raw_len);
    return written >= 0 && (size_t)written == raw_len ? ERR_NONE : ERR_CORRUPT;
}
