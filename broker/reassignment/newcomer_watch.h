/*
 * Since when a stand-by has had nearly all that its leader has: one that has for READY_MS may vote,
 * because it is no brake then.
 *
 * One watch for each group that is led and changes. A look begins, each stand-by is asked about,
 * the look ends; whoever was not near in it begins anew.
 */
#ifndef BROKER_REASSIGNMENT_NEWCOMER_WATCH_H
#define BROKER_REASSIGNMENT_NEWCOMER_WATCH_H

#include "raft-glue/raft_group.h"

enum { NEWCOMERS_MAX = 64 }; /* more of one group have to wait */

struct newcomer_watch {
    struct newcomer {
        replica_id replica;
        uint64_t since_ms;
    } before[NEWCOMERS_MAX], now[NEWCOMERS_MAX];
    size_t before_count, now_count;
};

void newcomer_watch_begin(struct newcomer_watch *watch);
/* Whether it has been near the end of what `leader`, ourselves, has, and not silent for
 * `timeout_ms`, for long enough. */
bool newcomer_is_ready(struct newcomer_watch *watch, struct raft_group *group, replica_id leader,
                       replica_id replica, uint32_t timeout_ms, uint64_t now_ms);

#endif
