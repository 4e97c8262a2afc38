/*
 * The writing half of wire.h: bytes of its own that grow, and references to large slices between
 * them.
 *
 * `data` holds only the bytes that were written; a reference remembers before which of them its
 * slice stands. The output is put together at the end. Invariant: len + referenced <= limit, and
 * references are in the order of `at`.
 */
#include <string.h>

#include "base/check.h"
#include "base/error.h"
#include "base/mem.h"
#include "protocol/wire.h"

enum {
    FIRST_CAPACITY = 256,
    COPY_BELOW = 512, /* a slice under this is copied: a piece of its own in a write costs more */
};

struct kp_reference {
    size_t at; /* stands before data[at] */
    struct slice slice;
};

void kp_writer_init(struct kp_writer *writer, size_t limit) {
    CHECK(limit <= INT32_MAX); /* a constant of the caller */
    *writer = (struct kp_writer){.limit = limit};
}

void kp_writer_borrow(struct kp_writer *writer) {
    CHECK(writer->reference_count == 0); /* called on an empty writer, before any message */
    writer->borrows = true;
}

void kp_writer_own(struct kp_writer *writer) {
    CHECK(writer->borrows); /* the one call behind kp_writer_borrow */
    writer->borrows = false;
    for (uint32_t i = 0; i < writer->reference_count; i++)
        writer->references[i].slice = slice_ref(writer->references[i].slice);
}

void kp_writer_measure(struct kp_writer *writer) {
    CHECK(kp_writer_size(writer) == 0); /* called before any message */
    writer->measures = true;
}

void kp_writer_reserve(struct kp_writer *writer, size_t bytes) {
    CHECK(writer->data == NULL); /* called before any message */
    writer->data = mem_alloc(bytes);
    writer->capacity = bytes;
}

void kp_writer_close(struct kp_writer *writer) {
    for (uint32_t i = 0; i < writer->reference_count && !writer->borrows; i++)
        slice_unref(&writer->references[i].slice);
    mem_free(writer->references);
    mem_free(writer->data);
    *writer = (struct kp_writer){.limit = writer->limit, .error = writer->error};
}

void kp_writer_rewind(struct kp_writer *writer) {
    CHECK(writer->reference_count == 0); /* for what has no slices */
    writer->len = 0;
    writer->error = ERR_NONE;
}

size_t kp_writer_size(const struct kp_writer *writer) {
    return writer->len + writer->referenced;
}

void kp_writer_fail(struct kp_writer *writer, int error) {
    if (writer->error == ERR_NONE) writer->error = error;
}

/* True if `more` bytes may be added. */
static bool may_grow(struct kp_writer *writer, size_t more) {
    if (more > writer->limit - kp_writer_size(writer)) kp_writer_fail(writer, ERR_TOO_LARGE);
    return writer->error == ERR_NONE;
}

/* Room for `size` bytes, counted as written; NULL after an error, and when they are only counted.
 */
static uint8_t *extend(struct kp_writer *writer, size_t size) {
    if (writer->error != ERR_NONE || !may_grow(writer, size)) return NULL;
    if (writer->measures) {
        writer->len += size;
        return NULL;
    }
    if (size > writer->capacity - writer->len) {
        size_t capacity = writer->capacity == 0 ? FIRST_CAPACITY : writer->capacity * 2;
        if (capacity < writer->len + size) capacity = writer->len + size;
        writer->data = mem_realloc(writer->data, capacity);
        writer->capacity = capacity;
    }
    uint8_t *start = writer->data + writer->len;
    writer->len += size;
    return start;
}

static void put_big_endian(uint8_t *into, uint64_t value, size_t size) {
    for (size_t i = size; i > 0; i--, value >>= 8)
        into[i - 1] = (uint8_t)value;
}

static void write_big_endian(struct kp_writer *writer, uint64_t value, size_t size) {
    uint8_t *into = extend(writer, size);
    if (into != NULL) put_big_endian(into, value, size);
}

void kp_write_bool(struct kp_writer *writer, bool value) {
    write_big_endian(writer, value ? 1 : 0, 1);
}

void kp_write_int8(struct kp_writer *writer, int8_t value) {
    write_big_endian(writer, (uint64_t)value, 1);
}

void kp_write_int16(struct kp_writer *writer, int16_t value) {
    write_big_endian(writer, (uint64_t)value, 2);
}

void kp_write_int32(struct kp_writer *writer, int32_t value) {
    write_big_endian(writer, (uint64_t)value, 4);
}

void kp_write_int64(struct kp_writer *writer, int64_t value) {
    write_big_endian(writer, (uint64_t)value, 8);
}

static void write_base128(struct kp_writer *writer, uint64_t value) {
    size_t size = 1;
    for (uint64_t rest = value; rest >= 0x80; rest >>= 7)
        size++;
    uint8_t *into = extend(writer, size);
    if (into == NULL) return;
    for (; value >= 0x80; value >>= 7)
        *into++ = (uint8_t)(value | 0x80);
    *into = (uint8_t)value;
}

static uint32_t zigzag32(int32_t value) {
    return (uint32_t)value << 1 ^ (value < 0 ? UINT32_MAX : 0);
}

static uint64_t zigzag64(int64_t value) {
    return (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0);
}

void kp_write_uvarint(struct kp_writer *writer, uint32_t value) {
    write_base128(writer, value);
}

