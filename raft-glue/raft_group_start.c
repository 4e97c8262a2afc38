/*
 * Starting the engine of a group, when all of this holds (raft_group_continue_start, called again
 * whenever something arrived):
 *   - the configuration in force where the engine starts and those above are read, because
 *     RAFT_START wants their bytes
 *   - everything in the log is durable, because RAFT_START counts it as persisted
 *   - a sole voter has made term+1 and its vote for itself durable, because it leads inside
 *     RAFT_START in the term that it is given, where entries that were sent and never flushed could
 *     come back with the same (index, term) and other bytes; and not before the others were asked
 *     whether this broker belongs to them still (shard_is_asking): they may have given it up
 * Until then messages are dropped and nothing leads. A log without entries starts as a follower
 * without configuration. RAFT_START takes 40 bytes an entry, so the engine starts behind what is
 * known to be committed (start_index), as if a snapshot were there: a start costs the same whatever
 * the log's length. What lies below is here all the same, and raft_group_trail.c tells its terms.
 * Failures: a configuration that is damaged or malformed stops the group; one that cannot be read
 * at present is read again.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/container_of.h"
#include "base/mem.h"
#include "base/mutant.h"
#include "raft-glue/engine/configuration.h"
#include "raft-glue/raft_group_internal.h"
#include "storage/log_types.h"

enum {
    READ_AGAIN_US = 1000 * 1000,
    MAX_INFLIGHT_ENTRIES = 4096,
    /* The glue offers files again (snapshot_offers.c), not the engine. */
    INSTALL_SNAPSHOT_TIMEOUT_MS = 24 * 3600 * 1000,
};

/* ---- The configurations in the log ---- */

static void on_change_read(struct partition_log_read *read, int error) {
    struct raft_group *group = CONTAINER_OF(read, struct raft_group, starting.read);
    bool later = group->starting.reading;
    group->starting.reading = false;
    if (error != ERR_NONE && raft_group_read_later(group, error)) return;
    if (error != ERR_NONE) {
        raft_group_stop(group, "a configuration in its log cannot be read");
        return;
    }
    CHECK(read->count > 0); /* partition_log_read gives at least one entry, or an error */
    group->starting.configurations[group->starting.loaded++] = entry_ref(read->entries[0]);
    partition_log_read_release(read);
    if (later) raft_group_continue_start(group);
}

/* All up to there is committed and durable, so the engine need not be given it entry by entry. */
static uint64_t choose_start(const struct raft_group *group) {
    uint64_t last = partition_log_last_index(group->log);
    if (MUTANT(MUTANT_START_ABOVE_COMMIT)) return last;
    return group->commit < last ? group->commit : last;
}

/* The configuration in force at the start and those above it. */
static void choose_changes(struct raft_group *group) {
    size_t count = partition_log_changes(group->log, NULL, 0), before = 0;
    group->start_index = choose_start(group);
    group->starting.indexes = mem_alloc((count + 1) * sizeof *group->starting.indexes);
    partition_log_changes(group->log, group->starting.indexes, count);
    while (before + 1 < count && group->starting.indexes[before + 1] <= group->start_index)
        before++;
    group->starting.count = count - before;
    memmove(group->starting.indexes, group->starting.indexes + before,
            group->starting.count * sizeof *group->starting.indexes);
    group->starting.configurations = mem_zalloc((group->starting.count + 1) *
                                                sizeof *group->starting.configurations);
}

/* That of an entry that is gone, as an entry. */
static struct entry *base_configuration(const struct raft_group *group) {
    struct entry_spec spec = {.type = ENTRY_CHANGE, .max_timestamp = -1};
    struct slice body;
    log_index index;
    CHECK(partition_log_base_change(group->log, &index, &body)); /* check_log */
    spec.raw = slice_ref(body);
    struct entry *entry = entry_new(NULL, &spec);
    entry_seal(entry, group->id, index, partition_log_term_at(group->log, index));
    return entry;
}

/* One after the other: there are a handful. */
static bool load_changes(struct raft_group *group) {
    if (group->starting.indexes == NULL) choose_changes(group);
    while (group->starting.loaded < group->starting.count && group->phase == RAFT_GROUP_STARTING) {
        if (group->starting.reading || group->starting.waits) return false;
        log_index index = group->starting.indexes[group->starting.loaded];
        if (index < partition_log_first_index(group->log)) {
            group->starting.configurations[group->starting.loaded++] = base_configuration(group);
            continue;
        }
        group->starting.read.done = on_change_read;
        if (!partition_log_read(group->log, index, index, 1, &group->starting.read)) {
            group->starting.reading = true;
            return false;
        }
    }
    return group->phase == RAFT_GROUP_STARTING;
}

