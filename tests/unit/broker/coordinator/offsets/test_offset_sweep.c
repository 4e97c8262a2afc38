/* What a leader clears away: by age, with a clock that jumps, and with topics that are gone. */
#include "broker/coordinator/offsets/offset_sweep.h"

#include <string.h>

#include "base/error.h"
#include "broker/coordinator/offsets/offset_records.h"
#include "broker/metadata/metadata_commands.h"
#include "protocol/kafka_error.h"
#include "tests/sim/env/node.h"
#include "tests/unit/broker/coordinator/fixture_offsets.h"
#include "tests/unit/unit.h"

struct fixture {
    struct offsets_fixture offsets;
    struct metadata *metadata;
    uint64_t index;
    struct producer_ids_ask *question; /* that waits for its answer */
};
static struct fixture f;

static void ask(void *arg, struct producer_ids_ask *question) {
    (void)arg;
    assert_null(f.question);
    f.question = question;
}

static void ask_cancel(void *arg, struct producer_ids_ask *question) {
    (void)arg;
    assert_ptr_equal(f.question, question);
    f.question = NULL;
}

static int setup(void **state) {
    *state = memset(&f, 0, sizeof f);
    offsets_open(&f.offsets);
    f.metadata = metadata_new(3, 42);
    struct offset_sweep_options options = {.table = &f.offsets.live.table,
                                           .store = f.offsets.live.store,
                                           .rules = &f.offsets.rules,
                                           .metadata = f.metadata,
                                           .ask = ask,
                                           .ask_cancel = ask_cancel};
    f.offsets.live.sweep = offset_sweep_new(&options);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    offsets_turns(&f.offsets);
    offsets_check_replay(&f.offsets);
    if (f.offsets.log.leading) fake_log_lose(&f.offsets.log, false);
    assert_null(f.question);
    offset_sweep_free(f.offsets.live.sweep);
    f.offsets.live.sweep = NULL;
    offsets_close(&f.offsets);
    metadata_free(f.metadata);
    return 0;
}

/* ---- Helpers ---- */

static struct kp_uuid id_of(uint8_t first) {
    return (struct kp_uuid){{first, 1}};
}

static void command(const struct metadata_command *made) {
    struct slice bytes;
    struct metadata_result result;
    assert_int_equal(metadata_command_encode(made, &bytes), ERR_NONE);
    assert_int_equal(metadata_apply(f.metadata, ++f.index, bytes.data, bytes.len, &result),
                     ERR_NONE);
    assert_int_equal(result.error, 0);
    slice_unref(&bytes);
}

static void create_topic(const char *name, uint8_t id) {
    static bool registered;
    if (f.index == 0) registered = false;
    struct metadata_command made;
    if (!registered) {
        struct command_endpoint endpoint = {kp_string_of("PLAINTEXT"), kp_string_of("a"), 1};
        metadata_command_init(&made, COMMAND_REGISTER_BROKER);
        made.register_broker.node = 1;
        made.register_broker.directory = id_of(99);
        made.register_broker.rack = kp_string_of("");
        made.register_broker.endpoints.items = &endpoint;
        made.register_broker.endpoints.count = 1;
        command(&made);
        registered = true;
    }
    int32_t node = 1;
    struct command_partition partition = {.nodes = {&node, 1}};
    metadata_command_init(&made, COMMAND_CREATE_TOPIC);
    made.create_topic.name = kp_string_of(name);
    made.create_topic.id = id_of(id);
    made.create_topic.partitions.items = &partition;
    made.create_topic.partitions.count = 1;
    command(&made);
}

static void delete_topic(const char *name, uint8_t id, bool told) {
    struct metadata_command made;
    metadata_command_init(&made, COMMAND_DELETE_TOPIC);
    made.delete_topic.id = id_of(id);
    command(&made);
    if (told) offset_sweep_topic_gone(f.offsets.live.sweep, name, id_of(id).bytes);
}

