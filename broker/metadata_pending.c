/*
 * The metadata leader's side: a change is checked, placed and submitted as a command, and whoever asked is remembered until it is applied.
 *
 * Failures: an outcome at once (refused, or try again). Invariant: rows are in the order of their indexes.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "broker/metadata_group_state.h"
#include "broker/metadata_leader.h"

enum { YOUNG_MS = 3000 };

/* A command that this broker submitted as the leader, and that is not applied yet. */
struct pending {
    uint64_t index;
    struct change_asker asker;
    struct metadata_load *load; /* what it adds, by broker */
    size_t load_count;
    struct pending *next, *prev;
};

static void free_pending(struct metadata_group *group, struct pending *pending) {
    DL_DELETE(group->pending, pending);
    mem_free(pending->load);
    mem_free(pending);
}

static void add_load(struct pending *pending, const struct command_partition *partitions, int32_t count) {
    for (int32_t p = 0; p < count; p++)
        for (int32_t r = 0; r < partitions[p].nodes.count; r++) {
            size_t at = 0;
            while (at < pending->load_count && pending->load[at].node != partitions[p].nodes.items[r])
                at++;
            if (at == pending->load_count) {
                pending->load = mem_realloc(pending->load, (at + 1) * sizeof *pending->load);
                pending->load[at] = (struct metadata_load){.node = partitions[p].nodes.items[r]};
                pending->load_count++;
            }
            pending->load[at].replicas++;
            if (r == 0) pending->load[at].leaders++;
        }
}

static void remember_load(struct pending *pending, const struct metadata_command *command) {
    if (command->type == COMMAND_CREATE_TOPIC)
        add_load(pending, command->create_topic.partitions.items, command->create_topic.partitions.count);
    if (command->type == COMMAND_CREATE_PARTITIONS)
        add_load(pending, command->create_partitions.partitions.items, command->create_partitions.partitions.count);
}

/* Checks and completes a change against the table and what is pending. */
static bool prepare(struct metadata_group *group, struct metadata_change *change, struct kp_arena *arena,
                    struct metadata_result *result, bool *again) {
    size_t count = 0;
    struct pending *pending;
    DL_FOREACH(group->pending, pending) count += pending->load_count;
    struct metadata_load *load = mem_alloc((count + 1) * sizeof *load);
    count = 0;
    DL_FOREACH(group->pending, pending) {
        if (pending->load_count == 0) continue;
        memcpy(load + count, pending->load, pending->load_count * sizeof *load);
        count += pending->load_count;
    }
    int32_t dead[CLUSTER_NODES_MAX];
    size_t dead_count = 0;
    for (uint32_t i = 0; i < group->cluster->node_count; i++)
        if (group->cluster->nodes[i].node != group->node &&
            peers_is_dead(shard_peers(group->shard), group->cluster->nodes[i].node))
            dead[dead_count++] = group->cluster->nodes[i].node;
    struct metadata_view view = {.metadata = group->metadata,
                                 .cluster = group->cluster,
                                 .pending = load,
                                 .pending_count = count,
                                 .dead = dead,
                                 .dead_count = dead_count,
                                 .young = env_now_ms(group->env) - group->leading_since_ms < YOUNG_MS};
    bool good = metadata_leader_prepare(&view, change, arena, result, again);
    mem_free(load);
    return good;
}

/* Submits a prepared command. False: not now. */
static bool submit_command(struct metadata_group *group, const struct metadata_command *command,
                           struct change_asker asker) {
    struct slice bytes;
    uint64_t index;
    if (metadata_command_encode(command, &bytes) != ERR_NONE) return false;
    struct entry_spec spec = {.type = ENTRY_COMMAND, .max_timestamp = -1, .raw = bytes, .compress = bytes.len > 1024};
    spec.base_offset = partition_log_end_offset(group_log(group->group));
    if (group_submit(group->group, &spec, &index) != ERR_NONE) {
        slice_unref(&spec.raw);
        return false;
    }
    struct pending *pending = mem_zalloc(sizeof *pending);
    pending->index = index;
    pending->asker = asker;
    remember_load(pending, command);
    DL_APPEND(group->pending, pending);
    return true;
}

bool metadata_pending_begin(struct metadata_group *group, const uint8_t *data, size_t len, struct change_asker asker,
                            struct change_outcome *outcome) {
    struct metadata_change change;
    struct kp_arena arena;
    bool again = false, submitted = false;
    *outcome = (struct change_outcome){.status = CHANGE_DONE, .index = group->applied};
    kp_arena_init(&arena, METADATA_COMMAND_ARENA);
    if (!group->leading) {
        outcome->status = CHANGE_AGAIN;
    } else if (metadata_change_decode(data, len, &arena, &change) != ERR_NONE) {
        outcome->result.error = KAFKA_INVALID_REQUEST;
        snprintf(outcome->result.message, sizeof outcome->result.message,
                 "the metadata leader, broker %" PRId32
                 ", does not understand this change; run the same version everywhere",
                 group->node);
    } else if (!prepare(group, &change, &arena, &outcome->result, &again)) {
        outcome->status = again ? CHANGE_AGAIN : CHANGE_DONE;
    } else if (!change.validate_only) {
        submitted = submit_command(group, &change.command, asker);
        outcome->status = CHANGE_AGAIN;
    }
    kp_arena_close(&arena);
    return !submitted;
}

bool metadata_pending_end(struct metadata_group *group, uint64_t index, struct change_asker *asker) {
    struct pending *pending = group->pending;
    if (pending == NULL || pending->index > index) return false;
    *asker = pending->asker;
    free_pending(group, pending);
    return true;
}

void metadata_pending_forget(struct metadata_group *group, const struct metadata_submit *submit) {
    struct pending *pending;
    DL_FOREACH(group->pending, pending) if (pending->asker.submit == submit) break;
    if (pending != NULL) free_pending(group, pending);
}
