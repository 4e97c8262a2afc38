/*
 * Rows of the metadata table: made, found, walked, freed. For readers: metadata.h.
 *
 * Names are chosen by clients, so their hash is seeded; ids and group numbers are ours.
 */
#include "broker/metadata/metadata_rows.h"
#include "broker/metadata/metadata_roster.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/nearest_name.h"
#include "broker/config/name_hash.h"
#include "broker/config/topic_name.h"

struct metadata *metadata_new(uint32_t nodes, uint64_t seed) {
    struct metadata *metadata = mem_zalloc(sizeof *metadata);
    metadata->seed = metadata->resources.seed = seed;
    metadata->next_group = METADATA_GROUP + 1;
    metadata->next_replica = (uint64_t)nodes + 1;
    return metadata;
}

static void free_broker(struct broker_row *row) {
    for (size_t i = 0; i < row->broker.endpoint_count; i++) {
        mem_free((void *)row->endpoints[i].listener);
        mem_free((void *)row->endpoints[i].host);
    }
    for (size_t i = 0; i < row->broker.feature_count; i++)
        mem_free((void *)row->features[i].name);
    mem_free(row->endpoints);
    mem_free(row->features);
    mem_free(row->rack);
}

static void free_topic(struct topic_row *row) {
    for (int32_t p = 0; p < row->topic.partition_count; p++)
        mem_free((void *)row->partitions[p].replicas);
    metadata_configs_close(&row->topic.configs);
    mem_free(row->partitions);
    mem_free(row->name);
    mem_free(row);
}

void metadata_free(struct metadata *metadata) {
    if (metadata == NULL) return;
    struct topic_row *topic, *next;
    HASH_ITER(by_name, metadata->topics_by_name, topic, next)
    metadata_rows_remove_topic(metadata, topic);
    for (size_t i = 0; i < metadata->broker_count; i++) {
        free_broker(metadata->brokers[i]);
        mem_free(metadata->brokers[i]);
    }
    mem_free(metadata->brokers);
    for (size_t i = 0; i < metadata->roster_count; i++)
        mem_free((void *)metadata->roster[i].host);
    mem_free(metadata->roster);
    mem_free(metadata->retired);
    for (size_t i = 0; i < metadata->feature_count; i++)
        mem_free((void *)metadata->features[i].set.name);
    mem_free(metadata->features);
    mem_free(metadata->loads);
    mem_free(metadata->plans);
    metadata_resources_close(&metadata->resources);
    user_table_close(&metadata->users);
    acl_table_close(&metadata->rules);
    quota_table_close(&metadata->quotas);
    mem_free(metadata);
}

void metadata_rows_exchange(struct metadata *one, struct metadata *other) {
    struct metadata was = *one;
    struct metadata_listener *listeners = other->listeners;
    *one = *other;
    *other = was;
    one->listeners = was.listeners;
    other->listeners = listeners;
}

const struct user_table *metadata_users(const struct metadata *metadata) {
    return &metadata->users;
}

const struct acl_table *metadata_rules(const struct metadata *metadata) {
    return &metadata->rules;
}

const struct quota_table *metadata_quotas(const struct metadata *metadata) {
    return &metadata->quotas;
}

uint64_t metadata_next_group(const struct metadata *metadata) {
    return metadata->next_group;
}

replica_id metadata_next_replica(const struct metadata *metadata) {
    return metadata->next_replica;
}

uint64_t metadata_version(const struct metadata *metadata) {
    return metadata->version;
}

/* ---- Brokers ---- */

/* The place of `node`, or where it belongs. */
static size_t broker_place(const struct metadata *metadata, int32_t node) {
    size_t place = 0;
    while (place < metadata->broker_count && metadata->brokers[place]->broker.node < node)
        place++;
    return place;
}

struct broker_row *metadata_rows_broker(struct metadata *metadata, int32_t node, bool make) {
    size_t place = broker_place(metadata, node);
    if (place < metadata->broker_count && metadata->brokers[place]->broker.node == node)
        return metadata->brokers[place];
    if (!make) return NULL;
    metadata->brokers = mem_realloc(metadata->brokers,
                                    (metadata->broker_count + 1) * sizeof(struct broker_row *));
    memmove(metadata->brokers + place + 1, metadata->brokers + place,
            (metadata->broker_count - place) * sizeof(struct broker_row *));
    struct broker_row *row = mem_zalloc(sizeof *row);
    row->broker.node = node;
    metadata->brokers[place] = row;
    metadata->broker_count++;
    return row;
}

