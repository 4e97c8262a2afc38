/* A heap by key, and pages by offset, of the same records. */
#include "broker/delay/delayed.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/mutant.h"
#include "broker/delay/delayed_internal.h"
#include "protocol/record/held_batch.h"

enum { FREED_AT_ONCE = 4000 };                          /* records: less than a millisecond */
enum { PLACES = sizeof(void *) + DELAYED_PAGES_PLACE }; /* bytes for one */
enum { HEAP_PIECE = 4096 };                             /* records */

/* ---- The heap ---- */

bool delayed_key_before(struct delayed_key a, struct delayed_key b) {
    return a.due_ms != b.due_ms ? a.due_ms < b.due_ms : a.offset < b.offset;
}

static struct delayed_record **heap_at(const struct delayed *delayed, size_t place) {
    return &delayed->heap.pieces[place / HEAP_PIECE][place % HEAP_PIECE];
}

static void heap_put(struct delayed *delayed, size_t place, struct delayed_record *record) {
    *heap_at(delayed, place) = record;
    record->place = (uint32_t)place;
}

static void heap_grow(struct delayed_heap *heap) {
    if (++heap->count / HEAP_PIECE < heap->piece_count) return;
    heap->pieces = mem_grow(heap->pieces, heap->piece_count, &heap->room, sizeof *heap->pieces);
    heap->pieces[heap->piece_count++] = mem_alloc(HEAP_PIECE * sizeof **heap->pieces);
}

struct delayed_record *delayed_first(const struct delayed *delayed) {
    return delayed->heap.count == 0 ? NULL : *heap_at(delayed, 1);
}

static void heap_rise(struct delayed *delayed, struct delayed_record *record) {
    size_t place = record->place;
    for (struct delayed_record *above; place > 1; place /= 2) {
        above = *heap_at(delayed, place / 2);
        if (!delayed_key_before(record->key, above->key)) break;
        heap_put(delayed, place, above);
    }
    heap_put(delayed, place, record);
}

/* Of the places below `place`, that of the lesser record; 0: there are none. */
static size_t heap_below(const struct delayed *delayed, size_t place) {
    size_t left = place * 2;
    if (left > delayed->heap.count) return 0;
    if (left == delayed->heap.count) return left;
    bool right = delayed_key_before((*heap_at(delayed, left + 1))->key,
                                    (*heap_at(delayed, left))->key);
    return right ? left + 1 : left;
}

static void heap_sink(struct delayed *delayed, struct delayed_record *record) {
    size_t place = record->place, below;
    while ((below = heap_below(delayed, place)) > 0) {
        struct delayed_record *lesser = *heap_at(delayed, below);
        if (!delayed_key_before(lesser->key, record->key)) break;
        heap_put(delayed, place, lesser);
        place = below;
    }
    heap_put(delayed, place, record);
}

static bool is_aside(const struct delayed *delayed, kafka_offset offset) {
    struct delayed_aside *aside;
    HASH_FIND(hh, delayed->asides, &offset, sizeof offset, aside);
    return aside != NULL;
}

void delayed_line_up(struct delayed *delayed, struct delayed_record *record) {
    if (record->taken || record->place > 0 || is_aside(delayed, record->key.offset)) return;
    heap_grow(&delayed->heap);
    heap_put(delayed, delayed->heap.count, record);
    heap_rise(delayed, record);
}

void delayed_step_out(struct delayed *delayed, struct delayed_record *record) {
    size_t place = record->place;
    if (place == 0) return;
    struct delayed_record *last = *heap_at(delayed, delayed->heap.count--);
    record->place = 0;
    if (last == record) return;
    heap_put(delayed, place, last);
    heap_rise(delayed, last);
    heap_sink(delayed, last);
}

/* ---- Records ---- */

size_t delayed_record_len(const struct delayed_record *record) {
    size_t key = record->key_len > 0 ? (size_t)record->key_len : 0,
           value = record->value_len > 0 ? (size_t)record->value_len : 0;
    return key + value + record->headers_len;
}

uint64_t delayed_bytes_of(size_t len) {
    return sizeof(struct delayed_record) + PLACES + len;
}

struct delayed_record *delayed_find(struct delayed *delayed, kafka_offset offset) {
    return delayed_pages_find(&delayed->records, offset);
}

