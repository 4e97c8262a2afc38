/*
 * Why the groups that are coordinated here lag, for whoever exports metrics: the strongest cause of
 * each, as `drave group why` would name it.
 *
 * Happy path: group_causes_want of each group that lags, whenever somebody looks, and
 * group_causes_each for what was found out last; groups are judged one after the other, each every
 * CAUSE_JUDGE_MS. Failures: none; of a group that was not judged yet, that is gone, or of which too
 * little is known, no cause is named. Invariants: CAUSES_WANTED_MOST groups are wanted at most;
 * what nobody has wanted for CAUSE_FORGET_MS is forgotten, and when nothing is wanted nobody is
 * asked.
 */
#ifndef BROKER_CAUSES_GROUP_CAUSES_H
#define BROKER_CAUSES_GROUP_CAUSES_H

#include "broker/causes/cause_exchange.h"
#include "broker/coordinator/coordinators.h"
#include "why/diagnosis.h"

enum {
    CAUSES_WANTED_MOST = 500,
    CAUSES_SHARED_MOST = 250, /* of them share groups, for whoever wants them */
    CAUSE_LOOK_MS = 1000,
    CAUSE_JUDGE_MS = 10 * 1000,
    CAUSE_FORGET_MS = 90 * 1000,
};

struct group_causes_options {
    struct cause_exchange_options exchange; /* without `done` and `arg` */
    const struct metadata *metadata;
    struct coordinators *coordinators; /* of groups */
};

struct group_causes;
struct group_causes *group_causes_new(const struct group_causes_options *options);
void group_causes_free(struct group_causes *causes); /* NULL does nothing */

/* It lags for longer than why_diagnose lets pass; or it is a share group, of which only leaders
 * know. */
void group_causes_want(struct group_causes *causes, struct kp_string group);
/* Calls `each` for every group that was wanted since then (of env_now_ms), and that has a cause.
 * Texts are borrowed as long as the call. */
void group_causes_each(const struct group_causes *causes, uint64_t since_ms,
                       void (*each)(void *arg, struct kp_string group, const char *cause),
                       void *arg);

#endif
