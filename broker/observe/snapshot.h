/*
 * The numbers of a broker at one moment, as the event loop hands them to the thread that shows
 * them: flat, with copies of every text, no pointer into anything of the loop.
 *
 * Happy path: snapshot_new, snapshot_add for each number, then it is only read, by whoever has a
 * reference, on any thread. Failures: none. Invariant: the samples of a metric come out in the
 * order in which they were added.
 */
#ifndef BROKER_OBSERVE_SNAPSHOT_H
#define BROKER_OBSERVE_SNAPSHOT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/observe/metric_table.h"

enum { SNAPSHOT_REASONS_MAX = 1000 };

/* A text in the snapshot; 0: the empty one. */
typedef uint32_t snapshot_text_id;

struct sample {
    enum metric metric;
    uint32_t next; /* of the metric; 0: none */
    snapshot_text_id labels[METRIC_LABELS_MAX];
    double value;       /* of no histogram */
    uint32_t histogram; /* place, of a histogram */
};

/* What a probe is answered with. */
struct health_reason {
    const char *code; /* static */
    char text[200];
};
struct health {
    bool ok;
    struct health_reason *reasons;
    size_t count, room, left_out;
};
enum health_kind { HEALTH_READY, HEALTH_STOPPABLE, HEALTH_CLUSTER, HEALTH_KINDS };

struct snapshot {
    atomic_uint references;
    uint64_t taken_us; /* env_now_us */
    uint32_t first[METRICS], last[METRICS];
    struct sample *samples; /* from 1 */
    size_t sample_count, sample_room;
    struct buckets *histograms;
    size_t histogram_count, histogram_room;
    char *texts;
    size_t text_bytes, text_room;
    struct health health[HEALTH_KINDS];
};

struct snapshot *snapshot_new(void); /* one reference; health: all is well */
struct snapshot *snapshot_ref(struct snapshot *snapshot);
void snapshot_unref(struct snapshot *snapshot); /* NULL does nothing */

snapshot_text_id snapshot_text(struct snapshot *snapshot, const char *text, size_t len);
/* The text of an id, and its length. */
const char *snapshot_text_of(const struct snapshot *snapshot, snapshot_text_id id, size_t *len);

/* As many labels as the metric has. */
void snapshot_add(struct snapshot *snapshot, enum metric metric, double value);
void snapshot_add1(struct snapshot *snapshot, enum metric metric, double value,
                   snapshot_text_id label);
void snapshot_add2(struct snapshot *snapshot, enum metric metric, double value,
                   snapshot_text_id first, snapshot_text_id second);
void snapshot_add3(struct snapshot *snapshot, enum metric metric, double value,
                   snapshot_text_id first, snapshot_text_id second, snapshot_text_id third);
/* `label`: of a metric that has one, else 0. Copied. */
void snapshot_add_histogram(struct snapshot *snapshot, enum metric metric,
                            const struct buckets *histogram, snapshot_text_id label);

/* ... nor for so many more. */
void snapshot_unwell_more(struct snapshot *snapshot, enum health_kind kind, size_t count);
/* It is not well, for that reason. */
void snapshot_unwell(struct snapshot *snapshot, enum health_kind kind, const char *code,
                     const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
