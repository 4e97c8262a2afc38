/* Batches, their records, and the runs of offsets that were acquired, side by side. */
#include "client/sharing/share_records.h"

#include <string.h>

#include "protocol/record/record_batch.h"

enum { DECOMPRESSED_MAX = 256 << 20 };

struct walk {
    const struct share_part *part;
    const struct share_taker *taker;
    struct share_outcomes *outcomes;
    int32_t run;  /* of the acquired ones, at which it is */
    int64_t next; /* the first offset of it of which nothing was said */
    bool stopped; /* nothing more is taken */
};

static const struct kp_share_fetch_response_acquired *run_of(const struct walk *walk) {
    return walk->run < walk->part->answer->acquired_records.count
               ? &walk->part->answer->acquired_records.items[walk->run]
               : NULL;
}

/* Of offsets below `end`, as far as they were acquired and nothing was said of them. */
static void say_below(struct walk *walk, int64_t end, enum share_outcome outcome) {
    const struct kp_share_fetch_response_acquired *run;
    while ((run = run_of(walk)) != NULL) {
        int64_t from = walk->next > run->first_offset ? walk->next : run->first_offset;
        int64_t last = run->last_offset < end ? run->last_offset : end - 1;
        share_outcomes_add(walk->outcomes, (struct share_range){walk->part->topic,
                                                                walk->part->answer->partition_index,
                                                                from, last, (int8_t)outcome});
        walk->next = last >= from ? last + 1 : from;
        if (run->last_offset >= end) {
            return;
        }
        walk->run++;
    }
}

/* ---- One record ---- */

/* NULL: it has none. */
static rd_kafka_headers_t *headers_of(struct record *record) {
    struct record_header header;
    if (record->header_count == 0) {
        return NULL;
    }
    rd_kafka_headers_t *headers = rd_kafka_headers_new((size_t)record->header_count);
    while (record_header_next(record, &header) == ERR_NONE) {
        rd_kafka_header_add(headers, header.key, header.key_len,
                            header.value_len < 0 ? NULL : header.value,
                            header.value_len < 0 ? 0 : header.value_len);
    }
    return headers;
}

static struct view_bytes bytes_of(const uint8_t *data, int32_t len) {
    /* Empty is not null, whatever the pointer is. */
    return len < 0 ? (struct view_bytes){NULL, 0}
                   : (struct view_bytes){len == 0 ? (const void *)"" : data, (size_t)len};
}

static bool take_record(struct walk *walk, const struct record_batch *batch, struct record *record,
                        int16_t deliveries) {
    rd_kafka_headers_t *headers = headers_of(record);
    struct record_view view = {
        .topic = walk->part->name,
        .partition = walk->part->answer->partition_index,
        .offset = record->offset,
        .timestamp_ms = record->timestamp_ms,
        .time_type = record_batch_has_log_append_time(batch) ? VIEW_TIME_APPENDED
                                                             : VIEW_TIME_CREATED,
        .key = bytes_of(record->key, record->key_len),
        .value = bytes_of(record->value, record->value_len),
        .headers = headers,
        .deliveries = deliveries,
    };
    bool taken = walk->taker->take(walk->taker->arg, &view);
    if (headers) {
        rd_kafka_headers_destroy(headers);
    }
    return taken;
}

/* Batches hold more than was acquired: the rest is somebody else's. */
static void meet_record(struct walk *walk, const struct record_batch *batch,
                        struct record *record) {
    say_below(walk, record->offset, SHARE_GAP);
    const struct kp_share_fetch_response_acquired *run = run_of(walk);
    if (!run || record->offset < walk->next) { /* which is not before the run's first */
        return;
    }
    walk->stopped = !take_record(walk, batch, record, run->delivery_count);
    if (!walk->stopped) {
        say_below(walk, record->offset + 1, SHARE_ACCEPT);
    }
}

/* ---- All of them ---- */

static int walk_batch(struct walk *walk, const struct record_batch *batch, struct error_text *why) {
    struct record_iterator records;
    struct record record;
    int error = record_batch_check_crc(batch);
    error = error ? error : record_iterator_open(&records, batch, DECOMPRESSED_MAX);
    if (!error) {
        while (!walk->stopped && (error = record_iterator_next(&records, &record)) == ERR_NONE) {
            meet_record(walk, batch, &record);
        }
        record_iterator_close(&records);
    }
    return error == ERR_NONE || error == ERR_EOF
               ? ERR_NONE
               : error_set(why, error,
                           "partition %d of \"%s\": the records at offset %lld cannot be read: %s",
                           (int)walk->part->answer->partition_index, walk->part->name,
                           (long long)batch->base_offset, error_phrase(error));
}

int share_records_take(const struct share_part *part, const struct share_taker *taker,
                       struct share_outcomes *outcomes, struct error_text *why) {
    struct walk walk = {.part = part, .taker = taker, .outcomes = outcomes};
    const struct kp_records *bytes = &part->answer->records;
    size_t len = bytes->len > 0 ? (size_t)bytes->len : 0, at = 0;
    struct record_batch batch;
    int error = ERR_NONE;
    while (!walk.stopped && run_of(&walk) &&
           (error = record_batch_next(bytes->data, len, &at, &batch, why)) == ERR_NONE) {
        if (!record_batch_is_control(&batch)) {
            error = walk_batch(&walk, &batch, why);
        }
        if (error) {
            break;
        }
    }
    error = error == ERR_EOF ? ERR_NONE : error;
    say_below(&walk, INT64_MAX, error || walk.stopped ? SHARE_RELEASE : SHARE_GAP);
    return error;
}
