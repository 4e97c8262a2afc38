/* A heartbeat from its turn to its answer: member, group epoch, target, a step towards it. */
#include "broker/coordinator/consumer/consumer_heartbeat.h"

#include "base/check.h"
#include "broker/coordinator/consumer/consumer_assign.h"
#include "broker/coordinator/consumer/consumer_decision.h"
#include "broker/coordinator/consumer/consumer_reconcile.h"
#include "broker/coordinator/consumer/consumer_regexes.h"
#include "broker/coordinator/consumer/topic_names.h"
#include "protocol/kafka_error.h"

/* Who waits for others, or for an assignor, is asked to come back so soon. */
enum { SOON_MS = 500 };

/* ---- The end ---- */

static void decision_close(struct consumer_decision *decision) {
    group_batch_close(&decision->batch);
    partition_list_close(&decision->owned);
    partition_list_close(&decision->target);
    consumer_standing_close(&decision->standing);
    shared_bytes_release(decision->names);
    shared_bytes_release(decision->regex);
    shared_bytes_release(decision->regex_names);
    if (decision->group == NULL) return;
    if (decision->group != decision->row->consumer)
        consumer_group_free(decision->group);
    else
        consumer_topics_settle(decision->group);
}

static void answer(struct consumer_heartbeat *heartbeat, int16_t error) {
    struct group_turn *turn = &heartbeat->call.turn;
    group_call_answer(turn->group->table, &heartbeat->call, error);
    group_turn_end(turn);
}

static void committed(struct group_turn *turn, int16_t error) {
    struct consumer_heartbeat *heartbeat = CONTAINER_OF(turn, struct consumer_heartbeat, call.turn);
    const struct consumer_group *group = turn->group->consumer;
    struct consumer_member *member = error != 0 || group == NULL
                                         ? NULL
                                         : consumer_member_find(
                                               group, shared_string(heartbeat->member_id));
    if (member != NULL) consumer_session_renew(member);
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
    if (nothing && decision->member != NULL) consumer_session_renew(decision->member);
    if (!nothing) {
        heartbeat->call.turn.written = committed;
        group_turn_write(&heartbeat->call.turn, &decision->batch);
    }
    decision_close(decision);
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
        consumer_add_departures(&decision->batch, decision->group, heartbeat->metadata);
    }
    decision_finish(decision);
}

/* ---- The member ---- */

static struct kp_string said_or(struct kp_string said, const struct shared_bytes *before) {
    return said.len >= 0 ? said : shared_string(before);
}

/* The record of the member as the request changes it. */
static void decide_member(struct consumer_decision *decision) {
    const struct consumer_heartbeat *heartbeat = decision->heartbeat;
    const struct kp_consumer_group_heartbeat_request *request = heartbeat->request;
    static const struct consumer_member nobody = {.rebalance_timeout_ms = -1};
    const struct consumer_member *before = decision->member != NULL     ? decision->member
                                           : decision->replaced != NULL ? decision->replaced
                                                                        : &nobody;
    struct shared_pool *pool = decision->row->table->shared;
    bool names_said = request->subscribed_topic_names.count >= 0;
    decision->names = names_said ? topic_names_of(pool, request->subscribed_topic_names.items,
                                                  (size_t)request->subscribed_topic_names.count)
                      : before->names != NULL ? shared_bytes_take(before->names)
                                              : topic_names_of(pool, NULL, 0);
    struct kp_string regex = said_or(request->subscribed_topic_regex, before->regex);
    decision->regex = regex.len > 0 ? shared_string_of(pool, regex) : NULL;
    struct kp_consumer_member_value value = {
        .instance_id = said_or(request->instance_id, before->instance),
        .rack_id = said_or(request->rack_id, before->rack),
        .client_id = heartbeat->client_id.len < 0 ? kp_string_of("") : heartbeat->client_id,
        .client_host = heartbeat->client_host,
        .topic_regex = shared_string(decision->regex),
        .rebalance_timeout_ms = request->rebalance_timeout_ms != -1 ? request->rebalance_timeout_ms
                                                                    : before->rebalance_timeout_ms,
        .assignor = said_or(request->server_assignor, before->assignor),
    };
    decision->candidate = (struct consumer_candidate){.id = decision->member_id,
                                                      .instance = value.instance_id,
                                                      .names = decision->names,
                                                      .assignor = value.assignor,
                                                      .is = decision->member,
                                                      .replaces = decision->replaced};
    bool same = before == decision->member && decision->names == before->names &&
                shared_bytes_equal(decision->regex, before->regex) &&
                shared_string_is(before->instance, value.instance_id) &&
                shared_string_is(before->rack, value.rack_id) &&
                shared_string_is(before->client_id, value.client_id) &&
                shared_string_is(before->client_host, value.client_host) &&
                shared_string_is(before->assignor, value.assignor) &&
                before->rebalance_timeout_ms == value.rebalance_timeout_ms;
    decision->subscribes_anew = before == &nobody || decision->names != before->names ||
                                !shared_bytes_equal(decision->regex, before->regex);
    if (same) return;
    if (decision->replaced != NULL) consumer_add_leave(&decision->batch, decision->replaced);
    consumer_add_member(&decision->batch, decision->row->id, decision->member_id, value,
                        decision->names);
    if (!shared_bytes_equal(decision->regex, before->regex))
        consumer_add_regex_leave(&decision->batch, before);
}

