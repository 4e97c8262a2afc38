/*
 * Regular expressions over names of certificates: what ssl.principal.mapping.rules has between its
 * slashes, with groups, as Java's Pattern finds the first match of the whole name (KIP-371).
 *
 * Happy path: name_regex_new compiles; name_regex_match says where the groups are. It goes back
 * over choices in Java's order, and never tries an instruction twice at the same place of the name,
 * so its time is at most instructions times bytes, taken off a budget. Failures: what needs more
 * than that (back-references, lookaround, possessive quantifiers) or is no expression, and programs
 * of more than NAME_REGEX_CODE_MAX instructions, are refused with a sentence. Pure. A name is
 * UTF-8, of which each byte above 127 counts as a character that no class but a negated one, and
 * ".", has.
 */
#ifndef BROKER_TLS_NAME_REGEX_H
#define BROKER_TLS_NAME_REGEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum { NAME_REGEX_CODE_MAX = 1000, NAME_REGEX_GROUPS = 10 };

struct name_regex;
/* NULL: refused. */
struct name_regex *name_regex_new(const char *pattern, size_t len, struct error_text *why);
void name_regex_free(struct name_regex *regex); /* NULL does nothing */
/* How many groups it has beside the whole. */
unsigned name_regex_groups(const struct name_regex *regex);

struct name_group {
    size_t from, to; /* both SIZE_MAX: it took no part */
};
/* groups[0] is all of it. Takes its steps off *budget; 0: spent, and the answer means nothing. */
bool name_regex_match(const struct name_regex *regex, const char *name, size_t len,
                      struct name_group groups[NAME_REGEX_GROUPS], uint64_t *budget);

#endif
