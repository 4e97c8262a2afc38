/*
 * Where the replicas of a broker would go when it is drained: nowhere, where every other broker
 * that is alive has one of the partition already.
 *
 * As the cluster stands now; another one that drains counts as one that takes replicas.
 */
#ifndef CLIENT_BROKERS_DRAIN_PREVIEW_H
#define CLIENT_BROKERS_DRAIN_PREVIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "client/session/topic_session.h"

/* Asks the cluster, and prints (JSON) or says what would be. Returns an exit code; what failed was
 * said. */
int drain_preview_show(struct session *session, int32_t node, bool json);

#endif
