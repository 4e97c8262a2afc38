/*
 * A heartbeat while it is decided: between the files of consumer_heartbeat.h.
 *
 * Happy path: check, then the steps one after the other, each of which reads what the ones before
 * left here. Invariant: nothing of the group changes before the batch has committed, but topics
 * that got a number.
 */
#ifndef BROKER_COORDINATOR_CONSUMER_CONSUMER_DECISION_H
#define BROKER_COORDINATOR_CONSUMER_CONSUMER_DECISION_H

#include "broker/coordinator/consumer/consumer_heartbeat.h"
#include "broker/coordinator/consumer/consumer_records.h"
#include "broker/coordinator/consumer/consumer_subscriptions.h"
#include "broker/coordinator/group/group_history.h"

struct consumer_decision {
    struct consumer_heartbeat *heartbeat;
    struct group *row;
    struct consumer_group *group; /* row->consumer, or an empty one of the decision's own */
    struct kp_string member_id;
    struct consumer_member *member;   /* NULL: it is new */
    struct consumer_member *replaced; /* whose instance it takes over; NULL: nobody's */
    struct group_batch batch;
    struct partition_list owned; /* what the member says that it has */
    bool says_owned, owns_strangers;
    const struct kp_consumer_classic_member *classic; /* NULL: it speaks KIP-848 */
    /* The member as it will be. */
    struct shared_bytes *names, *regex, *regex_names;
    struct consumer_candidate candidate;
    bool subscribes_anew;
    bool target_is_void; /* a classic group's, which is rebalancing or left partitions to nobody */
    /* The group as it will be. */
    int32_t epoch, assignment_epoch;
    int64_t metadata_hash;
    const struct partition_list *target; /* the member's, or: */
    struct partition_list made;
    struct consumer_standing standing;
    /* As it stands then: of `standing` or of the member. */
    struct consumer_standing then;
    bool reassigned; /* it has other partitions than before */
};

/* All that is checked before anything is decided (the table of KIP-848, in its order): sets
 * `member`, `replaced` and `owned`. 0, or the error, with its sentence. */
int16_t consumer_check_request(struct consumer_heartbeat *heartbeat);
int16_t consumer_check_member(struct consumer_decision *decision);
/* What the request says that the member owns. */
void consumer_read_owned(struct consumer_decision *decision);
/* Sets the sentence; returns `error`. */
int16_t consumer_refuse(struct consumer_heartbeat *heartbeat, int16_t error, const char *format,
                        ...) __attribute__((format(printf, 3, 4)));

/* To and from the classic protocol, by who knows both. */
struct consumer_conversions {
    /* Of a row without a consumer group, which somebody joins: if it has a classic group the
     * decision's group becomes what that is, with its records in the batch. 0, or an error. */
    int16_t (*upgrade)(struct consumer_decision *decision);
    /* What was written is applied, the row has a consumer group: what lived of a classic one goes.
     * True: there was one, and sessions are to begin. */
    bool (*upgraded)(struct group *row);
    /* Without the members that are marked to go it becomes a classic group. False: it does not, and
     * nothing is added. */
    bool (*downgrade)(struct group_batch *batch, const struct consumer_group *group,
                      const struct metadata *metadata);
};

/* The group, as long as it is there, or nobody's: for consumer_decision_close. */
void consumer_decision_open(struct consumer_decision *decision, struct group *row);
void consumer_decision_close(struct consumer_decision *decision);
/* What becomes of the member and of the group: all its records go to the batch. 0, or an error with
 * its sentence. */
int16_t consumer_decide(struct consumer_decision *decision);
/* The same of a member that is alive, and says nothing: the topics may be others, and a target may
 * be due. */
void consumer_decide_target(struct consumer_decision *decision);

#endif
