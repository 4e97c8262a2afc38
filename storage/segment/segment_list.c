/* Names of segment files, read and put in order. */
#include "storage/segment/segment_list.h"

#include <stdlib.h>

#include "base/mem.h"
#include "storage/segment/segment_format.h"

struct listing {
    struct segment_bases segments, unfinished, mends;
};

static void note(struct segment_bases *list, uint64_t base) {
    list->bases = mem_grow(list->bases, list->count, &list->capacity, sizeof *list->bases);
    list->bases[list->count++] = (int64_t)base;
}

static void note_name(void *arg, const char *name) {
    struct listing *listing = arg;
    uint64_t base;
    if (path_number(name, ".log", &base) && base <= INT64_MAX)
        note(&listing->segments, base);
    else if (path_number(name, ".clean", &base) && base <= INT64_MAX)
        note(&listing->unfinished, base);
    else if ((path_number(name, ".mend", &base) || path_number(name, ".mend.new", &base)) &&
             base <= INT64_MAX)
        note(&listing->mends, base);
}

static int compare_bases(const void *left, const void *right) {
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

static void take(struct segment_bases *list, bool keep, struct segment_bases *into) {
    if (keep && list->count > 0)
        qsort(list->bases, list->count, sizeof *list->bases, compare_bases);
    if (keep && into) {
        *into = *list;
        return;
    }
    mem_free(list->bases);
    if (into) *into = (struct segment_bases){0};
}

int segment_list(struct env *env, const char *path, struct segment_bases *segments,
                 struct segment_bases *unfinished, struct segment_bases *mends) {
    struct listing listing = {0};
    int error = env_list_dir(env, path, note_name, &listing);
    take(&listing.segments, !error, segments);
    take(&listing.unfinished, !error, unfinished);
    take(&listing.mends, !error, mends);
    return error;
}
