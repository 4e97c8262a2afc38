/*
 * What members ask: what is wrong whatever the group is like is answered here, in Kafka's order;
 * the rest goes to the group, in its turn.
 */
#include "base/check.h"
#include "broker/coordinator/classic/classic_group.h"
#include "broker/coordinator/consumer/consumer_heartbeat.h"
#include "broker/coordinator/consumer/consumer_records.h"
#include "broker/coordinator/group/group_presence.h"
#include "broker/coordinator/migration/consumer_classic.h"
#include "broker/coordinator/serving/group_coordinator_internal.h"
#include "protocol/kafka_error.h"

/* What is kept in a record must fit into a string of it, which has 16 bits for its length. (What
 * may come to be is shorter: group_id_fits.) */
static bool is_too_long(struct kp_string string) {
    return string.len > INT16_MAX;
}

static int16_t check_group(const struct group_table *groups, struct kp_string group_id) {
    if (group_id.len <= 0 || is_too_long(group_id)) return KAFKA_INVALID_GROUP_ID;
    return groups->leading ? KAFKA_NONE : KAFKA_NOT_COORDINATOR;
}

/* ---- JoinGroup ---- */

static int16_t check_join(const struct group_table *groups, const struct group_join *join) {
    const struct broker_settings *settings = groups->settings;
    int16_t error = check_group(groups, join->group_id);
    if (error != KAFKA_NONE) return error;
    if (join->session_timeout_ms < (int64_t)settings->group_min_session_timeout_ms ||
        join->session_timeout_ms > (int64_t)settings->group_max_session_timeout_ms)
        return KAFKA_INVALID_SESSION_TIMEOUT;
    if (is_too_long(join->member_id)) return KAFKA_UNKNOWN_MEMBER_ID;
    if (!group_id_fits(groups, join->instance_id)) return KAFKA_INVALID_REQUEST;
    bool fits = !is_too_long(join->protocol_type);
    for (size_t p = 0; fits && p < join->protocol_count; p++)
        fits = !is_too_long(join->protocols[p].name);
    return fits ? KAFKA_NONE : KAFKA_INCONSISTENT_GROUP_PROTOCOL;
}

static void join_refuse(struct group_table *groups, struct group_join *join, int16_t error) {
    join->generation = -1;
    join->member = shared_string_of(NULL, join->member_id);
    group_call_answer(groups, &join->call, error);
}

static void join_end(struct group_turn *turn, int16_t error) {
    join_refuse(turn->group->table, CONTAINER_OF(turn, struct group_join, call.turn), error);
    group_turn_end(turn);
}

/* The tombstones of a consumer group in which nobody was. */
static void emptied_written(struct group_turn *turn, int16_t error) {
    if (error != KAFKA_NONE)
        join_end(turn, error);
    else
        classic_join(turn->group, CONTAINER_OF(turn, struct group_join, call.turn));
}

static void run_join(struct group_turn *turn) {
    const struct consumer_group *consumers = turn->group->consumer;
    if (turn->group->share != NULL) {
        join_end(turn, KAFKA_INCONSISTENT_GROUP_PROTOCOL);
    } else if (consumers == NULL) {
        classic_join(turn->group, CONTAINER_OF(turn, struct group_join, call.turn));
    } else if (consumers->member_count > 0) {
        consumer_classic_join(turn->group->consumer,
                              CONTAINER_OF(turn, struct group_join, call.turn));
    } else {
        struct group_batch batch;
        group_batch_open(&batch);
        consumer_add_tombstones(&batch, consumers);
        turn->written = emptied_written;
        group_turn_write(turn, &batch);
        group_batch_close(&batch);
    }
}

void group_coordinator_join(struct group_coordinator *coordinator, struct group_join *join) {
    struct group_table *groups = &coordinator->groups;
    join->call.kind = GROUP_JOIN;
    if (join->client_id.len < 0) join->client_id = kp_string_of("");
    if (join->member_id.len < 0) join->member_id = kp_string_of("");
    if (join->rebalance_timeout_ms < 0) join->rebalance_timeout_ms = join->session_timeout_ms;
    int16_t error = check_join(groups, join);
    struct group *group = error == KAFKA_NONE ? group_find(groups, join->group_id) : NULL;
    if (error == KAFKA_NONE && group == NULL && join->member_id.len > 0)
        error = KAFKA_UNKNOWN_MEMBER_ID;
    if (error == KAFKA_NONE && group == NULL && !group_id_fits(groups, join->group_id))
        error = KAFKA_INVALID_GROUP_ID;
    if (error != KAFKA_NONE) {
        join_refuse(groups, join, error);
        return;
    }
    if (group == NULL) group = group_make(groups, join->group_id);
    group_call_take(group, &join->call, run_join);
}

