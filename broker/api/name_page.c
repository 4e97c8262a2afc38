/* A heap of names, the last on top. The contract is in name_page.h. */
#include "broker/api/name_page.h"

#include <string.h>

int name_compare(struct kp_string a, struct kp_string b) {
    int32_t shorter = a.len < b.len ? a.len : b.len;
    int order = shorter > 0 ? memcmp(a.data, b.data, (size_t)shorter) : 0;
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

bool name_page_init(struct name_page *page, struct kp_arena *arena, size_t most) {
    *page = (struct name_page){.names = kp_arena_alloc(arena, most * sizeof *page->names),
                               .most = most};
    return page->names != NULL;
}

bool name_page_wants(const struct name_page *page, struct kp_string name) {
    return page->count < page->most || name_compare(name, page->names[0]) < 0;
}

static void swap(struct name_page *page, size_t a, size_t b) {
    struct kp_string name = page->names[a];
    page->names[a] = page->names[b];
    page->names[b] = name;
}

static void sink(struct name_page *page, size_t at, size_t count) {
    for (size_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && name_compare(page->names[child], page->names[child + 1]) < 0)
            child++;
        if (name_compare(page->names[at], page->names[child]) >= 0) return;
        swap(page, at, child);
    }
}

static void rise(struct name_page *page, size_t at) {
    for (; at > 0 && name_compare(page->names[(at - 1) / 2], page->names[at]) < 0;
         at = (at - 1) / 2)
        swap(page, at, (at - 1) / 2);
}

struct kp_string name_page_put(struct name_page *page, struct kp_string name) {
    struct kp_string gone = KP_NULL_STRING;
    if (page->count < page->most) {
        page->names[page->count++] = name;
        page->unsorted = page->count;
        rise(page, page->count - 1);
        return gone;
    }
    gone = page->names[0];
    page->names[0] = name;
    sink(page, 0, page->count);
    return gone;
}

bool name_page_sort(struct name_page *page) {
    if (page->unsorted <= 1) return false;
    swap(page, 0, --page->unsorted);
    sink(page, 0, page->unsorted);
    return true;
}
