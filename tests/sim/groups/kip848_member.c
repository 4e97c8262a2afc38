/*
 * A member of KIP-848: ConsumerGroupHeartbeat, and nothing else.
 *
 * It says what is new, and everything after a request without a good answer, as clients do. What it
 * is to give back it gives back before the heartbeat that no longer names it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/container_of.h"
#include "protocol/messages/consumer_group_heartbeat.h"
#include "tests/sim/groups/member_internal.h"

enum {
    SOON_US = 2000,
    GIVE_US = 300000,
    GIVING_US = 60000,
    AGAIN_US = 60000,
    LEAVES = -1,
    LEAVES_STATIC = -2,
    REGEX_VERSION = 1
};

static void say_all(struct member *member) {
    member->must_say_all = true;
}

/* It has lost what it had, and joins again under its id. */
static void join_again(struct member *member) {
    member_gives_up_all(member);
    member->give_at_us = 0;
    member->epoch = 0;
    say_all(member);
    member_later(member, AGAIN_US);
}

/* ---- Answers ---- */

/* Only if more than one answer was lost since the last true one may its epoch be one that nobody
 * knows. UNRELEASED_INSTANCE_ID is for those whose instance somebody else has. */
static bool is_excused(const struct member *member, int16_t code) {
    if (code == KAFKA_FENCED_MEMBER_EPOCH) return holder_unknowns(member->holder) > 1;
    return false;
}

/* False: the error is none of those that end what it was. */
static bool is_thrown_out(struct member *member, int16_t code) {
    if (code != KAFKA_UNKNOWN_MEMBER_ID && code != KAFKA_FENCED_MEMBER_EPOCH &&
        code != KAFKA_FENCED_INSTANCE_ID && code != KAFKA_UNRELEASED_INSTANCE_ID &&
        code != KAFKA_GROUP_ID_NOT_FOUND)
        return false;
    if (code == KAFKA_FENCED_MEMBER_EPOCH && member->epoch == 0)
        member_fail(member, code, "a heartbeat that joins");
    holder_refused(member->holder, code, is_excused(member, code), member_answered_in(member));
    if (code == KAFKA_FENCED_INSTANCE_ID || code == KAFKA_UNRELEASED_INSTANCE_ID) {
        run_count(member->run, RARE_INSTANCE_KEPT, code == KAFKA_UNRELEASED_INSTANCE_ID);
        member_ends(member);
    } else {
        join_again(member);
    }
    return true;
}

static void take_list(const struct book *book,
                      const struct kp_consumer_group_heartbeat_response_assignment *assignment,
                      struct owned_list *list) {
    list->count = 0;
    for (int32_t t = 0; t < assignment->topic_partitions.count; t++) {
        const struct kp_consumer_group_heartbeat_topic_partitions *one =
            &assignment->topic_partitions.items[t];
        for (int32_t p = 0; p < one->partitions.count; p++)
            owned_add(list, book_owned(book, one->topic_id, one->partitions.items[p]));
    }
}

/* What it has and is not to have any more it gives back after a while, for it has to finish its
 * work with it; now and then that is too late. */
static void begin_giving(struct member *member) {
    const struct owned_list *holds = holder_holds(member->holder);
    bool gives = false;
    for (size_t i = 0; i < holds->count; i++)
        gives = gives || !owned_has(&member->has, &holds->items[i]);
    if (!gives) member->give_at_us = 0;
    if (!gives || member->give_at_us != 0) return;
    uint64_t most_us = member_draw(member, 12) == 0 ? 2 * member->options->rebalance_us : GIVE_US;
    member->give_at_us = world_now_us(member->run->world) + 1 + member_draw(member, most_us);
}

static void give(struct member *member) {
    if (member->give_at_us == 0 || world_now_us(member->run->world) < member->give_at_us) return;
    member->give_at_us = 0;
    member_keeps_only(member, &member->has);
    member->must_say_owned = true;
}

