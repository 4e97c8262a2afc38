/* Putting partitions in, taking them out, and the list of those that are to be looked at. */
#include "broker/api/fetch_set.h"

#include <string.h>
#include <utlist.h>

#include "base/check.h"
#include "base/container_of.h"
#include "base/mutant.h"

/* ---- Keys ---- */

static struct key key_of_ref(const struct topic_ref *ref) {
    struct kp_string id = {(const char *)ref->id.bytes, sizeof ref->id.bytes};
    return (struct key){.text = ref->by_id ? id : ref->name};
}

static struct key key_of_topic(const void *owner, size_t place) {
    const struct fetch_set *set = owner;
    return key_of_ref(&set->topics[place]->ref);
}

/* Topics are told apart already: their places do. */
static struct key key_in(const struct fetch_topic *topic, int32_t partition) {
    struct kp_string text = {(const char *)&topic->place, sizeof topic->place};
    return (struct key){.text = text, .number = partition};
}

static struct key key_of_entry(const void *owner, size_t place) {
    const struct fetch_set *set = owner;
    return key_in(set->entries[place]->topic, set->entries[place]->partition);
}

/* ---- Room ---- */

/* An array of pointers in the arena, with room for so many; what it was before stays there. */
static bool make_room(struct kp_arena *arena, void *array, size_t size, size_t used, size_t *room,
                      size_t wanted) {
    void *before;
    if (wanted <= *room) return true;
    void *after = kp_arena_alloc(arena, wanted * size);
    if (after == NULL) return false;
    memcpy(&before, array, sizeof before);
    if (used > 0) memcpy(after, before, used * size);
    memcpy(array, &after, sizeof after);
    *room = wanted;
    return true;
}

static bool make_topic_room(struct fetch_set *set, size_t wanted) {
    size_t room = set->topic_room;
    return make_room(set->arena, &set->free_topics, sizeof *set->free_topics, set->free_topic_count,
                     &room, wanted) &&
           make_room(set->arena, &set->topics, sizeof(struct fetch_topic *), set->topic_places,
                     &set->topic_room, wanted) &&
           key_set_grow(&set->topic_keys, set->arena, wanted);
}

static bool make_entry_room(struct fetch_set *set, size_t wanted) {
    return make_room(set->arena, &set->entries, sizeof(struct fetch_entry *), set->places,
                     &set->room, wanted) &&
           key_set_grow(&set->keys, set->arena, wanted);
}

static size_t twice(size_t count) {
    return count < 8 ? 16 : 2 * count;
}

bool fetch_set_init(struct fetch_set *set, struct kp_arena *arena, size_t topics, size_t partitions,
                    size_t most, uint64_t seed) {
    *set = (struct fetch_set){.arena = arena, .most = most};
    return key_set_init(&set->topic_keys, arena, topics, seed, key_of_topic, set) &&
           key_set_init(&set->keys, arena, partitions, seed ^ UINT64_C(0x5bd1e995), key_of_entry,
                        set) &&
           make_topic_room(set, topics) && make_entry_room(set, partitions);
}

/* ---- Topics ---- */

static bool copy_name(struct fetch_set *set, struct fetch_topic *topic, const char *name,
                      size_t len) {
    if (topic->name == NULL || len > topic->name_room) {
        topic->name = kp_arena_alloc(set->arena, len + 1);
        topic->name_room = topic->name == NULL ? 0 : len;
    }
    if (topic->name == NULL) return false;
    memcpy(topic->name, name, len);
    topic->ref.name = (struct kp_string){topic->name, (int32_t)len};
    return true;
}

bool fetch_set_keep_name(struct fetch_set *set, struct fetch_topic *topic, const char *name) {
    return copy_name(set, topic, name, strlen(name));
}

static struct fetch_topic *new_topic(struct fetch_set *set) {
    if (set->free_topic_count > 0) return set->topics[set->free_topics[--set->free_topic_count]];
    if (set->topic_places == set->topic_room && !make_topic_room(set, twice(set->topic_room)))
        return NULL;
    struct fetch_topic *topic = kp_arena_alloc(set->arena, sizeof *topic);
    if (topic == NULL) return NULL;
    topic->place = (uint32_t)set->topic_places;
    set->topics[set->topic_places++] = topic;
    return topic;
}

static void free_topic(struct fetch_set *set, struct fetch_topic *topic) {
    set->free_topics[set->free_topic_count++] = topic->place;
}

static bool take_ref(struct fetch_set *set, struct fetch_topic *topic,
                     const struct topic_ref *ref) {
    topic->ref = *ref;
    if (ref->by_id) {
        topic->ref.name = KP_NULL_STRING;
        return true;
    }
    /* topic names are not nullable */
    return !set->lasts || copy_name(set, topic, ref->name.data, (size_t)ref->name.len);
}

struct fetch_topic *fetch_set_topic(struct fetch_set *set, const struct topic_ref *ref) {
    size_t place = key_set_find(&set->topic_keys, key_of_ref(ref));
    if (place != KEY_NONE) return set->topics[place];
    struct fetch_topic *topic = new_topic(set);
    if (topic == NULL) return NULL;
    if (!take_ref(set, topic, ref)) {
        free_topic(set, topic);
        return NULL;
    }
    place = key_set_put(&set->topic_keys, topic->place);
    CHECK(place == topic->place); /* it was not found above */
    return topic;
}

