/*
 * From a pattern to a program, in one walk without recursion.
 *
 * Happy path: what stands for a character is appended; a quantifier works on the piece that was
 * appended last (the *atom*); "(" opens a group and ")" makes all that it holds the atom; "|" puts
 * the choice in front of the alternative that it ends.
 * Failures: all that RE2 refuses, too, and what becomes too large or too deep. Invariant: a piece
 * has no jumps that are open when it becomes an atom.
 */
#include "broker/coordinator/regex/regex_parse.h"

#include <string.h>

#include "base/mem.h"
#include "broker/coordinator/regex/regex_parse_internal.h"
#include "broker/coordinator/regex/topic_regex.h"

enum { DEPTH_MAX = 250, REPEAT_MAX = 1000 };
#define NO_ATOM UINT32_MAX

/* A group that is open; the first is the pattern itself. */
struct group {
    uint32_t start;       /* its first instruction */
    uint32_t alternative; /* that of the alternative at hand */
    uint32_t jumps;       /* 1 + the last jump to its end; it says how far back the one before is */
    uint32_t atom;        /* where the last piece begins that may be repeated */
    bool fold, dot_all;   /* flags of the group around it */
};

struct group_name {
    size_t at, len;
};

struct parser {
    struct regex_text text;
    struct regex_program *program;
    struct group *groups; /* [0 .. depth] */
    uint32_t depth;
    bool fold, dot_all;
    bool repeated; /* the atom has a quantifier just before */
    struct group_name *names;
    size_t name_count, name_capacity;
};

static struct group *top(struct parser *parser) {
    return &parser->groups[parser->depth];
}

static void begin_atom(struct parser *parser) {
    top(parser)->atom = parser->program->count;
}

static void add(struct parser *parser, struct regex_instruction instruction) {
    begin_atom(parser);
    regex_program_add(parser->program, instruction);
}

static void add_set(struct parser *parser, struct regex_set set) {
    add(parser, (struct regex_instruction){.op = REGEX_SET, .set = set});
}

static void add_character(struct parser *parser, uint32_t c) {
    struct regex_set set = {{0, 0}};
    regex_class_add_range(&set, c, c, parser->fold);
    add_set(parser, set);
}

/* ---- Groups ---- */

/* Its flags are those of now, and go back with its end to `fold` and `dot_all`. */
static bool open_group(struct parser *parser, bool fold, bool dot_all) {
    if (parser->depth == DEPTH_MAX)
        return regex_refuse(&parser->text, "its parentheses are nested too deep");
    uint32_t here = parser->program->count;
    parser->groups[++parser->depth] = (struct group){
        .start = here, .alternative = here, .atom = NO_ATOM, .fold = fold, .dot_all = dot_all};
    return true;
}

/* All alternatives of the group are there: their jumps lead to its end. */
static void end_alternatives(struct parser *parser) {
    struct regex_instruction *code = parser->program->code;
    uint32_t jump = top(parser)->jumps;
    while (jump != 0 && !parser->program->too_large) {
        uint32_t back = (uint32_t)code[jump - 1].to;
        code[jump - 1].to = (int32_t)(parser->program->count - (jump - 1));
        jump = back == 0 ? 0 : jump - back;
    }
}

static bool close_group(struct parser *parser) {
    if (parser->depth == 0) return regex_refuse(&parser->text, "a ) has no ( before it");
    end_alternatives(parser);
    struct group closed = *top(parser);
    parser->fold = closed.fold;
    parser->dot_all = closed.dot_all;
    parser->depth--;
    top(parser)->atom = closed.start;
    return true;
}

static void next_alternative(struct parser *parser) {
    struct group *group = top(parser);
    uint32_t len = parser->program->count - group->alternative;
    regex_program_insert(parser->program, group->alternative,
                         (struct regex_instruction){.op = REGEX_SPLIT, .to = (int32_t)len + 2});
    uint32_t jump = parser->program->count + 1;
    uint32_t back = group->jumps == 0 ? 0 : jump - group->jumps;
    regex_program_add(parser->program,
                      (struct regex_instruction){.op = REGEX_JUMP, .to = (int32_t)back});
    group->jumps = jump;
    group->alternative = parser->program->count;
    group->atom = NO_ATOM;
}

