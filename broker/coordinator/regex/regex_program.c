/* Pieces of programs: added, moved to make room in front of them, copied. */
#include "broker/coordinator/regex/regex_program.h"

#include <string.h>

#include "base/mem.h"
#include "broker/coordinator/regex/topic_regex.h"

static bool program_room(struct regex_program *program, uint64_t more) {
    if (program->count + more > TOPIC_REGEX_INSTRUCTIONS_MAX) program->too_large = true;
    if (program->too_large) return false;
    uint32_t needed = program->count + (uint32_t)more;
    if (needed > program->capacity) {
        program->capacity = needed > 2 * program->capacity ? needed + 16 : 2 * program->capacity;
        program->code = mem_realloc(program->code, program->capacity * sizeof *program->code);
    }
    return true;
}

void regex_program_add(struct regex_program *program, struct regex_instruction instruction) {
    if (program_room(program, 1)) program->code[program->count++] = instruction;
}

void regex_program_insert(struct regex_program *program, uint32_t start,
                          struct regex_instruction instruction) {
    if (!program_room(program, 1)) return;
    memmove(program->code + start + 1, program->code + start,
            (program->count - start) * sizeof *program->code);
    program->code[start] = instruction;
    program->count++;
}

static void append_copy(struct regex_program *program, uint32_t from, uint32_t len) {
    if (!program_room(program, len)) return;
    if (len > 0)
        memcpy(program->code + program->count, program->code + from, len * sizeof *program->code);
    program->count += len;
}

static struct regex_instruction jump(enum regex_op op, int64_t to) {
    return (struct regex_instruction){.op = op, .to = (int32_t)to};
}

void regex_program_repeat(struct regex_program *program, uint32_t start, int32_t min, int32_t max) {
    uint32_t len = program->count - start, from = start;
    uint64_t copies = (uint64_t)(max < 0 ? min : max);
    if (program->too_large || !program_room(program, copies * (len + 1) + 2 - len * (copies > 0)))
        return;
    if (max == 0) {
        program->count = start;
        return;
    }
    if (min == 0) {
        from = start + 1;
        regex_program_insert(program, start, jump(REGEX_SPLIT, len + 1 + (max < 0 ? 1 : 0)));
        if (max < 0) regex_program_add(program, jump(REGEX_JUMP, -(int64_t)len - 1));
    }
    for (int32_t i = 1; i < min; i++)
        append_copy(program, from, len);
    if (max < 0 && min > 0) {
        /* Back to the last copy, or on. */
        regex_program_add(program, jump(REGEX_SPLIT, -(int64_t)len));
    }
    for (int32_t i = min > 0 ? min : 1; i < max; i++) {
        regex_program_add(program, jump(REGEX_SPLIT, len + 1));
        append_copy(program, from, len);
    }
}
