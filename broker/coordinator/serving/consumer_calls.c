/* What members of KIP-848 groups ask: to the group, if it may be one of that protocol. */
#include "broker/coordinator/classic/classic_group.h"
#include "broker/coordinator/serving/group_coordinator.h"
#include "protocol/kafka_error.h"

/* A classic group in which nobody is. */
static bool gives_way(struct group *group, struct group_batch *batch) {
    if (classic_state_of(group) != CLASSIC_EMPTY) return false;
    if (group->record != NULL) classic_record_add(group, NULL, batch);
    classic_drop(group, KAFKA_UNKNOWN_MEMBER_ID);
    return true;
}

void group_coordinator_consumer_heartbeat(struct group_coordinator *coordinator,
                                          struct consumer_heartbeat *heartbeat) {
    struct group_table *groups = group_coordinator_groups(coordinator);
    heartbeat->call.kind = GROUP_OTHER;
    heartbeat->gives_way = gives_way;
    if (groups->leading)
        consumer_heartbeat_take(groups, heartbeat);
    else
        group_call_answer(groups, &heartbeat->call, KAFKA_NOT_COORDINATOR);
}
