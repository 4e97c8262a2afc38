/* Features of the cluster: which level is agreed, who may change it, who may not join it. */
#include <string.h>

#include "broker/metadata/metadata_features.h"
#include "broker/metadata/metadata_leader.h"
#include "broker/metadata/metadata_roster.h"
#include "broker/quotas/quota.h"
#include "protocol/kafka_error.h"
#include "tests/unit/unit.h"

struct fixture {
    struct metadata *metadata;
    struct metadata_result result;
    uint64_t index;
};

static int setup(void **state) {
    static const struct cluster_node nodes[] = {{1, {1}}, {2, {2}}, {3, {3}}};
    static struct fixture fixture;
    struct cluster_record record;
    fixture = (struct fixture){0};
    cluster_record_make(&record, nodes, 3, 3);
    fixture.metadata = metadata_new(3, 42);
    metadata_roster_begin(fixture.metadata, &record);
    *state = &fixture;
    return 0;
}

static int teardown(void **state) {
    struct fixture *fixture = *state;
    metadata_free(fixture->metadata);
    return 0;
}

static int apply(struct fixture *fixture, const struct metadata_command *command) {
    struct slice bytes;
    assert_int_equal(metadata_command_encode(command, &bytes), ERR_NONE);
    assert_int_equal(metadata_apply(fixture->metadata, ++fixture->index, bytes.data, bytes.len,
                                    &fixture->result),
                     ERR_NONE);
    slice_unref(&bytes);
    return fixture->result.error;
}

/* A feature with `max` -1: a broker of before there were any. */
static void make_registration(struct metadata_command *command, int32_t node,
                              struct command_feature *feature) {
    metadata_command_init(command, COMMAND_REGISTER_BROKER);
    command->register_broker.node = node;
    command->register_broker.directory.bytes[0] = (uint8_t)node;
    command->register_broker.rack = kp_string_of("");
    command->register_broker.features.items = feature;
    command->register_broker.features.count = feature->max >= 0;
}

static int register_knowing(struct fixture *fixture, int32_t node, const char *name, int16_t min,
                            int16_t max) {
    struct command_feature feature = {kp_string_of(name), min, max};
    struct metadata_command command;
    make_registration(&command, node, &feature);
    return apply(fixture, &command);
}

/* What its leader says of a registration before it is a command. */
static int ask_to_register(struct fixture *fixture, const char *name, int16_t max, bool validate) {
    struct command_feature feature = {kp_string_of(name), 0, max};
    struct metadata_view view = {.metadata = fixture->metadata};
    struct metadata_change change = {.validate_only = validate};
    struct kp_arena arena;
    make_registration(&change.command, 2, &feature);
    kp_arena_init(&arena, METADATA_COMMAND_ARENA);
    enum metadata_prepared prepared = metadata_leader_prepare(&view, &change, &arena,
                                                              &fixture->result);
    kp_arena_close(&arena);
    assert_true(prepared == (fixture->result.error == 0 ? PREPARED : PREPARED_REFUSED));
    return fixture->result.error;
}

static int register_broker(struct fixture *fixture, int32_t node, int16_t max) {
    return register_knowing(fixture, node, "spin", 1, max);
}

static int set(struct fixture *fixture, const char *name, int16_t level, int8_t change) {
    struct command_feature_level asked = {kp_string_of(name), level, change};
    struct metadata_command command;
    metadata_command_init(&command, COMMAND_SET_FEATURES);
    command.set_features.levels.items = &asked;
    command.set_features.levels.count = 1;
    if (!metadata_features_check(fixture->metadata, &command.set_features, &fixture->result))
        return fixture->result.error;
    return apply(fixture, &command);
}

/* What is agreed is what the last one knows; one that has not been heard, or is of before, holds it
 * up. */
