/* Sent and received bytes of one connection over time. */
#include "raft-glue/peer/peer_flow.h"

void peer_flow_begin(struct peer_flow *flow, uint64_t now_ms) {
    flow->moved_ms = flow->mark_ms = now_ms;
    flow->mark = flow->sent;
}

bool peer_flow_received(struct peer_flow *flow, uint64_t received, bool paused, uint64_t now_ms) {
    if (received < flow->received || received > flow->sent) return false;
    if (received > flow->received || paused) flow->moved_ms = now_ms;
    flow->received = received;
    if (received >= flow->mark || paused) {
        flow->mark = flow->sent;
        flow->mark_ms = now_ms;
    }
    return true;
}

uint64_t peer_flow_stalled_ms(struct peer_flow *flow, uint64_t now_ms) {
    if (flow->received == flow->sent) flow->moved_ms = now_ms;
    return now_ms - flow->moved_ms;
}

uint64_t peer_flow_behind_ms(struct peer_flow *flow, uint64_t now_ms) {
    if (flow->received >= flow->mark) {
        flow->mark = flow->sent;
        flow->mark_ms = now_ms;
    }
    return now_ms - flow->mark_ms;
}
