/* Records of consumer groups are applied: one function for each type. */
#include "base/check.h"
#include "base/mem.h"
#include "base/mutant.h"
#include "broker/coordinator/consumer/consumer_records.h"
#include "broker/coordinator/consumer/topic_names.h"
#include "broker/metadata/metadata.h"

bool consumer_records_take(int number) {
    switch (number) {
    case KP_RECORD_CONSUMER_GROUP:
    case KP_RECORD_CONSUMER_MEMBER:
    case KP_RECORD_CONSUMER_TARGET:
    case KP_RECORD_CONSUMER_MEMBER_TARGET:
    case KP_RECORD_CONSUMER_CURRENT:
    case KP_RECORD_CONSUMER_REGEX: return true;
    default: return false;
    }
}

union consumer_key {
    struct kp_consumer_group_key group;
    struct kp_consumer_member_key member;
    struct kp_consumer_regex_key regex;
};

union consumer_value {
    struct kp_consumer_group_value group;
    struct kp_consumer_member_value member;
    struct kp_consumer_target_value target;
    struct kp_consumer_member_target_value member_target;
    struct kp_consumer_current_value current;
    struct kp_consumer_regex_value regex;
};

static void apply_member(struct consumer_group *group, struct kp_string id,
                         const struct kp_consumer_member_value *value) {
    struct shared_pool *pool = group->row->table->shared;
    struct consumer_member *member = consumer_member_make(group, id);
    /* The expression that it has stays known while it is the same. */
    struct consumer_regex *regex = value->topic_regex.len < 0
                                       ? NULL
                                       : consumer_regex_make(group, value->topic_regex);
    if (regex != NULL) regex->members++;
    consumer_member_clear(member);
    member->instance = shared_string_of(NULL, value->instance_id);
    member->rack = shared_string_of(pool, value->rack_id);
    member->client_id = shared_string_of(pool, value->client_id);
    member->client_host = shared_string_of(pool, value->client_host);
    member->names = topic_names_of(pool, value->topic_names.items,
                                   (size_t)value->topic_names.count);
    member->regex = shared_string_of(pool, value->topic_regex);
    member->rebalance_timeout_ms = value->rebalance_timeout_ms;
    member->assignor = shared_string_of(pool, value->assignor);
    consumer_member_speaks(member, value->classic);
    consumer_member_enter(member);
    if (regex != NULL) regex->members--;
}

/* Partitions that cannot be are left out: the log may have been written by others. */
static void list_from(struct consumer_group *group, const struct kp_consumer_partitions *topics,
                      int32_t count, struct partition_list *list) {
    for (int32_t t = 0; t < count; t++) {
        const struct kp_consumer_partitions *one = &topics[t];
        bool dated = one->epochs.count == one->partitions.count;
        for (int32_t p = 0; p < one->partitions.count; p++) {
            int32_t partition = one->partitions.items[p];
            if (partition < 0 || partition >= METADATA_PARTITIONS_MAX) continue;
            partition_list_add(list, consumer_topic_number(group, one->topic_id), partition,
                               dated ? one->epochs.items[p] : 0);
        }
    }
    partition_list_sort(list);
}

static void apply_target(struct consumer_group *group, struct kp_string id,
                         const struct kp_consumer_member_target_value *value) {
    struct consumer_member *member = consumer_member_make(group, id);
    struct partition_list list = {0};
    list_from(group, value->topics.items, value->topics.count, &list);
    consumer_list_use(group, &list);
    consumer_list_drop(group, &member->target);
    member->target = list;
    member->has_target = true;
}

static void apply_current(struct consumer_group *group, struct kp_string id,
                          const struct kp_consumer_current_value *value) {
    struct consumer_member *member = consumer_member_make(group, id);
    struct consumer_standing standing = {.epoch = value->member_epoch,
                                         .previous_epoch = value->previous_epoch,
                                         .state = value->state};
    list_from(group, value->assigned.items, value->assigned.count, &standing.assigned);
    list_from(group, value->pending.items, value->pending.count, &standing.pending);
    consumer_standing_take(member, &standing);
}

