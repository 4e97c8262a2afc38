/*
 * The primitive types of the Kafka protocol: a reader over received bytes and a writer that grows.
 *
 * Both carry a sticky error: after the first failure every further read gives zero, null or empty,
 * every further write does nothing, and the caller looks at `error` once, at the end. A length or
 * count that was received is compared with the bytes that are left before anything is done with it.
 * Nothing is copied by the reader: strings and bytes point into the frame. Specification: "The
 * Kafka protocol", Protocol Primitive Types; KIP-482 for compact and tagged forms.
 */
#ifndef PROTOCOL_WIRE_H
#define PROTOCOL_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

/* Text that is not terminated; len -1 and data NULL: null. The bytes belong to whoever gave them
 * (frame, arena, literal). */
struct kp_string {
    const char *data;
    int32_t len;
};

struct kp_bytes {
    const uint8_t *data;
    int32_t len; /* -1: null */
};

struct kp_uuid {
    uint8_t bytes[16]; /* all zero: none */
};

#define KP_NULL_STRING ((struct kp_string){NULL, -1})

/* The string without its terminator; NULL gives null. At most INT32_MAX bytes of it. */
struct kp_string kp_string_of(const char *text);
bool kp_string_is(struct kp_string string,
                  const char *text); /* equal to the text; null equals nothing */
bool kp_string_equal(struct kp_string a, struct kp_string b);
bool kp_uuid_is_zero(struct kp_uuid uuid);
bool kp_uuid_equal(struct kp_uuid a, struct kp_uuid b);
/* URL-safe base64 without padding, 22 characters and a terminator: the way in which Kafka's tools
 * show ids. */
void kp_uuid_text(struct kp_uuid uuid, char into[23]);

/* ---- Reading ---- */

/* A cursor. Fields are for reading by callers, except that they may set `error` (to make it
 * sticky). */
struct kp_reader {
    const uint8_t *data;
    size_t len;
    size_t at;
    uint32_t items; /* elements of arrays and tagged fields that may still be read: set it to bound
                       the work. ERR_AGAIN when there are more */
    int error;      /* ERR_NONE, ERR_MALFORMED, ERR_AGAIN; then at == len */
};

void kp_reader_init(struct kp_reader *reader, const void *data, size_t len);
size_t kp_reader_left(const struct kp_reader *reader);
void kp_reader_fail(struct kp_reader *reader, int error); /* the first error stays */

bool kp_read_bool(struct kp_reader *reader); /* any byte but 0 is true */
int8_t kp_read_int8(struct kp_reader *reader);
int16_t kp_read_int16(struct kp_reader *reader);
int32_t kp_read_int32(struct kp_reader *reader);
int64_t kp_read_int64(struct kp_reader *reader);
uint32_t kp_read_uvarint(struct kp_reader *reader); /* ERR_MALFORMED when over 32 bits */
int32_t kp_read_varint(struct kp_reader *reader);   /* zigzag */
int64_t kp_read_varlong(struct kp_reader *reader);  /* zigzag */
struct kp_uuid kp_read_uuid(struct kp_reader *reader);
/* `compact`: KIP-482 length. Null is ERR_MALFORMED unless `nullable`. */
struct kp_string kp_read_string(struct kp_reader *reader, bool compact, bool nullable);
struct kp_bytes kp_read_bytes(struct kp_reader *reader, bool compact, bool nullable);
/* `len` bytes as they are; NULL after an error. */
const uint8_t *kp_read_raw(struct kp_reader *reader, size_t len);
/* The number of elements of an array, -1 for null. ERR_MALFORMED if fewer than count * min_size
 * bytes are left (min_size: the fewest bytes that one element can take, at least 1). */
int32_t kp_read_count(struct kp_reader *reader, bool compact, bool nullable, size_t min_size);
/* One tagged field of `count` (from kp_read_uvarint): its number, and a reader over its bytes. */
uint32_t kp_read_tag(struct kp_reader *reader, struct kp_reader *field);
void kp_skip_tags(struct kp_reader *reader); /* a whole section of tagged fields */

/* ---- Writing ---- */

