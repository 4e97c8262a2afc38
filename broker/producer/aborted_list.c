/* An array whose front is cut off; a search takes runs out of it, sorts each, and merges them. */
#include "broker/producer/aborted_list.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/mutant.h"

enum {
    LEAST_ROOM = 16,
    STEP = 2048, /* entries at once */
    RUN = 1024,
};

void aborted_list_free(struct aborted_list *list) {
    mem_free(list->items);
    *list = (struct aborted_list){0};
}

static struct aborted_transaction *at(const struct aborted_list *list, size_t place) {
    return &list->items[list->first + place];
}

void aborted_list_add(struct aborted_list *list, const struct aborted_transaction *aborted) {
    /* markers commit in the order of the log */
    CHECK(list->count == 0 || at(list, list->count - 1)->marker_offset < aborted->marker_offset);
    if (list->first + list->count == list->room) {
        if (list->first > list->room / 2) {
            memmove(list->items, at(list, 0), list->count * sizeof *list->items);
            list->first = 0;
        } else {
            list->room = list->room == 0 ? LEAST_ROOM : list->room * 2;
            list->items = mem_realloc(list->items, list->room * sizeof *list->items);
        }
    }
    *at(list, list->count++) = *aborted;
}

/* The first one whose marker is at `offset`, or behind. */
static size_t place_of(const struct aborted_list *list, kafka_offset offset) {
    size_t low = 0, high = list->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (at(list, middle)->marker_offset < offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int by_first_offset(const void *left, const void *right) {
    kafka_offset a = ((const struct aborted_transaction *)left)->first_offset,
                 b = ((const struct aborted_transaction *)right)->first_offset;
    return (a > b) - (a < b);
}

static void sort_run(struct aborted_search *search) {
    size_t len = search->count % RUN == 0 ? RUN : search->count % RUN;
    qsort(search->found + search->count - len, len, sizeof *search->found, by_first_offset);
}

static void take(struct aborted_search *search, const struct aborted_transaction *aborted) {
    search->found = mem_grow(search->found, search->count, &search->room, sizeof *search->found);
    search->found[search->count++] = *aborted;
    if (search->count % RUN == 0) sort_run(search);
}

/* True: there are no more. Whatever ended behind an entry whose stable offset is not below `to`
 * begins there, or above. */
static bool collect(const struct aborted_list *list, struct aborted_search *search) {
    kafka_offset to = MUTANT(MUTANT_ABORTED_RANGE_SHORT) ? search->to - 1 : search->to;
    size_t place = place_of(list, search->next > search->from ? search->next : search->from);
    bool decided = false;
    for (size_t i = 0; i < STEP && place < list->count && !decided; i++, place++) {
        const struct aborted_transaction *aborted = at(list, place);
        if (aborted->first_offset < to) take(search, aborted);
        search->next = aborted->marker_offset + 1;
        decided = aborted->stable_offset >= to;
    }
    return decided || place == list->count;
}

/* Two neighbours of `width` become one, and then the next two. */
static void begin_pair(struct aborted_search *search, size_t pair) {
    search->pair = search->left = pair;
    search->right = pair + search->width;
}

static void begin_pass(struct aborted_search *search, size_t width) {
    search->width = width;
    search->out = 0;
    begin_pair(search, 0);
}

static size_t least(size_t one, size_t other) {
    return one < other ? one : other;
}

static void merge_one(struct aborted_search *search) {
    const struct aborted_transaction *from = search->found;
    size_t middle = least(search->pair + search->width, search->count),
           end = least(search->pair + 2 * search->width, search->count);
    bool left = search->left < middle &&
                (search->right >= end ||
                 by_first_offset(&from[search->left], &from[search->right]) <= 0);
    search->merged[search->out++] = from[left ? search->left++ : search->right++];
    if (search->out == end) begin_pair(search, end);
}

/* True: all is one. */
static bool merge(struct aborted_search *search) {
    for (size_t i = 0; i < STEP && search->out < search->count; i++)
        merge_one(search);
    if (search->out < search->count) return false;
    struct aborted_transaction *merged = search->merged;
    search->merged = search->found;
    search->found = merged;
    begin_pass(search, 2 * search->width);
    return search->width >= search->count;
}

bool aborted_search_step(const struct aborted_list *list, struct aborted_search *search) {
    if (search->collected) return merge(search);
    search->collected = collect(list, search);
    if (!search->collected) return false;
    if (search->count % RUN > 0) sort_run(search);
    if (search->count <= RUN) return true;
    search->merged = mem_alloc(search->count * sizeof *search->merged);
    begin_pass(search, RUN);
    return false;
}

void aborted_search_drop(struct aborted_search *search) {
    mem_free(search->found);
    mem_free(search->merged);
    *search = (struct aborted_search){0};
}

void aborted_list_cut(struct aborted_list *list, kafka_offset start) {
    size_t gone = place_of(list, start);
    list->first += gone;
    list->count -= gone;
    if (list->count == 0) aborted_list_free(list);
}

const struct aborted_transaction *aborted_list_since(const struct aborted_list *list,
                                                     kafka_offset offset, size_t *count) {
    size_t place = place_of(list, offset);
    *count = list->count - place;
    return *count > 0 ? at(list, place) : NULL;
}
