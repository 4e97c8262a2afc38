/* Topics as a list in the order of coming, and where in it each is, by its id. */
#include "broker/coordinator/share/share_places.h"

#include <string.h>

#include "base/mem.h"
#include "protocol/coordinator_records/coordinator_record.h"

enum {
    PARTITIONS_MAX = 1000 * 1000, /* more are in no topic */
    SLOTS_LEAST = 16
};

static void topic_close(struct share_topic *topic) {
    mem_free(topic->name);
    mem_free(topic->stages);
}

void share_places_close(struct share_places *places) {
    for (size_t i = 0; i < places->count; i++)
        topic_close(&places->topics[i]);
    mem_free(places->topics);
    mem_free(places->slots);
    *places = (struct share_places){0};
}

/* Where it stands, or would: there are more slots than topics. Ids are the brokers' own, and
 * random. */
static uint32_t *slot_of(const struct share_places *places, struct kp_uuid topic) {
    uint64_t halves[2];
    memcpy(halves, topic.bytes, sizeof halves);
    uint64_t hash = (halves[0] ^ (halves[1] * UINT64_C(0x9e3779b97f4a7c15))) *
                    UINT64_C(0xff51afd7ed558ccd);
    size_t at = (size_t)(hash >> 32) & (places->slot_count - 1);
    while (places->slots[at] != 0 &&
           !kp_uuid_equal(places->topics[places->slots[at] - 1].id, topic))
        at = (at + 1) & (places->slot_count - 1);
    return &places->slots[at];
}

static void grow_slots(struct share_places *places) {
    mem_free(places->slots);
    places->slot_count = places->slot_count == 0 ? SLOTS_LEAST : 2 * places->slot_count;
    places->slots = mem_zalloc(places->slot_count * sizeof *places->slots);
    for (size_t i = 0; i < places->count; i++)
        *slot_of(places, places->topics[i].id) = (uint32_t)i + 1;
}

struct share_topic *share_places_topic(const struct share_places *places, struct kp_uuid topic) {
    uint32_t place = places->count == 0 ? 0 : *slot_of(places, topic);
    return place == 0 ? NULL : &places->topics[place - 1];
}

static struct share_topic *topic_add(struct share_places *places, struct kp_uuid id,
                                     struct kp_string name) {
    places->topics = mem_grow(places->topics, places->count, &places->capacity,
                              sizeof *places->topics);
    if (2 * (places->count + 1) > places->slot_count) grow_slots(places);
    uint32_t *slot = slot_of(places, id);
    struct share_topic *topic = &places->topics[places->count++];
    *slot = (uint32_t)places->count;
    *topic = (struct share_topic){.id = id, .name = mem_text(name.data, (size_t)name.len)};
    return topic;
}

void share_places_copy(struct share_places *into, const struct share_places *from) {
    into->metadata = from->metadata;
    for (size_t i = 0; i < from->count; i++) {
        const struct share_topic *topic = &from->topics[i];
        struct share_topic *copy = topic_add(into, topic->id, kp_string_of(topic->name));
        copy->stages = mem_alloc((size_t)topic->count);
        copy->count = topic->count;
        if (topic->count > 0) memcpy(copy->stages, topic->stages, (size_t)topic->count);
    }
}

uint8_t share_places_stage(const struct share_places *places, struct kp_uuid topic,
                           int32_t partition) {
    const struct share_topic *found = share_places_topic(places, topic);
    return found == NULL || partition >= found->count ? SHARE_NOT_BEGUN : found->stages[partition];
}

void share_places_set(struct share_places *places, struct kp_uuid topic, struct kp_string name,
                      int32_t partition, enum share_stage stage) {
    struct share_topic *found = share_places_topic(places, topic);
    if (partition < 0 || partition >= PARTITIONS_MAX) return;
    if (found == NULL) found = topic_add(places, topic, name);
    if (partition >= found->count) {
        int32_t count = partition + 1 > 2 * found->count ? partition + 1 : 2 * found->count;
        uint8_t *stages = mem_zalloc((size_t)count);
        if (found->count > 0) memcpy(stages, found->stages, (size_t)found->count);
        mem_free(found->stages);
        found->stages = stages;
        found->count = count;
    }
    found->stages[partition] = (uint8_t)stage;
}

/* Of a topic of which nothing is known both are the same if nothing has begun. */
static bool is_same(const struct share_topic *topic, const struct share_topic *other) {
    for (int32_t p = 0; p < topic->count; p++)
        if (topic->stages[p] !=
            (other == NULL || p >= other->count ? SHARE_NOT_BEGUN : other->stages[p]))
            return false;
    return true;
}

static bool is_in(const struct share_places *one, const struct share_places *other) {
    for (size_t i = 0; i < one->count; i++)
        if (!is_same(&one->topics[i], share_places_topic(other, one->topics[i].id))) return false;
    return true;
}

