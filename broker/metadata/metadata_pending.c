/*
 * The metadata leader's side: a change is checked, placed and submitted as a command, and whoever
 * asked is remembered until it is applied.
 *
 * What changes nothing (a barrier, above all) or is refused is told when a majority has confirmed
 * that we lead: a leader that was deposed and does not know it lacks what its successor has done.
 * Failures: try
 * again, at once or later. Invariant: rows are in the order of their indexes.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mutant.h"
#include "broker/metadata/config_resolution.h"
#include "broker/metadata/metadata_group_internal.h"
#include "broker/metadata/metadata_leader.h"
#include "broker/metadata/metadata_roster.h"
#include "storage/log_types.h"

enum { YOUNG_MS = 3000 };

#define MOVES_NONE 0u /* group 0 has no replicas that are planned */
#define MOVES_ANY UINT64_MAX

/* A command that this broker submitted as the leader, and that is not applied yet. */
struct pending {
    log_index index;
    struct change_asker asker;
    struct kp_uuid request; /* by which a repeated one is known; zero: another kind of command */
    uint32_t resource;      /* whose settings it changes: config_resolution_key; 0: nobody's */
    uint64_t moves;         /* group of the partition whose replicas it changes, or MOVES_ANY */
    bool alone;             /* what is checked beside it would count on a broker that goes */
    struct metadata_load *load; /* what it adds, by broker */
    size_t load_count;
    struct pending *next, *prev;
};

/* The outcome of a change that is only checked, or refused, until a majority has confirmed that we
 * lead. */
struct unconfirmed {
    struct raft_group_read_index confirm; /* first */
    struct metadata_group *group;
    struct change_asker asker;
    struct change_outcome outcome;
    struct unconfirmed *next, *prev;
};

static void pending_confirmed(struct raft_group_read_index *confirm, int error) {
    struct unconfirmed *held = (struct unconfirmed *)confirm;
    struct metadata_group *group = held->group;
    DL_DELETE(group->unconfirmed, held);
    if (error != ERR_NONE) held->outcome = (struct change_outcome){.status = CHANGE_AGAIN};
    group->tell(group, held->asker, &held->outcome);
    mem_free(held);
}

static void pending_hold(struct metadata_group *group, struct change_asker asker,
                         const struct change_outcome *outcome) {
    struct unconfirmed *held = mem_zalloc(sizeof *held);
    held->confirm.done = pending_confirmed;
    held->group = group;
    held->asker = asker;
    held->outcome = *outcome;
    DL_APPEND(group->unconfirmed, held);
    raft_group_read_index(group->group, &held->confirm);
}

static struct metadata_load *load_row(struct metadata_load **loads, size_t *count, int32_t node) {
    for (size_t i = 0; i < *count; i++)
        if ((*loads)[i].node == node) return &(*loads)[i];
    *loads = mem_realloc(*loads, (*count + 1) * sizeof **loads);
    (*loads)[*count] = (struct metadata_load){.node = node};
    return &(*loads)[(*count)++];
}

static void free_pending(struct metadata_group *group, struct pending *pending) {
    for (size_t i = 0; i < pending->load_count; i++) {
        struct metadata_load *all = load_row(&group->load, &group->load_count,
                                             pending->load[i].node);
        all->replicas -= pending->load[i].replicas;
        all->leaders -= pending->load[i].leaders;
    }
    DL_DELETE(group->pending, pending);
    if (group->pending == NULL) {
        mem_free(group->load);
        group->load = NULL;
        group->load_count = 0;
    }
    mem_free(pending->load);
    mem_free(pending);
}

static void remember_load(struct pending *pending, const struct command_partition *partitions,
                          int32_t count) {
    for (int32_t p = 0; p < count; p++)
        for (int32_t r = 0; r < partitions[p].nodes.count; r++) {
            struct metadata_load *load = load_row(&pending->load, &pending->load_count,
                                                  partitions[p].nodes.items[r]);
            load->replicas++;
            load->leaders += r == 0;
        }
}

/* Those that have no replica of it yet. */
static void remember_newcomers(const struct metadata_group *group, struct pending *pending,
                               const struct command_set_replicas *command) {
    const struct metadata_topic *topic = metadata_topic_with_id(group->metadata, command->id.bytes);
    const struct metadata_partition *partition =
        topic == NULL ? NULL : metadata_partition_at(topic, command->partition);
    for (int32_t i = 0; partition != NULL && i < command->nodes.count; i++)
        if (metadata_replica_on(partition, command->nodes.items[i]) == NULL)
            load_row(&pending->load, &pending->load_count, command->nodes.items[i])->replicas++;
}

