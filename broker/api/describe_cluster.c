/* DescribeCluster (key 60): brokers that are alive (when asked also those that are fenced,
 * KIP-1073), cluster id, metadata leader. Who asks so goes on to ask each of them: one that has
 * just stopped is not among them. Failures: MISMATCHED_ENDPOINT_TYPE (controllers),
 * UNSUPPORTED_ENDPOINT_TYPE. */
#include "protocol/messages/describe_cluster.h"

#include "broker/api/authorized_operations.h"
#include "broker/api/handlers.h"
#include "broker/api/services.h"
#include "broker/cluster/cluster_record.h"
#include "broker/metadata/metadata_group.h"
#include "protocol/kafka_error.h"

enum { ENDPOINT_BROKERS = 1, ENDPOINT_CONTROLLERS = 2, ANSWER_MAX = 1 << 20 };

static void add_brokers(const struct broker_services *services, const struct request *request,
                        struct kp_arena *arena, struct kp_describe_cluster_response *response) {
    const struct kp_describe_cluster_request *asked = request->message;
    size_t all = metadata_broker_count(services->metadata);
    struct kp_describe_cluster_response_broker *items = kp_new_items(
        arena, &kp_describe_cluster_response_broker_schema, &response->brokers, (int32_t)all);
    int32_t count = 0;
    for (size_t i = 0; items != NULL && i < all; i++) {
        const struct metadata_broker *broker = metadata_broker_at(services->metadata, i);
        const struct metadata_endpoint *endpoint = metadata_endpoint_of(broker,
                                                                        request->ctx.listener);
        bool named = asked->include_fenced_brokers || !broker->fenced;
        if (endpoint == NULL || !named) continue;
        items[count].broker_id = broker->node;
        items[count].host = kp_string_of(endpoint->host);
        items[count].port = endpoint->port;
        items[count].rack = broker->rack[0] == '\0' ? KP_NULL_STRING : kp_string_of(broker->rack);
        items[count].is_fenced = broker->fenced;
        count++;
    }
    response->brokers.count = count;
}

void api_describe_cluster(void *service, struct request *request) {
    const struct broker_services *services = service;
    const struct kp_describe_cluster_request *asked = request->message;
    struct kp_describe_cluster_response response;
    struct kp_arena arena;
    kp_arena_init(&arena, ANSWER_MAX);
    kp_set_fallbacks(&kp_describe_cluster_response_schema, &response);
    response.error_message = KP_NULL_STRING;
    response.endpoint_type = asked->endpoint_type;
    response.cluster_id = kp_string_of(services->cluster->id);
    if (request->api_version > 0 && asked->endpoint_type != ENDPOINT_BROKERS) {
        response.error_code = asked->endpoint_type == ENDPOINT_CONTROLLERS
                                  ? KAFKA_MISMATCHED_ENDPOINT_TYPE
                                  : KAFKA_UNSUPPORTED_ENDPOINT_TYPE;
        response.error_message = kp_string_of(
            "drave has no controllers of their own; ask for the brokers (endpoint type 1)");
    } else {
        response.controller_id = metadata_group_leader(services->metadata_group);
        if (asked->include_cluster_authorized_operations)
            response.cluster_authorized_operations = authorized_operations(
                &request->ctx, AUTHORIZE_CLUSTER, "", 0);
        add_brokers(services, request, &arena, &response);
    }
    request_respond(request, &response);
    kp_arena_close(&arena);
}