/* `topic_id` 0: none. The commit is `age_ms` old. */
static void put(const char *group, const char *topic, uint8_t topic_id, int64_t age_ms,
                int64_t expires_in_ms) {
    int64_t now_ms = env_wall_ms(f.offsets.clock.env);
    struct committed_offset offset = {.offset = 7,
                                      .partition = topic_id,
                                      .commit_time_ms = now_ms - age_ms,
                                      .expire_time_ms = expires_in_ms == 0 ? -1
                                                                           : now_ms + expires_in_ms,
                                      .leader_epoch = -1};
    if (topic_id != 0) offset.topic_id = id_of(topic_id);
    offsets_put(&f.offsets, group, topic, &offset);
}

enum { PRODUCER = 7 };

/* The same in the transaction of a producer. */
static void put_in(const char *group, const char *topic, uint8_t topic_id, int64_t age_ms) {
    struct group_batch batch;
    struct committed_offset offset = {.offset = 8,
                                      .partition = topic_id,
                                      .commit_time_ms = env_wall_ms(f.offsets.clock.env) - age_ms,
                                      .expire_time_ms = -1,
                                      .topic_id = id_of(topic_id),
                                      .leader_epoch = -1};
    group_batch_open(&batch);
    offset_record_put(&batch, kp_string_of(group), kp_string_of(topic), &offset);
    fake_log_apply_in(&f.offsets.log, PRODUCER, batch.records, batch.count);
    group_batch_close(&batch);
}

static bool is_there(const char *group, const char *topic, uint8_t topic_id) {
    return offsets_get(&f.offsets, group, topic, topic_id) >= 0;
}

/* Time passes, and what is written meanwhile commits; returns how many batches. */
static size_t pass(uint64_t ms) {
    size_t written = 0;
    for (uint64_t step = 0; step <= 20; step++) {
        group_clock_pass(&f.offsets.clock, ms / 20);
        offsets_turns(&f.offsets);
        written += fake_log_commit_all(&f.offsets.log);
    }
    return written;
}

static void answer(bool known) {
    struct producer_ids_ask *question = f.question;
    assert_non_null(question);
    f.question = NULL;
    question->done(question, known);
}

static void lead(void) {
    fake_log_lead(&f.offsets.log);
    offsets_turns(&f.offsets);
    answer(true);
    pass(0);
}

static void rule(int which, int64_t since_ago_ms, bool empty) {
    f.offsets.age.rule = (unsigned)which;
    f.offsets.age.since_ms = env_wall_ms(f.offsets.clock.env) - since_ago_ms;
    f.offsets.age.empty = empty;
}

/* ---- Age: each row of the table of KIP-211 ---- */

enum { RETENTION_MS = 60000, SHORT_OF_MS = 40000 };

static void test_offset_sweep_by_commit(void **state) {
    (void)state;
    create_topic("t", 1);
    create_topic("u", 2);
    put("g", "t", 1, SHORT_OF_MS, 0);
    put("g", "u", 2, 0, 0);
    rule(OFFSETS_AGE_BY_COMMIT, 0, true);
    lead();
    assert_int_equal(pass(10000), 0);
    pass(15000);
    assert_false(is_there("g", "t", 1));
    assert_true(is_there("g", "u", 2));
    pass(RETENTION_MS);
    assert_false(is_there("g", "u", 2));
    assert_int_equal(group_count(&f.offsets.live.table), 0);
}

/* What members read stays, however old; they are looked at once for all offsets of a group. */
static void test_offset_sweep_of_subscribed_topics(void **state) {
    (void)state;
    create_topic("t", 1);
    create_topic("u", 2);
    put("g", "t", 1, 10 * RETENTION_MS, 0);
    for (int p = 0; p < 40; p++)
        put("g", "u", p, 10 * RETENTION_MS, 0);
    rule(OFFSETS_AGE_BY_COMMIT, 0, false);
    f.offsets.subscribed = "u";
    lead();
    pass(3000);
    assert_false(is_there("g", "t", 1));
    assert_true(is_there("g", "u", 2));
    assert_in_range(f.offsets.reads_asked, 1, 12);
}

