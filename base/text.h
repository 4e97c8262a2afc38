/*
 * What strangers send as text: whether people can read it, and making it so. Names, values and
 * reasons end up in logs, on terminals and in other programs, so no control character (C0, DEL, C1)
 * and no byte that is not UTF-8 goes further.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Whether all of it is UTF-8 (RFC 3629: shortest forms, no surrogates) without control characters.
 */
bool text_is_plain(const char *data, size_t len);
/* Without the blanks and control characters at both ends (Java's String.trim): the length of what
 * is left, and where it begins. */
size_t text_trim(const char *data, size_t len, const char **begin);
/* The same of each item between commas, in place: the length of what is left. */
size_t text_trim_items(char *list, size_t len);
/* Puts '?' for each byte that keeps `text` from being plain. */
void text_make_plain(char *text);

#endif
