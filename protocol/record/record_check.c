/*
 * The steps of a check, each a slice of the batch.
 *
 *   BEGIN --checksum, header--> RECORDS --the last piece--> OVER
 *
 * The checksum comes first: what is said about a damaged batch beyond that would be wrong.
 */
#include "protocol/record/record_check.h"

#include <inttypes.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/mem.h"
#include "base/mutant.h"
#include "protocol/record/codec.h"
#include "protocol/record/held_batch.h"
#include "protocol/record/record_batch_layout.h"
#include "protocol/record/record_delivery.h"
#include "protocol/record/record_walk.h"

/* Of a batch in which deliveries are looked for. */
enum { KEPT_LEAST = 4096 };
struct kept {
    struct delivery_search search;
    uint8_t *bytes; /* of one that is compressed: room for the header, and its records, unless
                       they are more than deliveries_most */
    size_t len, room;
};

struct record_check {
    struct record_batch batch;
    struct record_check_options options;
    struct codec_reader *reader; /* while it is in its records */
    struct codec_writer *writer; /* the same, if they are compressed anew */
    struct record_walk walk;
    size_t unfolded; /* bytes that have come out */
    uint8_t *result;
    size_t result_size;
    struct findings *findings; /* NULL: nothing is wrong so far */
    size_t deliveries_most;    /* 0: nobody looks for them */
    struct kept kept;
};

/* Apart: most checks find nothing, and many may wait. */
struct findings {
    struct error_text why;
    struct record_reject rejects[RECORD_REJECTS_MAX];
    size_t reject_count; /* of all, named or not */
    bool untimely;       /* one of them has a timestamp out of range */
    bool all_seen;       /* else something else was wrong before */
};

static struct findings *findings_of(struct record_check *check) {
    if (check->findings == NULL) check->findings = mem_zalloc(sizeof *check->findings);
    return check->findings;
}

struct record_check *record_check_new(const struct record_batch *batch,
                                      const struct record_check_options *options) {
    struct record_check *check = mem_zalloc(sizeof *check);
    check->batch = *batch;
    check->options = *options;
    if (options->recompress == (int)record_batch_codec(batch)) check->options.recompress = -1;
    return check;
}

void record_check_find_deliveries(struct record_check *check, size_t most) {
    check->deliveries_most = most;
}

void record_check_reset(struct record_check *check) {
    codec_reader_free(check->reader);
    codec_writer_free(check->writer);
    mem_free(check->result);
    check->reader = NULL;
    check->writer = NULL;
    check->result = NULL;
    check->unfolded = 0;
    mem_free(check->findings);
    check->findings = NULL;
    mem_free(check->kept.bytes);
    check->kept = (struct kept){0};
}

void record_check_free(struct record_check *check) {
    if (check == NULL) return;
    record_check_reset(check);
    mem_free(check);
}

static const uint8_t *records_of(const struct record_check *check, size_t *len) {
    *len = check->batch.size - RECORD_BATCH_HEADER;
    return check->batch.data + RECORD_BATCH_HEADER;
}

/* ---- What it costs ---- */

/* Of the libraries that compress; zstd takes most, a window of 2 MiB and its tables. */
enum { WRITER_MEMORY = 5 << 20 };

size_t record_check_memory(const struct record_check *check, size_t unfolded) {
    const struct record_check_options *options = &check->options;
    size_t len, result = options->result_max;
    const uint8_t *records = records_of(check, &len);
    size_t memory = codec_reader_memory(record_batch_codec(&check->batch), records, len,
                                        options->unfolded_max);
    if (check->deliveries_most > 0 && record_batch_codec(&check->batch) != RECORD_CODEC_NONE)
        memory += 2 * (unfolded < check->deliveries_most ? unfolded : check->deliveries_most);
    if (options->recompress < 0) return memory;
    if (unfolded < result / 2) result = unfolded * 2; /* what does not compress grows by little */
    return memory + result + WRITER_MEMORY;
}

/* Measured (docs/performance.md), and half as much again for slower machines; in hundredths of a
 * nanosecond for a byte. */
