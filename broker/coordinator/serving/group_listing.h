/* What groups there are, for whoever lists them; and taking one away. */
#ifndef BROKER_COORDINATOR_SERVING_GROUP_LISTING_H
#define BROKER_COORDINATOR_SERVING_GROUP_LISTING_H

#include "broker/coordinator/serving/group_coordinator.h"

/* Borrowed during the call, but for names of states and types, which are static. */
struct group_seen {
    struct kp_string id;
    struct kp_string type;          /* "classic", "consumer" */
    struct kp_string protocol_type; /* "consumer"; "" of a simple group */
    struct kp_string state;         /* Kafka's name of it */
};

/* False: it is no group that is listed, because nobody has written it and it has no members. */
bool group_look(const struct group *group, struct group_seen *seen);

/* Of a leader that was confirmed. What nobody has written yet is not listed, unless it has members.
 */
void group_coordinator_list(struct group_coordinator *coordinator,
                            void (*each)(void *arg, const struct group_seen *seen), void *arg);

/* Nobody is in it: what it has committed goes, in parts, and with the last of them the group; it is
 * nobody else's turn meanwhile. GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP, and the errors of a decision,
 * behind which a part may have gone: it is asked for again. */
void group_coordinator_delete(struct group_coordinator *coordinator, struct group_delete *call);

#endif
