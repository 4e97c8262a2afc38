/* Questions of handlers that need more than one service to answer. */
#include "broker/api/services.h"

#include "raft-glue/peer/peers.h"

bool services_broker_is_named(const struct broker_services *services,
                              const struct metadata_broker *broker) {
    int64_t now_ms = env_wall_ms(services->env);
    if (!broker->fenced) return true;
    /* By the clock of another broker, which may be ahead. */
    return broker->fenced_ms > now_ms - SERVICES_NAMED_ON_MS &&
           broker->fenced_ms < now_ms + SERVICES_NAMED_ON_MS;
}

bool services_broker_is_down(const struct broker_services *services,
                             const struct metadata_broker *broker) {
    if (broker->node == services->settings->node_id) return false;
    return broker->fenced || peers_is_dead(services->peers, broker->node);
}
