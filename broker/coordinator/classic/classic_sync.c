/*
 * SyncGroup: members fetch what the leader assigned, which counts when its record has committed.
 */
#include "base/check.h"
#include "base/mutant.h"
#include "broker/coordinator/classic/classic_internal.h"
#include "broker/coordinator/group/group_batch.h"

int16_t classic_write_error(int16_t error) {
    return error == KAFKA_RECORD_LIST_TOO_LARGE ? KAFKA_UNKNOWN_SERVER_ERROR : error;
}

static struct kp_bytes bytes_or_none(const struct shared_bytes *bytes) {
    struct kp_bytes view = shared_bytes_view(bytes);
    return view.len >= 0 ? view : (struct kp_bytes){.data = (const uint8_t *)"", .len = 0};
}

static struct kp_classic_group_member record_of(const struct classic_member *member, bool next) {
    const struct classic_group *classic = member->classic;
    return (struct kp_classic_group_member){
        .member_id = shared_string(member->id),
        .group_instance_id = shared_string(member->instance),
        .client_id = shared_string(member->client_id),
        .client_host = shared_string(member->client_host),
        .rebalance_timeout_ms = member->rebalance_timeout_ms,
        .session_timeout_ms = member->session_timeout_ms,
        .subscription = bytes_or_none(classic_member_metadata(member, classic->protocol)),
        .assignment = bytes_or_none(next ? member->next_assignment : member->assignment),
    };
}

void classic_write_members(struct classic_group *classic, struct group_turn *turn, bool next) {
    struct kp_classic_group_value value;
    struct group_batch batch;
    kp_set_fallbacks(&kp_classic_group_value_schema, &value);
    value.protocol_type = shared_string(classic->type);
    value.generation = classic->generation;
    value.protocol = shared_string(classic->protocol);
    value.leader = shared_string(classic->leader->id);
    value.state_time_ms = env_wall_ms(classic_table(classic)->env);
    value.members.items = mem_alloc(classic_size(classic) * sizeof *value.members.items);
    value.members.count = 0;
    for (const struct classic_member *member = classic->members; member != NULL;
         member = member->by_id.next)
        value.members.items[value.members.count++] = record_of(member, next);
    group_batch_open(&batch);
    classic_record_add(classic->group, &value, &batch);
    mem_free(value.members.items);
    group_turn_write(turn, &batch);
    group_batch_close(&batch);
}

/* ---- The leader's ---- */

static void set_next(struct classic_group *classic, const struct group_sync *sync) {
    for (size_t i = 0; i < sync->assignment_count; i++) {
        const struct group_assignment *one = &sync->assignments[i];
        struct classic_member *member = classic_member_find(classic, one->member_id);
        if (member == NULL) continue;
        shared_bytes_release(member->next_assignment);
        member->next_assignment = shared_bytes_of(
            NULL, one->assignment.data, one->assignment.len < 0 ? 0 : one->assignment.len);
        classic_member_weigh(member);
    }
}

static void take_next(struct classic_group *classic, bool committed) {
    for (struct classic_member *member = classic->members; member != NULL;
         member = member->by_id.next) {
        if (committed) {
            shared_bytes_release(member->assignment);
            shared_bytes_release(member->owned);
            member->assignment = member->next_assignment;
            member->owned = shared_bytes_take(member->assignment);
        } else {
            shared_bytes_release(member->next_assignment);
        }
        member->next_assignment = NULL;
        classic_member_weigh(member);
    }
}

static void assigned(struct classic_group *classic, struct group_sync *leader_sync) {
    take_next(classic, true);
    classic_move(classic, CLASSIC_STABLE);
    if (classic->owing == 0) classic_timer_clear(classic);
    classic_handover_begin(classic);
    classic_handover_sync(classic->leader, leader_sync);
    for (struct classic_member *member = classic->members; member != NULL;
         member = member->by_id.next)
        if (member->sync != NULL) classic_handover_sync(member, member->sync);
}

