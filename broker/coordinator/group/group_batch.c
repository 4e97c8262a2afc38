/* Each record has one piece of memory, key first. */
#include "broker/coordinator/group/group_batch.h"

#include <string.h>

#include "base/mem.h"

void group_batch_open(struct group_batch *batch) {
    *batch = (struct group_batch){0};
}

void group_batch_close(struct group_batch *batch) {
    for (size_t i = 0; i < batch->count; i++)
        mem_free((void *)batch->records[i].key);
    mem_free(batch->records);
    group_batch_open(batch);
}

bool group_batch_has_room(const struct group_batch *batch, size_t bytes) {
    return batch->count == 0 ||
           (batch->count < GROUP_BATCH_RECORDS && batch->bytes + bytes <= GROUP_BATCH_BYTES);
}

void group_batch_add(struct group_batch *batch, const void *key, size_t key_len, const void *value,
                     size_t value_len) {
    if (value == NULL) value_len = 0;
    uint8_t *copy = mem_alloc(key_len + value_len);
    memcpy(copy, key, key_len);
    if (value_len > 0) memcpy(copy + key_len, value, value_len);
    batch->records = mem_grow(batch->records, batch->count, &batch->capacity,
                              sizeof *batch->records);
    batch->records[batch->count++] = (struct coordinator_record){
        .key = copy,
        .key_len = key_len,
        .value = value == NULL ? NULL : copy + key_len,
        .value_len = value_len,
        .tombstone = value == NULL,
    };
    batch->bytes += key_len + value_len;
}
