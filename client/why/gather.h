/*
 * The facts about a group, asked together: its coordinator and the leaders of its partitions.
 *
 * Happy path: of a group that is described and whose lag is measured. Failures: none; what nobody
 * tells is not known. Everything lives in the arena.
 */
#ifndef CLIENT_WHY_GATHER_H
#define CLIENT_WHY_GATHER_H

#include "client/kafka/group_view.h"
#include "why/facts.h"

void why_gather(const struct invocation *in, struct kp_arena *arena, const struct group_view *view,
                int64_t window_ms, struct why_facts *facts);

#endif
