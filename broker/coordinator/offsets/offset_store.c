/*
 * Topics by name, and for each group that reads one a table of its offsets; those lie in a list of
 * their group and in one of their topic, and are found by both in one hash table.
 */
#include "broker/coordinator/offsets/offset_store.h"

#include <string.h>

#include "base/check.h"
#include "base/error.h"
#include "base/mutant.h"
#include "broker/coordinator/group/walk_place.h"
#include "broker/coordinator/offsets/commit_history.h"
#include "protocol/coordinator_records/offset_record.h"

/* A name that at least one group reads. */
struct offset_topic {
    struct kp_string name;         /* its own copy */
    struct topic_offsets *readers; /* of all groups */
    UT_hash_handle hh;
};

struct group_offsets {
    struct offset_store *store;
    struct group *group;
    struct topic_offsets *first, *last;
    size_t count; /* offsets */
    uint32_t topics;
};

struct offset_store {
    struct group_table *groups;
    uint64_t seed;
    struct offset_topic *topics;  /* hash by name */
    struct topic_offsets *tables; /* hash by group and topic, see place_key */
    struct offset_cursor *cursors;
    struct commit_histories *histories;
    struct pending_offsets *pending;
    size_t count;
};

struct offset_store *offset_store_new(struct group_table *groups, uint64_t seed) {
    struct offset_store *store = mem_zalloc(sizeof *store);
    store->groups = groups;
    store->histories = commit_histories_new(&groups->memory->budget);
    store->pending = pending_offsets_new(seed);
    store->seed = seed;
    return store;
}

void offset_store_free(struct offset_store *store) {
    CHECK(store->tables == NULL && store->topics == NULL);
    while (store->cursors != NULL)
        offset_cursor_close(store->cursors);
    pending_offsets_free(store->pending);
    commit_histories_free(store->histories);
    mem_free(store);
}

/* ---- Topics ---- */

static unsigned name_hash(const struct offset_store *store, struct kp_string name) {
    return group_hash(store->seed, name.data, (size_t)name.len);
}

static struct offset_topic *topic_find(const struct offset_store *store, struct kp_string name) {
    struct offset_topic *topic;
    HASH_FIND_BYHASHVALUE(hh, store->topics, name.data, (unsigned)name.len, name_hash(store, name),
                          topic);
    return topic;
}

static struct offset_topic *topic_make(struct offset_store *store, struct kp_string name) {
    struct offset_topic *topic = topic_find(store, name);
    if (topic != NULL) return topic;
    topic = mem_zalloc(sizeof *topic);
    topic->name = (struct kp_string){mem_text(name.data, (size_t)name.len), name.len};
    HASH_ADD_KEYPTR_BYHASHVALUE(hh, store->topics, topic->name.data, (unsigned)name.len,
                                name_hash(store, name), topic);
    return topic;
}

static void topic_free(struct offset_store *store, struct offset_topic *topic) {
    HASH_DEL(store->topics, topic);
    mem_free((void *)topic->name.data);
    mem_free(topic);
}

/* ---- Tables ---- */

/* What a table is found by: the two members of it that lie side by side. */
#define PLACE_KEY offsetof(struct topic_offsets, of)
enum { PLACE_KEY_SIZE = 2 * sizeof(void *) };
_Static_assert(offsetof(struct topic_offsets, topic) == PLACE_KEY + sizeof(void *),
               "the key has no gap");

static struct topic_offsets *table_find(const struct offset_store *store,
                                        const struct group_offsets *of,
                                        const struct offset_topic *topic) {
    const void *key[2] = {of, topic};
    struct topic_offsets *table;
    HASH_FIND_BYHASHVALUE(hh, store->tables, key, PLACE_KEY_SIZE,
                          group_hash(store->seed, key, PLACE_KEY_SIZE), table);
    return table;
}

