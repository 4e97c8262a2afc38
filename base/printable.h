/*
 * Text from strangers on its way to a person: what would steer a terminal becomes visible, the rest
 * stays as it is.
 *
 * Escaped are control characters (C0, DEL, C1), characters that turn the direction of writing
 * around, and bytes that are no UTF-8. C0 and stray bytes become "\x1b", the others "\u009b", which
 * inside a JSON string means the same character.
 */
#ifndef BASE_PRINTABLE_H
#define BASE_PRINTABLE_H

#include <stddef.h>

enum { PRINTABLE_ESCAPE = 7 }; /* "\u202e" and its end */

/* Looks at the character that `text` begins with (`len` > 0) and returns its bytes, 1 to 4.
 * `escape` gets what to show instead; empty: the bytes themselves. */
size_t printable_step(const char *text, size_t len, char escape[PRINTABLE_ESCAPE]);

/* All of `text` into `into`, terminated, cut at the end of a character when it does not fit.
 * Returns the length. */
size_t printable_copy(const char *text, size_t len, char *into, size_t room);

/* The inside of a JSON string, in the same way: UTF-8 in, terminated and cut to `room`; a byte that
 * is no UTF-8 becomes U+FFFD. */
size_t printable_json(const char *text, size_t len, char *into, size_t room);

#endif
