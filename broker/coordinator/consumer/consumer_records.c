/* Records of consumer groups are written, one by one and all of a group. */
#include "broker/coordinator/consumer/consumer_records.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "broker/coordinator/consumer/topic_names.h"

/* ---- Bytes ---- */

static void add_record(struct group_batch *batch, int number, const void *key, const void *value) {
    const struct kp_record_type *type = kp_record_type_numbered(number);
    struct kp_writer *writer = group_batch_begin(batch);
    kp_record_key_encode(type, key, writer);
    size_t key_len = kp_writer_size(writer);
    if (value != NULL) kp_record_value_encode(type, type->written, value, writer);
    group_batch_end(batch, key_len, value == NULL);
}

static struct kp_string *names_array(const struct shared_bytes *names, int32_t *count) {
    struct kp_string *items = mem_alloc(topic_names_count(names) * sizeof *items);
    *count = 0;
    for (size_t at = 0; topic_names_next(names, &at, &items[*count]);)
        ++*count;
    return items;
}

/* Topics of a list with their partitions; a few lie in here, more in memory that listed_close
 * frees. */
struct listed {
    struct kp_consumer_partitions *topics;
    int32_t count;
    int32_t *numbers; /* partitions of all, then epochs of all */
    struct kp_consumer_partitions few_topics[8];
    int32_t few_numbers[16];
};

static int by_topic_id(const void *a, const void *b) {
    const struct kp_consumer_partitions *x = a, *y = b;
    return memcmp(x->topic_id.bytes, y->topic_id.bytes, sizeof x->topic_id.bytes);
}

static bool are_few(const struct listed *listed) {
    return listed->topics == listed->few_topics;
}

/* By id: a list has them by their numbers, which are others on a replica with another past. */
static void listed_open(struct listed *listed, const struct consumer_group *of,
                        const struct partition_list *list, bool dated) {
    bool few = list->count <= sizeof listed->few_topics / sizeof *listed->few_topics;
    listed->count = 0;
    listed->topics = few ? listed->few_topics : mem_alloc(list->count * sizeof *listed->topics);
    listed->numbers = few ? listed->few_numbers
                          : mem_alloc(2 * list->count * sizeof *listed->numbers);
    for (size_t i = 0; i < list->count; i++) {
        const struct listed_partition *one = &list->items[i];
        if (i == 0 || list->items[i - 1].topic != one->topic)
            listed->topics[listed->count++] = (struct kp_consumer_partitions){
                .topic_id = of->numbered[one->topic]->id,
                .partitions.items = listed->numbers + i,
                .epochs.items = listed->numbers + list->count + i,
                .epochs.count = dated ? 0 : -1};
        struct kp_consumer_partitions *topic = &listed->topics[listed->count - 1];
        topic->partitions.items[topic->partitions.count++] = one->partition;
        if (dated) topic->epochs.items[topic->epochs.count++] = one->epoch;
    }
    if (listed->count > 1)
        qsort(listed->topics, (size_t)listed->count, sizeof *listed->topics, by_topic_id);
}

static void listed_close(struct listed *listed) {
    if (are_few(listed)) return;
    mem_free(listed->topics);
    mem_free(listed->numbers);
}

/* ---- One record ---- */

void consumer_add_group(struct group_batch *batch, struct kp_string group, int32_t epoch,
                        int64_t metadata_hash) {
    struct kp_consumer_group_key key = {group};
    struct kp_consumer_group_value value = {.epoch = epoch, .metadata_hash = metadata_hash};
    add_record(batch, KP_RECORD_CONSUMER_GROUP, &key, &value);
}

void consumer_add_target_epoch(struct group_batch *batch, struct kp_string group, int32_t epoch,
                               int64_t time_ms) {
    struct kp_consumer_group_key key = {group};
    struct kp_consumer_target_value value = {.assignment_epoch = epoch, .time_ms = time_ms};
    add_record(batch, KP_RECORD_CONSUMER_TARGET, &key, &value);
}

