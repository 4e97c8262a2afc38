/* The names of the styles, and printing by them. */
#include "client/format/number_style.h"

#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "client/line/talk.h"

static const struct {
    const char *name;
    struct number_style style;
} styles[] = {
    {"ascii", {NUMBER_DIGITS, 0}},     {"number", {NUMBER_DIGITS, 0}},
    {"hex", {NUMBER_HEX, 0}},          {"hex64", {NUMBER_HEX, 64}},
    {"hex32", {NUMBER_HEX, 32}},       {"hex16", {NUMBER_HEX, 16}},
    {"hex8", {NUMBER_HEX, 8}},         {"hex4", {NUMBER_HEX, 4}},
    {"big64", {NUMBER_BIG, 64}},       {"big32", {NUMBER_BIG, 32}},
    {"big16", {NUMBER_BIG, 16}},       {"big8", {NUMBER_BIG, 8}},
    {"little64", {NUMBER_LITTLE, 64}}, {"little32", {NUMBER_LITTLE, 32}},
    {"little16", {NUMBER_LITTLE, 16}}, {"little8", {NUMBER_LITTLE, 8}},
    {"byte", {NUMBER_BIG, 8}},         {"bool", {NUMBER_BOOL, 0}},
};

int number_style_parse(const char *text, size_t len, struct number_style *style) {
    for (size_t i = 0; i < sizeof(styles) / sizeof(styles[0]); i++) {
        if (strlen(styles[i].name) == len && memcmp(styles[i].name, text, len) == 0) {
            *style = styles[i].style;
            return ERR_NONE;
        }
    }
    return ERR_INVALID;
}

static void print_number_bytes(struct number_style style, uint64_t number) {
    uint8_t bytes[8];
    int count = style.bits / 8;
    for (int i = 0; i < count; i++) {
        int shift = 8 * (style.kind == NUMBER_BIG ? count - 1 - i : i);
        bytes[i] = (uint8_t)(number >> shift);
    }
    print_bytes(bytes, (size_t)count);
}

void number_print(struct number_style style, int64_t number) {
    uint64_t bits = (uint64_t)number;
    switch (style.kind) {
    case NUMBER_DIGITS: print_text("%" PRId64, number); break;
    case NUMBER_HEX:
        if (style.bits > 0 && style.bits < 64) {
            bits &= ((uint64_t)1 << style.bits) - 1;
        }
        print_text("%0*" PRIx64, style.bits / 4, bits);
        break;
    case NUMBER_BOOL: print_text("%s", number ? "true" : "false"); break;
    default: print_number_bytes(style, bits);
    }
}