static const uint16_t decompress_cost[] = {0, 300, 100, 60, 110},
                      compress_cost[] = {15, 3500, 100, 150, 450};
enum {
    CHECKSUM_COST = 10,
    RECORD_COST = 4000,
    SETUP_NS = 300,
    CODEC_SETUP_NS = 10000,
    USUAL_GROWTH = 4
};

uint64_t record_check_estimate_ns(const struct record_check *check, size_t *bytes) {
    int codec = (int)record_batch_codec(&check->batch), into = check->options.recompress;
    uint64_t size = check->batch.size,
             unfolded = codec == RECORD_CODEC_NONE ? size : size * USUAL_GROWTH;
    uint64_t count = (uint64_t)check->batch.record_count, room;
    if (unfolded < check->unfolded) unfolded = check->unfolded;
    room = unfolded / RECORD_SMALLEST;
    *bytes = unfolded;
    if (count > room) count = room; /* a claim of more is found out by then */
    uint64_t cost = size * CHECKSUM_COST + unfolded * decompress_cost[codec] + count * RECORD_COST;
    if (into >= 0) cost += unfolded * compress_cost[into];
    return cost / 100 + (codec == RECORD_CODEC_NONE && into < 0 ? SETUP_NS : CODEC_SETUP_NS);
}

/* ---- The header ---- */

static int check_header(const struct record_batch *batch, struct error_text *why) {
    bool matches = record_batch_check_crc(batch) == ERR_NONE || MUTANT(MUTANT_BATCH_CRC_IGNORED);
    if (!matches)
        return REFUSE(ERR_CORRUPT,
                      "The batch does not match its checksum: it was damaged on its way.");
    if (batch->record_count < 1 || batch->last_offset_delta != batch->record_count - 1)
        return REFUSE(ERR_MALFORMED, "The batch has %d records but a last offset delta of %d.",
                      batch->record_count, batch->last_offset_delta);
    if (record_batch_is_control(batch))
        return REFUSE(ERR_MALFORMED, "Clients may not write control batches.");
    if (record_batch_says_held(batch) || record_batch_is_release(batch))
        return REFUSE(ERR_MALFORMED,
                      "The batch has attributes 0x%04x and sequence %d: only a broker "
                      "says that records are held back, or were.",
                      (unsigned)(uint16_t)batch->attributes, batch->base_sequence);
    if (record_batch_has_log_append_time(batch))
        return REFUSE(ERR_INVALID,
                      "Producers may not set the timestamp type LogAppendTime; the topic's setting "
                      "message.timestamp.type does.");
    if (batch->producer_id >= 0 && (batch->producer_epoch < 0 || batch->base_sequence < 0))
        return REFUSE(ERR_MALFORMED, "The batch of producer %lld has epoch %d and sequence %d.",
                      (long long)batch->producer_id, batch->producer_epoch, batch->base_sequence);
    if (batch->producer_id < 0 && record_batch_is_transactional(batch))
        return REFUSE(ERR_MALFORMED, "The batch is part of a transaction but names no producer.");
    return ERR_NONE;
}

/* ---- The records ---- */

static void on_record(void *arg, int32_t place, int64_t timestamp_ms) {
    struct record_check *check = arg;
    const struct record_check_options *options = &check->options;
    bool keyless = options->needs_keys && check->walk.keyless;
    bool untimely = options->check_timestamps && timestamp_ms != -1 &&
                    (timestamp_ms < options->earliest_ms || timestamp_ms > options->latest_ms);
    if (!keyless && !untimely) return;
    struct findings *findings = findings_of(check);
    if (findings->reject_count < RECORD_REJECTS_MAX)
        findings->rejects[findings->reject_count] = (struct record_reject){place, keyless,
                                                                           timestamp_ms};
    findings->reject_count++;
    findings->untimely = findings->untimely || !keyless; /* of one record the first is told */
}

