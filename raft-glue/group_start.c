/*
 * Starting the engine of a group, when all of this holds (group_continue_start, called again whenever something arrived):
 *   - the configurations in the log are read, because RAFT_START wants their bytes
 *   - everything in the log is durable, because RAFT_START counts it as persisted
 *   - a sole voter has made term+1 and its vote for itself durable, because it leads inside RAFT_START in the term that it is
 *     given, where entries that were sent and never flushed could come back with the same (index, term) and other bytes
 * Until then messages are dropped and nothing leads. A log without entries starts as a follower without configuration.
 * Failures: a configuration that is damaged or malformed stops the group; one that cannot be read at present is read again.
 */
#include "base/mem.h"
#include "base/mutant.h"
#include "raft-glue/change.h"
#include "raft-glue/group_state.h"

enum { READ_AGAIN_US = 1000 * 1000 };

/* ---- The configurations in the log ---- */

static void on_change_read(struct partition_log_read *read, int error) {
    struct group *group = (struct group *)((char *)read - offsetof(struct group, change_read));
    bool later = group->change_reading;
    group->change_reading = false;
    if (error != ERR_NONE && group_read_later(group, error)) return;
    if (error != ERR_NONE) {
        group_stop(group, "a configuration in its log cannot be read");
        return;
    }
    CHECK(read->count > 0); /* partition_log_read gives at least one entry, or an error */
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
        if (group->change_reading || group->read_waits) return false;
        uint64_t index = group->changes[group->change_loaded];
        group->change_read.done = on_change_read;
        if (!partition_log_read(group->log, index, index, 1, &group->change_read)) {
            group->change_reading = true;
            return false;
        }
    }
    return group->phase == GROUP_STARTING;
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

static void free_changes(struct group *group) {
    for (size_t i = 0; i < group->change_loaded; i++)
        entry_unref(group->change_entries[i]);
    mem_free(group->change_entries);
    mem_free(group->changes);
    group->change_entries = NULL;
    group->changes = NULL;
    group->change_count = group->change_loaded = 0;
}

void group_end_start(struct group *group) {
    if (group->change_reading) partition_log_read_cancel(&group->change_read);
    group->change_reading = false;
    free_changes(group);
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

/* ---- RAFT_START ---- */

struct start_entries {
    struct raft_entry *entries;
    unsigned n;
};

static void add_terms(void *arg, uint64_t first, uint64_t count, uint32_t term) {
    struct start_entries *start = arg;
    /* partition_log_open refuses segments that do not begin at 1 or have holes */
    CHECK(first == (uint64_t)start->n + 1);
    for (uint64_t i = 0; i < count; i++)
        start->entries[start->n++] = (struct raft_entry){.term = term, .type = RAFT_COMMAND};
}

static void start_engine(struct group *group) {
    struct start_entries start = {0};
    uint64_t last = partition_log_last_index(group->log);
    CHECK(last < UINT32_MAX); /* each takes 64 bytes on disk at least, and is here as a term: memory ends before */
    start.entries = mem_alloc((last + 1) * sizeof *start.entries);
    partition_log_each_term(group->log, add_terms, &start);
    CHECK(start.n == last); /* as above */
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
    free_changes(group);
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

/* ---- Reading again ---- */

static void read_again(void *arg) {
    struct group *group = arg;
    group->read_waits = false;
    group_continue_start(group);
    if (!group->closed) shard_news(group);
}

bool group_read_later(struct group *group, int error) {
    if (error_is_damage(error) || error == ERR_NOT_FOUND) return false;
    if (group->read_again == NULL) group->read_again = env_timer_new(group->shard->env, read_again, group);
    env_timer_start(group->read_again, READ_AGAIN_US);
    group->read_waits = true;
    log_limited(group->shard->log, &group->limiter, LOG_ERROR,
                "%s: its log cannot be read on this broker at present (%s); %s. It is tried again", group->label,
                error_phrase(error), error_advice(error));
    return true;
}
