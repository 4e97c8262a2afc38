/*
 * What a ShareFetch takes of batches: records, and what is none for anybody. The batches and what
 * was aborted of them are made here.
 */
#include "base/error.h"
#include "base/mem.h"
#include "broker/api/share_take.h"
#include "protocol/record/record_batch_builder.h"
#include "tests/unit/unit.h"

#include <string.h>

enum { PRODUCER = 7, HOLDER = 3, BYTES_MAX = 4096, PLAIN = 0, TRANSACTIONAL = 1, CONTROL = 2 };

struct fixture {
    struct share_state state;
    struct share_queue queue;
    struct share_limits limits;
    struct partition_read read;
    struct buffer *buffer;
    size_t len, slice_from;
    struct offset_ranges given, archived;
};

static void begin(struct fixture *f) {
    *f = (struct fixture){
        .limits = {.lock_ms = 1000, .locks = 100, .deliveries = 5, .window = 10000, .ranges = 1000},
        .given.size = sizeof(struct share_range),
        .archived.size = sizeof(struct share_range)};
    share_state_open(&f->state, 0);
    share_queue_open(&f->queue, &f->state);
    f->buffer = buffer_new(NULL, BYTES_MAX);
    f->read.fetch.slices = NULL;
}

static void end(struct fixture *f) {
    partition_read_release(&f->read);
    buffer_unref(f->buffer);
    offset_ranges_free(&f->given);
    offset_ranges_free(&f->archived);
    share_queue_close(&f->queue);
    share_state_close(&f->state);
}

static void batch(struct fixture *f, int64_t base, int records, int kind) {
    struct record_batch_options options = record_batch_plain();
    uint8_t *bytes;
    size_t len;
    if (kind != PLAIN) {
        options.producer_id = PRODUCER;
        options.producer_epoch = 0;
        options.base_sequence = kind == CONTROL ? -1 : 0;
        options.transactional = true;
        options.control = kind == CONTROL;
    }
    struct record_batch_builder *builder = record_batch_builder_new(&options);
    for (int i = 0; i < records; i++)
        record_batch_builder_append(builder, 1000, NULL, -1, (const uint8_t *)"x", 1, NULL, 0);
    assert_int_equal(record_batch_builder_finish(builder, &bytes, &len), ERR_NONE);
    for (int i = 0; i < 8; i++) /* the base offset is not in the checksum */
        bytes[i] = (uint8_t)((uint64_t)base >> (56 - 8 * i));
    assert_true(f->len + len <= BYTES_MAX);
    memcpy(f->buffer->data + f->len, bytes, len);
    f->len += len;
    mem_free(bytes);
}

/* A record for each letter, which is its key; '-': it has none. Damaged: its records are not
 * readable. */
static void keyed(struct fixture *f, int64_t base, const char *keys, bool damaged) {
    struct record_batch_options options = record_batch_plain();
    uint8_t *bytes;
    size_t len;
    options.base_offset = base;
    if (damaged) options.codec = RECORD_CODEC_LZ4;
    struct record_batch_builder *builder = record_batch_builder_new(&options);
    for (const char *key = keys; *key != 0; key++)
        record_batch_builder_append(builder, 1000, *key == '-' ? NULL : key, *key == '-' ? -1 : 1,
                                    (const uint8_t *)"x", 1, NULL, 0);
    assert_int_equal(record_batch_builder_finish(builder, &bytes, &len), ERR_NONE);
    if (damaged) memset(bytes + 61, 0xff, len - 61);
    assert_true(f->len + len <= BYTES_MAX);
    memcpy(f->buffer->data + f->len, bytes, len);
    f->len += len;
    mem_free(bytes);
}

/* What was added since the last one is a slice of its own. */
static void slice_ends(struct fixture *f) {
    struct partition_log_fetch *fetch = &f->read.fetch;
    struct slice *more = mem_alloc((fetch->count + 1) * sizeof *more);
    if (fetch->count > 0) memcpy(more, fetch->slices, fetch->count * sizeof *more);
    mem_free(fetch->slices);
    fetch->slices = more;
    more[fetch->count++] = slice_of(f->buffer, f->slice_from, f->len - f->slice_from);
    f->slice_from = f->len;
}

static uint64_t take(struct fixture *f, kafka_offset from, uint64_t most, bool exact) {
    struct share_take take = {.queue = &f->queue,
                              .limits = &f->limits,
                              .from = from,
                              .most = most,
                              .holder = HOLDER,
                              .now_ms = 1,
                              .ttl_ms = -1,
                              .exact = exact,
                              .given = &f->given,
                              .archived = &f->archived};
    return share_take(&take, &f->read);
}

static void assert_ranges(const struct offset_ranges *ranges, size_t count, const int64_t *ends) {
    assert_int_equal(ranges->count, count);
    for (size_t i = 0; i < count; i++) {
        const struct share_range *range = offset_ranges_at(ranges, i);
        assert_int_equal(range->at.first, ends[2 * i]);
        assert_int_equal(range->at.last, ends[2 * i + 1]);
    }
}

