/* Between the files of the parser of regular expressions. */
#ifndef BROKER_COORDINATOR_REGEX_REGEX_PARSE_INTERNAL_H
#define BROKER_COORDINATOR_REGEX_REGEX_PARSE_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "broker/coordinator/regex/regex_class.h"

/* The pattern, and how far it is read. */
struct regex_text {
    const char *data;
    size_t len, at;
    struct error_text *why; /* the first thing that is wrong; "" so far */
};

/* Notes what is wrong, once. Always false. */
bool regex_refuse(struct regex_text *text, const char *what);
/* The character `ahead` bytes on is this one. */
bool regex_sees(const struct regex_text *text, size_t ahead, char c);
/* Takes the next character. False: there is none, or it is no UTF-8 (refused). */
bool regex_take(struct regex_text *text, uint32_t *c);

/* At a backslash: one character that is written so. False: refused. */
bool regex_escape(struct regex_text *text, uint32_t *c);
/* At a backslash: \d, \pL and their like. False: it is none of them, or was refused. */
bool regex_escaped_class(struct regex_text *text, bool fold, struct regex_set *set);
/* At "[": all up to its "]". False: refused. */
bool regex_bracket(struct regex_text *text, bool fold, struct regex_set *set);

#endif
