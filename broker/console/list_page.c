/* From the query to the rows that are shown. */
#include "broker/console/list_page.h"

#include <string.h>

struct list_page list_page_of(struct inquiry *inquiry) {
    const char *order = inquiry_value(inquiry, "order");
    return (struct list_page){
        .search = inquiry_value(inquiry, "search"),
        .sort = inquiry_value(inquiry, "sort"),
        .falling = order != NULL && strcmp(order, "falling") == 0,
        .from = (size_t)inquiry_number(inquiry, "from", 0, 0, INT32_MAX),
        .limit = (size_t)inquiry_number(inquiry, "limit", LIST_PAGE, 1, LIST_PAGE_MAX)};
}

bool list_page_has(const struct list_page *page, struct kp_string text) {
    size_t len = page->search == NULL ? 0 : strlen(page->search);
    return len == 0 ||
           (text.len > 0 && memmem(text.data, (size_t)text.len, page->search, len) != NULL);
}

void list_page_show(struct json *json, const struct list_page *page, const char *key,
                    const void *const *rows, size_t count, size_t all,
                    void (*show)(struct json *json, const void *row)) {
    json_size(json, "total", count);
    json_size(json, "all", all);
    json_size(json, "from", page->from);
    json_array(json, key);
    for (size_t i = page->from; i < count && i - page->from < page->limit; i++)
        show(json, rows[i]);
    json_end(json);
}
