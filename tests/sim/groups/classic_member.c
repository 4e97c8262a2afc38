/*
 * A member of the classic protocol: JoinGroup, SyncGroup, Heartbeat, LeaveGroup; eager (it gives
 * everything up before it joins again) or cooperative (only what it is told to, KIP-429).
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/container_of.h"
#include "base/mem.h"
#include "protocol/messages/heartbeat.h"
#include "protocol/messages/join_group.h"
#include "protocol/messages/leave_group.h"
#include "protocol/messages/sync_group.h"
#include "tests/sim/groups/leader_shares.h"
#include "tests/sim/groups/member_internal.h"

enum { SOON_US = 2000, AGAIN_US = 40000, STATIC_LEAST = 3, JOIN_STATIC_LEAST = 5 };

static bool is_cooperative(const struct member *member) {
    return member->protocol == MEMBER_COOPERATIVE;
}

static const char *protocol_of(const struct member *member) {
    return is_cooperative(member) ? "cooperative-sticky" : "range";
}

static int version_of(struct member *member, int most, int static_least) {
    int least = member_is_static(member) ? static_least : 0;
    return (int)world_between(member->run->world, (uint64_t)least, (uint64_t)most);
}

static void join_again(struct member *member, uint64_t after_us) {
    member->state = JOINS;
    member_later(member, after_us);
}

/* What it had is lost; it begins anew, under no id. */
static void begin_anew(struct member *member) {
    member_gives_up_all(member);
    if (member->holder != NULL) holder_died(member->holder);
    member->holder = NULL;
    member->id[0] = '\0';
    member->epoch = -1;
    join_again(member, AGAIN_US);
}

static void take_id(struct member *member, struct kp_string id) {
    snprintf(member->id, sizeof member->id, "%.*s", id.len, id.data);
    if (member->holder == NULL) member_begins(member);
}

/* Errors that end what it was. False: it is none of those. */
static bool is_thrown_out(struct member *member, int16_t code, bool excused) {
    uint32_t in_term = member_answered_in(member);
    if (code != KAFKA_UNKNOWN_MEMBER_ID && code != KAFKA_ILLEGAL_GENERATION &&
        code != KAFKA_FENCED_INSTANCE_ID)
        return false;
    if (member->holder != NULL) holder_refused(member->holder, code, excused, in_term);
    if (code == KAFKA_FENCED_INSTANCE_ID) {
        member_ends(member);
    } else if (code == KAFKA_UNKNOWN_MEMBER_ID) {
        begin_anew(member);
    } else {
        member_gives_up_all(member);
        member->epoch = -1;
        join_again(member, SOON_US);
    }
    return true;
}

/* ---- Heartbeat ---- */

static void beaten(struct kafka_call *call, int error, const void *answer) {
    struct member *member = CONTAINER_OF(call, struct member, call);
    const struct kp_heartbeat_response *response = answer;
    int16_t code = error == ERR_NONE ? response->error_code : KAFKA_NONE;
    if (member_coordinator_moved(member, error, code)) return;
    if (is_thrown_out(member, code, false)) return;
    if (code != KAFKA_NONE && code != KAFKA_REBALANCE_IN_PROGRESS)
        member_fail(member, code, "Heartbeat");
    holder_heard(member->holder, member->sent_us, code == KAFKA_NONE, member_answered_in(member));
    if (code == KAFKA_NONE)
        member_later(member, member->options->interval_us);
    else
        join_again(member, SOON_US);
}

static void beat(struct member *member) {
    struct kp_heartbeat_request request;
    kp_set_fallbacks(&kp_heartbeat_request_schema, &request);
    request.group_id = kp_string_of(book_group_name(member->options->group));
    request.generation_id = member->epoch;
    request.member_id = kp_string_of(member->id);
    request.group_instance_id = member_instance(member);
    member->call.done = beaten;
    member_call(member, KP_HEARTBEAT, version_of(member, 4, STATIC_LEAST), &request,
                MEMBER_CALL_US);
}

/* ---- SyncGroup ---- */

static void assigned(struct member *member, const struct kp_sync_group_response *response) {
    struct owned_list list;
    consumer_bytes_assignment(member->run, response->assignment, &list);
    member->epoch = member->joined_generation;
    member->joins = 0;
    run_count(member->run, RARE_ASSIGNED, 1);
    holder_heard(member->holder, member->sent_us, true, member_answered_in(member));
    bool gave = member_keeps_only(member, &list);
    member_told(member, member->epoch, &list);
    member->state = gave && is_cooperative(member) ? JOINS : STEADY;
    member_later(member, gave ? SOON_US : member->options->interval_us);
}