void metadata_rows_remove_broker(struct metadata *metadata, int32_t node) {
    size_t place = broker_place(metadata, node);
    if (metadata_broker_of(metadata, node) == NULL) return;
    free_broker(metadata->brokers[place]);
    mem_free(metadata->brokers[place]);
    metadata->broker_count--;
    memmove(metadata->brokers + place, metadata->brokers + place + 1,
            (metadata->broker_count - place) * sizeof(struct broker_row *));
}

static char *copy_text(struct kp_string text) {
    return mem_text(text.data == NULL ? "" : text.data, text.len < 0 ? 0 : (size_t)text.len);
}

void broker_row_set(struct broker_row *row, const struct command_register_broker *command) {
    free_broker(row);
    size_t count = command->endpoints.count < 0 ? 0 : (size_t)command->endpoints.count;
    memcpy(row->broker.directory, command->directory.bytes, METADATA_UUID_SIZE);
    row->rack = copy_text(command->rack);
    row->endpoints = mem_zalloc(count * sizeof *row->endpoints);
    for (size_t i = 0; i < count; i++)
        row->endpoints[i] = (struct metadata_endpoint){
            .listener = copy_text(command->endpoints.items[i].listener),
            .host = copy_text(command->endpoints.items[i].host),
            .port = command->endpoints.items[i].port};
    size_t features = command->features.count < 0 ? 0 : (size_t)command->features.count;
    row->features = mem_zalloc(features * sizeof *row->features);
    for (size_t i = 0; i < features; i++)
        row->features[i] = (struct metadata_feature){
            .name = copy_text(command->features.items[i].name),
            .min = command->features.items[i].min,
            .max = command->features.items[i].max};
    row->broker.features = row->features;
    row->broker.feature_count = features;
    row->broker.rack = row->rack;
    row->broker.endpoints = row->endpoints;
    row->broker.endpoint_count = count;
    row->broker.fenced = row->broker.turned_away = false;
    row->broker.fenced_ms = 0;
}

const struct metadata_broker *metadata_broker_of(const struct metadata *metadata, int32_t node) {
    size_t place = broker_place(metadata, node);
    if (place == metadata->broker_count || metadata->brokers[place]->broker.node != node)
        return NULL;
    return &metadata->brokers[place]->broker;
}

size_t metadata_broker_count(const struct metadata *metadata) {
    return metadata->broker_count;
}

const struct metadata_broker *metadata_broker_at(const struct metadata *metadata, size_t place) {
    CHECK(place < metadata->broker_count); /* the callers count up to it */
    return &metadata->brokers[place]->broker;
}

const struct metadata_endpoint *metadata_endpoint_of(const struct metadata_broker *broker,
                                                     const char *listener) {
    for (size_t i = 0; i < broker->endpoint_count; i++)
        if (strcmp(broker->endpoints[i].listener, listener) == 0) return &broker->endpoints[i];
    return NULL;
}

/* ---- Topics ---- */

struct topic_row *metadata_rows_topic(const struct metadata *metadata,
                                      const uint8_t id[METADATA_UUID_SIZE]) {
    struct topic_row *row;
    HASH_FIND(by_id, metadata->topics_by_id, id, METADATA_UUID_SIZE, row);
    return row;
}

struct topic_row *metadata_rows_add_topic(struct metadata *metadata,
                                          const struct command_create_topic *command,
                                          log_index index) {
    struct topic_row *row = mem_zalloc(sizeof *row);
    row->name = copy_text(command->name);
    row->topic = (struct metadata_topic){.name = row->name, .created = index};
    for (int32_t i = 0; i < command->configs.count; i++)
        metadata_configs_add(&row->topic.configs, command->configs.items[i].name,
                             command->configs.items[i].value);
    memcpy(row->topic.id, command->id.bytes, METADATA_UUID_SIZE);
    unsigned hash = metadata_name_hash(metadata->seed, row->name, strlen(row->name));
    HASH_ADD_KEYPTR_BYHASHVALUE(by_name, metadata->topics_by_name, row->name, strlen(row->name),
                                hash, row);
    HASH_ADD(by_id, metadata->topics_by_id, topic.id, METADATA_UUID_SIZE, row);
    return row;
}

