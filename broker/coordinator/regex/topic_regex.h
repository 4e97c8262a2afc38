/*
 * Regular expressions over topic names: the syntax of RE2, which is Kafka's for subscriptions
 * (KIP-848), with a full match, in time linear in the name whatever expression comes.
 *
 * Happy path: topic_regex_new compiles to a program of a bounded number of instructions;
 * topic_regex_matches walks all its ways through the name at once (Thompson's simulation), so
 * nothing is ever tried twice. Pure: may run on another thread, one match of a regex at a time.
 * Failures: what RE2 does not take (back-references, lookaround, nested quantifiers, ...), and what
 * passes TOPIC_REGEX_INSTRUCTIONS_MAX, is refused with a sentence. Invariants: memory is below
 * 64 bytes an instruction; no recursion; a name has ASCII characters only, so all that a regular
 * expression says of others (\pL, ranges, folding) is kept as the ASCII part of it.
 */
#ifndef BROKER_COORDINATOR_REGEX_TOPIC_REGEX_H
#define BROKER_COORDINATOR_REGEX_TOPIC_REGEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum {
    TOPIC_REGEX_PATTERN_MAX = 4096,      /* bytes */
    TOPIC_REGEX_INSTRUCTIONS_MAX = 8192, /* of the program */
};

struct topic_regex;

/* NULL when it is refused; `why` says what is wrong, and where in the pattern. */
struct topic_regex *topic_regex_new(const char *pattern, size_t len, struct error_text *why);
void topic_regex_free(struct topic_regex *regex); /* NULL does nothing */

/* Whether all of the name matches. Takes the instructions that it looked at off `*budget`; when
 * that is spent, it is 0 and the answer means nothing: 10 ns an instruction at most. */
bool topic_regex_matches(struct topic_regex *regex, const char *name, size_t len, uint64_t *budget);

#endif
