/*
 * What a cluster has lost with brokers that do not answer: put together from what the others say
 * (LostMajorities, ours), and what is asked of them to go on. Decision 64.
 *
 * Happy path: a group that nobody leads, and of which the voters that answer are no majority, is
 * lost; it could go on with the replica whose log is the newest (Raft, 5.4.1): that has all that
 * any of the others knows to be committed. A broker that does not answer counts as gone; one that
 * answers and cannot open its replica does not, but that replica is given up with those of the
 * others, for nobody can tell what it has. Of equal logs one that votes goes on. Pure: who
 * asks, and over which connections, is elsewhere (recover_plan.h; the simulator asks for itself).
 * Invariant: no offset that was acknowledged may be gone without being at or behind `gone_from`.
 */
#ifndef CLIENT_RECOVER_RECOVER_JUDGEMENT_H
#define CLIENT_RECOVER_RECOVER_JUDGEMENT_H

#include "protocol/messages/alter_broker.h"
#include "protocol/messages/lost_majorities.h"
#include "protocol/messages/metadata.h"

/* A broker of the cluster, and what it answered, page by page. */
struct recover_witness {
    int32_t node;
    bool answers;
    int32_t metadata_leader; /* -1: it knows none */
    const struct kp_lost_majorities_response **pages;
    size_t page_count, page_room;
};

struct lost_group {
    const struct kp_lost_majorities_response_group *best; /* NULL: nobody that answers has any */
    int32_t node;                                         /* that has it; -1 */
    struct kp_string topic;                               /* "" of the metadata */
    int32_t partition;
    int64_t acknowledged; /* offsets below it were for certain: the most that anybody knows */
    int64_t gone_from;    /* what was acknowledged from this offset on may be gone: the lost ones
                             may have had other records there than the best one has */
    int32_t unheard; /* it votes, answers, and has said nothing of it: it may have more than the
                        best one, so nothing is done; -1: nobody */
    int32_t unread;  /* it votes, and cannot open its replica, which is given up; -1: nobody */
    int32_t *closed; /* all of those */
    size_t closed_count;
    int64_t gone;       /* entries behind the best one's last that were committed for certain */
    int32_t *survivors; /* brokers that have some of it, and answer */
    size_t survivor_count;
};

struct recover_judgement {
    struct lost_group *groups; /* by topic and partition, the metadata first */
    size_t count;
    int32_t *lost; /* brokers that do not answer, and are missed by one of them */
    size_t lost_count;
};

/* `metadata`: of any broker that answers. What was answered must outlive the judgement. */
void recover_judge(const struct recover_witness *brokers, size_t count,
                   const struct kp_metadata_response *metadata,
                   struct recover_judgement *judgement);
void recover_judgement_close(struct recover_judgement *judgement);
enum { RECOVER_LOSS_TEXT = 240 };
/* What is lost of it, as a part of a sentence. */
void recover_loss(const struct lost_group *group, char text[RECOVER_LOSS_TEXT]);

/* Asked of the broker `group->node` for the metadata, of any one for a partition; `group` has a
 * best one, and is of the judgement, which outlives the request: who has come back since is not
 * among the lost any more, and may have more than the best one, so the request is refused then. */
void recover_request(const struct recover_judgement *judgement, const struct lost_group *group,
                     struct kp_alter_broker_request *request);
/* Asked of any broker, before any partition is: that one never comes back as it was. */
void recover_request_loss(int32_t node, struct kp_alter_broker_request *request);

#endif
