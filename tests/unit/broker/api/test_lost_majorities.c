/* What a broker says of replicas without a majority (LostMajorities), and to whom. */
#include <string.h>

#include "broker/access/acl_table.h"
#include "broker/api/services.h"
#include "broker/broker_internal.h"
#include "broker/metadata/metadata.h"
#include "broker/partition_set/partition_set.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/lost_majorities.h"
#include "raft-glue/raft_group.h"
#include "tests/unit/broker/fixture_broker.h"
#include "tests/unit/unit.h"

static int setup(void **state) {
    struct error_text why;
    assert_int_equal(one_broker_setup(state), 0);
    struct one_broker *one = *state;
    assert_int_equal(settings_set(one->values, "authorizer.class.name",
                                  "org.apache.kafka.metadata.authorizer.StandardAuthorizer", "test",
                                  &why),
                     ERR_NONE);
    assert_int_equal(settings_set(one->values, "super.users", "User:admin", "test", &why),
                     ERR_NONE);
    one_broker_start(one);
    return 0;
}

static void add_rule(struct one_broker *one, int resource, int operation, int permission,
                     const char *name) {
    struct acl_rule rule = {.resource = (int8_t)resource,
                            .pattern = ACL_LITERAL,
                            .operation = (int8_t)operation,
                            .permission = (int8_t)permission,
                            .name = kp_string_of(name),
                            .principal = kp_string_of("User:ANONYMOUS"),
                            .host = kp_string_of("127.0.0.1")};
    acl_table_add((struct acl_table *)metadata_rules(broker_services(one->broker)->metadata),
                  &rule);
}

static int32_t count_lost(struct one_broker *one, struct kp_lost_majorities_response *response) {
    struct kp_lost_majorities_request request;
    kp_set_fallbacks(&kp_lost_majorities_request_schema, &request);
    assert_true(one_broker_ask(one, KP_LOST_MAJORITIES, 0, &request, response));
    assert_int_equal(response->error_code, KAFKA_NONE);
    return response->groups.count;
}

/* A replica that has stopped knows nothing that could go on; who may not describe its topic hears
 * nothing of it. */
static void test_lost_majorities_of_stopped(void **state) {
    struct one_broker *one = *state;
    struct kp_lost_majorities_response response;
    add_rule(one, AUTHORIZE_TOPIC, AUTHORIZE_ALL, ACL_ALLOW, "*");
    add_rule(one, AUTHORIZE_CLUSTER, AUTHORIZE_ALL, ACL_ALLOW, ACL_CLUSTER_NAME);
    one_broker_create(one, "hidden", 2);
    one_broker_create(one, "shown", 1);
    assert_int_equal(count_lost(one, &response), 0);
    const struct broker_services *services = broker_services(one->broker);
    const struct metadata_topic *topic = NULL;
    while ((topic = metadata_next_topic(services->metadata, topic)) != NULL)
        for (int32_t p = 0; p < topic->partition_count; p++)
            raft_group_stop(partition_group(partition_set_find_group(services->partitions,
                                                                     topic->partitions[p].group)),
                            "the test wants it");
    assert_int_equal(count_lost(one, &response), 3);
    for (int32_t i = 0; i < 3; i++)
        assert_true(response.groups.items[i].closed);
    add_rule(one, AUTHORIZE_TOPIC, AUTHORIZE_DESCRIBE, ACL_DENY, "hidden");
    assert_int_equal(count_lost(one, &response), 1);
    assert_true(kp_string_is(response.groups.items[0].topic, "shown"));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(
        test_lost_majorities_of_stopped, setup, one_broker_teardown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