static int record_check_begin(struct record_check *check) {
    struct record_check_options *options = &check->options;
    struct error_text why;
    int error = check_header(&check->batch, &why);
    if (error != ERR_NONE) {
        findings_of(check)->why = why;
        return error;
    }
    size_t len;
    const uint8_t *records = records_of(check, &len);
    if (!codec_all_clients_read(record_batch_codec(&check->batch), records, len))
        return error_set(
            &findings_of(check)->why, ERR_MALFORMED,
            "The records of the batch are an LZ4 frame of linked blocks, or with a dictionary, which Java "
            "clients cannot read: let the producer write independent blocks.");
    if (options->recompress >= 0) {
        size_t room = options->result_max > RECORD_BATCH_HEADER
                          ? options->result_max - RECORD_BATCH_HEADER
                          : 0;
        check->writer = codec_writer_new((enum record_codec)options->recompress,
                                         RECORD_BATCH_HEADER, room);
    }
    check->reader = codec_reader_new(record_batch_codec(&check->batch), records, len,
                                     options->unfolded_max);
    bool each = options->check_timestamps || options->needs_keys;
    record_walk_begin(&check->walk, &check->batch, each ? on_record : NULL, check);
    return ERR_NONE;
}

static int refuse_record(struct record_check *check) {
    return error_set(&findings_of(check)->why, ERR_MALFORMED,
                     "Record %d of %d in the batch is not sound: %s.", check->walk.seen,
                     check->batch.record_count, check->walk.wrong);
}

static int refuse_unfolding(struct record_check *check, int error) {
    const char *codec = record_codec_name(record_batch_codec(&check->batch));
    if (error == ERR_TOO_LARGE)
        return error_set(
            &findings_of(check)->why, error,
            "The records of the batch are more than %zu bytes when they are decompressed (%s), which is the "
            "limit message.unfolded.max.bytes: send smaller batches.",
            check->options.unfolded_max, codec);
    return error_set(&findings_of(check)->why, ERR_MALFORMED,
                     "The records of the batch cannot be decompressed (%s).", codec);
}

static int refuse_result(struct record_check *check) {
    return error_set(
        &findings_of(check)->why, ERR_TOO_LARGE,
        "The record batch has more than %zu bytes in the topic's compression.type %s, which is the limit "
        "max.message.bytes: send smaller batches, or raise the limit.",
        check->options.result_max, record_codec_name(check->options.recompress));
}

/* The header, with the length, codec and checksum of what is behind it now. */
static int take_result(struct record_check *check) {
    size_t len;
    uint8_t *bytes;
    if (codec_writer_finish(check->writer, &bytes, &len) != ERR_NONE) return refuse_result(check);
    const struct record_batch *batch = &check->batch;
    size_t size = RECORD_BATCH_HEADER + len;
    int attributes = (batch->attributes & ~ATTRIBUTE_CODEC) | check->options.recompress;
    memcpy(bytes, batch->data, RECORD_BATCH_HEADER);
    store_big_endian(bytes + AT_LENGTH, size - RECORD_BATCH_LENGTH_PREFIX, 4);
    store_big_endian(bytes + AT_ATTRIBUTES, (uint64_t)attributes, 2);
    store_big_endian(bytes + AT_CRC, crc32c(0, bytes + AT_ATTRIBUTES, size - AT_ATTRIBUTES), 4);
    check->result = bytes;
    check->result_size = size;
    return ERR_NONE;
}

static int refuse_rejects(struct findings *findings) {
    findings->all_seen = true;
    if (findings->untimely)
        return error_set(&findings->why, ERR_INVALID,
                         "One or more records have been rejected due to invalid timestamp");
    return error_set(
        &findings->why, ERR_MALFORMED,
        "One or more records have been rejected: a compacted topic takes no record without a key; this batch has "
        "%zu of them",
        findings->reject_count);
}

static int record_check_end(struct record_check *check) {
    if (record_walk_end(&check->walk) != ERR_NONE) return refuse_record(check);
    if (check->findings != NULL) return refuse_rejects(check->findings);
    return check->writer != NULL ? take_result(check) : ERR_NONE;
}