/* Kafka's error codes that an answer tells, and how often: the first few kinds of them. */
enum { KP_TOLD_ERRORS_MAX = 8 };
struct kp_told_errors {
    int16_t codes[KP_TOLD_ERRORS_MAX];
    uint32_t counts[KP_TOLD_ERRORS_MAX];
    unsigned count;
};

/* Output: bytes of its own, and references to slices between them. Fields belong to the writer, but
 * `error` may be read, and `told` be set. */
struct kp_writer {
    uint8_t *data;
    size_t len, capacity;
    struct kp_reference *references; /* slices that stand before data[at] */
    uint32_t reference_count, reference_capacity;
    size_t referenced;           /* bytes of all references */
    size_t limit;                /* most bytes in all */
    bool borrows;                /* its references are the caller's, see kp_writer_borrow */
    bool measures;               /* see kp_writer_measure */
    struct kp_told_errors *told; /* gets those that kp_encode writes; NULL: nobody wants them */
    int error; /* ERR_NONE; ERR_TOO_LARGE: over the limit; ERR_INVALID: null where the format has
                  none, text too long */
};

void kp_writer_init(struct kp_writer *writer, size_t limit); /* limit: at most INT32_MAX */
/* For encoding off the loop, where nobody may count references: slices are only noted, and whoever
 * gave them keeps them until kp_writer_own(), on the loop, takes references of them. */
void kp_writer_borrow(struct kp_writer *writer);
void kp_writer_own(struct kp_writer *writer);
/* Of an empty one: from now on it only counts, and takes no memory. `len` is what its own bytes
 * would take. */
void kp_writer_measure(struct kp_writer *writer);
/* Of an empty one: takes memory for so many bytes of its own at once. */
void kp_writer_reserve(struct kp_writer *writer, size_t bytes);
void kp_writer_close(struct kp_writer *writer);  /* drops everything; twice is harmless */
void kp_writer_rewind(struct kp_writer *writer); /* drops what was written, and keeps its memory */
size_t kp_writer_size(const struct kp_writer *writer);    /* bytes so far, references included */
void kp_writer_fail(struct kp_writer *writer, int error); /* the first error stays */

void kp_write_bool(struct kp_writer *writer, bool value);
void kp_write_int8(struct kp_writer *writer, int8_t value);
void kp_write_int16(struct kp_writer *writer, int16_t value);
void kp_write_int32(struct kp_writer *writer, int32_t value);
void kp_write_int64(struct kp_writer *writer, int64_t value);
void kp_write_uvarint(struct kp_writer *writer, uint32_t value);
void kp_write_varint(struct kp_writer *writer, int32_t value);
void kp_write_varlong(struct kp_writer *writer, int64_t value);
void kp_write_uuid(struct kp_writer *writer, struct kp_uuid uuid);
void kp_write_string(struct kp_writer *writer, struct kp_string string, bool compact,
                     bool nullable);
void kp_write_bytes(struct kp_writer *writer, struct kp_bytes bytes, bool compact, bool nullable);
void kp_write_raw(struct kp_writer *writer, const void *data, size_t len);
void kp_write_count(struct kp_writer *writer, int32_t count, bool compact,
                    bool nullable); /* -1: null */
/* Small slices are copied, large ones referenced (the writer takes a reference of its own). */
void kp_write_slice(struct kp_writer *writer, struct slice slice);
/* Overwrites four bytes written before any reference, at `at` from the start. */
void kp_patch_int32(struct kp_writer *writer, size_t at, int32_t value);

/* Hands the output over in order, in as few slices as possible; `emit` owns each. The writer's own
 * bytes are charged to `budget` (may be NULL). Returns writer->error, in which case nothing is
 * emitted. The writer is closed either way. */
int kp_writer_emit(struct kp_writer *writer, struct budget *budget,
                   void (*emit)(void *arg, struct slice slice), void *arg);
/* The output in one piece, for mem_free. Returns writer->error; then *data is NULL. The writer is
 * closed either way. */
int kp_writer_take(struct kp_writer *writer, uint8_t **data, size_t *len);

#endif
