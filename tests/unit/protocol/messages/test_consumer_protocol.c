/* What consumers say to each other, as kafka-clients 4.3.1 (ConsumerProtocol) writes it. */
#include "protocol/messages/consumer_protocol.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "tests/unit/unit.h"

/* Topics t and uu, user data 7; owned t-1, t-2, uu-0; generation 5; rack r. */
static const char *const subscriptions[] = {
    "000000000002000174000275750000000107",
    "00010000000200017400027575000000010700000002000174000000020000000100000002000275750000000100"
    "000000",
    "00020000000200017400027575000000010700000002000174000000020000000100000002000275750000000100"
    "00000000000005",
    "00030000000200017400027575000000010700000002000174000000020000000100000002000275750000000100"
    "00000000000005000172",
};

/* The same partitions, user data 9; but for the version. */
static const char assignment_text[] =
    "0000000000020001740000000200000001000000020002757500000001000000000000000109";

static struct kp_bytes bytes_of(const char *hex) {
    static uint8_t bytes[200];
    int32_t len = 0;
    unsigned value;
    for (; sscanf(hex + 2 * (size_t)len, "%2x", &value) == 1; len++)
        bytes[len] = (uint8_t)value;
    return (struct kp_bytes){bytes, len};
}

static void assert_partitions(const struct kp_consumer_protocol_partitions *items, int32_t count) {
    assert_int_equal(count, 2);
    assert_true(kp_string_is(items[0].topic, "t") && kp_string_is(items[1].topic, "uu"));
    assert_int_equal(items[0].partitions.count, 2);
    assert_int_equal(items[0].partitions.items[1], 2);
    assert_int_equal(items[1].partitions.items[0], 0);
}

static void test_consumer_subscriptions(void **state) {
    (void)state;
    for (int version = 0; version <= KP_CONSUMER_PROTOCOL_NEWEST; version++) {
        struct kp_arena arena;
        struct kp_consumer_subscription read;
        struct kp_bytes bytes = bytes_of(subscriptions[version]);
        kp_arena_init(&arena, 10000);
        assert_int_equal(kp_consumer_subscription_read(bytes, &arena, &read), ERR_NONE);
        assert_int_equal(read.topics.count, 2);
        assert_true(kp_string_is(read.topics.items[1], "uu"));
        assert_int_equal(read.user_data.data[0], 7);
        if (version >= 1)
            assert_partitions(read.owned.items, read.owned.count);
        else
            assert_int_equal(read.owned.count, 0);
        assert_int_equal(read.generation, version >= 2 ? 5 : -1);
        assert_int_equal(read.rack.len, version >= 3 ? 1 : -1);
        for (int32_t len = 0; len < bytes.len; len++) {
            struct kp_bytes cut = {bytes.data, len};
            assert_int_equal(kp_consumer_subscription_read(cut, &arena, &read), ERR_MALFORMED);
        }
        kp_arena_close(&arena);
    }
}

/* Is read and written in every version; a later one counts as the newest, one below 0 as none. */
static void test_consumer_assignments(void **state) {
    (void)state;
    for (int version = -1; version <= KP_CONSUMER_PROTOCOL_NEWEST + 1; version++) {
        struct kp_arena arena;
        struct kp_consumer_assignment read;
        struct kp_writer writer;
        struct kp_bytes bytes = bytes_of(assignment_text);
        uint8_t *mine = (uint8_t *)bytes.data;
        mine[0] = mine[1] = (uint8_t)version;
        if (version >= 0) mine[0] = 0;
        kp_arena_init(&arena, 10000);
        int error = kp_consumer_assignment_read(bytes, &arena, &read);
        assert_int_equal(error, version < 0 ? ERR_MALFORMED : ERR_NONE);
        if (version >= 0) {
            assert_partitions(read.assigned.items, read.assigned.count);
            assert_int_equal(read.user_data.data[0], 9);
            kp_writer_init(&writer, 1000);
            kp_consumer_assignment_write(&read, bytes, &writer);
            if (version > KP_CONSUMER_PROTOCOL_NEWEST) mine[1] = KP_CONSUMER_PROTOCOL_NEWEST;
            assert_int_equal(writer.len, bytes.len);
            assert_memory_equal(writer.data, bytes.data, writer.len);
            kp_writer_close(&writer);
        }
        kp_arena_close(&arena);
    }
}

/* Nothing is assigned: without bytes, and as Java writes it. */
static void test_consumer_assignment_of_nothing(void **state) {
    (void)state;
    struct kp_arena arena;
    struct kp_consumer_assignment read;
    struct kp_writer writer;
    kp_arena_init(&arena, 10000);
    assert_int_equal(kp_consumer_assignment_read((struct kp_bytes){NULL, -1}, &arena, &read),
                     ERR_NONE);
    assert_int_equal(read.assigned.count, 0);
    assert_int_equal(read.user_data.len, -1);
    struct kp_bytes bytes = bytes_of("000300000000ffffffff");
    kp_writer_init(&writer, 1000);
    kp_consumer_assignment_write(&read, (struct kp_bytes){NULL, -1}, &writer);
    assert_int_equal(writer.len, bytes.len);
    assert_memory_equal(writer.data, bytes.data, writer.len);
    kp_writer_close(&writer);
    kp_arena_close(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_consumer_subscriptions),
                                       cmocka_unit_test(test_consumer_assignments),
                                       cmocka_unit_test(test_consumer_assignment_of_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