/* The base offsets of what is sent. */
static void assert_sent(const struct fixture *f, size_t count, const int64_t *bases) {
    size_t seen = 0;
    for (size_t i = 0; i < f->read.fetch.count; i++) {
        const struct slice *slice = &f->read.fetch.slices[i];
        struct record_batch batch;
        size_t at = 0;
        while (record_batch_next(slice->data, slice->len, &at, &batch, NULL) == ERR_NONE) {
            assert_true(seen < count);
            assert_int_equal(batch.base_offset, bases[seen++]);
        }
        assert_int_equal(at, slice->len);
    }
    assert_int_equal(seen, count);
}

/* Offsets that no batch has, before and between them: whoever reads next does not meet them again.
 */
static void test_holes(void **state) {
    (void)state;
    struct fixture f;
    begin(&f);
    batch(&f, 5, 2, PLAIN);
    slice_ends(&f);
    batch(&f, 10, 3, PLAIN);
    batch(&f, 13, 1, PLAIN);
    slice_ends(&f);
    assert_int_equal(take(&f, 2, 100, false), 6);
    assert_ranges(&f.given, 2, (int64_t[]){5, 6, 10, 13});
    assert_ranges(&f.archived, 2, (int64_t[]){2, 4, 7, 9});
    assert_sent(&f, 3, (int64_t[]){5, 10, 13});
    assert_int_equal(f.read.fetch.count, 2);
    assert_int_equal(share_queue_next(&f.queue, &f.limits, 2), 14);
    end(&f);
}

/* Markers are nobody's records, in either isolation; what was aborted is that for a committed
 * reader: of that producer, from its first offset to the marker, and no more. */
static void test_transactions(void **state) {
    (void)state;
    struct fixture f;
    begin(&f);
    batch(&f, 0, 2, TRANSACTIONAL); /* committed */
    batch(&f, 2, 1, CONTROL);
    batch(&f, 3, 2, TRANSACTIONAL); /* aborted */
    batch(&f, 5, 1, PLAIN);
    batch(&f, 6, 1, CONTROL);
    batch(&f, 7, 1, TRANSACTIONAL);
    slice_ends(&f);
    f.read.aborted = mem_alloc(2 * sizeof *f.read.aborted);
    f.read.aborted[0] = (struct aborted_transaction){
        .producer_id = PRODUCER + 1, .first_offset = 0, .marker_offset = 20};
    f.read.aborted[1] = (struct aborted_transaction){
        .producer_id = PRODUCER, .first_offset = 3, .marker_offset = 6};
    f.read.aborted_count = 2;
    assert_int_equal(take(&f, 0, 100, false), 4);
    assert_ranges(&f.given, 3, (int64_t[]){0, 1, 5, 5, 7, 7});
    assert_ranges(&f.archived, 2, (int64_t[]){2, 4, 6, 6});
    assert_sent(&f, 3, (int64_t[]){0, 5, 7});
    end(&f);
    begin(&f);
    batch(&f, 0, 2, TRANSACTIONAL);
    batch(&f, 2, 1, CONTROL);
    slice_ends(&f);
    assert_int_equal(take(&f, 0, 100, false), 2);
    assert_ranges(&f.archived, 1, (int64_t[]){2, 2});
    end(&f);
}

/* So many records and no more, or the rest of the batch as well; what is behind is not looked at.
 */
static void test_most(void **state) {
    (void)state;
    struct fixture f;
    begin(&f);
    for (int64_t base = 0; base < 15; base += 5)
        batch(&f, base, 5, PLAIN);
    batch(&f, 20, 1, PLAIN);
    slice_ends(&f);
    assert_int_equal(take(&f, 0, 6, true), 6);
    assert_ranges(&f.given, 1, (int64_t[]){0, 5});
    assert_sent(&f, 2, (int64_t[]){0, 5});
    assert_int_equal(f.archived.count, 0);
    end(&f);
    begin(&f);
    for (int64_t base = 0; base < 15; base += 5)
        batch(&f, base, 5, PLAIN);
    slice_ends(&f);
    assert_int_equal(take(&f, 0, 6, false), 10);
    assert_sent(&f, 2, (int64_t[]){0, 5});
    end(&f);
}

/* What others hold, or is over, is passed over, and batches that have nothing else are not sent. */
static void test_others(void **state) {
    (void)state;
    struct fixture f;
    struct offset_ranges theirs = {.size = sizeof(struct share_range)};
    begin(&f);
    share_queue_acquire(&f.queue, &f.limits, 2, 6, 100, HOLDER + 1, 1, &theirs);
    share_state_set(&f.state, &(struct share_range){.at = {8, 8}, .state = SHARE_ACKNOWLEDGED});
    share_state_set(&f.state, &(struct share_range){.at = {9, 9}, .count = 2});
    for (int64_t base = 0; base < 10; base += 2)
        batch(&f, base, 2, PLAIN);
    slice_ends(&f);
    assert_int_equal(take(&f, 0, 100, false), 4);
    assert_ranges(&f.given, 3, (int64_t[]){0, 1, 7, 7, 9, 9});
    assert_int_equal(((struct share_range *)offset_ranges_at(&f.given, 2))->count, 3);
    assert_sent(&f, 3, (int64_t[]){0, 6, 8});
    assert_int_equal(f.read.fetch.count, 2);
    assert_int_equal(f.archived.count, 0);
    offset_ranges_free(&theirs);
    end(&f);
}

