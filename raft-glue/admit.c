/*
 * What may reach the engine. Debian's libraft has its assertions compiled out, so whatever they and
 * the paper demand is asked here, before the step: of messages of peers, which are dropped and
 * counted when they break a rule; and what we make ourselves is asserted where it is made.
 *
 * Three things stop the group rather than drop a message, because one of the two sides is broken
 * for good: somebody else leads our own term, a leader contradicts what is committed, or its
 * entries fit our log by term and index but not by offset.
 */
#include "base/mutant.h"
#include "raft-glue/engine/configuration.h"
#include "raft-glue/raft_group_internal.h"
#include "storage/log_types.h"

/* Far above any log: sums of two do not overflow. */
static const uint64_t INDEX_MAX = UINT64_C(1) << 62;

static bool admit_drop(struct raft_group *group, const struct member *from, const char *why) {
    struct shard *shard = group->shard;
    shard->stats.messages_dropped++;
    log_limited(shard->log, &group->limiter, LOGGED_MESSAGE_REFUSED,
                "%s: dropped a message of broker %d: %s", group->label, from->node, why);
    return false;
}

/* What a healthy cluster sees all the time: answers that come after the question was settled. */
static bool drop_late(struct raft_group *group) {
    group->shard->stats.messages_dropped++;
    return false;
}

/* A state is ahead of the log, which lacks that entry, and was given before the entry was made: it
 * is one of a log that was given up. Who has no use for a contradiction takes any state in its
 * place. */
static bool contradicts_state(const struct raft_group *group, log_index index, uint64_t term) {
    return !MUTANT(MUTANT_OTHER_HISTORY_TAKEN) && group->events->contradicted != NULL &&
           index <= group->stated.index && term > group->stated.term;
}

/* Every later leader has what is committed (Leader Completeness: Raft, 5.4.3). */
static bool contradicts_commit(const struct raft_group *group, log_index index, uint64_t term) {
    if (index == 0 || index > group->commit) return false;
    log_term known = partition_log_term_at(group->log, index);
    if (known != 0) return known != term;
    return index > partition_log_last_index(group->log) && contradicts_state(group, index, term);
}

static bool admit_change(const struct raft_entry *entry) {
    struct configuration_server servers[CHANGE_SERVERS_MAX];
    size_t n;
    return configuration_decode(entry->buf.base, entry->buf.len, servers, &n) == ERR_NONE;
}

static bool admit_append(struct raft_group *group, struct member *from,
                         const struct raft_append_entries *args) {
    if (args->prev_log_index > INDEX_MAX || args->leader_commit > INDEX_MAX)
        return admit_drop(group, from, "its index is impossible");
    if ((args->prev_log_index == 0) != (args->prev_log_term == 0))
        return admit_drop(group, from, "an index without a term, or a term without an index");
    raft_term term = args->prev_log_term;
    for (unsigned i = 0; i < args->n_entries; i++) {
        const struct raft_entry *entry = &args->entries[i];
        if (entry->term == 0 || entry->term < term)
            return admit_drop(group, from, "the terms of its entries go back");
        term = entry->term;
        if (entry->type == RAFT_CHANGE && !admit_change(entry))
            return admit_drop(group, from, "its configuration is malformed");
    }
    if (term > args->term) return admit_drop(group, from, "an entry of a later term than its own");
    if (args->prev_log_index == 0 && args->n_entries > 0 && args->entries[0].type != RAFT_CHANGE)
        return admit_drop(group, from, "a log that does not begin with a configuration");
    if (args->term < raft_current_term(&group->raft)) return true; /* the engine only answers */
    /* A term has one leader at most (Election Safety: Raft, 5.2). */
    if (args->term == raft_current_term(&group->raft) && group->raft.state == RAFT_LEADER) {
        raft_group_stop_contradicted(group, "another replica leads the term that this one leads");
        return false;
    }
    bool contradiction = contradicts_commit(group, args->prev_log_index, args->prev_log_term);
    for (unsigned i = 0; i < args->n_entries && !contradiction; i++)
        contradiction = contradicts_commit(group, args->prev_log_index + 1 + i,
                                           args->entries[i].term);
    if (contradiction) {
        raft_group_stop_contradicted(group, "its leader contradicts what is committed here");
        if (group->events->contradicted != NULL) group->events->contradicted(group->arg);
        return false;
    }
    return true;
}

/* Offsets are dense, so entries that go on behind ours begin at our end; the log relies on that. */
static bool goes_on(const struct raft_group *group, const struct raft_append_entries *args,
                    struct entry *const *entries) {
    uint64_t prev = args->prev_log_index;
    /* Will be rejected. */
    if (prev > 0 && partition_log_term_at(group->log, prev) != args->prev_log_term) return true;
    unsigned known = 0;
    while (known < args->n_entries &&
           partition_log_term_at(group->log, prev + 1 + known) == entries[known]->term)
        known++;
    return known == args->n_entries ||
           entries[known]->base_offset == partition_log_offset_behind(group->log, prev + known);
}

