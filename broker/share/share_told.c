/* The state, the queue and the limits, side by side. */
#include "broker/share/share_told.h"

struct kp_partition_traffic_response_shared share_told(const struct share *share, uint64_t now_ms) {
    uint64_t ends_ms = share_queue_deadline(&share->queue);
    uint16_t deliveries;
    struct kp_partition_traffic_response_shared told = {
        .start_offset = share->state.start,
        .lag_records = share_lag(share),
        .acquired = (int64_t)share->queue.held,
        .acquired_most = (int64_t)share->limits.locks,
        .waiting = (int64_t)share->waiting,
        .retried = (int64_t)share_queue_retried(&share->queue, &deliveries),
        .deliveries_most = share->limits.deliveries,
        .lock_left_ms = ends_ms == UINT64_MAX ? -1
                        : ends_ms > now_ms    ? (int64_t)(ends_ms - now_ms)
                                              : 0};
    told.deliveries = deliveries;
    return told;
}