static void count_load(struct metadata_group *group, const struct pending *pending) {
    for (size_t i = 0; i < pending->load_count; i++) {
        struct metadata_load *all = load_row(&group->load, &group->load_count,
                                             pending->load[i].node);
        all->replicas += pending->load[i].replicas;
        all->leaders += pending->load[i].leaders;
    }
}

static struct kp_uuid request_of(const struct metadata_command *command) {
    return command->type == COMMAND_CREATE_TOPIC        ? command->create_topic.id
           : command->type == COMMAND_CREATE_PARTITIONS ? command->create_partitions.request
           : command->type == COMMAND_SET_REPLICAS      ? command->set_replicas.request
                                                        : (struct kp_uuid){{0}};
}

static uint32_t resource_of(const struct metadata_command *command) {
    return command->type == COMMAND_SET_CONFIGS ? config_resolution_key(&command->set_configs) : 0;
}

static uint64_t moves_of(const struct metadata_group *group,
                         const struct metadata_command *command) {
    const struct metadata_topic *topic;
    const struct metadata_partition *partition;
    switch (command->type) {
    case COMMAND_SET_REPLICAS:
        topic = metadata_topic_with_id(group->metadata, command->set_replicas.id.bytes);
        partition = topic == NULL ? NULL
                                  : metadata_partition_at(topic, command->set_replicas.partition);
        return partition == NULL ? MOVES_NONE : partition->group;
    case COMMAND_REPLICAS_DONE: return (uint64_t)command->replicas_done.group;
    case COMMAND_RECOVER_PARTITION: return (uint64_t)command->recover_partition.group;
    case COMMAND_REPLACE_BROKER:
    case COMMAND_REPLACE_REPLICAS: return MOVES_ANY;
    default: return MOVES_NONE;
    }
}

/* A cancel names the brokers that it leads back to, as the table has them (metadata_replicas.h): it
 * waits for what is about to change them. */
static bool would_name_others(const struct pending *pending, const struct metadata_command *command,
                              uint64_t moves) {
    return command->type == COMMAND_SET_REPLICAS && command->set_replicas.cancel &&
           (pending->moves == MOVES_ANY || (moves != MOVES_NONE && pending->moves == moves));
}

/* Whether an earlier sending of this very change is under way, which would count twice, or another
 * change of the same settings, of which this one has to start; or a broker goes, which nothing may
 * count on. */
static bool is_under_way(const struct metadata_group *group,
                         const struct metadata_command *command) {
    const struct pending *pending;
    struct kp_uuid request = request_of(command);
    uint32_t resource = resource_of(command);
    uint64_t moves = moves_of(group, command);
    bool known = !kp_uuid_is_zero(request);
    if (command->type == COMMAND_RETIRE_BROKER && group->pending != NULL) return true;
    DL_FOREACH(group->pending, pending)
    if (pending->alone || (known && memcmp(&pending->request, &request, sizeof request) == 0) ||
        (resource != 0 && pending->resource == resource && !MUTANT(MUTANT_APPEND_TO_OLD)) ||
        would_name_others(pending, command, moves))
        return true;
    return false;
}

/* For how long there is no link with a broker that is to be replaced. */
static uint64_t down_ms(const struct metadata_group *group,
                        const struct metadata_command *command) {
    const struct peers *peers = shard_peers(group->shard);
    if (command->type == COMMAND_REPLACE_BROKER)
        return peers_down_ms(peers, command->replace_broker.node);
    return command->type == COMMAND_REPLACE_REPLICAS
               ? peers_down_ms(peers, command->replace_replicas.node)
               : 0;
}

