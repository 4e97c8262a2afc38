/* Rows in the order of names; a selection is an array of pointers, sorted by one number. */
#include "broker/console/topic_rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* ---- Making ---- */

static void count_partitions(struct topic_row *row,
                             const struct kp_metadata_response_topic *topic) {
    row->partitions = topic->partitions.count;
    for (int32_t p = 0; p < topic->partitions.count; p++) {
        const struct kp_metadata_response_partition *partition = &topic->partitions.items[p];
        int32_t replicas = partition->replica_nodes.count;
        if (replicas > row->replicas) row->replicas = replicas;
        row->leaderless += partition->leader_id < 0;
        row->under_replicated += partition->isr_nodes.count < replicas;
    }
}

static int by_name(const void *a, const void *b) {
    const struct topic_row *one = a, *other = b;
    return strcmp(one->name, other->name);
}

struct topic_rows *topic_rows_new(const struct kp_metadata_response *metadata) {
    struct topic_rows *rows = mem_zalloc(sizeof *rows);
    size_t most = metadata->topics.count < 0 ? 0 : (size_t)metadata->topics.count, bytes = 0;
    for (size_t i = 0; i < most; i++)
        bytes += (size_t)(metadata->topics.items[i].name.len < 0
                              ? 0
                              : metadata->topics.items[i].name.len) +
                 1;
    rows->rows = mem_zalloc((most + 1) * sizeof *rows->rows);
    rows->names = mem_alloc(bytes + 1);
    char *at = rows->names;
    for (size_t i = 0; i < most; i++) {
        const struct kp_metadata_response_topic *topic = &metadata->topics.items[i];
        if (topic->error_code != 0 || topic->name.len <= 0) continue;
        struct topic_row *row = &rows->rows[rows->count++];
        size_t len = (size_t)topic->name.len;
        memcpy(at, topic->name.data, len);
        at[len] = '\0';
        row->name = at;
        at += len + 1;
        row->internal = topic->is_internal;
        row->records = row->stored_bytes = NAN;
        count_partitions(row, topic);
    }
    qsort(rows->rows, rows->count, sizeof *rows->rows, by_name);
    return rows;
}

void topic_rows_free(struct topic_rows *rows) {
    if (rows == NULL) return;
    mem_free(rows->rows);
    mem_free(rows->names);
    mem_free(rows);
}

struct topic_row *topic_rows_find(struct topic_rows *rows, const char *name, size_t len) {
    size_t low = 0, high = rows->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const char *other = rows->rows[middle].name;
        int order = strncmp(other, name, len);
        if (order == 0 && other[len] == '\0') return &rows->rows[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* ---- Selecting ---- */

static double number_of(const struct topic_row *row, enum topic_order order) {
    switch (order) {
    case ORDER_PARTITIONS: return row->partitions;
    case ORDER_RECORDS: return isnan(row->records) ? -1 : row->records;
    case ORDER_BYTES: return isnan(row->stored_bytes) ? -1 : row->stored_bytes;
    case ORDER_NAME: break;
    }
    return 0;
}

/* Those that are alike stay in the order of names. */
static int compare(const void *a, const void *b, void *arg) {
    const struct topic_row *one = *(const struct topic_row *const *)a;
    const struct topic_row *other = *(const struct topic_row *const *)b;
    const struct topic_wish *wish = arg;
    double left = number_of(one, wish->order), right = number_of(other, wish->order);
    if (left != right) return (left < right) == wish->falling ? 1 : -1;
    int order = strcmp(one->name, other->name);
    return wish->order == ORDER_NAME && wish->falling ? -order : order;
}

const struct topic_row **topic_rows_select(const struct topic_rows *rows,
                                           const struct topic_wish *wish, size_t *count) {
    const struct topic_row **selected = mem_alloc((rows->count + 1) * sizeof *selected);
    *count = 0;
    for (size_t i = 0; i < rows->count; i++) {
        const struct topic_row *row = &rows->rows[i];
        if ((row->internal && !wish->internal) ||
            (wish->troubled && row->leaderless == 0 && row->under_replicated == 0) ||
            (wish->search != NULL && strcasestr(row->name, wish->search) == NULL))
            continue;
        selected[(*count)++] = row;
    }
    qsort_r(selected, *count, sizeof *selected, compare, (void *)wish);
    return selected;
}
