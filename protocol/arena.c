/*
 * The arena: a list of blocks, each twice as large as the one before (1 KiB to 64 KiB); what is
 * larger gets one of its own.
 *
 * Nothing is freed before kp_arena_close. Sizes are rounded up to 16, so that every address suits
 * every type.
 */
#include "protocol/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/text.h"

enum { FIRST_BLOCK = 1024, LARGEST_BLOCK = 64 * 1024, ALIGNMENT = 16 };

struct kp_arena_block {
    struct kp_arena_block *next;
    size_t size, used; /* of data */
    bool zeroed; /* by whoever gave the memory, so that what is large is touched only when it is
                    used */
    _Alignas(ALIGNMENT) uint8_t data[];
};

void kp_arena_init(struct kp_arena *arena, size_t limit) {
    *arena = (struct kp_arena){.limit = limit};
}

void kp_arena_close(struct kp_arena *arena) {
    for (struct kp_arena_block *block = arena->blocks; block != NULL;) {
        struct kp_arena_block *next = block->next;
        mem_free(block);
        block = next;
    }
    kp_arena_init(arena, arena->limit);
}

/* NULL: the limit would be passed. */
static struct kp_arena_block *add_block(struct kp_arena *arena, size_t needed) {
    size_t left = arena->limit - arena->used,
           size = arena->blocks == NULL ? FIRST_BLOCK : arena->blocks->size * 2;
    if (left < sizeof(struct kp_arena_block) || needed > left - sizeof(struct kp_arena_block))
        return NULL;
    left -= sizeof(struct kp_arena_block);
    if (size > LARGEST_BLOCK) size = LARGEST_BLOCK;
    if (size > left) size = left;
    if (size < needed) size = needed;
    bool zeroed = size > LARGEST_BLOCK;
    struct kp_arena_block *block = zeroed ? mem_zalloc(sizeof(*block) + size)
                                          : mem_alloc(sizeof(*block) + size);
    *block = (struct kp_arena_block){.next = arena->blocks, .size = size, .zeroed = zeroed};
    arena->blocks = block;
    arena->used += sizeof(*block) + size;
    return block;
}

void *kp_arena_alloc(struct kp_arena *arena, size_t size) {
    size_t rounded = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (rounded < size) return NULL;
    struct kp_arena_block *block = arena->blocks;
    if (block == NULL || rounded > block->size - block->used) block = add_block(arena, rounded);
    if (block == NULL) return NULL;
    void *memory = block->data + block->used;
    block->used += rounded;
    if (!block->zeroed) memset(memory, 0, rounded);
    return memory;
}

struct kp_string kp_arena_string(struct kp_arena *arena, const char *data, size_t len) {
    CHECK(len < INT32_MAX); /* texts in it come from frames and settings, which are shorter */
    char *copy = kp_arena_alloc(arena, len + 1);
    if (copy == NULL) return KP_NULL_STRING;
    if (len > 0) memcpy(copy, data, len);
    return (struct kp_string){copy, (int32_t)len};
}

struct kp_string kp_arena_printf(struct kp_arena *arena, const char *format, ...) {
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    CHECK(len >= 0); /* the formats are ours */
    char *text = kp_arena_alloc(arena, (size_t)len + 1);
    if (text != NULL) {
        vsnprintf(text, (size_t)len + 1, format, again);
        text_make_plain(text);
    }
    va_end(again);
    return text == NULL ? KP_NULL_STRING : (struct kp_string){text, len};
}