static bool changes_are_sound(const struct raft_group *group) {
    struct configuration_server servers[CHANGE_SERVERS_MAX];
    size_t n;
    for (size_t i = 0; i < group->starting.count; i++) {
        const struct entry *entry = group->starting.configurations[i];
        if (entry->type != ENTRY_CHANGE || entry->codec != ENTRY_PLAIN) return false;
        if (configuration_decode(entry->body.data, entry->body.len, servers, &n) != ERR_NONE)
            return false;
    }
    return true;
}

static void free_changes(struct raft_group *group) {
    for (size_t i = 0; i < group->starting.loaded; i++)
        entry_unref(group->starting.configurations[i]);
    mem_free(group->starting.configurations);
    mem_free(group->starting.indexes);
    group->starting.configurations = NULL;
    group->starting.indexes = NULL;
    group->starting.count = group->starting.loaded = 0;
}

void raft_group_end_start(struct raft_group *group) {
    if (group->starting.reading) partition_log_read_cancel(&group->starting.read);
    group->starting.reading = false;
    free_changes(group);
}

static bool is_sole_voter(const struct raft_group *group) {
    if (group->starting.count == 0) return false;
    const struct entry *last = group->starting.configurations[group->starting.count - 1];
    struct configuration_server servers[CHANGE_SERVERS_MAX];
    size_t n, voters = 0;
    bool ours = false;
    if (configuration_decode(last->body.data, last->body.len, servers, &n) != ERR_NONE)
        return false;
    for (size_t i = 0; i < n; i++) {
        voters += servers[i].voter;
        ours = ours || (servers[i].voter && servers[i].replica == group->replica);
    }
    return ours && voters == 1;
}

/* ---- RAFT_START ---- */

void raft_group_init_engine(struct raft_group *group) {
    const struct shard_options *options = &group->shard->options;
    char address[24];
    snprintf(address, sizeof address, "%" PRIu64, group->replica);
    int rv = raft_init(&group->raft, NULL, NULL, group->replica, address);
    CHECK(rv == 0);            /* it only fails without memory, and raft_malloc never does */
    group->raft.tracer = NULL; /* the default one formats a message at every step */
    raft_seed(&group->raft, (unsigned)env_random_u64(group->shard->env));
    raft_set_pre_vote(&group->raft, true);
    raft_set_election_timeout(&group->raft, options->election_timeout_ms);
    raft_set_heartbeat_timeout(&group->raft, options->heartbeat_ms);
    raft_set_max_inflight_entries(&group->raft, MAX_INFLIGHT_ENTRIES);
    raft_set_install_snapshot_timeout(&group->raft, INSTALL_SNAPSHOT_TIMEOUT_MS);
    group->role = RAFT_FOLLOWER;
}

struct start_entries {
    struct raft_entry *entries;
    uint64_t behind; /* the first of them comes after this index */
    unsigned n;
};

static void add_terms(void *arg, uint64_t first, uint64_t count, log_term term) {
    struct start_entries *start = arg;
    uint64_t next = start->behind + start->n + 1;
    for (uint64_t i = first < next ? next : first; i < first + count; i++)
        start->entries[start->n++] = (struct raft_entry){.term = term, .type = RAFT_COMMAND};
}

/* The entries above start_index, which are uncommitted or not known to be committed: their bytes
 * are limited where they are taken. */
static struct start_entries entries_above(const struct raft_group *group) {
    uint64_t last = partition_log_last_index(group->log), count = last - group->start_index;
    struct start_entries start = {.behind = group->start_index};
    CHECK(count < UINT32_MAX); /* they were in the journal */
    if (count == 0) return start;
    start.entries = mem_alloc(count * sizeof *start.entries);
    partition_log_each_term(group->log, add_terms, &start);
    /* partition_log_open refuses segments that do not begin where the log does, or have holes. */
    CHECK(start.n == count);
    for (size_t i = 0; i < group->starting.count; i++) {
        if (group->starting.indexes[i] <= group->start_index) continue;
        struct raft_entry *entry =
            &start.entries[group->starting.indexes[i] - group->start_index - 1];
        entry->type = RAFT_CHANGE;
        entry->buf.base = (void *)group->starting.configurations[i]->body.data;
        entry->buf.len = group->starting.configurations[i]->body.len;
    }
    return start;
}

