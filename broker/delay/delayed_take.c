/* What a leader takes for its next release, and what it leaves because it is being called off. */
#include "base/check.h"
#include "base/mem.h"
#include "broker/delay/delayed_internal.h"

static struct delayed_record *next_due(const struct delayed *delayed, int64_t now_ms,
                                       int64_t until_ms) {
    struct delayed_record *first = delayed_first(delayed);
    bool due = first != NULL && first->key.due_ms <= now_ms && first->key.due_ms <= until_ms;
    return due ? first : NULL;
}

static void take(struct delayed *delayed, struct delayed_record *record) {
    delayed_step_out(delayed, record);
    record->taken = true;
    delayed->taken = mem_grow(delayed->taken, delayed->taken_count, &delayed->taken_room,
                              sizeof *delayed->taken);
    delayed->taken[delayed->taken_count++] = record->key.offset;
    delayed->taken_left++;
}

/* Another one still goes with what `sum` is of. */
static bool has_room(const struct delayed_most *most, const struct delayed_most *sum,
                     const struct delayed_record *record) {
    return sum->records < most->records &&
           sum->headers + (size_t)record->header_count <= most->headers &&
           sum->bytes + delayed_bytes_of(delayed_record_len(record)) <= most->bytes;
}

struct slice delayed_take(struct delayed *delayed, int64_t now_ms, int64_t until_ms,
                          const struct delayed_most *most) {
    struct delayed_record *record = next_due(delayed, now_ms, until_ms);
    struct delayed_most sum = {0};
    struct record_batch_builder *builder;
    uint8_t *bytes;
    size_t size;
    if (record == NULL) return (struct slice){0};
    struct record_batch_options options = record_batch_plain();
    builder = record_batch_builder_new(&options);
    do {
        take(delayed, record);
        delayed_deliver(record, now_ms, builder);
        sum.records++;
        sum.headers += (size_t)record->header_count;
        sum.bytes = record_batch_builder_size(builder);
        record = next_due(delayed, now_ms, until_ms);
    } while (record != NULL && has_room(most, &sum, record));
    int error = record_batch_builder_finish(builder, &bytes, &size);
    CHECK(error == ERR_NONE); /* of `most`, or of one record, which came in a batch */
    return slice_adopt(NULL, bytes, size);
}

void delayed_give_back(struct delayed *delayed) {
    for (size_t i = 0; i < delayed->taken_count; i++) {
        struct delayed_record *record = delayed_find(delayed, delayed->taken[i]);
        if (record == NULL) continue; /* it was called off */
        record->taken = false;
        delayed_line_up(delayed, record);
    }
    delayed->taken_count = delayed->taken_left = 0;
}

/* ---- What is being called off ---- */

bool delayed_is_pending(struct delayed *delayed, kafka_offset offset) {
    return delayed_find(delayed, offset) != NULL;
}

void delayed_set_aside(struct delayed *delayed, kafka_offset offset) {
    struct delayed_aside *aside;
    struct delayed_record *record = delayed_find(delayed, offset);
    HASH_FIND(hh, delayed->asides, &offset, sizeof offset, aside);
    if (aside == NULL) {
        aside = mem_zalloc(sizeof *aside);
        aside->offset = offset;
        HASH_ADD(hh, delayed->asides, offset, sizeof aside->offset, aside);
    }
    aside->count++;
    if (record != NULL) delayed_step_out(delayed, record);
}

void delayed_aside_over(struct delayed *delayed, kafka_offset offset) {
    struct delayed_aside *aside;
    struct delayed_record *record = delayed_find(delayed, offset);
    HASH_FIND(hh, delayed->asides, &offset, sizeof offset, aside);
    CHECK(aside != NULL); /* set aside once for each time that it is over */
    if (--aside->count > 0) return;
    HASH_DEL(delayed->asides, aside);
    mem_free(aside);
    if (record != NULL) delayed_line_up(delayed, record);
}