int delayed_add(struct delayed *delayed, struct delayed_record *record) {
    if (record->key.offset <= delayed_pages_last(&delayed->records)) {
        mem_free(record);
        return ERR_MALFORMED;
    }
    delayed_pages_add(&delayed->records, record->key.offset, record);
    delayed_line_up(delayed, record);
    delayed->bytes += delayed_bytes_of(delayed_record_len(record));
    return ERR_NONE;
}

void delayed_drop(struct delayed *delayed, struct delayed_record *record) {
    delayed->bytes -= delayed_bytes_of(delayed_record_len(record));
    delayed_step_out(delayed, record);
    delayed_pages_remove(&delayed->records, record->key.offset);
    if (record->taken && --delayed->taken_left == 0) delayed->taken_count = 0;
    mem_free(record);
}

struct delayed *delayed_new(void) {
    struct delayed *delayed = mem_zalloc(sizeof *delayed);
    delayed_reset(delayed);
    return delayed;
}

static void free_all(struct delayed_rest *rest) {
    delayed_pages_free(&rest->records);
    for (size_t i = 0; i < rest->heap.piece_count; i++)
        mem_free(rest->heap.pieces[i]);
    mem_free(rest->heap.pieces);
}

void delayed_rest_free(struct delayed_rest *rest) {
    if (rest == NULL) return;
    free_all(rest);
    mem_free(rest);
}

struct delayed_rest *delayed_clear(struct delayed *delayed) {
    struct delayed_rest rest = {delayed->records, delayed->heap}, *large = NULL;
    struct delayed_walk *walk;
    bool little = delayed_count(delayed) <= FREED_AT_ONCE;
    DL_FOREACH(delayed->walks, walk) {
        walk->written = INT64_MAX; /* there is no more */
    }
    while (delayed->looks != NULL) {
        struct delayed_look *look = delayed->looks;
        DL_DELETE(delayed->looks, look);
        *look = (struct delayed_look){0};
    }
    delayed->records = (struct delayed_pages){0};
    delayed->heap = (struct delayed_heap){0};
    delayed->taken_count = delayed->taken_left = 0;
    delayed->restored_off = 0;
    delayed->bytes = 0;
    delayed->released = (struct delayed_key){INT64_MIN, -1};
    delayed->end = 0;
    if (little) {
        free_all(&rest);
    } else {
        large = mem_alloc(sizeof *large);
        *large = rest;
    }
    return large;
}

void delayed_reset(struct delayed *delayed) {
    delayed_rest_free(delayed_clear(delayed));
}

void delayed_free(struct delayed *delayed) {
    if (delayed == NULL) return;
    delayed_reset(delayed);
    mem_free(delayed->taken);
    mem_free(delayed);
}

uint64_t delayed_called_off(const struct delayed *delayed) {
    return delayed->called_off;
}

size_t delayed_count(const struct delayed *delayed) {
    return delayed->records.count;
}

uint64_t delayed_bytes(const struct delayed *delayed) {
    return delayed->bytes;
}

kafka_offset delayed_end(const struct delayed *delayed) {
    return delayed->end;
}

int64_t delayed_next_due(const struct delayed *delayed) {
    const struct delayed_record *first = delayed_first(delayed);
    return first == NULL ? INT64_MAX : first->key.due_ms;
}

/* ---- What has committed ---- */

static uint8_t *put_field(uint8_t *into, const uint8_t *data, int32_t len) {
    if (len <= 0) return into;
    memcpy(into, data, (size_t)len);
    return into + len;
}

/* With its headers, but for the one that was for us. */
static struct delayed_record *record_of(const struct record *from,
                                        const struct record_delivery *delivery) {
    struct delayed_record head = {.key = {delivery->due_ms, from->offset},
                                  .timestamp_ms = from->timestamp_ms,
                                  .key_len = from->key_len,
                                  .value_len = from->value_len,
                                  .header_count = from->header_count - 1,
                                  .headers_len = (uint32_t)(from->headers_len - delivery->len)};
    struct delayed_record *record = mem_alloc(sizeof *record + delayed_record_len(&head));
    *record = head;
    uint8_t *at = put_field(record->data, from->key, from->key_len);
    at = put_field(at, from->value, from->value_len);
    memcpy(at, from->headers, delivery->at);
    memcpy(at + delivery->at, from->headers + delivery->at + delivery->len,
           from->headers_len - delivery->at - delivery->len);
    return record;
}

