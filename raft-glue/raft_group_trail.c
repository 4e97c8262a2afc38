/*
 * The engine's trail: which term each entry of the log has, as ranges of equal terms. It is all
 * that the engine knows of a log.
 *
 * RAFT_START builds it from one raft_entry (40 bytes) for each entry, so it is given only those
 * above what is known to be committed (raft_group_start.c), behind a snapshot there; nothing is
 * gone, so the terms of what lies below are put before them afterwards. The trail is then what it
 * would be had every entry been given, and a follower that lacks what lies below is sent it like
 * any other. libraft has no call for that: the struct is in its header, and engine_heap.c pins the
 * version. test_raft_group_trail.c compares the result with a trail that the library built itself.
 *
 * Where a prefix of the log is gone (partition_log_drop_prefix) the trail begins with the last
 * entry of it, of which the term is known; a member that lacks that is given files
 * (snapshot_offers.c), and the snapshot stays where it is meanwhile, as for one that is asked about
 * it.
 *
 * A trail counts its entries in 32 bits. So those more than options.engine_entries below the end
 * are forgotten (RAFT_SNAPSHOT with as many trailing entries), on a leader not before the followers
 * that it hears have them. If one turns out to lack more than the trail covers, the engine wants to
 * send a snapshot: the trail is extended as far as 32 bits reach, and the engine finds its place.
 *
 * Invariants: offset <= snapshot.index <= the engine's commit index; the trail ends where the log
 * ends.
 */
#include "base/mem.h"
#include "base/mutant.h"
#include "raft-glue/raft_group_internal.h"
#include "storage/log_types.h"

/* A follower that was silent for so many election timeouts is not waited for. */
enum { HEARD_TIMEOUTS = 10 };

/* ---- Extending ---- */

struct ranges {
    struct raft_trail *trail;
    uint64_t first; /* entries before it are left out */
};

static void add_range(void *arg, uint64_t first, uint64_t count, log_term term) {
    struct ranges *ranges = arg;
    uint64_t last = first + count - 1;
    if (last < ranges->first) return;
    struct raft_trail *trail = ranges->trail;
    /* Room was made for every range of the log, and one free place. */
    CHECK(trail->back + 1 < trail->size);
    trail->records[trail->back].index = last;
    trail->records[trail->back++].term = term;
}

static void count_range(void *arg, uint64_t first, uint64_t count, log_term term) {
    (void)first, (void)count, (void)term;
    (*(unsigned *)arg)++;
}

void engine_trail_extend(struct raft *raft, const struct partition_log *log, uint64_t first) {
    struct raft_trail *trail = &raft->trail;
    uint64_t last = partition_log_last_index(log);
    CHECK(first > 0 && first - 1 <= trail->snapshot.index);
    CHECK(last - first < UINT32_MAX);
    unsigned n = 0;
    partition_log_each_term(log, count_range, &n);
    raft_free(trail->records);
    trail->size = n + 2; /* front == back means empty */
    trail->records = raft_calloc(trail->size, sizeof *trail->records);
    trail->front = trail->back = 0;
    trail->offset = first - 1;
    partition_log_each_term(log, add_range, &(struct ranges){trail, first});
}

/* The first entry of which the term is known; not above the end. */
static uint64_t first_known(const struct partition_log *log) {
    uint64_t first = partition_log_first_index(log);
    return first > 1 ? first - 1 : 1;
}

/* The first entry of a trail that covers `most` of the log's. */
static uint64_t first_of(const struct raft_group *group, uint64_t most) {
    uint64_t last = partition_log_last_index(group->log), first = first_known(group->log);
    return last - first >= most ? last - most + 1 : first;
}

void raft_group_trail_begin(struct raft_group *group) {
    uint64_t first = first_of(group, group->shard->options.engine_entries);
    if (first <= group->raft.trail.offset && !MUTANT(MUTANT_TERMS_BELOW_START_LOST))
        engine_trail_extend(&group->raft, group->log, first);
}

void raft_group_trail_reach(struct member *member) {
    struct raft_group *group = member->group;
    uint64_t first = first_of(group, ENGINE_ENTRIES_MOST);
    member->beyond = true;
    if (first <= group->raft.trail.offset) {
        if (MUTANT(MUTANT_TERMS_BELOW_START_LOST)) return;
        engine_trail_extend(&group->raft, group->log, first);
        group->shard->stats.trails_extended++;
        return;
    }
    if (first <= first_known(group->log)) return; /* its answer tells whether it is behind that */
    log_limited(
        group->shard->log, &group->limiter, LOGGED_REPLICA_STRANDED,
        "%s: broker %d lacks more than the last %llu entries, which is more than this version can send; its replica stays "
        "out of sync, the others go on without it",
        group->label, member->node,
        (unsigned long long)(partition_log_last_index(group->log) - first + 1));
}

/* ---- Forgetting ---- */

/* Up to where those followers have the log that were heard not long ago. 0: the snapshot must stay
 * where it is, because the engine waits for the rejection of a message that is anchored there, and
 * takes no other. */