/* A group that has been empty for less than the retention keeps what is older. */
static void test_offset_sweep_since_empty(void **state) {
    (void)state;
    create_topic("t", 1);
    put("g", "t", 1, 10 * RETENTION_MS, 0);
    rule(OFFSETS_AGE_SINCE, SHORT_OF_MS, true);
    lead();
    assert_int_equal(pass(10000), 0);
    assert_true(is_there("g", "t", 1));
    pass(15000);
    assert_false(is_there("g", "t", 1));
}

static void test_offset_sweep_by_the_later_of_two(void **state) {
    (void)state;
    create_topic("t", 1);
    create_topic("u", 2);
    put("g", "t", 1, 10 * RETENTION_MS, 0);
    put("g", "u", 2, 0, 0);
    rule(OFFSETS_AGE_BY_LATER_OF, SHORT_OF_MS, false);
    lead();
    assert_int_equal(pass(10000), 0);
    pass(15000);
    assert_false(is_there("g", "t", 1));
    assert_true(is_there("g", "u", 2));
}

/* What a transaction has committed and not ended keeps the offset, and the group; then both have
 * the age of that. */
static void test_offset_sweep_of_pending(void **state) {
    (void)state;
    create_topic("t", 1);
    put("g", "t", 1, 10 * RETENTION_MS, 0);
    put_in("g", "t", 1, 0);
    put_in("h", "t", 1, 10 * RETENTION_MS);
    rule(OFFSETS_AGE_BY_COMMIT, 0, true);
    lead();
    assert_int_equal(pass(20000), 0);
    assert_true(is_there("g", "t", 1));
    fake_log_end(&f.offsets.log, PRODUCER, true);
    pass(20000);
    assert_true(is_there("g", "t", 1));
    assert_false(is_there("h", "t", 1));
    assert_int_equal(group_count(&f.offsets.live.table), 1);
    pass(RETENTION_MS);
    assert_int_equal(group_count(&f.offsets.live.table), 0);
}

static bool is_pending(const char *group, const char *topic, int32_t partition) {
    const struct group *row = group_find(&f.offsets.live.table, kp_string_of(group));
    return row != NULL && pending_offsets_find(row, kp_string_of(topic), partition) != NULL;
}

/* With a topic goes what is pending for it, and not what is pending for its successor; told of, or
 * found by the comparison. */
static void test_offset_sweep_of_pending_for_gone_topics(void **state) {
    (void)state;
    for (int told = 0; told < 2; told++) {
        create_topic("t", 1);
        put_in("g", "t", 1, 0);
        if (told == 1) lead();
        delete_topic("t", 1, told == 1);
        create_topic("t", 2);
        put_in("h", "t", 2, 0);
        if (told == 0) lead();
        pass(1000);
        assert_false(is_pending("g", "t", 1));
        assert_true(is_pending("h", "t", 2));
        fake_log_end(&f.offsets.log, PRODUCER, true);
        assert_true(is_there("h", "t", 2));
        fake_log_lose(&f.offsets.log, false);
        delete_topic("t", 2, false);
    }
    fake_log_lead(&f.offsets.log);
}

/* A rebalance, or members whose subscription nobody can read: nothing goes. */
static void test_offset_sweep_of_offsets_that_stay(void **state) {
    (void)state;
    create_topic("t", 1);
    put("g", "t", 1, 10 * RETENTION_MS, 1);
    rule(OFFSETS_STAY, 0, false);
    lead();
    assert_int_equal(pass(20000), 0);
    assert_true(is_there("g", "t", 1));
}

/* An expiry of its own (OffsetCommit 2 to 4) counts alone. */
static void test_offset_sweep_of_own_expiry(void **state) {
    (void)state;
    create_topic("t", 1);
    create_topic("u", 2);
    put("g", "t", 1, 10 * RETENTION_MS, 10 * RETENTION_MS);
    put("g", "u", 2, 0, 5000);
    rule(OFFSETS_AGE_BY_COMMIT, 0, true);
    lead();
    pass(2500);
    assert_true(is_there("g", "u", 2));
    pass(5000);
    assert_true(is_there("g", "t", 1));
    assert_false(is_there("g", "u", 2));
}

