/*
 * From a pattern to a program: alternatives of sequences of pieces, each with its quantifier.
 *
 * Happy path: what is read is appended; a quantifier puts instructions around the piece that ends
 * the program. Failure: the first thing that is wrong is noted in `why`, and ends the reading.
 * Invariants: groups are nested DEPTH_MAX deep at most, which bounds the recursion; no jump leaves
 * its piece but to just behind its end.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "broker/tls/name_regex_internal.h"

enum { DEPTH_MAX = 20, REPEAT_MAX = 500, ENDLESS = -1 };

struct reader {
    const char *at, *end;
    struct name_regex *regex;
    struct error_text *why; /* "": all is well so far */
    bool fold;              /* (?i) */
    unsigned depth;
};

static bool refuse(struct reader *reader, const char *what) {
    if (reader->why->text[0] == '\0') error_set(reader->why, ERR_INVALID, "%s", what);
    return false;
}

static bool sees(const struct reader *reader, const char *text) {
    size_t len = strlen(text);
    return (size_t)(reader->end - reader->at) >= len && memcmp(reader->at, text, len) == 0;
}

/* ---- Sets ---- */

static void set_add(struct name_set *set, unsigned from, unsigned to, bool fold) {
    for (unsigned c = from; c <= to; c++) {
        set->bits[c / 64] |= (uint64_t)1 << (c % 64);
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (fold && letter) set->bits[(c ^ 32) / 64] |= (uint64_t)1 << ((c ^ 32) % 64);
    }
}

static void set_invert(struct name_set *set) {
    for (int i = 0; i < 4; i++)
        set->bits[i] = ~set->bits[i];
}

static void set_join(struct name_set *set, const struct name_set *other) {
    for (int i = 0; i < 4; i++)
        set->bits[i] |= other->bits[i];
}

/* \d, \w, \s and their opposites. False: it is none of them. */
static bool named_class(char c, struct name_set *set) {
    *set = (struct name_set){{0}};
    switch (c | 32) {
    case 'd': set_add(set, '0', '9', false); break;
    case 's':
        set_add(set, '\t', '\r', false);
        set_add(set, ' ', ' ', false);
        break;
    case 'w':
        for (unsigned w = 0; w < 128; w++)
            if (name_is_word((unsigned char)w)) set_add(set, w, w, false);
        break;
    default: return false;
    }
    if (c < 'a') set_invert(set);
    return true;
}

/* Behind a backslash: the character that it stands for. */
static bool escaped(struct reader *reader, unsigned *c) {
    static const char letters[] = "tnrfae", values[] = "\t\n\r\f\a\x1b";
    if (reader->at == reader->end) return refuse(reader, "it ends in a backslash");
    *c = (unsigned char)*reader->at++;
    const char *known = *c == 0 ? NULL : strchr(letters, (int)*c);
    if (known != NULL)
        *c = (unsigned char)values[known - letters];
    else if (*c < 128 && name_is_word((unsigned char)*c) && *c != '_')
        return refuse(reader, *c >= '1' && *c <= '9'
                                  ? "back-references are not there"
                                  : "it has a backslash before a letter that it does not know");
    return true;
}

/* One end of a range, or a class (*is_class). */
static bool bracket_item(struct reader *reader, unsigned *c, struct name_set *set, bool *is_class) {
    *is_class = false;
    *c = (unsigned char)*reader->at++;
    if (*c != '\\') return true;
    if (reader->at < reader->end && named_class(*reader->at, set)) {
        *is_class = true;
        reader->at++;
        return true;
    }
    return escaped(reader, c);
}

static bool read_range(struct reader *reader, struct name_set *set) {
    struct name_set class;
    unsigned from, to;
    bool is_class;
    if (!bracket_item(reader, &from, &class, &is_class)) return false;
    if (is_class) {
        set_join(set, &class);
        return true;
    }
    to = from;
    if (reader->end - reader->at >= 2 && reader->at[0] == '-' && reader->at[1] != ']') {
        reader->at++;
        if (!bracket_item(reader, &to, &class, &is_class)) return false;
        if (is_class || to < from) return refuse(reader, "a range in [ ] goes backwards");
    }
    set_add(set, from, to, reader->fold);
    return true;
}

static bool read_bracket(struct reader *reader, struct name_set *set) {
    bool inverted = ++reader->at < reader->end && *reader->at == '^', first = true;
    reader->at += inverted;
    *set = (struct name_set){{0}};
    for (; reader->at < reader->end && (first || *reader->at != ']'); first = false) {
        if (*reader->at == '[' || sees(reader, "&&"))
            return refuse(reader, "[ ] has a [ or && in it; write \\[ for the character");
        if (!read_range(reader, set)) return false;
    }
    if (reader->at == reader->end) return refuse(reader, "a ] is missing");
    reader->at++;
    if (inverted) set_invert(set);
    return true;
}

