/* What the consumer protocol (KIP-848) says about offsets: by epochs, KIP-1251. */
#include <string.h>

#include "broker/coordinator/consumer/consumer_group.h"
#include "broker/coordinator/serving/group_offsets.h"
#include "protocol/kafka_error.h"
#include "tests/unit/broker/coordinator/fixture_classic_client.h"
#include "tests/unit/unit.h"

static struct consumer_world world;
static struct consumer a, b;

/* "t" has four partitions; a has all of them, then a and b two each. */
static int setup(void **state) {
    (void)state;
    consumer_world_open(&world);
    consumer_world_topic(&world, "t", 4);
    consumer_init(&a, &world, "a", "t", NULL);
    consumer_init(&b, &world, "b", "t", NULL);
    assert_int_equal(consumer_beat(&a), 0);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    consumer_world_close(&world);
    return 0;
}

static struct group *row(void) {
    return consumer_world_group(&world)->row;
}

static int commit_of(const struct coordinator_transaction *of, const char *member, int32_t epoch,
                     int32_t partition, int version) {
    const struct metadata_topic *topic = metadata_topic_named(world.groups.metadata, "t", 1);
    struct offset_commit_entry entry = {.topic = kp_string_of("t"), .partition = partition};
    memcpy(entry.topic_id.bytes, topic->id, sizeof entry.topic_id.bytes);
    struct offset_commit asked = {.member_id = kp_string_of(member),
                                  .instance_id = KP_NULL_STRING,
                                  .generation = epoch,
                                  .version = (int16_t)version,
                                  .transaction = of,
                                  .entries = &entry,
                                  .count = 1};
    return group_offset_rules.commit(row(), &asked);
}

static int commit(const char *member, int32_t epoch, int32_t partition, int version) {
    return commit_of(NULL, member, epoch, partition, version);
}

static int commit_in_transaction(const char *member, int32_t epoch, int32_t partition) {
    static const struct coordinator_transaction transaction = {.producer_id = 5};
    return commit_of(&transaction, member, epoch, partition, 3);
}

static int fetch(const char *member, int32_t epoch) {
    struct offset_fetch asked = {
        .member_id = member == NULL ? KP_NULL_STRING : kp_string_of(member), .member_epoch = epoch};
    return group_offset_rules.fetch(row(), &asked);
}

/* A member commits in its epoch, with a version that knows such groups; nobody else does. */
static void test_consumer_commits_in_its_epoch(void **state) {
    (void)state;
    assert_int_equal(commit("a", a.epoch, 0, 9), 0);
    assert_int_equal(commit("a", a.epoch, 0, 8), KAFKA_UNSUPPORTED_VERSION);
    assert_int_equal(commit("a", a.epoch + 1, 0, 9), KAFKA_STALE_MEMBER_EPOCH);
    assert_int_equal(commit("nobody", a.epoch, 0, 9), KAFKA_UNKNOWN_MEMBER_ID);
    assert_int_equal(commit("", -1, 0, 9), KAFKA_UNKNOWN_MEMBER_ID);
}

/* Producers hear of generations, and old ones name nobody. In an older epoch a member commits what
 * it has had since then. */
static void test_consumer_commits_in_a_transaction(void **state) {
    (void)state;
    int32_t old = a.epoch;
    assert_int_equal(commit_in_transaction("a", old, 0), 0);
    assert_int_equal(commit_in_transaction("a", old + 1, 0), KAFKA_ILLEGAL_GENERATION);
    assert_int_equal(commit_in_transaction("nobody", old, 0), KAFKA_UNKNOWN_MEMBER_ID);
    assert_int_equal(commit_in_transaction("", -1, 0), 0);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(consumer_beat(&b), 0);
        assert_int_equal(consumer_beat(&a), 0);
    }
    assert_true(a.epoch > old);
    for (int32_t partition = 0; partition < 4; partition++) {
        bool is_of_a = consumer_has(&a, "t", partition);
        assert_int_equal(commit_in_transaction("a", old, partition),
                         is_of_a ? 0 : KAFKA_ILLEGAL_GENERATION);
    }
}

/* A member of the classic protocol in the group commits in its generation, with any version, and
 * hears of generations; what was committed stays when the group changes its protocol. */
