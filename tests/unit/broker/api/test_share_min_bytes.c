/* MinBytes of ShareFetch, on one whole broker. */
#include "base/mem.h"
#include "broker/broker_internal.h"
#include "broker/partition/partition_append.h"
#include "broker/share/shares.h"
#include "protocol/kafka_error.h"
#include "protocol/record/record_batch_builder.h"
#include "tests/unit/broker/fixture_share_asks.h"
#include "tests/unit/unit.h"

static struct partition *partition_here(struct one_broker *one) {
    const struct broker_services *services = broker_services(one->broker);
    uint64_t group = metadata_topic_named(services->metadata, "t", 1)->partitions[0].group;
    return partition_set_find_group(services->partitions, group);
}

static void on_appended(struct partition_append *append, int16_t error) {
    (void)append;
    assert_int_equal(error, KAFKA_NONE);
}

/* A record of so many bytes, of nobody's connection: answers on one come in order. */
static void append_one(struct one_broker *one, int32_t len) {
    static struct partition_append append;
    struct record_batch_options options = record_batch_plain();
    struct record_batch_builder *builder = record_batch_builder_new(&options);
    uint8_t *value = mem_zalloc((size_t)len), *bytes;
    size_t size;
    record_batch_builder_append(builder, 1000, NULL, -1, value, len, NULL, 0);
    assert_int_equal(record_batch_builder_finish(builder, &bytes, &size), ERR_NONE);
    mem_free(value);
    append = (struct partition_append){.done = on_appended};
    assert_int_equal(partition_append(partition_here(one), slice_adopt(NULL, bytes, size), &append),
                     KAFKA_NONE);
}

/* With fewer bytes than it wants a fetch waits, and holds nothing meanwhile; it is answered when
 * there is enough, or with what there is when its time is over. */
static void test_min_bytes(void **state) {
    struct one_broker *one = *state;
    one_broker_start(one);
    share_served(one);
    struct kp_uuid topic = one_broker_create(one, "t", 1);
    struct share_member a = share_member_of(one, "g", "a", topic);
    const struct share *share = shares_find(partition_shares(partition_here(one)),
                                            kp_string_of("g"));
    a.max_wait_ms = 60000;
    int32_t id = share_fetch_send(one, &a); /* any record */
    assert_false(one_broker_has_answer(one, 50));
    append_one(one, 1);
    struct kp_share_fetch_response response = share_fetch_receive(one, &a, id);
    assert_string_equal(share_acquired(&response), "0-0:1");
    a.min_bytes = 2500;
    id = share_fetch_send(one, &a);
    for (int i = 0; i < 2; i++) {
        append_one(one, 1000);
        assert_false(one_broker_has_answer(one, 50));
        assert_int_equal(share->queue.held, 1);
    }
    append_one(one, 1000);
    response = share_fetch_receive(one, &a, id);
    assert_string_equal(share_acquired(&response), "1-3:1");
    append_one(one, 1000);
    a.max_wait_ms = 300;
    id = share_fetch_send(one, &a);
    assert_false(one_broker_has_answer(one, 100));
    response = share_fetch_receive(one, &a, id);
    assert_string_equal(share_acquired(&response), "4-4:1");
    a.max_wait_ms = 60000;
    a.max_records = 1; /* no more bytes can come */
    append_one(one, 1);
    response = share_fetch(one, &a);
    assert_string_equal(share_acquired(&response), "5-5:1");
}

static void is_called(struct share_waiter *waiter) {
    (void)waiter;
}

/* Two that wait for as much: of what is enough for one of them one gets it, instead of both a part
 * that is too little. Who waits for less has his part. */
static void test_equal_min_bytes(void **state) {
    struct one_broker *one = *state;
    one_broker_start(one);
    share_served(one);
    struct kp_uuid topic = one_broker_create(one, "t", 1);
    struct share_member a = share_member_of(one, "g", "a", topic);
    struct share *share = shares_find(partition_shares(partition_here(one)), kp_string_of("g"));
    struct share_waiter other = {.available = is_called, .least = 1};
    share_wait(share, &other);
    a.max_wait_ms = 60000;
    a.min_bytes = 2500;
    for (int i = 0; i < 3; i++)
        append_one(one, 1000);
    int32_t id = share_fetch_send(one, &a);
    assert_false(one_broker_has_answer(one, 100));
    assert_int_equal(share->queue.held, 0);
    other.least = 2500;
    append_one(one, 1000);
    struct kp_share_fetch_response response = share_fetch_receive(one, &a, id);
    assert_string_equal(share_acquired(&response), "0-3:1");
    share_wait_cancel(&other);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_min_bytes, one_broker_setup, one_broker_teardown),
        cmocka_unit_test_setup_teardown(test_equal_min_bytes, one_broker_setup,
                                        one_broker_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
