/*
 * What the leader of a partition tells of a share there, to whoever asks why its group is not done:
 * a client, or the coordinator of the group.
 *
 * Happy path: share_told, of a share that is led here. Failures: none; what nobody has said yet is
 * 0. Invariant: nothing changes.
 */
#ifndef BROKER_SHARE_SHARE_TOLD_H
#define BROKER_SHARE_SHARE_TOLD_H

#include "broker/share/shares.h"
#include "protocol/messages/partition_traffic.h"

struct kp_partition_traffic_response_shared share_told(const struct share *share, uint64_t now_ms);

#endif