static struct topic_offsets *table_make(struct offset_store *store, struct group_offsets *of,
                                        struct offset_topic *topic) {
    struct topic_offsets *table = table_find(store, of, topic);
    if (table != NULL) return table;
    table = mem_zalloc(sizeof *table);
    group_charge(of->group, sizeof *table);
    table->of = of;
    table->topic = topic;
    table->prev = of->last;
    *(of->last != NULL ? &of->last->next : &of->first) = table;
    of->last = table;
    of->topics++;
    table->next_reader = topic->readers;
    if (topic->readers != NULL) topic->readers->prev_reader = table;
    topic->readers = table;
    unsigned hash = group_hash(store->seed, &table->of, PLACE_KEY_SIZE);
    HASH_ADD_BYHASHVALUE(hh, store->tables, of, PLACE_KEY_SIZE, hash, table);
    return table;
}

static struct topic_offsets *after(enum offsets_over over, const struct topic_offsets *table) {
    switch (over) {
    case OFFSETS_OF_GROUP: return table->next;
    case OFFSETS_OF_TOPIC: return table->next_reader;
    default: return table->hh.next;
    }
}

/* Whoever walks goes on behind it. */
static void pass_on(struct topic_offsets *table) {
    for (enum offsets_over over = 0; over < OFFSETS_OVER; over++) {
        struct topic_offsets *next = after(over, table);
        walk_pass_on(&table->places[over], next, next == NULL ? NULL : &next->places[over]);
    }
}

static void table_free(struct offset_store *store, struct topic_offsets *table) {
    struct group_offsets *of = table->of;
    struct offset_topic *topic = table->topic;
    pass_on(table);
    HASH_DEL(store->tables, table);
    *(table->prev != NULL ? &table->prev->next : &of->first) = table->next;
    *(table->next != NULL ? &table->next->prev : &of->last) = table->prev;
    *(table->prev_reader != NULL ? &table->prev_reader->next_reader
                                 : &topic->readers) = table->next_reader;
    if (table->next_reader != NULL) table->next_reader->prev_reader = table->prev_reader;
    of->topics--;
    of->count -= table->table.count;
    store->count -= table->table.count;
    for (uint32_t i = 0; i < table->table.count; i++)
        commit_history_drop(store->histories, table->table.items[i].history);
    group_release(of->group, sizeof *table + offset_table_bytes(&table->table));
    offset_table_close(&table->table);
    mem_free(table);
    if (topic->readers == NULL) topic_free(store, topic);
}

/* ---- Records ---- */

/* The group stays, whose `offsets` there may not have been. */
static void put(struct offset_store *store, struct group *group, struct kp_string topic,
                struct committed_offset *offset) {
    if (group->offsets == NULL) {
        group->offsets = mem_zalloc(sizeof *group->offsets);
        group->offsets->store = store;
        group->offsets->group = group;
        group_charge(group, sizeof *group->offsets);
    }
    struct topic_offsets *table = table_make(store, group->offsets, topic_make(store, topic));
    size_t before = offset_table_bytes(&table->table);
    const struct committed_offset *last = offset_table_find(&table->table, offset->partition);
    offset->history = commit_history_move(store->histories, last == NULL ? 0 : last->history,
                                          offset->commit_time_ms, offset->offset);
    bool is_new = offset_table_put(&table->table, offset);
    group_charge(group, offset_table_bytes(&table->table));
    group_release(group, before);
    if (!is_new) return;
    group->offsets->count++;
    store->count++;
}

static void offsets_free(struct group *group) {
    group_release(group, sizeof *group->offsets);
    mem_free(group->offsets);
    group->offsets = NULL;
}

static void take_back_committed(struct offset_store *store, struct group *group,
                                const struct kp_offset_key *key) {
    const struct offset_topic *topic = topic_find(store, key->topic);
    if (group->offsets == NULL || topic == NULL) return;
    struct topic_offsets *table = table_find(store, group->offsets, topic);
    if (table == NULL) return;
    const struct committed_offset *last = offset_table_find(&table->table, key->partition);
    if (last != NULL) commit_history_drop(store->histories, last->history);
    size_t before = offset_table_bytes(&table->table);
    bool was_there = offset_table_remove(&table->table, key->partition);
    group_release(group, before - offset_table_bytes(&table->table));
    if (!was_there) return;
    group->offsets->count--;
    store->count--;
    if (table->table.count == 0) table_free(store, table);
    if (group->offsets->first == NULL) offsets_free(group);
}

