/* Sums over the partitions, and the rules one after the other. */
#include <inttypes.h>
#include <string.h>

#include "why/diagnosis_internal.h"

static const struct {
    const char *name;
    why_rule *rule; /* NULL: of groups of another kind */
} causes[WHY_CAUSES] = {
    [WHY_NOTHING] = {NULL, NULL},
    [WHY_NO_MEMBERS] = {"no_members", why_no_members},
    [WHY_STUCK] = {"stuck", why_stuck},
    [WHY_REBALANCING] = {"rebalancing", why_rebalancing},
    [WHY_NOT_POLLING] = {"not_polling", why_not_polling},
    [WHY_UNCOMMITTED] = {"uncommitted", why_uncommitted},
    [WHY_HOT_PARTITION] = {"hot_partition", why_hot_partition},
    [WHY_CONSUMERS_SLOWER] = {"consumers_slower", why_consumers_slower},
    [WHY_PRODUCERS_FASTER] = {"producers_faster", why_producers_faster},
    [WHY_IDLE_MEMBERS] = {"idle_members", why_idle_members},
    [WHY_CATCHING_UP] = {"catching_up", why_catching_up},
    [WHY_LOCKS_FULL] = {"locks_full", NULL},
    [WHY_RETRIES] = {"retries", NULL},
};

const char *why_cause_name(enum why_cause cause) {
    return causes[cause].name;
}

/* ---- Sums ---- */

static void add(int64_t *sum, int64_t value) {
    *sum = *sum == WHY_UNKNOWN || value == WHY_UNKNOWN ? WHY_UNKNOWN : *sum + value;
}

static void sum_up(const struct why_facts *facts, struct why_sums *sums) {
    *sums = (struct why_sums){.lag = WHY_UNKNOWN, .age_ms = WHY_UNKNOWN};
    for (size_t i = 0; i < facts->partition_count; i++) {
        const struct why_partition *one = &facts->partitions[i];
        sums->behind += why_is_behind(facts, one);
        if (one->lag != WHY_UNKNOWN) {
            sums->lag = (sums->lag == WHY_UNKNOWN ? 0 : sums->lag) + one->lag;
        }
        sums->age_ms = one->age_ms > sums->age_ms ? one->age_ms : sums->age_ms;
        for (int w = 0; one->committed != WHY_UNKNOWN && w < WHY_WINDOWS; w++) {
            add(&sums->produced[w], one->produced[w]);
            add(&sums->consumed[w], one->consumed[w]);
        }
    }
}

/* ---- Nothing is wrong, or nothing can be said ---- */

static void find_nothing(const struct why_facts *facts, const struct why_sums *sums,
                         struct why_finding *finding) {
    char window[WHY_TIME_MAX];
    finding->since_age_ms = WHY_UNKNOWN;
    why_show_lag(finding, sums->lag, sums->age_ms);
    why_show(finding, "members", "%zu, %s", facts->member_count, facts->state);
    why_show_rate(finding, "produced", sums->produced[WHY_SHORT]);
    why_show_rate(finding, "consumed", sums->consumed[WHY_SHORT]);
    why_time(window, facts->window_ms);
    if (sums->behind > 0) {
        why_show(finding, "partitions behind", "%zu of %zu", sums->behind, facts->partition_count);
        why_next(
            finding,
            "It lags behind, but too little is known to say why: its coordinator and the leaders of its partitions "
            "must have watched it for %s. Ask again then.",
            window);
    } else if (sums->lag == WHY_UNKNOWN) {
        why_next(finding, "Nothing is committed, so how far behind it is cannot be known.");
    }
}

void why_diagnose(const struct why_facts *facts, struct why_diagnosis *diagnosis) {
    struct why_sums sums;
    sum_up(facts, &sums);
    *diagnosis = (struct why_diagnosis){.lag = sums.lag, .age_ms = sums.age_ms};
    for (int cause = WHY_NOTHING + 1; sums.behind > 0 && cause < WHY_CAUSES; cause++) {
        struct why_finding *finding = &diagnosis->findings[diagnosis->count];
        if (causes[cause].rule == NULL) continue;
        *finding = (struct why_finding){.cause = (enum why_cause)cause,
                                        .since_age_ms = WHY_UNKNOWN};
        diagnosis->count += causes[cause].rule(facts, &sums, finding);
    }
    if (diagnosis->count == 0) {
        diagnosis->findings[0] = (struct why_finding){.cause = WHY_NOTHING};
        find_nothing(facts, &sums, &diagnosis->findings[0]);
        diagnosis->count = 1;
    }
}
