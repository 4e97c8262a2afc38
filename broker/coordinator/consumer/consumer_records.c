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
    struct kp_writer writer;
    uint8_t *key_bytes, *value_bytes = NULL;
    size_t key_len, value_len = 0;
    kp_writer_init(&writer, INT32_MAX);
    kp_record_key_encode(type, key, &writer);
    /* Texts of the protocol fit, and nothing is null that may not be. */
    CHECK(kp_writer_take(&writer, &key_bytes, &key_len) == ERR_NONE);
    if (value != NULL) {
        kp_writer_init(&writer, INT32_MAX);
        kp_record_value_encode(type, type->written, value, &writer);
        CHECK(kp_writer_take(&writer, &value_bytes, &value_len) == ERR_NONE);
    }
    group_batch_add(batch, key_bytes, key_len, value_bytes, value_len);
    mem_free(key_bytes);
    mem_free(value_bytes);
}

static struct kp_string *names_array(const struct shared_bytes *names, int32_t *count) {
    struct kp_string *items = mem_alloc(topic_names_count(names) * sizeof *items);
    *count = 0;
    for (size_t at = 0; topic_names_next(names, &at, &items[*count]);)
        ++*count;
    return items;
}

/* Topics of a list with their partitions: in pieces of memory that listed_free frees. */
struct listed_topics {
    struct kp_consumer_partitions *topics;
    int32_t count;
    int32_t *numbers; /* partitions of all, then epochs of all */
};

static int by_topic_id(const void *a, const void *b) {
    const struct kp_consumer_partitions *x = a, *y = b;
    return memcmp(x->topic_id.bytes, y->topic_id.bytes, sizeof x->topic_id.bytes);
}

/* By id: a list has them by their numbers, which are others on a replica with another past. */
static struct listed_topics topics_of(const struct consumer_group *of,
                                      const struct partition_list *list, bool dated) {
    struct listed_topics made = {
        .topics = mem_zalloc((list->count + 1) * sizeof *made.topics),
        .numbers = mem_alloc((2 * list->count + 1) * sizeof *made.numbers)};
    for (size_t i = 0; i < list->count; i++) {
        const struct listed_partition *one = &list->items[i];
        if (i == 0 || list->items[i - 1].topic != one->topic) {
            struct kp_consumer_partitions *topic = &made.topics[made.count++];
            topic->topic_id = of->numbered[one->topic]->id;
            topic->partitions.items = made.numbers + i;
            topic->epochs.items = made.numbers + list->count + i;
            topic->epochs.count = dated ? 0 : -1;
        }
        struct kp_consumer_partitions *topic = &made.topics[made.count - 1];
        topic->partitions.items[topic->partitions.count++] = one->partition;
        if (dated) topic->epochs.items[topic->epochs.count++] = one->epoch;
    }
    qsort(made.topics, (size_t)made.count, sizeof *made.topics, by_topic_id);
    return made;
}

static void listed_free(struct listed_topics *listed) {
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
    struct listed_topics listed = topics_of(of, target, false);
    struct kp_consumer_member_target_value value = {{listed.topics, listed.count}};
    add_record(batch, KP_RECORD_CONSUMER_MEMBER_TARGET, &key, &value);
    listed_free(&listed);
}

void consumer_add_standing(struct group_batch *batch, const struct consumer_group *of,
                           struct kp_string member, const struct consumer_standing *standing) {
    struct kp_consumer_member_key key = {of->row->id, member};
    struct listed_topics assigned = topics_of(of, &standing->assigned, true);
    struct listed_topics pending = topics_of(of, &standing->pending, true);
    struct kp_consumer_current_value value = {.member_epoch = standing->epoch,
                                              .previous_epoch = standing->previous_epoch,
                                              .state = standing->state,
                                              .assigned = {assigned.topics, assigned.count},
                                              .pending = {pending.topics, pending.count}};
    add_record(batch, KP_RECORD_CONSUMER_CURRENT, &key, &value);
    listed_free(&assigned);
    listed_free(&pending);
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

void consumer_records_of(const struct consumer_group *group, struct group_batch *batch) {
    struct kp_string id = group->row->id;
    struct consumer_member *member, *next_member;
    struct consumer_regex *regex, *next_regex;
    HASH_ITER(hh, group->members, member, next_member) {
        if (member->written) add_as_is(batch, id, member);
    }
    HASH_ITER(hh, group->regexes, regex, next_regex) {
        if (regex->names != NULL)
            consumer_add_regex(batch, id, shared_string(regex->text), regex->names,
                               regex->metadata_version, regex->time_ms);
    }
    consumer_add_group(batch, id, group->epoch, group->metadata_hash);
    HASH_ITER(hh, group->members, member, next_member) {
        if (member->has_target)
            consumer_add_target(batch, group, shared_string(member->id), &member->target);
    }
    consumer_add_target_epoch(batch, id, group->assignment_epoch, group->assignment_time_ms);
    HASH_ITER(hh, group->members, member, next_member) {
        if (member->has_standing)
            consumer_add_standing(batch, group, shared_string(member->id), &member->standing);
    }
}

void consumer_records_show(const struct consumer_group *group,
                           void (*sink)(void *arg, const struct coordinator_record *record),
                           void *arg) {
    struct group_batch batch;
    group_batch_open(&batch);
    consumer_records_of(group, &batch);
    for (size_t i = 0; i < batch.count; i++)
        sink(arg, &batch.records[i]);
    group_batch_close(&batch);
}
