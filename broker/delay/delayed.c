/* A heap by key, a list and a table by offset, of the same records. */
#include "broker/delay/delayed.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "broker/delay/delayed_internal.h"
#include "protocol/record/held_batch.h"

enum { FREED_AT_ONCE = 4000 };            /* records: less than a millisecond */
enum { HEAP_PLACE = 3 * sizeof(void *) }; /* bytes for one: in the heap, and in the table */

/* ---- The heap ---- */

bool delayed_key_before(struct delayed_key a, struct delayed_key b) {
    return a.due_ms != b.due_ms ? a.due_ms < b.due_ms : a.offset < b.offset;
}

static void heap_put(struct delayed *delayed, size_t place, struct delayed_record *record) {
    delayed->heap[place] = record;
    record->place = place;
}

static void heap_rise(struct delayed *delayed, struct delayed_record *record) {
    size_t place = record->place;
    while (place > 1 && delayed_key_before(record->key, delayed->heap[place / 2]->key)) {
        heap_put(delayed, place, delayed->heap[place / 2]);
        place /= 2;
    }
    heap_put(delayed, place, record);
}

static void heap_sink(struct delayed *delayed, struct delayed_record *record) {
    size_t place = record->place, child;
    while ((child = place * 2) <= delayed->heap_count) {
        if (child < delayed->heap_count &&
            delayed_key_before(delayed->heap[child + 1]->key, delayed->heap[child]->key))
            child++;
        if (!delayed_key_before(delayed->heap[child]->key, record->key)) break;
        heap_put(delayed, place, delayed->heap[child]);
        place = child;
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
    delayed->heap = mem_grow(delayed->heap, delayed->heap_count + 1, &delayed->heap_room,
                             sizeof *delayed->heap);
    heap_put(delayed, ++delayed->heap_count, record);
    heap_rise(delayed, record);
}

void delayed_step_out(struct delayed *delayed, struct delayed_record *record) {
    size_t place = record->place;
    if (place == 0) return;
    struct delayed_record *last = delayed->heap[delayed->heap_count--];
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
    return sizeof(struct delayed_record) + HEAP_PLACE + len;
}

struct delayed_record *delayed_find(struct delayed *delayed, kafka_offset offset) {
    struct delayed_record *record;
    HASH_FIND(hh, delayed->by_offset, &offset, sizeof offset, record);
    return record;
}

int delayed_add(struct delayed *delayed, struct delayed_record *record) {
    const struct delayed_record *last = delayed->records == NULL ? NULL : delayed->records->prev;
    if (last != NULL && record->key.offset <= last->key.offset) {
        mem_free(record);
        return ERR_MALFORMED;
    }
    DL_APPEND(delayed->records, record);
    HASH_ADD(hh, delayed->by_offset, key.offset, sizeof record->key.offset, record);
    delayed_line_up(delayed, record);
    delayed->bytes += delayed_bytes_of(delayed_record_len(record));
    struct delayed_walk *walk;
    DL_FOREACH(delayed->walks, walk) {
        if (walk->at == NULL) walk->at = record;
    }
    return ERR_NONE;
}

void delayed_drop(struct delayed *delayed, struct delayed_record *record) {
    struct delayed_walk *walk;
    DL_FOREACH(delayed->walks, walk) {
        if (walk->at == record) walk->at = record->next;
    }
    struct delayed_look *look;
    DL_FOREACH(delayed->looks, look) {
        if (look->at == record) look->at = record->next;
    }
    delayed->bytes -= delayed_bytes_of(delayed_record_len(record));
    delayed_step_out(delayed, record);
    HASH_DELETE(hh, delayed->by_offset, record);
    DL_DELETE(delayed->records, record);
    mem_free(record);
}

struct delayed *delayed_new(void) {
    struct delayed *delayed = mem_zalloc(sizeof *delayed);
    delayed_reset(delayed);
    return delayed;
}

static void free_all(struct delayed_rest *rest) {
    struct delayed_record *record, *next;
    DL_FOREACH_SAFE(rest->records, record, next) {
        mem_free(record);
    }
    mem_free(rest->heap);
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
        walk->at = NULL;
    }
    while (delayed->looks != NULL) {
        struct delayed_look *look = delayed->looks;
        DL_DELETE(delayed->looks, look);
        *look = (struct delayed_look){0};
    }
    HASH_CLEAR(hh, delayed->by_offset); /* only the table */
    delayed->records = NULL;
    delayed->heap = NULL;
    delayed->heap_count = delayed->heap_room = 0;
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
    mem_free(delayed);
}

uint64_t delayed_called_off(const struct delayed *delayed) {
    return delayed->called_off;
}

size_t delayed_count(const struct delayed *delayed) {
    return HASH_COUNT(delayed->by_offset);
}

uint64_t delayed_bytes(const struct delayed *delayed) {
    return delayed->bytes;
}

kafka_offset delayed_end(const struct delayed *delayed) {
    return delayed->end;
}

int64_t delayed_next_due(const struct delayed *delayed) {
    return delayed->heap_count == 0 ? INT64_MAX : delayed->heap[1]->key.due_ms;
}

/* ---- What has committed ---- */

static uint8_t *put_field(uint8_t *into, const uint8_t *data, int32_t len) {
    if (len <= 0) return into;
    memcpy(into, data, (size_t)len);
    return into + len;
}

/* The headers but for those that were for us. They are sound: the record was read. */
static void put_headers(const struct record *from, struct delayed_record *record, uint8_t *into) {
    struct record left = *from;
    struct record_header header;
    const uint8_t *begin = left.headers;
    while (record_header_next(&left, &header) == ERR_NONE) {
        size_t len = (size_t)(left.headers - begin);
        if (!record_delivery_is_header(&header)) {
            memcpy(into + record->headers_len, begin, len);
            record->headers_len += (uint32_t)len;
            record->header_count++;
        }
        begin = left.headers;
    }
}

static struct delayed_record *record_of(const struct record *from, int64_t due_ms) {
    size_t key = from->key_len > 0 ? (size_t)from->key_len : 0,
           value = from->value_len > 0 ? (size_t)from->value_len : 0;
    struct delayed_record *record = mem_alloc(sizeof *record + key + value + from->headers_len);
    *record = (struct delayed_record){.key = {due_ms, from->offset},
                                      .timestamp_ms = from->timestamp_ms,
                                      .key_len = from->key_len,
                                      .value_len = from->value_len};
    uint8_t *at = put_field(record->data, from->key, from->key_len);
    at = put_field(at, from->value, from->value_len);
    put_headers(from, record, at);
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
    if (delivery.due_ms < delayed->released.due_ms) delivery.due_ms = delayed->released.due_ms;
    return delayed_add(delayed, record_of(from, delivery.due_ms));
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

void delayed_drop_released(struct delayed *delayed) {
    while (delayed->heap_count > 0 && !delayed_key_before(delayed->released, delayed->heap[1]->key))
        delayed_drop(delayed, delayed->heap[1]);
}
