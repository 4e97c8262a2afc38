/* The brokers, and what is asked of them. */
#include "tests/unit/broker/fixture_cluster_asks.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/unit.h"

struct broker_node *start_one(void **state, const char *const *pairs) {
    struct brokers *brokers = *state;
    brokers_start(brokers, 1, pairs);
    return &brokers->nodes[0];
}

struct broker_node *start_three(void **state) {
    struct brokers *brokers = *state;
    brokers_start(brokers, 3, NULL);
    return &brokers->nodes[0];
}

void assert_text(struct kp_string string, const char *part) {
    char text[512];
    snprintf(text, sizeof text, "%.*s", string.len < 0 ? 0 : string.len, string.data);
    if (strstr(text, part) == NULL) fail_msg("\"%s\" is not in: %s", part, text);
}

struct kp_metadata_response metadata(struct broker_node *node, int version, const char *name,
                                     bool create) {
    struct kp_metadata_request request;
    struct kp_metadata_request_topic topic;
    struct kp_metadata_response response;
    kp_set_fallbacks(&kp_metadata_request_schema, &request);
    kp_set_fallbacks(&kp_metadata_request_topic_schema, &topic);
    topic.name = kp_string_of(name);
    request.topics.items = &topic;
    request.topics.count = name != NULL ? 1 : version == 0 ? 0 : -1;
    request.allow_auto_topic_creation = create;
    brokers_ask(node, KP_METADATA, version, &request, &response);
    return response;
}

struct kp_create_partitions_response grow(struct broker_node *node, int version, const char *name,
                                          int32_t count, int assignments) {
    static int32_t one = 1;
    struct kp_create_partitions_request_assignment rows[] = {{{&one, 1}}, {{&one, 1}}};
    struct kp_create_partitions_request_topic topic;
    struct kp_create_partitions_request request;
    struct kp_create_partitions_response response;
    kp_set_fallbacks(&kp_create_partitions_request_topic_schema, &topic);
    kp_set_fallbacks(&kp_create_partitions_request_schema, &request);
    topic.name = kp_string_of(name);
    topic.count = count;
    topic.assignments.items = rows;
    topic.assignments.count = assignments;
    request.topics.items = &topic;
    request.topics.count = 1;
    request.timeout_ms = 5000;
    brokers_ask(node, KP_CREATE_PARTITIONS, version, &request, &response);
    return response;
}
