/* One request for all of them. */
#include "broker/console/asking/status_asks.h"

struct status_asks *status_asks_begin(struct inquiry *inquiry, const char *const *metrics,
                                      size_t count, int32_t reasons_max, int32_t events_max,
                                      int64_t events_after) {
    int32_t brokers = inquiry->cluster->brokers.count;
    struct status_asks *asks = inquiry_alloc(inquiry, sizeof *asks);
    struct kp_broker_status_request *request = inquiry_alloc(inquiry, sizeof *request);
    struct kp_string *names = inquiry_alloc(inquiry, (count + 1) * sizeof *names);
    struct ask **list = inquiry_alloc(inquiry, ((size_t)brokers + 1) * sizeof(struct ask *));
    if (asks == NULL || request == NULL || names == NULL || list == NULL) return NULL;
    kp_set_fallbacks(&kp_broker_status_request_schema, request);
    for (size_t i = 0; i < count; i++)
        names[i] = kp_string_of(metrics[i]);
    request->metrics.items = names;
    request->metrics.count = (int32_t)count;
    request->reasons_max = reasons_max;
    request->events_max = events_max;
    request->events_after = events_after;
    asks->asks = list;
    for (int32_t i = 0; i < brokers; i++) {
        const struct kp_describe_cluster_response_broker *broker =
            &inquiry->cluster->brokers.items[i];
        if (!broker->is_fenced)
            list[i] = inquiry_ask(inquiry, broker->broker_id, KP_BROKER_STATUS, 0, 0, request,
                                  sizeof(struct kp_broker_status_response));
    }
    return asks;
}

const struct kp_broker_status_response *status_asks_of(const struct status_asks *asks, int32_t at) {
    const struct ask *ask = asks->asks[at];
    if (ask == NULL || ask->error != ERR_NONE) return NULL;
    const struct kp_broker_status_response *status = ask->response;
    return status->error_code == 0 ? status : NULL;
}

const struct kp_broker_status_response_metric *status_metric(
    const struct kp_broker_status_response *status, const char *name) {
    for (int32_t i = 0; i < status->metrics.count; i++)
        if (kp_string_is(status->metrics.items[i].name, name)) return &status->metrics.items[i];
    return NULL;
}
