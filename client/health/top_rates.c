/* What was counted between two looks. */
#include <math.h>
#include <stdio.h>

#include "client/health/top_views.h"

const struct kp_broker_status_response *top_before(const struct top *top, int32_t node) {
    const struct broker_seen *broker = top->has_before ? cluster_status_broker(&top->before, node)
                                                       : NULL;
    return broker ? broker->status : NULL;
}

/* In a second; NaN: it was not asked twice, or was started anew. */
double top_rate(const struct top *top, const struct broker_seen *broker, const char *metric,
                const char *label) {
    const struct kp_broker_status_response *before = top_before(top, broker->node);
    double delta = status_number(broker->status, metric, label) -
                   status_number(before, metric, label);
    return delta >= 0 && top->now_ms > top->before_ms
               ? delta * 1000 / (double)(top->now_ms - top->before_ms)
               : NAN;
}

const char *top_per_second(double value, char into[AMOUNT_ROOM]) {
    char amount[AMOUNT_ROOM];
    if (isnan(value)) {
        return "-";
    }
    snprintf(into, AMOUNT_ROOM, "%.20s/s", amount_bytes(value, amount));
    return into;
}
