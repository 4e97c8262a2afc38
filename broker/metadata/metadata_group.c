/*
 * Group 0 on this broker: opening, closing, what it tells. The floors below are in
 * metadata_group_internal.h.
 *
 * Whoever asked for a command is told its outcome when it was applied, or to try again when
 * leadership is lost.
 */
#include "broker/metadata/metadata_group.h"

#include <inttypes.h>
#include <string.h>

#include "broker/metadata/metadata_group_internal.h"
#include "broker/metadata/metadata_roster.h"
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
    if (entry->type == ENTRY_BATCHES) group->keeper.marked(group->keeper.arg, entry);
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
    group->keeper.applied(group->keeper.arg);
    group->events.applied(group->arg);
    if (group->submits != NULL) env_defer(group->env, &group->task);
}

static void on_current(void *arg) {
    struct metadata_group *group = arg;
    group->events.current(group->arg);
}

static bool on_restore(void *arg, struct partition_log *log) {
    struct metadata_group *group = arg;
    return group->keeper.restore(group->keeper.arg, group, log);
}

static bool reads(void *arg, struct slice state) {
    struct metadata_group *group = arg;
    return group->keeper.reads(state);
}

static void on_leading(void *arg, log_term term) {
    struct metadata_group *group = arg;
    group->leading = true;
    group->leading_since_ms = env_now_ms(group->env);
    log_event(group->log, LOGGED_METADATA_LED, "this broker leads the metadata (term %" PRIu32 ")",
              term);
    group->events.leading(group->arg);
    env_defer(group->env, &group->task);
}