bool share_places_same(const struct share_places *one, const struct share_places *other) {
    return is_in(one, other) && is_in(other, one);
}

static size_t count_of(const struct share_topic *topic, enum share_stage stage) {
    size_t count = 0;
    for (int32_t p = 0; p < topic->count; p++)
        count += topic->stages[p] == stage;
    return count;
}

size_t share_places_count(const struct share_places *places, enum share_stage stage) {
    size_t count = 0;
    for (size_t i = 0; i < places->count; i++)
        count += count_of(&places->topics[i], stage);
    return count;
}

size_t share_places_bytes(const struct share_places *places) {
    size_t bytes = places->capacity * sizeof *places->topics +
                   places->slot_count * sizeof *places->slots;
    for (size_t i = 0; i < places->count; i++)
        bytes += strlen(places->topics[i].name) + 1 + (size_t)places->topics[i].count;
    return bytes;
}

/* ---- The record ---- */

static void add_record(struct kp_string group, const struct kp_share_places_value *value,
                       struct group_batch *batch) {
    const struct kp_record_type *type = kp_record_type_numbered(KP_RECORD_SHARE_PLACES);
    struct kp_consumer_group_key key = {group};
    struct kp_writer *writer = group_batch_begin(batch);
    kp_record_key_encode(type, &key, writer);
    size_t key_len = writer->len;
    if (value != NULL) kp_record_value_encode(type, type->written, value, writer);
    group_batch_end(batch, key_len, value == NULL);
}

/* The numbers of its partitions with that stage; *at moves behind them. */
static int32_t write_stage(const struct share_topic *topic, enum share_stage stage, int32_t **at) {
    int32_t *first = *at;
    for (int32_t p = 0; p < topic->count; p++)
        if (topic->stages[p] == stage) *(*at)++ = p;
    return (int32_t)(*at - first);
}

/* Those that are beginning with those that begin with their first record behind them, or those that
 * have begun. */
static void write_topic(const struct share_topic *topic, enum share_stage stage, int32_t **at,
                        struct kp_share_places_topic *into) {
    *into = (struct kp_share_places_topic){.id = topic->id, .name = kp_string_of(topic->name)};
    into->partitions.items = *at;
    into->partitions.count = write_stage(topic, stage, at);
    if (stage != SHARE_BEGINNING) return;
    into->later.items = *at;
    into->later.count = write_stage(topic, SHARE_LATER, at);
    into->partitions.count += into->later.count;
}

void share_places_record(const struct share_places *places, struct kp_string group,
                         struct group_batch *batch) {
    struct kp_share_places_topic *topics = mem_alloc((2 * places->count + 1) * sizeof *topics);
    size_t most = share_places_count(places, SHARE_BEGINNING) +
                  share_places_count(places, SHARE_LATER) + share_places_count(places, SHARE_BEGUN);
    int32_t *numbers = mem_alloc((most + 1) * sizeof *numbers), *at = numbers;
    struct kp_share_places_value value = {.beginning.items = topics,
                                          .begun.items = topics + places->count,
                                          .metadata = (int64_t)places->metadata};
    for (size_t i = 0; i < places->count; i++) {
        const struct share_topic *topic = &places->topics[i];
        write_topic(topic, SHARE_BEGINNING, &at, &topics[value.beginning.count]);
        value.beginning.count += topics[value.beginning.count].partitions.count > 0;
        write_topic(topic, SHARE_BEGUN, &at, &value.begun.items[value.begun.count]);
        value.begun.count += value.begun.items[value.begun.count].partitions.count > 0;
    }
    add_record(group, &value, batch);
    mem_free(numbers);
    mem_free(topics);
}

void share_places_tombstone(struct kp_string group, struct group_batch *batch) {
    add_record(group, NULL, batch);
}

static void read_topic(struct share_places *places, const struct kp_share_places_topic *topic,
                       enum share_stage stage) {
    for (int32_t i = 0; i < topic->partitions.count; i++)
        share_places_set(places, topic->id, topic->name, topic->partitions.items[i], stage);
    for (int32_t i = 0; stage == SHARE_BEGINNING && i < topic->later.count; i++)
        share_places_set(places, topic->id, topic->name, topic->later.items[i], SHARE_LATER);
}

void share_places_read(struct share_places *places, const struct kp_share_places_value *value) {
    places->metadata = value->metadata > 0 ? (uint64_t)value->metadata : 0;
    for (int32_t t = 0; t < value->beginning.count; t++)
        read_topic(places, &value->beginning.items[t], SHARE_BEGINNING);
    for (int32_t t = 0; t < value->begun.count; t++)
        read_topic(places, &value->begun.items[t], SHARE_BEGUN);
}
