/* Questions of handlers that need more than one service to answer. */
#include "broker/api/services.h"

#include "raft-glue/peer/peers.h"

bool services_broker_is_down(const struct broker_services *services,
                             const struct metadata_broker *broker) {
    if (broker->node == services->settings->node_id) return false;
    return broker->fenced || peers_is_dead(services->peers, broker->node);
}
