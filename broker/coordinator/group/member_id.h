/* The id of a new member of the classic protocol: "<client id or instance id>-<uuid>", as Kafka's.
 */
#ifndef BROKER_COORDINATOR_GROUP_MEMBER_ID_H
#define BROKER_COORDINATOR_GROUP_MEMBER_ID_H

#include "broker/coordinator/group/group_call.h"

struct shared_bytes *member_id_new(struct env *env, const struct group_join *join);

#endif