static void take_answer(struct member *member,
                        const struct kp_consumer_group_heartbeat_response *response) {
    uint64_t next_us = (uint64_t)response->heartbeat_interval_ms * 1000;
    bool owes = member->must_say_owned;
    uint32_t in_term = member_answered_in(member);
    holder_heard(member->holder, member->sent_us, false, in_term);
    member->epoch = response->member_epoch;
    if (next_us > member->options->interval_us) next_us = member->options->interval_us;
    if (response->assignment != NULL) {
        size_t before = holder_holds(member->holder)->count;
        take_list(member->options->book, response->assignment, &member->has);
        member_told(member, member->epoch, &member->has);
        owes = holder_holds(member->holder)->count != before;
        run_count(member->run, RARE_ASSIGNED, 1);
        begin_giving(member);
    } else {
        holder_told_epoch(member->holder, kp_string_of(member->id), member->epoch);
    }
    bool gives = member->give_at_us != 0;
    if (!gives && in_term != 0) holder_heard(member->holder, member->sent_us, true, in_term);
    member->must_say_owned = owes && !gives;
    member_later(member, gives ? GIVING_US : owes ? SOON_US : next_us);
}

/* Connections seldom break just when an epoch is told: now and then that answer is lost. */
static bool is_lost(struct member *member, int error,
                    const struct kp_consumer_group_heartbeat_response *response) {
    return error == ERR_NONE && response->error_code == KAFKA_NONE && member->epoch > 0 &&
           response->member_epoch != member->epoch && member_draw(member, 8) == 0;
}

static void beaten(struct kafka_call *call, int error, const void *answer) {
    struct member *member = CONTAINER_OF(call, struct member, call);
    const struct kp_consumer_group_heartbeat_response *response = answer;
    if (is_lost(member, error, response)) error = ERR_CONNECTION;
    int16_t code = error == ERR_NONE ? response->error_code : KAFKA_NONE;
    run_say(member->run, "group %s, seat %u, member %u in epoch %d: %s, epoch %d%s",
            book_group_name(member->options->group), member->options->seat,
            holder_number(member->holder), member->epoch,
            error == ERR_NONE ? kafka_error_name(code) : error_phrase(error),
            error == ERR_NONE ? response->member_epoch : -1,
            error == ERR_NONE && response->assignment != NULL ? ", and what it has" : "");
    if (error != ERR_NONE || code != KAFKA_NONE) say_all(member);
    if (member_coordinator_moved(member, error, code)) return;
    if (is_thrown_out(member, code)) return;
    if (code != KAFKA_NONE) member_fail(member, code, "ConsumerGroupHeartbeat");
    take_answer(member, response);
}

/* ---- Requests ---- */

/* What it owns, as the request has it: by topic. */
struct said_owned {
    struct kp_consumer_group_heartbeat_topic_partitions topics[HELD_MOST];
    int32_t partitions[HELD_MOST];
    int32_t count;
};

static void say_owned(const struct book *book, const struct owned_list *holds,
                      struct said_owned *said) {
    size_t used = 0;
    said->count = 0;
    for (size_t i = 0; i < holds->count; i++) {
        bool known = false;
        for (size_t k = 0; k < i; k++)
            known = known || kp_uuid_equal(holds->items[k].topic, holds->items[i].topic);
        if (known) continue;
        struct kp_consumer_group_heartbeat_topic_partitions *topic = &said->topics[said->count++];
        bool of_run = kp_uuid_is_zero(holds->items[i].topic);
        topic->topic_id = of_run ? book_topic_id(book) : holds->items[i].topic;
        topic->partitions.items = &said->partitions[used];
        topic->partitions.count = 0;
        for (size_t k = i; k < holds->count; k++) {
            if (!kp_uuid_equal(holds->items[k].topic, holds->items[i].topic)) continue;
            said->partitions[used++] = holds->items[k].partition;
            topic->partitions.count++;
        }
    }
}

