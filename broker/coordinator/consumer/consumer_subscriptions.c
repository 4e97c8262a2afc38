/* From names to topics, once for each subscription that differs, and from there to the input of an
 * assignor. */
#include "broker/coordinator/consumer/consumer_subscriptions.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "broker/coordinator/consumer/topic_names.h"

/* ---- Members and the candidate, as one list ---- */

struct subscriber {
    struct kp_string id, instance;
    const struct shared_bytes *names, *regex_names;
    const struct partition_list *target;
};

struct subscribers {
    struct subscriber *items;
    size_t count;
};

static const struct shared_bytes *regex_names_of(const struct consumer_group *group,
                                                 const struct consumer_member *member) {
    if (member->regex == NULL) return NULL;
    const struct consumer_regex *regex = consumer_regex_find(group, shared_string(member->regex));
    return regex->next_names != NULL ? regex->next_names : regex->names;
}

static struct subscribers subscribers_of(const struct consumer_group *group,
                                         const struct consumer_candidate *candidate) {
    static const struct partition_list nothing = {0};
    struct subscribers all = {mem_alloc((group->member_count + 1) * sizeof(struct subscriber)), 0};
    struct consumer_member *member, *next;
    HASH_ITER(hh, group->members, member, next) {
        if (!member->written || member->goes) continue;
        if (candidate != NULL && (member == candidate->is || member == candidate->replaces))
            continue;
        all.items[all.count++] = (struct subscriber){
            shared_string(member->id), shared_string(member->instance), member->names,
            regex_names_of(group, member), &member->target};
    }
    if (candidate == NULL) return all;
    const struct consumer_member *before = candidate->is != NULL ? candidate->is
                                                                 : candidate->replaces;
    all.items[all.count++] = (struct subscriber){candidate->id, candidate->instance,
                                                 candidate->names, candidate->regex_names,
                                                 before != NULL ? &before->target : &nothing};
    return all;
}

/* ---- Topics of subscriptions that differ ---- */

struct found_topic {
    const struct metadata_topic *topic;
    uint32_t place;
    UT_hash_handle hh;
};

/* Names and names of a regular expression: equal pointers are equal subscriptions, for they come
 * from a pool. */
struct subscription {
    const struct shared_bytes *key[2];
    uint32_t *places;
    uint32_t count;
    UT_hash_handle hh;
};

struct resolved {
    uint64_t seed;
    struct found_topic *topics;
    struct subscription *subscriptions;
};

static void find_topics(struct resolved *resolved, const struct metadata *metadata,
                        const struct shared_bytes *names) {
    struct kp_string name;
    for (size_t at = 0; topic_names_next(names, &at, &name);) {
        const struct metadata_topic *topic = metadata_topic_named(metadata, name.data,
                                                                  (size_t)name.len);
        if (topic == NULL) continue;
        struct found_topic *found;
        unsigned hash = group_hash(resolved->seed, &topic, sizeof topic);
        HASH_FIND_BYHASHVALUE(hh, resolved->topics, &topic, sizeof topic, hash, found);
        if (found != NULL) continue;
        found = mem_zalloc(sizeof *found);
        found->topic = topic;
        HASH_ADD_KEYPTR_BYHASHVALUE(hh, resolved->topics, &found->topic, sizeof topic, hash, found);
    }
}

static struct subscription *subscription_of(const struct resolved *resolved,
                                            const struct subscriber *subscriber) {
    const struct shared_bytes *key[2] = {subscriber->names, subscriber->regex_names};
    struct subscription *subscription;
    unsigned hash = group_hash(resolved->seed, key, sizeof key);
    HASH_FIND_BYHASHVALUE(hh, resolved->subscriptions, key, sizeof key, hash, subscription);
    return subscription;
}