void metadata_rows_grow(struct topic_row *topic, int32_t count) {
    /* apply_create_* (metadata.c) have refused other counts */
    CHECK(count > topic->topic.partition_count && count <= METADATA_PARTITIONS_MAX);
    topic->partitions = mem_realloc(topic->partitions, (size_t)count * sizeof *topic->partitions);
    topic->topic.partitions = topic->partitions;
}

static struct metadata_load *load_row(const struct metadata *metadata, int32_t node) {
    for (size_t i = 0; i < metadata->load_count; i++)
        if (metadata->loads[i].node == node) return &metadata->loads[i];
    return NULL;
}

static void load_add(struct metadata *metadata, const struct metadata_partition *partition) {
    for (size_t r = 0; r < metadata_member_count(partition); r++) {
        if (partition->replicas[r].node == METADATA_NODE_LOST) continue;
        struct metadata_load *load = load_row(metadata, partition->replicas[r].node);
        if (load == NULL) {
            metadata->loads = mem_realloc(metadata->loads,
                                          (metadata->load_count + 1) * sizeof *load);
            load = &metadata->loads[metadata->load_count++];
            *load = (struct metadata_load){.node = partition->replicas[r].node};
        }
        load->replicas++;
        load->leaders += r == 0;
    }
}

static void load_remove(struct metadata *metadata, const struct metadata_partition *partition) {
    for (size_t r = 0; r < metadata_member_count(partition); r++) {
        if (partition->replicas[r].node == METADATA_NODE_LOST) continue;
        struct metadata_load *load = load_row(metadata, partition->replicas[r].node);
        CHECK(load != NULL); /* load_add has made it */
        load->replicas--;
        load->leaders -= r == 0;
    }
}

struct metadata_load metadata_load_of(const struct metadata *metadata, int32_t node) {
    const struct metadata_load *load = load_row(metadata, node);
    return load == NULL ? (struct metadata_load){.node = node} : *load;
}

void metadata_rows_add_group(struct metadata *metadata, struct topic_row *topic, int32_t index) {
    CHECK(index == topic->topic.partition_count); /* one after the other */
    topic->topic.partition_count = index + 1;
    struct group_row *row = mem_zalloc(sizeof *row);
    row->group = topic->partitions[index].group;
    row->topic = topic;
    row->index = index;
    HASH_ADD(hh, metadata->groups, group, sizeof row->group, row);
    load_add(metadata, &topic->partitions[index]);
}

void metadata_rows_set_members(struct metadata *metadata, struct metadata_partition *partition,
                               struct metadata_replica *members, size_t replica_count,
                               size_t leaving_count) {
    load_remove(metadata, partition);
    mem_free((void *)partition->replicas);
    partition->replicas = members;
    partition->replica_count = replica_count;
    partition->leaving_count = leaving_count;
    load_add(metadata, partition);
}

/* ---- Plans ---- */

size_t metadata_plan_count(const struct metadata *metadata) {
    return metadata->plan_count;
}

const struct metadata_partition *metadata_plan_at(const struct metadata *metadata, size_t place) {
    CHECK(place < metadata->plan_count); /* the callers count up to it */
    return metadata_partition_of_group(metadata, metadata->plans[place]);
}

static struct group_row *group_row_of(const struct metadata *metadata, uint64_t group) {
    struct group_row *row;
    HASH_FIND(hh, metadata->groups, &group, sizeof group, row);
    return row;
}

void metadata_rows_note_plan(struct metadata *metadata,
                             const struct metadata_partition *partition) {
    struct group_row *row = group_row_of(metadata, partition->group);
    CHECK(row != NULL); /* a partition's group is added with it */
    bool noted = row->plan_place != 0, wanted = partition->plan != 0;
    if (noted == wanted) return;
    if (noted) { /* the last one takes its place */
        uint64_t last = metadata->plans[--metadata->plan_count];
        metadata->plans[row->plan_place - 1] = last;
        group_row_of(metadata, last)->plan_place = row->plan_place;
        row->plan_place = 0;
        return;
    }
    metadata->plans = mem_grow(metadata->plans, metadata->plan_count, &metadata->plan_room,
                               sizeof *metadata->plans);
    metadata->plans[metadata->plan_count++] = partition->group;
    row->plan_place = metadata->plan_count;
}