void consumer_add_member(struct group_batch *batch, struct kp_string group, struct kp_string member,
                         struct kp_consumer_member_value value, const struct shared_bytes *names) {
    struct kp_consumer_member_key key = {group, member};
    value.topic_names.items = names_array(names, &value.topic_names.count);
    add_record(batch, KP_RECORD_CONSUMER_MEMBER, &key, &value);
    mem_free(value.topic_names.items);
}

void consumer_add_target(struct group_batch *batch, const struct consumer_group *of,
                         struct kp_string member, const struct partition_list *target) {
    struct kp_consumer_member_key key = {of->row->id, member};
    struct listed listed;
    listed_open(&listed, of, target, false);
    struct kp_consumer_member_target_value value = {{listed.topics, listed.count}};
    add_record(batch, KP_RECORD_CONSUMER_MEMBER_TARGET, &key, &value);
    listed_close(&listed);
}

void consumer_add_standing(struct group_batch *batch, const struct consumer_group *of,
                           struct kp_string member, const struct consumer_standing *standing) {
    struct kp_consumer_member_key key = {of->row->id, member};
    struct listed assigned, pending;
    listed_open(&assigned, of, &standing->assigned, true);
    listed_open(&pending, of, &standing->pending, true);
    struct kp_consumer_current_value value = {.member_epoch = standing->epoch,
                                              .previous_epoch = standing->previous_epoch,
                                              .state = standing->state,
                                              .assigned = {assigned.topics, assigned.count},
                                              .pending = {pending.topics, pending.count}};
    add_record(batch, KP_RECORD_CONSUMER_CURRENT, &key, &value);
    listed_close(&assigned);
    listed_close(&pending);
}

void consumer_add_regex(struct group_batch *batch, struct kp_string group, struct kp_string regex,
                        const struct shared_bytes *names, int64_t metadata_version,
                        int64_t time_ms) {
    struct kp_consumer_regex_key key = {group, regex};
    struct kp_consumer_regex_value value = {.metadata_version = metadata_version,
                                            .time_ms = time_ms};
    value.topic_names.items = names_array(names, &value.topic_names.count);
    add_record(batch, KP_RECORD_CONSUMER_REGEX, &key, &value);
    mem_free(value.topic_names.items);
}

/* ---- Tombstones ---- */

void consumer_add_group_tombstone(struct group_batch *batch, int number, struct kp_string group) {
    struct kp_consumer_group_key key = {group};
    add_record(batch, number, &key, NULL);
}

void consumer_add_member_tombstone(struct group_batch *batch, int number, struct kp_string group,
                                   struct kp_string member) {
    struct kp_consumer_member_key key = {group, member};
    add_record(batch, number, &key, NULL);
}

void consumer_add_regex_tombstone(struct group_batch *batch, struct kp_string group,
                                  struct kp_string regex) {
    struct kp_consumer_regex_key key = {group, regex};
    add_record(batch, KP_RECORD_CONSUMER_REGEX, &key, NULL);
}

void consumer_add_tombstones(struct group_batch *batch, const struct consumer_group *group) {
    struct kp_string id = group->row->id;
    struct consumer_member *member, *next_member;
    struct consumer_regex *regex, *next_regex;
    HASH_ITER(hh, group->members, member, next_member) {
        struct kp_string name = shared_string(member->id);
        consumer_add_member_tombstone(batch, KP_RECORD_CONSUMER_CURRENT, id, name);
        consumer_add_member_tombstone(batch, KP_RECORD_CONSUMER_MEMBER_TARGET, id, name);
        consumer_add_member_tombstone(batch, KP_RECORD_CONSUMER_MEMBER, id, name);
    }
    HASH_ITER(hh, group->regexes, regex, next_regex) {
        consumer_add_regex_tombstone(batch, id, shared_string(regex->text));
    }
    consumer_add_group_tombstone(batch, KP_RECORD_CONSUMER_TARGET, id);
    consumer_add_group_tombstone(batch, KP_RECORD_CONSUMER_GROUP, id);
}

