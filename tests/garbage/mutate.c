/* The ways in which bytes are spoiled: put in, taken out, doubled, overwritten, claimed to be more.
 */
#include "tests/garbage/mutate.h"

#include <string.h>

#include "base/mem.h"

enum { PIECE_MAX = 64, LONG_PIECE = 1 << 16 };

static void reserve(struct bytes *bytes, size_t len) {
    if (len <= bytes->room) return;
    bytes->room = len * 2 + PIECE_MAX;
    bytes->data = mem_realloc(bytes->data, bytes->room);
}

void bytes_set(struct bytes *bytes, const void *data, size_t len) {
    reserve(bytes, len);
    memcpy(bytes->data, data, len);
    bytes->len = len;
}

void bytes_append(struct bytes *bytes, const void *data, size_t len) {
    reserve(bytes, bytes->len + len);
    memcpy(bytes->data + bytes->len, data, len);
    bytes->len += len;
}

static void insert(struct bytes *bytes, size_t at, size_t len) {
    reserve(bytes, bytes->len + len);
    memmove(bytes->data + at + len, bytes->data + at, bytes->len - at);
    bytes->len += len;
}

static void overwrite(struct bytes *bytes, size_t at, const void *data, size_t len) {
    if (len > bytes->len - at) len = bytes->len - at;
    memcpy(bytes->data + at, data, len);
}

static void put_in(struct chance *chance, struct bytes *bytes, size_t at) {
    size_t len = 1 + chance_below(chance, chance_of(chance, 99) ? PIECE_MAX : LONG_PIECE);
    insert(bytes, at, len);
    chance_fill(chance, bytes->data + at, len);
}

static void take_out(struct chance *chance, struct bytes *bytes, size_t at) {
    size_t len = chance_below(chance, bytes->len - at) + 1;
    if (len > PIECE_MAX && chance_of(chance, 80)) len = PIECE_MAX;
    memmove(bytes->data + at, bytes->data + at + len, bytes->len - at - len);
    bytes->len -= len;
}

static void put_in_twice(struct chance *chance, struct bytes *bytes, size_t at) {
    size_t len = chance_below(chance, bytes->len - at) + 1;
    if (len > PIECE_MAX) len = PIECE_MAX;
    insert(bytes, at, len);
    memcpy(bytes->data + at, bytes->data + at + len, len);
}

static void change_once(struct chance *chance, struct bytes *bytes, size_t keep) {
    static const uint8_t extremes[][8] = {
        {0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, {0x80, 0, 0, 0, 0, 0, 0, 0},
        {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, {0, 0, 0, 0, 0, 0, 0, 0},
        {0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0, 0},          {0, 0, 0, 1, 0, 0, 0, 1}};
    size_t at = keep + chance_below(chance, bytes->len - keep);
    switch (chance_below(chance, 8)) {
    case 0: bytes->data[at] ^= (uint8_t)(1u << chance_below(chance, 8)); break;
    case 1: bytes->data[at] = (uint8_t)chance_next(chance); break;
    case 2: bytes->data[at] = (uint8_t)(bytes->data[at] + (chance_of(chance, 50) ? 1 : 255)); break;
    case 3:
    case 4:
        overwrite(bytes, at, extremes[chance_below(chance, 6)],
                  (size_t)1 << chance_below(chance, 4));
        break;
    case 5: put_in(chance, bytes, at); break;
    case 6: take_out(chance, bytes, at); break;
    default: put_in_twice(chance, bytes, at);
    }
}

void mutate(struct chance *chance, struct bytes *bytes, size_t keep) {
    for (size_t n = 1 + chance_below(chance, 4); n > 0 && bytes->len > keep; n--)
        change_once(chance, bytes, keep);
}

void mutate_claim(struct bytes *bytes, size_t at, unsigned which) {
    static const uint8_t claims[MUTATE_CLAIMS][5] = {{0x7f, 0xff, 0xff, 0xff, 0xff},
                                                     {0x80, 0, 0, 0, 0},
                                                     {0xff, 0xff, 0xff, 0xff, 0x07},
                                                     {0xff, 0xff, 0xff, 0xff, 0x0f}};
    overwrite(bytes, at, claims[which], which < 2 ? 4 : 5);
}