static bool name_group(struct parser *parser, size_t ahead) {
    struct regex_text *text = &parser->text;
    size_t at = text->at + ahead, len = 0;
    for (; at + len < text->len && text->data[at + len] != '>'; len++) {
        char c = text->data[at + len];
        bool fits = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                    c == '_';
        if (!fits) return regex_refuse(text, "the name of a group has letters, digits and _ only");
    }
    if (len == 0 || at + len == text->len)
        return regex_refuse(text, "the name of a group is missing, or its >");
    for (size_t i = 0; i < parser->name_count; i++)
        if (parser->names[i].len == len &&
            memcmp(text->data + parser->names[i].at, text->data + at, len) == 0)
            return regex_refuse(text, "two groups have the same name");
    parser->names = mem_grow(parser->names, parser->name_count, &parser->name_capacity,
                             sizeof *parser->names);
    parser->names[parser->name_count++] = (struct group_name){at, len};
    text->at = at + len + 1;
    return open_group(parser, parser->fold, parser->dot_all);
}

/* At "(?": flags for what follows, or for the group that they open. */
static bool open_with_flags(struct parser *parser) {
    struct regex_text *text = &parser->text;
    bool fold = parser->fold, dot_all = parser->dot_all, on = true, saw = false;
    for (text->at += 2; text->at < text->len;) {
        char c = text->data[text->at++];
        switch (c) {
        case 'i': fold = on; break;
        case 's': dot_all = on; break;
        case 'm':
        case 'U': break; /* there are no lines in a name, and any match will do */
        case '-':
            if (!on) return regex_refuse(text, "the flags of a group have two -");
            on = false;
            saw = false;
            continue;
        case ':':
        case ')':
            if (!on && !saw) return regex_refuse(text, "the flags of a group end in -");
            if (c == ':' && !open_group(parser, parser->fold, parser->dot_all)) return false;
            parser->fold = fold;
            parser->dot_all = dot_all;
            return true;
        default:
            return regex_refuse(
                text, "it has a group (? that RE2 does not know (lookaround is not there)");
        }
        saw = true;
    }
    return regex_refuse(text, "a ) is missing");
}

static bool at_parenthesis(struct parser *parser) {
    struct regex_text *text = &parser->text;
    if (regex_sees(text, 1, '?')) {
        if (regex_sees(text, 2, 'P') && regex_sees(text, 3, '<')) return name_group(parser, 4);
        if (regex_sees(text, 2, '<') && !regex_sees(text, 3, '=') && !regex_sees(text, 3, '!'))
            return name_group(parser, 3);
        return open_with_flags(parser);
    }
    text->at++;
    return open_group(parser, parser->fold, parser->dot_all);
}

/* ---- Quantifiers ---- */

static bool repeat(struct parser *parser, bool was_repeated, int32_t min, int32_t max) {
    struct regex_text *text = &parser->text;
    struct group *group = top(parser);
    if (was_repeated) return regex_refuse(text, "a quantifier follows another");
    if (group->atom == NO_ATOM) return regex_refuse(text, "a quantifier has nothing to repeat");
    if (regex_sees(text, 0, '?')) text->at++; /* lazy: any match will do */
    regex_program_repeat(parser->program, group->atom, min, max);
    parser->repeated = true;
    return true;
}

/* A number without leading zeros; -1: there is none. What is too large is REPEAT_MAX + 1. */
static int32_t number(const struct regex_text *text, size_t *at) {
    size_t begin = *at;
    int32_t value = 0;
    for (; *at < text->len && text->data[*at] >= '0' && text->data[*at] <= '9'; ++*at) {
        value = value * 10 + (text->data[*at] - '0');
        if (value > REPEAT_MAX) value = REPEAT_MAX + 1;
    }
    if (*at == begin || (*at > begin + 1 && text->data[begin] == '0')) return -1;
    return value;
}

/* At "{": *was_one false: it is no quantifier, but stands for itself. */
static bool counted(struct parser *parser, bool was_repeated, bool *was_one) {
    struct regex_text *text = &parser->text;
    size_t at = text->at + 1;
    *was_one = false;
    int32_t min = number(text, &at), max = min;
    if (min >= 0 && at < text->len && text->data[at] == ',') {
        at++;
        max = -1;
        if (at < text->len && text->data[at] != '}' && (max = number(text, &at)) < 0) return true;
    }
    if (min < 0 || at >= text->len || text->data[at] != '}') return true;
    *was_one = true;
    if (min > REPEAT_MAX || max > REPEAT_MAX || (max >= 0 && max < min))
        return regex_refuse(text, "a repeat {n,m} has n <= m <= 1000");
    text->at = at + 1;
    return repeat(parser, was_repeated, min, max);
}

