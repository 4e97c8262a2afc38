/*
 * Producers, topics and places in a hash table each; each offset in a list of its producer, of its
 * place, and of all. What has lost its last offset goes at once.
 */
#include "broker/coordinator/offsets/pending_offsets.h"

#include <string.h>

#include <utlist.h>

#include "base/check.h"
#include "base/mem.h"

struct pending_topic {
    struct pending_offsets *pending;
    struct kp_string name; /* its own copy */
    size_t places;
    UT_hash_handle hh;
};

struct pending_producer {
    int64_t producer_id;
    struct pending_offset *first;
    size_t count, expected;
    UT_hash_handle hh;
};

struct pending_offsets {
    uint64_t seed;
    struct pending_topic *topics;       /* hash by name */
    struct pending_place *places;       /* hash, see PLACE_KEY_SIZE */
    struct pending_producer *producers; /* hash by id */
    struct pending_offset *all;
    size_t count;
    struct pending_cursor *cursors;
};

struct pending_offsets *pending_offsets_new(uint64_t seed) {
    struct pending_offsets *pending = mem_zalloc(sizeof *pending);
    pending->seed = seed;
    return pending;
}

void pending_offsets_free(struct pending_offsets *pending) {
    CHECK(pending->all == NULL && pending->topics == NULL);
    while (pending->cursors != NULL)
        pending_cursor_close(pending->cursors);
    mem_free(pending);
}

/* ---- Topics ---- */

static struct pending_topic *topic_find(const struct pending_offsets *pending,
                                        struct kp_string name) {
    struct pending_topic *topic;
    unsigned hash = group_hash(pending->seed, name.data, (size_t)name.len);
    HASH_FIND_BYHASHVALUE(hh, pending->topics, name.data, (unsigned)name.len, hash, topic);
    return topic;
}

static struct pending_topic *topic_make(struct pending_offsets *pending, struct kp_string name) {
    struct pending_topic *topic = topic_find(pending, name);
    if (topic != NULL) return topic;
    unsigned hash = group_hash(pending->seed, name.data, (size_t)name.len);
    topic = mem_zalloc(sizeof *topic);
    topic->pending = pending;
    topic->name = (struct kp_string){mem_text(name.data, (size_t)name.len), name.len};
    HASH_ADD_KEYPTR_BYHASHVALUE(hh, pending->topics, topic->name.data, (unsigned)name.len, hash,
                                topic);
    return topic;
}

/* ---- Places ---- */

/* The first three members. */
enum { PLACE_KEY_SIZE = offsetof(struct pending_place, first) };
_Static_assert(PLACE_KEY_SIZE == 2 * sizeof(void *) + sizeof(int64_t), "the key has no gap");

static struct pending_place *place_find(const struct pending_offsets *pending,
                                        const struct group *group,
                                        const struct pending_topic *topic, int32_t partition) {
    struct pending_place key, *place;
    memset(&key, 0, sizeof key);
    memcpy(&key.group, &group, sizeof group);
    memcpy(&key.topic, &topic, sizeof topic);
    key.partition = partition;
    HASH_FIND_BYHASHVALUE(hh, pending->places, &key, PLACE_KEY_SIZE,
                          group_hash(pending->seed, &key, PLACE_KEY_SIZE), place);
    return place;
}

static struct pending_place *find_place(const struct group *group, struct kp_string topic,
                                        int32_t partition) {
    if (group->pending == NULL) return NULL;
    const struct pending_offsets *pending = group->pending->topic->pending;
    const struct pending_topic *named = topic_find(pending, topic);
    return named == NULL ? NULL : place_find(pending, group, named, partition);
}

