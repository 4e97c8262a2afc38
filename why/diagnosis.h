/*
 * Why a group lags behind: the causes that its facts give, the strongest first, with their evidence
 * and what to do about it. A function of the facts alone.
 *
 * Happy path: a group that keeps up has no finding. Failures: where too little is known no cause is
 * named, and `unknown` says what to wait for. Invariant: without a partition that is behind (the
 * next record to be consumed came longer than a quarter of the window ago) nothing is named.
 */
#ifndef WHY_DIAGNOSIS_H
#define WHY_DIAGNOSIS_H

#include "why/facts.h"

/* In the order of their strength: the first that holds is the cause. */
enum why_cause {
    WHY_NOTHING,
    WHY_NO_MEMBERS,
    WHY_STUCK,
    WHY_REBALANCING,
    WHY_NOT_POLLING,
    WHY_UNCOMMITTED,
    WHY_HOT_PARTITION,
    WHY_CONSUMERS_SLOWER,
    WHY_PRODUCERS_FASTER,
    WHY_IDLE_MEMBERS,
    WHY_CATCHING_UP,
    /* Of share groups alone (share_diagnosis.h), with WHY_NO_MEMBERS, WHY_NOT_POLLING and
     * WHY_CONSUMERS_SLOWER. */
    WHY_LOCKS_FULL,
    WHY_RETRIES,
    WHY_CAUSES,
};
const char *why_cause_name(enum why_cause cause); /* "not_polling"; NULL for WHY_NOTHING */

enum { WHY_EVIDENCE_MAX = 10, WHY_VALUE_MAX = 200, WHY_NEXT_MAX = 500 };

struct why_evidence {
    const char *what;
    char value[WHY_VALUE_MAX];
};

struct why_finding {
    enum why_cause cause;
    int64_t since_age_ms; /* WHY_UNKNOWN */
    struct why_evidence evidence[WHY_EVIDENCE_MAX];
    size_t evidence_count;
    char next[WHY_NEXT_MAX]; /* what to do; "": nothing */
};

struct why_diagnosis {
    struct why_finding findings[WHY_CAUSES]; /* the strongest first; without any, one WHY_NOTHING,
                                                with the evidence for that */
    size_t count;
    int64_t lag, age_ms; /* of all partitions: sum, and the largest; WHY_UNKNOWN */
};
void why_diagnose(const struct why_facts *facts, struct why_diagnosis *diagnosis);

#endif
