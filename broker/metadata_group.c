/*
 * Group 0 on this broker. See the header.
 *
 *   submit: WAITING --- we lead ----------> LEADING  --- committed and applied --> done
 *           ^  |  \---- another leads ----> CALLING  --- its answer ---> APPLYING --- our table has it --> done
 *           |  \------- time is over -----> done (REQUEST_TIMED_OUT)       |
 *           \---------- leadership lost, link broken, "again" -------------/
 *
 * On the leader each command under way is a row in `pending`, in the order of their indexes; whoever asked is told when it was
 * applied, or told to try again when leadership is lost.
 */
#include "broker/metadata_group.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "broker/metadata_change.h"
#include "broker/metadata_leader.h"
#include "protocol/kafka_error.h"
#include "storage/journal.h"

#include <utlist.h>

enum { RETRY_US = 100 * 1000, CALL_TIMEOUT_MS = 3000 };

/* A command that this broker submitted as the leader. */
struct pending {
    uint64_t index;
    struct metadata_submit *submit; /* who asked: one of ours, */
    struct broker_caller caller;    /* or another broker */
    struct metadata_load *load;     /* what it adds, by broker */
    size_t load_count;
    struct pending *next, *prev;
};

struct metadata_group {
    struct env *env;
    struct log *log;
    struct shard *shard;
    struct group *group;
    struct metadata *metadata;
    const struct cluster_record *cluster;
    int32_t node;
    struct broker_messages *messages;
    struct metadata_group_events events;
    void *arg;
    uint64_t applied;
    bool leading;
    struct pending *pending;
    struct metadata_submit *submits;
    struct env_timer *retry;
    struct env_task task; /* tries what waits */
};

/* ---- The leader's side ---- */

static void free_pending(struct metadata_group *group, struct pending *pending) {
    DL_DELETE(group->pending, pending);
    mem_free(pending->load);
    mem_free(pending);
}

static void outcome_for(struct metadata_group *group, struct metadata_submit *submit, struct broker_caller caller,
                        const struct change_outcome *outcome);

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
                                 .dead_count = dead_count};
    bool good = metadata_leader_prepare(&view, change, arena, result, again);
    mem_free(load);
    return good;
}

/* Submits a prepared command. False: not now. */
static bool submit_command(struct metadata_group *group, const struct metadata_command *command,
                           struct metadata_submit *submit, struct broker_caller caller) {
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
    pending->submit = submit;
    pending->caller = caller;
    remember_load(pending, command);
    DL_APPEND(group->pending, pending);
    return true;
}

/* Takes a change as the leader, for one of ours (`submit`) or another broker. */
static void lead_change(struct metadata_group *group, const uint8_t *data, size_t len, struct metadata_submit *submit,
                        struct broker_caller caller) {
    struct change_outcome outcome = {.status = CHANGE_DONE, .index = group->applied};
    struct metadata_change change;
    struct kp_arena arena;
    bool again = false;
    kp_arena_init(&arena, METADATA_COMMAND_ARENA);
    if (!group->leading) {
        outcome.status = CHANGE_AGAIN;
    } else if (metadata_change_decode(data, len, &arena, &change) != ERR_NONE) {
        outcome.result.error = KAFKA_INVALID_REQUEST;
        snprintf(outcome.result.message, sizeof outcome.result.message,
                 "the metadata leader, broker %" PRId32
                 ", does not understand this change; run the same version everywhere",
                 group->node);
    } else if (!prepare(group, &change, &arena, &outcome.result, &again)) {
        outcome.status = again ? CHANGE_AGAIN : CHANGE_DONE;
    } else if (!change.validate_only) {
        if (submit_command(group, &change.command, submit, caller)) {
            kp_arena_close(&arena);
            return; /* the outcome comes when it is applied */
        }
        outcome.status = CHANGE_AGAIN;
    }
    kp_arena_close(&arena);
    outcome_for(group, submit, caller, &outcome);
}

