/* DescribeTopicPartitions as a client meets it. tests/differences asks Apache Kafka the same. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/describe_topic_partitions.h"
#include "tests/unit/broker/fixture_brokers.h"
#include "tests/unit/broker/fixture_cluster_asks.h"
#include "tests/unit/unit.h"

enum { NAMES_MAX = 8, MANY = 2500, PAGE = 2000 };

/* Which page: of `names` (NULL ends; NULL: all topics), from a cursor on (topic NULL: none). */
struct page {
    const char *names[NAMES_MAX];
    int32_t limit;
    const char *topic;
    int32_t partition;
};

static struct kp_describe_topic_partitions_response ask(struct broker_node *node,
                                                        const struct page *page) {
    struct kp_describe_topic_partitions_request request;
    struct kp_describe_topic_partitions_request_topic topics[NAMES_MAX];
    struct kp_describe_topic_partitions_cursor cursor;
    struct kp_describe_topic_partitions_response response;
    kp_set_fallbacks(&kp_describe_topic_partitions_request_schema, &request);
    request.topics.items = topics;
    for (int32_t i = 0; page->names[i] != NULL; i++) {
        topics[i].name = kp_string_of(page->names[i]);
        request.topics.count = i + 1;
    }
    if (page->limit != 0) request.response_partition_limit = page->limit;
    if (page->topic != NULL) {
        cursor.topic_name = kp_string_of(page->topic);
        cursor.partition_index = page->partition;
        request.cursor = &cursor;
    }
    brokers_ask(node, KP_DESCRIBE_TOPIC_PARTITIONS, 0, &request, &response);
    return response;
}

/* "a:0,1,2 b:0 next b:1"; "!CODE" for errors */
static void assert_page(struct broker_node *node, struct page page, const char *expected) {
    struct kp_describe_topic_partitions_response response = ask(node, &page);
    char said[512] = "";
    size_t at = 0;
    for (int32_t t = 0; t < response.topics.count; t++) {
        const struct kp_describe_topic_partitions_response_topic *topic = &response.topics.items[t];
        at += (size_t)snprintf(said + at, sizeof said - at, "%s%.*s%s", t > 0 ? " " : "",
                               topic->name.len, topic->name.data,
                               topic->error_code == 0 ? ":" : "!");
        if (topic->error_code != 0)
            at += (size_t)snprintf(said + at, sizeof said - at, "%d", topic->error_code);
        for (int32_t p = 0; p < topic->partitions.count; p++)
            at += (size_t)snprintf(said + at, sizeof said - at, p > 0 ? ",%d" : "%d",
                                   topic->partitions.items[p].partition_index);
    }
    if (response.next_cursor != NULL)
        snprintf(said + at, sizeof said - at, " next %.*s:%d", response.next_cursor->topic_name.len,
                 response.next_cursor->topic_name.data, response.next_cursor->partition_index);
    assert_string_equal(said, expected);
}

/* Named or all, sorted, each once; a page ends within a topic or between two; a cursor begins where
 * the page before has ended. */
static void test_describe_topic_partitions_pages(void **state) {
    struct broker_node *node = start_one(state, NULL);
    assert_int_equal(brokers_create_topic(node, "b", 3, 1, NULL), 0);
    assert_int_equal(brokers_create_topic(node, "a", 2, 1, NULL), 0);
    assert_int_equal(brokers_create_topic(node, "c", 1, 1, NULL), 0);
    assert_page(node, (struct page){.limit = PAGE}, "a:0,1 b:0,1,2 c:0");
    assert_page(node, (struct page){.names = {"c", "a", "c"}}, "a:0,1 c:0");
    assert_page(node, (struct page){.limit = 4}, "a:0,1 b:0,1 next b:2");
    assert_page(node, (struct page){.limit = 4, .topic = "b", .partition = 2}, "b:2 c:0");
    assert_page(node, (struct page){.limit = 2}, "a:0,1 next b:0");
    assert_page(node, (struct page){.limit = -1}, "a:0 next a:1");
    assert_page(node, (struct page){.limit = INT32_MAX}, "a:0,1 b:0,1,2 c:0");
    assert_page(node, (struct page){.topic = "aa", .partition = 1}, "b:0,1,2 c:0");
    assert_page(node, (struct page){.topic = "b", .partition = INT32_MAX}, "b: c:0");
    assert_page(node, (struct page){.topic = "d"}, "");
    assert_page(node, (struct page){.names = {"b", "a"}, .topic = "b", .partition = 1}, "b:1,2");
}

