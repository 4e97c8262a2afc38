/* Names behind each other, each with its length in two bytes before it. */
#include "broker/coordinator/consumer/topic_names.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static int name_order(const void *left, const void *right) {
    const struct kp_string *a = left, *b = right;
    int32_t shorter = a->len < b->len ? a->len : b->len;
    int order = shorter > 0 ? memcmp(a->data, b->data, (size_t)shorter) : 0;
    return order != 0 ? order : (a->len > b->len) - (a->len < b->len);
}

struct shared_bytes *topic_names_of(struct shared_pool *pool, const struct kp_string *names,
                                    size_t count) {
    struct kp_string *sorted = mem_alloc(count * sizeof *sorted);
    size_t bytes = 0, at = 0;
    bool in_order = true; /* as they often come */
    for (size_t i = 0; i < count; i++) {
        sorted[i] = names[i];
        if (sorted[i].len > UINT16_MAX) sorted[i].len = UINT16_MAX;
        bytes += 2 + (size_t)sorted[i].len;
        in_order = in_order && (i == 0 || name_order(&sorted[i - 1], &sorted[i]) <= 0);
    }
    if (!in_order) qsort(sorted, count, sizeof *sorted, name_order);
    uint8_t *packed = mem_alloc(bytes);
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && name_order(&sorted[i - 1], &sorted[i]) == 0) continue;
        packed[at++] = (uint8_t)(sorted[i].len >> 8);
        packed[at++] = (uint8_t)sorted[i].len;
        if (sorted[i].len > 0) memcpy(packed + at, sorted[i].data, (size_t)sorted[i].len);
        at += (size_t)sorted[i].len;
    }
    struct shared_bytes *made = shared_bytes_of(pool, packed, (int32_t)at);
    mem_free(packed);
    mem_free(sorted);
    return made;
}

bool topic_names_next(const struct shared_bytes *names, size_t *at, struct kp_string *name) {
    struct kp_bytes bytes = shared_bytes_view(names);
    if (bytes.len < 0 || *at >= (size_t)bytes.len) return false;
    const uint8_t *one = bytes.data + *at;
    *name = (struct kp_string){(const char *)one + 2, one[0] << 8 | one[1]};
    *at += 2 + (size_t)name->len;
    return true;
}

bool topic_names_contain(const struct shared_bytes *names, struct kp_string name) {
    struct kp_string one;
    for (size_t at = 0; topic_names_next(names, &at, &one);)
        if (kp_string_equal(one, name)) return true;
    return false;
}

size_t topic_names_count(const struct shared_bytes *names) {
    struct kp_string one;
    size_t count = 0;
    for (size_t at = 0; topic_names_next(names, &at, &one);)
        count++;
    return count;
}
