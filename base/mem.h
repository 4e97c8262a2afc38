/*
 * Heap memory that is never NULL: when the system has none left the process says so and ends (exit
 * code 1), because every size that a stranger can influence is bounded by a budget before it gets
 * here.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

/* For a process that runs for long, at its start: what is large goes back to the system as soon as
 * it is freed. The system's library would keep as much of it as was ever freed at once. */
void mem_give_back_large(void);

void *mem_alloc(size_t size);  /* uninitialised; size 0 gives a pointer that can be freed */
void *mem_zalloc(size_t size); /* zeroed */
void *mem_realloc(void *memory, size_t size);
/* An array of `*capacity` elements of `size` bytes, which has room for one more than the `count`
 * that it holds: as it is, or moved and twice as large. `array` may be NULL with capacity 0. */
void *mem_grow(void *array, size_t count, size_t *capacity, size_t size);
/* Alignment: a power of two; free with mem_free. */
void *mem_aligned(size_t alignment, size_t size);
char *mem_strdup(const char *text);
char *mem_strndup(const char *text, size_t len);
/* All `len` bytes, zeros among them, and a zero behind: for texts that come with their length. */
char *mem_text(const char *text, size_t len);
void mem_free(void *memory); /* NULL does nothing */

#endif
