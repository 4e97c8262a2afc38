/* Adding up the partitions of a group. */
#include "client/why/group_sums.h"

#include <string.h>

static bool is_same(const char *a, const char *b) {
    return a == b || (a && b && strcmp(a, b) == 0);
}

static struct group_sum *find(struct group_sum *sums, size_t *count, enum group_sum_by by,
                              const struct group_offset *one) {
    const char *topic = by == SUM_BY_TOPIC ? one->topic : NULL,
               *member = by == SUM_BY_MEMBER ? one->member : NULL;
    for (size_t i = 0; i < *count; i++) {
        if (is_same(sums[i].topic, topic) && is_same(sums[i].member, member)) {
            return &sums[i];
        }
    }
    sums[*count] = (struct group_sum){
        .topic = topic, .member = member, .lag_records = -1, .lag_seconds = -1};
    return &sums[(*count)++];
}

struct group_sum *group_sums(const struct group_view *view, enum group_sum_by by,
                             struct kp_arena *arena, size_t *count) {
    struct group_sum *sums = kp_arena_alloc(arena, (view->offset_count + 1) * sizeof(*sums));
    *count = 0;
    for (size_t i = 0; sums && i < view->offset_count; i++) {
        const struct group_offset *one = &view->offsets[i];
        struct group_sum *sum = find(sums, count, by, one);
        sum->partitions++;
        if (one->lag_records >= 0) {
            sum->lag_records = (sum->lag_records < 0 ? 0 : sum->lag_records) + one->lag_records;
        }
        sum->lag_seconds = one->lag_seconds > sum->lag_seconds ? one->lag_seconds
                                                               : sum->lag_seconds;
    }
    return sums;
}

json_t *group_sums_json(const struct group_sum *sums, enum group_sum_by by, size_t count) {
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        const char *name = by == SUM_BY_TOPIC ? sums[i].topic : sums[i].member;
        json_array_append_new(
            list,
            json_pack("{s:o,s:I,s:o,s:o}", by == SUM_BY_TOPIC ? "topic" : "member",
                      name ? json_string(name) : json_null(), "partitions",
                      (json_int_t)sums[i].partitions, "lag_records",
                      sums[i].lag_records < 0 ? json_null() : json_integer(sums[i].lag_records),
                      "lag_seconds",
                      sums[i].lag_seconds < 0 ? json_null() : json_real(sums[i].lag_seconds)));
    }
    return list;
}