static void on_request(void *arg, struct broker_caller caller, const uint8_t *body, size_t len) {
    lead_change(arg, body, len, NULL, caller);
}

/* ---- The asking side ---- */

static void finish(struct metadata_submit *submit) {
    struct metadata_group *group = submit->group;
    if (submit->type == COMMAND_DELETE_TOPIC && submit->tries > 1 && submit->result.error == KAFKA_UNKNOWN_TOPIC_ID)
        memset(&submit->result, 0, sizeof submit->result); /* it was there, and an earlier try has deleted it */
    DL_DELETE(group->submits, submit);
    submit->state = SUBMIT_IDLE;
    slice_unref(&submit->bytes);
    submit->done(submit, &submit->result);
}

static void wait_again(struct metadata_submit *submit) {
    submit->state = SUBMIT_WAITING;
    env_timer_start(submit->group->retry, RETRY_US);
}

static void take_outcome(struct metadata_submit *submit, const struct change_outcome *outcome) {
    struct metadata_group *group = submit->group;
    if (outcome->result.error != 0 || outcome->status == CHANGE_DONE) submit->result = outcome->result;
    if (outcome->status == CHANGE_AGAIN) {
        wait_again(submit);
        return;
    }
    submit->index = outcome->index;
    submit->state = SUBMIT_APPLYING;
    if (submit->index <= group->applied) env_defer(group->env, &group->task);
}

static void outcome_for(struct metadata_group *group, struct metadata_submit *submit, struct broker_caller caller,
                        const struct change_outcome *outcome) {
    if (submit != NULL)
        take_outcome(submit, outcome);
    else
        broker_messages_answer(group->messages, caller, change_outcome_encode(outcome));
}

static void on_answer(struct broker_call *call, int error, const uint8_t *answer, size_t len) {
    struct metadata_submit *submit = (struct metadata_submit *)((char *)call - offsetof(struct metadata_submit, call));
    struct change_outcome outcome;
    if (error != ERR_NONE || change_outcome_decode(answer, len, &outcome) != ERR_NONE)
        wait_again(submit);
    else
        take_outcome(submit, &outcome);
}

static void try_submit(struct metadata_submit *submit) {
    struct metadata_group *group = submit->group;
    int32_t leader = metadata_group_leader(group);
    if (group->leading) {
        submit->tries++;
        submit->state = SUBMIT_LEADING;
        lead_change(group, submit->bytes.data, submit->bytes.len, submit, (struct broker_caller){0});
    } else if (leader >= 0 && leader != group->node) {
        submit->tries++;
        submit->state = SUBMIT_CALLING;
        submit->call.done = on_answer;
        broker_messages_call(group->messages, &submit->call, leader, BROKER_REQUEST_METADATA, slice_ref(submit->bytes),
                             CALL_TIMEOUT_MS);
    } else {
        wait_again(submit);
    }
}

static void time_over(struct metadata_submit *submit) {
    struct metadata_group *group = submit->group;
    if (submit->state == SUBMIT_CALLING) broker_messages_call_cancel(group->messages, &submit->call);
    struct pending *pending;
    DL_FOREACH(group->pending, pending) if (pending->submit == submit) break;
    if (pending != NULL) free_pending(group, pending);
    if (submit->result.error == 0 || submit->state == SUBMIT_APPLYING) {
        int32_t leader = metadata_group_leader(group);
        submit->result.error = KAFKA_REQUEST_TIMED_OUT;
        if (leader < 0)
            snprintf(
                submit->result.message, sizeof submit->result.message,
                "no broker leads the metadata: a majority of its voters does not answer; start them and try again");
        else
            snprintf(submit->result.message, sizeof submit->result.message,
                     "the metadata leader, broker %" PRId32
                     ", did not finish this in time; it may or may not have happened, look before you try again",
                     leader);
    }
    finish(submit);
}

