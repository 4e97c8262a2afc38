/*
 * Opening, starting and closing a group; what the owner may ask.
 *
 * Opening makes the log and, for a replica that never existed before, the configuration as its first entry. The engine starts
 * when all of this holds (group_continue_start, called again whenever something arrived):
 *   - the configurations in the log are read, because RAFT_START wants their bytes
 *   - everything in the log is durable, because RAFT_START counts it as persisted
 *   - a sole voter has made term+1 and its vote for itself durable, because it leads inside RAFT_START in the term that it is
 *     given, where entries that were sent and never flushed could come back with the same (index, term) and other bytes
 * Until then messages are dropped and nothing leads. A log without entries starts as a follower without configuration.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/mutant.h"
#include "raft-glue/change.h"
#include "raft-glue/engine_heap.h"
#include "raft-glue/group_state.h"

enum { MAX_INFLIGHT_ENTRIES = 4096, CHANGES_MAX = 1024 };

/* ---- Members ---- */

struct member *group_member(const struct group *group, uint64_t replica) {
    for (size_t i = 0; i < group->member_count; i++)
        if (group->members[i]->replica == replica) return group->members[i];
    return NULL;
}

static void place_member(struct group *group, struct member *member, const struct group_member *as) {
    member->node = as->node;
    member->voter = as->voter;
    member->link = as->replica == group->replica ? NULL : shard_link(group->shard, as->node);
}

static struct member *make_member(struct group *group, const struct group_member *as) {
    struct member *member = mem_zalloc(sizeof *member);
    member->group = group;
    member->replica = as->replica;
    snprintf(member->address, sizeof member->address, "%" PRIu64, as->replica);
    place_member(group, member, as);
    return member;
}

static void free_member(struct member *member) {
    replicate_forget(member);
    mem_free(member->runs);
    mem_free(member);
}

void group_set_members(struct group *group, const struct group_member *members, size_t n) {
    CHECK(n > 0 && n <= CHANGE_SERVERS_MAX);
    struct member **now = mem_alloc(n * sizeof *now);
    for (size_t i = 0; i < n; i++) {
        struct member *member = group_member(group, members[i].replica);
        if (member == NULL) {
            member = make_member(group, &members[i]);
        } else if (member->node != members[i].node) {
            replicate_forget(member);
            place_member(group, member, &members[i]);
        }
        member->voter = members[i].voter;
        member->keep = true;
        now[i] = member;
    }
    for (size_t i = 0; i < group->member_count; i++)
        if (!group->members[i]->keep) free_member(group->members[i]);
    mem_free(group->members);
    group->members = now;
    group->member_count = n;
    for (size_t i = 0; i < n; i++)
        now[i]->keep = false;
    group->self = group_member(group, group->replica);
    CHECK(group->self != NULL);
}

/* ---- Opening ---- */

static void init_engine(struct group *group) {
    const struct shard_options *options = &group->shard->options;
    char address[24];
    snprintf(address, sizeof address, "%" PRIu64, group->replica);
    int rv = raft_init(&group->raft, NULL, NULL, group->replica, address);
    CHECK(rv == 0);
    group->raft.tracer = NULL; /* the default one formats a message at every step */
    raft_seed(&group->raft, (unsigned)env_random_u64(group->shard->env));
    raft_set_pre_vote(&group->raft, true);
    raft_set_election_timeout(&group->raft, options->election_timeout_ms);
    raft_set_heartbeat_timeout(&group->raft, options->heartbeat_ms);
    raft_set_max_inflight_entries(&group->raft, MAX_INFLIGHT_ENTRIES);
    group->role = RAFT_FOLLOWER;
}

static void bootstrap(struct group *group, const struct group_spec *spec) {
    struct entry_spec change = {.type = ENTRY_CHANGE, .max_timestamp = -1};
    change.raw = change_encode(spec->members, spec->member_count);
    struct entry *entry = entry_new(NULL, &change);
    entry_seal(entry, group->id, 1, 1);
    group->hard_version = partition_log_set_hard_state(group->log, 1, 0);
    partition_log_append(group->log, &entry, 1);
    entry_unref(entry);
}

static int check_log(struct group *group, struct error_text *why) {
    uint64_t last = partition_log_last_index(group->log);
    uint32_t last_term = last == 0 ? 0 : partition_log_term_at(group->log, last);
    group->change_count = partition_log_changes(group->log, NULL, 0);
    if (last > 0 && (group->change_count == 0 || group->change_count > CHANGES_MAX))
        return error_set(why, ERR_CORRUPT,
                         "the log of %s has %zu configurations among its %" PRIu64 " entries; see draved log verify",
                         group->label, group->change_count, last);
    if (last_term > partition_log_term(group->log))
        return error_set(
            why, ERR_CORRUPT,
            "the log of %s ends in term %u, and this broker's journal says that it was never beyond term %u: the journal went "
            "back in time; put back the newer one, or leave this broker stopped: the others go on without it",
            group->label, last_term, partition_log_term(group->log));
    return ERR_NONE;
}