static void test_features_agreed(void **state) {
    struct fixture *f = *state;
    assert_int_equal(metadata_feature_to_raise(f->metadata, "spin"), 0);
    assert_int_equal(register_broker(f, 1, 3), KAFKA_NONE);
    assert_int_equal(register_broker(f, 2, 2), KAFKA_NONE);
    assert_int_equal(metadata_feature_to_raise(f->metadata, "spin"), 0);
    assert_int_equal(set(f, "spin", 2, FEATURE_UPGRADE), KAFKA_INVALID_UPDATE_VERSION);
    assert_int_equal(register_broker(f, 3, -1), KAFKA_NONE);
    assert_int_equal(metadata_feature_to_raise(f->metadata, "spin"), 0);
    assert_int_equal(set(f, "spin", 2, FEATURE_UPGRADE), KAFKA_INVALID_UPDATE_VERSION);
    assert_int_equal(metadata_features_epoch(f->metadata), -1);
    assert_int_equal(register_broker(f, 3, 4), KAFKA_NONE); /* upgraded */
    assert_int_equal(metadata_feature_to_raise(f->metadata, "spin"), 2);
    assert_int_equal(metadata_feature_to_raise(f->metadata, "other"), 0);
    assert_int_equal(set(f, "spin", 2, FEATURE_UPGRADE), KAFKA_NONE);
    assert_int_equal(metadata_feature_level(f->metadata, "spin"), 2);
    assert_int_equal(metadata_features_epoch(f->metadata), f->index);
    assert_int_equal(register_broker(f, 2, 4), KAFKA_NONE);
    assert_int_equal(metadata_feature_to_raise(f->metadata, "spin"), 0); /* somebody has decided */
}

/* Up and down are asked for by their names; a level that was taken back stays where it is. */
static void test_features_change(void **state) {
    struct fixture *f = *state;
    for (int32_t node = 1; node <= 3; node++)
        assert_int_equal(register_broker(f, node, 3), KAFKA_NONE);
    assert_int_equal(set(f, "spin", 4, FEATURE_UPGRADE), KAFKA_INVALID_UPDATE_VERSION);
    assert_int_equal(set(f, "spin", 0, FEATURE_UPGRADE), KAFKA_INVALID_UPDATE_VERSION);
    assert_int_equal(set(f, "spin", -1, FEATURE_SAFE_DOWNGRADE), KAFKA_INVALID_UPDATE_VERSION);
    assert_int_equal(set(f, "nothing", 1, FEATURE_UPGRADE), KAFKA_INVALID_UPDATE_VERSION);
    assert_int_equal(set(f, "spin", 2, FEATURE_SAFE_DOWNGRADE), KAFKA_INVALID_UPDATE_VERSION);
    assert_int_equal(set(f, "spin", 2, 0), KAFKA_INVALID_UPDATE_VERSION);
    assert_int_equal(set(f, "spin", 2, 4), KAFKA_INVALID_UPDATE_VERSION);
    assert_int_equal(metadata_feature_count(f->metadata), 0);
    assert_int_equal(set(f, "spin", 3, FEATURE_UPGRADE), KAFKA_NONE);
    assert_int_equal(set(f, "spin", 3, FEATURE_UPGRADE), KAFKA_NONE);
    assert_int_equal(set(f, "spin", 1, FEATURE_UPGRADE), KAFKA_INVALID_UPDATE_VERSION);
    assert_int_equal(metadata_feature_level(f->metadata, "spin"), 3);
    int64_t epoch = metadata_features_epoch(f->metadata);
    assert_int_equal(set(f, "spin", 1, FEATURE_UNSAFE_DOWNGRADE), KAFKA_NONE);
    assert_int_equal(metadata_feature_level(f->metadata, "spin"), 1);
    assert_true(metadata_features_epoch(f->metadata) > epoch);
    assert_int_equal(metadata_feature_to_raise(f->metadata, "spin"), 0);
    assert_int_equal(metadata_feature_count(f->metadata), 1);
}

