/*
 * Names that nobody outside is to read, and what stands in their place: "topic-3", "host-1".
 *
 * Happy path: add every name with its kind, then rewrite texts. The same name is always the same
 * pseudonym, so that what is about it can still be followed from file to file. A name is replaced
 * where it stands as a whole word: no letter, digit, '.', '_' or '-' touches it, but that of a
 * partition ("orders-3"). Bounds: the caller's, as names come from the caller's lists. No failures.
 */
#ifndef CLIENT_BUNDLE_PSEUDONYMS_H
#define CLIENT_BUNDLE_PSEUDONYMS_H

#include <stddef.h>

struct pseudonyms;

struct pseudonyms *pseudonyms_new(void);
void pseudonyms_free(struct pseudonyms *names);
/* A name that is there already, an empty one, or one of digits alone (which would take numbers for
 * it) is left as it is. `kind`: a string that stays. */
void pseudonyms_add(struct pseudonyms *names, const char *kind, const char *name, size_t len);
/* A copy of the text with them in place, and a zero behind (mem_free); *made: its length. Addresses
 * of IPv4 and IPv6 in it become pseudonyms too, of the kind "address". */
char *pseudonyms_apply(struct pseudonyms *names, const char *text, size_t len, size_t *made);

#endif
