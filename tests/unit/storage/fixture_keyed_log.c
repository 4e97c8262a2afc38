/* Making keyed records, cleaning, and reading back what is left. */
#include "tests/unit/storage/fixture_keyed_log.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "protocol/record/record_batch_builder.h"
#include "tests/unit/unit.h"

enum { SLOT_SIZE = 24, READ_ALL = 1 << 20 };

void keyed_log_open(struct keyed_log *keyed, uint64_t seed, size_t map_keys) {
    *keyed = (struct keyed_log){.keys = 40};
    log_model_open(&keyed->model, seed);
    keyed->model.has_state = keyed->model.cleans = true;
    keyed->options.map_bytes = (map_keys * 10 / 9 + 2) * SLOT_SIZE;
    keyed->options.unfolded_max = 1 << 20;
    keyed->options.bytes_per_second = UINT64_MAX;
    log_model_start(&keyed->model);
    log_model_vote(&keyed->model, 1, 1);
    log_model_append_one(&keyed->model, ENTRY_CHANGE);
}

void keyed_log_close(struct keyed_log *keyed) {
    log_model_close(&keyed->model);
    mem_free(keyed->records);
}

/* ---- Appending ---- */

static void note(struct keyed_log *keyed, int64_t offset, const struct keyed_record *record) {
    if ((size_t)offset >= keyed->room) {
        keyed->room = (size_t)offset * 2 + 64;
        keyed->records = mem_realloc(keyed->records, keyed->room * sizeof *keyed->records);
    }
    keyed->records[offset] = *record;
}

static void add_record(struct keyed_log *keyed, struct record_batch_builder *builder,
                       int64_t offset, const struct keyed_record *record) {
    char key[16], value[64];
    snprintf(key, sizeof key, "key-%d", record->key);
    memset(value, 'v', sizeof value);
    memcpy(value, &record->value, sizeof record->value);
    size_t value_len = sizeof record->value + record->value % 50;
    note(keyed, offset, record);
    record_batch_builder_append(builder, record->timestamp, record->key < 0 ? NULL : key,
                                record->key < 0 ? -1 : (int32_t)strlen(key), value,
                                record->tombstone ? -1 : (int32_t)value_len, NULL, 0);
}

/* A batch of records, of one key if that is not -2, appended to *bytes. */
static int32_t add_batch(struct keyed_log *keyed, int key, int64_t offset, uint8_t **bytes,
                         size_t *len, int64_t *max_timestamp) {
    struct dice *dice = &keyed->model.dice;
    struct record_batch_options options = record_batch_plain();
    options.base_offset = offset;
    options.leader_epoch = (int32_t)keyed->model.term;
    options.codec = (enum record_codec)dice_below(dice, 5);
    if (dice_below(dice, 2)) options.codec = RECORD_CODEC_NONE;
    struct record_batch_builder *builder = record_batch_builder_new(&options);
    int32_t count = key == -2 ? (int32_t)dice_below(dice, 5) + 1 : 1;
    for (int32_t i = 0; i < count; i++) {
        bool null = dice_below(dice, 12) == 0;
        struct keyed_record record = {
            .key = key != -2 ? key
                   : null    ? -1
                             : (int)dice_below(dice, (uint64_t)keyed->keys),
            .value = (uint32_t)dice_next(dice),
            .tombstone = dice_below(dice, 8) == 0,
            .timestamp = keyed->model.time += (int64_t)dice_below(dice, 20)};
        if (record.timestamp > *max_timestamp) *max_timestamp = record.timestamp;
        add_record(keyed, builder, offset + i, &record);
    }
    uint8_t *batch;
    size_t size;
    assert_int_equal(record_batch_builder_finish(builder, &batch, &size), 0);
    *bytes = mem_realloc(*bytes, *len + size);
    memcpy(*bytes + *len, batch, size);
    *len += size;
    mem_free(batch);
    return count;
}

