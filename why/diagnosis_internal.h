/* What the files of the diagnosis share: the sums that rules look at, and the words for findings.
 *
 *   diagnosis.c        sums, and the rules in their order
 *   causes_member.c    one member, or its absence: no_members, stuck, not_polling, uncommitted
 *   causes_group.c     the group: rebalancing, idle_members
 *   causes_rate.c      what comes and goes: hot_partition, consumers_slower, producers_faster,
 *                      catching_up
 *   behind.c           what all rules look at
 *   evidence.c         numbers as words
 */
#ifndef WHY_DIAGNOSIS_INTERNAL_H
#define WHY_DIAGNOSIS_INTERNAL_H

#include "why/diagnosis.h"

struct why_sums {
    int64_t lag, age_ms; /* as in the diagnosis */
    size_t behind;       /* partitions */
    /* Sums over what the group has committed; WHY_UNKNOWN: of one of them it is not known. */
    int64_t produced[WHY_WINDOWS], consumed[WHY_WINDOWS];
};

/* True: it is a cause, and the finding is filled in. */
typedef bool why_rule(const struct why_facts *facts, const struct why_sums *sums,
                      struct why_finding *finding);
why_rule why_no_members, why_stuck, why_not_polling, why_uncommitted; /* causes_member.c */
why_rule why_rebalancing, why_idle_members;                           /* causes_group.c */
why_rule why_hot_partition, why_consumers_slower, why_producers_faster,
    why_catching_up; /* causes_rate.c */

/* Members without a partition, because there are more members than partitions. */
bool why_has_idle_members(const struct why_facts *facts);
/* Its next record has waited for longer than a quarter of the window. */
bool why_is_behind(const struct why_facts *facts, const struct why_partition *partition);
/* More comes than is consumed. */
bool why_lag_grows(const struct why_sums *sums);
/* The partition that lags most of those for which `holds` (NULL: all); NULL: none. */
const struct why_partition *why_worst(const struct why_facts *facts,
                                      bool (*holds)(const struct why_facts *facts,
                                                    const struct why_partition *partition));
/* NULL: nobody owns it. */
const struct why_member *why_owner(const struct why_facts *facts,
                                   const struct why_partition *partition);

/* ---- evidence.c ---- */

void why_show(struct why_finding *finding, const char *what, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void why_show_age(struct why_finding *finding, const char *what, int64_t age_ms); /* "12 s ago" */
void why_show_rate(struct why_finding *finding, const char *what, int64_t rate);
void why_show_lag(struct why_finding *finding, int64_t lag, int64_t age_ms);
void why_show_partition(struct why_finding *finding, const struct why_partition *partition);
void why_show_member(struct why_finding *finding, const struct why_member *member);
void why_next(struct why_finding *finding, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
enum { WHY_TIME_MAX = 32 };
const char *why_time(char text[WHY_TIME_MAX], int64_t ms); /* "1.5 s", "12 min" */

#endif