void group_coordinator_forget_asker(struct group_coordinator *coordinator, const void *asker) {
    classic_forget_asker(&coordinator->groups, asker);
    group_presence_closed(&coordinator->groups, asker);
}

/* Members of share groups are nobody to the classic protocol. True: it was answered. */
static bool is_of_share_group(struct group_turn *turn, struct group_call *call, int16_t error) {
    if (turn->group->share == NULL) return false;
    group_call_answer(turn->group->table, call, error);
    group_turn_end(turn);
    return true;
}

/* ---- SyncGroup ---- */

static void run_sync(struct group_turn *turn) {
    struct group_sync *sync = CONTAINER_OF(turn, struct group_sync, call.turn);
    if (is_of_share_group(turn, &sync->call, KAFKA_UNKNOWN_MEMBER_ID)) return;
    if (turn->group->consumer == NULL)
        classic_sync(turn->group, sync);
    else
        consumer_classic_sync(turn->group->consumer, sync);
}

void group_coordinator_sync(struct group_coordinator *coordinator, struct group_sync *sync) {
    struct group_table *groups = &coordinator->groups;
    sync->call.kind = GROUP_SYNC;
    int16_t error = check_group(groups, sync->group_id);
    struct group *group = error == KAFKA_NONE ? group_find(groups, sync->group_id) : NULL;
    if (error == KAFKA_NONE && group == NULL) error = KAFKA_UNKNOWN_MEMBER_ID;
    if (error != KAFKA_NONE)
        group_call_answer(groups, &sync->call, error);
    else
        group_call_take(group, &sync->call, run_sync);
}

/* ---- Heartbeat ---- */

static void run_heartbeat(struct group_turn *turn) {
    struct group_heartbeat *heartbeat = CONTAINER_OF(turn, struct group_heartbeat, call.turn);
    if (is_of_share_group(turn, &heartbeat->call, KAFKA_UNKNOWN_MEMBER_ID)) return;
    if (turn->group->consumer == NULL)
        classic_heartbeat(turn->group, heartbeat);
    else
        consumer_classic_heartbeat(turn->group->consumer, heartbeat);
}

void group_coordinator_heartbeat(struct group_coordinator *coordinator,
                                 struct group_heartbeat *heartbeat) {
    struct group_table *groups = &coordinator->groups;
    heartbeat->call.kind = GROUP_OTHER;
    int16_t error = check_group(groups, heartbeat->group_id);
    struct group *group = error == KAFKA_NONE ? group_find(groups, heartbeat->group_id) : NULL;
    if (error == KAFKA_NONE && group == NULL) error = KAFKA_UNKNOWN_MEMBER_ID;
    if (error != KAFKA_NONE)
        group_call_answer(groups, &heartbeat->call, error);
    else
        group_call_take(group, &heartbeat->call, run_heartbeat);
}

/* ---- LeaveGroup ---- */

static void leave_refuse(struct group_leave *leave) {
    for (size_t i = 0; i < leave->leaver_count; i++)
        leave->leavers[i].error = KAFKA_UNKNOWN_MEMBER_ID;
}

static void run_leave(struct group_turn *turn) {
    struct group_leave *leave = CONTAINER_OF(turn, struct group_leave, call.turn);
    if (turn->group->share != NULL) leave_refuse(leave);
    if (is_of_share_group(turn, &leave->call, KAFKA_NONE)) return;
    if (turn->group->consumer == NULL)
        classic_leave(turn->group, leave);
    else
        consumer_leave(turn->group->consumer, leave);
}

void group_coordinator_leave(struct group_coordinator *coordinator, struct group_leave *leave) {
    struct group_table *groups = &coordinator->groups;
    leave->call.kind = GROUP_OTHER;
    int16_t error = check_group(groups, leave->group_id);
    struct group *group = error == KAFKA_NONE ? group_find(groups, leave->group_id) : NULL;
    if (error == KAFKA_NONE && group == NULL) leave_refuse(leave);
    if (group == NULL)
        group_call_answer(groups, &leave->call, error);
    else
        group_call_take(group, &leave->call, run_leave);
}
