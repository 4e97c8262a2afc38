/*
 * One step of the engine, and its effects in their order:
 *
 *   1 term and vote    recorded in the journal; until they are durable no message of this group
 *                      leaves, of this step or a later one (raft_group_send.c), and none of its
 *                      entries counts as persisted (raft_group.c)
 *   2 entries          truncate if they are not past the log's end, then append
 *   3 state            a new leader's cursors begin before its messages (raft_group_role.c)
 *   4 messages         records for this turn; AppendEntries move the cursors of the followers
 *                      (replicate.c)
 *   5 commit index     to the log, and to the owner at the end of the turn (raft_group_apply.c)
 *   6 timeout          the group's place in the timer heap (raft_group_deadline.c)
 *
 * Then what follows from it, which may be a step again: the barrier of a new leader, a leadership
 * that can be handed over.
 *
 * A step that fails leaves the engine half changed, so it ends the process: what can be refused is
 * refused before.
 */
#include <inttypes.h>

#include "base/mutant.h"
#include "raft-glue/raft_group_internal.h"
#include "storage/log_types.h"

/* ---- Hard state ---- */

static void set_hard_state(struct raft_group *group, unsigned flags) {
    if ((flags & ((RAFT_UPDATE_CURRENT_TERM) | (RAFT_UPDATE_VOTED_FOR))) == 0) return;
    uint64_t vote = MUTANT(MUTANT_VOTE_NOT_PERSISTED) ? 0 : raft_voted_for(&group->raft);
    group->hard_state.version = partition_log_set_hard_state(
        group->log, (uint32_t)raft_current_term(&group->raft), vote);
}

/* ---- Entries ---- */

static struct entry *make_barrier(struct raft_group *group, log_index index, log_term term) {
    struct entry_spec spec = {.type = ENTRY_BARRIER,
                              .base_offset = partition_log_end_offset(group->log),
                              .max_timestamp = -1};
    struct entry *entry = entry_new(NULL, &spec);
    entry_seal(entry, group->id, index, term);
    return entry;
}

static void append_entries(struct raft_group *group, const struct raft_update *update) {
    uint64_t first = update->entries.index, last = partition_log_last_index(group->log);
    /* the engine's update; raft_group_admit let no gap through */
    CHECK(first > 0 && first <= last + 1 && update->entries.n > 0);
    if (first <= last) {
        /* An entry that conflicts goes, and all behind it (Raft, 5.3). */
        CHECK(first > group->commit); /* contradicts_commit (admit.c) has stopped the group */
        partition_log_truncate(group->log, first);
        group->shard->stats.truncations++;
    }
    if (group->step.entries != NULL) {
        CHECK(first >= group->step.first); /* they are those of this step, admitted */
        partition_log_append(group->log, group->step.entries + (first - group->step.first),
                             update->entries.n);
        return;
    }
    /* The engine's own: the barrier of a new leader. Its eight bytes are ours to free, and nothing
     * else knows them. */
    CHECK(update->entries.n == 1 &&
          update->entries.batch == &group->raft.barrier); /* the engine's own entry */
    raft_free(group->raft.barrier.buf.base);
    struct entry *barrier = make_barrier(group, first, (uint32_t)group->raft.barrier.term);
    partition_log_append(group->log, &barrier, 1);
    entry_unref(barrier);
}

/* ---- Messages ---- */

/* The engine's message is only a signal: neither its configuration nor its data is set. As long as
 * nothing but terms may be gone (raft_group_trail.c) the member is asked about the place of the
 * snapshot once they are known, and its rejection there makes the engine begin behind its match. If
 * that is gone the signal comes again: then it is asked about the end of its log, so that it has a
 * match where ours goes on. One that is known to be behind gets files (snapshot_offers.c). */
