/* A heartbeat from its turn to its answer: member, group epoch, target, a step towards it. */
#include "broker/coordinator/consumer/consumer_heartbeat.h"

#include "base/check.h"
#include "base/mutant.h"
#include "broker/coordinator/consumer/consumer_decision.h"
#include "broker/coordinator/consumer/consumer_departures.h"
#include "broker/coordinator/consumer/consumer_reconcile.h"
#include "broker/coordinator/consumer/consumer_timing.h"
#include "protocol/kafka_error.h"

/* ---- The end ---- */

static void answer(struct consumer_heartbeat *heartbeat, int16_t error) {
    struct group_turn *turn = &heartbeat->call.turn;
    group_call_answer(turn->group->table, &heartbeat->call, error);
    group_turn_end(turn);
}

static void answered(struct consumer_member *member, const struct consumer_heartbeat *heartbeat) {
    member->told_ms = (uint32_t)heartbeat->heartbeat_interval_ms;
    consumer_session_renew(member);
}

static void committed(struct group_turn *turn, int16_t error) {
    struct consumer_heartbeat *heartbeat = CONTAINER_OF(turn, struct consumer_heartbeat, call.turn);
    const struct consumer_group *group = turn->group->consumer;
    if (MUTANT(MUTANT_EPOCH_TOLD_EARLY) && error == KAFKA_NOT_COORDINATOR) error = KAFKA_NONE;
    if (error == 0 && group != NULL && turn->group->table->conversions->upgraded(turn->group))
        consumer_sessions_begin(turn->group->consumer);
    struct consumer_member *member = error != 0 || group == NULL
                                         ? NULL
                                         : consumer_member_find(
                                               group, shared_string(heartbeat->member_id));
    if (member != NULL) answered(member, heartbeat);
    if (error == KAFKA_RECORD_LIST_TOO_LARGE)
        error = consumer_refuse(
            heartbeat, KAFKA_UNKNOWN_SERVER_ERROR,
            "What is to be written of the group has more bytes than a batch may have; raise message.max.bytes.");
    answer(heartbeat, error);
}

/* Writes what was decided, or answers at once when that is nothing. */
static void decision_finish(struct consumer_decision *decision) {
    struct consumer_heartbeat *heartbeat = decision->heartbeat;
    bool nothing = decision->batch.count == 0;
    if (decision->member != NULL && decision->group == decision->row->consumer)
        consumer_member_heard(decision->member, heartbeat->asker);
    if (nothing && decision->member != NULL) answered(decision->member, heartbeat);
    if (!nothing) {
        heartbeat->call.turn.written = committed;
        group_turn_write(&heartbeat->call.turn, &decision->batch);
    }
    consumer_decision_close(decision);
    if (nothing) answer(heartbeat, KAFKA_NONE);
}

/* ---- Leaving ---- */

static void leave(struct consumer_decision *decision) {
    const struct consumer_group *group = decision->group;
    const struct consumer_member *member = decision->member;
    struct consumer_heartbeat *heartbeat = decision->heartbeat;
    heartbeat->member_id = shared_bytes_take(member->id);
    heartbeat->member_epoch = heartbeat->request->member_epoch;
    if (heartbeat->member_epoch == CONSUMER_EPOCH_LEAVE_STATIC) {
        struct consumer_standing away = {.epoch = CONSUMER_EPOCH_LEAVE_STATIC,
                                         .previous_epoch = member->standing.epoch,
                                         .state = CONSUMER_STABLE};
        for (size_t i = 0; i < member->standing.assigned.count; i++)
            partition_list_add(&away.assigned, member->standing.assigned.items[i].topic,
                               member->standing.assigned.items[i].partition, 0);
        consumer_add_standing(&decision->batch, group, shared_string(member->id), &away);
        consumer_standing_close(&away);
    } else {
        decision->member->goes = true;
        consumer_member_note(member, KP_GROUP_LEFT, true);
        consumer_add_departures(&decision->batch, decision->group, heartbeat->metadata);
    }
    decision_finish(decision);
}

/* ---- The answer ---- */

static bool is_full_request(const struct kp_consumer_group_heartbeat_request *request) {
    return request->rebalance_timeout_ms != -1 && request->topic_partitions.count >= 0 &&
           (request->subscribed_topic_names.count >= 0 || request->subscribed_topic_regex.len >= 0);
}

