/* The engine's memory. The hook is libraft's only global; it is constant here. */
#include "raft-glue/engine/engine_heap.h"

#include <raft.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"

static void *heap_malloc(void *data, size_t size) {
    (void)data;
    return mem_alloc(size);
}

static void heap_free(void *data, void *memory) {
    (void)data;
    mem_free(memory);
}

static void *heap_calloc(void *data, size_t count, size_t size) {
    (void)data;
    CHECK(size == 0 || count <= SIZE_MAX / size);
    return mem_zalloc(count * size);
}

static void *heap_realloc(void *data, void *memory, size_t size) {
    (void)data;
    return mem_realloc(memory, size);
}

static void *heap_aligned(void *data, size_t alignment, size_t size) {
    (void)data;
    return mem_aligned(alignment, size);
}

static void heap_aligned_free(void *data, size_t alignment, void *memory) {
    (void)data, (void)alignment;
    mem_free(memory);
}

/* The shared library does not export raft_version_number(), and its soname changes with what it
 * breaks. */
_Static_assert(RAFT_VERSION_MAJOR == 0 && RAFT_VERSION_MINOR == 22,
               "drave is written for libraft 0.22");

void engine_heap_use(void) {
    static const struct raft_heap heap = {NULL,         heap_malloc,  heap_free,        heap_calloc,
                                          heap_realloc, heap_aligned, heap_aligned_free};
    raft_heap_set((struct raft_heap *)&heap); /* only ever read */
}
