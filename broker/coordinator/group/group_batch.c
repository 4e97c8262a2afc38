/* Records lie one behind the other in blocks, each the key first. */
#include "broker/coordinator/group/group_batch.h"

#include <string.h>

#include "base/check.h"
#include "base/error.h"
#include "base/mem.h"

enum { FIRST_BLOCK = 512, BLOCK = 64 << 10 };

struct group_batch_block {
    struct group_batch_block *next;
    size_t size, used;
    uint8_t data[];
};

void group_batch_open(struct group_batch *batch) {
    *batch = (struct group_batch){.writer.limit = INT32_MAX};
}

void group_batch_close(struct group_batch *batch) {
    while (batch->blocks != NULL) {
        struct group_batch_block *block = batch->blocks;
        batch->blocks = block->next;
        mem_free(block);
    }
    mem_free(batch->records);
    kp_writer_close(&batch->writer);
    group_batch_open(batch);
}

bool group_batch_has_room(const struct group_batch *batch, size_t bytes) {
    return batch->count == 0 ||
           (batch->count < GROUP_BATCH_RECORDS && batch->bytes + bytes <= GROUP_BATCH_BYTES);
}

static uint8_t *room_for(struct group_batch *batch, size_t bytes) {
    struct group_batch_block *block = batch->blocks;
    if (block == NULL || block->size - block->used < bytes) {
        size_t size = block == NULL ? FIRST_BLOCK : BLOCK;
        if (size < bytes) size = bytes;
        block = mem_alloc(sizeof *block + size);
        block->next = batch->blocks;
        block->size = size;
        block->used = 0;
        batch->blocks = block;
    }
    block->used += bytes;
    return block->data + block->used - bytes;
}

void group_batch_add(struct group_batch *batch, const void *key, size_t key_len, const void *value,
                     size_t value_len) {
    if (value == NULL) value_len = 0;
    uint8_t *record = room_for(batch, key_len + value_len);
    memcpy(record, key, key_len);
    if (value_len > 0) memcpy(record + key_len, value, value_len);
    batch->records = mem_grow(batch->records, batch->count, &batch->capacity,
                              sizeof *batch->records);
    batch->records[batch->count++] = (struct coordinator_record){
        .key = record,
        .key_len = key_len,
        .value = value == NULL ? NULL : record + key_len,
        .value_len = value_len,
        .tombstone = value == NULL,
    };
    batch->bytes += key_len + value_len;
}

struct kp_writer *group_batch_begin(struct group_batch *batch) {
    batch->writer.limit = INT32_MAX; /* also of one that began as zeros */
    kp_writer_rewind(&batch->writer);
    return &batch->writer;
}

void group_batch_end(struct group_batch *batch, size_t key_len, bool tombstone) {
    const struct kp_writer *writer = &batch->writer;
    /* Texts of the protocol fit, and nothing is null that may not be. */
    CHECK(writer->error == ERR_NONE);
    group_batch_add(batch, writer->data, key_len, tombstone ? NULL : writer->data + key_len,
                    writer->len - key_len);
}