static void on_lost(void *arg) {
    struct metadata_group *group = arg;
    struct change_outcome again = {.status = CHANGE_AGAIN};
    group->leading = false;
    log_event(group->log, LOGGED_METADATA_LED_NO_MORE, "this broker leads the metadata no more");
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

enum { MEND_PATIENCE_US = 60 * 1000 * 1000 };

/* Without the metadata there is nothing that this broker can do, and nothing that it should say of
 * the others. */
static const char cannot_follow[] =
    "this broker cannot follow the metadata: %s; the other brokers go on without it. Keep its data directory, and put back what is "
    "damaged: draved log verify names all of it";

/* It may be behind much that is waited for here. Commands that the table has are not applied to it
 * once more. */
void metadata_group_restored(struct metadata_group *group, log_index index) {
    if (index == 0 && group->applied > 0)
        env_fatal(group->env, cannot_follow, "the table that another broker gave cannot be read");
    group->applied = index;
    raft_group_restored(group->group, index);
    if (index > 0) on_caught_up(group);
}

static void patience_over(void *arg) {
    struct metadata_group *group = arg;
    if (raft_group_is_blocked(group->group))
        env_fatal(
            group->env, cannot_follow,
            "damage in its log is not mended, because no other broker has given what is lacking");
}

/* What other brokers may mend is awaited for a while. */
static void on_broken(void *arg, const char *why) {
    struct metadata_group *group = arg;
    if (!raft_group_may_heal(group->group)) env_fatal(group->env, cannot_follow, why);
    if (group->patience == NULL) group->patience = env_timer_new(group->env, patience_over, group);
    env_timer_start(group->patience, MEND_PATIENCE_US);
}

/* What this table says was left by the others, who go by another one: whatever was led by it, or
 * served, would be theirs and ours. */
static void on_contradicted(void *arg) {
    struct metadata_group *group = arg;
    env_fatal(
        group->env,
        "the metadata of the other brokers has gone on from an earlier place than what this broker "
        "knows of it (drave recover was done while it was away): it takes no part any more. Keep its "
        "data directory aside, start it with an empty data.dir, and then: drave broker replace %" PRId32,
        group->node);
}

static const struct raft_group_events raft_group_events = {.restore = on_restore,
                                                           .reads = reads,
                                                           .committed = on_committed,
                                                           .caught_up = on_caught_up,
                                                           .current = on_current,
                                                           .leading = on_leading,
                                                           .lost = on_lost,
                                                           .leader_changed = on_leader_changed,
                                                           .broken = on_broken,
                                                           .contradicted = on_contradicted};

/* ---- Members ---- */

/* One more than the roster has: ourselves, before it has us; and those that are ahead of it. */
enum { MEMBERS_MAX = ROSTER_MAX + 1 + AHEAD_MAX };
_Static_assert((int)MEMBERS_MAX <= (int)RAFT_GROUP_SERVERS_MAX, "all fit one configuration");

/* All of the roster, ourselves, and those of whom we have only heard. */
static size_t members_of(const struct metadata_group *group,
                         struct raft_group_member members[MEMBERS_MAX]) {
    const struct cluster_record *cluster = group->cluster;
    replica_id own = cluster_record_replica(cluster, group->node);
    size_t count = 0;
    bool has_own = false;
    for (size_t i = 0; i < metadata_roster_count(group->metadata); i++) {
        const struct roster_broker *broker = metadata_roster_at(group->metadata, i);
        members[count++] = (struct raft_group_member){.replica = broker->replica,
                                                      .node = broker->node,
                                                      .voter = broker->replica <= cluster->voters};
        has_own = has_own || broker->replica == own;
    }
    if (!has_own)
        members[count++] = (struct raft_group_member){.replica = own, .node = group->node};
    for (size_t i = 0; i < group->ahead_count; i++)
        if (group->ahead[i].replica >= metadata_next_replica(group->metadata) &&
            group->ahead[i].replica != own)
            members[count++] = group->ahead[i];
    return count;
}

void metadata_group_hear_of(struct metadata_group *group, replica_id replica, int32_t node) {
    size_t kept = 0;
    if (replica < metadata_next_replica(group->metadata)) return;
    for (size_t i = 0; i < group->ahead_count; i++)
        if (group->ahead[i].replica != replica && group->ahead[i].node != node)
            group->ahead[kept++] = group->ahead[i];
    if (kept == AHEAD_MAX) /* the one that was heard of first */
        memmove(group->ahead, group->ahead + 1, --kept * sizeof group->ahead[0]);
    group->ahead[kept] = (struct raft_group_member){.replica = replica, .node = node};
    group->ahead_count = kept + 1;
    metadata_group_follow_roster(group);
}

void metadata_group_follow_roster(struct metadata_group *group) {
    struct raft_group_member members[MEMBERS_MAX];
    size_t count = members_of(group, members);
    raft_group_set_members(group->group, members, count);
}

int metadata_group_open(struct shard *shard, struct metadata *metadata,
                        const struct cluster_record *cluster,
                        const struct broker_settings *settings, struct broker_messages *messages,
                        const struct metadata_group_keeper *keeper,
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
                                     .keeper = *keeper,
                                     .events = *events,
                                     .tell = group_tell,
                                     .arg = arg};
    struct raft_group_member members[MEMBERS_MAX];
    size_t count = members_of(group, members);
    replica_id replica = cluster_record_replica(cluster, settings->node_id);
    struct raft_group_spec spec = {
        .id = METADATA_GROUP,
        .label = "metadata",
        .replica = replica,
        .members = members,
        .member_count = count,
        /* Nothing of it was ever applied here: the record was written, and the end came before. Who
         * came later gets the log from the others. */
        .bootstrap = cluster->joined_replica == 0 &&
                     journal_durable_mark(log_store_journal(shard_store(shard))) == 0,
        .first = 1,
        .eager_commit = true};
    metadata_submits_open(group);
    int error = raft_group_open(shard, &spec, &raft_group_events, group, &group->group, why);
    if (error != ERR_NONE) {
        const struct error_text found = *why;
        if (error == ERR_CORRUPT) error_set(why, error, cannot_follow, found.text);
        group->keeper.closed(group->keeper.arg);
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
    group->keeper.closed(group->keeper.arg);
    raft_group_close(group->group);
    group->leading = false;
    struct change_asker nobody;
    while (metadata_pending_end(group, UINT64_MAX, &nobody)) {}
    metadata_submits_close(group);
    env_timer_free(group->patience);
    mem_free(group);
}

struct raft_group *metadata_group_raft(const struct metadata_group *group) {
    return group->group;
}

struct metadata_group_changes metadata_group_changes(const struct metadata_group *group) {
    return group->changes;
}

uint64_t metadata_group_applied(const struct metadata_group *group) {
    return group->applied;
}
