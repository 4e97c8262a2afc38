/* The rules for share groups, one after the other: each looks for the worst partition of its kind.
 */
#include "why/share_diagnosis.h"

#include <inttypes.h>

#include "base/secure/shell_word.h"
#include "why/diagnosis_internal.h"

const struct kp_partition_traffic_response_shared *why_shared(
    const struct why_share_partition *partition) {
    return partition->told == NULL || partition->told->shared.count == 0
               ? NULL
               : partition->told->shared.items;
}

void why_share_take_told(struct why_share_partition *partition,
                         const struct kp_partition_traffic_response_partition *told) {
    partition->told = told;
    const struct kp_partition_traffic_response_shared *shared = why_shared(partition);
    if (shared == NULL) return;
    partition->start = shared->start_offset;
    partition->lag = shared->lag_records;
    partition->age_ms = shared->lag_records == 0 ? 0 : told->arrived_age_ms;
}

/* ---- Which partitions ---- */

static bool is_behind(const struct why_share_facts *facts, const struct why_share_partition *one) {
    return one->lag > 0 && (one->age_ms == WHY_UNKNOWN || one->age_ms >= facts->window_ms / 4);
}

static bool is_full(const struct kp_partition_traffic_response_shared *shared) {
    return shared->acquired_most > 0 && shared->acquired >= shared->acquired_most &&
           shared->lag_records > shared->acquired;
}

/* Some were given at least twice, and half as often as may be. */
static bool comes_back(const struct kp_partition_traffic_response_shared *shared) {
    return shared->deliveries >= 2 && 2 * shared->deliveries >= shared->deliveries_most &&
           (shared->retried > 0 || shared->acquired > 0);
}

static bool is_not_asked_for(const struct kp_partition_traffic_response_shared *shared) {
    return shared->acquired == 0 && shared->waiting == 0;
}

static bool is_worked_on(const struct kp_partition_traffic_response_shared *shared) {
    return shared->acquired > 0;
}

typedef bool holds(const struct kp_partition_traffic_response_shared *shared);

static const struct why_share_partition *worst(const struct why_share_facts *facts, holds *which) {
    const struct why_share_partition *found = NULL;
    for (size_t i = 0; i < facts->partition_count; i++) {
        const struct why_share_partition *one = &facts->partitions[i];
        const struct kp_partition_traffic_response_shared *shared = why_shared(one);
        if (shared != NULL && is_behind(facts, one) && which(shared) &&
            (found == NULL || one->lag > found->lag))
            found = one;
    }
    return found;
}

static int64_t sum(const struct why_share_facts *facts, size_t field) {
    int64_t all = 0;
    for (size_t i = 0; i < facts->partition_count; i++) {
        const struct kp_partition_traffic_response_shared *shared = why_shared(
            &facts->partitions[i]);
        if (shared != NULL) all += *(const int64_t *)((const char *)shared + field);
    }
    return all;
}

/* ---- What is shown ---- */

static void show_partition(struct why_finding *finding, const struct why_share_partition *one) {
    const struct kp_partition_traffic_response_shared *shared = why_shared(one);
    why_show(finding, "partition", "%s-%" PRId32 ", from offset %" PRId64 " on", one->topic,
             one->partition, one->start);
    if (shared->acquired_most > 0)
        why_show(finding, "held by members", "%" PRId64 " records, %" PRId64 " at the most",
                 shared->acquired, shared->acquired_most);
    else
        why_show(finding, "held by members", "%" PRId64 " records", shared->acquired);
    if (shared->deliveries_most > 0)
        why_show(finding, "given most often", "%" PRId32 " times of %" PRId32, shared->deliveries,
                 shared->deliveries_most);
}

static void show_sums(const struct why_share_facts *facts, const struct why_diagnosis *diagnosis,
                      struct why_finding *finding) {
    why_show(finding, "members", "%zu", facts->member_count);
    why_show_lag(finding, diagnosis->lag, diagnosis->age_ms);
}

/* ---- The rules ---- */

static bool no_members(const struct why_share_facts *facts, const struct why_diagnosis *diagnosis,
                       struct why_finding *finding) {
    char group[SHELL_WORD_ROOM];
    if (facts->member_count > 0) return false;
    show_sums(facts, diagnosis, finding);
    why_next(finding,
             "Start its consumers; if it is not wanted any more: drave share delete %s --yes",
             shell_word_in(facts->group, group));
    return true;
}

static bool locks_full(const struct why_share_facts *facts, const struct why_diagnosis *diagnosis,
                       struct why_finding *finding) {
    char time[WHY_TIME_MAX], group[SHELL_WORD_ROOM];
    const struct why_share_partition *one = worst(facts, is_full);
    if (one == NULL) return false;
    show_partition(finding, one);
    why_show(finding, "first lock ends", "in %s", why_time(time, why_shared(one)->lock_left_ms));
    show_sums(facts, diagnosis, finding);
    why_next(finding,
             "Its members hold as many records as they may, and get no more before they have "
             "acknowledged some: look at what they wait for. More at once: drave config set "
             "group:%s share.partition.max.record.locks=N",
             shell_word_in(facts->group, group));
    return true;
}