static void not_assigned(struct classic_group *classic, struct group_sync *leader_sync,
                         int16_t error) {
    take_next(classic, false);
    classic_refuse_syncs(classic, classic_write_error(error));
    group_call_answer(classic->group->table, &leader_sync->call, classic_write_error(error));
    classic_member_renew(classic->leader);
    group_history_note(classic->group, KP_GROUP_FAILED, &group_event_nobody);
    classic_prepare(classic);
}

static size_t assigned_bytes(const struct group_sync *sync) {
    size_t bytes = 0;
    for (size_t i = 0; i < sync->assignment_count; i++)
        if (sync->assignments[i].assignment.len > 0)
            bytes += (size_t)sync->assignments[i].assignment.len;
    return bytes;
}

/* No batch has room for it: then neither copies nor records are made of it, which would take a
 * hundred megabytes, and as many milliseconds. Nor is more of it kept than of the record before
 * while the memory of groups is spent. */
static int16_t check_assigned(const struct classic_group *classic, const struct group_sync *sync) {
    const struct group *group = classic->group;
    size_t bytes = assigned_bytes(sync);
    if (bytes > (size_t)group->table->settings->message_max_bytes)
        return KAFKA_RECORD_LIST_TOO_LARGE;
    size_t before = group->record == NULL ? 0 : group->record->len;
    return bytes > before && group_refuses_more(group) ? KAFKA_COORDINATOR_NOT_AVAILABLE
                                                       : KAFKA_NONE;
}

static void leader_written(struct group_turn *turn, int16_t error) {
    struct group_sync *sync = CONTAINER_OF(turn, struct group_sync, call.turn);
    struct group *group = turn->group;
    struct classic_group *classic = group->classic;
    CHECK(classic->state == CLASSIC_COMPLETING); /* nothing changes while a turn is written */
    classic->leader_sync = NULL;
    if (MUTANT(MUTANT_SYNC_TOLD_EARLY) && error == KAFKA_NOT_COORDINATOR) error = KAFKA_NONE;
    if (error == KAFKA_NONE)
        assigned(classic, sync);
    else
        not_assigned(classic, sync, error);
    classic_turn_end(group, turn);
}

/* ---- Any ---- */

static bool differs(const struct shared_bytes *known, struct kp_string said) {
    return known != NULL && said.len >= 0 && !shared_string_is(known, said);
}

static int16_t sync_check(const struct classic_group *classic, const struct group_sync *sync,
                          struct classic_member **member) {
    int16_t error = classic_validate(classic, sync->member_id, sync->instance_id, member);
    if (error != KAFKA_NONE) return error;
    if (sync->generation != classic->generation) return KAFKA_ILLEGAL_GENERATION;
    if (differs(classic->type, sync->protocol_type) || differs(classic->protocol, sync->protocol))
        return KAFKA_INCONSISTENT_GROUP_PROTOCOL;
    return classic->state == CLASSIC_PREPARING ? KAFKA_REBALANCE_IN_PROGRESS : KAFKA_NONE;
}

static void owes_no_more(struct classic_member *member) {
    struct classic_group *classic = member->classic;
    if (!member->owes_sync) return;
    member->owes_sync = false;
    if (--classic->owing == 0 && classic->state == CLASSIC_STABLE) classic_timer_clear(classic);
}

void classic_sync(struct group *group, struct group_sync *sync) {
    struct classic_group *classic = classic_live(group);
    struct classic_member *member = NULL;
    int16_t error = sync_check(classic, sync, &member);
    if (error != KAFKA_NONE) {
        group_call_answer(group->table, &sync->call, error);
        classic_turn_end(group, &sync->call.turn);
        return;
    }
    owes_no_more(member);
    bool brings = classic->state == CLASSIC_COMPLETING && member == classic->leader;
    if (brings) error = check_assigned(classic, sync);
    if (error != KAFKA_NONE) {
        not_assigned(classic, sync, error);
        classic_turn_end(group, &sync->call.turn);
        return;
    }
    if (brings) {
        classic->leader_sync = sync;
        sync->call.turn.written = leader_written;
        set_next(classic, sync);
        classic_write_members(classic, &sync->call.turn, true);
        return;
    }
    if (classic->state == CLASSIC_COMPLETING)
        classic_park_sync(member, sync);
    else
        classic_handover_sync(member, sync);
    classic_turn_end(group, &sync->call.turn);
}
