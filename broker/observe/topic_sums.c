/* A heap of fixed size: whoever falls out of it is added to the others. */
#include "broker/observe/topic_sums.h"

#include <string.h>

#include "base/mem.h"

void topic_sums_open(struct topic_sums *sums, size_t most) {
    *sums = (struct topic_sums){.most = most, .named = mem_alloc(most * sizeof *sums->named)};
}

void topic_sums_close(struct topic_sums *sums) {
    mem_free(sums->named);
    sums->named = NULL;
}

static void add_flow(struct partition_flow *to, const struct partition_flow *flow) {
    to->produced_records += flow->produced_records;
    to->produced_bytes += flow->produced_bytes;
    to->fetched_records += flow->fetched_records;
    to->fetched_bytes += flow->fetched_bytes;
}

static void fold(struct topic_sums *sums, const struct topic_sum *sum) {
    sums->other.led += sum->led;
    sums->other.records += sum->records;
    sums->other.stored_bytes += sum->stored_bytes;
    add_flow(&sums->other.fresh, &sum->fresh);
    sums->folded++;
}

static void swap(struct topic_sum *a, struct topic_sum *b) {
    struct topic_sum kept = *a;
    *a = *b;
    *b = kept;
}

static void sift_up(struct topic_sums *sums, size_t at) {
    struct topic_sum *heap = sums->named;
    for (; at > 0 && heap[at].stored_bytes < heap[(at - 1) / 2].stored_bytes; at = (at - 1) / 2)
        swap(&heap[at], &heap[(at - 1) / 2]);
}

static void sift_down(struct topic_sums *sums) {
    struct topic_sum *heap = sums->named;
    for (size_t at = 0, child; (child = 2 * at + 1) < sums->count; at = child) {
        if (child + 1 < sums->count && heap[child + 1].stored_bytes < heap[child].stored_bytes)
            child++;
        if (heap[at].stored_bytes <= heap[child].stored_bytes) return;
        swap(&heap[at], &heap[child]);
    }
}

void topic_sums_add(struct topic_sums *sums, struct snapshot *snapshot, const char *name,
                    const struct topic_sum *sum) {
    bool full = sums->count == sums->most;
    if (full && (sums->most == 0 || sum->stored_bytes <= sums->named[0].stored_bytes)) {
        fold(sums, sum);
        return;
    }
    struct topic_sum named = *sum;
    named.name = snapshot_text(snapshot, name, strlen(name));
    if (full) {
        fold(sums, &sums->named[0]);
        sums->named[0] = named;
        sift_down(sums);
    } else {
        sums->named[sums->count++] = named;
        sift_up(sums, sums->count - 1);
    }
}

static void show(struct snapshot *snapshot, const struct topic_sum *sum) {
    snapshot_add1(snapshot, METRIC_TOPIC_PARTITIONS, (double)sum->led, sum->name);
    snapshot_add1(snapshot, METRIC_TOPIC_RECORDS, (double)sum->records, sum->name);
    snapshot_add1(snapshot, METRIC_TOPIC_STORED_BYTES, (double)sum->stored_bytes, sum->name);
    snapshot_add1(snapshot, METRIC_TOPIC_PRODUCED_BYTES, (double)sum->flow.produced_bytes,
                  sum->name);
    snapshot_add1(snapshot, METRIC_TOPIC_PRODUCED_RECORDS, (double)sum->flow.produced_records,
                  sum->name);
    snapshot_add1(snapshot, METRIC_TOPIC_FETCHED_BYTES, (double)sum->flow.fetched_bytes, sum->name);
    snapshot_add1(snapshot, METRIC_TOPIC_FETCHED_RECORDS, (double)sum->flow.fetched_records,
                  sum->name);
}

void topic_sums_show(const struct topic_sums *sums, struct snapshot *snapshot,
                     struct partition_flow *ever) {
    for (size_t i = 0; i < sums->count; i++)
        show(snapshot, &sums->named[i]);
    struct topic_sum other = sums->other;
    add_flow(ever, &other.fresh);
    other.flow = *ever;
    other.name = snapshot_text(snapshot, "(other)", 7);
    if (sums->folded > 0) show(snapshot, &other);
    snapshot_add1(snapshot, METRIC_FOLDED, (double)sums->folded,
                  snapshot_text(snapshot, "topics", 6));
}