static struct subscription *add_subscription(struct resolved *resolved,
                                             const struct subscriber *subscriber) {
    struct subscription *one = mem_zalloc(sizeof *one);
    one->key[0] = subscriber->names;
    one->key[1] = subscriber->regex_names;
    unsigned hash = group_hash(resolved->seed, one->key, sizeof one->key);
    HASH_ADD_KEYPTR_BYHASHVALUE(hh, resolved->subscriptions, one->key, sizeof one->key, hash, one);
    return one;
}

static void resolve(struct resolved *resolved, uint64_t seed, const struct metadata *metadata,
                    const struct subscribers *all) {
    *resolved = (struct resolved){.seed = seed};
    for (size_t i = 0; i < all->count; i++) {
        if (subscription_of(resolved, &all->items[i]) != NULL) continue;
        const struct subscription *one = add_subscription(resolved, &all->items[i]);
        find_topics(resolved, metadata, one->key[0]);
        find_topics(resolved, metadata, one->key[1]);
    }
}

static void resolved_close(struct resolved *resolved) {
    struct found_topic *topic, *next_topic;
    struct subscription *one, *next_one;
    HASH_ITER(hh, resolved->topics, topic, next_topic) {
        HASH_DEL(resolved->topics, topic);
        mem_free(topic);
    }
    HASH_ITER(hh, resolved->subscriptions, one, next_one) {
        HASH_DEL(resolved->subscriptions, one);
        mem_free(one);
    }
}

size_t consumer_names_total(const struct consumer_group *group,
                            const struct consumer_candidate *candidate) {
    struct subscribers all = subscribers_of(group, candidate);
    struct resolved resolved = {.seed = group->row->table->seed};
    size_t total = 0;
    for (size_t i = 0; i < all.count; i++) {
        if (subscription_of(&resolved, &all.items[i]) != NULL) continue;
        const struct subscription *one = add_subscription(&resolved, &all.items[i]);
        total += topic_names_count(one->key[0]) + topic_names_count(one->key[1]);
    }
    resolved_close(&resolved);
    mem_free(all.items);
    return total;
}

/* ---- The hash ---- */

/* Of one topic; the same on every broker and in every version of the program. */
static uint64_t topic_hash(const struct metadata_topic *topic) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ (uint64_t)topic->partition_count;
    for (size_t i = 0; i < sizeof topic->id; i++)
        hash = (hash ^ topic->id[i]) * UINT64_C(0x100000001b3);
    hash ^= hash >> 29;
    return hash * UINT64_C(0xbf58476d1ce4e5b9);
}

int64_t consumer_metadata_hash(const struct consumer_group *group, const struct metadata *metadata,
                               const struct consumer_candidate *candidate) {
    struct subscribers all = subscribers_of(group, candidate);
    struct resolved resolved;
    resolve(&resolved, group->row->table->seed, metadata, &all);
    uint64_t hash = 0;
    struct found_topic *topic, *next;
    HASH_ITER(hh, resolved.topics, topic, next) {
        hash += topic_hash(topic->topic);
    }
    resolved_close(&resolved);
    mem_free(all.items);
    return (int64_t)hash;
}

/* ---- The input of an assignor ---- */

static int id_order(const void *left, const void *right) {
    const struct found_topic *a = *(struct found_topic *const *)left;
    const struct found_topic *b = *(struct found_topic *const *)right;
    return memcmp(a->topic->id, b->topic->id, sizeof a->topic->id);
}

static void number_topics(struct consumer_assignment *assignment, struct resolved *resolved) {
    size_t count = HASH_COUNT(resolved->topics), i = 0;
    struct found_topic **sorted = mem_alloc(count * sizeof *sorted), *topic, *next;
    HASH_ITER(hh, resolved->topics, topic, next) {
        sorted[i++] = topic;
    }
    if (count > 1) qsort(sorted, count, sizeof(struct found_topic *), id_order);
    assignment->topics = mem_alloc(count * sizeof *assignment->topics);
    assignment->topic_ids = mem_alloc(count * sizeof *assignment->topic_ids);
    uint32_t first = 0;
    for (i = 0; i < count; i++) {
        sorted[i]->place = (uint32_t)i;
        memcpy(assignment->topic_ids[i].bytes, sorted[i]->topic->id, METADATA_UUID_SIZE);
        assignment->topics[i] = (struct assignment_topic){
            first, (uint32_t)sorted[i]->topic->partition_count};
        first += assignment->topics[i].partitions;
    }
    mem_free(sorted);
    assignment->input.topics = assignment->topics;
    assignment->input.topic_count = (uint32_t)count;
    assignment->input.partition_count = first;
}

