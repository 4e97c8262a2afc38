/* One question about one partition; meta_quorum.h has the contract. */
#include "client/session/meta_quorum.h"

#include "protocol/kafka_error.h"

const struct kp_describe_quorum_response_partition *meta_quorum_ask(struct session *session,
                                                                    struct error_text *why) {
    struct kp_describe_quorum_request request;
    struct kp_describe_quorum_response *response = kp_arena_alloc(&session->arena,
                                                                  sizeof *response);
    kp_set_fallbacks(&kp_describe_quorum_request_schema, &request);
    struct kp_describe_quorum_request_topic *topic = kp_new_items(
        &session->arena, &kp_describe_quorum_request_topic_schema, &request.topics, 1);
    topic->topic_name = kp_string_of("__cluster_metadata");
    kp_new_items(&session->arena, &kp_describe_quorum_request_partition_schema, &topic->partitions,
                 1);
    int error = admin_request(session->admin, KP_DESCRIBE_QUORUM, 2, &request, &session->arena,
                              response, NULL, why);
    if (error != ERR_NONE) return NULL;
    bool has = response->topics.count == 1 && response->topics.items[0].partitions.count == 1;
    if (has && response->topics.items[0].partitions.items[0].error_code == KAFKA_NONE)
        return &response->topics.items[0].partitions.items[0];
    error_set(why, ERR_INVALID, "no broker leads the metadata at present; ask again");
    return NULL;
}
