/*
 * How a format writes a number: in braces behind its letter, as rpk has it.
 *
 *   ascii, number               digits (the default)
 *   hex                         as many hexadecimal digits as are needed
 *   hex64 hex32 hex16 hex8 hex4 so many of its lowest bits, one digit for four
 *   big64 ... big8              bytes, the highest first; little64 ... little8: the lowest first
 *   byte                        the lowest byte
 *   bool                        true, or false for 0
 */
#ifndef CLIENT_FORMAT_NUMBER_STYLE_H
#define CLIENT_FORMAT_NUMBER_STYLE_H

#include <stddef.h>
#include <stdint.h>

enum number_kind { NUMBER_DIGITS, NUMBER_HEX, NUMBER_BIG, NUMBER_LITTLE, NUMBER_BOOL };

struct number_style {
    enum number_kind kind;
    int bits; /* NUMBER_HEX: 0, as many as are needed */
};

/* What may stand in the braces, for sentences. */
#define NUMBER_STYLES \
    "ascii, hex, hex64, hex32, hex16, hex8, hex4, big64 to big8, little64 to little8, byte and bool"

/* ERR_NONE; ERR_INVALID: none of the names. */
int number_style_parse(const char *text, size_t len, struct number_style *style);
void number_print(struct number_style style, int64_t number);

#endif
