/*
 * One step of the engine, and its effects in their order:
 *
 *   1 term and vote    recorded in the journal; until they are durable no message of this group leaves, of this step or
 *                      a later one, and none of its entries counts as persisted
 *   2 entries          truncate if they are not past the log's end, then append
 *   3 messages         records for this turn; AppendEntries move the cursors of the followers (replicate.c)
 *   4 commit index     to the log, and to the owner at the end of the turn (group_apply.c)
 *   5 timeout          the group's place in the timer heap
 *   6 state            who leads (group_apply.c)
 *
 * A step that fails leaves the engine half changed, so it ends the process: what can be refused is refused before.
 */
#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "base/mutant.h"
#include "raft-glue/group_state.h"

enum { HELD_MAX = 1024 }; /* answers to a peer that asks on and on while the disk is slow */

/* ---- Hard state and the messages that wait for it ---- */

static void set_hard_state(struct group *group, unsigned flags) {
    if ((flags & ((RAFT_UPDATE_CURRENT_TERM) | (RAFT_UPDATE_VOTED_FOR))) == 0) return;
    uint64_t vote = MUTANT(MUTANT_VOTE_NOT_PERSISTED) ? 0 : raft_voted_for(&group->raft);
    group->hard_version = partition_log_set_hard_state(group->log, (uint32_t)raft_current_term(&group->raft), vote);
}

static void hold(struct group *group, struct link *link, const struct peer_record *record) {
    if (group->held_count == HELD_MAX) { /* as if lost on the way */
        group->shard->stats.messages_dropped++;
        return;
    }
    if (group->held_count == group->held_room) {
        group->held_room = group->held_room == 0 ? 8 : group->held_room * 2;
        group->held = mem_realloc(group->held, group->held_room * sizeof *group->held);
    }
    group->held[group->held_count++] = (struct held_record){group->hard_version, link, *record};
}

void group_send(struct group *group, struct member *member, struct peer_record *record) {
    CHECK(member->link != NULL);
    record->group = group->id;
    record->from = group->replica;
    record->to = member->replica;
    if (group_hard_state_pending(group) && !MUTANT(MUTANT_MESSAGE_BEFORE_HARD_STATE)) {
        hold(group, member->link, record);
    } else {
        link_add_record(member->link, record);
    }
}

static void on_hard_state_durable(void *arg, uint64_t version) {
    struct group *group = arg;
    CHECK(version > group->hard_durable && version <= group->hard_version);
    group->hard_durable = version;
    if (group->phase == GROUP_STARTING) {
        group_continue_start(group);
        return;
    }
    size_t sent = 0;
    while (sent < group->held_count && group->held[sent].version <= version) {
        link_add_record(group->held[sent].link, &group->held[sent].record);
        sent++;
    }
    group->held_count -= sent;
    if (group->held_count > 0) memmove(group->held, group->held + sent, group->held_count * sizeof *group->held);
    group_report_durable(group);
    election_hard_state_durable(group);
}

/* ---- Entries ---- */

static struct entry *make_barrier(struct group *group, uint64_t index, uint32_t term) {
    struct entry_spec spec = {
        .type = ENTRY_BARRIER, .base_offset = partition_log_end_offset(group->log), .max_timestamp = -1};
    struct entry *entry = entry_new(NULL, &spec);
    entry_seal(entry, group->id, index, term);
    return entry;
}

static void append_entries(struct group *group, const struct raft_update *update) {
    uint64_t first = update->entries.index, last = partition_log_last_index(group->log);
    CHECK(first > 0 && first <= last + 1 && update->entries.n > 0);
    if (first <= last) {
        CHECK(first > group->commit);
        partition_log_truncate(group->log, first);
        group->shard->stats.truncations++;
    }
    if (group->step_entries != NULL) {
        CHECK(first >= group->step_first);
        partition_log_append(group->log, group->step_entries + (first - group->step_first), update->entries.n);
        return;
    }
    /* The engine's own: the barrier of a new leader. Its eight bytes are ours to free, and nothing else knows them. */
    CHECK(update->entries.n == 1 && update->entries.batch == &group->raft.barrier);
    raft_free(group->raft.barrier.buf.base);
    struct entry *barrier = make_barrier(group, first, (uint32_t)group->raft.barrier.term);
    partition_log_append(group->log, &barrier, 1);
    entry_unref(barrier);
}