/* ---- The group ---- */

/* A new epoch when somebody subscribes to something else, or the topics are not what they were. */
static void decide_epoch(struct consumer_decision *decision) {
    struct consumer_group *group = decision->group;
    const struct metadata *metadata = decision->heartbeat->metadata;
    bool looks = decision->subscribes_anew || group->metadata_version != metadata_version(metadata);
    decision->epoch = group->epoch;
    decision->metadata_hash = group->metadata_hash;
    if (looks)
        decision->metadata_hash = consumer_metadata_hash(group, metadata, &decision->candidate);
    bool bump = decision->subscribes_anew || decision->metadata_hash != group->metadata_hash;
    if (bump) {
        decision->epoch++;
        consumer_add_group(&decision->batch, decision->row->id, decision->epoch,
                           decision->metadata_hash);
    } else {
        group->metadata_version = metadata_version(metadata);
    }
}

/* ---- The step ---- */

/* The member as it stands; one that takes over an instance has what that had. */
static struct consumer_standing standing_before(const struct consumer_decision *decision) {
    const struct consumer_member *before = decision->member != NULL ? decision->member
                                                                    : decision->replaced;
    struct consumer_standing standing = {0};
    if (before == NULL) return standing;
    standing = before->standing;
    if (decision->member != NULL) return standing;
    standing.epoch = standing.previous_epoch = 0;
    standing.state = CONSUMER_STABLE;
    return standing;
}

static bool is_full_request(const struct kp_consumer_group_heartbeat_request *request) {
    return request->rebalance_timeout_ms != -1 && request->topic_partitions.count >= 0 &&
           (request->subscribed_topic_names.count >= 0 || request->subscribed_topic_regex.len >= 0);
}

static void fill_answer(struct consumer_decision *decision,
                        const struct consumer_standing *standing, bool changed) {
    struct consumer_heartbeat *heartbeat = decision->heartbeat;
    heartbeat->member_id = shared_string_of(NULL, decision->member_id);
    heartbeat->member_epoch = standing->epoch;
    uint32_t interval_ms = decision->row->table->settings->group_consumer_heartbeat_interval_ms;
    bool soon = standing->state == CONSUMER_UNRELEASED ||
                decision->epoch > decision->assignment_epoch;
    heartbeat->heartbeat_interval_ms = (int32_t)(soon && interval_ms > SOON_MS ? SOON_MS
                                                                               : interval_ms);
    const struct kp_consumer_group_heartbeat_request *request = heartbeat->request;
    if (!changed && request->member_epoch != CONSUMER_EPOCH_JOIN && !is_full_request(request))
        return;
    heartbeat->has_assignment = true;
    heartbeat->assigned_count = standing->assigned.count;
    heartbeat->assigned = mem_alloc(standing->assigned.count * sizeof *heartbeat->assigned);
    for (size_t i = 0; i < standing->assigned.count; i++)
        heartbeat->assigned[i] = (struct consumer_partition){
            decision->group->numbered[standing->assigned.items[i].topic]->id,
            standing->assigned.items[i].partition};
}

