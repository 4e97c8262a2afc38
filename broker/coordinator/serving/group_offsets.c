/* What the protocols of groups say about offsets, and calls to where they are worked on. */
#include "broker/coordinator/serving/group_offsets.h"

#include "base/mutant.h"
#include "broker/coordinator/classic/classic_group.h"
#include "broker/coordinator/consumer/consumer_group.h"
#include "broker/coordinator/consumer/consumer_records.h"
#include "broker/coordinator/offsets/offset_sweep.h"
#include "broker/coordinator/serving/group_coordinator_internal.h"
#include "protocol/kafka_error.h"

/* From this version of OffsetCommit on clients know of consumer groups, and of their errors. */
enum { CONSUMER_VERSION = 9 };

/* ---- Consumer groups ---- */

/* The member has it since that epoch or an earlier one, or has not given it back yet. KIP-1251: who
 * has not heard of a newer epoch still commits what it has read. */
static bool is_its_own(const struct consumer_member *member, const struct offset_commit *commit,
                       const struct offset_commit_entry *entry) {
    const struct consumer_topic *topic = consumer_topic_find(member->group, entry->topic_id);
    if (topic == NULL) return false;
    const struct listed_partition *has = partition_list_find(&member->standing.assigned,
                                                             topic->number, entry->partition);
    if (has == NULL)
        has = partition_list_find(&member->standing.pending, topic->number, entry->partition);
    return has != NULL && has->epoch <= commit->generation;
}

/* A member of the classic protocol has generations. */
static int16_t stale(const struct consumer_member *member) {
    return member->classic != NULL ? KAFKA_ILLEGAL_GENERATION : KAFKA_STALE_MEMBER_EPOCH;
}

static bool says_nothing_of_itself(const struct offset_commit *commit) {
    return commit->generation < 0 && commit->member_id.len <= 0 && commit->instance_id.len < 0;
}

/* Producers know of generations only, whatever the group; and older ones do not say for whom they
 * commit. */
static int16_t consumer_commit_in_transaction(const struct consumer_group *group,
                                              const struct offset_commit *commit) {
    const struct consumer_member *member = consumer_member_find(group, commit->member_id);
    if (says_nothing_of_itself(commit)) return KAFKA_NONE;
    if (commit->generation < 0 && group->member_count == 0) return KAFKA_NONE;
    if (member == NULL || !member->written) return KAFKA_UNKNOWN_MEMBER_ID;
    if (commit->generation == member->standing.epoch || MUTANT(MUTANT_OLD_OWNER_COMMITS))
        return KAFKA_NONE;
    if (commit->generation > member->standing.epoch) return KAFKA_ILLEGAL_GENERATION;
    for (size_t i = 0; i < commit->count; i++)
        if (!is_its_own(member, commit, &commit->entries[i])) return KAFKA_ILLEGAL_GENERATION;
    return KAFKA_NONE;
}

static int16_t consumer_commit(const struct consumer_group *group,
                               const struct offset_commit *commit) {
    if (commit->transaction != NULL) return consumer_commit_in_transaction(group, commit);
    const struct consumer_member *member = consumer_member_find(group, commit->member_id);
    if (commit->generation < 0 && group->member_count == 0) return KAFKA_NONE;
    if (member == NULL || !member->written) return KAFKA_UNKNOWN_MEMBER_ID;
    if (member->classic == NULL && commit->version < CONSUMER_VERSION)
        return KAFKA_UNSUPPORTED_VERSION;
    if (commit->generation == member->standing.epoch || MUTANT(MUTANT_OLD_OWNER_COMMITS))
        return KAFKA_NONE;
    if (commit->generation > member->standing.epoch) return stale(member);
    for (size_t i = 0; i < commit->count; i++)
        if (!is_its_own(member, commit, &commit->entries[i])) return stale(member);
    return KAFKA_NONE;
}

static int16_t consumer_fetch(const struct consumer_group *group,
                              const struct offset_fetch *fetch) {
    if (fetch->member_id.len < 0 && fetch->member_epoch < 0) return KAFKA_NONE;
    if (fetch->member_id.len < 0) return KAFKA_UNKNOWN_MEMBER_ID;
    const struct consumer_member *member = consumer_member_find(group, fetch->member_id);
    if (member == NULL || !member->written) return KAFKA_UNKNOWN_MEMBER_ID;
    return fetch->member_epoch == member->standing.epoch ? KAFKA_NONE : stale(member);
}

/* ---- The rules ---- */

static bool is_empty(const struct group *group) {
    if (group->consumer != NULL) return group->consumer->member_count == 0;
    return classic_state_of(group) == CLASSIC_EMPTY;
}

