/* See data_apis.h. */
#include "broker/data_apis.h"

#include "base/check.h"
#include "base/mem.h"
#include "protocol/api_table.h"
#include "protocol/kafka_error.h"

struct data_apis *data_apis_open(struct env *env, const struct broker_services *services, struct dispatch *dispatch) {
    struct data_apis *apis = mem_zalloc(sizeof *apis);
    apis->services = services;
    apis->deadlines = deadlines_new(env);
    dispatch_set(dispatch, KP_PRODUCE, api_produce, apis);
    dispatch_set(dispatch, KP_FETCH, api_fetch, apis);
    dispatch_set(dispatch, KP_LIST_OFFSETS, api_list_offsets, apis);
    dispatch_set(dispatch, KP_OFFSET_FOR_LEADER_EPOCH, api_offset_for_leader_epoch, apis);
    dispatch_set(dispatch, KP_FIND_COORDINATOR, api_find_coordinator, apis);
    dispatch_set(dispatch, KP_API_VERSIONS, api_api_versions, apis);
    return apis;
}

void data_apis_close(struct data_apis *apis) {
    if (apis == NULL) return;
    deadlines_free(apis->deadlines);
    mem_free(apis);
}

struct partition *data_apis_partition(const struct data_apis *apis, const struct request *request,
                                      enum authorize_operation operation, struct kp_string topic, int32_t index,
                                      int16_t *code) {
    const struct broker_services *services = apis->services;
    *code = KAFKA_NONE;
    size_t len = (size_t)topic.len; /* topic names are not nullable */
    if (!authorize(&request->ctx, operation, AUTHORIZE_TOPIC, topic.data, len)) {
        *code = KAFKA_TOPIC_AUTHORIZATION_FAILED;
        return NULL;
    }
    struct partition *partition = partition_set_find(services->partitions, topic.data, len, index);
    if (partition != NULL) return partition;
    const struct metadata_topic *known = metadata_topic_named(services->metadata, topic.data, len);
    bool elsewhere = known != NULL && metadata_partition_at(known, index) != NULL;
    *code = elsewhere ? KAFKA_NOT_LEADER_OR_FOLLOWER : KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
    return NULL;
}
