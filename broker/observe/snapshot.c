/* Arrays that grow. Texts lie one behind the other, each behind its length. */
#include "broker/observe/snapshot.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"

struct snapshot *snapshot_new(void) {
    struct snapshot *snapshot = mem_zalloc(sizeof *snapshot);
    atomic_init(&snapshot->references, 1);
    snapshot->sample_count = 1; /* 0 is none */
    snapshot->samples = mem_grow(NULL, 0, &snapshot->sample_room, sizeof *snapshot->samples);
    snapshot_text(snapshot, "", 0); /* id 0 */
    for (int kind = 0; kind < HEALTH_KINDS; kind++)
        snapshot->health[kind].ok = true;
    return snapshot;
}

struct snapshot *snapshot_ref(struct snapshot *snapshot) {
    atomic_fetch_add(&snapshot->references, 1);
    return snapshot;
}

void snapshot_unref(struct snapshot *snapshot) {
    if (snapshot == NULL || atomic_fetch_sub(&snapshot->references, 1) > 1) return;
    for (int kind = 0; kind < HEALTH_KINDS; kind++)
        mem_free(snapshot->health[kind].reasons);
    mem_free(snapshot->samples);
    mem_free(snapshot->histograms);
    mem_free(snapshot->texts);
    mem_free(snapshot);
}

snapshot_text_id snapshot_text(struct snapshot *snapshot, const char *text, size_t len) {
    uint32_t size = (uint32_t)len;
    size_t at = snapshot->text_bytes, need = at + sizeof size + len;
    if (need > snapshot->text_room) {
        while (need > snapshot->text_room)
            snapshot->text_room = snapshot->text_room == 0 ? 4096 : snapshot->text_room * 2;
        snapshot->texts = mem_realloc(snapshot->texts, snapshot->text_room);
    }
    memcpy(snapshot->texts + at, &size, sizeof size);
    if (len > 0) memcpy(snapshot->texts + at + sizeof size, text, len);
    snapshot->text_bytes = need;
    return (snapshot_text_id)at;
}

const char *snapshot_text_of(const struct snapshot *snapshot, snapshot_text_id id, size_t *len) {
    uint32_t size;
    memcpy(&size, snapshot->texts + id, sizeof size);
    *len = size;
    return snapshot->texts + id + sizeof size;
}

/* Of as many labels as the metric has. */
static struct sample *add(struct snapshot *snapshot, enum metric metric, unsigned labels) {
    CHECK(metric_labels(&metric_table()[metric]) == labels);
    snapshot->samples = mem_grow(snapshot->samples, snapshot->sample_count, &snapshot->sample_room,
                                 sizeof *snapshot->samples);
    uint32_t place = (uint32_t)snapshot->sample_count++;
    struct sample *sample = &snapshot->samples[place];
    *sample = (struct sample){.metric = metric};
    if (snapshot->first[metric] == 0)
        snapshot->first[metric] = place;
    else
        snapshot->samples[snapshot->last[metric]].next = place;
    snapshot->last[metric] = place;
    return sample;
}

void snapshot_add(struct snapshot *snapshot, enum metric metric, double value) {
    add(snapshot, metric, 0)->value = value;
}

void snapshot_add1(struct snapshot *snapshot, enum metric metric, double value,
                   snapshot_text_id label) {
    struct sample *sample = add(snapshot, metric, 1);
    sample->labels[0] = label;
    sample->value = value;
}

void snapshot_add2(struct snapshot *snapshot, enum metric metric, double value,
                   snapshot_text_id first, snapshot_text_id second) {
    struct sample *sample = add(snapshot, metric, 2);
    sample->labels[0] = first;
    sample->labels[1] = second;
    sample->value = value;
}

void snapshot_add3(struct snapshot *snapshot, enum metric metric, double value,
                   snapshot_text_id first, snapshot_text_id second, snapshot_text_id third) {
    struct sample *sample = add(snapshot, metric, 3);
    sample->labels[0] = first;
    sample->labels[1] = second;
    sample->labels[2] = third;
    sample->value = value;
}

void snapshot_add_histogram(struct snapshot *snapshot, enum metric metric,
                            const struct buckets *histogram, snapshot_text_id label) {
    CHECK(metric_table()[metric].type == METRIC_HISTOGRAM);
    struct sample *sample = add(snapshot, metric, metric_labels(&metric_table()[metric]));
    sample->labels[0] = label;
    sample->histogram = (uint32_t)snapshot->histogram_count;
    snapshot->histograms = mem_grow(snapshot->histograms, snapshot->histogram_count,
                                    &snapshot->histogram_room, sizeof *snapshot->histograms);
    snapshot->histograms[snapshot->histogram_count++] = *histogram;
}

void snapshot_unwell_more(struct snapshot *snapshot, enum health_kind kind, size_t count) {
    snapshot->health[kind].left_out += count;
}

void snapshot_unwell(struct snapshot *snapshot, enum health_kind kind, const char *code,
                     const char *format, ...) {
    struct health *health = &snapshot->health[kind];
    health->ok = false;
    if (health->count == SNAPSHOT_REASONS_MAX) {
        health->left_out++;
        return;
    }
    health->reasons = mem_grow(health->reasons, health->count, &health->room,
                               sizeof *health->reasons);
    struct health_reason *reason = &health->reasons[health->count++];
    reason->code = code;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason->text, sizeof reason->text, format, arguments);
    va_end(arguments);
}
