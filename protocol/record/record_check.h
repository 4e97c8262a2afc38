/*
 * Whether a batch from a client may be stored, worked out in steps and in bounded memory: its
 * checksum, its header, each of its records, decompressed piece by piece; the largest timestamp of
 * the records; and, if the topic wants another codec, the same records in that one. What Kafka's
 * LogValidator does for message format 2; where it is stricter or milder: docs/protocol.md.
 *
 * Happy path: record_check_new, record_check_step until it does not say ERR_AGAIN, then the
 * results. A check may be stepped on any thread, by one at a time: it touches nothing but itself
 * and the bytes of its batch, which it does not change. Failures: the codes of record_check_step,
 * each with a sentence. Invariants: nothing that is decompressed is kept longer than a piece; what
 * is compressed anew never grows beyond result_max.
 */
#ifndef PROTOCOL_RECORD_RECORD_CHECK_H
#define PROTOCOL_RECORD_RECORD_CHECK_H

#include "protocol/record/record_batch.h"

struct record_check_options {
    size_t unfolded_max; /* bytes of all records together, decompressed */
    int recompress;      /* an enum record_codec, or -1: the bytes stay as they are */
    size_t result_max;   /* bytes of the batch in that codec */
    bool needs_keys;     /* of a topic that is compacted: each record must have one */
    bool check_timestamps;
    int64_t earliest_ms,
        latest_ms; /* with check_timestamps: of a record that has a timestamp (it is not -1) */
};

/* A record that made the batch be refused: its timestamp is out of range, or it has no key. */
struct record_reject {
    int32_t place; /* in the batch, from 0 */
    bool keyless;
    int64_t timestamp_ms;
};
/* That are named; the batch is refused because of the first one. */
enum { RECORD_REJECTS_MAX = 16 };

struct record_check;

/* `batch` was parsed; its bytes must stay. */
struct record_check *record_check_new(const struct record_batch *batch,
                                      const struct record_check_options *options);
void record_check_free(struct record_check *check); /* NULL does nothing */
/* Before the first step: it also looks for records that may ask to be delivered later
 * (protocol/record/record_delivery.h), and keeps up to `most` bytes of records for them. */
void record_check_find_deliveries(struct record_check *check, size_t most);
/* Gives back what it holds, to begin again from the start. */
void record_check_reset(struct record_check *check);

/* What it takes at most while it is under way and no more than `unfolded` bytes of records have
 * come out, in bytes; the frames and blocks of the batch say it. */
size_t record_check_memory(const struct record_check *check, size_t unfolded);
/* About how long it takes on one core, in nanoseconds, if its records are so many bytes: four times
 * what is compressed, or what has come out already if that is more. */
uint64_t record_check_estimate_ns(const struct record_check *check, size_t *bytes);

/* Goes on until `bytes` more have come out, or gone in, or it is over. ERR_AGAIN: there is more to
 * do. ERR_NONE: the batch may be stored. ERR_CORRUPT: the checksum does not match. ERR_MALFORMED:
 * header or records are not sound, do not decompress, or have no key (record_check_rejects).
 * ERR_TOO_LARGE: they unfold to more than
 * unfolded_max, or are more than result_max in the other codec. ERR_INVALID: timestamps are out of
 * range, see record_check_rejects, or claim to be the broker's. Not to be called again after
 * anything but ERR_AGAIN. */
int record_check_step(struct record_check *check, size_t bytes);
/* After an error; else empty. */
const struct error_text *record_check_why(const struct record_check *check);
/* After ERR_INVALID or ERR_MALFORMED: the first of them, if it was because of single records. */
const struct record_reject *record_check_rejects(const struct record_check *check, size_t *count);
/* As in the options. */
void record_check_range(const struct record_check *check, int64_t *earliest_ms, int64_t *latest_ms);
/* The rest is for after ERR_NONE. The largest timestamp of the records; -1: none has one. */
int64_t record_check_max_timestamp(const struct record_check *check);
/* The batch in the other codec, from mem_alloc, the caller's from now on; NULL: it stays as it
 * came. */
uint8_t *record_check_take_result(struct record_check *check, size_t *size);
/* Whether records may ask to be delivered later. DELIVERIES_MAY_BE: the batch as the client sent
 * it, uncompressed, from mem_alloc, the caller's from now on; its checksum is not set. */
enum deliveries { DELIVERIES_NONE, DELIVERIES_MAY_BE, DELIVERIES_TOO_LARGE };
enum deliveries record_check_take_deliveries(struct record_check *check, uint8_t **bytes,
                                             size_t *size);

#endif