static void synced(struct kafka_call *call, int error, const void *answer) {
    struct member *member = CONTAINER_OF(call, struct member, call);
    const struct kp_sync_group_response *response = answer;
    int16_t code = error == ERR_NONE ? response->error_code : KAFKA_NONE;
    run_say(member->run, "group %s, seat %u, '%s' syncs generation %d: %s",
            book_group_name(member->options->group), member->options->seat, member->id,
            member->joined_generation,
            error == ERR_NONE ? kafka_error_name(code) : error_phrase(error));
    if (member_coordinator_moved(member, error, code)) return;
    if (is_thrown_out(member, code, code == KAFKA_ILLEGAL_GENERATION)) return;
    if (code == KAFKA_REBALANCE_IN_PROGRESS)
        join_again(member, SOON_US);
    else if (code != KAFKA_NONE)
        member_fail(member, code, "SyncGroup");
    else
        assigned(member, response);
}

static void sync(struct member *member) {
    struct kp_sync_group_request request;
    struct kp_sync_group_request_assignment assignments[LEADER_MEMBERS_MAX];
    struct consumer_bytes bytes[LEADER_MEMBERS_MAX];
    kp_set_fallbacks(&kp_sync_group_request_schema, &request);
    request.group_id = kp_string_of(book_group_name(member->options->group));
    request.generation_id = member->joined_generation;
    request.member_id = kp_string_of(member->id);
    request.group_instance_id = member_instance(member);
    request.protocol_type = kp_string_of("consumer");
    request.protocol_name = kp_string_of(protocol_of(member));
    request.assignments.items = assignments;
    for (size_t i = 0; i < member->shares.count; i++) {
        const struct leader_share *share = &member->shares.members[i];
        kp_set_fallbacks(&kp_sync_group_request_assignment_schema, &assignments[i]);
        consumer_bytes_of_assignment(member->options->topic, &share->gets, &bytes[i]);
        assignments[i].member_id = kp_string_of(share->id);
        assignments[i].assignment = consumer_bytes_view(&bytes[i]);
    }
    request.assignments.count = (int32_t)member->shares.count;
    member->call.done = synced;
    member_call(member, KP_SYNC_GROUP, version_of(member, 5, STATIC_LEAST), &request,
                MEMBER_CALL_US);
}

/* ---- JoinGroup ---- */

static void share_out(struct member *member, const struct kp_join_group_response *response) {
    member->shares.count = 0;
    if (response->skip_assignment || response->members.count == 0) return;
    for (int32_t i = 0; i < response->members.count; i++) {
        const struct kp_join_group_response_member *one = &response->members.items[i];
        struct leader_share *share = &member->shares.members[member->shares.count++];
        snprintf(share->id, sizeof share->id, "%.*s", one->member_id.len, one->member_id.data);
        consumer_bytes_subscription(member->run, one->metadata, &share->owns, &share->generation);
    }
    leader_shares_divide(&member->shares, member->options->partitions, is_cooperative(member));
}

/* The id that it was told, a moment ago and on this connection, is not known where it was told:
 * what the log says of the group since it was asked for decides whether it may be. */
static void judge_told_id(struct member *member) {
    bool same = member->told_id_by == member->asked && member->told_id_in == member->in_term &&
                member->told_id_on == kafka_link_ended(member->links[member->asked]);
    bool soon = world_now_us(member->run->world) < member->told_id_us + member->options->session_us;
    if (same && soon && member->told_id_in != 0 && member_answered_in(member))
        book_forgot_id(member->options->group, member->options->seat, member->told_id_at,
                       member_log_end(member));
}

static void told_id(struct member *member, struct kp_string id) {
    take_id(member, id);
    member->told_id_by = member->asked;
    member->told_id_in = member->in_term;
    member->told_id_us = member->sent_us;
    member->told_id_at = member->asked_at;
    member->told_id_on = kafka_link_ended(member->links[member->asked]);
    member_later(member, SOON_US);
}

