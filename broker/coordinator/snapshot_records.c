/* Records into one growing piece of memory, and back by applying them. */
#include "broker/coordinator/snapshot_records.h"

#include <string.h>

#include "base/check.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/mutant.h"
#include "storage/little_endian.h"

enum { HEAD_SIZE = 8, FIRST_ROOM = 4096 };

struct snapshot {
    uint8_t *bytes;
    size_t len, room;
};

static void put_record(void *arg, const struct coordinator_record *record) {
    struct snapshot *snapshot = arg;
    size_t size = HEAD_SIZE + record->key_len + record->value_len;
    CHECK(!record->tombstone); /* coordinator_state.records gives what is there */
    while (snapshot->room - snapshot->len < size) {
        snapshot->room = snapshot->room == 0 ? FIRST_ROOM : snapshot->room * 2;
        snapshot->bytes = mem_realloc(snapshot->bytes, snapshot->room);
    }
    uint8_t *at = snapshot->bytes + snapshot->len;
    le_put_u32(at, (uint32_t)record->key_len);
    le_put_u32(at + 4, (uint32_t)record->value_len);
    memcpy(at + HEAD_SIZE, record->key, record->key_len);
    if (record->value_len > 0)
        memcpy(at + HEAD_SIZE + record->key_len, record->value, record->value_len);
    snapshot->len += size;
}

struct slice snapshot_records_encode(const struct coordinator_state *type, const void *state) {
    struct snapshot snapshot = {0};
    type->records(state, put_record, &snapshot);
    if (snapshot.len == 0) return (struct slice){0};
    return slice_adopt(NULL, snapshot.bytes, snapshot.len);
}

int snapshot_records_decode(const struct coordinator_state *type, void *state, const uint8_t *bytes,
                            size_t len) {
    static const struct coordinator_place nowhere = {
        .offset = -1, .timestamp_ms = -1, .producer_id = -1, .producer_epoch = -1};
    while (len > 0) {
        if (len < HEAD_SIZE) return ERR_MALFORMED;
        size_t key_len = le_get_u32(bytes), value_len = le_get_u32(bytes + 4);
        if (len - HEAD_SIZE < key_len || len - HEAD_SIZE - key_len < value_len)
            return ERR_MALFORMED;
        struct coordinator_record record = {.key = bytes + HEAD_SIZE,
                                            .key_len = key_len,
                                            .value = bytes + HEAD_SIZE + key_len,
                                            .value_len = value_len};
        if (!MUTANT(MUTANT_GROUPS_OF_SNAPSHOT_LOST)) type->apply(state, &record, &nowhere);
        bytes += HEAD_SIZE + key_len + value_len;
        len -= HEAD_SIZE + key_len + value_len;
    }
    return ERR_NONE;
}
