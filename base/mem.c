/*
 * Heap memory that is never NULL. The only file that calls malloc.
 *
 * Failure: no memory left prints one sentence and ends the process with code 1. Stdio is not used
 * for it, because it may want memory itself.
 */
#include "base/mem.h"

#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"

enum {
    LARGE = 2 << 20, /* more than an entry or a batch of the usual limits: those shall not pay for
                        new pages each time */
    KEPT = 16 << 20, /* of smaller ones, at the end of the heap */
};

/* Where a library does not know it (a sanitizer's), nothing is lost. */
void mem_give_back_large(void) {
    mallopt(M_MMAP_THRESHOLD, LARGE);
    mallopt(M_TRIM_THRESHOLD, KEPT);
}

static _Noreturn void out_of_memory(void) {
    static const char sentence[] =
        "out of memory: the system has none left for this process; it ends here and can be started again\n";
    ssize_t written = write(STDERR_FILENO, sentence, sizeof sentence - 1);
    (void)written; /* nothing is left to do when stderr is broken, too */
    _exit(1);
}

static void *check_memory(void *memory) {
    if (memory == NULL) out_of_memory();
    return memory;
}

void *mem_alloc(size_t size) {
    return check_memory(malloc(size == 0 ? 1 : size));
}

void *mem_zalloc(size_t size) {
    return check_memory(calloc(1, size == 0 ? 1 : size));
}

void *mem_realloc(void *memory, size_t size) {
    return check_memory(realloc(memory, size == 0 ? 1 : size));
}

void *mem_grow(void *array, size_t count, size_t *capacity, size_t size) {
    if (count < *capacity) return array;
    CHECK(*capacity <= SIZE_MAX / 2 / size); /* it would not fit into memory long before */
    *capacity = *capacity == 0 ? 4 : 2 * *capacity;
    return mem_realloc(array, *capacity * size);
}

void *mem_aligned(size_t alignment, size_t size) {
    CHECK(alignment > 0 && (alignment & (alignment - 1)) == 0);
    void *memory = NULL;
    if (alignment < sizeof(void *)) alignment = sizeof(void *);
    if (posix_memalign(&memory, alignment, size == 0 ? 1 : size) != 0) out_of_memory();
    return memory;
}

char *mem_strdup(const char *text) {
    return mem_strndup(text, strlen(text));
}

char *mem_strndup(const char *text, size_t len) {
    return mem_text(text, strnlen(text, len));
}

char *mem_text(const char *text, size_t len) {
    char *copy = mem_alloc(len + 1);
    if (len > 0) memcpy(copy, text, len);
    copy[len] = '\0';
    return copy;
}

void mem_free(void *memory) {
    free(memory);
}