static void wants_snapshot(struct member *member, const struct raft_install_snapshot *snapshot) {
    const struct partition_log *log = member->group->log;
    uint64_t start = partition_log_first_index(log) - 1;
    /* Where it told its end, or its match was, while the log began earlier: at the start, which it
     * has, or else rejects, and is behind. */
    uint64_t place = member->ends > start ? member->ends : start;
    log_term term = partition_log_term_at(log, place); /* 0: not there */
    bool goes_on = member->rejected && !member->behind && place < snapshot->last_index && term != 0;
    struct raft_append_entries question = {.prev_log_index = goes_on ? place : snapshot->last_index,
                                           .prev_log_term = goes_on ? term : snapshot->last_term};
    if (!member->behind) raft_group_trail_reach(member);
    replicate_append(member, &question);
    if (goes_on) member->beyond = true; /* the engine waits for the other answer still */
}

static void send_messages(struct raft_group *group, const struct raft_update *update) {
    for (unsigned i = 0; i < update->messages.n; i++) {
        const struct raft_message *message = &update->messages.batch[i];
        struct member *member = raft_group_member(group, message->server_id);
        if (member == NULL || member->link == NULL) continue;
        if (message->type == RAFT_APPEND_ENTRIES) {
            replicate_append(member, &message->append_entries);
        } else if (message->type == RAFT_INSTALL_SNAPSHOT) {
            wants_snapshot(member, &message->install_snapshot);
        } else {
            raft_group_send_message(group, member, message);
        }
    }
}

/* ---- Where the time of an entry goes ---- */

static void trace_durable(struct raft_group *group) {
    struct entry_trace *trace = &group->trace;
    if (trace->durable_us != 0) return;
    trace->durable_us = env_now_us(group->shard->env);
    buckets_add(&group->shard->stats.journal_us, &bounds_sync,
                trace->durable_us - trace->submitted_us);
}

static void trace_submitted(struct raft_group *group, log_index index) {
    if (group->trace.index != 0) return;
    group->trace = (struct entry_trace){.index = index,
                                        .submitted_us = env_now_us(group->shard->env)};
}

static void trace_committed(struct raft_group *group) {
    struct entry_trace *trace = &group->trace;
    trace_durable(group); /* the others were faster: the client waits no longer */
    trace->index = 0;
    buckets_add(&group->shard->stats.quorum_us, &bounds_sync,
                env_now_us(group->shard->env) - trace->durable_us);
}

/* ---- The step ---- */

static void commit_to(struct raft_group *group, log_index index) {
    if (index <= group->commit) return;
    group->commit = index;
    if (group->trace.index != 0 && index >= group->trace.index) trace_committed(group);
    partition_log_commit(group->log, index);
    shard_ready(group);
}

static void follow_up(struct raft_group *group);

/* A server votes whatever its own configuration says of it (Raft dissertation, 4.1): it may have
 * been promoted by an entry that it lacks, and be needed for a majority. The engine lets a stand-by
 * deny every vote; so for the step of a request it is a voter. NULL: it is one, or not inside. */
static struct raft_server *ask_stand_by(struct raft_group *group, const struct raft_event *event) {
    struct raft_configuration *configuration = &group->raft.configuration;
    if (event->type != RAFT_RECEIVE || event->receive.message->type != RAFT_REQUEST_VOTE)
        return NULL;
    for (unsigned i = 0; i < configuration->n; i++) {
        struct raft_server *server = &configuration->servers[i];
        if (server->id != group->replica || server->role != RAFT_STANDBY) continue;
        server->role = RAFT_VOTER;
        return server;
    }
    return NULL;
}