static void make_id(struct member *member) {
    struct kp_uuid id;
    char text[23];
    world_fill(member->run->world, id.bytes, sizeof id.bytes);
    kp_uuid_text(id, text);
    snprintf(member->id, sizeof member->id, "%s", text);
    member_begins(member);
}

/* By names alone, if it has no pattern; a pattern that is given up is said as empty. */
static void say_subscription(struct member *member, struct kp_string *topic,
                             struct kp_consumer_group_heartbeat_request *request) {
    const char *regex = member->options->regex;
    *topic = kp_string_of(member->options->topic);
    request->subscribed_topic_names.items = topic;
    request->subscribed_topic_names.count = regex == NULL;
    request->subscribed_topic_regex = kp_string_of(regex == NULL ? "" : regex);
    run_count(member->run, RARE_REGEX_CHANGED,
              member->said_regex != regex && member->said_regex != NULL && member->epoch > 0);
    member->said_regex = regex;
}

static void beat(struct member *member) {
    struct kp_consumer_group_heartbeat_request request;
    struct kp_string topic;
    struct said_owned said;
    give(member);
    bool all = member->must_say_all || member->epoch == 0;
    bool anew = all || member->said_regex != member->options->regex;
    kp_set_fallbacks(&kp_consumer_group_heartbeat_request_schema, &request);
    request.group_id = kp_string_of(book_group_name(member->options->group));
    request.member_id = kp_string_of(member->id);
    request.member_epoch = member->epoch;
    request.instance_id = member_instance(member);
    request.rebalance_timeout_ms = all ? (int32_t)(member->options->rebalance_us / 1000) : -1;
    request.subscribed_topic_names.count = -1;
    request.subscribed_topic_regex = KP_NULL_STRING;
    request.topic_partitions.count = -1;
    if (anew) say_subscription(member, &topic, &request);
    if (all || member->must_say_owned) {
        say_owned(member->options->book, holder_holds(member->holder), &said);
        request.topic_partitions.items = said.topics;
        request.topic_partitions.count = said.count;
    }
    run_count(member->run, RARE_ANSWERS_LOST, all && member->epoch > 0);
    member->must_say_all = member->must_say_owned = false;
    member->call.done = beaten;
    member_call(member, KP_CONSUMER_GROUP_HEARTBEAT,
                member->options->regex != NULL || member_draw(member, 2) == 0 ? REGEX_VERSION : 0,
                &request, MEMBER_CALL_US);
}

/* ---- Leaving ---- */

static void left(struct kafka_call *call, int error, const void *answer) {
    struct member *member = CONTAINER_OF(call, struct member, call);
    (void)error;
    (void)answer; /* whatever it is: nobody waits for it */
    member_ends(member);
}

static void leave(struct member *member) {
    struct kp_consumer_group_heartbeat_request request;
    kp_set_fallbacks(&kp_consumer_group_heartbeat_request_schema, &request);
    request.group_id = kp_string_of(book_group_name(member->options->group));
    request.member_id = kp_string_of(member->id);
    request.instance_id = member_instance(member);
    request.member_epoch = member_is_static(member) ? LEAVES_STATIC : LEAVES;
    request.subscribed_topic_names.count = -1;
    request.subscribed_topic_regex = KP_NULL_STRING;
    request.topic_partitions.count = -1;
    member_gives_up_all(member);
    run_count(member->run, RARE_MEMBERS_LEFT, 1);
    member->call.done = left;
    member_call(member, KP_CONSUMER_GROUP_HEARTBEAT, 0, &request, MEMBER_CALL_US);
}

/* ---- Life ---- */

void kip848_member_step(struct member *member) {
    if (member->holder == NULL) make_id(member);
    if (member->leaving && member->epoch > 0)
        leave(member);
    else if (member->leaving)
        member_ends(member);
    else
        beat(member);
}