/* A clock that is set a week ahead makes nothing a week older. */
static void test_offset_sweep_when_the_clock_jumps(void **state) {
    (void)state;
    create_topic("t", 1);
    put("g", "t", 1, 0, 0);
    rule(OFFSETS_AGE_BY_COMMIT, 0, true);
    lead();
    node_jump_wall_clock(f.offsets.clock.node, 100LL * RETENTION_MS);
    assert_int_equal(pass(SHORT_OF_MS), 0);
    assert_true(is_there("g", "t", 1));
    pass(RETENTION_MS);
    assert_false(is_there("g", "t", 1));
}

/* The group goes with the last of its offsets, in the same batch; one without offsets at once; one
 * with members, never. */
static void test_offset_sweep_removes_groups(void **state) {
    (void)state;
    const struct coordinator_record *records;
    create_topic("t", 1);
    put("g", "t", 1, 10 * RETENTION_MS, 0);
    rule(OFFSETS_AGE_BY_COMMIT, 0, true);
    lead();
    assert_int_equal(pass(1500), 1);
    assert_int_equal(fake_log_newest(&f.offsets.log, &records), 2);
    assert_int_equal(records[0].key[1], KP_RECORD_OFFSET);
    assert_int_equal(records[1].key[1], KP_RECORD_CLASSIC_GROUP);
    assert_true(records[0].tombstone && records[1].tombstone);
    put("g", "t", 1, 10 * RETENTION_MS, 0);
    f.offsets.age.empty = false;
    assert_int_equal(pass(1500), 1);
    assert_int_equal(fake_log_newest(&f.offsets.log, &records), 1);
}

/* One that never committed, and is empty. */
static void test_offset_sweep_removes_group_without_offsets(void **state) {
    (void)state;
    const struct coordinator_record *records;
    struct group *group = group_make(&f.offsets.live.table, kp_string_of("g"));
    group->classic = (struct classic_group *)&f; /* something, so that the row stays */
    rule(OFFSETS_AGE_SINCE, 0, false);
    lead();
    assert_int_equal(pass(1500), 0);
    f.offsets.age.empty = true;
    assert_in_range(pass(1500), 1, 2);
    assert_int_equal(fake_log_newest(&f.offsets.log, &records), 1);
    assert_int_equal(records[0].key[1], KP_RECORD_CLASSIC_GROUP);
    group->classic = NULL;
    group_settle(group);
}

/* More than one batch can hold. */
static void test_offset_sweep_of_many(void **state) {
    (void)state;
    enum { MANY = 2500 };
    create_topic("t", 1);
    for (int32_t i = 0; i < MANY; i++) {
        struct committed_offset offset = {
            .partition = i, .topic_id = id_of(1), .expire_time_ms = -1};
        offsets_put(&f.offsets, i % 5 == 0 ? "other" : "g", "t", &offset);
    }
    rule(OFFSETS_AGE_BY_COMMIT, 0, true);
    lead();
    assert_int_equal(pass(1500), 3); /* 2000 in two, 500 in one */
    assert_int_equal(offset_store_count(f.offsets.live.store), 0);
}

/* What cannot be written is tried again. */
static void test_offset_sweep_is_not_written(void **state) {
    (void)state;
    create_topic("t", 1);
    put("g", "t", 1, 10 * RETENTION_MS, 0);
    rule(OFFSETS_AGE_BY_COMMIT, 0, true);
    f.offsets.settings.offsets_check_interval_ms = 1000000;
    lead();
    fake_log_refuse(&f.offsets.log, KAFKA_COORDINATOR_NOT_AVAILABLE);
    pass(1000000);
    pass(20000);
    assert_false(is_there("g", "t", 1));
}

/* ---- Topics that are gone ---- */

static void test_offset_sweep_topic_gone(void **state) {
    (void)state;
    create_topic("t", 1);
    create_topic("u", 2);
    lead();
    put("g", "t", 1, 0, 0);
    put("g", "u", 2, 0, 0);
    put("h", "t", 1, 0, 0);
    put("h", "t", 0, 0, 0); /* without an id */
    delete_topic("t", 1, true);
    create_topic("t", 3);
    put("h", "t", 3, 0, 0); /* of the new one */
    pass(0);
    assert_false(is_there("g", "t", 1));
    assert_true(is_there("g", "u", 2));
    assert_false(is_there("h", "t", 1));
    assert_false(is_there("h", "t", 0));
    assert_true(is_there("h", "t", 3));
}