static void joined(struct kafka_call *call, int error, const void *answer) {
    struct member *member = CONTAINER_OF(call, struct member, call);
    const struct kp_join_group_response *response = answer;
    int16_t code = error == ERR_NONE ? response->error_code : KAFKA_NONE;
    run_say(member->run, "group %s, seat %u, '%s' joins, v%d: %s, generation %d%s",
            book_group_name(member->options->group), member->options->seat, member->id,
            call->version, error == ERR_NONE ? kafka_error_name(code) : error_phrase(error),
            error == ERR_NONE ? response->generation_id : -1,
            error == ERR_NONE && response->members.count > 0 ? ", as its leader" : "");
    if (code == KAFKA_UNKNOWN_MEMBER_ID) judge_told_id(member);
    if (error != ERR_NONE || code != KAFKA_MEMBER_ID_REQUIRED) member->told_id_in = 0;
    if (member_coordinator_moved(member, error, code)) return;
    if (is_thrown_out(member, code, false)) return;
    if (code == KAFKA_MEMBER_ID_REQUIRED) {
        told_id(member, response->member_id);
    } else if (code == KAFKA_REBALANCE_IN_PROGRESS) {
        member_later(member, AGAIN_US);
    } else if (code != KAFKA_NONE) {
        member_fail(member, code, "JoinGroup");
    } else {
        take_id(member, response->member_id);
        holder_heard(member->holder, member->sent_us, true, member_answered_in(member));
        member->joined_generation = response->generation_id;
        share_out(member, response);
        member->state = SYNCS;
        member_later(member, SOON_US);
    }
}

static void join(struct member *member) {
    struct kp_join_group_request request;
    struct kp_join_group_request_protocol protocol;
    struct consumer_bytes metadata;
    static const struct owned_list nothing = {.count = 0};
    bool keeps = is_cooperative(member) && member->holder != NULL;
    if (member_is_static(member) && member->id[0] == '\0')
        book_instance_comes(member->options->group, member->options->seat);
    if (!keeps) member_gives_up_all(member);
    kp_set_fallbacks(&kp_join_group_request_schema, &request);
    kp_set_fallbacks(&kp_join_group_request_protocol_schema, &protocol);
    consumer_bytes_of_subscription(member->options->topic,
                                   keeps ? holder_holds(member->holder) : &nothing,
                                   keeps ? member->epoch : -1, &metadata);
    protocol.name = kp_string_of(protocol_of(member));
    protocol.metadata = consumer_bytes_view(&metadata);
    request.group_id = kp_string_of(book_group_name(member->options->group));
    request.session_timeout_ms = (int32_t)(member->options->session_us / 1000);
    request.rebalance_timeout_ms = (int32_t)(member->options->rebalance_us / 1000);
    request.member_id = kp_string_of(member->id);
    request.group_instance_id = member_instance(member);
    request.protocol_type = kp_string_of("consumer");
    request.protocols.items = &protocol;
    request.protocols.count = 1;
    member->joins++;
    member->call.done = joined;
    member_call(member, KP_JOIN_GROUP, version_of(member, 9, JOIN_STATIC_LEAST), &request,
                2 * member->options->rebalance_us);
}

/* ---- LeaveGroup ---- */

static void left(struct kafka_call *call, int error, const void *answer) {
    struct member *member = CONTAINER_OF(call, struct member, call);
    (void)error;
    (void)answer; /* whatever it is: nobody waits for it */
    member_ends(member);
}

static void leave(struct member *member) {
    struct kp_leave_group_request request;
    struct kp_leave_group_request_member one;
    kp_set_fallbacks(&kp_leave_group_request_schema, &request);
    kp_set_fallbacks(&kp_leave_group_request_member_schema, &one);
    request.group_id = kp_string_of(book_group_name(member->options->group));
    request.member_id = one.member_id = kp_string_of(member->id);
    one.group_instance_id = member_instance(member);
    request.members.items = &one;
    request.members.count = 1;
    member_gives_up_all(member);
    run_count(member->run, RARE_MEMBERS_LEFT, 1);
    member->call.done = left;
    member_call(member, KP_LEAVE_GROUP, version_of(member, 5, STATIC_LEAST), &request,
                MEMBER_CALL_US);
}

/* ---- Life ---- */

/* Static members go without a word, but for those that an administrator removes. */
static bool leaves_silently(struct member *member) {
    return member->id[0] == '\0' || (member_is_static(member) && member_draw(member, 2) > 0);
}

void classic_member_step(struct member *member) {
    if (member->leaving && leaves_silently(member))
        member_ends(member);
    else if (member->leaving)
        leave(member);
    else if (member->state == JOINS)
        join(member);
    else if (member->state == SYNCS)
        sync(member);
    else
        beat(member);
}