static void test_classic_member_commits_in_its_generation(void **state) {
    (void)state;
    static struct classic_client old;
    classic_client_init(&old, &world, true, "t", NULL);
    for (int i = 0; i < 12; i++) {
        classic_client_step(&old);
        assert_int_equal(consumer_beat(&a), 0);
        consumer_world_pass(&world, 1000);
    }
    assert_int_equal(old.has_count, 2);
    for (int version = 2; version <= 10; version++)
        assert_int_equal(commit(old.id, old.generation, old.has[0].partition, version), 0);
    assert_int_equal(commit(old.id, old.generation + 1, 0, 8), KAFKA_ILLEGAL_GENERATION);
    assert_int_equal(commit(old.id, 0, old.has[0].partition, 8), KAFKA_ILLEGAL_GENERATION);
    assert_int_equal(commit(old.id, old.generation, 0, 9), 0);
    assert_int_equal(commit("", -1, 0, 9), KAFKA_UNKNOWN_MEMBER_ID);
    assert_int_equal(fetch(old.id, old.generation), 0);
    assert_int_equal(fetch(old.id, old.generation - 1), KAFKA_ILLEGAL_GENERATION);
    assert_int_equal(fetch("nobody", 0), KAFKA_UNKNOWN_MEMBER_ID);
    assert_int_equal(fetch(NULL, -1), 0);
}

/* In an older epoch it commits what it has had since then, and not what it got or gave later. */
static void test_consumer_commits_in_an_older_epoch(void **state) {
    (void)state;
    int32_t old = a.epoch;
    for (int i = 0; i < 4; i++) {
        assert_int_equal(consumer_beat(&b), 0);
        assert_int_equal(consumer_beat(&a), 0);
    }
    assert_int_equal(a.has_count, 2);
    assert_int_equal(b.has_count, 2);
    assert_true(a.epoch > old);
    for (int32_t partition = 0; partition < 4; partition++) {
        bool is_of_a = consumer_has(&a, "t", partition);
        assert_int_equal(commit("a", old, partition, 9), is_of_a ? 0 : KAFKA_STALE_MEMBER_EPOCH);
        assert_int_equal(commit("b", old, partition, 9), KAFKA_STALE_MEMBER_EPOCH);
        assert_int_equal(commit("b", b.epoch, partition, 9), 0);
    }
}

/* Whoever says who it is must be that; tools say nothing. */
static void test_consumer_fetches_in_its_epoch(void **state) {
    (void)state;
    assert_int_equal(fetch(NULL, -1), 0);
    assert_int_equal(fetch("a", a.epoch), 0);
    assert_int_equal(fetch("a", a.epoch - 1), KAFKA_STALE_MEMBER_EPOCH);
    assert_int_equal(fetch("a", a.epoch + 1), KAFKA_STALE_MEMBER_EPOCH);
    assert_int_equal(fetch("nobody", a.epoch), KAFKA_UNKNOWN_MEMBER_ID);
}

static bool is_read(const char *topic) {
    struct topic_set reads;
    topic_set_open(&reads, 1);
    group_offset_rules.reads(row(), &reads);
    bool has = topic_set_has(&reads, kp_string_of(topic));
    topic_set_close(&reads);
    return has;
}

/* What members read stays; an empty group may be set from outside, and counts its age from when it
 * became so. */
static void test_consumer_group_becomes_empty(void **state) {
    (void)state;
    struct offset_age age;
    assert_true(is_read("t"));
    assert_false(is_read("u"));
    assert_int_equal(group_offset_rules.remove(row()), 0);
    group_offset_rules.age(row(), &age);
    assert_false(age.empty);
    consumer_world_pass(&world, 10000);
    int64_t before_ms = env_wall_ms(world.groups.clock.env);
    assert_int_equal(consumer_beat_as(&a, CONSUMER_EPOCH_LEAVE, false), 0);
    assert_int_equal(commit("", -1, 0, 9), 0);
    assert_false(is_read("t"));
    group_offset_rules.age(row(), &age);
    assert_true(age.empty);
    assert_int_equal(age.rule, OFFSETS_AGE_BY_LATER_OF);
    assert_true(age.since_ms >= before_ms);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_consumer_commits_in_its_epoch, setup, teardown),
        cmocka_unit_test_setup_teardown(test_classic_member_commits_in_its_generation, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_consumer_commits_in_an_older_epoch, setup, teardown),
        cmocka_unit_test_setup_teardown(test_consumer_fetches_in_its_epoch, setup, teardown),
        cmocka_unit_test_setup_teardown(test_consumer_group_becomes_empty, setup, teardown),
        cmocka_unit_test_setup_teardown(test_consumer_commits_in_a_transaction, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