/* ---- The list ---- */

void fetch_set_list(struct fetch_entry *entry) {
    if (entry->listed) return;
    entry->listed = true;
    entry->set->listed++;
    DL_APPEND(entry->set->list, entry);
}

void fetch_set_unlist(struct fetch_entry *entry) {
    CHECK(entry->listed); /* it was read just now, from the list */
    entry->listed = false;
    entry->set->listed--;
    DL_DELETE(entry->set->list, entry);
}

void fetch_set_to_end(struct fetch_entry *entry) {
    DL_DELETE(entry->set->list, entry);
    DL_APPEND(entry->set->list, entry);
}

void fetch_set_begin_with(struct fetch_set *set, size_t place) {
    struct fetch_entry *first = set->entries[place], *before = set->list;
    if (first == before) return;
    struct fetch_entry *last = before->prev;
    last->next = before;
    first->prev->next = NULL; /* whoever is first knows the last one as the one before it */
    set->list = first;
}

/* ---- Waiting ---- */

/* While no fetch waits one word is enough: whoever is listed is looked at. */
static void moved(struct partition_waiter *waiter, uint64_t bytes, bool changed) {
    struct fetch_entry *entry = CONTAINER_OF(waiter, struct fetch_entry, waiter);
    struct fetch_set *set = entry->set;
    if (MUTANT(MUTANT_SESSION_MISSES_MOVES) && set->lasts) return;
    entry->moved = true;
    fetch_set_list(entry);
    if (set->moved != NULL)
        set->moved(set, entry, bytes, changed);
    else
        partition_wait_cancel(waiter);
}

void fetch_set_read_committed(struct fetch_set *set, bool committed) {
    if (set->committed == committed) return;
    set->committed = committed;
    for (size_t i = 0; i < set->places; i++)
        if (set->entries[i] != NULL) fetch_set_list(set->entries[i]);
}

void fetch_set_wait(struct fetch_entry *entry, struct partition *partition) {
    entry->moved = false;
    entry->waiter.stable = entry->set->committed;
    if (entry->waiter.partition == partition) return;
    partition_wait_cancel(&entry->waiter);
    partition_wait(partition, &entry->waiter);
}

/* ---- Partitions ---- */

static struct fetch_entry *new_entry(struct fetch_set *set) {
    struct fetch_entry *entry = set->free_entries;
    if (set->count >= set->most) return NULL;
    if (entry != NULL) {
        set->free_entries = entry->next;
        return entry;
    }
    if (set->places == set->room && !make_entry_room(set, twice(set->room))) return NULL;
    entry = kp_arena_alloc(set->arena, sizeof *entry);
    if (entry == NULL) return NULL;
    entry->set = set;
    entry->waiter.moved = moved;
    entry->place = (uint32_t)set->places++;
    return entry;
}

static struct fetch_entry *add_entry(struct fetch_set *set, struct fetch_topic *topic,
                                     int32_t partition) {
    struct fetch_entry *entry = new_entry(set);
    if (entry == NULL) return NULL;
    entry->topic = topic;
    entry->partition = partition;
    entry->high_watermark = entry->stable_offset = entry->start_offset = -1;
    entry->part = NULL;
    entry->moved = entry->full = false;
    set->entries[entry->place] = entry;
    size_t place = key_set_put(&set->keys, entry->place);
    CHECK(place == entry->place); /* it was not found before */
    topic->partitions++;
    set->count++;
    return entry;
}

struct fetch_entry *fetch_set_put(struct fetch_set *set, struct fetch_topic *topic,
                                  const struct kp_fetch_request_partition *asked) {
    size_t place = key_set_find(&set->keys, key_in(topic, asked->partition));
    struct fetch_entry *entry = place != KEY_NONE ? set->entries[place]
                                                  : add_entry(set, topic, asked->partition);
    if (entry == NULL) return NULL;
    entry->offset = asked->fetch_offset;
    entry->max_bytes = asked->partition_max_bytes;
    entry->leader_epoch = asked->current_leader_epoch;
    entry->last_epoch = asked->last_fetched_epoch;
    fetch_set_list(entry);
    return entry;
}

void fetch_set_forget(struct fetch_set *set, const struct topic_ref *ref, int32_t partition) {
    size_t place = key_set_find(&set->topic_keys, key_of_ref(ref));
    if (place == KEY_NONE) return;
    struct fetch_topic *topic = set->topics[place];
    place = key_set_find(&set->keys, key_in(topic, partition));
    if (place == KEY_NONE) return;
    struct fetch_entry *entry = set->entries[place];
    key_set_remove(&set->keys, place);
    partition_wait_cancel(&entry->waiter);
    if (entry->listed) fetch_set_unlist(entry);
    set->entries[place] = NULL;
    entry->next = set->free_entries;
    set->free_entries = entry;
    set->count--;
    if (--topic->partitions > 0) return;
    key_set_remove(&set->topic_keys, topic->place);
    free_topic(set, topic);
}