static void decide_step(struct consumer_decision *decision) {
    struct consumer_standing now = standing_before(decision);
    struct consumer_view view = {.group = decision->group,
                                 .now = &now,
                                 .target = &decision->target,
                                 .target_epoch = decision->assignment_epoch,
                                 .owned = decision->says_owned ? &decision->owned : NULL,
                                 .owns_strangers = decision->owns_strangers};
    enum consumer_step step = consumer_reconcile(&view, &decision->standing);
    if (step == CONSUMER_FENCED) {
        struct consumer_heartbeat *heartbeat = decision->heartbeat;
        decision_close(decision);
        answer(heartbeat,
               consumer_refuse(heartbeat, KAFKA_FENCED_MEMBER_EPOCH,
                               "The member must abandon all its partitions and rejoin."));
        return;
    }
    bool moves = step == CONSUMER_MOVES &&
                 !(decision->member != NULL && decision->member->has_standing &&
                   decision->standing.epoch == now.epoch && decision->standing.state == now.state &&
                   partition_list_equal(&decision->standing.assigned, &now.assigned) &&
                   partition_list_equal(&decision->standing.pending, &now.pending));
    const struct consumer_standing *then = step == CONSUMER_MOVES ? &decision->standing : &now;
    if (moves || (decision->member == NULL && step == CONSUMER_STAYS))
        consumer_add_standing(&decision->batch, decision->group, decision->member_id, then);
    fill_answer(decision, then, !partition_list_equal(&then->assigned, &now.assigned));
    decision_finish(decision);
}

/* ---- The turn ---- */

static void run(struct group_turn *turn) {
    struct consumer_heartbeat *heartbeat = CONTAINER_OF(turn, struct consumer_heartbeat, call.turn);
    struct group *row = turn->group;
    struct consumer_decision decision = {.heartbeat = heartbeat, .row = row};
    decision.group = row->consumer != NULL ? row->consumer : consumer_group_new(row);
    decision.member_id = heartbeat->request->member_id.len > 0 ? heartbeat->request->member_id
                                                               : kp_string_of(heartbeat->made_id);
    int16_t error = consumer_check_member(&decision);
    bool alone = row->consumer == NULL && (row->record != NULL || row->classic != NULL);
    if (error == KAFKA_NONE && alone &&
        (heartbeat->gives_way == NULL || !heartbeat->gives_way(row, &decision.batch)))
        error = consumer_refuse(heartbeat, KAFKA_GROUP_ID_NOT_FOUND,
                                "The group has members of the classic protocol.");
    if (error != KAFKA_NONE) {
        decision_close(&decision);
        answer(heartbeat, error);
        return;
    }
    if (heartbeat->request->member_epoch < CONSUMER_EPOCH_JOIN) {
        leave(&decision);
        return;
    }
    if (row->consumer != NULL) consumer_regexes_refresh(row->consumer, heartbeat->metadata);
    decide_member(&decision);
    consumer_regex_decide(&decision);
    if (decision.subscribes_anew &&
        consumer_names_total(decision.group, &decision.candidate) > CONSUMER_NAMES_MAX) {
        decision_close(&decision);
        answer(heartbeat,
               consumer_refuse(heartbeat, KAFKA_INVALID_REQUEST,
                               "Subscriptions of the group have more than %d topics in all.",
                               CONSUMER_NAMES_MAX));
        return;
    }
    decide_epoch(&decision);
    consumer_assign(&decision);
    decide_step(&decision);
}

void consumer_heartbeat_take(struct group_table *table, struct consumer_heartbeat *heartbeat) {
    heartbeat->call.kind = GROUP_OTHER;
    int16_t error = consumer_check_request(heartbeat);
    const struct kp_consumer_group_heartbeat_request *request = heartbeat->request;
    struct group *group = error != KAFKA_NONE ? NULL
                          : request->member_epoch == CONSUMER_EPOCH_JOIN
                              ? group_make(table, request->group_id)
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
