/* A table of pages by where each begins. */
#include "broker/delay/delayed_pages.h"

#include <stdbool.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"

enum { PAGE_RECORDS = 256 };

struct place {
    kafka_offset offset;
    struct delayed_record *record;
};

struct delayed_page {
    size_t count; /* never 0 between two calls */
    struct place places[PAGE_RECORDS];
};

struct delayed_page_head {
    kafka_offset from; /* none of the page is below it, all of those before are */
    struct delayed_page *page;
};

/* The page in which the offset would be. There is one. */
static size_t page_of(const struct delayed_pages *pages, kafka_offset offset) {
    size_t low = 0, high = pages->pages;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (pages->table[middle].from <= offset)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* The first place of an offset that is not below `offset`. */
static size_t place_of(const struct delayed_page *page, kafka_offset offset) {
    size_t low = 0, high = page->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (page->places[middle].offset < offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

kafka_offset delayed_pages_last(const struct delayed_pages *pages) {
    if (pages->count == 0) return -1;
    const struct delayed_page *last = pages->table[pages->pages - 1].page;
    return last->places[last->count - 1].offset;
}

void delayed_pages_add(struct delayed_pages *pages, kafka_offset offset,
                       struct delayed_record *record) {
    struct delayed_page *page = pages->pages == 0 ? NULL : pages->table[pages->pages - 1].page;
    if (page == NULL || page->count == PAGE_RECORDS) {
        page = mem_alloc(sizeof *page);
        page->count = 0;
        pages->table = mem_grow(pages->table, pages->pages, &pages->room, sizeof *pages->table);
        pages->table[pages->pages++] = (struct delayed_page_head){offset, page};
    }
    page->places[page->count++] = (struct place){offset, record};
    pages->count++;
}

struct delayed_record *delayed_pages_find(const struct delayed_pages *pages, kafka_offset offset) {
    if (pages->count == 0) return NULL;
    const struct delayed_page *page = pages->table[page_of(pages, offset)].page;
    size_t at = place_of(page, offset);
    bool there = at < page->count && page->places[at].offset == offset;
    return there ? page->places[at].record : NULL;
}

struct delayed_record *delayed_pages_behind(const struct delayed_pages *pages,
                                            kafka_offset offset) {
    if (pages->count == 0 || offset == INT64_MAX) return NULL;
    size_t page_at = page_of(pages, offset + 1);
    const struct delayed_page *page = pages->table[page_at].page;
    size_t at = place_of(page, offset + 1);
    if (at < page->count) return page->places[at].record;
    return page_at + 1 < pages->pages ? pages->table[page_at + 1].page->places[0].record : NULL;
}

static void drop_page(struct delayed_pages *pages, size_t at) {
    mem_free(pages->table[at].page);
    pages->pages--;
    memmove(&pages->table[at], &pages->table[at + 1], (pages->pages - at) * sizeof *pages->table);
}

/* The page and the next one become one, if they fit into it. */
static void join(struct delayed_pages *pages, size_t at) {
    if (at + 1 >= pages->pages) return;
    struct delayed_page *page = pages->table[at].page;
    const struct delayed_page *next = pages->table[at + 1].page;
    if (page->count + next->count > PAGE_RECORDS) return;
    memcpy(&page->places[page->count], next->places, next->count * sizeof next->places[0]);
    page->count += next->count;
    drop_page(pages, at + 1);
}

void delayed_pages_remove(struct delayed_pages *pages, kafka_offset offset) {
    CHECK(pages->count > 0); /* the caller has found it */
    size_t page_at = page_of(pages, offset);
    struct delayed_page *page = pages->table[page_at].page;
    size_t at = place_of(page, offset);
    CHECK(at < page->count && page->places[at].offset == offset); /* likewise */
    page->count--;
    memmove(&page->places[at], &page->places[at + 1], (page->count - at) * sizeof page->places[0]);
    if (--pages->count == 0) {
        drop_page(pages, 0);
        return;
    }
    join(pages, page_at);
    if (page_at > 0) join(pages, page_at - 1);
}

void delayed_pages_free(struct delayed_pages *pages) {
    for (size_t i = 0; i < pages->pages; i++) {
        struct delayed_page *page = pages->table[i].page;
        for (size_t k = 0; k < page->count; k++)
            mem_free(page->places[k].record);
        mem_free(page);
    }
    mem_free(pages->table);
    *pages = (struct delayed_pages){0};
}