/* All of a command, or nothing of it. */
static void test_features_are_set_together(void **state) {
    struct fixture *f = *state;
    for (int32_t node = 1; node <= 3; node++)
        assert_int_equal(register_broker(f, node, 3), KAFKA_NONE);
    struct command_feature_level asked[] = {{kp_string_of("spin"), 2, FEATURE_UPGRADE},
                                            {kp_string_of("nothing"), 1, FEATURE_UPGRADE}};
    struct metadata_command command;
    metadata_command_init(&command, COMMAND_SET_FEATURES);
    command.set_features.levels.items = asked;
    command.set_features.levels.count = 2;
    assert_false(metadata_features_check(f->metadata, &command.set_features, &f->result));
    assert_int_equal(f->result.error, KAFKA_INVALID_UPDATE_VERSION);
    asked[1] = (struct command_feature_level){kp_string_of("spin"), 1, FEATURE_SAFE_DOWNGRADE};
    asked[0].change = FEATURE_SAFE_DOWNGRADE;
    assert_int_equal(apply(f, &command), KAFKA_INVALID_UPDATE_VERSION);
    assert_int_equal(metadata_feature_level(f->metadata, "spin"), 0);
    assert_int_equal(metadata_features_epoch(f->metadata), -1);
}

static int set_quota(struct fixture *f, double value) {
    struct command_quota quota = {.types = 1 << QUOTA_USER,
                                  .user = kp_string_of("u"),
                                  .client = KP_NULL_STRING,
                                  .ip = KP_NULL_STRING,
                                  .key = QUOTA_PRODUCED,
                                  .value = value};
    struct metadata_command command;
    metadata_command_init(&command, COMMAND_SET_QUOTAS);
    command.set_quotas.quotas.items = &quota;
    command.set_quotas.quotas.count = 1;
    return apply(f, &command);
}

/* As long as there are quotas their feature stays. */
static void test_features_quotas_go_first(void **state) {
    struct fixture *f = *state;
    for (int32_t node = 1; node <= 3; node++)
        assert_int_equal(register_knowing(f, node, FEATURE_QUOTA_VERSION, 0, 1), KAFKA_NONE);
    assert_int_equal(set(f, FEATURE_QUOTA_VERSION, 1, FEATURE_UPGRADE), KAFKA_NONE);
    assert_int_equal(set_quota(f, 1000), KAFKA_NONE);
    assert_int_equal(set(f, FEATURE_QUOTA_VERSION, 0, FEATURE_SAFE_DOWNGRADE),
                     KAFKA_INVALID_UPDATE_VERSION);
    assert_int_equal(set_quota(f, 0), KAFKA_NONE);
    assert_int_equal(set(f, FEATURE_QUOTA_VERSION, 0, FEATURE_SAFE_DOWNGRADE), KAFKA_NONE);
}

/* A table that was written by an older version lacks what others know of features: what the leader
 * has set is set there, too. */
static void test_features_of_an_older_table(void **state) {
    struct fixture *f = *state;
    struct command_feature_level asked = {kp_string_of("spin"), 2, FEATURE_UPGRADE};
    struct metadata_command command;
    for (int32_t node = 1; node <= 3; node++)
        assert_int_equal(register_broker(f, node, -1), KAFKA_NONE);
    metadata_command_init(&command, COMMAND_SET_FEATURES);
    command.set_features.levels.items = &asked;
    command.set_features.levels.count = 1;
    assert_false(metadata_features_check(f->metadata, &command.set_features, &f->result));
    assert_int_equal(apply(f, &command), KAFKA_NONE);
    assert_int_equal(metadata_feature_level(f->metadata, "spin"), 2);
}

/* Who does not know what is in use does not come in. */
static void test_features_of_who_registers(void **state) {
    struct fixture *f = *state;
    for (int32_t node = 1; node <= 3; node++)
        assert_int_equal(register_broker(f, node, 3), KAFKA_NONE);
    assert_int_equal(set(f, "spin", 2, FEATURE_UPGRADE), KAFKA_NONE);
    assert_int_equal(register_broker(f, 2, 1), KAFKA_UNSUPPORTED_VERSION);
    assert_int_equal(register_broker(f, 2, -1), KAFKA_UNSUPPORTED_VERSION);
    assert_int_equal(metadata_broker_of(f->metadata, 2)->features[0].max, 3);
    assert_true(metadata_broker_of(f->metadata, 2)->turned_away);
    assert_false(metadata_broker_of(f->metadata, 1)->turned_away);
    assert_int_equal(register_broker(f, 2, 2), KAFKA_NONE);
    assert_int_equal(metadata_broker_of(f->metadata, 2)->features[0].max, 2);
    assert_false(metadata_broker_of(f->metadata, 2)->turned_away);
}

