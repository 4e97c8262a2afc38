/*
 * What a cluster has lost with brokers that do not answer, asked of those that do
 * (LostMajorities, ours); recover_judgement.h puts it together.
 *
 * Happy path: every broker is asked what it has of groups of which it is connected to no majority.
 * Failures: nobody is reachable, or one that answers refuses to say it: an exit code; a broker that
 * does not answer counts as gone.
 */
#ifndef CLIENT_RECOVER_RECOVER_PLAN_H
#define CLIENT_RECOVER_RECOVER_PLAN_H

#include "client/health/cluster_status.h"
#include "client/recover/recover_judgement.h"

struct recover_plan {
    struct cluster_status cluster;
    struct recover_witness *brokers; /* as cluster.brokers */
    struct recover_judgement judged;
    struct kp_metadata_response metadata;
    struct kp_arena arena;
};

/* 0, or an exit code, and the sentence was said. recover_plan_close in both cases. */
int recover_plan_ask(const struct invocation *in, struct recover_plan *plan);
void recover_plan_close(struct recover_plan *plan);

#endif