/* `done` of a submit may make and cancel others, so the walk begins anew after each that ended. */
static bool end_one(struct metadata_group *group, uint64_t now_ms) {
    struct metadata_submit *submit;
    DL_FOREACH(group->submits, submit) {
        if (submit->state == SUBMIT_APPLYING && submit->index <= group->applied) {
            finish(submit);
            return true;
        }
        if (submit->deadline_ms <= now_ms) {
            time_over(submit);
            return true;
        }
    }
    return false;
}

static void on_task(struct env_task *task) {
    struct metadata_group *group = (struct metadata_group *)((char *)task - offsetof(struct metadata_group, task));
    uint64_t now_ms = env_now_ms(group->env);
    while (end_one(group, now_ms)) {}
    struct metadata_submit *submit;
    DL_FOREACH(group->submits, submit) if (submit->state == SUBMIT_WAITING) try_submit(submit);
    if (group->submits != NULL) env_timer_start(group->retry, RETRY_US);
}

static void on_retry(void *arg) {
    struct metadata_group *group = arg;
    on_task(&group->task);
}

void metadata_group_submit(struct metadata_group *group, struct metadata_submit *submit,
                           const struct metadata_change *change, uint32_t timeout_ms) {
    memset(&submit->result, 0, sizeof submit->result);
    submit->group = group;
    submit->type = change->command.type;
    submit->bytes = (struct slice){0};
    submit->tries = 0;
    submit->index = 0;
    submit->call.waits = false;
    submit->deadline_ms = env_now_ms(group->env) + timeout_ms;
    submit->state = SUBMIT_WAITING;
    DL_APPEND(group->submits, submit);
    if (metadata_change_encode(change, &submit->bytes) != ERR_NONE) {
        submit->state = SUBMIT_APPLYING; /* ends at once, with the error */
        submit->result.error = KAFKA_INVALID_REQUEST;
        snprintf(submit->result.message, sizeof submit->result.message,
                 "the change has more than %d bytes; ask for less at a time", METADATA_COMMAND_MAX);
    }
    env_defer(group->env, &group->task);
}

void metadata_group_submit_cancel(struct metadata_submit *submit) {
    struct metadata_group *group = submit->group;
    if (submit->state == SUBMIT_IDLE) return;
    if (submit->state == SUBMIT_CALLING) broker_messages_call_cancel(group->messages, &submit->call);
    struct pending *pending;
    DL_FOREACH(group->pending, pending) if (pending->submit == submit) break;
    if (pending != NULL) free_pending(group, pending);
    DL_DELETE(group->submits, submit);
    submit->state = SUBMIT_IDLE;
    slice_unref(&submit->bytes);
}

/* ---- From the Raft group ---- */

static void on_committed(void *arg, struct entry *entry) {
    struct metadata_group *group = arg;
    struct change_outcome outcome = {.status = CHANGE_DONE, .index = entry->index};
    group->applied = entry->index;
    if (entry->type != ENTRY_COMMAND) return;
    struct slice raw;
    int error = entry_raw(entry, NULL, false, &raw);
    if (error == ERR_NONE) {
        error = metadata_apply(group->metadata, entry->index, raw.data, raw.len, &outcome.result);
        slice_unref(&raw);
    }
    if (error != ERR_NONE)
        env_fatal(group->env,
                  "this version of drave cannot follow the metadata at entry %" PRIu64
                  " (%s); run the version that the other brokers run",
                  entry->index, error_phrase(error));
    struct pending *pending = group->pending;
    if (pending == NULL || pending->index != entry->index) return;
    struct metadata_submit *submit = pending->submit;
    struct broker_caller caller = pending->caller;
    free_pending(group, pending);
    outcome_for(group, submit, caller, &outcome);
}

static void on_caught_up(void *arg) {
    struct metadata_group *group = arg;
    group->events.applied(group->arg);
    if (group->submits != NULL) env_defer(group->env, &group->task);
}

static void on_leading(void *arg, uint32_t term) {
    struct metadata_group *group = arg;
    group->leading = true;
    log_info(group->log, "this broker leads the metadata (term %" PRIu32 ")", term);
    group->events.leading(group->arg);
    env_defer(group->env, &group->task);
}