static void append(struct keyed_log *keyed, int key) {
    struct log_model *model = &keyed->model;
    unsigned batches = key == -2 ? 1 + (unsigned)dice_below(&model->dice, 3) : 1;
    struct entry_spec spec = {.type = ENTRY_BATCHES,
                              .batches = (uint16_t)batches,
                              .base_offset = model->end_offset,
                              .max_timestamp = -1,
                              .compress = dice_below(&model->dice, 2)};
    uint8_t *bytes = NULL;
    size_t len = 0;
    for (unsigned i = 0; i < batches; i++)
        spec.records += (uint32_t)add_batch(keyed, key, model->end_offset + spec.records, &bytes,
                                            &len, &spec.max_timestamp);
    spec.raw = slice_adopt(NULL, bytes, len);
    struct entry *entry = entry_new(NULL, &spec);
    entry_seal(entry, LOG_MODEL_GROUP, model->last + 1, model->term);
    log_model_append_entry(model, entry);
}

void keyed_log_settle(struct keyed_log *keyed) {
    log_model_commit(&keyed->model, keyed->model.last);
    log_model_settle(&keyed->model);
    log_model_flush(&keyed->model);
}

void keyed_log_append(struct keyed_log *keyed, int key, size_t count) {
    for (size_t i = 0; i < count; i++)
        append(keyed, key);
    keyed_log_settle(keyed);
}

void keyed_log_fill(struct keyed_log *keyed, size_t segments) {
    struct log_model *model = &keyed->model;
    while (model->log->segment_count < segments) {
        for (int i = 0; i < 6; i++)
            append(keyed, -2);
        uint64_t kind = dice_below(&model->dice, 6);
        if (kind == 0) log_model_append_one(model, ENTRY_CHANGE);
        if (kind == 1) log_model_append_one(model, ENTRY_COMMAND);
        if (kind == 2) {
            log_model_vote(model, model->term + 1, 1);
            log_model_append_one(model, ENTRY_BARRIER);
        }
        keyed_log_settle(keyed);
    }
}

/* ---- Cleaning ---- */

static struct log_clean_limits no_limits(const struct keyed_log *keyed) {
    return (struct log_clean_limits){
        .index = keyed->model.commit, .young_ms = INT64_MAX, .stable = INT64_MAX};
}

struct log_cleanable keyed_log_cleanable(const struct keyed_log *keyed) {
    struct log_clean_limits limits = no_limits(keyed);
    struct log_cleanable cleanable;
    log_cleanable_look(keyed->model.log, &limits, &cleanable);
    return cleanable;
}

static void cleaned(struct log_cleaning *cleaning, int error) {
    struct keyed_log *keyed = (struct keyed_log *)((char *)cleaning -
                                                   offsetof(struct keyed_log, cleaning));
    keyed->error = error;
    keyed->over = true;
}

void keyed_log_begin(struct keyed_log *keyed) {
    struct log_clean_limits limits = no_limits(keyed);
    keyed->cleaning.done = cleaned;
    keyed->over = false;
    while (paced_removal_waits_in(&keyed->model.store->removals, keyed->model.log->path) ||
           keyed->model.log->swap != NULL) /* of a round that was cancelled */
        log_model_run(&keyed->model);
    struct log_clean_options options = keyed->options;
    if (keyed->aborted.producer_id > 0) {
        options.aborted.items = mem_alloc(sizeof keyed->aborted);
        options.aborted.items[options.aborted.count++] = keyed->aborted;
    }
    assert_int_equal(log_cleaning_begin(keyed->model.log, &limits, &options, &keyed->cleaning), 0);
}

void keyed_log_finish(struct keyed_log *keyed) {
    while (!keyed->over)
        log_model_run(&keyed->model);
    assert_int_equal(keyed->error, 0);
}

unsigned keyed_log_clean(struct keyed_log *keyed) {
    unsigned rounds = 0;
    while (keyed_log_cleanable(keyed).dirty_bytes > 0) {
        keyed_log_begin(keyed);
        keyed_log_finish(keyed);
        rounds++;
        assert_true(rounds < 1000);
    }
    return rounds;
}

/* ---- Reading back ---- */

static int64_t cleaned_to(const struct keyed_log *keyed) {
    return keyed->model.log->prefix.start.next_offset;
}

/* It is not of the cleaned part, or the last of its key there, or the last record. */
static bool must_be_there(const struct keyed_log *keyed, int64_t offset) {
    const struct keyed_record *record = &keyed->records[offset];
    int64_t end = cleaned_to(keyed);
    if (offset >= end - 1) return true;
    if (record->key < 0) return false;
    if (record->tombstone && offset < keyed->options.tombstones_below) return false;
    for (int64_t later = offset + 1; later < end; later++)
        if (keyed->records[later].key == record->key) return false;
    return true;
}