void group_step_persisted(struct group *group, uint64_t index) {
    if (index <= group->raft.last_stored) return;
    CHECK(index <= partition_log_last_index(group->log) && group->raft.state != RAFT_CANDIDATE);
    struct raft_event event = {.type = RAFT_PERSISTED_ENTRIES};
    event.persisted_entries.index = index;
    group_step(group, &event);
}

void group_report_durable(struct group *group) {
    if (group->phase != GROUP_RUNNING || group_hard_state_pending(group)) return;
    group_step_persisted(group, partition_log_durable_index(group->log));
}

static void on_durable(void *arg, uint64_t index) {
    struct group *group = arg;
    (void)index; /* the log is asked: a truncation may have come since */
    if (group->phase == GROUP_STARTING) {
        group_continue_start(group);
    } else {
        group_report_durable(group);
    }
}

const struct partition_log_events group_log_events = {on_durable, on_hard_state_durable};

/* ---- Messages ---- */

/* The engine answers every pre-vote with the term that was asked about, even one that it refuses because its own is later. A
 * candidate with the longer log would never learn that term, and the other could never win: so a refusal tells ours. */
static uint32_t vote_result_term(const struct group *group, const struct raft_request_vote_result *result) {
    bool late = result->pre_vote && !result->vote_granted && result->term < raft_current_term(&group->raft);
    return late ? group_term(group) : (uint32_t)result->term;
}

static bool fill_record(const struct group *group, const struct raft_message *message, struct peer_record *record) {
    *record = (struct peer_record){0};
    switch (message->type) {
    case RAFT_APPEND_ENTRIES_RESULT:
        record->type = RECORD_APPEND_RESULT;
        record->term = (uint32_t)message->append_entries_result.term;
        record->a = message->append_entries_result.rejected;
        /* The engine does not set the last log index when it answers an older term. Whoever asked may lead our term by now
         * (its question was long on the way), and must not take this for an answer to what it asks now. */
        if (group->step_stale) record->flags = RECORD_STALE;
        record->b = group->step_stale ? 0 : message->append_entries_result.last_log_index;
        return true;
    case RAFT_REQUEST_VOTE:
        record->type = RECORD_VOTE;
        record->term = (uint32_t)message->request_vote.term;
        record->a = message->request_vote.last_log_index;
        record->b = message->request_vote.last_log_term;
        record->flags = (message->request_vote.pre_vote ? RECORD_PRE_VOTE : 0) |
                        (message->request_vote.disrupt_leader ? RECORD_DISRUPT : 0);
        return true;
    case RAFT_REQUEST_VOTE_RESULT:
        record->type = RECORD_VOTE_RESULT;
        record->term = vote_result_term(group, &message->request_vote_result);
        record->flags = (message->request_vote_result.pre_vote ? RECORD_PRE_VOTE : 0) |
                        (message->request_vote_result.vote_granted ? RECORD_GRANTED : 0);
        return true;
    case RAFT_TIMEOUT_NOW:
        record->type = RECORD_TIMEOUT_NOW;
        record->term = (uint32_t)message->timeout_now.term;
        record->a = message->timeout_now.last_log_index;
        record->b = message->timeout_now.last_log_term;
        return true;
    default: return false;
    }
}

static void send_messages(struct group *group, const struct raft_update *update) {
    for (unsigned i = 0; i < update->messages.n; i++) {
        const struct raft_message *message = &update->messages.batch[i];
        struct member *member = group_member(group, message->server_id);
        CHECK(message->type != RAFT_INSTALL_SNAPSHOT); /* the log begins at 1 */
        if (member == NULL || member->link == NULL) continue;
        struct peer_record record;
        if (message->type == RAFT_APPEND_ENTRIES) {
            replicate_append(member, &message->append_entries);
        } else if (fill_record(group, message, &record)) {
            group_send(group, member, &record);
        }
    }
}

