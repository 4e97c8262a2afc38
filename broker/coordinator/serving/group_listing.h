/* What groups there are, for whoever lists them; and taking one away. */
#ifndef BROKER_COORDINATOR_SERVING_GROUP_LISTING_H
#define BROKER_COORDINATOR_SERVING_GROUP_LISTING_H

#include "broker/coordinator/serving/group_coordinator.h"

/* Borrowed until the next change, but for names of states and types, which are static. */
struct group_seen {
    struct kp_string id;
    struct kp_string type;          /* "classic", "consumer", "share" */
    struct kp_string protocol_type; /* "consumer"; "" of a simple group */
    struct kp_string state;         /* Kafka's name of it */
};

/* All that there are, NULL behind the last. */
enum { GROUP_STATES = 7, GROUP_TYPES = 3 };
extern const char *const group_state_names[GROUP_STATES + 1];
extern const char *const group_type_names[GROUP_TYPES + 1];

/* False: it is no group that is listed, because nobody has written it and it has no members. */
bool group_look(const struct group *group, struct group_seen *seen);

/* Nobody is in it: what it has committed goes, in parts, and with the last of them the group; it is
 * nobody else's turn meanwhile. GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP, and the errors of a decision,
 * behind which a part may have gone: it is asked for again. */
void group_coordinator_delete(struct group_coordinator *coordinator, struct group_delete *call);

#endif
