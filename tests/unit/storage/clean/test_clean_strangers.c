/* Batches that no honest client sends: they stay as they are, and end nothing. And those of
 * transactions, which may have been aborted. */
#include <lz4frame.h>
#include <string.h>

#include "base/mem.h"
#include "protocol/record/record_batch_builder.h"
#include "protocol/record/record_batch_layout.h"
#include "tests/unit/storage/fixture_keyed_log.h"
#include "tests/unit/unit.h"

enum { LARGE = 1 << 20, WIDE = 40, PACKED = 12, PACKED_VALUE = 20000 };

struct built {
    uint8_t *bytes;
    size_t len;
    int64_t offset;
};

/* Appends it as an entry of its own. */
static void append(struct keyed_log *keyed, struct built *built, uint32_t records) {
    struct log_model *model = &keyed->model;
    struct entry_spec spec = {.type = ENTRY_BATCHES,
                              .batches = 1,
                              .base_offset = model->end_offset,
                              .records = records,
                              .max_timestamp = 5,
                              .raw = slice_copy(NULL, built->bytes, built->len)};
    struct entry *entry = entry_new(NULL, &spec);
    entry_seal(entry, LOG_MODEL_GROUP, model->last + 1, model->term);
    log_model_append_entry(model, entry);
}

static struct record_batch_builder *begin(const struct keyed_log *keyed, struct built *built,
                                          enum record_codec codec) {
    struct record_batch_options options = record_batch_plain();
    options.base_offset = built->offset = keyed->model.end_offset;
    options.codec = codec;
    return record_batch_builder_new(&options);
}

static void add(struct record_batch_builder *builder, int64_t timestamp, const char *key,
                const void *value, int32_t len) {
    record_batch_builder_append(builder, timestamp, key, (int32_t)strlen(key), value, len, NULL, 0);
}

static void finish(struct record_batch_builder *builder, struct built *built) {
    assert_int_equal(record_batch_builder_finish(builder, &built->bytes, &built->len), 0);
}

static void append_plain(struct keyed_log *keyed, struct built *built, const char *first,
                         const char *second) {
    struct record_batch_builder *builder = begin(keyed, built, RECORD_CODEC_NONE);
    add(builder, 5, first, "v", 1);
    add(builder, 5, second, "v", 1);
    finish(builder, built);
    append(keyed, built, 2);
}

/* Unfolds to more than is looked at. */
static void append_bomb(struct keyed_log *keyed, struct built *built) {
    uint8_t *zeros = mem_zalloc(LARGE);
    struct record_batch_builder *builder = begin(keyed, built, RECORD_CODEC_GZIP);
    add(builder, 5, "bomb", zeros, LARGE);
    add(builder, 5, "bomb", zeros, LARGE);
    finish(builder, built);
    append(keyed, built, 2);
    mem_free(zeros);
}

/* Without its first record the others are far from their base. */
static void append_wide(struct keyed_log *keyed, struct built *built) {
    struct record_batch_builder *builder = begin(keyed, built, RECORD_CODEC_NONE);
    add(builder, 0, "wide-a", "v", 1);
    add(builder, INT64_MAX / 2, "wide-a", "v", 1);
    for (int i = 2; i < WIDE; i++)
        add(builder, 0, (char[]){'w', (char)('A' + i), 0}, "v", 1);
    finish(builder, built);
    append(keyed, built, WIDE);
}

/* The same bytes again and again, in one block, which is larger than those that we write. */
static void append_packed(struct keyed_log *keyed, struct built *built) {
    static uint8_t value[PACKED_VALUE];
    LZ4F_preferences_t large = {
        .frameInfo = {.blockSizeID = LZ4F_max4MB, .blockMode = LZ4F_blockIndependent}};
    struct record_batch_builder *builder = begin(keyed, built, RECORD_CODEC_NONE);
    for (size_t i = 0; i < PACKED_VALUE; i++)
        value[i] = (uint8_t)dice_next(&keyed->model.dice);
    add(builder, 5, "packed", "v", 1);
    for (int i = 1; i < PACKED; i++)
        add(builder, 5, i == 1 ? "packed" : (char[]){'p', (char)('A' + i), 0}, value, PACKED_VALUE);
    finish(builder, built);
    size_t len = built->len - RECORD_BATCH_HEADER, room = LZ4F_compressFrameBound(len, &large);
    uint8_t *packed = mem_alloc(RECORD_BATCH_HEADER + room);
    size_t records = LZ4F_compressFrame(packed + RECORD_BATCH_HEADER, room,
                                        built->bytes + RECORD_BATCH_HEADER, len, &large);
    assert_false(LZ4F_isError(records));
    memcpy(packed, built->bytes, RECORD_BATCH_HEADER);
    mem_free(built->bytes);
    built->bytes = packed;
    built->len = RECORD_BATCH_HEADER + records;
    store_big_endian(packed + AT_LENGTH, built->len - RECORD_BATCH_LENGTH_PREFIX, 4);
    store_big_endian(packed + AT_ATTRIBUTES, RECORD_CODEC_LZ4, 2);
    record_batch_seal(packed, built->len);
    append(keyed, built, PACKED);
}

