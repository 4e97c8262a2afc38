/*
 * What brokers tell each other about the cluster, and what is committed in the metadata group: one
 * byte says what the rest is: 0 a cluster record, 1 a row of commands (workspace.h: parts), applied
 * one after the other, 2 a change that is asked for, 3 its outcome, 4 an announcement of leaders.
 */
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "broker/cluster/cluster_record.h"
#include "broker/cluster/leader_table.h"
#include "broker/metadata/metadata.h"
#include "broker/metadata/metadata_change.h"
#include "tests/fuzz/workspace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void record(const uint8_t *data, size_t len) {
    struct cluster_record record;
    uint8_t again[CLUSTER_RECORD_MAX];
    if (cluster_record_decode(data, len, &record) != ERR_NONE) return;
    CHECK(cluster_record_encode(&record, again) == len);
    CHECK(memcmp(again, data, len) == 0);
    for (uint32_t i = 0; i < record.node_count; i++)
        CHECK(cluster_record_node_of(&record,
                                     cluster_record_replica(&record, record.nodes[i].node)) ==
              record.nodes[i].node);
}

static void commands(const uint8_t *data, size_t len) {
    struct metadata *metadata = metadata_new(3, 7);
    struct parts parts = {data, len};
    for (uint64_t index = 1; parts.left > 0; index++) {
        struct metadata_result result;
        size_t part_len;
        const uint8_t *part = parts_next(&parts, &part_len);
        uint8_t *command = mem_alloc(part_len);
        memcpy(command, part, part_len);
        if (metadata_apply(metadata, index, command, part_len, &result) == ERR_NONE)
            CHECK(memchr(result.message, 0, sizeof result.message) != NULL);
        mem_free(command);
    }
    metadata_free(metadata);
}

static void change(const uint8_t *data, size_t len) {
    struct metadata_change change;
    struct kp_arena arena;
    struct slice bytes;
    kp_arena_init(&arena, METADATA_COMMAND_ARENA);
    if (metadata_change_decode(data, len, &arena, &change) == ERR_NONE &&
        metadata_change_encode(&change, &bytes) == ERR_NONE)
        slice_unref(&bytes);
    kp_arena_close(&arena);
}

static void outcome(const uint8_t *data, size_t len) {
    struct change_outcome outcome;
    if (change_outcome_decode(data, len, &outcome) != ERR_NONE) return;
    struct slice bytes = change_outcome_encode(&outcome);
    slice_unref(&bytes);
}

static void no_send(void *arg, int32_t node, struct slice announcement) {
    (void)arg;
    (void)node;
    slice_unref(&announcement);
}

static void leaders(const uint8_t *data, size_t len) {
    struct workspace *workspace = workspace_get();
    struct leader_table *table = leader_table_new(workspace->env, &workspace->log, 1, no_send,
                                                  NULL);
    struct slice announcement = {.data = data, .len = len};
    leader_table_peer_up(table, 2);
    leader_table_receive(table, 2, &announcement);
    leader_table_peer_dead(table, 2);
    leader_table_free(table);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    static void (*const targets[])(const uint8_t *, size_t) = {record, commands, change, outcome,
                                                               leaders};
    if (len > 0) targets[data[0] % 5](data + 1, len - 1);
    return 0;
}
