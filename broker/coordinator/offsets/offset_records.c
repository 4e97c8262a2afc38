/* Keys and values of committed offsets, each encoded into memory of its own and copied from there.
 */
#include "broker/coordinator/offsets/offset_records.h"

#include <utlist.h>

#include "base/check.h"
#include "base/error.h"
#include "protocol/coordinator_records/coordinator_record.h"
#include "protocol/coordinator_records/offset_record.h"

/* Key and value one behind the other. */
struct encoded {
    struct kp_writer bytes;
    size_t key_len;
};

static void encode_key(struct encoded *encoded, struct kp_string group, struct kp_string topic,
                       int32_t partition) {
    struct kp_offset_key key = {group, topic, partition};
    kp_writer_init(&encoded->bytes, INT32_MAX);
    kp_record_key_encode(kp_record_type_numbered(KP_RECORD_OFFSET), &key, &encoded->bytes);
    encoded->key_len = encoded->bytes.len;
}

static void encode_value(struct encoded *encoded, const struct committed_offset *offset) {
    const struct kp_record_type *type = kp_record_type_numbered(KP_RECORD_OFFSET);
    struct kp_offset_value value = {
        .offset = offset->offset,
        .leader_epoch = offset->leader_epoch,
        .metadata = {offset->metadata_len > 0 ? offset->metadata : "", offset->metadata_len},
        .commit_time_ms = offset->commit_time_ms,
        .expire_time_ms = offset->expire_time_ms,
        .topic_id = offset->topic_id,
    };
    int version = offset->expire_time_ms >= 0 ? KP_OFFSET_VALUE_WITH_RETENTION : type->written;
    kp_record_value_encode(type, version, &value, &encoded->bytes);
    /* Names and metadata were in a request or a record before, and are not null. */
    CHECK(encoded->bytes.error == ERR_NONE);
}

void offset_record_put(struct group_batch *batch, struct kp_string group, struct kp_string topic,
                       const struct committed_offset *offset) {
    struct encoded encoded;
    encode_key(&encoded, group, topic, offset->partition);
    encode_value(&encoded, offset);
    group_batch_add(batch, encoded.bytes.data, encoded.key_len,
                    encoded.bytes.data + encoded.key_len, encoded.bytes.len - encoded.key_len);
    kp_writer_close(&encoded.bytes);
}

void offset_record_remove(struct group_batch *batch, struct kp_string group, struct kp_string topic,
                          int32_t partition) {
    struct encoded encoded;
    encode_key(&encoded, group, topic, partition);
    group_batch_add(batch, encoded.bytes.data, encoded.key_len, NULL, 0);
    kp_writer_close(&encoded.bytes);
}

bool offset_record_remove_fits(const struct group_batch *batch, struct kp_string group,
                               struct kp_string topic) {
    enum { REST = 10 }; /* version, lengths, partition */
    return group_batch_has_room(batch, (size_t)group.len + (size_t)topic.len + REST);
}

/* Those of partitions for which nothing is committed: else a tombstone is there already. */
static bool remove_pending(struct group_batch *batch, const struct group *group) {
    const struct pending_place *place;
    DL_FOREACH(group->pending, place) {
        struct kp_string name = pending_place_topic(place);
        if (offset_store_find(group, name, (int32_t)place->partition) != NULL) continue;
        if (!offset_record_remove_fits(batch, group->id, name)) return false;
        offset_record_remove(batch, group->id, name, (int32_t)place->partition);
    }
    return true;
}

bool offset_records_remove_all(struct group_batch *batch, const struct group *group) {
    const struct topic_offsets *topic = offset_store_first_topic(group);
    for (; topic != NULL; topic = topic->next)
        for (uint32_t i = 0; i < topic->table.count; i++) {
            struct kp_string name = topic_offsets_name(topic);
            if (!offset_record_remove_fits(batch, group->id, name)) return false;
            offset_record_remove(batch, group->id, name, topic->table.items[i].partition);
        }
    return remove_pending(batch, group);
}

/* `producer_id`: whose transaction it is of; -1: it is committed. */
static void give(const struct group *group, struct kp_string topic,
                 const struct committed_offset *offset, int64_t producer_id,
                 void (*sink)(void *arg, const struct coordinator_record *record), void *arg) {
    struct encoded encoded;
    struct coordinator_place stood = {.offset = offset->stood,
                                      .timestamp_ms = -1,
                                      .producer_id = producer_id,
                                      .producer_epoch = -1};
    encode_key(&encoded, group->id, topic, offset->partition);
    encode_value(&encoded, offset);
    struct coordinator_record record = {
        .key = encoded.bytes.data,
        .key_len = encoded.key_len,
        .value = encoded.bytes.data + encoded.key_len,
        .value_len = encoded.bytes.len - encoded.key_len,
        .stood = &stood,
    };
    sink(arg, &record);
    kp_writer_close(&encoded.bytes);
}

void offset_record_walk_open(struct offset_record_walk *walk, struct offset_store *store) {
    *walk = (struct offset_record_walk){.store = store};
    pending_cursor_open(&walk->pending, offset_store_pending(store));
}

/* NULL: that was all of them. What a transaction has committed meanwhile lies in the tables, which
 * the walk over those begins with only now. */
static const struct pending_offset *next_pending(struct offset_record_walk *walk) {
    if (walk->pending.pending == NULL) return NULL;
    const struct pending_offset *pending = pending_cursor_next(&walk->pending);
    if (pending != NULL) return pending;
    pending_cursor_close(&walk->pending);
    offset_cursor_open_all(&walk->tables, walk->store);
    return NULL;
}

/* From the end of a table to its beginning: when one goes, the last takes its place. */
bool offset_record_walk_next(struct offset_record_walk *walk,
                             void (*sink)(void *arg, const struct coordinator_record *record),
                             void *arg) {
    const struct pending_offset *pending = next_pending(walk);
    if (pending != NULL) {
        give(pending->place->group, pending_place_topic(pending->place), &pending->offset,
             pending_offset_producer(pending), sink, arg);
        return true;
    }
    const struct topic_offsets *table = offset_cursor_at(&walk->tables);
    if (table == NULL) return false;
    if (table != walk->table || walk->left > table->table.count) walk->left = table->table.count;
    walk->table = table;
    give(topic_offsets_group(table), topic_offsets_name(table), &table->table.items[--walk->left],
         -1, sink, arg);
    if (walk->left > 0) return true;
    offset_cursor_next(&walk->tables);
    walk->table = NULL;
    return true;
}

void offset_record_walk_close(struct offset_record_walk *walk) {
    pending_cursor_close(&walk->pending);
    offset_cursor_close(&walk->tables);
}
