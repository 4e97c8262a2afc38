/* What comes and what is consumed, over the window and over ten times that. */
#include <inttypes.h>
#include <string.h>

#include "why/diagnosis_internal.h"

enum { PERCENT_SAME = 20 };

/* More, or less, by a fifth at least. */
static bool is_up(int64_t now, int64_t before) {
    return now * 100 > before * (100 + PERCENT_SAME);
}
static bool is_down(int64_t now, int64_t before) {
    return now * 100 < before * (100 - PERCENT_SAME);
}

static bool known(const int64_t rates[WHY_WINDOWS]) {
    return rates[WHY_SHORT] != WHY_UNKNOWN && rates[WHY_LONG] != WHY_UNKNOWN;
}

static void show_rates(const struct why_facts *facts, const struct why_sums *sums,
                       struct why_finding *finding) {
    char lately[WHY_TIME_MAX], before[WHY_TIME_MAX];
    why_show_rate(finding, "produced", sums->produced[WHY_SHORT]);
    why_show_rate(finding, "produced before", sums->produced[WHY_LONG]);
    why_show_rate(finding, "consumed", sums->consumed[WHY_SHORT]);
    why_show_rate(finding, "consumed before", sums->consumed[WHY_LONG]);
    why_show(finding, "over", "the last %s; before: the last %s",
             why_time(lately, facts->window_ms), why_time(before, 10 * facts->window_ms));
    why_show_lag(finding, sums->lag, sums->age_ms);
}

/* ---- One partition ---- */

static int64_t rate_of(const struct why_partition *partition) {
    return partition->produced[WHY_LONG] != WHY_UNKNOWN ? partition->produced[WHY_LONG]
                                                        : partition->produced[WHY_SHORT];
}

static bool others_keep_up(const struct why_facts *facts, const struct why_partition *hot) {
    for (size_t i = 0; i < facts->partition_count; i++) {
        const struct why_partition *one = &facts->partitions[i];
        if (one != hot && one->member == hot->member && one->lag > hot->lag / 4) {
            return false;
        }
    }
    return true;
}

bool why_hot_partition(const struct why_facts *facts, const struct why_sums *sums,
                       struct why_finding *finding) {
    const struct why_partition *hot = why_worst(facts, NULL);
    int64_t total = 0;
    for (size_t i = 0; i < facts->partition_count; i++) {
        total += rate_of(&facts->partitions[i]) > 0 ? rate_of(&facts->partitions[i]) : 0;
    }
    if (facts->partition_count < 2 || hot->lag <= sums->lag / 2 || rate_of(hot) <= 0) {
        return false;
    }
    int64_t mean = total / (int64_t)facts->partition_count;
    if (rate_of(hot) <= 2 * mean || !others_keep_up(facts, hot)) {
        return false;
    }
    why_show_partition(finding, hot);
    why_show(finding, "its share of the lag", "%.0f %%",
             100 * (double)hot->lag / (double)sums->lag);
    why_show_rate(finding, "produced to it", rate_of(hot));
    why_show_rate(finding, "mean of its partitions", mean);
    if (hot->member != WHY_NOBODY) {
        why_show_member(finding, why_owner(facts, hot));
    }
    why_show_lag(finding, sums->lag, sums->age_ms);
    why_next(
        finding,
        "Most records go to one partition: a key that many records have, or a producer that names the partition. More "
        "members do not help; look at the keys: drave consume %s -p %" PRId32
        " -o -1000 -e -f '%%k\\n' | sort | uniq -c",
        hot->topic, hot->partition);
    return true;
}

/* ---- All of them ---- */

/* On how many partitions less is consumed than before, of those on which something was. */
static bool most_are_down(const struct why_facts *facts) {
    size_t down = 0, all = 0;
    for (size_t i = 0; i < facts->partition_count; i++) {
        const struct why_partition *one = &facts->partitions[i];
        if (known(one->consumed) && one->consumed[WHY_LONG] > 0) {
            all++;
            down += is_down(one->consumed[WHY_SHORT], one->consumed[WHY_LONG]);
        }
    }
    return 2 * down > all;
}

bool why_consumers_slower(const struct why_facts *facts, const struct why_sums *sums,
                          struct why_finding *finding) {
    if (!why_lag_grows(sums)) {
        return false;
    }
    bool compared = known(sums->produced) && known(sums->consumed);
    bool slowed = compared && is_down(sums->consumed[WHY_SHORT], sums->consumed[WHY_LONG]) &&
                  most_are_down(facts);
    bool faster = compared && is_up(sums->produced[WHY_SHORT], sums->produced[WHY_LONG]);
    /* what has not changed is explained better by members that have nothing to do */
    if (!slowed && (faster || why_has_idle_members(facts))) {
        return false;
    }
    show_rates(facts, sums, finding);
    if (slowed) {
        why_next(
            finding,
            "As many records come as before, and the members take fewer: what they wait for (a database, a "
            "service) has become slower, or there are fewer of them.");
    } else {
        why_next(
            finding,
            "The members take less than comes. Add members (at most one for each partition), or let them take "
            "larger batches.");
    }
    return true;
}

bool why_producers_faster(const struct why_facts *facts, const struct why_sums *sums,
                          struct why_finding *finding) {
    if (!why_lag_grows(sums) || !known(sums->produced) || !known(sums->consumed) ||
        !is_up(sums->produced[WHY_SHORT], sums->produced[WHY_LONG]) ||
        is_down(sums->consumed[WHY_SHORT], sums->consumed[WHY_LONG])) {
        return false;
    }
    show_rates(facts, sums, finding);
    why_next(
        finding,
        "More records come than before, and the members work as they did: wait until that is over, or add "
        "members (at most one for each partition).");
    return true;
}

bool why_catching_up(const struct why_facts *facts, const struct why_sums *sums,
                     struct why_finding *finding) {
    int64_t come = sums->produced[WHY_SHORT], go = sums->consumed[WHY_SHORT];
    char left[WHY_TIME_MAX];
    (void)facts;
    if (come == WHY_UNKNOWN || go == WHY_UNKNOWN || go <= come || sums->lag <= 0) {
        return false;
    }
    why_show_rate(finding, "produced", come);
    why_show_rate(finding, "consumed", go);
    why_show_lag(finding, sums->lag, sums->age_ms);
    why_show(finding, "time left", "%s",
             why_time(left, (int64_t)((double)sums->lag * 1e6 / (double)(go - come))));
    return true;
}