/* When it could not be written, it is found by a comparison. */
static void test_offset_sweep_topic_gone_is_not_written(void **state) {
    (void)state;
    create_topic("t", 1);
    put("g", "t", 1, 0, 0);
    lead();
    delete_topic("t", 1, true);
    fake_log_refuse(&f.offsets.log, KAFKA_COORDINATOR_NOT_AVAILABLE);
    assert_int_equal(pass(0), 1);
    assert_true(is_there("g", "t", 1));
    assert_int_equal(pass(6000), 1);
    assert_false(is_there("g", "t", 1));
}

/* A new leader compares once, for a topic may have gone while nobody led; but not before it knows
 * that its metadata does not lag behind. */
static void test_offset_sweep_compares_once(void **state) {
    (void)state;
    create_topic("t", 1);
    put("g", "t", 1, 0, 0);
    put("g", "u", 2, 0, 0); /* which this broker has not heard of yet */
    put("g", "gone", 4, 0, 0);
    put("g", "gone", 0, 0, 0);
    fake_log_lead(&f.offsets.log);
    assert_int_equal(pass(1000), 0);
    answer(false); /* nobody could be asked */
    assert_int_equal(pass(6000), 0);
    create_topic("u", 2);
    answer(true);
    assert_int_equal(pass(0), 1);
    assert_true(is_there("g", "t", 1));
    assert_true(is_there("g", "u", 2));
    assert_false(is_there("g", "gone", 4));
    assert_false(is_there("g", "gone", 0));
    delete_topic("u", 2, false);
    assert_int_equal(pass(20000), 0);
}

/* The lead is lost in the middle: nothing more is done, and the next leader does it. */
static void test_offset_sweep_lost(void **state) {
    (void)state;
    create_topic("t", 1);
    put("g", "t", 1, 0, 0);
    put("h", "t", 1, 0, 0);
    lead();
    delete_topic("t", 1, true);
    offsets_turns(&f.offsets);
    assert_int_equal(f.offsets.log.waiting_count, 1);
    fake_log_lose(&f.offsets.log, false);
    assert_int_equal(pass(20000), 0);
    assert_true(is_there("g", "t", 1));
    lead();
    assert_false(is_there("g", "t", 1));
    assert_false(is_there("h", "t", 1));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_offset_sweep_by_commit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_offset_sweep_of_subscribed_topics, setup, teardown),
        cmocka_unit_test_setup_teardown(test_offset_sweep_since_empty, setup, teardown),
        cmocka_unit_test_setup_teardown(test_offset_sweep_by_the_later_of_two, setup, teardown),
        cmocka_unit_test_setup_teardown(test_offset_sweep_of_offsets_that_stay, setup, teardown),
        cmocka_unit_test_setup_teardown(test_offset_sweep_of_own_expiry, setup, teardown),
        cmocka_unit_test_setup_teardown(test_offset_sweep_when_the_clock_jumps, setup, teardown),
        cmocka_unit_test_setup_teardown(test_offset_sweep_removes_groups, setup, teardown),
        cmocka_unit_test_setup_teardown(test_offset_sweep_removes_group_without_offsets, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_offset_sweep_topic_gone_is_not_written, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_offset_sweep_of_many, setup, teardown),
        cmocka_unit_test_setup_teardown(test_offset_sweep_is_not_written, setup, teardown),
        cmocka_unit_test_setup_teardown(test_offset_sweep_topic_gone, setup, teardown),
        cmocka_unit_test_setup_teardown(test_offset_sweep_compares_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_offset_sweep_lost, setup, teardown),
        cmocka_unit_test_setup_teardown(test_offset_sweep_of_pending, setup, teardown),
        cmocka_unit_test_setup_teardown(test_offset_sweep_of_pending_for_gone_topics, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
