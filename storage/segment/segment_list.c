/* Names of segment files, read and put in order. */
#include "storage/segment/segment_list.h"

#include <stdlib.h>

#include "base/mem.h"
#include "storage/segment/segment_format.h"

struct listing {
    int64_t *bases;
    size_t count, capacity;
};

static void note_segment(void *arg, const char *name) {
    struct listing *listing = arg;
    uint64_t base;
    if (!path_number(name, ".log", &base) || base > INT64_MAX) return;
    listing->bases = mem_grow(listing->bases, listing->count, &listing->capacity,
                              sizeof *listing->bases);
    listing->bases[listing->count++] = (int64_t)base;
}

static int compare_bases(const void *left, const void *right) {
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

int segment_list(struct env *env, const char *path, int64_t **bases, size_t *count) {
    struct listing listing = {0};
    int error = env_list_dir(env, path, note_segment, &listing);
    if (error) {
        mem_free(listing.bases);
        listing = (struct listing){0};
    }
    if (listing.count > 0)
        qsort(listing.bases, listing.count, sizeof *listing.bases, compare_bases);
    *bases = listing.bases;
    *count = listing.count;
    return error;
}