static int16_t rule_commit(struct group *group, struct offset_commit *commit) {
    struct group_committer committer = {.member_id = commit->member_id,
                                        .instance_id = commit->instance_id,
                                        .generation = commit->generation,
                                        .in_transaction = commit->transaction != NULL};
    if (group->share != NULL) return KAFKA_GROUP_ID_NOT_FOUND;
    if (group->consumer != NULL) return consumer_commit(group->consumer, commit);
    if (!group_is_unknown(group)) return classic_check_commit(group, &committer);
    if (commit->generation < 0) return KAFKA_NONE; /* a simple group comes into being */
    return commit->version >= CONSUMER_VERSION ? KAFKA_GROUP_ID_NOT_FOUND
                                               : KAFKA_ILLEGAL_GENERATION;
}

static int16_t rule_fetch(const struct group *group, const struct offset_fetch *fetch) {
    return group->consumer != NULL ? consumer_fetch(group->consumer, fetch) : KAFKA_NONE;
}

static int16_t rule_remove(const struct group *group) {
    if (group_is_unknown(group) || group->share != NULL) return KAFKA_GROUP_ID_NOT_FOUND;
    bool consumers = group->consumer != NULL || kp_string_is(classic_type_of(group), "consumer");
    return is_empty(group) || consumers ? KAFKA_NONE : KAFKA_NON_EMPTY_GROUP;
}

static void rule_reads(struct group *group, struct topic_set *topics) {
    if (group->consumer != NULL)
        consumer_group_reads(group->consumer, topics);
    else if (!is_empty(group))
        classic_reads(group, topics);
}

/* The table of KIP-211. Kafka does not know when a consumer group became empty, and takes the
 * offsets of one that idled for a week ten minutes after its last member; its last assignment, of
 * nothing to nobody, was when it became so. */
static void rule_age(const struct group *group, struct offset_age *age) {
    *age = (struct offset_age){.rule = OFFSETS_AGE_BY_COMMIT,
                               .empty = is_empty(group) && group->classic == NULL};
    if (group->consumer != NULL) {
        age->rule = OFFSETS_AGE_BY_LATER_OF;
        age->since_ms = group->consumer->assignment_time_ms;
        return;
    }
    struct kp_string type = classic_type_of(group);
    age->since_ms = classic_empty_since_ms(group);
    if (!is_empty(group))
        age->rule = kp_string_is(type, "consumer") && classic_state_of(group) == CLASSIC_STABLE
                        ? OFFSETS_AGE_BY_COMMIT
                        : OFFSETS_STAY;
    else if (type.len > 0 && age->since_ms >= 0)
        age->rule = OFFSETS_AGE_SINCE;
}

static void rule_tombstones(const struct group *group, struct group_batch *batch) {
    if (group->consumer != NULL)
        consumer_add_tombstones(batch, group->consumer);
    else if (group->record != NULL)
        classic_record_add(group, NULL, batch);
}

const struct offset_rules group_offset_rules = {.commit = rule_commit,
                                                .fetch = rule_fetch,
                                                .remove = rule_remove,
                                                .reads = rule_reads,
                                                .age = rule_age,
                                                .tombstones = rule_tombstones};

/* ---- Calls ---- */

/* A write that has failed can say so before whoever asks hears that the lead is lost. */
static bool refuses(struct group_coordinator *coordinator, struct group_call *call) {
    if (coordinator->groups.leading) return false;
    call->kind = GROUP_OTHER;
    group_call_answer(&coordinator->groups, call, KAFKA_NOT_COORDINATOR);
    return true;
}

void group_offsets_commit(struct group_coordinator *coordinator, struct offset_commit *commit) {
    commit->pending = offset_store_pending(coordinator->offsets);
    if (!refuses(coordinator, &commit->call))
        offset_commit_take(&coordinator->groups, &group_offset_rules, commit);
}

void group_offsets_fetch(struct group_coordinator *coordinator, struct offset_fetch *fetch) {
    if (!refuses(coordinator, &fetch->call))
        offset_fetch_take(&coordinator->groups, coordinator->offsets, &group_offset_rules, fetch);
}

void group_offsets_delete(struct group_coordinator *coordinator, struct offset_delete *call) {
    if (!refuses(coordinator, &call->call))
        offset_delete_take(&coordinator->groups, &group_offset_rules, call);
}

bool group_offsets_know_topics(const struct group_coordinator *coordinator) {
    return offset_sweep_knows_topics(coordinator->sweep);
}

struct offset_store *group_offsets_store(struct group_coordinator *coordinator) {
    return coordinator->offsets;
}
