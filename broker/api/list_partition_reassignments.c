/*
 * ListPartitionReassignments (key 46): the partitions whose replicas are being moved. KIP-455.
 * Replicas stay where they were placed, so none is under way; one that is asked for by name is left
 * out then, and so is one that does not exist.
 */
#include "protocol/messages/list_partition_reassignments.h"

#include "broker/api/handlers.h"
#include "protocol/kafka_error.h"

void api_list_partition_reassignments(void *service, struct request *request) {
    (void)service;
    struct kp_list_partition_reassignments_response response;
    kp_set_fallbacks(&kp_list_partition_reassignments_response_schema, &response);
    response.error_message = KP_NULL_STRING;
    if (!authorize(&request->ctx, AUTHORIZE_DESCRIBE, AUTHORIZE_CLUSTER, NULL, 0))
        response.error_code = KAFKA_CLUSTER_AUTHORIZATION_FAILED;
    request_respond(request, &response);
}