int group_open(struct shard *shard, const struct group_spec *spec, const struct group_events *events, void *arg,
               struct group **result, struct error_text *why) {
    engine_heap_use();
    struct group *group = mem_zalloc(sizeof *group);
    group->shard = shard;
    group->events = events;
    group->arg = arg;
    group->id = spec->id;
    group->replica = spec->replica;
    group->eager_commit = spec->eager_commit;
    group->confirms_end = &group->confirms;
    int error = partition_log_open(shard->store, spec->id, spec->label, &group_log_events, group, &group->log, why);
    if (error != ERR_NONE) {
        mem_free(group);
        return error;
    }
    group->label = mem_strdup(spec->label);
    bool made = spec->bootstrap && partition_log_last_index(group->log) == 0;
    if (made) bootstrap(group, spec);
    error = check_log(group, why);
    if (error != ERR_NONE) {
        partition_log_close(group->log);
        mem_free(group->label);
        mem_free(group);
        return error;
    }
    group->made = made;
    group->campaign = made && spec->campaign;
    group->commit = partition_log_commit_index(group->log);
    group->applied = events->restore != NULL ? events->restore(arg, group->log) : 0;
    if (group->applied > group->commit) group->commit = group->applied; /* only committed entries are applied */
    group_set_members(group, spec->members, spec->member_count);
    init_engine(group);
    shard_add_group(shard, group);
    *result = group;
    group_continue_start(group);
    shard_news(group);
    return ERR_NONE;
}

/* ---- Starting ---- */

static void on_change_read(struct partition_log_read *read, int error) {
    struct group *group = (struct group *)((char *)read - offsetof(struct group, change_read));
    bool later = group->change_reading;
    group->change_reading = false;
    if (error != ERR_NONE) {
        group_stop(group, "a configuration in its log cannot be read");
        return;
    }
    CHECK(read->count > 0);
    group->change_entries[group->change_loaded++] = entry_ref(read->entries[0]);
    partition_log_read_release(read);
    if (later) group_continue_start(group);
}

/* One after the other: there are a handful. */
static bool load_changes(struct group *group) {
    if (group->changes == NULL) {
        group->changes = mem_alloc((group->change_count + 1) * sizeof *group->changes);
        group->change_entries = mem_zalloc((group->change_count + 1) * sizeof *group->change_entries);
        partition_log_changes(group->log, group->changes, group->change_count);
    }
    while (group->change_loaded < group->change_count && group->phase == GROUP_STARTING) {
        if (group->change_reading) return false;
        uint64_t index = group->changes[group->change_loaded];
        group->change_read.done = on_change_read;
        if (!partition_log_read(group->log, index, index, 1, &group->change_read)) {
            group->change_reading = true;
            return false;
        }
    }
    return group->phase == GROUP_STARTING;
}

static bool is_sole_voter(const struct group *group) {
    if (group->change_count == 0) return false;
    const struct entry *last = group->change_entries[group->change_count - 1];
    struct change_server servers[CHANGE_SERVERS_MAX];
    size_t n, voters = 0;
    bool ours = false;
    if (change_decode(last->body.data, last->body.len, servers, &n) != ERR_NONE) return false;
    for (size_t i = 0; i < n; i++) {
        voters += servers[i].voter;
        ours = ours || (servers[i].voter && servers[i].replica == group->replica);
    }
    return ours && voters == 1;
}

struct start_entries {
    struct raft_entry *entries;
    unsigned n;
};

static void add_terms(void *arg, uint64_t first, uint64_t count, uint32_t term) {
    struct start_entries *start = arg;
    CHECK(first == (uint64_t)start->n + 1);
    for (uint64_t i = 0; i < count; i++)
        start->entries[start->n++] = (struct raft_entry){.term = term, .type = RAFT_COMMAND};
}

static bool changes_are_sound(const struct group *group) {
    struct change_server servers[CHANGE_SERVERS_MAX];
    size_t n;
    for (size_t i = 0; i < group->change_count; i++) {
        const struct entry *entry = group->change_entries[i];
        if (entry->type != ENTRY_CHANGE || entry->codec != ENTRY_PLAIN) return false;
        if (change_decode(entry->body.data, entry->body.len, servers, &n) != ERR_NONE) return false;
    }
    return group->change_count == 0 || group->changes[0] == 1;
}

