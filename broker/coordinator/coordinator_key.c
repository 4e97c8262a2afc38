/* UTF-8 into code points, these into UTF-16 code units, those into the hash. */
#include "broker/coordinator/coordinator_key.h"

enum {
    REPLACEMENT = 0xfffd,
    FIRST_PAIR = 0x10000,
    HIGH_SURROGATE = 0xd800,
    LOW_SURROGATE = 0xdc00
};

/* How many bytes follow `first`, and which values the second may have (Unicode, table 3-7); -1: no
 * sequence begins so. */
static int followers(uint8_t first, uint8_t *least, uint8_t *most) {
    *least = 0x80;
    *most = 0xbf;
    if (first < 0x80) return 0;
    if (first < 0xc2 || first > 0xf4) return -1;
    if (first == 0xe0) *least = 0xa0;
    if (first == 0xed) *most = 0x9f;
    if (first == 0xf0) *least = 0x90;
    if (first == 0xf4) *most = 0x8f;
    return first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
}

static uint32_t next_point(const uint8_t *bytes, size_t len, size_t *at) {
    uint8_t least, most, first = bytes[(*at)++];
    int left = followers(first, &least, &most);
    if (left < 0) return REPLACEMENT;
    uint32_t point = left == 0 ? first : first & (0x3fu >> left);
    for (; left > 0; left--) {
        if (*at == len || bytes[*at] < least || bytes[*at] > most) return REPLACEMENT;
        point = point << 6 | (bytes[(*at)++] & 0x3fu);
        least = 0x80;
        most = 0xbf;
    }
    return point;
}

int32_t coordinator_key_hash(const char *key, size_t len) {
    const uint8_t *bytes = (const uint8_t *)key;
    uint32_t hash = 0;
    for (size_t at = 0; at < len;) {
        uint32_t point = next_point(bytes, len, &at);
        if (point >= FIRST_PAIR) {
            hash = 31 * hash + (HIGH_SURROGATE | (point - FIRST_PAIR) >> 10);
            point = LOW_SURROGATE | (point & 0x3ff);
        }
        hash = 31 * hash + point;
    }
    return (int32_t)hash;
}

int32_t coordinator_key_partition(const char *key, size_t len, int32_t partitions) {
    int32_t hash = coordinator_key_hash(key, len);
    int32_t magnitude = hash == INT32_MIN ? 0 : hash < 0 ? -hash : hash;
    return magnitude % partitions;
}