/* Of the next piece, while all of it may be kept. */
static void keep(struct record_check *check, const uint8_t *piece, size_t len) {
    struct kept *kept = &check->kept;
    record_delivery_search(&kept->search, piece, len);
    if (record_batch_codec(&check->batch) == RECORD_CODEC_NONE) return;
    if (check->unfolded > check->deliveries_most) {
        mem_free(kept->bytes);
        *kept = (struct kept){.search = kept->search};
        return;
    }
    size_t needed = RECORD_BATCH_HEADER + kept->len + len;
    if (needed > kept->room) {
        kept->room = needed < KEPT_LEAST ? KEPT_LEAST : needed * 2;
        kept->bytes = mem_realloc(kept->bytes, kept->room);
    }
    memcpy(kept->bytes + RECORD_BATCH_HEADER + kept->len, piece, len);
    kept->len += len;
}

/* One piece, or the end. */
static int go_on(struct record_check *check, size_t *len) {
    const uint8_t *piece;
    int error = codec_reader_next(check->reader, &piece, len);
    if (error == ERR_EOF) return record_check_end(check);
    if (error != ERR_NONE) return refuse_unfolding(check, error);
    check->unfolded += *len;
    if (check->deliveries_most > 0) keep(check, piece, *len);
    if (record_walk_piece(&check->walk, piece, *len) != ERR_NONE) return refuse_record(check);
    if (check->writer != NULL && codec_writer_add(check->writer, piece, *len) != ERR_NONE)
        return refuse_result(check);
    return ERR_AGAIN;
}

int record_check_step(struct record_check *check, size_t bytes) {
    int error = check->reader == NULL ? record_check_begin(check) : ERR_NONE;
    if (error != ERR_NONE) return error;
    error = ERR_AGAIN;
    for (size_t done = 0; error == ERR_AGAIN && done < bytes;) {
        size_t len = 0, taken = codec_reader_taken(check->reader);
        error = go_on(check, &len);
        taken = codec_reader_taken(check->reader) - taken;
        done += taken > len ? taken : len; /* frames with nothing in them are work, too */
    }
    return error;
}

/* ---- Results ---- */

const struct error_text *record_check_why(const struct record_check *check) {
    static const struct error_text nothing;
    return check->findings != NULL ? &check->findings->why : &nothing;
}

const struct record_reject *record_check_rejects(const struct record_check *check, size_t *count) {
    bool all_seen = check->findings != NULL && check->findings->all_seen;
    size_t found = all_seen ? check->findings->reject_count : 0;
    *count = found < RECORD_REJECTS_MAX ? found : RECORD_REJECTS_MAX;
    return found > 0 ? check->findings->rejects : NULL;
}

void record_check_range(const struct record_check *check, int64_t *earliest_ms,
                        int64_t *latest_ms) {
    *earliest_ms = check->options.earliest_ms;
    *latest_ms = check->options.latest_ms;
}

int64_t record_check_max_timestamp(const struct record_check *check) {
    return check->walk.max_timestamp;
}

uint8_t *record_check_take_result(struct record_check *check, size_t *size) {
    uint8_t *result = check->result;
    *size = check->result_size;
    check->result = NULL;
    return result;
}

enum deliveries record_check_take_deliveries(struct record_check *check, uint8_t **bytes,
                                             size_t *size) {
    struct kept *kept = &check->kept;
    const struct record_batch *batch = &check->batch;
    if (!kept->search.found) return DELIVERIES_NONE;
    if (check->unfolded > check->deliveries_most) return DELIVERIES_TOO_LARGE;
    if (kept->bytes == NULL) {
        *size = batch->size;
        *bytes = mem_alloc(*size);
        memcpy(*bytes, batch->data, *size);
        return DELIVERIES_MAY_BE;
    }
    *size = RECORD_BATCH_HEADER + kept->len;
    *bytes = kept->bytes;
    kept->bytes = NULL;
    memcpy(*bytes, batch->data, RECORD_BATCH_HEADER);
    store_big_endian(*bytes + AT_LENGTH, *size - RECORD_BATCH_LENGTH_PREFIX, 4);
    store_big_endian(*bytes + AT_ATTRIBUTES, (uint64_t)(batch->attributes & ~ATTRIBUTE_CODEC), 2);
    return DELIVERIES_MAY_BE;
}