static void take_back(struct offset_store *store, const struct kp_offset_key *key) {
    struct group *group = group_find(store->groups, key->group);
    if (group == NULL) return;
    take_back_committed(store, group, key);
    pending_offsets_drop(group, key->topic, key->partition);
    group_settle(group);
}

int offset_store_apply(struct offset_store *store, const struct kp_record_type *type,
                       const struct coordinator_record *record,
                       const struct coordinator_place *place) {
    struct kp_offset_key key;
    int error = kp_record_key_decode(type, record->key, record->key_len, &key);
    if (error != ERR_NONE) return error;
    if (record->tombstone) {
        take_back(store, &key);
        return ERR_NONE;
    }
    struct kp_offset_value value;
    error = kp_record_value_decode(type, record->value, record->value_len, NULL, &value, NULL);
    if (error != ERR_NONE) return error;
    struct committed_offset offset = {
        .offset = value.offset,
        .commit_time_ms = value.commit_time_ms,
        .expire_time_ms = value.expire_time_ms,
        .topic_id = value.topic_id,
        .partition = key.partition,
        .leader_epoch = value.leader_epoch,
        .metadata = value.metadata.data,
        .metadata_len = value.metadata.len,
        .stood = place->offset,
    };
    struct group *group = group_make(store->groups, key.group);
    if (place->producer_id >= 0 && !MUTANT(MUTANT_PENDING_OFFSET_SHOWN))
        pending_offsets_put(store->pending, place->producer_id, group, key.topic, &offset);
    else
        put(store, group, key.topic, &offset);
    return ERR_NONE;
}

/* What was committed behind it, be it by another transaction, is what counts. */
static void materialize(struct offset_store *store, const struct pending_offset *pending) {
    struct group *group = pending->place->group;
    struct kp_string topic = pending_place_topic(pending->place);
    struct committed_offset offset = pending->offset;
    const struct committed_offset *now = offset_store_find(group, topic, offset.partition);
    if (now == NULL || now->stood < offset.stood || MUTANT(MUTANT_PENDING_OFFSET_REWINDS))
        put(store, group, topic, &offset);
}

void offset_store_end(struct offset_store *store, int64_t producer_id, bool commit) {
    struct pending_offset *pending;
    while ((pending = pending_offsets_of(store->pending, producer_id)) != NULL) {
        struct group *group = pending->place->group;
        if (commit || MUTANT(MUTANT_ABORTED_OFFSET_COMMITTED)) materialize(store, pending);
        pending_offset_remove(pending);
        group_settle(group);
    }
}

void offset_store_forget(struct group *group) {
    pending_offsets_forget(group);
    if (group->offsets == NULL) return;
    while (group->offsets->first != NULL)
        table_free(group->offsets->store, group->offsets->first);
    offsets_free(group);
}

/* ---- Reading ---- */

size_t offset_store_count(const struct offset_store *store) {
    return store->count;
}

size_t offset_store_count_of(const struct group *group) {
    return group->offsets == NULL ? 0 : group->offsets->count;
}

const struct topic_offsets *offset_store_find_topic(const struct group *group,
                                                    struct kp_string name) {
    if (group->offsets == NULL) return NULL;
    struct offset_topic *topic = topic_find(group->offsets->store, name);
    return topic == NULL ? NULL : table_find(group->offsets->store, group->offsets, topic);
}

const struct committed_offset *offset_store_find(const struct group *group, struct kp_string topic,
                                                 int32_t partition) {
    const struct topic_offsets *table = offset_store_find_topic(group, topic);
    return table == NULL ? NULL : offset_table_find(&table->table, partition);
}

struct pending_offsets *offset_store_pending(const struct offset_store *store) {
    return store->pending;
}

const struct progress *offset_store_history(const struct group *group,
                                            const struct committed_offset *offset) {
    return commit_history(group->offsets->store->histories, offset->history);
}

const struct topic_offsets *offset_store_first_topic(const struct group *group) {
    return group->offsets == NULL ? NULL : group->offsets->first;
}

