/*
 * What becomes of a member and its group by what the member says: member, group epoch, target, a
 * step towards it. The records of all of it are one batch.
 */
#include "base/mem.h"
#include "base/mutant.h"
#include "broker/coordinator/consumer/consumer_assign.h"
#include "broker/coordinator/consumer/consumer_decision.h"
#include "broker/coordinator/consumer/consumer_reconcile.h"
#include "broker/coordinator/consumer/consumer_regexes.h"
#include "broker/coordinator/consumer/topic_names.h"
#include "protocol/kafka_error.h"

#include <string.h>

void consumer_decision_open(struct consumer_decision *decision, struct group *row) {
    decision->row = row;
    decision->target = &decision->made;
    decision->group = row->consumer != NULL ? row->consumer : consumer_group_new(row);
}

void consumer_decision_close(struct consumer_decision *decision) {
    group_batch_close(&decision->batch);
    partition_list_close(&decision->owned);
    partition_list_close(&decision->made);
    consumer_standing_close(&decision->standing);
    shared_bytes_release(decision->names);
    shared_bytes_release(decision->regex);
    shared_bytes_release(decision->regex_names);
    if (decision->group != decision->row->consumer)
        consumer_group_free(decision->group);
    else
        consumer_topics_settle(decision->group);
}

/* ---- The member ---- */

static struct kp_string said_or(struct kp_string said, const struct shared_bytes *before) {
    return said.len >= 0 ? said : shared_string(before);
}