static void call_off(struct delayed *delayed, kafka_offset offset) {
    struct delayed_record *record = delayed_find(delayed, offset);
    struct delayed_walk *walk;
    if (record == NULL) return;
    DL_FOREACH(delayed->walks, walk) {
        if (offset > walk->written) continue;
        walk->called_off = mem_grow(walk->called_off, walk->called_off_count,
                                    &walk->called_off_room, sizeof *walk->called_off);
        walk->called_off[walk->called_off_count++] = offset;
    }
    delayed->called_off++;
    delayed_drop(delayed, record);
}

static int hold_record(struct delayed *delayed, const struct record_batch *batch,
                       const struct record *from, int32_t *visible) {
    struct record_delivery delivery;
    int error = held_record(batch, from, &delivery);
    if (error != ERR_NONE) return error;
    if (delivery.kind == DELIVERY_NOW) {
        (*visible)++;
        return ERR_NONE;
    }
    if (delivery.kind == DELIVERY_CANCEL) {
        call_off(delayed, delivery.offset);
        return ERR_NONE;
    }
    if (delivery.due_ms < delayed->released.due_ms && !MUTANT(MUTANT_DELAY_KEY_BELOW))
        delivery.due_ms = delayed->released.due_ms;
    return delayed_add(delayed, record_of(from, &delivery));
}

int delayed_hold(struct delayed *delayed, const struct record_batch *batch, int32_t *visible) {
    struct record_iterator records;
    struct record record;
    *visible = 0;
    if (!record_batch_is_held(batch)) {
        *visible = batch->record_count;
        return ERR_NONE;
    }
    int error = record_iterator_open(&records, batch, HELD_BATCH_MOST);
    if (error != ERR_NONE) return error;
    while ((error = record_iterator_next(&records, &record)) == ERR_NONE &&
           (error = hold_record(delayed, batch, &record, visible)) == ERR_NONE)
        continue;
    record_iterator_close(&records);
    delayed->end = record_batch_last_offset(batch) + 1;
    return error == ERR_EOF ? ERR_NONE : error;
}

/* The offset that a header of the record names; -1: none does. */
static kafka_offset original_offset(const struct record *record) {
    struct record left = *record;
    struct record_header header;
    kafka_offset offset = -1;
    while (record_header_next(&left, &header) == ERR_NONE) {
        if (header.key_len != sizeof DELAYED_OFFSET - 1 ||
            memcmp(header.key, DELAYED_OFFSET, sizeof DELAYED_OFFSET - 1) != 0)
            continue;
        offset = 0; /* the last one is ours: records may have come with others */
        for (int32_t i = 0; i < header.value_len && i < 19; i++)
            offset = offset * 10 + (header.value[i] - '0');
    }
    return offset;
}

static int release_record(struct delayed *delayed, const struct record *from, int64_t *late_ms) {
    struct delayed_record *record = delayed_find(delayed, original_offset(from));
    if (record == NULL || delayed_key_before(record->key, delayed->released)) return ERR_MALFORMED;
    int64_t late = from->timestamp_ms - record->key.due_ms;
    if (late > *late_ms) *late_ms = late;
    delayed->released = record->key;
    delayed_drop(delayed, record);
    return ERR_NONE;
}

int delayed_release(struct delayed *delayed, const struct record_batch *batch, int64_t *late_ms) {
    struct record_iterator records;
    struct record record;
    *late_ms = 0;
    int error = record_iterator_open(&records, batch, INT32_MAX);
    if (error != ERR_NONE) return error;
    while ((error = record_iterator_next(&records, &record)) == ERR_NONE &&
           (error = release_record(delayed, &record, late_ms)) == ERR_NONE)
        continue;
    record_iterator_close(&records);
    return error == ERR_EOF ? ERR_NONE : error;
}

static bool first_was_released(const struct delayed *delayed) {
    const struct delayed_record *first = delayed_first(delayed);
    return first != NULL && !delayed_key_before(delayed->released, first->key);
}

bool delayed_drop_released(struct delayed *delayed, size_t most) {
    for (size_t i = 0; i < most && first_was_released(delayed); i++)
        delayed_drop(delayed, delayed_first(delayed));
    return !first_was_released(delayed);
}