static void fill_answer(const struct consumer_decision *decision) {
    struct consumer_heartbeat *heartbeat = decision->heartbeat;
    const struct consumer_standing *standing = &decision->then;
    heartbeat->member_id = decision->member != NULL ? shared_bytes_take(decision->member->id)
                                                    : shared_string_of(NULL, decision->member_id);
    heartbeat->member_epoch = standing->epoch;
    uint32_t interval_ms = consumer_timing(decision->row).heartbeat_interval_ms;
    bool soon = standing->state == CONSUMER_UNRELEASED ||
                decision->epoch > decision->assignment_epoch ||
                decision->group->hurry_until_ms > env_now_ms(decision->row->table->env);
    heartbeat->heartbeat_interval_ms =
        (int32_t)(soon && interval_ms > CONSUMER_SOON_MS ? CONSUMER_SOON_MS : interval_ms);
    const struct kp_consumer_group_heartbeat_request *request = heartbeat->request;
    if (!decision->reassigned && request->member_epoch != CONSUMER_EPOCH_JOIN &&
        !is_full_request(request))
        return;
    heartbeat->has_assignment = true;
    heartbeat->assigned_count = standing->assigned.count;
    heartbeat->assigned = mem_alloc(standing->assigned.count * sizeof *heartbeat->assigned);
    for (size_t i = 0; i < standing->assigned.count; i++)
        heartbeat->assigned[i] = (struct assigned_partition){
            decision->group->numbered[standing->assigned.items[i].topic]->id,
            standing->assigned.items[i].partition};
}

/* ---- The turn ---- */

static int16_t decide(struct consumer_decision *decision) {
    const struct group *row = decision->row;
    bool joins = decision->heartbeat->request->member_epoch == CONSUMER_EPOCH_JOIN;
    int16_t error = KAFKA_NONE;
    if (row->share != NULL)
        return consumer_refuse(decision->heartbeat, KAFKA_GROUP_ID_NOT_FOUND,
                               "Group %.*s is not a consumer group.",
                               row->id.len > 128 ? 128 : (int)row->id.len, row->id.data);
    if (joins && row->consumer == NULL) error = row->table->conversions->upgrade(decision);
    if (error == KAFKA_NONE) error = consumer_check_member(decision);
    if (error != KAFKA_NONE || decision->heartbeat->request->member_epoch < CONSUMER_EPOCH_JOIN)
        return error;
    error = consumer_decide(decision);
    if (error == KAFKA_NONE) fill_answer(decision);
    return error;
}

static void run(struct group_turn *turn) {
    struct consumer_heartbeat *heartbeat = CONTAINER_OF(turn, struct consumer_heartbeat, call.turn);
    struct consumer_decision decision = {.heartbeat = heartbeat};
    consumer_decision_open(&decision, turn->group);
    decision.member_id = heartbeat->request->member_id.len > 0 ? heartbeat->request->member_id
                                                               : kp_string_of(heartbeat->made_id);
    int16_t error = decide(&decision);
    if (error != KAFKA_NONE) {
        consumer_decision_close(&decision);
        answer(heartbeat, error);
    } else if (heartbeat->request->member_epoch < CONSUMER_EPOCH_JOIN) {
        leave(&decision);
    } else {
        decision_finish(&decision);
    }
}

/* Of what would come to be. */
static int16_t check_ids(const struct group_table *table, struct consumer_heartbeat *heartbeat) {
    const struct kp_consumer_group_heartbeat_request *request = heartbeat->request;
    bool fits = group_id_fits(table, request->member_id) &&
                group_id_fits(table, request->instance_id) &&
                (group_id_fits(table, request->group_id) ||
                 group_find(table, request->group_id) != NULL);
    return fits ? KAFKA_NONE
                : consumer_refuse(heartbeat, KAFKA_INVALID_REQUEST,
                                  "An id has more than %d bytes (group.id.max.bytes).",
                                  (int)table->settings->group_id_max_bytes);
}

void consumer_heartbeat_take(struct group_table *table, struct consumer_heartbeat *heartbeat) {
    heartbeat->call.kind = GROUP_OTHER;
    int16_t error = consumer_check_request(heartbeat);
    const struct kp_consumer_group_heartbeat_request *request = heartbeat->request;
    bool joins = request->member_epoch == CONSUMER_EPOCH_JOIN;
    if (error == KAFKA_NONE && joins) error = check_ids(table, heartbeat);
    struct group *group = error != KAFKA_NONE ? NULL
                          : joins             ? group_make(table, request->group_id)
                                              : group_find(table, request->group_id);
    if (error == KAFKA_NONE && group == NULL)
        error = consumer_refuse(heartbeat, KAFKA_GROUP_ID_NOT_FOUND, "Group %.*s not found.",
                                request->group_id.len > 128 ? 128 : (int)request->group_id.len,
                                request->group_id.data);
    if (error != KAFKA_NONE) {
        group_call_answer(table, &heartbeat->call, error);
        return;
    }
    if (request->member_id.len == 0) {
        struct kp_uuid id;
        env_random(table->env, id.bytes, sizeof id.bytes);
        kp_uuid_text(id, heartbeat->made_id);
    }
    table->metadata = heartbeat->metadata;
    group_call_take(group, &heartbeat->call, run);
}

void consumer_heartbeat_release(struct consumer_heartbeat *heartbeat) {
    shared_bytes_release(heartbeat->member_id);
    mem_free(heartbeat->assigned);
    heartbeat->member_id = NULL;
    heartbeat->assigned = NULL;
}