static void on_lost(void *arg) {
    struct metadata_group *group = arg;
    struct change_outcome again = {.status = CHANGE_AGAIN};
    group->leading = false;
    log_info(group->log, "this broker leads the metadata no more");
    while (group->pending != NULL) {
        struct metadata_submit *submit = group->pending->submit;
        struct broker_caller caller = group->pending->caller;
        free_pending(group, group->pending);
        outcome_for(group, submit, caller, &again);
    }
}

static void on_leader_changed(void *arg, uint64_t replica, uint32_t term) {
    struct metadata_group *group = arg;
    (void)replica;
    (void)term;
    group->events.leader_changed(group->arg);
    env_defer(group->env, &group->task);
}

static const struct group_events group_events = {on_committed, on_caught_up,      on_leading,
                                                 on_lost,      on_leader_changed, NULL};

int metadata_group_open(struct shard *shard, struct metadata *metadata, const struct cluster_record *cluster,
                        int32_t node, struct broker_messages *messages, const struct metadata_group_events *events,
                        void *arg, struct metadata_group **result, struct error_text *why) {
    struct metadata_group *group = mem_zalloc(sizeof *group);
    *group = (struct metadata_group){.env = shard_env(shard),
                                     .log = shard_log(shard),
                                     .shard = shard,
                                     .metadata = metadata,
                                     .cluster = cluster,
                                     .node = node,
                                     .messages = messages,
                                     .events = *events,
                                     .arg = arg};
    struct group_member members[CLUSTER_NODES_MAX];
    for (uint32_t i = 0; i < cluster->node_count; i++)
        members[i] = (struct group_member){
            .replica = i + 1, .node = cluster->nodes[i].node, .voter = i < cluster->voters};
    uint64_t replica = cluster_record_replica(cluster, node);
    struct group_spec spec = {
        .id = METADATA_GROUP,
        .label = "metadata",
        .replica = replica,
        .members = members,
        .member_count = cluster->node_count,
        /* Nothing of it was ever applied here: the record was written, and the end came before. */
        .bootstrap = journal_durable_mark(log_store_journal(shard_store(shard))) == 0,
        .campaign = replica == 1,
        .eager_commit = true};
    group->retry = env_timer_new(group->env, on_retry, group);
    group->task.run = on_task;
    int error = group_open(shard, &spec, &group_events, group, &group->group, why);
    if (error != ERR_NONE) {
        env_defer_cancel(group->env, &group->task);
        env_timer_free(group->retry);
        mem_free(group);
        return error;
    }
    broker_messages_serve(messages, BROKER_REQUEST_METADATA, on_request, group);
    *result = group;
    return ERR_NONE;
}

void metadata_group_close(struct metadata_group *group) {
    if (group == NULL) return;
    broker_messages_serve(group->messages, BROKER_REQUEST_METADATA, NULL, NULL);
    group_close(group->group);
    group->leading = false;
    while (group->pending != NULL)
        free_pending(group, group->pending);
    while (group->submits != NULL) {
        struct metadata_submit *submit = group->submits;
        if (submit->state == SUBMIT_CALLING) broker_messages_call_cancel(group->messages, &submit->call);
        submit->result.error = KAFKA_BROKER_NOT_AVAILABLE;
        snprintf(submit->result.message, sizeof submit->result.message, "this broker is stopping; ask another one");
        finish(submit);
    }
    env_defer_cancel(group->env, &group->task);
    env_timer_free(group->retry);
    mem_free(group);
}

bool metadata_group_is_leading(const struct metadata_group *group) {
    return group->leading;
}

int32_t metadata_group_leader(const struct metadata_group *group) {
    if (group->leading) return group->node;
    return group->group == NULL ? -1 : cluster_record_node_of(group->cluster, group_leader(group->group));
}

uint64_t metadata_group_applied(const struct metadata_group *group) {
    return group->applied;
}