static bool says_same(const struct consumer_classic *before,
                      const struct kp_consumer_classic_member *said) {
    if (before == NULL || said == NULL) return before == NULL && said == NULL;
    if (before->session_timeout_ms != said->session_timeout_ms) return false;
    if (before->protocol_count != (uint32_t)said->protocols.count) return false;
    for (uint32_t p = 0; p < before->protocol_count; p++) {
        const struct consumer_protocol *had = &before->protocols[p];
        const struct kp_consumer_classic_protocol *has = &said->protocols.items[p];
        struct kp_bytes metadata = shared_bytes_view(had->metadata);
        if (!shared_string_is(had->name->text, has->name)) return false;
        if (metadata.len != has->metadata.len ||
            memcmp(metadata.data, has->metadata.data, (size_t)metadata.len) != 0)
            return false;
    }
    return true;
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
    struct kp_string regex = request->subscribed_topic_regex;
    decision->regex = regex.len < 0   ? shared_bytes_take(before->regex)
                      : regex.len > 0 ? shared_string_of(pool, regex)
                                      : NULL;
    struct kp_consumer_member_value value = {
        .instance_id = said_or(request->instance_id, before->instance),
        .rack_id = said_or(request->rack_id, before->rack),
        .client_id = heartbeat->client_id.len < 0 ? kp_string_of("") : heartbeat->client_id,
        .client_host = heartbeat->client_host,
        .topic_regex = shared_string(decision->regex),
        .rebalance_timeout_ms = request->rebalance_timeout_ms != -1 ? request->rebalance_timeout_ms
                                                                    : before->rebalance_timeout_ms,
        .assignor = said_or(request->server_assignor, before->assignor),
        .classic = (struct kp_consumer_classic_member *)decision->classic,
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
                says_same(before->classic, decision->classic) &&
                before->rebalance_timeout_ms == value.rebalance_timeout_ms;
    decision->subscribes_anew = before == &nobody || decision->names != before->names ||
                                (!shared_bytes_equal(decision->regex, before->regex) &&
                                 !MUTANT(MUTANT_REGEX_CHANGE_MISSED));
    if (same) return;
    if (decision->replaced != NULL) consumer_add_leave(&decision->batch, decision->replaced);
    consumer_add_member(&decision->batch, decision->row->id, decision->member_id, value,
                        decision->names);
    if (!shared_bytes_equal(decision->regex, before->regex))
        consumer_add_regex_leave(&decision->batch, before);
}

/* ---- The group ---- */

/* Why there is a new epoch. */
static void note_epoch(const struct consumer_decision *decision) {
    struct group_event_member about = {.id = decision->member_id,
                                       .client_id = decision->heartbeat->client_id,
                                       .client_host = decision->heartbeat->client_host};
    if (!decision->subscribes_anew && !decision->target_is_void)
        group_history_note(decision->row, KP_GROUP_TOPICS, &group_event_nobody);
    else
        group_history_note(decision->row,
                           decision->member != NULL     ? KP_GROUP_CHANGED
                           : decision->replaced != NULL ? KP_GROUP_REPLACED
                                                        : KP_GROUP_JOINED,
                           &about);
    group_history_begins(decision->row);
}

/* A new epoch when somebody subscribes to something else, the topics are not what they were, or the
 * target that a classic group left does not do. */
static void decide_epoch(struct consumer_decision *decision) {
    struct consumer_group *group = decision->group;
    const struct metadata *metadata = decision->heartbeat->metadata;
    bool looks = decision->subscribes_anew || group->metadata_version != metadata_version(metadata);
    decision->epoch = group->epoch;
    decision->metadata_hash = group->metadata_hash;
    if (looks)
        decision->metadata_hash = consumer_metadata_hash(group, metadata, &decision->candidate);
    bool bump = decision->subscribes_anew || decision->target_is_void ||
                decision->metadata_hash != group->metadata_hash;
    if (bump) {
        decision->epoch++;
        note_epoch(decision);
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

static void mark_topics(const struct consumer_decision *decision, const struct shared_bytes *names,
                        bool *subscribed) {
    const struct metadata *metadata = decision->heartbeat->metadata;
    struct kp_string name;
    for (size_t at = 0; topic_names_next(names, &at, &name);) {
        const struct metadata_topic *topic = metadata_topic_named(metadata, name.data,
                                                                  (size_t)name.len);
        struct kp_uuid id;
        if (topic == NULL) continue;
        memcpy(id.bytes, topic->id, sizeof id.bytes);
        const struct consumer_topic *known = consumer_topic_find(decision->group, id);
        if (known != NULL) subscribed[known->number] = true;
    }
}

/* Topics that are not there (yet, of what this broker knows) are left to the next target. */
static void find_unsubscribed(const struct consumer_decision *decision, const bool *subscribed,
                              const struct partition_list *list, struct partition_list *found) {
    for (size_t i = 0; i < list->count; i++) {
        const struct listed_partition *one = &list->items[i];
        const uint8_t *id = decision->group->numbered[one->topic]->id.bytes;
        if (!subscribed[one->topic] &&
            metadata_topic_with_id(decision->heartbeat->metadata, id) != NULL)
            partition_list_add(found, one->topic, one->partition, one->epoch);
    }
}

/* Of a target that is older than subscriptions are: takes out what the member does not subscribe to
 * any more, and finds what it has of that. */
static void decide_unsubscribed(struct consumer_decision *decision,
                                const struct consumer_standing *now,
                                struct partition_list *unsubscribed) {
    struct partition_list strange = {0}, kept = {0};
    bool *subscribed;
    if (decision->assignment_epoch == decision->epoch) return;
    subscribed = mem_zalloc(decision->group->numbered_count * sizeof *subscribed);
    mark_topics(decision, decision->candidate.names, subscribed);
    mark_topics(decision, decision->candidate.regex_names, subscribed);
    find_unsubscribed(decision, subscribed, &now->assigned, unsubscribed);
    find_unsubscribed(decision, subscribed, decision->target, &strange);
    for (size_t i = 0; i < decision->target->count && strange.count > 0; i++) {
        const struct listed_partition *one = &decision->target->items[i];
        if (partition_list_find(&strange, one->topic, one->partition) == NULL)
            partition_list_add(&kept, one->topic, one->partition, one->epoch);
    }
    if (strange.count > 0) {
        partition_list_close(&decision->made);
        decision->made = kept;
        decision->target = &decision->made;
    }
    partition_list_close(&strange);
    mem_free(subscribed);
}

static int16_t decide_step(struct consumer_decision *decision) {
    struct consumer_standing now = standing_before(decision);
    struct partition_list unsubscribed = {0};
    decide_unsubscribed(decision, &now, &unsubscribed);
    struct consumer_view view = {.group = decision->group,
                                 .now = &now,
                                 .target = decision->target,
                                 .target_epoch = decision->assignment_epoch,
                                 .unsubscribed = &unsubscribed,
                                 .owned = decision->says_owned ? &decision->owned : NULL,
                                 .owns_strangers = decision->owns_strangers};
    enum consumer_step step = consumer_reconcile(&view, &decision->standing);
    partition_list_close(&unsubscribed);
    if (step == CONSUMER_FENCED)
        return consumer_refuse(decision->heartbeat, KAFKA_FENCED_MEMBER_EPOCH,
                               "The member must abandon all its partitions and rejoin.");
    bool moves = step == CONSUMER_MOVES &&
                 !(decision->member != NULL && decision->member->has_standing &&
                   decision->standing.epoch == now.epoch && decision->standing.state == now.state &&
                   partition_list_equal(&decision->standing.assigned, &now.assigned) &&
                   partition_list_equal(&decision->standing.pending, &now.pending));
    decision->then = step == CONSUMER_MOVES ? decision->standing : now;
    decision->reassigned = !partition_list_equal(&decision->then.assigned, &now.assigned);
    if (moves || (decision->member == NULL && step == CONSUMER_STAYS))
        consumer_add_standing(&decision->batch, decision->group, decision->member_id,
                              &decision->then);
    return KAFKA_NONE;
}

/* ---- All of it ---- */

int16_t consumer_decide(struct consumer_decision *decision) {
    decide_member(decision);
    consumer_regexes_refresh(decision);
    consumer_regex_decide(decision);
    if (decision->subscribes_anew &&
        consumer_names_total(decision->group, &decision->candidate) > CONSUMER_NAMES_MAX)
        return consumer_refuse(decision->heartbeat, KAFKA_INVALID_REQUEST,
                               "Subscriptions of the group have more than %d topics in all.",
                               CONSUMER_NAMES_MAX);
    decide_epoch(decision);
    consumer_assign(decision);
    return decide_step(decision);
}

void consumer_decide_target(struct consumer_decision *decision) {
    const struct consumer_member *member = decision->member;
    decision->candidate = (struct consumer_candidate){.id = shared_string(member->id),
                                                      .instance = shared_string(member->instance),
                                                      .names = member->names,
                                                      .assignor = shared_string(member->assignor),
                                                      .is = member};
    if (member->regex != NULL)
        decision->candidate.regex_names =
            consumer_regex_find(decision->group, shared_string(member->regex))->names;
    decide_epoch(decision);
    consumer_assign(decision);
}