bool raft_group_admit_entries(struct raft_group *group, struct member *from,
                              const struct raft_append_entries *args,
                              struct entry *const *entries) {
    for (unsigned i = 0; i < args->n_entries; i++) {
        if (entries[i]->type == ENTRY_CHANGE && entries[i]->codec != ENTRY_PLAIN)
            return admit_drop(group, from, "its configuration is compressed");
        if (i > 0 &&
            entries[i]->base_offset != entries[i - 1]->base_offset + entries[i - 1]->records)
            return admit_drop(group, from, "the offsets of its entries are not dense");
    }
    if (args->term < raft_current_term(&group->raft) || goes_on(group, args, entries)) return true;
    raft_group_stop_contradicted(
        group, "its leader's entries do not go on at the offset where this log ends");
    return false;
}

static bool admit_append_result(struct raft_group *group, struct member *from,
                                const struct raft_append_entries_result *result) {
    if (group->raft.state != RAFT_LEADER || from->damaged) return drop_late(group);
    if (result->rejected > INDEX_MAX || result->last_log_index > INDEX_MAX)
        return admit_drop(group, from, "its index is impossible");
    if (result->rejected > 0 && result->last_log_index >= result->rejected)
        return admit_drop(group, from, "it rejects what it says it has");
    bool contradicts = result->term == raft_current_term(&group->raft) && result->rejected > 0 &&
                       result->rejected <= member_match(from);
    /* Its log is being replaced. */
    if (contradicts && from->behind) return drop_late(group);
    if (contradicts) {
        from->damaged = true;
        log_event(
            group->shard->log, LOGGED_REPLICA_LOST_DATA,
            "%s: replica %s on broker %d rejects entry %llu, which it had acknowledged up to %llu: it has lost data, and does not "
            "count until another leader is elected; check the disk of that broker",
            group->label, from->address, from->node, result->rejected,
            (unsigned long long)member_match(from));
        return admit_drop(group, from, "it has lost entries that it had acknowledged");
    }
    return true;
}

static bool admit_vote(struct raft_group *group, struct member *from,
                       const struct raft_request_vote *args) {
    if (args->last_log_index > INDEX_MAX ||
        (args->last_log_index == 0) != (args->last_log_term == 0))
        return admit_drop(group, from, "an index without a term, or a term without an index");
    if (args->last_log_term >= args->term)
        return admit_drop(group, from, "its log ends with a term that it only stands for");
    return true;
}

static bool admit_vote_result(struct raft_group *group, struct member *from,
                              const struct raft_request_vote_result *result) {
    /* The engine reads the candidate's part of its state before it asks whether it is one. */
    if (group->raft.state != RAFT_CANDIDATE) return drop_late(group);
    if (group->raft.candidate_state.in_pre_vote && result->vote_granted &&
        result->term > raft_current_term(&group->raft) + 1)
        return admit_drop(group, from, "a vote for a term that nobody stood for");
    return true;
}

static bool admit_timeout_now(struct raft_group *group, struct member *from,
                              const struct raft_timeout_now *args) {
    if (args->last_log_index == 0 || args->last_log_index > INDEX_MAX || args->last_log_term == 0 ||
        args->last_log_term > args->term)
        return admit_drop(group, from, "its index is impossible");
    if (args->term != raft_current_term(&group->raft)) return drop_late(group);
    if (raft_group_is_sole_follower(group)) return drop_late(group);
    /* The leader stops, as we do, and so does everybody else: it did not know that yet. */
    if (group->shard->draining && transfer_target(group) == NULL) return drop_late(group);
    group->standing.told_term = (log_term)args->term;
    return true;
}

static raft_term message_term(const struct raft_message *message) {
    switch (message->type) {
    case RAFT_APPEND_ENTRIES: return message->append_entries.term;
    case RAFT_APPEND_ENTRIES_RESULT: return message->append_entries_result.term;
    case RAFT_REQUEST_VOTE: return message->request_vote.term;
    case RAFT_REQUEST_VOTE_RESULT: return message->request_vote_result.term;
    case RAFT_TIMEOUT_NOW: return message->timeout_now.term;
    default: return 0;
    }
}

bool raft_group_admit(struct raft_group *group, struct member *from, struct raft_message *message) {
    if (group->phase != RAFT_GROUP_RUNNING) {
        group->shard->stats.messages_dropped++;
        return false;
    }
    raft_term term = message_term(message);
    if (term == 0 || term >= UINT64_C(1) << 31)
        return admit_drop(group, from, "its term is impossible");
    switch (message->type) {
    case RAFT_APPEND_ENTRIES: return admit_append(group, from, &message->append_entries);
    case RAFT_APPEND_ENTRIES_RESULT:
        return admit_append_result(group, from, &message->append_entries_result);
    case RAFT_REQUEST_VOTE: return admit_vote(group, from, &message->request_vote);
    case RAFT_REQUEST_VOTE_RESULT:
        return admit_vote_result(group, from, &message->request_vote_result);
    case RAFT_TIMEOUT_NOW: return admit_timeout_now(group, from, &message->timeout_now);
    default: return admit_drop(group, from, "it is of a kind that this version does not use");
    }
}