/* ---- Pieces ---- */

static bool add(struct reader *reader, struct name_instruction one) {
    struct name_regex *regex = reader->regex;
    if (regex->count == NAME_REGEX_CODE_MAX)
        return refuse(reader, "it is too long, or repeats too much");
    regex->code[regex->count++] = one;
    return true;
}

static bool add_jump(struct reader *reader, enum name_op op, int64_t to) {
    return add(reader, (struct name_instruction){.op = op, .to = (int32_t)to});
}

static bool add_set(struct reader *reader, struct name_set set) {
    return add(reader, (struct name_instruction){.op = NAME_SET, .set = set});
}

static bool add_character(struct reader *reader, unsigned c) {
    struct name_set set = {{0}};
    set_add(&set, c, c, reader->fold);
    return add_set(reader, set);
}

static bool insert(struct reader *reader, uint32_t at, enum name_op op, int64_t to) {
    struct name_regex *regex = reader->regex;
    if (!add_jump(reader, op, 0)) return false;
    memmove(regex->code + at + 1, regex->code + at,
            (regex->count - 1 - at) * sizeof regex->code[0]);
    regex->code[at] = (struct name_instruction){.op = op, .to = (int32_t)to};
    return true;
}

/* Once more what stands at `from`. */
static bool copy(struct reader *reader, uint32_t from, uint32_t len) {
    for (uint32_t i = 0; i < len; i++)
        if (!add(reader, reader->regex->code[from + i])) return false;
    return true;
}

/* The piece from `start` on, `min` to `max` times. */
static bool repeat(struct reader *reader, uint32_t start, int min, int max, bool lazy) {
    struct name_regex *regex = reader->regex;
    enum name_op skip = lazy ? NAME_SPLIT_FAR : NAME_SPLIT;
    enum name_op again = lazy ? NAME_SPLIT : NAME_SPLIT_FAR;
    uint32_t len = regex->count - start, from = start;
    if (max == 0) {
        regex->count = start;
        return true;
    }
    if (min == 0) {
        if (!insert(reader, start, skip, (int64_t)len + 1 + (max == ENDLESS))) return false;
        from = start + 1;
        if (max == ENDLESS) return add_jump(reader, NAME_JUMP, -(int64_t)len - 1);
        min = 1;
    }
    for (int i = 1; i < min; i++)
        if (!copy(reader, from, len)) return false;
    if (max == ENDLESS) return add_jump(reader, again, -(int64_t)len);
    for (int i = min; i < max; i++)
        if (!add_jump(reader, skip, (int64_t)len + 1) || !copy(reader, from, len)) return false;
    return true;
}

static int read_number(struct reader *reader) {
    int value = -1;
    for (; reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9'; reader->at++) {
        value = (value < 0 ? 0 : value * 10) + (*reader->at - '0');
        if (value > REPEAT_MAX) value = REPEAT_MAX + 1;
    }
    return value;
}

/* At "{" */
static bool read_counts(struct reader *reader, int *min, int *max) {
    reader->at++;
    *min = *max = read_number(reader);
    if (reader->at < reader->end && *reader->at == ',') {
        reader->at++;
        *max = read_number(reader); /* -1: ENDLESS */
    }
    if (reader->at == reader->end || *reader->at++ != '}' || *min < 0 || *min > REPEAT_MAX ||
        *max > REPEAT_MAX || (*max >= 0 && *max < *min))
        return refuse(reader, "a { } is not {n}, {n,} or {n,m} with n <= m <= 500; write \\{ for "
                              "the character");
    return true;
}

static bool read_quantifier(struct reader *reader, uint32_t start) {
    int min = 0, max = ENDLESS;
    switch (reader->at == reader->end ? '\0' : *reader->at) {
    case '*': reader->at++; break;
    case '+': min = 1, reader->at++; break;
    case '?': max = 1, reader->at++; break;
    case '{':
        if (!read_counts(reader, &min, &max)) return false;
        break;
    default: return true;
    }
    bool lazy = reader->at < reader->end && *reader->at == '?';
    reader->at += lazy;
    if (reader->at < reader->end && strchr("*+?{", *reader->at) != NULL && *reader->at != '\0')
        return refuse(reader, "a quantifier follows another (possessive ones are not there)");
    return repeat(reader, start, min, max, lazy);
}

static bool read_choices(struct reader *reader);

/* Behind "(?": *counts false: it is no group that has a number. */
static bool read_flags(struct reader *reader, bool *counts) {
    *counts = false;
    if (sees(reader, ":")) {
        reader->at++;
    } else if (sees(reader, "<") && !sees(reader, "<=") && !sees(reader, "<!")) {
        const char *close = memchr(reader->at, '>', (size_t)(reader->end - reader->at));
        if (close == NULL) return refuse(reader, "the name of a group has no >");
        reader->at = close + 1;
        *counts = true;
    } else {
        return refuse(reader, "it has a group (? that is not (?:, (?<name> or (?i); lookaround is "
                              "not there");
    }
    return true;
}

