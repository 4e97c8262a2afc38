/* Two lists, of the last look and of this one. */
#include "broker/reassignment/newcomer_watch.h"

#include <string.h>

#include "base/mutant.h"

enum { READY_MS = 2000 };

void newcomer_watch_begin(struct newcomer_watch *watch) {
    memcpy(watch->before, watch->now, watch->now_count * sizeof watch->now[0]);
    watch->before_count = watch->now_count;
    watch->now_count = 0;
}

static bool is_near(struct raft_group *group, replica_id leader, replica_id replica,
                    uint32_t timeout_ms) {
    log_index match, last;
    uint64_t silent_ms, none_ms;
    return raft_group_member_progress(group, replica, &match, &silent_ms) &&
           raft_group_member_progress(group, leader, &last, &none_ms) && match > 0 &&
           match + RAFT_GROUP_IN_SYNC_ENTRIES >= last && silent_ms <= timeout_ms;
}

static uint64_t since_ms(const struct newcomer_watch *watch, replica_id replica, uint64_t now_ms) {
    for (size_t i = 0; i < watch->before_count; i++)
        if (watch->before[i].replica == replica) return watch->before[i].since_ms;
    return now_ms;
}

bool newcomer_is_ready(struct newcomer_watch *watch, struct raft_group *group, replica_id leader,
                       replica_id replica, uint32_t timeout_ms, uint64_t now_ms) {
    if (MUTANT(MUTANT_PROMOTED_BEHIND)) return true;
    if (watch->now_count == NEWCOMERS_MAX || !is_near(group, leader, replica, timeout_ms))
        return false;
    uint64_t since = since_ms(watch, replica, now_ms);
    watch->now[watch->now_count++] = (struct newcomer){replica, since};
    return now_ms - since >= READY_MS;
}
