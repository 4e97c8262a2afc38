/* Requests with very many elements: decoded off the loop, answered in steps, each element as if it
 * were alone. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/api_versions.h"
#include "protocol/messages/delete_topics.h"
#include "protocol/messages/describe_configs.h"
#include "protocol/messages/fetch.h"
#include "protocol/messages/metadata.h"
#include "tests/unit/broker/fixture_broker.h"
#include "tests/unit/unit.h"

enum { MANY = 20000 };

static char names[MANY][24];

static void make_names(void) {
    for (int i = 0; i < MANY; i++)
        snprintf(names[i], sizeof names[i], "topic-%05d", i);
}

/* Many names, one of which exists, are answered each and in their order; a topic asked for many
 * times once; and what is asked behind it is answered behind it. */
static void test_metadata_of_many(void **state) {
    struct one_broker *one = *state;
    one_broker_start(one);
    one_broker_create(one, "topic-00777", 3);
    make_names();
    struct kp_metadata_request request;
    kp_set_fallbacks(&kp_metadata_request_schema, &request);
    struct kp_metadata_request_topic *topics = mem_zalloc(MANY * sizeof *topics);
    for (int same = 0; same < 2; same++) {
        for (int i = 0; i < MANY; i++)
            topics[i].name = kp_string_of(names[same ? 777 : i]);
        request.topics.items = topics;
        request.topics.count = MANY;
        request.allow_auto_topic_creation = false;
        struct kp_api_versions_request versions;
        struct kp_api_versions_response versions_response;
        struct kp_metadata_response response;
        kp_set_fallbacks(&kp_api_versions_request_schema, &versions);
        int32_t first = one_broker_send(one, KP_METADATA, 9, &request);
        int32_t second = one_broker_send(one, KP_API_VERSIONS, 0, &versions);
        assert_true(one_broker_receive(one, KP_METADATA, 9, first, &response));
        assert_int_equal(response.topics.count, same ? 1 : MANY);
        for (int i = 0; i < response.topics.count; i++) {
            bool there = same || i == 777;
            const struct kp_metadata_response_topic *topic = &response.topics.items[i];
            assert_int_equal(topic->error_code, there ? 0 : KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
            assert_true(kp_string_is(topic->name, names[same ? 777 : i]));
            assert_int_equal(topic->partitions.count, there ? 3 : 0);
        }
        assert_true(one_broker_receive(one, KP_API_VERSIONS, 0, second, &versions_response));
    }
    mem_free(topics);
}

/* Of many missing topics the first few get a hint, and all an answer; one that is named again is
 * refused, once, wherever it stands. */
static void test_delete_many(void **state) {
    struct one_broker *one = *state;
    one_broker_start(one);
    one_broker_create(one, "topic-", 1);
    make_names();
    enum { COUNT = 8000 };
    struct kp_delete_topics_request request;
    struct kp_delete_topics_response response;
    kp_set_fallbacks(&kp_delete_topics_request_schema, &request);
    static struct kp_string asked[COUNT];
    for (int i = 0; i < COUNT; i++)
        asked[i] = (struct kp_string){names[i], i < 10 ? 7 + i % 4 : 11};
    asked[5] = kp_string_of("topik-");
    asked[COUNT - 1] = asked[1];
    request.topic_names.items = asked;
    request.topic_names.count = COUNT;
    request.timeout_ms = 10000;
    assert_true(one_broker_ask(one, KP_DELETE_TOPICS, 5, &request, &response));
    assert_in_range(response.responses.count, COUNT - 11,
                    COUNT - 1); /* the short names are the same, too */
    int hints = 0, twice = 0;
    for (int i = 0; i < response.responses.count; i++) {
        struct kp_string why = response.responses.items[i].error_message;
        twice += response.responses.items[i].error_code == KAFKA_INVALID_REQUEST;
        hints += memmem(why.data, (size_t)why.len, "did you mean", 12) != NULL;
    }
    assert_int_equal(response.responses.items[1].error_code, KAFKA_INVALID_REQUEST);
    assert_true(kp_string_equal(response.responses.items[1].name, asked[1]));
    assert_in_range(twice, 1, 6);
    assert_in_range(hints, 1, 3);
}

/* A resource that is asked for again and again is answered each time, with the settings that each
 * time were asked for. */
static void test_describe_configs_twice(void **state) {
    struct one_broker *one = *state;
    one_broker_start(one);
    one_broker_create(one, "t", 1);
    struct kp_describe_configs_request request;
    struct kp_describe_configs_response response;
    static struct kp_describe_configs_request_resource resources[MANY];
    kp_set_fallbacks(&kp_describe_configs_request_schema, &request);
    for (int i = 0; i < MANY; i++) {
        kp_set_fallbacks(&kp_describe_configs_request_resource_schema, &resources[i]);
        resources[i].resource_type = i % 2 ? 2 : 4;
        resources[i].resource_name = kp_string_of(i % 2 ? "t" : "1");
        resources[i].configuration_keys.count = -1;
    }
    struct kp_string names[] = {kp_string_of("flush.ms"), kp_string_of("preallocate")};
    resources[3].configuration_keys.items = names;
    resources[3].configuration_keys.count = 2;
    request.resources.items = resources;
    request.resources.count = 100;
    assert_true(one_broker_ask(one, KP_DESCRIBE_CONFIGS, 1, &request, &response));
    assert_int_equal(response.results.count, 100);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(response.results.items[i].error_code, 0);
        assert_int_equal(response.results.items[i].resource_type, i % 2 ? 2 : 4);
        assert_true(i == 3 ? response.results.items[i].configs.count == 2
                           : response.results.items[i].configs.count > 3);
    }
}

