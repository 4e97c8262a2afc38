/* A format as it was read: its pieces in order. Of record_format.c, which prints them, and
 * format_parts.c, which reads them. */
#ifndef CLIENT_FORMAT_FORMAT_PARTS_H
#define CLIENT_FORMAT_FORMAT_PARTS_H

#include "base/error.h"
#include "client/format/number_style.h"

enum part_kind {
    PART_LITERAL,    /* `text` */
    PART_TEXT,       /* the letter's bytes as they are */
    PART_HEX,        /* in hexadecimal */
    PART_BASE64,     /* RFC 4648, section 4 */
    PART_BASE64_RAW, /* without padding */
    PART_UNPACK,     /* by the letters of `text` */
    PART_NUMBER,     /* by `number` */
    PART_CODEC,      /* the name of the batch's compression */
    PART_TIME,       /* strftime by `text` */
    PART_HEADERS,    /* as kcat has them */
    PART_EACH_HEADER /* by `inner` */
};

enum { STRFTIME_MAX = 128 }; /* bytes of a format of a time */

/* Letters of the attributes, which are typed as %a{...}. */
enum part_attribute {
    ATTRIBUTE_LETTER_CODEC = 1,
    ATTRIBUTE_LETTER_TIME,
    ATTRIBUTE_LETTER_TRANSACTIONAL,
    ATTRIBUTE_LETTER_CONTROL
};

struct format_part {
    enum part_kind kind;
    char letter; /* as typed, or an enum part_attribute */
    struct number_style number;
    char *text; /* ends with a zero behind its `len` bytes */
    size_t len;
    struct format_parts *inner;
};

struct format_parts {
    struct format_part *items;
    size_t count, room;
};

/* `headers`: the format of a header, which has key and value only. ERR_NONE; ERR_INVALID: `why`
 * has the sentence, nothing is to be freed. */
int format_parts_read(const char *text, size_t len, bool headers, struct format_parts *parts,
                      struct error_text *why);
void format_parts_free(struct format_parts *parts);

#endif
