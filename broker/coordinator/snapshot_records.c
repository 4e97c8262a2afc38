/* Records into bytes, and back by applying them. */
#include "broker/coordinator/snapshot_records.h"

#include "base/error.h"
#include "base/mutant.h"
#include "storage/little_endian.h"

enum { LENGTHS_SIZE = 8, STOOD_SIZE = 16, STEP_BYTES = 256 << 10 };

static const uint32_t stood_flag = UINT32_C(1) << 31;
static const uint32_t tombstone = UINT32_MAX, end_commit = UINT32_MAX - 1,
                      end_abort = UINT32_MAX - 2;

/* `producer_id` and `offset` only with the flag in `key_len`. */
static void put_head(struct snapshot_bytes *bytes, uint32_t key_len, uint32_t value_len,
                     kafka_offset offset, int64_t producer_id) {
    uint8_t head[LENGTHS_SIZE + STOOD_SIZE];
    le_put_u32(head, key_len);
    le_put_u32(head + 4, value_len);
    le_put_u64(head + 8, (uint64_t)offset);
    le_put_u64(head + 16, (uint64_t)producer_id);
    snapshot_bytes_put(bytes, head, (key_len & stood_flag) != 0 ? sizeof head : LENGTHS_SIZE);
}

void snapshot_records_put(struct snapshot_bytes *bytes, const struct coordinator_record *record) {
    const struct coordinator_place *stood = record->stood;
    put_head(bytes, (uint32_t)record->key_len | (stood == NULL ? 0 : stood_flag),
             record->tombstone ? tombstone : (uint32_t)record->value_len,
             stood == NULL ? -1 : stood->offset, stood == NULL ? -1 : stood->producer_id);
    snapshot_bytes_put(bytes, record->key, record->key_len);
    if (!record->tombstone) snapshot_bytes_put(bytes, record->value, record->value_len);
}

void snapshot_records_put_end(struct snapshot_bytes *bytes, int64_t producer_id, bool commit) {
    put_head(bytes, stood_flag, commit ? end_commit : end_abort, -1, producer_id);
}

/* What stands before a key. */
struct head {
    uint32_t key_len, value_len;
    size_t size;
    struct coordinator_place place;
};

/* False: these bytes are none. */
static bool read_head(const uint8_t *bytes, size_t len, struct head *head) {
    if (len < LENGTHS_SIZE) return false;
    *head = (struct head){.key_len = le_get_u32(bytes) & ~stood_flag,
                          .value_len = le_get_u32(bytes + 4),
                          .size = LENGTHS_SIZE,
                          .place = {-1, -1, -1, -1}};
    if ((le_get_u32(bytes) & stood_flag) == 0) return true;
    if (len < LENGTHS_SIZE + STOOD_SIZE) return false;
    head->place.offset = (kafka_offset)le_get_u64(bytes + 8);
    head->place.producer_id = (int64_t)le_get_u64(bytes + 16);
    head->size += STOOD_SIZE;
    return true;
}

static bool is_end(const struct head *head) {
    return head->size > LENGTHS_SIZE && head->key_len == 0 &&
           (head->value_len == end_commit || head->value_len == end_abort);
}

/* One; 0: these bytes are none. */
static size_t restore_one(const struct coordinator_state *type, void *state, const uint8_t *bytes,
                          size_t len) {
    struct head head;
    if (!read_head(bytes, len, &head)) return 0;
    if (is_end(&head)) {
        if (type->ended != NULL)
            type->ended(state, head.place.producer_id, head.value_len == end_commit);
        return head.size;
    }
    struct coordinator_record record = {.key = bytes + head.size, .key_len = head.key_len};
    record.tombstone = head.value_len == tombstone;
    record.value_len = record.tombstone ? 0 : head.value_len;
    if (len - head.size < record.key_len || len - head.size - record.key_len < record.value_len)
        return 0;
    record.value = bytes + head.size + record.key_len;
    if (!MUTANT(MUTANT_GROUPS_OF_SNAPSHOT_LOST)) type->apply(state, &record, &head.place);
    return head.size + record.key_len + record.value_len;
}

int snapshot_records_restore(const struct coordinator_state *type, void *state,
                             const uint8_t *bytes, size_t len, size_t *took) {
    *took = 0;
    for (int i = 0; i < SNAPSHOT_RECORDS_STEP && *took < STEP_BYTES && *took < len; i++) {
        size_t size = restore_one(type, state, bytes + *took, len - *took);
        if (size == 0) return ERR_MALFORMED;
        *took += size;
    }
    return ERR_NONE;
}
