/* Texts grow by doubling. Whole numbers are printed as such, as long as a double holds them. */
#include "broker/observe/snapshot_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/printable.h"

enum { FIRST_ROOM = 16 * 1024, PIECE = 512 };
static const double WHOLE_MOST = 9007199254740992.0; /* 2^53 */

struct text {
    char *data;
    size_t len, room;
};

static void add_bytes(struct text *text, const char *data, size_t len) {
    if (text->len + len > text->room) {
        while (text->len + len > text->room)
            text->room = text->room == 0 ? FIRST_ROOM : 2 * text->room;
        text->data = mem_realloc(text->data, text->room);
    }
    memcpy(text->data + text->len, data, len);
    text->len += len;
}

/* Of PIECE bytes at most. */
__attribute__((format(printf, 2, 3))) static void add_print(struct text *text, const char *format,
                                                            ...) {
    char piece[PIECE];
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(piece, sizeof piece, format, arguments);
    va_end(arguments);
    if (len > 0)
        add_bytes(text, piece, (size_t)len < sizeof piece ? (size_t)len : sizeof piece - 1);
}

static struct slice finish(struct text *text) {
    return slice_adopt(NULL, text->data, text->len);
}

/* ---- Metrics ---- */

static void add_escaped(struct text *text, char byte) {
    if (byte == '\\' || byte == '"') add_bytes(text, "\\", 1);
    add_bytes(text, &byte, 1);
}

static void add_label(struct text *text, const char *name, const char *value, size_t len) {
    add_print(text, "%s=\"", name);
    for (size_t at = 0; at < len;) {
        char escape[PRINTABLE_ESCAPE];
        size_t size = printable_step(value + at, len - at, escape);
        const char *shown = escape[0] == '\0' ? value + at : escape;
        size_t shown_len = escape[0] == '\0' ? size : strlen(escape);
        for (size_t i = 0; i < shown_len; i++)
            add_escaped(text, shown[i]);
        at += size;
    }
    add_bytes(text, "\"", 1);
}

static void add_number(struct text *text, double value) {
    bool small = value > -WHOLE_MOST && value < WHOLE_MOST;
    if (small && (double)(int64_t)value == value)
        add_print(text, " %.0f\n", value);
    else
        add_print(text, " %.12g\n", value);
}

/* Name, labels, and `bound` as the label le if it is not NULL. */
static void add_series(struct text *text, const struct metric_row *row, const char *suffix,
                       const struct snapshot *snapshot, const struct sample *sample,
                       const char *bound) {
    unsigned labels = metric_labels(row);
    add_print(text, "%s%s", row->name, suffix);
    if (labels == 0 && bound == NULL) return;
    for (unsigned i = 0; i < labels; i++) {
        size_t len;
        const char *value = snapshot_text_of(snapshot, sample->labels[i], &len);
        add_bytes(text, i == 0 ? "{" : ",", 1);
        add_label(text, row->labels[i], value, len);
    }
    if (bound != NULL) add_print(text, "%sle=\"%s\"", labels == 0 ? "{" : ",", bound);
    add_bytes(text, "}", 1);
}

static void add_histogram(struct text *text, const struct metric_row *row,
                          const struct snapshot *snapshot, const struct sample *sample) {
    const struct buckets *histogram = &snapshot->histograms[sample->histogram];
    const struct bucket_bounds *kind = row->kind;
    uint64_t count = 0;
    for (unsigned i = 0; i < kind->count; i++) {
        char bound[32];
        snprintf(bound, sizeof bound, "%.9g", (double)kind->upto[i] * kind->unit);
        count += histogram->counts[i];
        add_series(text, row, "_bucket", snapshot, sample, bound);
        add_number(text, (double)count);
    }
    count += histogram->counts[kind->count];
    add_series(text, row, "_bucket", snapshot, sample, "+Inf");
    add_number(text, (double)count);
    add_series(text, row, "_sum", snapshot, sample, NULL);
    add_number(text, (double)histogram->sum * kind->unit);
    add_series(text, row, "_count", snapshot, sample, NULL);
    add_number(text, (double)count);
}

static void add_samples(struct text *text, enum metric metric, const struct snapshot *snapshot) {
    const struct metric_row *row = &metric_table()[metric];
    if (snapshot == NULL) return;
    for (uint32_t at = snapshot->first[metric]; at != 0; at = snapshot->samples[at].next) {
        const struct sample *sample = &snapshot->samples[at];
        if (row->type == METRIC_HISTOGRAM) {
            add_histogram(text, row, snapshot, sample);
            continue;
        }
        add_series(text, row, "", snapshot, sample, NULL);
        add_number(text, sample->value);
    }
}

struct slice metrics_text(const struct snapshot *first, const struct snapshot *second) {
    static const char *const types[] = {
        [METRIC_GAUGE] = "gauge", [METRIC_COUNTER] = "counter", [METRIC_HISTOGRAM] = "histogram"};
    struct text text = {0};
    for (enum metric metric = 0; metric < METRICS; metric++) {
        const struct metric_row *row = &metric_table()[metric];
        bool there = (first != NULL && first->first[metric] != 0) ||
                     (second != NULL && second->first[metric] != 0);
        if (!there) continue;
        add_print(&text, "# HELP %s %s\n# TYPE %s %s\n", row->name, row->help, row->name,
                  types[row->type]);
        add_samples(&text, metric, first);
        add_samples(&text, metric, second);
    }
    return finish(&text);
}

/* ---- Health ---- */

struct slice health_text(const struct health *health, size_t limit) {
    struct text text = {0};
    size_t shown = health->count < limit ? health->count : limit;
    size_t left_out = health->left_out + health->count - shown;
    add_print(&text, "{\"ok\":%s,\"reasons\":[", health->ok ? "true" : "false");
    for (size_t i = 0; i < shown; i++) {
        const struct health_reason *reason = &health->reasons[i];
        char escaped[PIECE / 2 + 150];
        printable_json(reason->text, strlen(reason->text), escaped, sizeof escaped);
        add_print(&text, "%s{\"code\":\"%s\",\"text\":\"%s\"}", i == 0 ? "" : ",", reason->code,
                  escaped);
    }
    add_bytes(&text, "]", 1);
    if (left_out > 0) add_print(&text, ",\"left_out\":%zu", left_out);
    add_bytes(&text, "}\n", 2);
    return finish(&text);
}