/* ---- Looking up ---- */

static void remove_group(struct metadata *metadata, struct metadata_partition *partition) {
    struct group_row *row = group_row_of(metadata, partition->group);
    CHECK(row != NULL); /* a partition's group is added with it */
    load_remove(metadata, partition);
    partition->plan = 0;
    metadata_rows_note_plan(metadata, partition);
    HASH_DELETE(hh, metadata->groups, row);
    mem_free(row);
}

static void remove_topic_row(struct metadata *metadata, struct topic_row *topic) {
    HASH_DELETE(by_name, metadata->topics_by_name, topic);
    HASH_DELETE(by_id, metadata->topics_by_id, topic);
    free_topic(topic);
}

void metadata_rows_remove_topic(struct metadata *metadata, struct topic_row *topic) {
    for (int32_t p = 0; p < topic->topic.partition_count; p++)
        remove_group(metadata, &topic->partitions[p]);
    remove_topic_row(metadata, topic);
}

void metadata_rows_forget_some(struct metadata *metadata, struct topic_row *topic, int32_t most) {
    for (; most > 0 && topic->topic.partition_count > 0; most--) {
        struct metadata_partition *last = &topic->partitions[--topic->topic.partition_count];
        remove_group(metadata, last);
        mem_free((void *)last->replicas);
    }
    if (topic->topic.partition_count == 0) remove_topic_row(metadata, topic);
}

const struct metadata_topic *metadata_topic_named(const struct metadata *metadata, const char *name,
                                                  size_t len) {
    struct topic_row *row;
    unsigned hash = metadata_name_hash(metadata->seed, name, len);
    HASH_FIND_BYHASHVALUE(by_name, metadata->topics_by_name, name, len, hash, row);
    return row == NULL ? NULL : &row->topic;
}

const struct metadata_topic *metadata_topic_with_id(const struct metadata *metadata,
                                                    const uint8_t id[METADATA_UUID_SIZE]) {
    struct topic_row *row = metadata_rows_topic(metadata, id);
    return row == NULL ? NULL : &row->topic;
}

const struct metadata_partition *metadata_partition_at(const struct metadata_topic *topic,
                                                       int32_t index) {
    return index < 0 || index >= topic->partition_count ? NULL : &topic->partitions[index];
}

const struct metadata_partition *metadata_partition_of_group(const struct metadata *metadata,
                                                             uint64_t group) {
    const struct group_row *row = group_row_of(metadata, group);
    return row == NULL ? NULL : &row->topic->partitions[row->index];
}

size_t metadata_topic_count(const struct metadata *metadata) {
    return HASH_CNT(by_name, metadata->topics_by_name);
}

size_t metadata_partition_count(const struct metadata *metadata) {
    return HASH_COUNT(metadata->groups);
}

const struct metadata_topic *metadata_next_topic(const struct metadata *metadata,
                                                 const struct metadata_topic *topic) {
    const struct topic_row *row = (const struct topic_row *)topic; /* its first field */
    row = topic == NULL ? metadata->topics_by_name : row->by_name.next;
    return row == NULL ? NULL : &row->topic;
}

const struct metadata_topic *metadata_nearest_topic(const struct metadata *metadata,
                                                    const char *wrong, size_t len) {
    if (len > TOPIC_NAME_MAX) return NULL;
    size_t count = metadata_topic_count(metadata), n = 0;
    const char **names = mem_alloc((count + 1) * sizeof *names);
    for (const struct metadata_topic *topic = NULL;
         (topic = metadata_next_topic(metadata, topic)) != NULL;)
        names[n++] = topic->name;
    char *text = mem_text(wrong, len);
    const char *near = nearest_name(text, names, n);
    const struct metadata_topic *found = near == NULL
                                             ? NULL
                                             : metadata_topic_named(metadata, near, strlen(near));
    mem_free(text);
    mem_free(names);
    return found;
}