static void apply_regex(struct consumer_group *group, struct kp_string text,
                        const struct kp_consumer_regex_value *value) {
    struct consumer_regex *regex = consumer_regex_make(group, text);
    consumer_regex_name(group, regex,
                        topic_names_of(group->row->table->shared, value->topic_names.items,
                                       (size_t)value->topic_names.count));
    regex->metadata_version = value->metadata_version;
    regex->time_ms = value->time_ms;
}

static void apply_value(struct consumer_group *group, int number, const union consumer_key *key,
                        const union consumer_value *value) {
    switch (number) {
    case KP_RECORD_CONSUMER_GROUP:
        group->epoch = value->group.epoch;
        group->metadata_hash = value->group.metadata_hash;
        break;
    case KP_RECORD_CONSUMER_TARGET:
        group->assignment_epoch = value->target.assignment_epoch;
        group->assignment_time_ms = value->target.time_ms;
        break;
    case KP_RECORD_CONSUMER_MEMBER: apply_member(group, key->member.member, &value->member); break;
    case KP_RECORD_CONSUMER_MEMBER_TARGET:
        apply_target(group, key->member.member, &value->member_target);
        break;
    case KP_RECORD_CONSUMER_CURRENT:
        apply_current(group, key->member.member, &value->current);
        break;
    case KP_RECORD_CONSUMER_REGEX: apply_regex(group, key->regex.regex, &value->regex); break;
    default: CHECK(false); /* consumer_records_take */
    }
}

static void forget_regex(struct consumer_group *group, struct kp_string text) {
    struct consumer_regex *regex = consumer_regex_find(group, text);
    if (regex == NULL) return;
    consumer_regex_name(group, regex, NULL);
    consumer_regex_settle(group, regex);
}

static void apply_tombstone(struct consumer_group *group, int number,
                            const union consumer_key *key) {
    if (number == KP_RECORD_CONSUMER_REGEX) {
        forget_regex(group, key->regex.regex);
        return;
    }
    if (number == KP_RECORD_CONSUMER_TARGET) {
        group->assignment_epoch = 0;
        group->assignment_time_ms = 0;
        return;
    }
    struct consumer_member *member = consumer_member_find(group, key->member.member);
    if (member == NULL) return;
    if (MUTANT(MUTANT_TOMBSTONE_LOST)) return;
    if (number == KP_RECORD_CONSUMER_MEMBER) {
        consumer_member_clear(member);
    } else if (number == KP_RECORD_CONSUMER_MEMBER_TARGET) {
        consumer_list_drop(group, &member->target);
        member->has_target = false;
    } else {
        consumer_standing_drop(member);
    }
    consumer_member_settle(member);
}

bool consumer_records_apply(struct group_table *table, const struct kp_record_type *type,
                            const struct coordinator_record *record) {
    struct kp_arena arena;
    union consumer_key key;
    union consumer_value value;
    if (kp_record_key_decode(type, record->key, record->key_len, &key) != ERR_NONE) return false;
    /* Memory of what is decoded is a few times that of its bytes. */
    kp_arena_init(&arena, 64 * record->value_len + 65536);
    bool fine = record->tombstone || kp_record_value_decode(type, record->value, record->value_len,
                                                            &arena, &value, NULL) == ERR_NONE;
    struct group *row = !fine               ? NULL
                        : record->tombstone ? group_find(table, key.group.group)
                                            : group_make(table, key.group.group);
    if (row != NULL && record->tombstone && row->consumer != NULL) {
        if (type->number == KP_RECORD_CONSUMER_GROUP)
            consumer_group_drop(row);
        else
            apply_tombstone(row->consumer, type->number, &key);
    } else if (row != NULL && !record->tombstone) {
        apply_value(consumer_group_make(row), type->number, &key, &value);
    }
    kp_arena_close(&arena);
    if (row == NULL) return fine;
    if (row->consumer != NULL) {
        consumer_topics_settle(row->consumer);
        row->members = (uint32_t)row->consumer->member_count;
    } else {
        group_settle(row);
    }
    return true;
}
