/*
 * Binary numbers in keys and values, made readable: the letters that kcat's -s and rpk's
 * %v{unpack[...]} take.
 *
 *   < >       from here on the lowest byte comes first, or the highest (which it does at first)
 *   b h i q   a signed number of 1, 2, 4, 8 bytes; B H I Q: without a sign
 *   c .       one byte as it is;   s   the rest as it is
 *   x or a blank   a blank is printed, nothing is read
 *   $         nothing may be left
 *
 * Bytes that do not fit are told in the output, behind what did: a reader that ends at the first
 * odd record would be of little use.
 */
#ifndef CLIENT_FORMAT_UNPACK_H
#define CLIENT_FORMAT_UNPACK_H

#include <stdbool.h>
#include <stddef.h>

/* Whether all of `letters` are of those above, and there is one at least. */
bool unpack_check(const char *letters, size_t len);
void unpack_print(const char *letters, size_t len, const void *data, size_t data_len);

#endif