/* Its second record is none. */
static void append_broken(struct keyed_log *keyed, struct built *built) {
    struct record_batch_builder *builder = begin(keyed, built, RECORD_CODEC_NONE);
    add(builder, 5, "broken", "v", 1);
    size_t second = record_batch_builder_size(builder);
    add(builder, 5, "broken", "v", 1);
    finish(builder, built);
    built->bytes[second] = 0xff;
    record_batch_seal(built->bytes, built->len);
    append(keyed, built, 2);
}

/* How many records of it are left, which must be as they were if all are. */
static int32_t left_of(struct keyed_log *keyed, const struct built *built) {
    struct partition_log_fetch fetch;
    log_model_fetch(&keyed->model, built->offset, log_model_watermark(&keyed->model), 4 * LARGE,
                    &fetch);
    assert_int_equal(keyed->model.error, 0);
    assert_true(fetch.count > 0);
    size_t at = 0;
    struct record_batch batch;
    do
        assert_int_equal(
            record_batch_next(fetch.slices[0].data, fetch.slices[0].len, &at, &batch, NULL), 0);
    while (record_batch_last_offset(&batch) < built->offset);
    int32_t count = batch.base_offset == built->offset ? batch.record_count : 0;
    if (count > 0 && batch.size == built->len)
        assert_memory_equal(batch.data, built->bytes, built->len);
    else if (count > 0)
        assert_true(batch.size < built->len);
    partition_log_fetch_release(&fetch);
    return count;
}

/* Of their keys nothing older goes, and of others what should; what they unfold to is paid for. */
static void test_strangers(void **state) {
    (void)state;
    struct keyed_log keyed;
    struct built older, old, broken, bomb, wide, packed, plain;
    keyed_log_open(&keyed, 3, 1000);
    append_plain(&keyed, &older, "bomb", "plain");
    append_plain(&keyed, &old, "broken", "plain");
    append_broken(&keyed, &broken);
    append_bomb(&keyed, &bomb);
    append_wide(&keyed, &wide);
    append_packed(&keyed, &packed);
    append_plain(&keyed, &plain, "plain", "other");
    keyed_log_settle(&keyed);
    keyed_log_fill(&keyed, 4);
    keyed_log_begin(&keyed);
    keyed_log_finish(&keyed);
    assert_true(keyed.cleaning.moved_bytes > 2 * LARGE);
    assert_int_equal(left_of(&keyed, &older), 1);
    assert_int_equal(left_of(&keyed, &old), 1);
    assert_int_equal(left_of(&keyed, &broken), 2);
    assert_int_equal(left_of(&keyed, &bomb), 2);
    assert_int_equal(left_of(&keyed, &wide), WIDE);
    assert_int_equal(left_of(&keyed, &packed), PACKED);
    assert_int_equal(left_of(&keyed, &plain), 2);
    assert_int_equal(log_clean_to(keyed.model.log), 0); /* all of them lie in the first segment */
    keyed_log_fill(&keyed, keyed.model.log->segment_count + 3);
    keyed_log_clean(&keyed);
    assert_int_equal(log_clean_to(keyed.model.log), 0);
    log_model_stop(&keyed.model, true);
    log_model_start(&keyed.model);
    assert_int_equal(log_clean_to(keyed.model.log), 0);
    struct built all[] = {older, old, broken, bomb, wide, packed, plain};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        mem_free(all[i].bytes);
    log_model_stop(&keyed.model, false);
    keyed_log_close(&keyed);
}

static struct record_batch_options of_transaction(const struct keyed_log *keyed,
                                                  struct built *built, int64_t producer_id) {
    struct record_batch_options options = record_batch_plain();
    options.base_offset = built->offset = keyed->model.end_offset;
    options.producer_id = producer_id;
    options.producer_epoch = 0;
    options.transactional = true;
    return options;
}

/* A record with a value, and a tombstone. */
static void append_of(struct keyed_log *keyed, struct built *built, int64_t producer_id,
                      const char *first, const char *second) {
    struct record_batch_options options = of_transaction(keyed, built, producer_id);
    options.base_sequence = 0;
    struct record_batch_builder *builder = record_batch_builder_new(&options);
    add(builder, 5, first, "v", 1);
    add(builder, 5, second, NULL, -1);
    finish(builder, built);
    append(keyed, built, 2);
}