/* What is not there has its error at its place; a cursor must be at a topic that is asked for. */
static void test_describe_topic_partitions_errors(void **state) {
    struct broker_node *node = start_one(state, NULL);
    assert_int_equal(brokers_create_topic(node, "b", 1, 1, NULL), 0);
    assert_page(node, (struct page){.names = {"none", "b", "a b"}}, "a b!17 b:0 none!3");
    assert_page(node, (struct page){.names = {"b", "none"}, .limit = 1}, "b:0 next none:0");
    assert_page(node, (struct page){.names = {"b"}, .topic = "a"}, "b!42");
    assert_page(node, (struct page){.names = {"b"}, .topic = "b", .partition = -1}, "b!42");
    assert_page(node, (struct page){.topic = "b", .partition = -1}, "");
}

/* A page has a limit of its own, however many names are asked for, and the cursor goes on. */
static void test_describe_topic_partitions_many_names(void **state) {
    struct broker_node *node = start_one(state, NULL);
    struct kp_describe_topic_partitions_request request;
    struct kp_describe_topic_partitions_response response;
    struct kp_describe_topic_partitions_request_topic *topics = mem_zalloc(MANY * sizeof *topics);
    char(*names)[16] = mem_zalloc(MANY * sizeof *names);
    kp_set_fallbacks(&kp_describe_topic_partitions_request_schema, &request);
    for (int i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof names[i], "n%05d", MANY - 1 - i);
        topics[i].name = kp_string_of(names[i]);
    }
    request.topics.items = topics;
    request.topics.count = MANY;
    brokers_ask(node, KP_DESCRIBE_TOPIC_PARTITIONS, 0, &request, &response);
    assert_int_equal(response.topics.count, PAGE);
    assert_true(kp_string_is(response.topics.items[0].name, "n00000"));
    assert_non_null(response.next_cursor);
    assert_true(kp_string_is(response.next_cursor->topic_name, "n02000"));
    request.cursor = response.next_cursor;
    brokers_ask(node, KP_DESCRIBE_TOPIC_PARTITIONS, 0, &request, &response);
    assert_int_equal(response.topics.count, MANY - PAGE);
    assert_true(kp_string_is(response.topics.items[MANY - PAGE - 1].name, "n02499"));
    assert_null(response.next_cursor);
    mem_free(topics);
    mem_free(names);
}

/* What is told of a topic and a partition is what Metadata tells. */
static void test_describe_topic_partitions_as_metadata(void **state) {
    struct broker_node *node = start_three(state);
    assert_int_equal(brokers_create_topic(node, "orders", 3, 3, NULL), 0);
    struct kp_metadata_response there = metadata(node, 12, "orders", false);
    struct kp_describe_topic_partitions_response response = ask(node,
                                                                &(struct page){.limit = PAGE});
    assert_int_equal(response.topics.count, 1);
    const struct kp_describe_topic_partitions_response_topic *topic = &response.topics.items[0];
    assert_true(kp_uuid_equal(topic->topic_id, there.topics.items[0].topic_id));
    assert_int_equal(topic->topic_authorized_operations, 0xdf8);
    assert_int_equal(topic->partitions.count, 3);
    for (int32_t p = 0; p < 3; p++) {
        const struct kp_describe_topic_partitions_response_partition *partition =
            &topic->partitions.items[p];
        const struct kp_metadata_response_partition *other =
            &there.topics.items[0].partitions.items[p];
        assert_int_equal(partition->error_code, 0);
        assert_int_equal(partition->leader_id, other->leader_id);
        assert_int_equal(partition->leader_epoch, other->leader_epoch);
        assert_int_equal(partition->replica_nodes.count, 3);
        assert_memory_equal(partition->replica_nodes.items, other->replica_nodes.items,
                            3 * sizeof(int32_t));
        assert_int_equal(partition->isr_nodes.count, other->isr_nodes.count);
        assert_int_equal(partition->offline_replicas.count, 0);
        assert_int_equal(partition->eligible_leader_replicas.count,
                         0); /* Java does not read null */
        assert_int_equal(partition->last_known_elr.count, 0);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, brokers_setup, brokers_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_describe_topic_partitions_pages),
        TEST(test_describe_topic_partitions_errors),
        TEST(test_describe_topic_partitions_many_names),
        TEST(test_describe_topic_partitions_as_metadata),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
