/* DescribeLogDirs as a client meets it, on one whole broker. */
#include <string.h>

#include "base/mem.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/describe_log_dirs.h"
#include "tests/unit/broker/fixture_broker.h"
#include "tests/unit/broker/fixture_data_asks.h"
#include "tests/unit/unit.h"

enum { MANY = 100000, TRIES_MOST = 20000 };

/* `count` -1: all topics. The only directory. */
static const struct kp_describe_log_dirs_response_directory *ask_dirs(
    struct one_broker *one, int version, struct kp_describe_log_dirs_request_topic *topics,
    int32_t count) {
    static struct kp_describe_log_dirs_response response;
    struct kp_describe_log_dirs_request request;
    kp_set_fallbacks(&kp_describe_log_dirs_request_schema, &request);
    request.topics.items = topics;
    request.topics.count = count;
    assert_true(one_broker_ask(one, KP_DESCRIBE_LOG_DIRS, version, &request, &response));
    assert_int_equal(response.error_code, KAFKA_NONE);
    assert_int_equal(response.results.count, 1);
    const struct kp_describe_log_dirs_response_directory *directory = &response.results.items[0];
    assert_int_equal(directory->error_code, KAFKA_NONE);
    assert_true(kp_string_is(directory->log_dir, one->dir));
    return directory;
}

static struct kp_describe_log_dirs_request_topic asks(const char *name, int32_t *partitions,
                                                      int32_t count) {
    return (struct kp_describe_log_dirs_request_topic){.topic = kp_string_of(name),
                                                       .partitions = {partitions, count}};
}

static const struct kp_describe_log_dirs_response_topic *find_topic(
    const struct kp_describe_log_dirs_response_directory *directory) {
    for (int32_t i = 0; i < directory->topics.count; i++)
        if (kp_string_is(directory->topics.items[i].name, "t")) return &directory->topics.items[i];
    return NULL;
}

/* The topic "t", whose partitions are open here when this returns: that comes behind the answer to
 * who made it. */
static void make_topic(struct one_broker *one, int32_t partitions) {
    const struct kp_describe_log_dirs_response_topic *topic = NULL;
    one_broker_start(one);
    one_broker_create(one, "t", partitions);
    for (int tries = 0; topic == NULL || topic->partitions.count < partitions; tries++) {
        assert_in_range(tries, 0, TRIES_MOST);
        topic = find_topic(ask_dirs(one, 5, NULL, -1));
    }
}

/* All of it, in every version; the room on its disk from version 4 on. */
static void test_describe_log_dirs_all(void **state) {
    struct one_broker *one = *state;
    make_topic(one, 3);
    for (int version = 1; version <= 5; version++) {
        const struct kp_describe_log_dirs_response_directory *directory = ask_dirs(one, version,
                                                                                   NULL, -1);
        const struct kp_describe_log_dirs_response_topic *topic = find_topic(directory);
        assert_non_null(topic);
        assert_int_equal(topic->partitions.count, 3);
        for (int32_t p = 0; p < 3; p++) {
            assert_int_equal(topic->partitions.items[p].partition_index, p);
            assert_int_equal(topic->partitions.items[p].offset_lag, 0);
            assert_false(topic->partitions.items[p].is_future_key);
        }
        assert_true(version < 4 ? directory->total_bytes == -1
                                : directory->usable_bytes <= directory->total_bytes);
    }
}

static int64_t size_of(struct one_broker *one) {
    int32_t zero = 0;
    struct kp_describe_log_dirs_request_topic topic = asks("t", &zero, 1);
    return ask_dirs(one, 5, &topic, 1)->topics.items[0].partitions.items[0].partition_size;
}

/* What was acknowledged shows as bytes at once, and is the larger the more it is. */
static void test_describe_log_dirs_sizes(void **state) {
    struct one_broker *one = *state;
    make_topic(one, 1);
    assert_int_equal(produce_one(one, "t", 0, 1, 10).error_code, KAFKA_NONE);
    int64_t one_record = size_of(one);
    assert_true(one_record > 0);
    assert_int_equal(produce_one(one, "t", 0, 100, 1000).error_code, KAFKA_NONE);
    assert_true(size_of(one) > one_record);
}

/* What is named twice is told once; what is not here is left out; so is everything when nothing is
 * asked for. A request that names very much is answered, too. */
static void test_describe_log_dirs_named(void **state) {
    struct one_broker *one = *state;
    int32_t some[] = {1, 1, 7, -1}, other[] = {0, 1};
    struct kp_describe_log_dirs_request_topic topics[] = {
        asks("t", some, 4), asks("never-made", other, 2), asks("t", other, 2), asks("", other, 1)};
    make_topic(one, 3);
    const struct kp_describe_log_dirs_response_directory *directory = ask_dirs(one, 5, topics, 4);
    assert_int_equal(directory->topics.count, 1);
    assert_int_equal(directory->topics.items[0].partitions.count, 2);
    assert_int_equal(directory->topics.items[0].partitions.items[0].partition_index, 0);
    assert_int_equal(directory->topics.items[0].partitions.items[1].partition_index, 1);
    assert_int_equal(ask_dirs(one, 5, topics, 0)->topics.count, 0);
    int32_t *many = mem_zalloc(MANY * sizeof *many);
    for (int32_t i = 0; i < MANY; i++)
        many[i] = i;
    topics[0] = asks("t", many, MANY);
    directory = ask_dirs(one, 5, topics, 1);
    assert_int_equal(directory->topics.items[0].partitions.count, 3);
    mem_free(many);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, one_broker_setup, one_broker_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_describe_log_dirs_all),
        TEST(test_describe_log_dirs_sizes),
        TEST(test_describe_log_dirs_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
