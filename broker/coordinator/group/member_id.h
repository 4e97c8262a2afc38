/* The id of a new member of the classic protocol: "<client id or instance id>-<uuid>", as Kafka's;
 * the first is cut where that would be longer than group.id.max.bytes. */
#ifndef BROKER_COORDINATOR_GROUP_MEMBER_ID_H
#define BROKER_COORDINATOR_GROUP_MEMBER_ID_H

#include "broker/coordinator/group/group_call.h"

struct shared_bytes *member_id_new(const struct group_table *table, const struct group_join *join);

#endif