static void raise_and_lower(struct fixture *f, const char *name, int16_t high, int16_t low) {
    for (int32_t node = 1; node <= 3; node++)
        assert_int_equal(register_knowing(f, node, name, 0, high), KAFKA_NONE);
    assert_int_equal(set(f, name, high, FEATURE_UPGRADE), KAFKA_NONE);
    assert_int_equal(set(f, name, low, FEATURE_SAFE_DOWNGRADE), KAFKA_NONE);
}

/* Who does not know what was written at a level that was lowered since does not come in, as often
 * as it is lowered. */
static void test_features_that_were_higher(void **state) {
    struct fixture *f = *state;
    raise_and_lower(f, FEATURE_SHARE_VERSION, 3, 0);
    assert_int_equal(ask_to_register(f, FEATURE_SHARE_VERSION, 2, false),
                     KAFKA_UNSUPPORTED_VERSION);
    assert_non_null(strstr(f->result.message, "share.version is at level 0, but was at 3"));
    assert_non_null(strstr(f->result.message, "broker 2 knows 0 to 2"));
    assert_int_equal(ask_to_register(f, FEATURE_SHARE_VERSION, -1, false),
                     KAFKA_UNSUPPORTED_VERSION);
    assert_int_equal(ask_to_register(f, FEATURE_SHARE_VERSION, 3, false), KAFKA_NONE);
    assert_int_equal(set(f, FEATURE_SHARE_VERSION, 2, FEATURE_UPGRADE), KAFKA_NONE);
    assert_int_equal(set(f, FEATURE_SHARE_VERSION, 1, FEATURE_UNSAFE_DOWNGRADE), KAFKA_NONE);
    assert_int_equal(ask_to_register(f, FEATURE_SHARE_VERSION, 2, false),
                     KAFKA_UNSUPPORTED_VERSION);
    /* A broker that just came up hears what there is, and may lead what it has. */
    assert_int_equal(ask_to_register(f, FEATURE_SHARE_VERSION, 2, true), KAFKA_NONE);
}

/* What is a command all tables take alike, those of versions that know no highest levels, too. */
static void test_features_tables_stay_equal(void **state) {
    struct fixture *f = *state;
    raise_and_lower(f, FEATURE_SHARE_VERSION, 3, 0);
    assert_int_equal(register_knowing(f, 2, FEATURE_SHARE_VERSION, 0, 2), KAFKA_NONE);
    assert_int_equal(metadata_broker_of(f->metadata, 2)->features[0].max, 2);
}

/* Where nothing is left in logs that are read later the lower level is all that counts. */
static void test_features_that_leave_nothing(void **state) {
    static const char *const names[] = {FEATURE_TRANSACTION_VERSION, FEATURE_SECURITY_VERSION,
                                        FEATURE_QUOTA_VERSION, "spin"};
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        metadata_features_put(f->metadata, kp_string_of(names[i]), 2);
        metadata_features_put(f->metadata, kp_string_of(names[i]), 0);
    }
    assert_int_equal(ask_to_register(f, "spin", 1, false), KAFKA_NONE);
    metadata_features_put(f->metadata, kp_string_of(FEATURE_DELAY_VERSION), 1);
    assert_int_equal(ask_to_register(f, FEATURE_DELAY_VERSION, 0, false),
                     KAFKA_UNSUPPORTED_VERSION);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_features_agreed),
        TEST(test_features_change),
        TEST(test_features_are_set_together),
        TEST(test_features_of_an_older_table),
        TEST(test_features_quotas_go_first),
        TEST(test_features_of_who_registers),
        TEST(test_features_that_were_higher),
        TEST(test_features_tables_stay_equal),
        TEST(test_features_that_leave_nothing),
    };
    return cmocka_run_group_tests_name("metadata_features", tests, NULL, NULL);
}