/* A partition that is named again is fetched once, from where it is named last, as in Kafka; a
 * topic of which nothing is left is not answered. */
static void test_fetch_twice(void **state) {
    struct one_broker *one = *state;
    one_broker_start(one);
    one_broker_create(one, "t", 2);
    struct kp_fetch_request request;
    struct kp_fetch_response response;
    struct kp_fetch_request_partition partitions[4];
    struct kp_fetch_request_topic topics[2];
    kp_set_fallbacks(&kp_fetch_request_schema, &request);
    for (int i = 0; i < 4; i++) {
        kp_set_fallbacks(&kp_fetch_request_partition_schema, &partitions[i]);
        partitions[i].partition = i == 1;
        partitions[i].fetch_offset = i == 3 ? 0 : 7; /* out of range but for the last */
        partitions[i].partition_max_bytes = 1000;
    }
    for (int i = 0; i < 2; i++) {
        kp_set_fallbacks(&kp_fetch_request_topic_schema, &topics[i]);
        topics[i].topic = kp_string_of("t");
        topics[i].partitions.items = partitions + (i == 0 ? 0 : 3);
        topics[i].partitions.count = i == 0 ? 3 : 1;
    }
    request.topics.items = topics;
    request.topics.count = 2;
    assert_true(one_broker_ask(one, KP_FETCH, 11, &request, &response));
    assert_int_equal(response.responses.count, 1);
    assert_int_equal(response.responses.items[0].partitions.count, 2);
    const struct kp_fetch_response_partition *out = response.responses.items[0].partitions.items;
    assert_int_equal(out[0].partition_index, 0);
    assert_int_equal(out[0].error_code, KAFKA_NONE);
    assert_int_equal(out[1].partition_index, 1);
    assert_int_equal(out[1].error_code, KAFKA_OFFSET_OUT_OF_RANGE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, one_broker_setup, one_broker_teardown)

/* A client chooses how long its fetches wait, but not how long others do: those who wait give way
 * when memory is wanted. */
static void test_waiting_fetches_give_way(void **state) {
    struct one_broker *one = *state;
    struct error_text why;
    enum { PARTITIONS = 300, FETCHES = 60 };
    assert_int_equal(settings_set(one->values, "queued.max.request.bytes", "400000", "test", &why),
                     ERR_NONE);
    one_broker_start(one);
    one_broker_create(one, "t", PARTITIONS);
    static struct kp_fetch_request_partition partitions[PARTITIONS];
    struct kp_fetch_request request;
    struct kp_fetch_request_topic topic;
    for (int i = 0; i < PARTITIONS; i++) {
        kp_set_fallbacks(&kp_fetch_request_partition_schema, &partitions[i]);
        partitions[i].partition = i;
        partitions[i].partition_max_bytes = 1000;
    }
    kp_set_fallbacks(&kp_fetch_request_topic_schema, &topic);
    topic = (struct kp_fetch_request_topic){.topic = kp_string_of("t"),
                                            .partitions = {partitions, PARTITIONS}};
    kp_set_fallbacks(&kp_fetch_request_schema, &request);
    request.topics.items = &topic;
    request.topics.count = 1;
    request.max_wait_ms = 3600 * 1000;
    request.min_bytes = 1;
    request.max_bytes = 1 << 20;
    for (int i = 0; i < FETCHES; i++)
        one_broker_send(one, KP_FETCH, 4, &request);
    int waiting = dup(one->client); /* stays open */
    one_broker_has_answer(one, 100);
    one_broker_dial_again(one);
    struct kp_api_versions_request versions;
    struct kp_api_versions_response response;
    kp_set_fallbacks(&kp_api_versions_request_schema, &versions);
    assert_true(one_broker_ask(one, KP_API_VERSIONS, 0, &versions, &response));
    assert_int_equal(response.error_code, KAFKA_NONE);
    close(waiting);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_metadata_of_many),
        TEST(test_delete_many),
        TEST(test_describe_configs_twice),
        TEST(test_fetch_twice),
        cmocka_unit_test_setup_teardown(test_waiting_fetches_give_way, one_broker_setup,
                                        one_broker_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
