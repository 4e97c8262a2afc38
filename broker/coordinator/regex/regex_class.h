/*
 * Classes of characters, as the ASCII part of them: names of POSIX, letters of Perl, categories of
 * Unicode. Private to the parser of regular expressions.
 */
#ifndef BROKER_COORDINATOR_REGEX_REGEX_CLASS_H
#define BROKER_COORDINATOR_REGEX_REGEX_CLASS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/coordinator/regex/regex_program.h"

/* Adds the characters from `low` to `high`; with `fold` those in the other case, too, and those
 * that fold to them (the Kelvin sign is a k, the long s an s). */
void regex_class_add_range(struct regex_set *set, uint32_t low, uint32_t high, bool fold);
/* Adds all of `other`; `invert`: all that is not in it. */
void regex_class_add(struct regex_set *set, struct regex_set other, bool invert);
struct regex_set regex_class_folded(struct regex_set set);

/* The class of a letter of Perl (d, s, w, and large for the opposite). False: none. */
bool regex_class_perl(uint32_t letter, struct regex_set *set);
/* The class "alpha" of [:alpha:], and of \p{Lu}. False: no such name. */
bool regex_class_posix(const char *name, size_t len, struct regex_set *set);
bool regex_class_unicode(const char *name, size_t len, struct regex_set *set);

#endif
