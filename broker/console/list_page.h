/*
 * A page of a list, as a browser asks for it: ?search=, ?sort=, ?order=falling, ?from=, ?limit=.
 *
 * Happy path: list_page_of; the caller selects and sorts as it says; list_page_show writes how many
 * there are, and those of the page. Failures: none; what is no number is what stands for nothing.
 */
#ifndef BROKER_CONSOLE_LIST_PAGE_H
#define BROKER_CONSOLE_LIST_PAGE_H

#include "broker/console/asking/inquiry.h"

enum { LIST_PAGE = 100, LIST_PAGE_MAX = 500 };

struct list_page {
    const char *search; /* NULL: all */
    const char *sort;   /* NULL: as it is */
    bool falling;
    size_t from, limit;
};

struct list_page list_page_of(struct inquiry *inquiry);
/* Whether the text has what is searched for, as it is written. */
bool list_page_has(const struct list_page *page, struct kp_string text);
/* The members "total", "all", "from", and `key`: an array of what `show` writes of each of the
 * `count` rows that is on the page. `all`: of which those were selected. */
void list_page_show(struct json *json, const struct list_page *page, const char *key,
                    const void *const *rows, size_t count, size_t all,
                    void (*show)(struct json *json, const void *row));

#endif