static void fill_metadata(const struct raft_group *group, struct raft_snapshot_metadata *metadata) {
    const struct entry *change = group->starting.configurations[0];
    struct raft_buffer bytes = {(void *)change->body.data, change->body.len};
    metadata->index = group->start_index;
    metadata->term = partition_log_term_at(group->log, group->start_index);
    metadata->configuration_index = group->starting.indexes[0];
    CHECK(raft_configuration_decode(&bytes, &metadata->configuration) == 0); /* changes_are_sound */
}

static void start_engine(struct raft_group *group) {
    struct start_entries start = entries_above(group);
    struct raft_snapshot_metadata metadata;
    struct raft_event event = {.type = RAFT_START};
    event.start.term = partition_log_term(group->log);
    event.start.voted_for = partition_log_voted_for(group->log);
    event.start.start_index = group->start_index + 1;
    event.start.entries = start.entries;
    event.start.n_entries = start.n;
    if (group->start_index > 0) {
        fill_metadata(group, &metadata);
        event.start.metadata = &metadata;
        group->shard->stats.late_starts++;
    }
    group->phase = RAFT_GROUP_RUNNING;
    raft_group_step(group, &event);
    raft_group_trail_begin(group);
    mem_free(start.entries);
    if (group->starting.count > 0)
        partition_log_know_change(group->log, group->starting.indexes[0],
                                  group->starting.configurations[0]->body);
    free_changes(group);
    raft_group_rearm(group);
    election_start(group);
}

void raft_group_continue_start(struct raft_group *group) {
    if (group->phase != RAFT_GROUP_STARTING || !load_changes(group)) return;
    if (!changes_are_sound(group)) {
        raft_group_stop(group, "a configuration in its log is malformed");
        return;
    }
    bool alone = is_sole_voter(group);
    if (alone && shard_is_asking(group->shard)) return; /* link_change_asked */
    if (alone && !group->starting.own_term_set && !MUTANT(MUTANT_SOLE_VOTER_SAME_TERM)) {
        group->starting.own_term_set = true;
        group->hard_state.version = partition_log_set_hard_state(
            group->log, partition_log_term(group->log) + 1, group->replica);
    }
    if (raft_group_hard_state_pending(group) ||
        partition_log_durable_index(group->log) < partition_log_last_index(group->log))
        return;
    start_engine(group);
}

void raft_group_restart(struct raft_group *group) {
    quiet_end(group);
    quiet_stop_hurry(group);
    group->fast = (struct fast_try){0};
    timer_heap_remove(&group->shard->timers, &group->timer);
    raft_close(&group->raft, NULL);
    raft_group_init_engine(group);
    raft_group_voters_mirror(group);
    group->phase = RAFT_GROUP_STARTING;
    group->starting.own_term_set = false;
    group->shard->stats.started_anew++;
    raft_group_continue_start(group);
}

void raft_group_start_anew(struct raft_group *group) {
    group->starting.anew = false;
    if (raft_group_is_sole_follower(group)) raft_group_restart(group);
}

/* ---- Reading again ---- */

static void read_again(void *arg) {
    struct raft_group *group = arg;
    group->starting.waits = false;
    raft_group_continue_start(group);
    if (!group->closed) shard_ready(group);
}

bool raft_group_read_later(struct raft_group *group, int error) {
    /* Before the start other members may give what is damaged; after it the log tells when it is
     * whole. */
    bool may_heal = group->phase == RAFT_GROUP_STARTING && raft_group_may_heal(group);
    if ((error_is_damage(error) || error == ERR_NOT_FOUND) && !may_heal) return false;
    if (group->starting.again == NULL)
        group->starting.again = env_timer_new(group->shard->env, read_again, group);
    env_timer_start(group->starting.again, READ_AGAIN_US);
    group->starting.waits = true;
    log_limited(group->shard->log, &group->limiter, LOGGED_LOG_UNREADABLE,
                "%s: its log cannot be read on this broker at present (%s); %s. It is tried again",
                group->label, error_phrase(error), error_advice(error));
    return true;
}