void kp_write_varint(struct kp_writer *writer, int32_t value) {
    write_base128(writer, zigzag32(value));
}

void kp_write_varlong(struct kp_writer *writer, int64_t value) {
    write_base128(writer, zigzag64(value));
}

void kp_write_uuid(struct kp_writer *writer, struct kp_uuid uuid) {
    kp_write_raw(writer, uuid.bytes, sizeof(uuid.bytes));
}

void kp_write_raw(struct kp_writer *writer, const void *data, size_t len) {
    uint8_t *into = extend(writer, len);
    if (into != NULL && len > 0) memcpy(into, data, len);
}

/* The length of a string (two bytes where not compact) or of anything else (four). -1: null. */
static void write_length(struct kp_writer *writer, int32_t len, bool compact, bool short_form,
                         bool nullable) {
    if ((len < 0 && !nullable) || (short_form && !compact && len > INT16_MAX)) {
        kp_writer_fail(writer, ERR_INVALID);
        return;
    }
    if (len < 0) len = -1;
    if (compact)
        kp_write_uvarint(writer, (uint32_t)len + 1);
    else if (short_form)
        kp_write_int16(writer, (int16_t)len);
    else
        kp_write_int32(writer, len);
}

void kp_write_string(struct kp_writer *writer, struct kp_string string, bool compact,
                     bool nullable) {
    write_length(writer, string.len, compact, true, nullable);
    if (string.len > 0) kp_write_raw(writer, string.data, (size_t)string.len);
}

void kp_write_bytes(struct kp_writer *writer, struct kp_bytes bytes, bool compact, bool nullable) {
    write_length(writer, bytes.len, compact, false, nullable);
    if (bytes.len > 0) kp_write_raw(writer, bytes.data, (size_t)bytes.len);
}

void kp_write_count(struct kp_writer *writer, int32_t count, bool compact, bool nullable) {
    write_length(writer, count, compact, false, nullable);
}

void kp_write_slice(struct kp_writer *writer, struct slice slice) {
    if (slice.len < COPY_BELOW) {
        kp_write_raw(writer, slice.data, slice.len);
        return;
    }
    if (writer->error != ERR_NONE || !may_grow(writer, slice.len)) return;
    if (writer->measures) {
        writer->referenced += slice.len;
        return;
    }
    if (writer->reference_count == writer->reference_capacity) {
        writer->reference_capacity = writer->reference_capacity == 0
                                         ? 8
                                         : writer->reference_capacity * 2;
        writer->references = mem_realloc(writer->references, writer->reference_capacity *
                                                                 sizeof(writer->references[0]));
    }
    writer->references[writer->reference_count++] = (struct kp_reference){
        writer->len, writer->borrows ? slice : slice_ref(slice)};
    writer->referenced += slice.len;
}

void kp_patch_int32(struct kp_writer *writer, size_t at, int32_t value) {
    if (writer->error != ERR_NONE || writer->measures) return;
    CHECK(at + 4 <=
          writer->len); /* the place was written before; nothing is there only after an error */
    /* a frame's length stands before everything else */
    CHECK(writer->reference_count == 0 || writer->references[0].at >= at + 4);
    put_big_endian(writer->data + at, (uint64_t)value, 4);
}

int kp_writer_emit(struct kp_writer *writer, struct budget *budget,
                   void (*emit)(void *arg, struct slice slice), void *arg) {
    CHECK(!writer->borrows); /* kp_writer_own stands before it, whatever was written */
    if (writer->error != ERR_NONE) {
        kp_writer_close(writer);
        return writer->error;
    }
    /* Everything leaves the writer first: `emit` may do what it likes. */
    struct kp_writer taken = *writer;
    kp_writer_init(writer, writer->limit);
    struct buffer *buffer = taken.data == NULL ? NULL
                                               : buffer_adopt(budget, taken.data, taken.capacity);
    size_t from = 0;
    for (uint32_t i = 0; i <= taken.reference_count; i++) {
        size_t until = i < taken.reference_count ? taken.references[i].at : taken.len;
        if (until > from) emit(arg, slice_of(buffer, from, until - from));
        from = until;
        if (i < taken.reference_count) emit(arg, taken.references[i].slice);
    }
    buffer_unref(buffer);
    mem_free(taken.references);
    return ERR_NONE;
}

struct copy_target {
    uint8_t *data;
    size_t len;
};

static void copy_piece(void *arg, struct slice slice) {
    struct copy_target *target = arg;
    memcpy(target->data + target->len, slice.data, slice.len);
    target->len += slice.len;
    slice_unref(&slice);
}

int kp_writer_take(struct kp_writer *writer, uint8_t **data, size_t *len) {
    *data = NULL;
    *len = 0;
    if (writer->error != ERR_NONE) {
        kp_writer_close(writer);
        return writer->error;
    }
    if (writer->reference_count == 0) { /* it is in one piece already */
        *data = writer->data == NULL ? mem_alloc(0) : writer->data;
        *len = writer->len;
        kp_writer_init(writer, writer->limit);
        return ERR_NONE;
    }
    struct copy_target target = {.data = mem_alloc(kp_writer_size(writer))};
    int error = kp_writer_emit(writer, NULL, copy_piece, &target);
    CHECK(error == ERR_NONE); /* looked at above */
    *data = target.data;
    *len = target.len;
    return ERR_NONE;
}
