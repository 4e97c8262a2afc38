/*
 * What a peer sends: one byte (odd: checksums are made right first), then a frame without its
 * length. Raft's frames come to a shard without groups; what its groups admit is
 * tests/integration/garbage_peers.py's.
 */
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/crc32c.h"
#include "raft-glue/peer/peer_frame.h"
#include "raft-glue/peer/snapshot_frame.h"
#include "raft-glue/raft_group_internal.h"
#include "storage/little_endian.h"
#include "tests/fuzz/entries.h"
#include "tests/fuzz/workspace.h"

enum { HEAD = PEER_FRAME_HEAD_SIZE - PEER_LENGTH_SIZE, CRC_AT = 4, META_MIN = 4 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* ---- Checksums ---- */

static void seal_entries(uint8_t *payload, size_t len, size_t meta_len) {
    size_t body = meta_len;
    for (size_t at = META_MIN; at + PEER_PIECE_SIZE <= meta_len;) {
        struct peer_piece piece;
        peer_piece_decode(payload + at, &piece);
        at += PEER_PIECE_SIZE;
        for (uint32_t i = 0; i < piece.count && at + ENTRY_HEADER_SIZE <= meta_len;
             i++, at += ENTRY_HEADER_SIZE) {
            size_t body_len = entries_seal_one(payload + at, payload + body, len - body);
            if (body_len == SIZE_MAX) return;
            body += body_len;
        }
    }
}

static void seal(uint8_t *frame, size_t len) {
    if (len < HEAD) return;
    uint8_t *payload = frame + HEAD;
    size_t covered = len - HEAD;
    if (frame[0] == PEER_KIND_ENTRIES && covered >= META_MIN && le_get_u32(payload) <= covered) {
        seal_entries(payload, covered, le_get_u32(payload));
        covered = le_get_u32(payload);
    }
    le_put_u32(frame + CRC_AT, crc32c(0, payload, covered));
}

/* ---- Who gets it ---- */

static struct shard *shard_get(struct workspace *workspace) {
    static struct shard *shard;
    if (shard != NULL) return shard;
    struct log_store_options store_options = {.open_files = 16,
                                              .journal_file_bytes = 32 * 1024,
                                              .journal_max_bytes = 256 * 1024,
                                              .segment_bytes = 1 << 20,
                                              .index_interval_bytes = 4096};
    struct shard_options options = {
        .node = 3,
        .heartbeat_ms = 200,
        .election_timeout_ms = 1000,
        .failover_ms = 50,
        .group_uncommitted_bytes = 1 << 20,
        .uncommitted_bytes = 1 << 20,
        .peer_window_bytes = 1 << 20,
        .peers = {
            .node = 3, .entry_budget = 1 << 20, .queue_limit = 1 << 20, .frame_max = 1 << 20}};
    struct log_store *store;
    struct error_text why;
    char path[128];
    snprintf(path, sizeof path, "%s/shard-0", workspace->path);
    CHECK(log_store_open(workspace->env, &workspace->log, path, &store_options, &store, &why) ==
          ERR_NONE);
    CHECK(shard_open(workspace->env, &workspace->log, store, &options, NULL, NULL, &shard, &why) ==
          ERR_NONE);
    return shard;
}

static void hello(struct slice payload) {
    struct peer_hello hello;
    uint64_t session;
    if (peer_hello_decode(payload, &hello, &session) != ERR_NONE) return;
    struct peer_bytes again = {0};
    peer_hello_encode(&again, &hello, session);
    CHECK(strlen(hello.cluster_id) + strlen(hello.nodes) + hello.record_len <= again.len);
    peer_bytes_free(&again);
}

static void verdict(struct slice payload) {
    struct peer_journal seen;
    const char *sentence;
    enum peer_answer answer;
    if (peer_verdict_decode(payload, &answer, &seen, &sentence) == ERR_NONE)
        CHECK(strlen(sentence) < payload.len);
}

/* The list of an offer is, byte for byte, what it says. */
static void snapshot(uint8_t kind, struct slice payload) {
    struct snapshot_head head;
    struct prefix_files list;
    struct snapshot_want part;
    enum snapshot_refusal reason;
    const uint8_t *bytes;
    if (snapshot_head_decode(payload, &head) != ERR_NONE) return;
    if (kind == PEER_KIND_SNAPSHOT_REFUSE) snapshot_refusal_decode(payload, &reason);
    if (kind == PEER_KIND_SNAPSHOT_WANT) snapshot_want_decode(payload, &part);
    if (kind == PEER_KIND_SNAPSHOT_CHUNK &&
        snapshot_chunk_decode(payload, &part, &bytes) == ERR_NONE)
        CHECK(bytes + part.length == payload.data + payload.len);
    if (kind != PEER_KIND_SNAPSHOT_OFFER || snapshot_offer_decode(payload, &list) != ERR_NONE)
        return;
    struct slice again = prefix_files_encode(&list);
    CHECK(again.len == payload.len - SNAPSHOT_HEAD_SIZE &&
          memcmp(again.data, payload.data + SNAPSHOT_HEAD_SIZE, again.len) == 0);
    slice_unref(&again);
    prefix_files_free(&list);
}

static void take(struct workspace *workspace, uint8_t kind, struct slice payload) {
    struct shard *shard = shard_get(workspace);
    struct peer_journal journal;
    switch (kind) {
    case PEER_KIND_HELLO: hello(payload); break;
    case PEER_KIND_VERDICT: verdict(payload); break;
    case PEER_KIND_JOURNAL: peer_journal_decode(payload, &journal); break;
    case PEER_KIND_MESSAGES: receive_records(shard, 2, slice_ref(payload)); break;
    case PEER_KIND_ENTRIES: receive_entries(shard, 2, slice_ref(payload)); break;
    case PEER_KIND_SNAPSHOT_OFFER:
    case PEER_KIND_SNAPSHOT_REFUSE:
    case PEER_KIND_SNAPSHOT_WANT:
    case PEER_KIND_SNAPSHOT_CHUNK: snapshot(kind, payload); break;
    default: break;
    }
    shard->turn_bytes = shard->undurable_bytes =
        0; /* no loop runs here in which a round would give them back */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    if (len == 0) return 0;
    struct buffer *buffer = buffer_new(NULL, len - 1);
    memcpy(buffer->data, data + 1, len - 1);
    if (data[0] & 1) seal(buffer->data, len - 1);
    struct slice frame = slice_of(buffer, 0, len - 1), payload;
    uint8_t kind, channel;
    if (peer_frame_open(frame, &kind, &channel, &payload) == ERR_NONE)
        take(workspace_get(), kind, payload);
    slice_unref(&frame);
    buffer_unref(buffer);
    return 0;
}
