/* The program of an expression, between its compiler (name_regex.c) and its walk
 * (name_regex_match.c). Jumps are relative, so that a piece can be moved and copied. */
#ifndef BROKER_TLS_NAME_REGEX_INTERNAL_H
#define BROKER_TLS_NAME_REGEX_INTERNAL_H

#include "broker/tls/name_regex.h"

enum name_op {
    NAME_SET,       /* one byte of the set */
    NAME_SPLIT,     /* goes on at +1, else at +to */
    NAME_SPLIT_FAR, /* goes on at +to, else at +1 */
    NAME_JUMP,
    NAME_SAVE, /* a group begins or ends here: to is 2 * group, and 1 more for its end */
    NAME_BEGIN,
    NAME_END,
    NAME_WORD,
    NAME_NOT_WORD,
    NAME_MATCH,
};

struct name_set {
    uint64_t bits[4];
};

struct name_instruction {
    enum name_op op;
    int32_t to;
    struct name_set set;
};

struct name_regex {
    uint32_t count;
    unsigned groups;
    struct name_instruction code[NAME_REGEX_CODE_MAX];
};

static inline bool name_set_has(const struct name_set *set, unsigned char c) {
    return (set->bits[c / 64] >> (c % 64) & 1) != 0;
}
static inline bool name_is_word(unsigned char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

#endif