static uint64_t take_as(struct fixture *f, uint64_t holder, kafka_offset from, uint64_t most) {
    struct share_take take = {.queue = &f->queue,
                              .limits = &f->limits,
                              .from = from,
                              .most = most,
                              .holder = holder,
                              .now_ms = 1,
                              .ttl_ms = -1,
                              .given = &f->given,
                              .archived = &f->archived};
    offset_ranges_free(&f->given);
    partition_read_release(&f->read);
    f->slice_from = 0;
    slice_ends(f);
    return share_take(&take, &f->read);
}

/* In the order of keys: who holds one of a key gets more of it, others get other keys; and whoever
 * has a key passed over gets none of it behind that. */
static void test_keys(void **state) {
    (void)state;
    struct fixture f;
    begin(&f);
    f.limits.keyed = true;
    keyed(&f, 0, "aab", false);
    keyed(&f, 3, "ca-b", false);
    assert_int_equal(take_as(&f, 1, 0, 1), 1);
    assert_ranges(&f.given, 1, (int64_t[]){0, 0});
    assert_int_equal(take_as(&f, 2, 1, 2), 2);
    assert_ranges(&f.given, 1, (int64_t[]){2, 3});
    assert_sent(&f, 2, (int64_t[]){0, 3});
    assert_int_equal(take_as(&f, 3, 1, 10), 1);
    assert_ranges(&f.given, 1, (int64_t[]){5, 5});
    assert_sent(&f, 1, (int64_t[]){3});
    assert_int_equal(take_as(&f, 1, 1, 10), 2);
    assert_ranges(&f.given, 2, (int64_t[]){1, 1, 4, 4});
    assert_int_equal(take_as(&f, 1, 6, 10), 0);
    end(&f);
}

/* A batch that cannot be read goes when nothing of any key is held, and is alone until it is over.
 */
static void test_unread(void **state) {
    (void)state;
    struct fixture f;
    begin(&f);
    f.limits.keyed = true;
    keyed(&f, 0, "a", false);
    keyed(&f, 1, "bcd", true);
    keyed(&f, 4, "e-", false);
    assert_int_equal(take_as(&f, 1, 0, 10), 1);
    assert_int_equal(take_as(&f, 2, 1, 10), 0);
    struct share_range over = {.at = {0, 0}, .state = SHARE_ACKNOWLEDGED};
    share_state_set(&f.state, &over);
    share_queue_committed(&f.queue, &over);
    assert_int_equal(take_as(&f, 2, 1, 10), 3);
    assert_ranges(&f.given, 1, (int64_t[]){1, 3});
    assert_int_equal(take_as(&f, 1, 4, 10), 1); /* what has no key */
    assert_ranges(&f.given, 1, (int64_t[]){5, 5});
    over.at = (struct offset_range){1, 3};
    share_state_set(&f.state, &over);
    share_queue_committed(&f.queue, &over);
    assert_int_equal(take_as(&f, 1, 4, 10), 1);
    assert_ranges(&f.given, 1, (int64_t[]){4, 4});
    end(&f);
}

/* Records that live and records that are over, in turns: each is a run of its own, and a look ends
 * behind so many, whatever the batch has. What it has seen is given, or archived. */
static void test_runs(void **state) {
    (void)state;
    enum { RECORDS = 30000, LARGE = 1 << 20 };
    struct fixture f;
    struct record_batch_options options = record_batch_plain();
    struct record_batch_builder *builder = record_batch_builder_new(&options);
    const struct record_header over = {"ttl-ms", 6, (const uint8_t *)"0", 1};
    uint8_t *bytes;
    begin(&f);
    f.limits = (struct share_limits){.lock_ms = 1000, .locks = 100, .deliveries = 5};
    f.limits.window = f.limits.ranges = 2 * RECORDS;
    for (int i = 0; i < RECORDS; i++)
        record_batch_builder_append(builder, 1000, NULL, -1, "x", 1, &over, i % 2);
    assert_int_equal(record_batch_builder_finish(builder, &bytes, &f.len), ERR_NONE);
    buffer_unref(f.buffer);
    f.buffer = buffer_new(NULL, LARGE);
    memcpy(f.buffer->data, bytes, f.len);
    mem_free(bytes);
    slice_ends(&f);
    struct share_take take = {.queue = &f.queue,
                              .limits = &f.limits,
                              .most = 10,
                              .holder = HOLDER,
                              .now_ms = 1,
                              .wall_ms = 1001,
                              .given = &f.given,
                              .archived = &f.archived};
    assert_int_equal(share_take(&take, &f.read), 100);
    assert_in_range(f.archived.count, 1000, 6000);
    assert_sent(&f, 1, (int64_t[]){0});
    end(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_holes), cmocka_unit_test(test_transactions),
        cmocka_unit_test(test_most),  cmocka_unit_test(test_others),
        cmocka_unit_test(test_keys),  cmocka_unit_test(test_unread),
        cmocka_unit_test(test_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
