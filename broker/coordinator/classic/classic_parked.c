/* Syncs that wait: for the leader's, or for somebody who gives partitions back. A member's session
 * stands still meanwhile. */
#include "broker/coordinator/classic/classic_internal.h"

static void sync_gone(struct group_call *call) {
    struct classic_member *member = call->parked_at;
    member->sync = NULL;
    classic_member_renew(member);
}

void classic_park_sync(struct classic_member *member, struct group_sync *sync) {
    if (member->sync != NULL) classic_fail_sync(member, KAFKA_REBALANCE_IN_PROGRESS);
    if (member->overdue) classic_member_renew(member);
    member->sync = sync;
    group_timer_clear(classic_table(member->classic)->timers, &member->session);
    group_call_park(&sync->call, member, sync_gone);
}

void classic_fail_sync(struct classic_member *member, int16_t error) {
    struct group_sync *sync = member->sync;
    if (sync == NULL) return;
    member->sync = NULL;
    group_call_answer(classic_table(member->classic), &sync->call, error);
}

void classic_answer_sync(struct classic_member *member, struct group_sync *sync) {
    struct classic_group *classic = member->classic;
    sync->type = shared_bytes_take(classic->type);
    sync->chosen = shared_bytes_take(classic->protocol);
    sync->assignment = shared_bytes_take(member->assignment);
    if (member->sync == sync) member->sync = NULL;
    group_call_answer(classic_table(classic), &sync->call, KAFKA_NONE);
}

void classic_refuse_syncs(struct classic_group *classic, int16_t error) {
    for (struct classic_member *member = classic->members; member != NULL;
         member = member->by_id.next) {
        bool waited = member->sync != NULL;
        classic_fail_sync(member, error);
        if (waited) classic_member_renew(member);
        shared_bytes_release(member->assignment);
        member->assignment = NULL;
    }
}