static uint64_t least_match(const struct raft_group *group) {
    uint64_t least = UINT64_MAX, now_ms = group->shard->now_ms;
    uint64_t patience_ms = (uint64_t)HEARD_TIMEOUTS * group->shard->options.election_timeout_ms;
    for (size_t i = 0; i < group->member_count && raft_group_leads(group); i++) {
        const struct member *member = group->members[i];
        if (member == group->self || member_heard_ms(member) + patience_ms < now_ms) continue;
        uint64_t match = member->beyond || member->behind ? 0 : member_match(member);
        if (match < least) least = match;
    }
    return least;
}

/* Some member lacks more than the trail covers: see least_match. */
static bool snapshot_must_stay(const struct raft_group *group) {
    for (size_t i = 0; i < group->member_count && raft_group_leads(group); i++)
        if (group->members[i]->beyond || group->members[i]->behind) return true;
    return false;
}

/* Where the trail should begin because it grew too long. */
static uint64_t offset_by_length(const struct raft_group *group) {
    uint64_t most = group->shard->options.engine_entries,
             last = partition_log_last_index(group->log);
    if (last - group->raft.trail.offset <= most + most / 16) return 0;
    uint64_t offset = last - most, match = least_match(group);
    if (match <= offset) offset = match == 0 ? 0 : match - 1; /* the match itself is asked about */
    if (last - offset > ENGINE_ENTRIES_MOST) offset = last - ENGINE_ENTRIES_MOST;
    return offset;
}

bool raft_group_trail_forget(struct raft_group *group, struct raft_event *event) {
    const struct raft *raft = &group->raft;
    if (group->phase != RAFT_GROUP_RUNNING || raft->snapshot.installing) return false;
    uint64_t offset = offset_by_length(group),
             gone = snapshot_must_stay(group) ? 0 : first_known(group->log) - 1;
    if (offset < gone) offset = gone;
    if (offset <= raft->trail.offset) return false;
    uint64_t snapshot = raft->commit_index < raft->last_stored ? raft->commit_index
                                                               : raft->last_stored;
    /* the change in force there must be known as committed: the engine would take none before it
     * any more */
    bool settled = snapshot > raft->trail.snapshot.index &&
                   raft->configuration_committed_index <= snapshot;
    if (offset > snapshot) offset = snapshot;
    if (!settled || offset <= raft->trail.offset) return false;
    *event = (struct raft_event){.type = RAFT_SNAPSHOT};
    event->snapshot.metadata.index = snapshot;
    event->snapshot.metadata.term = partition_log_term_at(group->log, snapshot);
    event->snapshot.metadata.configuration_index = raft->configuration_committed_index;
    /* It keeps its own, of that index. */
    raft_configuration_init(&event->snapshot.metadata.configuration);
    event->snapshot.trailing = (unsigned)(snapshot - offset);
    group->shard->stats.trails_cut++;
    return true;
}

void raft_group_trail_start_moved(struct raft_group *group) {
    uint64_t first = first_known(group->log);
    if (group->phase != RAFT_GROUP_RUNNING || first - 1 <= group->raft.trail.offset) return;
    if (first - 1 <= group->raft.trail.snapshot.index)
        engine_trail_extend(&group->raft, group->log, first);
}

/* ---- What reaches below ---- */

/* The first index with a term. With a whole log it is 0, which needs none; the snapshot's is known
 * without an entry. */
static uint64_t lowest_known(const struct raft_trail *trail) {
    return trail->offset == 0 || trail->offset == trail->snapshot.index ? trail->offset
                                                                        : trail->offset + 1;
}

/* What lies at or below `lowest` is cut off, even if nothing is left. */
static unsigned cut_below(struct raft_group *group, struct raft_append_entries *args,
                          uint64_t lowest) {
    bool asks_nothing = args->prev_log_index == 0 && args->n_entries == 0; /* is never rejected */
    if (args->prev_log_index >= lowest || asks_nothing) return 0;
    uint64_t below = lowest - args->prev_log_index;
    unsigned cut = below < args->n_entries ? (unsigned)below : args->n_entries;
    args->prev_log_index = lowest;
    args->prev_log_term = partition_log_term_at(group->log, lowest);
    args->entries += cut;
    args->n_entries -= cut;
    group->shard->stats.reanchored++;
    return cut;
}

unsigned raft_group_trail_cut_gone(struct raft_group *group, struct raft_append_entries *args) {
    /* A leader that was deposed may know less than what is gone here, of a later term than its own;
     * it is only answered. */
    if (args->term < raft_current_term(&group->raft)) return 0;
    if (MUTANT(MUTANT_BELOW_TRAIL_PASSED)) return 0;
    return cut_below(group, args, partition_log_first_index(group->log) - 1);
}

unsigned raft_group_trail_cut_below(struct raft_group *group, struct raft_append_entries *args) {
    if (MUTANT(MUTANT_BELOW_TRAIL_PASSED)) return 0;
    return cut_below(group, args, lowest_known(&group->raft.trail));
}
