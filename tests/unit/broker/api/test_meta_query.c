/* The metadata tree as drave meets it. */
#include "protocol/kafka_error.h"
#include "protocol/messages/meta_query.h"
#include "tests/unit/broker/fixture_brokers.h"
#include "tests/unit/broker/fixture_cluster_asks.h"
#include "tests/unit/unit.h"

static struct kp_meta_query_response query(struct broker_node *node, const char *path) {
    struct kp_meta_query_request request;
    struct kp_meta_query_response response;
    kp_set_fallbacks(&kp_meta_query_request_schema, &request);
    request.path = kp_string_of(path);
    brokers_ask(node, KP_META_QUERY, 0, &request, &response);
    return response;
}

/* The tree: every place has a value, children, or both; other paths do not exist. */
static void test_meta_tree(void **state) {
    struct broker_node *node = start_one(
        state, (const char *const[]){"broker.rack=a \"quoted\" rack", NULL});
    assert_int_equal(brokers_create_topic(node, "zebra", 2, 1, NULL), 0);
    assert_int_equal(brokers_create_topic(node, "ant", 1, 1, NULL), 0);
    struct kp_meta_query_response response = query(node, "/");
    assert_int_equal(response.entries.count, 5);
    assert_int_equal(response.value.len, -1);
    response = query(node, "/brokers/ids");
    assert_int_equal(response.entries.count, 1);
    assert_true(kp_string_is(response.entries.items[0].name, "1"));
    assert_text(response.entries.items[0].value,
                "\"rack\":\"a \\\"quoted\\\" rack\",\"alive\":true,\"draining\":null");
    assert_text(query(node, "/brokers/ids/1").value,
                "\"listeners\":[{\"name\":\"PLAINTEXT\",\"host\":\"127.0.0.1\"");
    response = query(node, "/topics/");
    assert_int_equal(response.entries.count, 2);
    assert_true(kp_string_is(response.entries.items[0].name, "ant"));
    assert_text(query(node, "/topics/zebra").value, "\"name\":\"zebra\"");
    assert_int_equal(query(node, "/topics/zebra/partitions").entries.count, 2);
    assert_text(query(node, "/topics/zebra/partitions/1").value,
                "{\"partition\":1,\"leader\":1,\"leader_epoch\":");
    assert_text(query(node, "/controller").value, "{\"id\":1}");
    assert_text(query(node, "/disk").value, "{\"path\":\"");
    assert_text(query(node, "/disk").value, "\"trouble\":null}");
    assert_text(query(node, "/cluster").value, "\"brokers\":1,\"metadata_voters\":1");
    static const char *const wrong[] = {"/nowhere",
                                        "/brokers/ids/2",
                                        "/brokers/ids/1/2",
                                        "/brokers/id",
                                        "/topics/zebra/partitions/2",
                                        "/topics/zebra/partitions/01",
                                        "/topics/zebra/x",
                                        "/topics/none",
                                        "/cluster/x",
                                        "/topics/zebra/partitions/1/1",
                                        "/brokers/ids/99999999999"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        response = query(node, wrong[i]);
        assert_int_equal(response.error_code, KAFKA_RESOURCE_NOT_FOUND);
        assert_text(response.error_message, wrong[i]);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, brokers_setup, brokers_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_meta_tree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
