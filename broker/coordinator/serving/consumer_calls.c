/* What members of KIP-848 groups ask: to the group. */
#include "broker/coordinator/serving/group_coordinator.h"
#include "protocol/kafka_error.h"

void group_coordinator_consumer_heartbeat(struct group_coordinator *coordinator,
                                          struct consumer_heartbeat *heartbeat) {
    struct group_table *groups = group_coordinator_groups(coordinator);
    heartbeat->call.kind = GROUP_OTHER;
    if (groups->leading)
        consumer_heartbeat_take(groups, heartbeat);
    else
        group_call_answer(groups, &heartbeat->call, KAFKA_NOT_COORDINATOR);
}

void group_coordinator_share_heartbeat(struct group_coordinator *coordinator,
                                       struct share_heartbeat *heartbeat) {
    struct group_table *groups = group_coordinator_groups(coordinator);
    heartbeat->call.kind = GROUP_OTHER;
    if (groups->leading)
        share_heartbeat_take(groups, heartbeat);
    else
        group_call_answer(groups, &heartbeat->call, KAFKA_NOT_COORDINATOR);
}