static bool retries(const struct why_share_facts *facts, const struct why_diagnosis *diagnosis,
                    struct why_finding *finding) {
    const struct why_share_partition *one = worst(facts, comes_back);
    if (one == NULL) return false;
    show_partition(finding, one);
    why_show(finding, "given again", "%" PRId64 " records wait for it in all partitions",
             sum(facts, offsetof(struct kp_partition_traffic_response_shared, retried)));
    show_sums(facts, diagnosis, finding);
    why_next(finding,
             "Members give records back, die of them, or keep them longer than "
             "share.record.lock.duration.ms. Look at the first: drave consume %s -p %" PRId32
             " -o %" PRId64 " -n 1 --json. One that is given as often as may be is given to nobody "
             "any more.",
             one->topic, one->partition, one->start);
    return true;
}

static bool not_asked_for(const struct why_share_facts *facts,
                          const struct why_diagnosis *diagnosis, struct why_finding *finding) {
    char group[SHELL_WORD_ROOM];
    const struct why_share_partition *one = worst(facts, is_not_asked_for);
    if (one == NULL || worst(facts, is_worked_on) != NULL) return false;
    show_partition(finding, one);
    why_show(finding, "fetches that wait", "none");
    show_sums(facts, diagnosis, finding);
    why_next(finding,
             "Its members live and do not ask for records: their applications work for long, or "
             "hang, between two polls. drave share describe %s shows where they are.",
             shell_word_in(facts->group, group));
    return true;
}

static bool slower(const struct why_share_facts *facts, const struct why_diagnosis *diagnosis,
                   struct why_finding *finding) {
    const struct why_share_partition *one = worst(facts, is_worked_on);
    if (one == NULL) return false;
    show_partition(finding, one);
    why_show_rate(finding, "produced there", one->told->produced_short);
    why_show(finding, "held in all partitions", "%" PRId64 " records",
             sum(facts, offsetof(struct kp_partition_traffic_response_shared, acquired)));
    show_sums(facts, diagnosis, finding);
    why_next(finding, "More comes than its members get done. As partitions are shared, more of "
                      "them help at once, however few partitions there are.");
    return true;
}

static const struct {
    enum why_cause cause;
    bool (*rule)(const struct why_share_facts *facts, const struct why_diagnosis *diagnosis,
                 struct why_finding *finding);
} rules[] = {{WHY_NO_MEMBERS, no_members},
             {WHY_LOCKS_FULL, locks_full},
             {WHY_RETRIES, retries},
             {WHY_NOT_POLLING, not_asked_for},
             {WHY_CONSUMERS_SLOWER, slower}};

static void find_nothing(const struct why_share_facts *facts, size_t behind,
                         struct why_diagnosis *diagnosis) {
    struct why_finding *finding = &diagnosis->findings[0];
    *finding = (struct why_finding){.cause = WHY_NOTHING, .since_age_ms = WHY_UNKNOWN};
    show_sums(facts, diagnosis, finding);
    why_show(finding, "held by members", "%" PRId64 " records",
             sum(facts, offsetof(struct kp_partition_traffic_response_shared, acquired)));
    if (behind > 0)
        why_next(finding, "It is behind, but the leaders of its partitions do not say what it does "
                          "there. Ask again when they answer: drave health.");
    diagnosis->count = 1;
}

void why_share_diagnose(const struct why_share_facts *facts, struct why_diagnosis *diagnosis) {
    size_t behind = 0;
    *diagnosis = (struct why_diagnosis){.lag = WHY_UNKNOWN, .age_ms = WHY_UNKNOWN};
    for (size_t i = 0; i < facts->partition_count; i++) {
        const struct why_share_partition *one = &facts->partitions[i];
        behind += is_behind(facts, one);
        if (one->lag >= 0) diagnosis->lag = (diagnosis->lag < 0 ? 0 : diagnosis->lag) + one->lag;
        if (one->age_ms > diagnosis->age_ms) diagnosis->age_ms = one->age_ms;
    }
    for (size_t i = 0; behind > 0 && i < sizeof rules / sizeof *rules; i++) {
        struct why_finding *finding = &diagnosis->findings[diagnosis->count];
        *finding = (struct why_finding){.cause = rules[i].cause, .since_age_ms = WHY_UNKNOWN};
        diagnosis->count += rules[i].rule(facts, diagnosis, finding);
    }
    if (diagnosis->count == 0) find_nothing(facts, behind, diagnosis);
}
