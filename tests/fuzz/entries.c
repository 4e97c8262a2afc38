/* Reading the lengths of an entry and writing its checksums anew; the layout is that of
 * storage/entry.h. */
#include "tests/fuzz/entries.h"

#include "base/crc32c.h"
#include "storage/entry.h"
#include "storage/little_endian.h"

enum { BODY_LEN_AT = 4, BODY_CRC_AT = 56, HEADER_CRC_AT = 60 };

size_t entries_seal_one(uint8_t *header, uint8_t *body, size_t body_room) {
    size_t len = le_get_u32(header + BODY_LEN_AT);
    if (len > body_room) return SIZE_MAX;
    le_put_u32(header + BODY_CRC_AT, crc32c(0, body, len));
    le_put_u32(header + HEADER_CRC_AT, crc32c(0, header, HEADER_CRC_AT));
    return len;
}