bool raft_group_step(struct raft_group *group, struct raft_event *event) {
    struct raft_update update = {0};
    event->time = shard_now_ms(group->shard);
    raft_index committed = raft_commit_index(&group->raft);
    struct raft_server *asked = ask_stand_by(group, event);
    int rv = raft_step(&group->raft, event, &update);
    if (asked != NULL) asked->role = RAFT_STANDBY;
    if (rv != 0)
        env_fatal(
            group->shard->env,
            "%s: the consensus engine failed in term %llu at entry %" PRIu64
            " (%s); the process ends, because its state cannot be believed. Start it again; if it fails again, keep the data "
            "directory and report this",
            group->label, raft_current_term(&group->raft), partition_log_last_index(group->log),
            raft_strerror(rv));
    CHECK(raft_commit_index(&group->raft) >= committed); /* commit_within (receive.c) */
    raft_group_voters_note(group, &update);
    set_hard_state(group, update.flags);
    if (update.flags & (RAFT_UPDATE_ENTRIES)) append_entries(group, &update);
    group->step.entries = NULL;
    if (update.flags & (RAFT_UPDATE_SNAPSHOT)) {
        group->step.installs = true; /* of snapshot_fetch.c, which goes on with it */
        group->installing = update.snapshot.metadata;
    }
    if (update.flags & (RAFT_UPDATE_STATE)) raft_group_note_role(group);
    if (update.flags & (RAFT_UPDATE_MESSAGES)) send_messages(group, &update);
    group->step.stale = false;
    if (update.flags & (RAFT_UPDATE_COMMIT_INDEX))
        commit_to(group, raft_commit_index(&group->raft));
    if (update.flags & (RAFT_UPDATE_TIMEOUT)) raft_group_rearm_later(group);
    follow_up(group);
    return (update.flags & (RAFT_UPDATE_ENTRIES)) != 0;
}

/* ---- Events of our own ---- */

void raft_group_submit_sealed(struct raft_group *group, struct entry *entry,
                              enum raft_entry_type type) {
    static char token; /* the engine wants some batch and never touches that of a submit */
    struct raft_entry raw = {.term = entry->term,
                             .type = type,
                             .buf = {(void *)entry->body.data, entry->body.len},
                             .batch = &token};
    struct raft_event event = {.type = RAFT_SUBMIT};
    event.submit.entries = &raw;
    event.submit.n = 1;
    group->step.entries = &entry;
    group->step.first = entry->index;
    raft_group_step(group, &event);
}

static void submit_barrier(struct raft_group *group) {
    struct entry *entry = make_barrier(group, partition_log_last_index(group->log) + 1,
                                       (uint32_t)raft_current_term(&group->raft));
    raft_group_submit_sealed(group, entry, RAFT_BARRIER);
    entry_unref(entry);
}

void raft_group_step_persisted(struct raft_group *group, log_index index) {
    if (index <= group->raft.last_stored) return;
    if (group->trace.index != 0 && index >= group->trace.index) trace_durable(group);
    /* the journal's word, of entries that are in the log */
    CHECK(index <= partition_log_last_index(group->log) && group->raft.state != RAFT_CANDIDATE);
    struct raft_event event = {.type = RAFT_PERSISTED_ENTRIES};
    event.persisted_entries.index = index;
    raft_group_step(group, &event);
}

void raft_group_report_change(struct raft_group *group) {
    const struct raft_configuration *configuration = &group->raft.configuration;
    struct raft_event event = {.type = RAFT_CONFIGURATION};
    event.configuration.index = group->raft.configuration_uncommitted_index;
    if (event.configuration.index == 0) return;
    raft_configuration_init(&event.configuration.conf);
    for (unsigned i = 0; i < configuration->n; i++) {
        const struct raft_server *server = &configuration->servers[i];
        int rv = raft_configuration_add(&event.configuration.conf, server->id, server->address,
                                        server->role);
        CHECK(rv == 0); /* what is in a configuration fits into its copy */
    }
    raft_group_step(group, &event);
}

/* ---- What follows from a step ---- */

/* The engine appends a barrier only when something is uncommitted; a leader serves behind one in
 * any case: what earlier terms left is known to be committed only below an entry of its own
 * (Raft, 5.4.2). */
