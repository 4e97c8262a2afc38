/*
 * Bytes as base64 and back (RFC 4648), the one for all: secrets, too, in a time that tells nothing
 * of what they are but their length.
 *
 * Happy path: base64_encode, base64_decode in the same form. Failures: what base64_encode does not
 * write is refused. Pure.
 */
#ifndef BASE_SECURE_BASE64_H
#define BASE_SECURE_BASE64_H

#include <stdbool.h>
#include <stddef.h>

enum base64_form {
    BASE64_PADDED, /* with = at its end */
    BASE64_BARE,   /* the same without */
    BASE64_URL,    /* without, and with - and _ in the place of + and / */
};

/* Of the text of so many bytes, with its end; enough for each form. */
#define BASE64_SIZE(len) (((len) + 2) / 3 * 4 + 1)

/* The text's length; a zero stands behind it. */
size_t base64_encode(enum base64_form form, const void *data, size_t len, char *into);
/* False: it is no such text, or has more than `room` bytes; nothing of `into` counts. `into` may be
 * the text itself. */
bool base64_decode(enum base64_form form, const char *text, size_t len, void *into, size_t room,
                   size_t *got);

#endif
