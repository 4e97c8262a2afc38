/* The parser of RE2's syntax, with the flags of Kafka's: Perl's classes, Unicode's groups, "$" at
 * the end of the text only. Private to topic_regex.c. */
#ifndef BROKER_COORDINATOR_REGEX_REGEX_PARSE_H
#define BROKER_COORDINATOR_REGEX_REGEX_PARSE_H

#include <stddef.h>

#include "base/error.h"
#include "broker/coordinator/regex/regex_program.h"

/* Fills an empty program. False: refused, with a sentence; the program is then to be freed all the
 * same. */
bool regex_parse(const char *pattern, size_t len, struct regex_program *program,
                 struct error_text *why);

#endif
