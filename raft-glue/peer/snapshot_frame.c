/* Encoding and decoding of what is said about the beginning of a log that goes as files; the
 * layouts are in snapshot_frame.h. Every read is bounded by what is there. */
#include "raft-glue/peer/snapshot_frame.h"

#include <string.h>

#include "storage/little_endian.h"

void snapshot_head_encode(uint8_t into[SNAPSHOT_HEAD_SIZE], const struct snapshot_head *head) {
    le_put_u64(into, head->group);
    le_put_u64(into + 8, head->from);
    le_put_u64(into + 16, head->to);
    le_put_u64(into + 24, head->transfer);
    le_put_u32(into + 32, head->term);
    le_put_u32(into + 36, 0);
}

int snapshot_head_decode(struct slice payload, struct snapshot_head *head) {
    if (payload.len < SNAPSHOT_HEAD_SIZE) return ERR_MALFORMED;
    *head = (struct snapshot_head){.group = le_get_u64(payload.data),
                                   .from = le_get_u64(payload.data + 8),
                                   .to = le_get_u64(payload.data + 16),
                                   .transfer = le_get_u64(payload.data + 24),
                                   .term = le_get_u32(payload.data + 32)};
    return head->transfer != 0 && le_get_u32(payload.data + 36) == 0 ? ERR_NONE : ERR_MALFORMED;
}

void snapshot_refusal_encode(uint8_t into[SNAPSHOT_REFUSAL_SIZE], const struct snapshot_head *head,
                             enum snapshot_refusal reason) {
    snapshot_head_encode(into, head);
    memset(into + SNAPSHOT_HEAD_SIZE, 0, SNAPSHOT_REFUSAL_SIZE - SNAPSHOT_HEAD_SIZE);
    into[SNAPSHOT_HEAD_SIZE] = (uint8_t)reason;
}

int snapshot_refusal_decode(struct slice payload, enum snapshot_refusal *reason) {
    if (payload.len != SNAPSHOT_REFUSAL_SIZE) return ERR_MALFORMED;
    uint8_t said = payload.data[SNAPSHOT_HEAD_SIZE];
    bool known = said >= SNAPSHOT_HAS_IT && said <= SNAPSHOT_AT_WORK;
    *reason = known ? (enum snapshot_refusal)said : SNAPSHOT_BUSY;
    return ERR_NONE;
}

/* ---- A part of a block ---- */

static void put_part(uint8_t *at, const struct snapshot_want *part, uint32_t length) {
    le_put_u32(at, part->file);
    le_put_u32(at + 4, length);
    le_put_u64(at + 8, part->offset);
}

static bool is_part(const struct snapshot_want *part) {
    return part->length > 0 && part->length <= SNAPSHOT_CHUNK_MOST &&
           part->file < PREFIX_FILES_MOST && part->offset <= INT64_MAX - PREFIX_BLOCK &&
           part->offset % PREFIX_BLOCK + part->length <= PREFIX_BLOCK;
}

void snapshot_want_encode(uint8_t into[SNAPSHOT_WANT_SIZE], const struct snapshot_head *head,
                          const struct snapshot_want *want) {
    snapshot_head_encode(into, head);
    put_part(into + SNAPSHOT_HEAD_SIZE, want, want->length);
}

int snapshot_want_decode(struct slice payload, struct snapshot_want *want) {
    if (payload.len != SNAPSHOT_WANT_SIZE) return ERR_MALFORMED;
    const uint8_t *at = payload.data + SNAPSHOT_HEAD_SIZE;
    *want = (struct snapshot_want){le_get_u32(at), le_get_u32(at + 4), le_get_u64(at + 8)};
    return is_part(want) ? ERR_NONE : ERR_MALFORMED;
}

void snapshot_chunk_encode(uint8_t into[SNAPSHOT_CHUNK_HEAD_SIZE], const struct snapshot_head *head,
                           const struct snapshot_want *answered) {
    snapshot_head_encode(into, head);
    put_part(into + SNAPSHOT_HEAD_SIZE, answered, 0);
}

int snapshot_chunk_decode(struct slice payload, struct snapshot_want *answered,
                          const uint8_t **bytes) {
    if (payload.len < SNAPSHOT_CHUNK_HEAD_SIZE ||
        payload.len > SNAPSHOT_CHUNK_HEAD_SIZE + SNAPSHOT_CHUNK_MOST)
        return ERR_MALFORMED;
    const uint8_t *at = payload.data + SNAPSHOT_HEAD_SIZE;
    *answered = (struct snapshot_want){.file = le_get_u32(at),
                                       .length = (uint32_t)(payload.len - SNAPSHOT_CHUNK_HEAD_SIZE),
                                       .offset = le_get_u64(at + 8)};
    *bytes = payload.data + SNAPSHOT_CHUNK_HEAD_SIZE;
    return le_get_u32(at + 4) == 0 && is_part(answered) ? ERR_NONE : ERR_MALFORMED;
}

int snapshot_offer_decode(struct slice payload, struct prefix_files *into) {
    if (payload.len < SNAPSHOT_HEAD_SIZE) return ERR_MALFORMED;
    return prefix_files_decode(payload.data + SNAPSHOT_HEAD_SIZE, payload.len - SNAPSHOT_HEAD_SIZE,
                               into);
}
