/* Matching by Thompson's simulation: the set of instructions that wait for a character is moved
 * over the name, each at most once a character. */
#include "broker/coordinator/regex/topic_regex.h"

#include "base/mem.h"
#include "broker/coordinator/regex/regex_parse.h"
#include "broker/coordinator/regex/regex_program.h"

/* Where the walk stands: instructions that wait for the next character, and those to look at. */
struct topic_regex {
    struct regex_program program;
    uint32_t *waiting, *next, *stack, *seen;  /* each with room for all instructions */
    uint32_t waiting_count, next_count, turn; /* seen[i] == turn: it is in the next set already */
};

struct topic_regex *topic_regex_new(const char *pattern, size_t len, struct error_text *why) {
    struct regex_program program = {0};
    if (!regex_parse(pattern, len, &program, why)) {
        mem_free(program.code);
        return NULL;
    }
    struct topic_regex *regex = mem_zalloc(sizeof *regex);
    regex->program = program;
    regex->waiting = mem_alloc(program.count * sizeof *regex->waiting);
    regex->next = mem_alloc(program.count * sizeof *regex->next);
    regex->stack = mem_alloc(2 * (size_t)program.count * sizeof *regex->stack);
    regex->seen = mem_zalloc(program.count * sizeof *regex->seen);
    return regex;
}

void topic_regex_free(struct topic_regex *regex) {
    if (regex == NULL) return;
    mem_free(regex->program.code);
    mem_free(regex->waiting);
    mem_free(regex->next);
    mem_free(regex->stack);
    mem_free(regex->seen);
    mem_free(regex);
}

static bool is_word(unsigned char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* A place between two characters of the name. */
struct gap {
    bool begin, end, word_edge;
};

static struct gap gap_at(const char *name, size_t len, size_t at) {
    bool before = at > 0 && is_word((unsigned char)name[at - 1]);
    bool behind = at < len && is_word((unsigned char)name[at]);
    return (struct gap){at == 0, at == len, before != behind};
}

/* Adds all that is reached from `start` without a character. Whether the end of the program is
 * among it. */
static bool follow(struct topic_regex *regex, uint32_t start, struct gap gap, uint64_t *budget) {
    uint32_t depth = 0;
    bool match = false;
    regex->stack[depth++] = start;
    while (depth > 0) {
        uint32_t at = regex->stack[--depth];
        if (regex->seen[at] == regex->turn) continue;
        regex->seen[at] = regex->turn;
        if (*budget == 0) return false;
        --*budget;
        const struct regex_instruction *one = &regex->program.code[at];
        bool on = false;
        switch (one->op) {
        case REGEX_SET: regex->next[regex->next_count++] = at; break;
        case REGEX_SPLIT:
            regex->stack[depth++] = (uint32_t)((int32_t)at + one->to);
            on = true;
            break;
        case REGEX_JUMP: regex->stack[depth++] = (uint32_t)((int32_t)at + one->to); break;
        case REGEX_BEGIN: on = gap.begin; break;
        case REGEX_END: on = gap.end; break;
        case REGEX_WORD: on = gap.word_edge; break;
        case REGEX_NOT_WORD: on = !gap.word_edge; break;
        case REGEX_MATCH: match = true; break;
        }
        if (on) regex->stack[depth++] = at + 1;
    }
    return match;
}

/* What was collected becomes what waits. */
static void turn_over(struct topic_regex *regex) {
    uint32_t *emptied = regex->waiting;
    regex->waiting = regex->next;
    regex->waiting_count = regex->next_count;
    regex->next = emptied;
    regex->next_count = 0;
    if (++regex->turn != 0) return;
    for (uint32_t i = 0; i < regex->program.count; i++)
        regex->seen[i] = 0;
    regex->turn = 1;
}

bool topic_regex_matches(struct topic_regex *regex, const char *name, size_t len,
                         uint64_t *budget) {
    regex->next_count = 0;
    turn_over(regex);
    bool match = follow(regex, 0, gap_at(name, len, 0), budget);
    for (size_t i = 0; i < len; i++) {
        turn_over(regex);
        match = false;
        if (regex->waiting_count == 0) return false;
        struct gap gap = gap_at(name, len, i + 1);
        for (uint32_t w = 0; w < regex->waiting_count; w++) {
            uint32_t at = regex->waiting[w];
            if (*budget > 0) --*budget;
            if (!regex_set_has(&regex->program.code[at].set, (unsigned char)name[i])) continue;
            if (follow(regex, at + 1, gap, budget)) match = true;
        }
        if (*budget == 0) return false;
    }
    return match && *budget > 0;
}