static void serve_behind_own_entry(struct raft_group *group) {
    uint64_t last = partition_log_last_index(group->log);
    group->serve_index = last + 1;
    if (partition_log_term_at(group->log, last) == raft_group_term(group)) {
        group->serve_index = last;
    } else {
        submit_barrier(group);
    }
}

void raft_group_hand_over(struct raft_group *group) {
    struct member *target = transfer_decide(group);
    if (target == NULL) return;
    struct raft_event event = {.type = RAFT_TRANSFER};
    event.transfer.server_id = target->replica;
    raft_group_step(group, &event);
}

static void follow_up(struct raft_group *group) {
    quiet_stepped(group);
    /* As soon as a commit covers it, applied or not: with a state that lies above it, it is never
     * applied. */
    if (group->raft.configuration_uncommitted_index <= group->commit ||
        MUTANT(MUTANT_CHANGES_TOGETHER))
        raft_group_report_change(group);
    if (raft_group_leads(group) && group->serve_index == 0) serve_behind_own_entry(group);
    struct raft_event event;
    if (raft_group_trail_forget(group, &event)) raft_group_step(group, &event);
    raft_group_note_leader(group);
    election_note(group);
    raft_group_hand_over(group);
    if (group->phase == RAFT_GROUP_RUNNING &&
        (raft_group_has_to_tell(group) || group->read_index.first != NULL))
        shard_ready(group);
}

/* ---- The owner submits ---- */

/* Uncommitted, or committed by the others while our own disk is slow: both wait in memory and for
 * the journal. */
static bool too_much_waits(const struct raft_group *group) {
    const struct shard *shard = group->shard;
    const struct shard_options *options = &shard->options;
    return partition_log_uncommitted_bytes(group->log) >= options->group_uncommitted_bytes ||
           partition_log_undurable_bytes(group->log) >= options->group_uncommitted_bytes ||
           log_store_uncommitted_bytes(shard->store) >= options->uncommitted_bytes ||
           log_store_undurable_bytes(shard->store) >= options->uncommitted_bytes;
}

static int may_submit(const struct raft_group *group) {
    /* Deposed and elected anew, and the owner has heard of neither: its offsets are of the log that
     * it knew. */
    if (!raft_group_leads(group) || raft_group_leading_term(group) != raft_group_term(group))
        return ERR_NOT_LEADER;
    if (group->hand_over_to != 0 || raft_transferee(&group->raft) != 0)
        return group->transfer != NULL ? ERR_LIMIT : ERR_NOT_LEADER;
    return too_much_waits(group) ? ERR_LIMIT : ERR_NONE;
}

int raft_group_go_on(struct raft_group *group, log_index last) {
    int error = may_submit(group);
    if (!error && partition_log_last_index(group->log) <= last) submit_barrier(group);
    return error;
}

int raft_group_submit(struct raft_group *group, struct entry_spec *spec, log_index *index) {
    int error = may_submit(group);
    if (error) return error;
    /* Commands are small, and some are what makes room. */
    if (group->needs_room && spec->type == ENTRY_BATCHES &&
        !disk_space_for(log_store_room(group->shard->store), DISK_ROOM_LEADER, 0))
        return ERR_NO_SPACE;
    /* The owner's, not the client's. */
    CHECK(spec->type == ENTRY_BATCHES || spec->type == ENTRY_COMMAND);
    struct entry *entry = entry_new(NULL, spec);
    *index = partition_log_last_index(group->log) + 1;
    entry_seal(entry, group->id, *index, (uint32_t)raft_current_term(&group->raft));
    if (spec->type == ENTRY_BATCHES) trace_submitted(group, *index);
    raft_group_submit_sealed(group, entry, RAFT_COMMAND);
    entry_unref(entry);
    if (MUTANT(MUTANT_COMMIT_AT_APPEND)) commit_to(group, *index);
    if (MUTANT(MUTANT_PERSISTED_AT_APPEND)) raft_group_step_persisted(group, *index);
    return ERR_NONE;
}