static int place_order(const void *left, const void *right) {
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

static void add_places(const struct resolved *resolved, const struct metadata *metadata,
                       const struct shared_bytes *names, struct subscription *one) {
    struct kp_string name;
    for (size_t at = 0; topic_names_next(names, &at, &name);) {
        const struct metadata_topic *topic = metadata_topic_named(metadata, name.data,
                                                                  (size_t)name.len);
        if (topic == NULL) continue;
        struct found_topic *found;
        unsigned hash = group_hash(resolved->seed, &topic, sizeof topic);
        HASH_FIND_BYHASHVALUE(hh, resolved->topics, &topic, sizeof topic, hash, found);
        one->places[one->count++] = found->place;
    }
}

static void place_subscriptions(struct consumer_assignment *assignment,
                                const struct resolved *resolved, const struct metadata *metadata) {
    size_t count = HASH_COUNT(resolved->subscriptions);
    assignment->subscribed = mem_alloc((count + 1) * sizeof(uint32_t *));
    struct subscription *one, *next;
    HASH_ITER(hh, resolved->subscriptions, one, next) {
        size_t most = topic_names_count(one->key[0]) + topic_names_count(one->key[1]);
        one->places = mem_alloc(most * sizeof *one->places);
        add_places(resolved, metadata, one->key[0], one);
        add_places(resolved, metadata, one->key[1], one);
        if (one->count > 1) qsort(one->places, one->count, sizeof *one->places, place_order);
        uint32_t kept = 0;
        for (uint32_t i = 0; i < one->count; i++)
            if (i == 0 || one->places[i] != one->places[i - 1])
                one->places[kept++] = one->places[i];
        one->count = kept;
        assignment->subscribed[assignment->subscribed_count++] = one->places;
    }
}

/* The number of the partition in the assignment; ASSIGNMENT_NOBODY: it is no more, or of a topic
 * that nobody subscribes to. */
static uint32_t number_of(const struct consumer_assignment *assignment,
                          const uint32_t *place_of_topic, const struct listed_partition *one) {
    uint32_t place = place_of_topic[one->topic];
    if (place == ASSIGNMENT_NOBODY) return ASSIGNMENT_NOBODY;
    const struct assignment_topic *topic = &assignment->topics[place];
    if ((uint32_t)one->partition >= topic->partitions) return ASSIGNMENT_NOBODY;
    return topic->first + (uint32_t)one->partition;
}

/* By the group's number of a topic: its place in the assignment. For mem_free. */
static uint32_t *places_of_topics(const struct consumer_assignment *assignment,
                                  const struct consumer_group *group) {
    uint32_t *places = mem_alloc((group->numbered_count + 1) * sizeof *places);
    for (size_t i = 0; i < group->numbered_count; i++)
        places[i] = ASSIGNMENT_NOBODY;
    for (uint32_t t = 0; t < assignment->input.topic_count; t++) {
        const struct consumer_topic *topic = consumer_topic_find(group, assignment->topic_ids[t]);
        if (topic != NULL) places[topic->number] = t;
    }
    return places;
}

static void fill_rows(struct consumer_assignment *assignment, const struct consumer_group *group,
                      const struct resolved *resolved, const struct subscribers *all) {
    uint32_t *places = places_of_topics(assignment, group);
    size_t held_count = 0, held = 0;
    for (size_t i = 0; i < all->count; i++)
        held_count += all->items[i].target->count;
    assignment->held = mem_alloc(held_count * sizeof *assignment->held);
    assignment->rows = mem_zalloc(all->count * sizeof *assignment->rows);
    assignment->members = mem_alloc(all->count * sizeof(struct shared_bytes *));
    for (size_t i = 0; i < all->count; i++) {
        const struct subscriber *from = &all->items[i];
        struct assignment_member *row = &assignment->rows[i];
        const struct subscription *one = subscription_of(resolved, from);
        assignment->members[i] = shared_string_of(NULL, from->id);
        row->id = shared_string(assignment->members[i]);
        row->instance = from->instance;
        row->topics = one->places;
        row->topic_count = one->count;
        row->held = assignment->held + held;
        for (size_t p = 0; p < from->target->count; p++) {
            uint32_t number = number_of(assignment, places, &from->target->items[p]);
            if (number == ASSIGNMENT_NOBODY) continue;
            assignment->held[held++] = number;
            row->held_count++;
        }
        assignment->work += row->topic_count + row->held_count + 1;
    }
    mem_free(places);
}

/* Instance ids move into copies, which nobody of the group frees. */
static void own_instances(struct consumer_assignment *assignment) {
    for (uint32_t i = 0; i < assignment->input.member_count; i++) {
        struct kp_string *instance = &assignment->rows[i].instance;
        if (instance->len >= 0) instance->data = mem_text(instance->data, (size_t)instance->len);
    }
}

void consumer_assignment_init(struct consumer_assignment *assignment,
                              const struct consumer_group *group, const struct metadata *metadata,
                              const struct consumer_candidate *candidate) {
    *assignment = (struct consumer_assignment){0};
    struct subscribers all = subscribers_of(group, candidate);
    struct resolved resolved;
    resolve(&resolved, group->row->table->seed, metadata, &all);
    number_topics(assignment, &resolved);
    place_subscriptions(assignment, &resolved, metadata);
    fill_rows(assignment, group, &resolved, &all);
    assignment->input.members = assignment->rows;
    assignment->input.member_count = (uint32_t)all.count;
    own_instances(assignment);
    assignment->owner = mem_alloc(assignment->input.partition_count * sizeof *assignment->owner);
    assignment->work += assignment->input.partition_count;
    resolved_close(&resolved);
    mem_free(all.items);
}

void consumer_assignment_close(struct consumer_assignment *assignment) {
    for (uint32_t i = 0; i < assignment->input.member_count; i++) {
        shared_bytes_release(assignment->members[i]);
        mem_free((void *)assignment->rows[i].instance.data);
    }
    for (size_t i = 0; i < assignment->subscribed_count; i++)
        mem_free(assignment->subscribed[i]);
    mem_free(assignment->subscribed);
    mem_free(assignment->members);
    mem_free(assignment->rows);
    mem_free(assignment->held);
    mem_free(assignment->topics);
    mem_free(assignment->topic_ids);
    mem_free(assignment->owner);
}

struct partition_list *consumer_targets(const struct consumer_assignment *assignment,
                                        struct consumer_group *group) {
    const struct assignment_input *input = &assignment->input;
    struct partition_list *targets = mem_zalloc((input->member_count + 1) * sizeof *targets);
    for (uint32_t t = 0; t < input->topic_count; t++) {
        uint32_t number = consumer_topic_number(group, assignment->topic_ids[t]);
        for (uint32_t p = 0; p < input->topics[t].partitions; p++) {
            uint32_t owner = assignment->owner[input->topics[t].first + p];
            if (owner != ASSIGNMENT_NOBODY)
                partition_list_add(&targets[owner], number, (int32_t)p, 0);
        }
    }
    for (uint32_t i = 0; i < input->member_count; i++)
        partition_list_sort(&targets[i]);
    return targets;
}

void consumer_targets_free(struct partition_list *targets, size_t count) {
    for (size_t i = 0; i < count; i++)
        partition_list_close(&targets[i]);
    mem_free(targets);
}
