/* Few brokers: their sums are in a list. */
#include "broker/tally/replica_lag.h"

#include <string.h>

#include "base/mem.h"
#include "storage/log/partition_log.h"

/* ---- By broker ---- */

static struct broker_lag *find(const struct broker_lags *lags, int32_t node) {
    for (size_t i = 0; i < lags->count; i++)
        if (lags->items[i].node == node) return &lags->items[i];
    return NULL;
}

void broker_lags_begin(struct broker_lags *lags) {
    for (size_t i = 0; i < lags->count; i++)
        lags->items[i].oldest_ms = 0;
}

void broker_lags_close(struct broker_lags *lags) {
    mem_free(lags->items);
    *lags = (struct broker_lags){0};
}

struct broker_lag broker_lags_of(const struct broker_lags *lags, int32_t node) {
    const struct broker_lag *found = find(lags, node);
    return found == NULL ? (struct broker_lag){.node = node} : *found;
}

static void add(struct broker_lags *lags, const struct replica_lag *one) {
    struct broker_lag *sum = find(lags, one->node);
    if (sum == NULL) {
        lags->items = mem_grow(lags->items, lags->count, &lags->room, sizeof *lags->items);
        sum = &lags->items[lags->count++];
        *sum = (struct broker_lag){.node = one->node};
    }
    sum->entries += one->entries;
    sum->bytes += one->bytes;
    if (sum->oldest_ms == 0 || one->mark_ms < sum->oldest_ms) sum->oldest_ms = one->mark_ms;
}

/* ---- Of a partition ---- */

void replica_lags_take_away(struct replica_lags *lags, struct broker_lags *sums) {
    for (size_t i = 0; lags->summed && i < lags->count; i++) {
        struct broker_lag *sum = find(sums, lags->items[i].node);
        sum->entries -= lags->items[i].entries;
        sum->bytes -= lags->items[i].bytes;
    }
    lags->summed = false;
}

void replica_lags_close(struct replica_lags *lags, struct broker_lags *sums) {
    replica_lags_take_away(lags, sums);
    mem_free(lags->items);
    *lags = (struct replica_lags){0};
}

/* It goes on lacking what it lacked, or lacks something later. */
static void mark(struct replica_lag *one, const struct replica_lags *before, log_index match,
                 log_index last, uint64_t now_ms) {
    one->mark = last;
    one->mark_ms = now_ms;
    for (size_t i = 0; i < before->count; i++) {
        const struct replica_lag *old = &before->items[i];
        if (old->node != one->node || old->mark <= match || old->mark > last) continue;
        one->mark = old->mark;
        one->mark_ms = old->mark_ms;
    }
}

void replica_lags_look(struct replica_lags *lags, struct broker_lags *sums,
                       struct raft_group *group, const struct metadata_partition *known,
                       uint64_t now_ms) {
    const struct partition_log *log = raft_group_log(group);
    log_index last = partition_log_last_index(log), match;
    struct replica_lag found[METADATA_REPLICAS_MAX];
    size_t count = 0;
    uint64_t silent_ms;
    for (size_t i = 0; i < known->replica_count; i++) {
        if (!raft_group_member_progress(group, known->replicas[i].replica, &match, &silent_ms) ||
            last <= match)
            continue;
        struct replica_lag *one = &found[count++];
        *one = (struct replica_lag){.node = known->replicas[i].node,
                                    .entries = last - match,
                                    .bytes = partition_log_bytes_behind(log, match)};
        mark(one, lags, match, last, now_ms);
        add(sums, one);
    }
    replica_lags_close(lags, sums);
    if (count == 0) return;
    *lags = (struct replica_lags){
        .items = mem_alloc(count * sizeof *found), .count = count, .summed = true};
    memcpy(lags->items, found, count * sizeof *found);
}
