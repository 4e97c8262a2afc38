/* Batch after batch, record after record, until there is enough. */
#include "broker/console/record_scan.h"

#include <string.h>

#include "protocol/record/record_batch.h"

enum {
    HEADERS_SHOWN = 100,
    HEADER_BYTES = 4096,
    /* Of the text that one record becomes, whatever is escaped in it. */
    KEY_TEXT = 1 << 20,
    VALUE_TEXT = 2 << 20,
    HEADERS_TEXT = 512 << 10,
    NAMES_TEXT = 64 << 10, /* what stands around them */
};
_Static_assert(SCAN_ANSWER + KEY_TEXT + VALUE_TEXT + HEADERS_TEXT + NAMES_TEXT < JSON_MOST,
               "an answer is never too large with the record that fills it");

bool record_scan_full(const struct record_scan *scan) {
    return scan->found >= scan->until || scan->json->len >= SCAN_ANSWER;
}

/* ---- What is wanted ---- */

static bool has(const void *data, int32_t len, const char *part) {
    return part == NULL ||
           (data != NULL && len >= 0 && memmem(data, (size_t)len, part, strlen(part)) != NULL);
}

static bool header_has(struct record record, const char *part) {
    struct record_header header;
    while (record_header_next(&record, &header) == ERR_NONE)
        if (has(header.key, header.key_len, part) || has(header.value, header.value_len, part))
            return true;
    return false;
}

static bool is_wanted(const struct record_wish *wish, const struct record *record) {
    return has(record->key, record->key_len, wish->key) &&
           has(record->value, record->value_len, wish->value) &&
           (wish->json.pointer == NULL ||
            (record->value != NULL && record->value_len >= 0 &&
             json_has(&wish->json, record->value, (size_t)record->value_len))) &&
           (wish->header == NULL || header_has(*record, wish->header)) &&
           (wish->any == NULL || has(record->key, record->key_len, wish->any) ||
            has(record->value, record->value_len, wish->any) || header_has(*record, wish->any));
}

/* ---- What is told ---- */

static size_t text_left(const struct json *json, size_t before) {
    return json->len - before < HEADERS_TEXT ? HEADERS_TEXT - (json->len - before) : 0;
}

static void show_headers(struct json *json, struct record record) {
    struct record_header header;
    size_t before = json->len;
    int shown = 0;
    json_array(json, "headers");
    while (shown < HEADERS_SHOWN && record_header_next(&record, &header) == ERR_NONE) {
        json_object(json, NULL);
        json_bytes(json, "key", (const uint8_t *)header.key, (size_t)header.key_len, HEADER_BYTES,
                   text_left(json, before));
        json_bytes(json, "value", header.value, header.value_len < 0 ? 0 : (size_t)header.value_len,
                   HEADER_BYTES, text_left(json, before));
        json_end(json);
        shown++;
    }
    json_end(json);
}

static void show_record(struct record_scan *scan, int32_t partition,
                        const struct record_batch *batch, const struct record *record) {
    struct json *json = scan->json;
    size_t most = scan->wish->shown_most;
    json_object(json, NULL);
    json_int(json, "partition", partition);
    json_long(json, "offset", record->offset);
    json_long(json, "time_ms", record->timestamp_ms);
    json_words(json, "time_is", record_batch_has_log_append_time(batch) ? "append" : "create");
    json_bytes(json, "key", record->key, record->key_len < 0 ? 0 : (size_t)record->key_len, most,
               KEY_TEXT);
    json_bytes(json, "value", record->value, record->value_len < 0 ? 0 : (size_t)record->value_len,
               most, VALUE_TEXT);
    json_int(json, "key_bytes", record->key_len);
    json_int(json, "value_bytes", record->value_len);
    show_headers(json, *record);
    json_words(json, "codec", record_codec_name(record_batch_codec(batch)));
    json_bool(json, "transactional", record_batch_is_transactional(batch));
    json_long(json, "producer_id", batch->producer_id);
    json_end(json);
    scan->found++;
}

static void show_trouble(struct record_scan *scan, int32_t partition,
                         const struct record_batch *batch, const char *trouble) {
    struct json *json = scan->json;
    json_object(json, NULL);
    json_int(json, "partition", partition);
    json_long(json, "offset", batch->base_offset);
    json_words(json, "trouble", trouble);
    json_end(json);
    scan->found++;
}

/* ---- Batches ---- */

static int64_t scan_batch(struct record_scan *scan, int32_t partition,
                          const struct record_batch *batch, int64_t offset) {
    struct record_iterator iterator;
    struct record record;
    int error = record_iterator_open(&iterator, batch, SCAN_UNPACKED);
    if (error != ERR_NONE) {
        scan->unpacked += SCAN_UNPACKED; /* as far as it may have come */
        show_trouble(scan, partition, batch,
                     error == ERR_TOO_LARGE ? "these records are too large to be unpacked here; "
                                              "drave consume reads them"
                                            : "these records cannot be unpacked");
        return record_batch_last_offset(batch) + 1;
    }
    scan->unpacked += iterator.len;
    while (!record_scan_full(scan) &&
           (error = record_iterator_next(&iterator, &record)) == ERR_NONE) {
        if (record.offset < offset) continue;
        scan->records++;
        offset = record.offset + 1;
        if (is_wanted(scan->wish, &record)) show_record(scan, partition, batch, &record);
    }
    bool ended = error != ERR_NONE;
    record_iterator_close(&iterator);
    if (error == ERR_MALFORMED)
        show_trouble(scan, partition, batch, "these records are not what they should be");
    return ended ? record_batch_last_offset(batch) + 1 : offset;
}

int64_t record_scan_batches(struct record_scan *scan, int32_t partition,
                            const struct kp_records *records, int64_t offset) {
    struct record_batch batch;
    size_t at = 0, len = records->len < 0 ? 0 : (size_t)records->len;
    scan->paused = false;
    while (!record_scan_full(scan) &&
           record_batch_next(records->data, len, &at, &batch, NULL) == ERR_NONE) {
        int64_t end = record_batch_last_offset(&batch) + 1;
        if (end <= offset) continue;
        scan->paused = scan->unpacked >= SCAN_PIECE;
        if (scan->paused) break;
        offset = record_batch_is_control(&batch) ? end
                                                 : scan_batch(scan, partition, &batch, offset);
    }
    return offset;
}