static struct pending_place *place_make(struct pending_topic *topic, struct group *group,
                                        int32_t partition) {
    struct pending_offsets *pending = topic->pending;
    struct pending_place *place = place_find(pending, group, topic, partition);
    if (place != NULL) return place;
    place = mem_zalloc(sizeof *place);
    place->group = group;
    place->topic = topic;
    place->partition = partition;
    topic->places++;
    group_charge(group, sizeof *place);
    DL_APPEND(group->pending, place);
    HASH_ADD_BYHASHVALUE(hh, pending->places, group, PLACE_KEY_SIZE,
                         group_hash(pending->seed, place, PLACE_KEY_SIZE), place);
    return place;
}

static void place_free(struct pending_place *place) {
    struct pending_topic *topic = place->topic;
    DL_DELETE(place->group->pending, place);
    HASH_DEL(topic->pending->places, place);
    group_release(place->group, sizeof *place);
    mem_free(place);
    if (--topic->places > 0) return;
    HASH_DEL(topic->pending->topics, topic);
    mem_free((void *)topic->name.data);
    mem_free(topic);
}

/* ---- Producers ---- */

static struct pending_producer *producer_find(const struct pending_offsets *pending,
                                              int64_t producer_id) {
    struct pending_producer *producer;
    HASH_FIND_BYHASHVALUE(hh, pending->producers, &producer_id, sizeof producer_id,
                          group_hash(pending->seed, &producer_id, sizeof producer_id), producer);
    return producer;
}

static struct pending_producer *producer_make(struct pending_offsets *pending,
                                              int64_t producer_id) {
    struct pending_producer *producer = producer_find(pending, producer_id);
    if (producer != NULL) return producer;
    producer = mem_zalloc(sizeof *producer);
    producer->producer_id = producer_id;
    HASH_ADD_BYHASHVALUE(hh, pending->producers, producer_id, sizeof producer_id,
                         group_hash(pending->seed, &producer_id, sizeof producer_id), producer);
    return producer;
}

static void producer_settle(struct pending_offsets *pending, struct pending_producer *producer) {
    if (producer->first != NULL || producer->expected > 0) return;
    HASH_DEL(pending->producers, producer);
    mem_free(producer);
}

void pending_offsets_expect(struct pending_offsets *pending, int64_t producer_id, int64_t more) {
    struct pending_producer *producer = producer_make(pending, producer_id);
    CHECK(more >= 0 || producer->expected >= (size_t)-more); /* what ends was begun */
    producer->expected += (size_t)more;
    producer_settle(pending, producer);
}

/* ---- Offsets ---- */

/* Its producer's row counts with each, for it belongs to no group alone. */
static size_t bytes_of(const struct pending_offset *offset) {
    return sizeof *offset + sizeof(struct pending_producer) + (size_t)offset->offset.metadata_len;
}

static void set_metadata(struct pending_offset *offset, const struct committed_offset *from) {
    offset->offset.metadata = NULL;
    offset->offset.metadata_len = 0;
    if (from->metadata_len <= 0) return;
    char *copy = mem_alloc((size_t)from->metadata_len);
    memcpy(copy, from->metadata, (size_t)from->metadata_len);
    offset->offset.metadata = copy;
    offset->offset.metadata_len = from->metadata_len;
}

/* It is in both lists, and each of them may be long (very many producers commit for one partition):
 * whichever ends first says that it is not there. */
static struct pending_offset *find_of(const struct pending_place *place,
                                      const struct pending_producer *producer) {
    struct pending_offset *here = place->first, *of = producer->first;
    while (here != NULL && of != NULL) {
        if (here->producer == producer) return here;
        if (of->place == place) return of;
        here = here->next;
        of = of->next_of;
    }
    return NULL;
}

void pending_offsets_put(struct pending_offsets *pending, int64_t producer_id, struct group *group,
                         struct kp_string topic, const struct committed_offset *offset) {
    struct pending_place *place = place_make(topic_make(pending, topic), group, offset->partition);
    struct pending_producer *producer = producer_make(pending, producer_id);
    struct pending_offset *made = mem_zalloc(sizeof *made), *before = find_of(place, producer);
    made->offset = *offset;
    made->offset.history = 0;
    set_metadata(made, offset);
    made->place = place;
    made->producer = producer;
    DL_APPEND(place->first, made);
    DL_APPEND2(producer->first, made, prev_of, next_of);
    DL_APPEND2(pending->all, made, prev_all, next_all);
    producer->count++;
    pending->count++;
    group_charge(group, bytes_of(made));
    if (before != NULL) pending_offset_remove(before);
}

