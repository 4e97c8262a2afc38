/* What share groups do in the partitions here: a walk from tally to tally, and over the shares of
 * each, that finds back by their numbers. */
#include <string.h>

#include "broker/observe/observer_internal.h"
#include "broker/share/shares.h"

enum { WEIGHT_OF_A_STEP = 1024, RUNS_OF_A_WEIGHT = 32 };

void observe_shares_begin(struct observer *observer) {
    observer->shares = (struct observed_shares){
        .most = observer->observed->settings->metrics_groups};
}

static void show(struct observer *observer, snapshot_text_id name,
                 const struct observed_share *sum) {
    struct snapshot *to = observer->snapshot;
    const struct {
        const char *outcome;
        uint64_t records;
    } ends[] = {{"accepted", sum->flow.accepted},
                {"rejected", sum->flow.rejected},
                {"released", sum->flow.released},
                {"timed_out", sum->flow.timed_out}};
    snapshot_add1(to, METRIC_SHARE_GROUP_LAG, (double)sum->lag, name);
    snapshot_add1(to, METRIC_SHARE_GROUP_ACQUIRED, (double)sum->acquired, name);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        snapshot_add2(to, METRIC_SHARE_GROUP_DELIVERIES, (double)ends[i].records, name,
                      snapshot_text(to, ends[i].outcome, strlen(ends[i].outcome)));
    snapshot_add1(to, METRIC_SHARE_GROUP_EXHAUSTED, (double)sum->flow.exhausted, name);
}

static void add(struct observed_share *to, const struct observed_share *sum) {
    to->lag += sum->lag;
    to->acquired += sum->acquired;
    to->flow.accepted += sum->flow.accepted;
    to->flow.rejected += sum->flow.rejected;
    to->flow.released += sum->flow.released;
    to->flow.timed_out += sum->flow.timed_out;
    to->flow.exhausted += sum->flow.exhausted;
}

/* A group that this broker only follows has nothing to show. */
static void group_ends(struct observer *observer, const struct share_tally *tally) {
    struct observed_shares *shares = &observer->shares;
    const struct share_flow *flow = &tally->flow;
    shares->sum.flow = *flow;
    bool told = flow->accepted + flow->rejected + flow->released + flow->timed_out > 0;
    if (shares->led == 0 && !told) return;
    if (shares->named == shares->most) {
        add(&shares->other, &shares->sum);
        shares->folded++;
        return;
    }
    shares->named++;
    show(observer, snapshot_text(observer->snapshot, tally->group.data, (size_t)tally->group.len),
         &shares->sum);
}

/* How much that was. */
static size_t look_at(struct observed_shares *shares, const struct share *share) {
    shares->entry = share->entry + 1;
    if (!share_is_led(share)) return 1;
    shares->led++;
    shares->sum.lag += (uint64_t)share_lag(share);
    shares->sum.acquired += share->queue.held;
    return 1 + share->state.ranges.count / RUNS_OF_A_WEIGHT;
}

bool observe_shares_step(struct observer *observer) {
    struct observed_shares *shares = &observer->shares;
    const struct share_tally *tally;
    size_t weight = 0;
    if (observer->observed->partitions == NULL) return false;
    const struct share_book *book = &partition_set_counts(observer->observed->partitions)->shares;
    while ((tally = share_book_from(book, shares->tally)) != NULL) {
        if (tally->number != shares->tally || shares->entry == 0) {
            shares->tally = tally->number;
            shares->entry = 0;
            shares->led = 0;
            shares->sum = (struct observed_share){.lag = 0};
        }
        const struct share *share = share_tally_from(tally, shares->entry);
        for (; share != NULL && weight < WEIGHT_OF_A_STEP; share = share->tally_next)
            weight += look_at(shares, share);
        if (share != NULL) return true;
        group_ends(observer, tally);
        shares->tally++;
        shares->entry = 0;
    }
    return false;
}

void observe_shares_show(struct observer *observer) {
    struct observed_shares *shares = &observer->shares;
    if (shares->folded > 0)
        show(observer, snapshot_text(observer->snapshot, "(other)", 7), &shares->other);
}
