/*
 * Group 0 on this broker: opening, closing, what it tells. The floors below are in
 * metadata_group_internal.h.
 *
 * Whoever asked for a command is told its outcome when it was applied, or to try again when
 * leadership is lost.
 */
#include "broker/metadata/metadata_group.h"

#include <inttypes.h>

#include "broker/metadata/metadata_group_internal.h"
#include "storage/journal/journal.h"
#include "storage/log_types.h"

static void group_tell(struct metadata_group *group, struct change_asker asker,
                       const struct change_outcome *outcome) {
    if (asker.nobody) return;
    if (asker.submit != NULL)
        metadata_submit_take(asker.submit, outcome);
    else
        broker_messages_answer(group->messages, asker.caller, change_outcome_encode(outcome));
}

/* From a broker that does not lead. */
static void on_request(void *arg, struct broker_caller caller, const uint8_t *body, size_t len) {
    struct metadata_group *group = arg;
    struct change_asker asker = {.caller = caller};
    struct change_outcome outcome;
    if (metadata_pending_begin(group, body, len, asker, &outcome))
        group_tell(group, asker, &outcome);
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
    struct change_asker asker;
    if (metadata_pending_end(group, entry->index, &asker)) group_tell(group, asker, &outcome);
}

static void on_caught_up(void *arg) {
    struct metadata_group *group = arg;
    group->events.applied(group->arg);
    if (group->submits != NULL) env_defer(group->env, &group->task);
}

static void on_leading(void *arg, log_term term) {
    struct metadata_group *group = arg;
    group->leading = true;
    group->leading_since_ms = env_now_ms(group->env);
    log_info(group->log, "this broker leads the metadata (term %" PRIu32 ")", term);
    group->events.leading(group->arg);
    env_defer(group->env, &group->task);
}

static void on_lost(void *arg) {
    struct metadata_group *group = arg;
    struct change_outcome again = {.status = CHANGE_AGAIN};
    group->leading = false;
    log_info(group->log, "this broker leads the metadata no more");
    struct change_asker asker;
    while (metadata_pending_end(group, UINT64_MAX, &asker))
        group_tell(group, asker, &again);
}

static void on_leader_changed(void *arg, replica_id replica, log_term term) {
    struct metadata_group *group = arg;
    (void)replica;
    (void)term;
    group->events.leader_changed(group->arg);
    env_defer(group->env, &group->task);
}

/* Without the metadata there is nothing that this broker can do, and nothing that it should say of
 * the others. */
static const char cannot_follow[] =
    "this broker cannot follow the metadata: %s; the other brokers go on without it. Keep its data directory, and put back what is "
    "damaged: draved log verify names all of it";

static void on_broken(void *arg, const char *why) {
    struct metadata_group *group = arg;
    env_fatal(group->env, cannot_follow, why);
}

static const struct raft_group_events raft_group_events = {.committed = on_committed,
                                                           .caught_up = on_caught_up,
                                                           .leading = on_leading,
                                                           .lost = on_lost,
                                                           .leader_changed = on_leader_changed,
                                                           .broken = on_broken};

int metadata_group_open(struct shard *shard, struct metadata *metadata,
                        const struct cluster_record *cluster,
                        const struct broker_settings *settings, struct broker_messages *messages,
                        const struct metadata_group_events *events, void *arg,
                        struct metadata_group **result, struct error_text *why) {
    struct metadata_group *group = mem_zalloc(sizeof *group);
    *group = (struct metadata_group){.env = shard_env(shard),
                                     .log = shard_log(shard),
                                     .shard = shard,
                                     .metadata = metadata,
                                     .cluster = cluster,
                                     .settings = settings,
                                     .node = settings->node_id,
                                     .messages = messages,
                                     .events = *events,
                                     .tell = group_tell,
                                     .arg = arg};
    struct raft_group_member members[CLUSTER_NODES_MAX];
    for (uint32_t i = 0; i < cluster->node_count; i++)
        members[i] = (struct raft_group_member){
            .replica = i + 1, .node = cluster->nodes[i].node, .voter = i < cluster->voters};
    replica_id replica = cluster_record_replica(cluster, settings->node_id);
    struct raft_group_spec spec = {
        .id = METADATA_GROUP,
        .label = "metadata",
        .replica = replica,
        .members = members,
        .member_count = cluster->node_count,
        /* Nothing of it was ever applied here: the record was written, and the end came before. */
        .bootstrap = journal_durable_mark(log_store_journal(shard_store(shard))) == 0,
        .first = 1,
        .eager_commit = true};
    metadata_submits_open(group);
    int error = raft_group_open(shard, &spec, &raft_group_events, group, &group->group, why);
    if (error != ERR_NONE) {
        const struct error_text found = *why;
        if (error == ERR_CORRUPT) error_set(why, error, cannot_follow, found.text);
        metadata_submits_close(group);
        mem_free(group);
        return error;
    }
    broker_messages_serve(messages, BROKER_REQUEST_METADATA, on_request, group);
    metadata_quorum_open(group);
    *result = group;
    return ERR_NONE;
}

void metadata_group_close(struct metadata_group *group) {
    if (group == NULL) return;
    broker_messages_serve(group->messages, BROKER_REQUEST_METADATA, NULL, NULL);
    metadata_quorum_close(group);
    raft_group_close(group->group);
    group->leading = false;
    struct change_asker nobody;
    while (metadata_pending_end(group, UINT64_MAX, &nobody)) {}
    metadata_submits_close(group);
    mem_free(group);
}

uint64_t metadata_group_applied(const struct metadata_group *group) {
    return group->applied;
}