static void start_engine(struct group *group) {
    struct start_entries start = {0};
    uint64_t last = partition_log_last_index(group->log);
    CHECK(last < UINT32_MAX);
    start.entries = mem_alloc((last + 1) * sizeof *start.entries);
    partition_log_each_term(group->log, add_terms, &start);
    CHECK(start.n == last);
    for (size_t i = 0; i < group->change_count; i++) {
        struct raft_entry *entry = &start.entries[group->changes[i] - 1];
        entry->type = RAFT_CHANGE;
        entry->buf.base = (void *)group->change_entries[i]->body.data;
        entry->buf.len = group->change_entries[i]->body.len;
    }
    struct raft_event event = {.type = RAFT_START};
    event.start.term = partition_log_term(group->log);
    event.start.voted_for = partition_log_voted_for(group->log);
    event.start.start_index = 1;
    event.start.entries = start.n > 0 ? start.entries : NULL;
    event.start.n_entries = start.n;
    group->phase = GROUP_RUNNING;
    group_step(group, &event);
    mem_free(start.entries);
    for (size_t i = 0; i < group->change_count; i++)
        entry_unref(group->change_entries[i]);
    mem_free(group->change_entries);
    mem_free(group->changes);
    group->change_entries = NULL;
    group->changes = NULL;
    group->change_count = group->change_loaded = 0;
    group_rearm(group);
    election_start(group);
}

void group_continue_start(struct group *group) {
    if (group->phase != GROUP_STARTING || !load_changes(group)) return;
    if (!changes_are_sound(group)) {
        group_stop(group, "a configuration in its log is malformed");
        return;
    }
    if (is_sole_voter(group) && !group->own_term_set && !MUTANT(MUTANT_SOLE_VOTER_SAME_TERM)) {
        group->own_term_set = true;
        group->hard_version = partition_log_set_hard_state(group->log, partition_log_term(group->log) + 1,
                                                           group->replica);
    }
    if (group_hard_state_pending(group) ||
        partition_log_durable_index(group->log) < partition_log_last_index(group->log))
        return;
    start_engine(group);
}

/* ---- Stopping and closing ---- */

void group_stop(struct group *group, const char *why) {
    if (group->phase == GROUP_STOPPED) return;
    log_error(
        group->shard->log,
        "%s: this replica stops: %s. The other replicas go on without it; keep the data directory, and see draved log verify",
        group->label, why);
    replicate_end(group);
    group->phase = GROUP_STOPPED;
    group->leader = 0;
    timer_heap_remove(&group->shard->timers, &group->timer);
    shard_news(group);
}

static void free_group(struct group *group) {
    for (size_t i = 0; i < group->member_count; i++)
        free_member(group->members[i]);
    mem_free(group->members);
    for (size_t i = 0; i < group->change_loaded; i++)
        entry_unref(group->change_entries[i]);
    mem_free(group->change_entries);
    mem_free(group->changes);
    mem_free(group->held);
    mem_free(group->label);
    mem_free(group);
}

void group_unpin(struct group *group) {
    CHECK(group->pins > 0);
    if (--group->pins == 0 && group->closed) free_group(group);
}

void group_close(struct group *group) {
    CHECK(!group->closed);
    group->pins++;
    group->closed = true;
    confirm_fail_all(group, ERR_CANCELED);
    for (size_t i = 0; i < group->member_count; i++)
        replicate_forget(group->members[i]);
    if (group->applying && !group->apply_loaded) partition_log_read_cancel(&group->apply_read);
    if (group->apply_loaded && group->apply_error == ERR_NONE) partition_log_read_release(&group->apply_read);
    if (group->change_reading) partition_log_read_cancel(&group->change_read);
    shard_remove_group(group->shard, group);
    partition_log_close(group->log);
    raft_close(&group->raft, NULL);
    group_unpin(group);
}

/* ---- Questions ---- */

struct partition_log *group_log(struct group *group) {
    return group->log;
}

uint64_t group_id(const struct group *group) {
    return group->id;
}

uint32_t group_term(const struct group *group) {
    return (uint32_t)raft_current_term(&group->raft);
}

bool group_is_leading(const struct group *group) {
    return group->announced;
}

uint64_t group_leader(const struct group *group) {
    return group->leader;
}

uint64_t group_commit_index(const struct group *group) {
    return group->commit;
}

uint64_t group_applied_index(const struct group *group) {
    return group->applied;
}

bool group_member_in_sync(const struct group *group, uint64_t replica) {
    const struct member *member = group_member(group, replica);
    if (member == NULL || !group_leads(group)) return false;
    if (member == group->self) return true;
    uint64_t match = replicate_match(member), now_ms = env_now_ms(group->shard->env);
    bool heard = member->heard_ms != 0 && now_ms - member->heard_ms <= group->shard->options.election_timeout_ms;
    bool near = match >= group->commit || match + GROUP_IN_SYNC_ENTRIES >= partition_log_last_index(group->log);
    return heard && near && match > 0 && member->link->up && !member->damaged;
}
