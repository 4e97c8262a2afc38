/*
 * What each broker says of itself (BrokerStatus), asked of all that are not fenced at once.
 *
 * Failures: a broker that does not answer has none; why is in its ask. What it tells is found by
 * the names of docs/metrics.md.
 */
#ifndef BROKER_CONSOLE_ASKING_STATUS_ASKS_H
#define BROKER_CONSOLE_ASKING_STATUS_ASKS_H

#include "broker/console/asking/inquiry.h"
#include "protocol/messages/broker_status.h"

struct status_asks {
    struct ask **asks; /* of each broker in inquiry->cluster; NULL: not asked */
};

/* From inside a step, once the cluster is known; the answers are there in the next. `metrics` are
 * `count` names. NULL: refused. */
struct status_asks *status_asks_begin(struct inquiry *inquiry, const char *const *metrics,
                                      size_t count, int32_t reasons_max, int32_t events_max,
                                      int64_t events_after);
/* NULL: it has not answered. */
const struct kp_broker_status_response *status_asks_of(const struct status_asks *asks, int32_t at);
/* NULL: it tells none. */
const struct kp_broker_status_response_metric *status_metric(
    const struct kp_broker_status_response *status, const char *name);

#endif