/* ---- Members go ---- */

void consumer_add_leave(struct group_batch *batch, const struct consumer_member *member) {
    struct kp_string group = member->group->row->id, id = shared_string(member->id);
    consumer_add_member_tombstone(batch, KP_RECORD_CONSUMER_CURRENT, group, id);
    consumer_add_member_tombstone(batch, KP_RECORD_CONSUMER_MEMBER_TARGET, group, id);
    consumer_add_member_tombstone(batch, KP_RECORD_CONSUMER_MEMBER, group, id);
}

void consumer_add_regex_leave(struct group_batch *batch, const struct consumer_member *member) {
    if (member->regex == NULL) return;
    const struct consumer_regex *regex = consumer_regex_find(member->group,
                                                             shared_string(member->regex));
    if (regex->members == 1)
        consumer_add_regex_tombstone(batch, member->group->row->id, shared_string(member->regex));
}

/* ---- All of a group ---- */

/* For mem_free of its items. */
static struct kp_consumer_classic_member said_by(const struct consumer_classic *classic) {
    struct kp_consumer_classic_member said = {.session_timeout_ms = classic->session_timeout_ms};
    said.protocols.items = mem_alloc(classic->protocol_count * sizeof *said.protocols.items);
    for (uint32_t p = 0; p < classic->protocol_count; p++)
        said.protocols.items[said.protocols.count++] = (struct kp_consumer_classic_protocol){
            .name = shared_string(classic->protocols[p].name->text),
            .metadata = shared_bytes_view(classic->protocols[p].metadata)};
    return said;
}

static void add_as_is(struct group_batch *batch, struct kp_string group,
                      const struct consumer_member *member) {
    struct kp_consumer_classic_member said = {0};
    if (member->classic != NULL) said = said_by(member->classic);
    struct kp_consumer_member_value value = {
        .instance_id = shared_string(member->instance),
        .rack_id = shared_string(member->rack),
        .client_id = shared_string(member->client_id),
        .client_host = shared_string(member->client_host),
        .topic_regex = shared_string(member->regex),
        .rebalance_timeout_ms = member->rebalance_timeout_ms,
        .assignor = shared_string(member->assignor),
        .classic = member->classic != NULL ? &said : NULL,
    };
    consumer_add_member(batch, group, shared_string(member->id), value, member->names);
    mem_free(said.protocols.items);
}

static void add_regexes(struct group_batch *batch, const struct consumer_group *group) {
    struct consumer_regex *regex, *next_regex;
    HASH_ITER(hh, group->regexes, regex, next_regex) {
        if (regex->names != NULL)
            consumer_add_regex(batch, group->row->id, shared_string(regex->text), regex->names,
                               regex->metadata_version, regex->time_ms);
    }
}

void consumer_records_of_member(const struct consumer_member *member, struct group_batch *batch) {
    const struct consumer_group *group = member->group;
    if (member->written) add_as_is(batch, group->row->id, member);
    if (member->has_target)
        consumer_add_target(batch, group, shared_string(member->id), &member->target);
    if (member->has_standing)
        consumer_add_standing(batch, group, shared_string(member->id), &member->standing);
}

void consumer_records_of_none(const struct consumer_group *group, struct group_batch *batch) {
    add_regexes(batch, group);
    consumer_add_group(batch, group->row->id, group->epoch, group->metadata_hash);
    consumer_add_target_epoch(batch, group->row->id, group->assignment_epoch,
                              group->assignment_time_ms);
}

void consumer_records_of(const struct consumer_group *group, struct group_batch *batch) {
    struct consumer_member *member, *next_member;
    HASH_ITER(hh, group->members, member, next_member) {
        consumer_records_of_member(member, batch);
    }
    consumer_records_of_none(group, batch);
}