void pending_offset_remove(struct pending_offset *offset) {
    struct pending_place *place = offset->place;
    struct pending_producer *producer = offset->producer;
    struct pending_offsets *pending = place->topic->pending;
    for (struct pending_cursor *cursor = pending->cursors; cursor != NULL;
         cursor = cursor->next_cursor)
        if (cursor->next == offset) cursor->next = offset->next_all;
    DL_DELETE(place->first, offset);
    DL_DELETE2(producer->first, offset, prev_of, next_of);
    DL_DELETE2(pending->all, offset, prev_all, next_all);
    producer->count--;
    pending->count--;
    group_release(place->group, bytes_of(offset));
    mem_free((void *)offset->offset.metadata);
    mem_free(offset);
    if (place->first == NULL) place_free(place);
    producer_settle(pending, producer);
}

static void place_drop(struct pending_place *place) {
    bool last = false;
    while (!last) { /* with its last offset it goes */
        last = place->first->next == NULL;
        pending_offset_remove(place->first);
    }
}

void pending_offsets_drop(struct group *group, struct kp_string topic, int32_t partition) {
    struct pending_place *place = find_place(group, topic, partition);
    if (place != NULL) place_drop(place);
}

void pending_offsets_forget(struct group *group) {
    while (group->pending != NULL)
        place_drop(group->pending);
}

/* ---- Reading ---- */

size_t pending_offsets_count(const struct pending_offsets *pending) {
    return pending->count;
}

struct pending_offset *pending_offsets_of(const struct pending_offsets *pending,
                                          int64_t producer_id) {
    const struct pending_producer *producer = producer_find(pending, producer_id);
    return producer == NULL ? NULL : producer->first;
}

size_t pending_offsets_count_of(const struct pending_offsets *pending, int64_t producer_id) {
    const struct pending_producer *producer = producer_find(pending, producer_id);
    return producer == NULL ? 0 : producer->count + producer->expected;
}

const struct pending_place *pending_offsets_find(const struct group *group, struct kp_string topic,
                                                 int32_t partition) {
    return find_place(group, topic, partition);
}

const struct pending_offset *pending_offset_by(const struct pending_place *place,
                                               int64_t producer_id) {
    if (place == NULL) return NULL;
    const struct pending_producer *producer = producer_find(place->topic->pending, producer_id);
    return producer == NULL ? NULL : find_of(place, producer);
}

struct kp_string pending_place_topic(const struct pending_place *place) {
    return place->topic->name;
}

int64_t pending_offset_producer(const struct pending_offset *offset) {
    return offset->producer->producer_id;
}

/* ---- Cursors ---- */

void pending_cursor_open(struct pending_cursor *cursor, struct pending_offsets *pending) {
    *cursor = (struct pending_cursor){
        .pending = pending, .next = pending->all, .next_cursor = pending->cursors};
    if (pending->cursors != NULL) pending->cursors->prev_cursor = cursor;
    pending->cursors = cursor;
}

const struct pending_offset *pending_cursor_next(struct pending_cursor *cursor) {
    const struct pending_offset *offset = cursor->next;
    if (offset != NULL) cursor->next = offset->next_all;
    return offset;
}

void pending_cursor_close(struct pending_cursor *cursor) {
    if (cursor->pending == NULL) return;
    *(cursor->prev_cursor != NULL ? &cursor->prev_cursor->next_cursor
                                  : &cursor->pending->cursors) = cursor->next_cursor;
    if (cursor->next_cursor != NULL) cursor->next_cursor->prev_cursor = cursor->prev_cursor;
    *cursor = (struct pending_cursor){.pending = NULL};
}