struct kp_string topic_offsets_name(const struct topic_offsets *topic) {
    return topic->topic->name;
}

struct group *topic_offsets_group(const struct topic_offsets *topic) {
    return topic->of->group;
}

/* ---- Cursors ---- */

static void stand_at(struct offset_cursor *cursor, struct topic_offsets *table) {
    walk_stand(&cursor->at, table, table == NULL ? NULL : &table->places[cursor->over]);
}

static void cursor_open(struct offset_cursor *cursor, struct offset_store *store,
                        struct topic_offsets *first) {
    stand_at(cursor, first);
    cursor->store = store;
    cursor->prev_cursor = NULL;
    cursor->next_cursor = store->cursors;
    if (store->cursors != NULL) store->cursors->prev_cursor = cursor;
    store->cursors = cursor;
}

void offset_cursor_open_group(struct offset_cursor *cursor, struct offset_store *store,
                              struct kp_string id) {
    const struct group *group = group_find(store->groups, id);
    cursor->over = OFFSETS_OF_GROUP;
    cursor_open(cursor, store,
                group == NULL || group->offsets == NULL ? NULL : group->offsets->first);
}

void offset_cursor_open_topic(struct offset_cursor *cursor, struct offset_store *store,
                              struct kp_string name) {
    const struct offset_topic *topic = topic_find(store, name);
    cursor->over = OFFSETS_OF_TOPIC;
    cursor_open(cursor, store, topic == NULL ? NULL : topic->readers);
}

void offset_cursor_open_all(struct offset_cursor *cursor, struct offset_store *store) {
    cursor->over = OFFSETS_OF_ALL;
    cursor_open(cursor, store, store->tables);
}

const struct topic_offsets *offset_cursor_at(struct offset_cursor *cursor) {
    return walk_at(&cursor->at);
}

const struct topic_offsets *offset_cursor_next(struct offset_cursor *cursor) {
    struct topic_offsets *table = walk_at(&cursor->at);
    if (table == NULL) return NULL;
    walk_leave(&cursor->at);
    stand_at(cursor, after(cursor->over, table));
    return table;
}

void offset_cursor_close(struct offset_cursor *cursor) {
    if (cursor->store == NULL) return;
    walk_leave(&cursor->at);
    *(cursor->prev_cursor != NULL ? &cursor->prev_cursor->next_cursor
                                  : &cursor->store->cursors) = cursor->next_cursor;
    if (cursor->next_cursor != NULL) cursor->next_cursor->prev_cursor = cursor->prev_cursor;
    cursor->store = NULL;
}

void offset_reader_open(struct offset_reader *reader, struct offset_store *store,
                        struct kp_string group) {
    reader->group = group;
    offset_cursor_open_group(&reader->cursor, store, group);
}

void offset_reader_close(struct offset_reader *reader) {
    offset_cursor_close(&reader->cursor);
}

bool offset_reader_is_open(const struct offset_reader *reader) {
    return reader->cursor.store != NULL;
}

const struct committed_offset *offset_reader_find(const struct offset_reader *reader,
                                                  struct kp_string topic, int32_t partition) {
    if (reader->cursor.store == NULL) return NULL;
    const struct group *group = group_find(reader->cursor.store->groups, reader->group);
    return group == NULL ? NULL : offset_store_find(group, topic, partition);
}

bool offset_reader_is_pending(const struct offset_reader *reader, struct kp_string topic,
                              int32_t partition) {
    const struct offset_store *store = reader->cursor.store;
    const struct group *group = store == NULL ? NULL : group_find(store->groups, reader->group);
    return group != NULL && pending_offsets_find(group, topic, partition) != NULL;
}

uint32_t offset_reader_topics(const struct offset_reader *reader) {
    if (reader->cursor.store == NULL) return 0;
    const struct group *group = group_find(reader->cursor.store->groups, reader->group);
    return group == NULL || group->offsets == NULL ? 0 : group->offsets->topics;
}

const struct topic_offsets *offset_reader_next(struct offset_reader *reader) {
    return offset_cursor_next(&reader->cursor);
}
