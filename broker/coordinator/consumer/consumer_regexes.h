/*
 * What the regular expressions of a group stand for: looked up when one is new, and again when
 * topics came or went, at most every 10 seconds.
 *
 * Happy path: that of a joining member in its own decision, if that is quick; all others on a copy
 * of the names in the pool, and what changed is a decision of its own, which the next heartbeat
 * assigns by. Failures: an expression that takes more than its budget of work stays what it was,
 * with a line in the log. Invariants: one look runs for a group at most; what a
 * member may not see is not found when it is the one for which is looked, and so for whoever
 * subscribes by the same (as in Kafka).
 */
#ifndef BROKER_COORDINATOR_CONSUMER_CONSUMER_REGEXES_H
#define BROKER_COORDINATOR_CONSUMER_CONSUMER_REGEXES_H

#include "broker/coordinator/consumer/consumer_decision.h"

/* Of the member's expression: sets the candidate's names, and adds the record when it is new. */
void consumer_regex_decide(struct consumer_decision *decision);
/* Looks again if it is time, and the member has an expression. */
void consumer_regexes_refresh(struct consumer_decision *decision);

#endif
