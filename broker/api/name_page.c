/* A heap of names, the last on top. The contract is in name_page.h. */
#include "broker/api/name_page.h"

#include <string.h>

#include "base/check.h"

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
    if (page->count < page->most) return true;
    return page->most > 0 && name_compare(name, page->names[0]) < 0;
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

/* Returns the name that had to go for it, or null. */
static struct kp_string put(struct name_page *page, struct kp_string name) {
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

void name_page_put(struct name_page *page, struct kp_string name) {
    put(page, name);
}

bool name_page_put_copy(struct name_page *page, struct kp_arena *arena, struct kp_string name,
                        size_t longest) {
    CHECK((size_t)name.len <= longest); /* the caller's names have that limit */
    char *copy = page->spare != NULL ? page->spare : kp_arena_alloc(arena, longest);
    if (copy == NULL) return false;
    memcpy(copy, name.data, (size_t)name.len);
    page->spare = (char *)put(page, (struct kp_string){copy, name.len}).data; /* a copy as well */
    return true;
}

bool name_page_sort(struct name_page *page) {
    if (page->unsorted <= 1) return false;
    swap(page, 0, --page->unsorted);
    sink(page, 0, page->unsorted);
    return true;
}
