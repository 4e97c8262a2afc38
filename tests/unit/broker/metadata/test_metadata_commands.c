/* The commands of the metadata group as bytes: what goes in comes out, and no bytes do harm. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "broker/metadata/metadata_change.h"
#include "broker/metadata/metadata_commands.h"
#include "protocol/messages/incremental_alter_configs.h"
#include "tests/unit/unit.h"

static int32_t nodes[] = {3, 1, 2};
static struct command_partition partitions[] = {{{nodes, 3}}, {{nodes, 1}}};
static struct command_config configs[] = {{{"max.message.bytes", 17}, {"1000", 4}}};

static void fill(struct metadata_command *command) {
    metadata_command_init(command, COMMAND_CREATE_TOPIC);
    command->create_topic.name = kp_string_of("orders");
    command->create_topic.id = (struct kp_uuid){{1, 2, 3}};
    command->create_topic.configs.items = configs;
    command->create_topic.configs.count = 1;
    command->create_topic.partitions.items = partitions;
    command->create_topic.partitions.count = 2;
}

/* A command decodes to what was encoded. */
static void test_metadata_commands_round_trip(void **state) {
    (void)state;
    struct metadata_command command, back;
    struct slice bytes;
    struct kp_arena arena;
    kp_arena_init(&arena, METADATA_COMMAND_ARENA);
    fill(&command);
    assert_int_equal(metadata_command_encode(&command, &bytes), ERR_NONE);
    assert_int_equal(metadata_command_decode(bytes.data, bytes.len, &arena, &back), ERR_NONE);
    assert_int_equal(back.type, COMMAND_CREATE_TOPIC);
    assert_true(kp_string_is(back.create_topic.name, "orders"));
    assert_int_equal(back.create_topic.partitions.count, 2);
    assert_memory_equal(back.create_topic.partitions.items[0].nodes.items, nodes, sizeof nodes);
    assert_true(kp_string_is(back.create_topic.configs.items[0].value, "1000"));
    slice_unref(&bytes);
    kp_arena_close(&arena);
}

/* The change carries the command, and what the leader needs to place it. */
static void test_metadata_change_round_trip(void **state) {
    (void)state;
    struct metadata_change change = {.place_partitions = 7,
                                     .replication_factor = 3,
                                     .validate_only = true},
                           back;
    struct slice bytes;
    struct kp_arena arena;
    kp_arena_init(&arena, METADATA_COMMAND_ARENA);
    fill(&change.command);
    assert_int_equal(metadata_change_encode(&change, &bytes), ERR_NONE);
    assert_int_equal(metadata_change_decode(bytes.data, bytes.len, &arena, &back), ERR_NONE);
    assert_int_equal(back.place_partitions, 7);
    assert_int_equal(back.replication_factor, 3);
    assert_true(back.validate_only);
    assert_true(kp_string_is(back.command.create_topic.name, "orders"));
    slice_unref(&bytes);
    kp_arena_close(&arena);
}

/* What is appended and subtracted travels beside the settings; one too few, and an operation that
 * is none, are no change. Without any the bytes are those that every version knows. */
static void test_metadata_change_operations(void **state) {
    (void)state;
    int8_t operations[] = {CONFIG_SET, CONFIG_APPEND};
    struct command_config_change configs[] = {{kp_string_of("a"), kp_string_of("1")},
                                              {kp_string_of("b"), kp_string_of("2,3")}};
    struct metadata_change change = {.operations = operations}, back;
    struct slice bytes;
    struct kp_arena arena;
    kp_arena_init(&arena, METADATA_COMMAND_ARENA);
    metadata_command_init(&change.command, COMMAND_SET_CONFIGS);
    change.command.set_configs.configs.items = configs;
    change.command.set_configs.configs.count = 2;
    assert_int_equal(metadata_change_encode(&change, &bytes), ERR_NONE);
    assert_int_equal(metadata_change_decode(bytes.data, bytes.len, &arena, &back), ERR_NONE);
    assert_memory_equal(back.operations, operations, 2);
    assert_true(kp_string_is(back.command.set_configs.configs.items[1].value, "2,3"));
    for (size_t len = 0; len < bytes.len; len++)
        assert_int_not_equal(metadata_change_decode(bytes.data, len, &arena, &back), ERR_NONE);
    slice_unref(&bytes);
    operations[0] = CONFIG_SUBTRACT + 1;
    assert_int_equal(metadata_change_encode(&change, &bytes), ERR_NONE);
    assert_int_equal(metadata_change_decode(bytes.data, bytes.len, &arena, &back), ERR_MALFORMED);
    slice_unref(&bytes);
    change.operations = NULL;
    assert_int_equal(metadata_change_encode(&change, &bytes), ERR_NONE);
    assert_int_equal(((const uint8_t *)bytes.data)[0], 1);
    assert_int_equal(metadata_change_decode(bytes.data, bytes.len, &arena, &back), ERR_NONE);
    assert_null(back.operations);
    slice_unref(&bytes);
    kp_arena_close(&arena);
}

/* An outcome comes back as it was; a message that is too long is cut, not written over its end. */
static void test_change_outcome_round_trip(void **state) {
    (void)state;
    struct change_outcome outcome = {.status = CHANGE_AGAIN,
                                     .result = {.error = 38, .value = 1000},
                                     .index = 99},
                          back;
    memset(outcome.result.message, 'x', sizeof outcome.result.message - 1);
    struct slice bytes = change_outcome_encode(&outcome);
    assert_int_equal(change_outcome_decode(bytes.data, bytes.len, &back), ERR_NONE);
    assert_memory_equal(&back, &outcome, sizeof back);
    for (size_t len = 0; len < bytes.len; len++)
        assert_int_equal(change_outcome_decode(bytes.data, len, &back), ERR_MALFORMED);
    slice_unref(&bytes);
}

/* Bytes cut off anywhere, and bytes changed anywhere, decode to an error or to some command, never
 * to a crash. */
static void test_metadata_commands_hostile(void **state) {
    (void)state;
    struct metadata_change change = {.place_partitions = 7}, back;
    struct slice bytes;
    fill(&change.command);
    assert_int_equal(metadata_change_encode(&change, &bytes), ERR_NONE);
    uint8_t *copy = mem_alloc(bytes.len);
    for (size_t len = 0; len < bytes.len; len++) {
        struct kp_arena arena;
        kp_arena_init(&arena, METADATA_COMMAND_ARENA);
        memcpy(copy, bytes.data, len);
        assert_int_not_equal(metadata_change_decode(copy, len, &arena, &back), ERR_NONE);
        kp_arena_close(&arena);
    }
    uint32_t random = 12345;
    for (int round = 0; round < 20000; round++) {
        struct kp_arena arena;
        kp_arena_init(&arena, 1 << 20);
        memcpy(copy, bytes.data, bytes.len);
        for (int change_count = 0; change_count < 3; change_count++) {
            random = random * 1664525 + 1013904223;
            copy[(random >> 8) % bytes.len] = (uint8_t)(random >> 24);
        }
        metadata_change_decode(copy, bytes.len, &arena, &back);
        kp_arena_close(&arena);
    }
    mem_free(copy);
    slice_unref(&bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_metadata_commands_round_trip),
        cmocka_unit_test(test_metadata_change_round_trip),
        cmocka_unit_test(test_metadata_change_operations),
        cmocka_unit_test(test_change_outcome_round_trip),
        cmocka_unit_test(test_metadata_commands_hostile),
    };
    return cmocka_run_group_tests_name("metadata_commands", tests, NULL, NULL);
}
