/* Who waits for records of a share, or for room for them: in which order, and what their parts are.
 */
#include <utlist.h>

#include "broker/share/shares_internal.h"

static void wake_below(struct share *share, uint64_t least) {
    struct share_waiter *waiter;
    DL_FOREACH(share->waiters, waiter) {
        if (waiter->called || waiter->least >= least) continue;
        waiter->called = true;
        waiter->available(waiter);
    }
}

void share_wake(struct share *share) {
    wake_below(share, UINT64_MAX);
}

void share_give_back(struct share *share, const struct offset_ranges *given, uint64_t holder,
                     uint64_t least) {
    share_queue_take_back(&share->queue, given, holder);
    wake_below(share, least);
}

uint64_t share_part(const struct share *share, const struct share_waiter *waiter, kafka_offset end,
                    bool others, uint64_t most) {
    const struct share_limits *limits = &share->limits;
    uint64_t wanting = share->waiting + (waiter->share != share);
    if (others && share->queue.held < limits->locks) {
        uint64_t half = (limits->locks - share->queue.held + 1) / 2;
        if (most > half) most = half;
    }
    if (wanting > 1) {
        uint64_t ready = share_queue_ready(&share->queue, limits, end);
        uint64_t part = (ready + wanting - 1) / wanting;
        if (most > part) most = part;
    }
    return most;
}

bool share_parts_may_join(const struct share *share, const struct share_waiter *waiter) {
    const struct share_waiter *other;
    DL_FOREACH(share->waiters, other) {
        if (other->least < waiter->least) return false;
    }
    return share->waiting > (waiter->share == share);
}

void share_wait(struct share *share, struct share_waiter *waiter) {
    waiter->called = false;
    if (waiter->share == share) return;
    share_wait_cancel(waiter);
    waiter->share = share;
    DL_APPEND(share->waiters, waiter);
    share->waiting++;
}

void share_wait_cancel(struct share_waiter *waiter) {
    if (waiter->share == NULL) return;
    DL_DELETE(waiter->share->waiters, waiter);
    waiter->share->waiting--;
    waiter->share = NULL;
}