static void append_marker(struct keyed_log *keyed, struct built *built, int64_t producer_id,
                          bool commit) {
    const char key[] = {0, 0, 0, commit ? 1 : 0}, value[] = {0, 0, 0, 0, 0, 1};
    struct record_batch_options options = of_transaction(keyed, built, producer_id);
    options.base_sequence = -1;
    options.control = true;
    struct record_batch_builder *builder = record_batch_builder_new(&options);
    record_batch_builder_append(builder, 5, key, sizeof key, value, sizeof value, NULL, 0);
    finish(builder, built);
    append(keyed, built, 1);
}

static void clean_again(struct keyed_log *keyed) {
    keyed_log_fill(keyed, keyed->model.log->segment_count + 3);
    keyed_log_clean(keyed);
}

/* What was committed in a transaction counts as any record; what was aborted takes nothing away,
 * and goes. Of the markers those stay that readers need: of what was aborted and had records. */
static void test_clean_transactions(void **state) {
    (void)state;
    enum { COMMITS = 7, ABORTS = 8, EMPTY = 9 };
    struct keyed_log keyed;
    struct built older, untouched, committed, aborted, empty, commit, abort, plain;
    keyed_log_open(&keyed, 3, 1000);
    append_plain(&keyed, &older, "both", "deleted");
    append_plain(&keyed, &untouched, "third", "kept");
    append_of(&keyed, &committed, COMMITS, "both", "deleted");
    append_of(&keyed, &aborted, ABORTS, "third", "kept");
    append_marker(&keyed, &empty, EMPTY, false);
    append_marker(&keyed, &commit, COMMITS, true);
    append_marker(&keyed, &abort, ABORTS, false);
    append_plain(&keyed, &plain, "other", "another");
    keyed.aborted = (struct clean_aborted_one){ABORTS, aborted.offset, abort.offset};
    keyed_log_settle(&keyed);
    keyed_log_fill(&keyed, 4);
    keyed_log_clean(&keyed);
    assert_int_equal(left_of(&keyed, &older), 0);
    assert_int_equal(left_of(&keyed, &untouched), 2);
    assert_int_equal(left_of(&keyed, &committed), 2); /* a tombstone stays for its time */
    assert_int_equal(left_of(&keyed, &aborted), 0);
    assert_int_equal(left_of(&keyed, &empty), 0);
    assert_int_equal(left_of(&keyed, &commit), 0);
    assert_int_equal(left_of(&keyed, &abort), 1);
    keyed.options.tombstones_below = log_clean_to(keyed.model.log);
    assert_true(keyed.options.tombstones_below > plain.offset);
    clean_again(&keyed);
    assert_int_equal(left_of(&keyed, &committed), 1);
    assert_int_equal(left_of(&keyed, &abort), 1);
    /* What a round has seen need not be told again. */
    keyed.options.aborted.from = log_clean_to(keyed.model.log);
    keyed.aborted = (struct clean_aborted_one){0};
    clean_again(&keyed);
    assert_int_equal(left_of(&keyed, &untouched), 2);
    assert_int_equal(left_of(&keyed, &abort), 1);
    struct built all[] = {older, untouched, committed, aborted, empty, commit, abort, plain};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        mem_free(all[i].bytes);
    log_model_stop(&keyed.model, false);
    keyed_log_close(&keyed);
}

/* Nothing that an open transaction may have written is cleaned. */
static void test_clean_below_open_transactions(void **state) {
    (void)state;
    enum { ABORTS = 8 };
    struct keyed_log keyed;
    struct built aborted, abort;
    struct log_cleanable cleanable;
    keyed_log_open(&keyed, 5, 1000);
    append_of(&keyed, &aborted, ABORTS, "first", "second");
    append_marker(&keyed, &abort, ABORTS, false);
    keyed.aborted = (struct clean_aborted_one){ABORTS, aborted.offset, abort.offset};
    keyed_log_settle(&keyed);
    keyed_log_fill(&keyed, 4);
    struct log_clean_limits limits = {.index = keyed.model.commit,
                                      .young_ms = INT64_MAX,
                                      .stable = keyed.model.log->segments[1]->end.offset};
    log_cleanable_look(keyed.model.log, &limits, &cleanable);
    assert_int_equal(cleanable.last_index, keyed.model.log->segments[1]->end.last_index);
    limits.stable--;
    log_cleanable_look(keyed.model.log, &limits, &cleanable);
    assert_int_equal(cleanable.last_index, keyed.model.log->segments[0]->end.last_index);
    limits.stable = 0;
    log_cleanable_look(keyed.model.log, &limits, &cleanable);
    assert_int_equal(cleanable.last_index, 0);
    keyed_log_clean(&keyed);
    assert_int_equal(left_of(&keyed, &aborted), 0);
    mem_free(aborted.bytes);
    mem_free(abort.bytes);
    log_model_stop(&keyed.model, false);
    keyed_log_close(&keyed);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_strangers),
                                       cmocka_unit_test(test_clean_transactions),
                                       cmocka_unit_test(test_clean_below_open_transactions)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
