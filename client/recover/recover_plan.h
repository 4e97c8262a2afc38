/*
 * What a cluster has lost with brokers that do not answer: asked of those that do, put together by
 * group (LostMajorities, ours).
 *
 * Happy path: every broker is asked what it has of groups of which it is connected to no majority.
 * A group that nobody leads, and of which the voters that answer are no majority, is lost; it could
 * go on with the replica whose log is the newest (Raft, 5.4.1): that has all that any of the others
 * knows to be committed. Failures: nobody is reachable: an exit code; a broker that does not answer
 * counts as gone.
 */
#ifndef CLIENT_RECOVER_RECOVER_PLAN_H
#define CLIENT_RECOVER_RECOVER_PLAN_H

#include "client/health/cluster_status.h"
#include "protocol/messages/lost_majorities.h"
#include "protocol/messages/metadata.h"

struct lost_group {
    const struct kp_lost_majorities_response_group *best; /* NULL: nobody that answers has any */
    const struct broker_seen *broker;                     /* that has it */
    struct kp_string topic;                               /* "" of the metadata */
    int32_t partition;
    int64_t acknowledged; /* offsets below it were for certain: the most that anybody knows */
    int64_t gone;         /* entries behind the best one's last that were committed for certain */
    const int32_t *survivors; /* brokers that have some of it, and answer */
    size_t survivor_count;
};

struct recover_plan {
    struct cluster_status cluster;
    bool *answers;             /* of cluster.brokers */
    struct lost_group *groups; /* by topic and partition, the metadata first */
    size_t count;
    int32_t *lost; /* brokers that do not answer, and are missed by one of them */
    size_t lost_count;
    struct kp_metadata_response metadata;
    bool metadata_led; /* by a broker that answers */
    struct kp_arena arena;
};

/* 0, or an exit code, and the sentence was said. recover_plan_close in both cases. */
int recover_plan_ask(const struct invocation *in, struct recover_plan *plan);
void recover_plan_close(struct recover_plan *plan);
/* What is lost of it, as a part of a sentence. */
void recover_plan_loss(const struct lost_group *group, char text[160]);

#endif
