/* Markers: Kafka's bytes, there and back, and what is none. */
#include <string.h>

#include "base/mem.h"
#include "protocol/record/record_batch_builder.h"
#include "protocol/record/transaction_marker.h"
#include "tests/unit/protocol/fixture_golden.h"
#include "tests/unit/unit.h"

/* The batch is Kafka's, byte for byte, but for what a leader sets. */
static void test_transaction_marker_is_kafkas(void **state) {
    (void)state;
    struct golden_file *file = golden_open("batches.txt", 3);
    struct golden_line line;
    bool found = false;
    while (!found && golden_next(file, &line))
        found = strcmp(line.fields[0], "commit-marker") == 0;
    assert_true(found);
    size_t len;
    uint8_t *bytes = golden_bytes(line.fields[1], &len);
    struct record_batch batch;
    struct transaction_marker marker;
    assert_int_equal(record_batch_parse(bytes, len, &batch, NULL), ERR_NONE);
    assert_int_equal(transaction_marker_read(&batch, &marker), ERR_NONE);
    assert_int_equal(marker.producer_id, 99);
    assert_int_equal(marker.producer_epoch, 1);
    assert_int_equal(marker.coordinator_epoch, 8);
    assert_true(marker.commit);
    struct slice made = transaction_marker_batch(&marker, batch.max_timestamp);
    assert_int_equal(made.len, 78);
    record_batch_set_base_offset((uint8_t *)made.data, batch.base_offset);
    record_batch_set_leader_epoch((uint8_t *)made.data, batch.leader_epoch);
    assert_int_equal(made.len, len);
    assert_memory_equal(made.data, bytes, len);
    slice_unref(&made);
    mem_free(bytes);
    golden_close(file);
}

static int read_of(const void *key, int32_t key_len, const void *value, int32_t value_len,
                   struct transaction_marker *marker) {
    struct record_batch_options options = record_batch_plain();
    options.control = true;
    struct record_batch_builder *builder = record_batch_builder_new(&options);
    record_batch_builder_append(builder, 5, key, key_len, value, value_len, NULL, 0);
    uint8_t *bytes;
    size_t len;
    struct record_batch batch;
    assert_int_equal(record_batch_builder_finish(builder, &bytes, &len), ERR_NONE);
    assert_int_equal(record_batch_parse(bytes, len, &batch, NULL), ERR_NONE);
    int error = transaction_marker_read(&batch, marker);
    mem_free(bytes);
    return error;
}

/* Control batches of other kinds are passed over; later versions begin with the same fields; what
 * is too short is none. */
static void test_transaction_marker_of_others(void **state) {
    (void)state;
    struct transaction_marker marker;
    const uint8_t abort_key[] = {0, 0, 0, 0}, leader_change[] = {0, 0, 0, 2},
                  later_key[] = {0, 1, 0, 1, 7}, value[] = {0, 0, 0, 0, 0, 9},
                  later[] = {0, 3, 0, 0, 1, 0, 7, 7}, below[] = {0xff, 0xff, 0, 0, 0, 9};
    assert_int_equal(read_of(abort_key, 4, value, 6, &marker), ERR_NONE);
    assert_false(marker.commit);
    assert_int_equal(marker.coordinator_epoch, 9);
    assert_int_equal(read_of(later_key, 5, later, 8, &marker), ERR_NONE);
    assert_true(marker.commit);
    assert_int_equal(marker.coordinator_epoch, 256);
    assert_int_equal(read_of(leader_change, 4, NULL, -1, &marker), ERR_NOT_FOUND);
    assert_int_equal(read_of(abort_key, 3, value, 6, &marker), ERR_MALFORMED);
    assert_int_equal(read_of(NULL, -1, value, 6, &marker), ERR_MALFORMED);
    assert_int_equal(read_of(abort_key, 4, value, 5, &marker), ERR_MALFORMED);
    assert_int_equal(read_of(abort_key, 4, below, 6, &marker), ERR_MALFORMED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_transaction_marker_is_kafkas),
        cmocka_unit_test(test_transaction_marker_of_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