/* ---- The step ---- */

bool group_step(struct group *group, struct raft_event *event) {
    struct raft_update update = {0};
    event->time = shard_now_ms(group->shard);
    int rv = raft_step(&group->raft, event, &update);
    if (rv != 0)
        env_fatal(
            group->shard->env,
            "%s: the consensus engine failed in term %llu at entry %" PRIu64
            " (%s); the process ends, because its state cannot be believed. Start it again; if it fails again, keep the data "
            "directory and report this",
            group->label, raft_current_term(&group->raft), partition_log_last_index(group->log), raft_strerror(rv));
    CHECK((update.flags & (RAFT_UPDATE_SNAPSHOT)) == 0);
    set_hard_state(group, update.flags);
    if (update.flags & (RAFT_UPDATE_ENTRIES)) append_entries(group, &update);
    group->step_entries = NULL;
    if (update.flags & (RAFT_UPDATE_STATE))
        group_note_role(group); /* a new leader's cursors begin before its messages */
    if (update.flags & (RAFT_UPDATE_MESSAGES)) send_messages(group, &update);
    group->step_stale = false;
    if (update.flags & (RAFT_UPDATE_COMMIT_INDEX)) group_commit_to(group, raft_commit_index(&group->raft));
    if (update.flags & (RAFT_UPDATE_TIMEOUT)) group_rearm_later(group);
    group_note_step(group);
    return (update.flags & (RAFT_UPDATE_ENTRIES)) != 0;
}

/* ---- Submitting ---- */

static void submit_sealed(struct group *group, struct entry *entry, enum raft_entry_type type) {
    static char token; /* the engine wants some batch and never touches that of a submit */
    struct raft_entry raw = {.term = entry->term, .type = type, .batch = &token};
    struct raft_event event = {.type = RAFT_SUBMIT};
    event.submit.entries = &raw;
    event.submit.n = 1;
    group->step_entries = &entry;
    group->step_first = entry->index;
    group_step(group, &event);
}

void group_submit_barrier(struct group *group) {
    CHECK(group_leads(group));
    struct entry *entry = make_barrier(group, partition_log_last_index(group->log) + 1,
                                       (uint32_t)raft_current_term(&group->raft));
    submit_sealed(group, entry, RAFT_BARRIER);
    entry_unref(entry);
}

/* Uncommitted, or committed by the others while our own disk is slow: both wait in memory and for the journal. */
static bool too_much_waits(const struct group *group) {
    const struct shard *shard = group->shard;
    const struct shard_options *options = &shard->options;
    return partition_log_uncommitted_bytes(group->log) >= options->group_uncommitted_bytes ||
           partition_log_undurable_bytes(group->log) >= options->group_uncommitted_bytes ||
           log_store_uncommitted_bytes(shard->store) >= options->uncommitted_bytes ||
           log_store_undurable_bytes(shard->store) >= options->uncommitted_bytes;
}

int group_submit(struct group *group, struct entry_spec *spec, uint64_t *index) {
    if (!group_leads(group) || !group->announced || group->hand_over_to != 0 || raft_transferee(&group->raft) != 0)
        return ERR_NOT_LEADER;
    if (too_much_waits(group)) return ERR_LIMIT;
    CHECK(spec->type == ENTRY_BATCHES || spec->type == ENTRY_COMMAND);
    struct entry *entry = entry_new(NULL, spec);
    *index = partition_log_last_index(group->log) + 1;
    entry_seal(entry, group->id, *index, (uint32_t)raft_current_term(&group->raft));
    submit_sealed(group, entry, RAFT_COMMAND);
    entry_unref(entry);
    if (MUTANT(MUTANT_COMMIT_AT_APPEND)) group_commit_to(group, *index);
    if (MUTANT(MUTANT_PERSISTED_AT_APPEND)) group_step_persisted(group, *index);
    return ERR_NONE;
}
