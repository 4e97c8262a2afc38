/* The newest record of a group as bytes, with what is asked of it often. */
#include "broker/coordinator/classic/classic_record.h"

#include "base/check.h"
#include "broker/coordinator/group/group_batch.h"
#include "protocol/coordinator_records/coordinator_record.h"

/* Larger than any batch, so that what could be written can be read. */
enum { READ_MOST = 256 << 20 };

static const struct kp_record_type *classic_type(void) {
    return kp_record_type_numbered(KP_RECORD_CLASSIC_GROUP);
}

static int read_value(const void *bytes, size_t len, struct kp_arena *arena,
                      struct kp_classic_group_value *value) {
    return kp_record_value_decode(classic_type(), bytes, len, arena, value, NULL);
}

void classic_record_read(const struct classic_record *record, struct kp_arena *arena,
                         struct kp_classic_group_value *value) {
    int error = read_value(record->value, record->len, arena, value);
    CHECK(error == ERR_NONE); /* it was read when it was applied */
}

void classic_record_free(struct group *group) {
    struct classic_record *record = group->record;
    if (record == NULL) return;
    group_timer_clear(group->table->timers, &record->wake);
    shared_bytes_release(record->type);
    group_release(group, sizeof *record + record->len);
    mem_free(record->value);
    mem_free(record);
    group->record = NULL;
}

static void record_set(struct group *group, const struct coordinator_record *from,
                       const struct kp_classic_group_value *value) {
    struct classic_record *record = group->record;
    if (record == NULL) {
        record = group->record = mem_zalloc(sizeof *record);
        record->group = group;
        group_charge(group, sizeof *record);
    }
    group_charge(group, from->value_len);
    group_release(group, record->len);
    struct shared_bytes *type = shared_string_of(group->table->shared, value->protocol_type);
    shared_bytes_release(record->type);
    record->type = type;
    mem_free(record->value);
    record->value = mem_alloc(from->value_len);
    memcpy(record->value, from->value, from->value_len);
    record->len = from->value_len;
    record->generation = value->generation;
    record->member_count = value->members.count > 0 ? value->members.count : 0;
    record->state_time_ms = value->state_time_ms;
    record->unled = record->member_count > 0 && value->leader.len <= 0;
}

static struct group *record_remove(struct group_table *table, struct kp_string id) {
    struct group *group = group_find(table, id);
    if (group == NULL) return NULL;
    classic_record_free(group);
    group_settle(group);
    return group_find(table, id);
}

struct group *classic_record_apply(struct group_table *table,
                                   const struct coordinator_record *record) {
    struct kp_classic_group_key key;
    if (kp_record_key_decode(classic_type(), record->key, record->key_len, &key) != ERR_NONE)
        return NULL;
    if (record->tombstone) return record_remove(table, key.group);
    struct kp_arena arena;
    struct kp_classic_group_value value;
    struct group *group = NULL;
    kp_arena_init(&arena, READ_MOST);
    if (read_value(record->value, record->value_len, &arena, &value) == ERR_NONE) {
        group = group_make(table, key.group);
        record_set(group, record, &value);
    }
    kp_arena_close(&arena);
    return group;
}

static void add_key(const struct group *group, struct kp_writer *writer) {
    struct kp_classic_group_key key = {.group = group->id};
    kp_writer_init(writer, INT32_MAX);
    kp_record_key_encode(classic_type(), &key, writer);
    CHECK(writer->error == ERR_NONE); /* an id came in a string of the protocol */
}

void classic_record_show(const struct group *group,
                         void (*sink)(void *arg, const struct coordinator_record *record),
                         void *arg) {
    struct kp_writer key;
    if (group->record == NULL) return;
    add_key(group, &key);
    sink(arg, &(struct coordinator_record){.key = key.data,
                                           .key_len = key.len,
                                           .value = group->record->value,
                                           .value_len = group->record->len});
    kp_writer_close(&key);
}

void classic_record_add(const struct group *group, const struct kp_classic_group_value *value,
                        struct group_batch *batch) {
    struct kp_writer key, bytes;
    add_key(group, &key);
    kp_writer_init(&bytes, INT32_MAX);
    if (value != NULL)
        kp_record_value_encode(classic_type(), classic_type()->written, value, &bytes);
    CHECK(bytes.error == ERR_NONE); /* its texts came in strings of the protocol */
    group_batch_add(batch, key.data, key.len, value == NULL ? NULL : bytes.data, bytes.len);
    kp_writer_close(&key);
    kp_writer_close(&bytes);
}