/* Checks and completes a change against the table and what is pending. */
static enum metadata_prepared pending_prepare(struct metadata_group *group,
                                              struct metadata_change *change,
                                              struct kp_arena *arena,
                                              struct metadata_result *result) {
    memset(result, 0, sizeof *result);
    if (is_under_way(group, &change->command)) return PREPARED_AGAIN;
    int32_t dead[ROSTER_MAX];
    size_t dead_count = 0;
    for (size_t i = 0; i < metadata_roster_count(group->metadata); i++) {
        int32_t node = metadata_roster_at(group->metadata, i)->node;
        if (node != group->node && peers_is_dead(shard_peers(group->shard), node))
            dead[dead_count++] = node;
    }
    struct raft_group_configuration servers;
    const struct metadata_command *command = &change->command;
    if (command->type == COMMAND_RETIRE_BROKER) raft_group_configuration(group->group, &servers);
    struct metadata_view view = {.metadata = group->metadata,
                                 .settings = group->settings,
                                 .pending = group->load,
                                 .pending_count = group->load_count,
                                 .partitions_max = group->settings->max_partitions,
                                 .broker_partitions_max = group->settings->max_broker_partitions,
                                 .servers = &servers,
                                 .dead = dead,
                                 .dead_count = dead_count,
                                 .down_ms = down_ms(group, command),
                                 .young = env_now_ms(group->env) - group->leading_since_ms <
                                          YOUNG_MS};
    return metadata_leader_prepare(&view, change, arena, result);
}

/* Submits a prepared command. False: not now. */
static bool submit_command(struct metadata_group *group, const struct metadata_command *command,
                           struct change_asker asker) {
    struct slice bytes;
    log_index index;
    if (metadata_command_encode(command, &bytes) != ERR_NONE) return false;
    struct entry_spec spec = {
        .type = ENTRY_COMMAND, .max_timestamp = -1, .raw = bytes, .compress = bytes.len > 1024};
    spec.base_offset = partition_log_end_offset(raft_group_log(group->group));
    if (raft_group_submit(group->group, &spec, &index) != ERR_NONE) {
        slice_unref(&spec.raw);
        return false;
    }
    struct pending *pending = mem_zalloc(sizeof *pending);
    pending->index = index;
    pending->asker = asker;
    pending->request = request_of(command);
    pending->resource = resource_of(command);
    pending->moves = moves_of(group, command);
    pending->alone = command->type == COMMAND_RETIRE_BROKER;
    DL_APPEND(group->pending, pending);
    if (command->type == COMMAND_CREATE_TOPIC)
        remember_load(pending, command->create_topic.partitions.items,
                      command->create_topic.partitions.count);
    if (command->type == COMMAND_CREATE_PARTITIONS)
        remember_load(pending, command->create_partitions.partitions.items,
                      command->create_partitions.partitions.count);
    if (command->type == COMMAND_SET_REPLICAS)
        remember_newcomers(group, pending, &command->set_replicas);
    count_load(group, pending);
    return true;
}

bool metadata_pending_begin(struct metadata_group *group, const uint8_t *data, size_t len,
                            struct change_asker asker, struct change_outcome *outcome) {
    struct metadata_change change = {.validate_only = false};
    struct kp_arena arena;
    enum metadata_prepared prepared = PREPARED;
    bool later = false;
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
    } else if ((prepared = pending_prepare(group, &change, &arena, &outcome->result)) >=
               PREPARED_REFUSED) {
        if (prepared == PREPARED_REFUSED && change.command.type == COMMAND_REGISTER_BROKER)
            metadata_turn_away(group->metadata, change.command.register_broker.node);
        outcome->status = prepared == PREPARED_AGAIN ? CHANGE_AGAIN : CHANGE_DONE;
    } else if (!change.validate_only && prepared == PREPARED) {
        later = submit_command(group, &change.command, asker);
        outcome->status = CHANGE_AGAIN;
    }
    kp_arena_close(&arena);
    if (outcome->status == CHANGE_DONE && (change.validate_only || prepared != PREPARED)) {
        pending_hold(group, asker, outcome);
        later = true;
    }
    return !later;
}

bool metadata_pending_end(struct metadata_group *group, log_index index,
                          struct change_asker *asker) {
    struct pending *pending = group->pending;
    if (pending == NULL || pending->index > index) return false;
    *asker = pending->asker;
    free_pending(group, pending);
    return true;
}

void metadata_pending_forget(struct metadata_group *group, const struct metadata_submit *submit) {
    struct pending *pending;
    DL_FOREACH(group->pending, pending) if (pending->asker.submit == submit) break;
    if (pending != NULL) pending->asker = (struct change_asker){.nobody = true};
    struct unconfirmed *held;
    DL_FOREACH(group->unconfirmed, held) if (held->asker.submit == submit) break;
    if (held == NULL) return;
    raft_group_read_index_cancel(group->group, &held->confirm);
    DL_DELETE(group->unconfirmed, held);
    mem_free(held);
}