static bool read_group(struct reader *reader) {
    unsigned group = 0;
    bool counts = true, fold = reader->fold;
    reader->at++;
    if (sees(reader, "?i)")) { /* for what follows in the group around it */
        reader->at += 3;
        reader->fold = true;
        return true;
    }
    if (sees(reader, "?")) {
        reader->at++;
        if (!read_flags(reader, &counts)) return false;
    }
    if (counts) {
        group = ++reader->regex->groups;
        if (group >= NAME_REGEX_GROUPS)
            return refuse(reader, "it has more than 9 groups; write (?: ) for those of which "
                                  "nothing is taken");
        if (!add_jump(reader, NAME_SAVE, 2 * group)) return false;
    }
    if (++reader->depth > DEPTH_MAX) return refuse(reader, "its groups are nested too deep");
    if (!read_choices(reader)) return false;
    reader->depth--;
    reader->fold = fold;
    if (reader->at == reader->end) return refuse(reader, "a ) is missing");
    reader->at++;
    return !counts || add_jump(reader, NAME_SAVE, 2 * group + 1);
}

static bool read_backslash(struct reader *reader) {
    struct name_set set;
    unsigned c;
    reader->at++;
    if (reader->at < reader->end && named_class(*reader->at, &set)) {
        reader->at++;
        return add_set(reader, set);
    }
    switch (reader->at < reader->end ? *reader->at : '\0') {
    case 'A': reader->at++; return add_jump(reader, NAME_BEGIN, 0);
    case 'z':
    case 'Z': reader->at++; return add_jump(reader, NAME_END, 0);
    case 'b': reader->at++; return add_jump(reader, NAME_WORD, 0);
    case 'B': reader->at++; return add_jump(reader, NAME_NOT_WORD, 0);
    default: return escaped(reader, &c) && add_character(reader, c);
    }
}

static bool read_piece(struct reader *reader) {
    struct name_set set = {{0}};
    switch (*reader->at) {
    case '(': return read_group(reader);
    case '[': return read_bracket(reader, &set) && add_set(reader, set);
    case '\\': return read_backslash(reader);
    case '^': reader->at++; return add_jump(reader, NAME_BEGIN, 0);
    case '$': reader->at++; return add_jump(reader, NAME_END, 0);
    case '.':
        reader->at++;
        set_add(&set, '\n', '\n', false);
        set_add(&set, '\r', '\r', false);
        set_invert(&set);
        return add_set(reader, set);
    case '*':
    case '+':
    case '?':
    case '{': return refuse(reader, "a quantifier has nothing to repeat");
    default: return add_character(reader, (unsigned char)*reader->at++);
    }
}

/* Up to "|", ")" or the end. */
static bool read_sequence(struct reader *reader) {
    while (reader->at < reader->end && *reader->at != '|' && *reader->at != ')') {
        uint32_t start = reader->regex->count;
        if (!read_piece(reader) || !read_quantifier(reader, start)) return false;
    }
    return true;
}

/* Each alternative but the last: SPLIT to the next one, itself, JUMP to the end of all. */
static bool read_choices(struct reader *reader) {
    uint32_t start = reader->regex->count, jumps[64], count = 0;
    if (!read_sequence(reader)) return false;
    while (reader->at < reader->end && *reader->at == '|') {
        if (count == sizeof jumps / sizeof jumps[0])
            return refuse(reader, "it has more than 64 alternatives in one place");
        uint32_t len = reader->regex->count - start;
        if (!insert(reader, start, NAME_SPLIT, (int64_t)len + 2)) return false;
        jumps[count++] = reader->regex->count;
        if (!add_jump(reader, NAME_JUMP, 0)) return false;
        reader->at++;
        start = reader->regex->count;
        if (!read_sequence(reader)) return false;
    }
    for (uint32_t i = 0; i < count; i++)
        reader->regex->code[jumps[i]].to = (int32_t)(reader->regex->count - jumps[i]);
    return true;
}

struct name_regex *name_regex_new(const char *pattern, size_t len, struct error_text *why) {
    struct name_regex *regex = mem_zalloc(sizeof *regex);
    struct reader reader = {.at = pattern, .end = pattern + len, .regex = regex, .why = why};
    why->text[0] = '\0';
    bool good = read_choices(&reader);
    if (good && reader.at < reader.end) good = refuse(&reader, "a ) has no ( before it");
    if (good && add_jump(&reader, NAME_MATCH, 0)) return regex;
    mem_free(regex);
    return NULL;
}

void name_regex_free(struct name_regex *regex) {
    mem_free(regex);
}

unsigned name_regex_groups(const struct name_regex *regex) {
    return regex->groups;
}