static void check_record(const struct keyed_log *keyed, const struct record *got) {
    const struct keyed_record *want = &keyed->records[got->offset];
    char key[16];
    snprintf(key, sizeof key, "key-%d", want->key);
    assert_int_equal(got->timestamp_ms, want->timestamp);
    if (want->key < 0) {
        assert_null(got->key);
    } else {
        assert_int_equal(got->key_len, strlen(key));
        assert_memory_equal(got->key, key, strlen(key));
    }
    assert_int_equal(got->value_len, want->tombstone ? -1 : (int)(4 + want->value % 50));
    if (!want->tombstone) assert_memory_equal(got->value, &want->value, 4);
}

/* What one fetch gave: its records from `offset` on, in order; none that must be there is missing.
 * Returns the offset to go on with. */
static int64_t check_slices(const struct keyed_log *keyed, const struct partition_log_fetch *fetch,
                            int64_t offset, bool exact) {
    for (size_t i = 0; i < fetch->count; i++) {
        size_t at = 0;
        struct record_batch batch;
        while (record_batch_next(fetch->slices[i].data, fetch->slices[i].len, &at, &batch, NULL) ==
               0) {
            struct record_iterator records;
            struct record record;
            assert_int_equal(record_batch_check_crc(&batch), 0);
            assert_int_equal(record_iterator_open(&records, &batch, READ_ALL), 0);
            int64_t max_timestamp = -1;
            while (record_iterator_next(&records, &record) == 0) {
                if (record.timestamp_ms > max_timestamp) max_timestamp = record.timestamp_ms;
                check_record(keyed, &record);
                if (record.offset < offset) continue;
                for (; offset < record.offset; offset++)
                    assert_false(must_be_there(keyed, offset));
                if (exact) assert_true(must_be_there(keyed, offset));
                offset++;
            }
            assert_int_equal(max_timestamp, batch.max_timestamp);
            record_iterator_close(&records);
        }
    }
    return offset;
}

static int64_t check_fetch(struct keyed_log *keyed, int64_t offset, uint64_t max_bytes,
                           bool exact) {
    struct partition_log_fetch fetch;
    int64_t end = log_model_watermark(&keyed->model);
    log_model_fetch(&keyed->model, offset, end, max_bytes, &fetch);
    assert_int_equal(keyed->model.error, 0);
    int64_t next = check_slices(keyed, &fetch, offset, exact);
    for (; next < fetch.next_offset; next++)
        assert_false(must_be_there(keyed, next));
    assert_true(fetch.count > 0 || next == end);
    partition_log_fetch_release(&fetch);
    return next;
}

int64_t keyed_log_read_some(struct keyed_log *keyed, int64_t offset, uint64_t max_bytes) {
    return check_fetch(keyed, offset, max_bytes, false);
}

void keyed_log_check(struct keyed_log *keyed, bool exact) {
    static const uint64_t sizes[] = {0, 700, 1 << 20};
    int64_t end = log_model_watermark(&keyed->model);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        for (int64_t at = keyed->model.start_offset; at < end;)
            at = check_fetch(keyed, at, sizes[i], exact);
}

/* The first record that is left with such a timestamp. */
static void check_search(struct keyed_log *keyed, int64_t timestamp) {
    struct partition_log_search search;
    int64_t end = log_model_watermark(&keyed->model), found = -1, largest = -1;
    for (int64_t i = keyed->model.start_offset; i < end && (found < 0 || timestamp == -3); i++) {
        const struct keyed_record *record = &keyed->records[i];
        if (!must_be_there(keyed, i)) continue;
        if (timestamp == -3 ? record->timestamp <= largest : record->timestamp < timestamp)
            continue;
        largest = record->timestamp;
        found = i;
    }
    log_model_search(&keyed->model, timestamp, end, &search);
    assert_int_equal(keyed->model.error, 0);
    assert_int_equal(search.offset, found);
}

void keyed_log_check_places(struct keyed_log *keyed) {
    int64_t end = log_model_watermark(&keyed->model);
    for (int64_t at = keyed->model.start_offset; at < end; at++)
        check_fetch(keyed, at, dice_below(&keyed->model.dice, 2000), true);
    for (int64_t at = 0; at < end; at += 3)
        check_search(keyed, keyed->records[at].timestamp + (int64_t)(at % 2));
    check_search(keyed, -3);
    check_search(keyed, keyed->model.time + 1);
}