/* ---- The walk ---- */

/* \A, \b, \B, \z, and \Q up to \E. False: it is none of them. */
static bool escaped_special(struct parser *parser) {
    struct regex_text *text = &parser->text;
    if (text->at + 1 >= text->len) return false;
    enum regex_op op;
    switch (text->data[text->at + 1]) {
    case 'A': op = REGEX_BEGIN; break;
    case 'z': op = REGEX_END; break;
    case 'b': op = REGEX_WORD; break;
    case 'B': op = REGEX_NOT_WORD; break;
    case 'Q':
        text->at += 2;
        for (uint32_t c;
             text->at < text->len && !(regex_sees(text, 0, '\\') && regex_sees(text, 1, 'E'));) {
            if (!regex_take(text, &c)) return true;
            add_character(parser, c);
        }
        if (text->at < text->len) text->at += 2;
        return true;
    default: return false;
    }
    text->at += 2;
    add(parser, (struct regex_instruction){.op = op});
    return true;
}

static bool at_backslash(struct parser *parser) {
    struct regex_set set = {{0, 0}};
    uint32_t c;
    if (escaped_special(parser)) return parser->text.why->text[0] == 0;
    if (regex_escaped_class(&parser->text, parser->fold, &set)) {
        add_set(parser, set);
        return true;
    }
    if (parser->text.why->text[0] != 0 || !regex_escape(&parser->text, &c)) return false;
    add_character(parser, c);
    return true;
}

static bool at_dot(struct parser *parser) {
    struct regex_set none = {{0, 0}}, all = {{0, 0}};
    if (!parser->dot_all) regex_class_add_range(&none, '\n', '\n', false);
    regex_class_add(&all, none, true);
    add_set(parser, all);
    return true;
}

static bool at_bracket(struct parser *parser) {
    struct regex_set set;
    if (!regex_bracket(&parser->text, parser->fold, &set)) return false;
    add_set(parser, set);
    return true;
}

/* What is next, with all that belongs to it. False: refused. */
static bool parse_next(struct parser *parser) {
    struct regex_text *text = &parser->text;
    bool was_repeated = parser->repeated, was_one = true;
    uint32_t c;
    parser->repeated = false;
    switch (text->data[text->at]) {
    case '(': return at_parenthesis(parser);
    case '[': return at_bracket(parser);
    case '\\': return at_backslash(parser);
    case ')': text->at++; return close_group(parser);
    case '|':
        text->at++;
        next_alternative(parser);
        return true;
    case '^':
    case '$':
        add(parser, (struct regex_instruction){.op = text->data[text->at++] == '^' ? REGEX_BEGIN
                                                                                   : REGEX_END});
        return true;
    case '.': text->at++; return at_dot(parser);
    case '*': text->at++; return repeat(parser, was_repeated, 0, -1);
    case '+': text->at++; return repeat(parser, was_repeated, 1, -1);
    case '?': text->at++; return repeat(parser, was_repeated, 0, 1);
    case '{':
        if (!counted(parser, was_repeated, &was_one)) return false;
        if (was_one) return true;
        parser->repeated = true; /* as in RE2/J: "{" for itself takes no quantifier */
        break;
    default: break;
    }
    if (!regex_take(text, &c)) return false;
    add_character(parser, c);
    return true;
}

static bool parse_all(struct parser *parser) {
    struct regex_text *text = &parser->text;
    if (text->len > TOPIC_REGEX_PATTERN_MAX) return regex_refuse(text, "it is too long");
    while (text->at < text->len) {
        if (!parse_next(parser)) return false;
        if (parser->program->too_large)
            return regex_refuse(text, "it has too many alternatives or repeats");
    }
    if (parser->depth > 0) return regex_refuse(text, "a ) is missing");
    end_alternatives(parser);
    regex_program_add(parser->program, (struct regex_instruction){.op = REGEX_MATCH});
    return parser->program->too_large
               ? regex_refuse(text, "it has too many alternatives or repeats")
               : true;
}

bool regex_parse(const char *pattern, size_t len, struct regex_program *program,
                 struct error_text *why) {
    struct parser parser = {.text = {.data = pattern, .len = len, .why = why}, .program = program};
    why->text[0] = 0;
    parser.groups = mem_alloc((DEPTH_MAX + 1) * sizeof *parser.groups);
    parser.groups[0] = (struct group){.atom = NO_ATOM};
    bool fine = parse_all(&parser);
    mem_free(parser.groups);
    mem_free(parser.names);
    return fine;
}
