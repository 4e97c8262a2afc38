/*
 * Opening and closing a group, its members, and what its log reports.
 *
 * Opening makes the log and, for a replica that never existed before, the configuration as its
 * first entry; the engine starts then, or later (raft_group_start.c). Failures: a log that
 * contradicts the journal, or itself, does not open. A group that is closed inside one of its own
 * events lives until its last caller up the stack has let it go (pins). What the log reports as
 * durable lets the start of the engine, messages that waited for the hard state, the engine's count
 * of persisted entries and an early try go on. Invariant: no entry counts as persisted while the
 * hard state is not durable.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/mem.h"
#include "raft-glue/engine/configuration.h"
#include "raft-glue/engine/engine_heap.h"
#include "raft-glue/raft_group_internal.h"
#include "storage/log/log_staging.h"

/* ---- Members ---- */

static void place_member(struct raft_group *group, struct member *member,
                         const struct raft_group_member *as) {
    member->node = as->node;
    member->link = as->replica == group->replica ? NULL : shard_link(group->shard, as->node);
}

static struct member *make_member(struct raft_group *group, const struct raft_group_member *as) {
    struct member *member = mem_zalloc(sizeof *member);
    member->group = group;
    member->replica = as->replica;
    snprintf(member->address, sizeof member->address, "%" PRIu64, as->replica);
    place_member(group, member, as);
    return member;
}

static void free_member(struct member *member) {
    replicate_forget(member);
    snapshot_fetch_link_down(member);
    mem_free(member->runs);
    mem_free(member);
}

void raft_group_set_members(struct raft_group *group, const struct raft_group_member *members,
                            size_t n) {
    CHECK(n > 0 && n <= CHANGE_SERVERS_MAX);
    quiet_end(group);
    struct member **now = mem_alloc(n * sizeof *now);
    for (size_t i = 0; i < n; i++) {
        struct member *member = raft_group_member(group, members[i].replica);
        if (member == NULL) {
            member = make_member(group, &members[i]);
        } else if (member->node != members[i].node) {
            replicate_forget(member);
            snapshot_fetch_link_down(member);
            place_member(group, member, &members[i]);
        }
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
    group->self = raft_group_member(group, group->replica);
    CHECK(group->self != NULL);
    raft_group_voters_mirror(group);
}

/* ---- What the log reports ---- */

/* A leader writes its entries and sends them in parallel, and counts itself only when they are on
 * its disk (Raft dissertation, 10.2.1). */
static void report_durable(struct raft_group *group) {
    if (group->phase != RAFT_GROUP_RUNNING || raft_group_hard_state_pending(group)) return;
    if (group->raft.snapshot.installing) return; /* they are not those of its log any more */
    raft_group_step_persisted(group, partition_log_durable_index(group->log));
}

static void on_durable(void *arg, log_index index) {
    struct raft_group *group = arg;
    (void)index; /* the log is asked: a truncation may have come since */
    if (group->phase == RAFT_GROUP_STARTING) {
        raft_group_continue_start(group);
    } else {
        report_durable(group);
    }
}

static void on_hard_state_durable(void *arg, uint64_t version) {
    struct raft_group *group = arg;
    CHECK(version > group->hard_state.durable && version <= group->hard_state.version);
    group->hard_state.durable = version;
    if (group->phase == RAFT_GROUP_STARTING) {
        raft_group_continue_start(group);
        return;
    }
    raft_group_send_held(group);
    report_durable(group);
    election_hard_state_durable(group);
}

static void on_damaged(void *arg, const struct partition_log_damage *damage) {
    leader_fitness_damage_found(arg, damage);
}

static void on_mended(void *arg) {
    leader_fitness_mended(arg);
}

static void on_lacks_change(void *arg, log_index index) {
    raft_group_tell_change(arg, index);
}

static void on_start_moved(void *arg) {
    struct raft_group *group = arg;
    struct raft_event event;
    raft_group_trail_start_moved(group);
    if (raft_group_trail_forget(group, &event)) raft_group_step(group, &event);
}

static void on_installed(void *arg) {
    snapshot_installed(arg);
}

static const struct partition_log_events group_log_events = {
    .durable = on_durable,
    .hard_state_durable = on_hard_state_durable,
    .damaged = on_damaged,
    .mended = on_mended,
    .lacks_change = on_lacks_change,
    .start_moved = on_start_moved,
    .installed = on_installed};

/* ---- Opening ---- */

static void bootstrap(struct raft_group *group, const struct raft_group_spec *spec) {
    struct entry_spec change = {.type = ENTRY_CHANGE, .max_timestamp = -1};
    struct configuration_server servers[CHANGE_SERVERS_MAX];
    bool later = spec->first_members != NULL; /* members came or went since */
    const struct raft_group_member *members = later ? spec->first_members : spec->members;
    size_t count = later ? spec->first_member_count : spec->member_count;
    CHECK(count <= CHANGE_SERVERS_MAX);
    for (size_t i = 0; i < count; i++)
        servers[i] = (struct configuration_server){.replica = members[i].replica,
                                                   .voter = members[i].voter};
    change.raw = configuration_encode(servers, count);
    struct entry *entry = entry_new(NULL, &change);
    entry_seal(entry, group->id, 1, 1);
    group->hard_state.version = partition_log_set_hard_state(group->log, 1, 0);
    partition_log_append(group->log, &entry, 1);
    entry_unref(entry);
}

static int check_log(struct raft_group *group, struct error_text *why) {
    uint64_t last = partition_log_last_index(group->log);
    log_term last_term = last == 0 ? 0 : partition_log_term_at(group->log, last);
    uint64_t change = 0;
    partition_log_changes(group->log, &change, 1);
    bool whole = partition_log_first_index(group->log) == 1;
    if (last > 0 && (change == 0 || (whole && change != 1)))
        return error_set(
            why, ERR_CORRUPT,
            "the log of %s does not begin with a configuration (the first is entry %" PRIu64
            " of %" PRIu64 "; 0: none); see draved log verify",
            group->label, change, last);
    if (last_term > partition_log_term(group->log))
        return error_set(
            why, ERR_CORRUPT,
            "the log of %s ends in term %u, and this broker's journal says that it was never beyond term %u: the journal went "
            "back in time; put back the newer one, or leave this broker stopped: the others go on without it",
            group->label, last_term, partition_log_term(group->log));
    return ERR_NONE;
}

static void give_up_opening(struct raft_group *group) {
    partition_log_close(group->log);
    mem_free(group->label);
    mem_free(group);
}

int raft_group_open(struct shard *shard, const struct raft_group_spec *spec,
                    const struct raft_group_events *events, void *arg, struct raft_group **result,
                    struct error_text *why) {
    engine_heap_use();
    struct raft_group *group = mem_zalloc(sizeof *group);
    group->shard = shard;
    group->events = events;
    group->arg = arg;
    group->id = spec->id;
    group->replica = spec->replica;
    group->needs_room = spec->needs_room;
    group->eager_commit = spec->eager_commit;
    group->read_index.end = &group->read_index.first;
    group->applying.more.run = raft_group_apply_more;
    int error = spec->opening != NULL
                    ? partition_log_open_end(spec->opening, &group_log_events, group, &group->log,
                                             why)
                    : partition_log_open(shard->store, spec->id, spec->label, &group_log_events,
                                         group, &group->log, why);
    if (error != ERR_NONE) {
        mem_free(group);
        return error;
    }
    group->label = mem_strdup(spec->label);
    bool made = spec->bootstrap && partition_log_last_index(group->log) == 0;
    if (made) bootstrap(group, spec);
    error = check_log(group, why);
    if (error != ERR_NONE) {
        give_up_opening(group);
        return error;
    }
    group->made = made;
    group->first = spec->first;
    group->commit = group->known = partition_log_commit_index(group->log);
    if (group->known > partition_log_last_index(group->log))
        group->known = partition_log_last_index(group->log);
    if (!raft_group_restore(group, why)) {
        give_up_opening(group);
        return ERR_CORRUPT;
    }
    raft_group_init_engine(group);
    raft_group_set_members(group, spec->members, spec->member_count);
    shard_add_group(shard, group);
    if (log_staging_is_left(group->log)) snapshot_fetch_left(group);
    *result = group;
    partition_log_tell_damage(group->log);
    raft_group_continue_start(group);
    shard_ready(group);
    return ERR_NONE;
}

/* ---- Closing ---- */

static void free_group(struct raft_group *group) {
    for (size_t i = 0; i < group->member_count; i++)
        free_member(group->members[i]);
    mem_free(group->members);
    mem_free(group->hard_state.held);
    mem_free(group->label);
    mem_free(group);
}

void raft_group_pin(struct raft_group *group) {
    group->pins++;
}

void raft_group_unpin(struct raft_group *group) {
    CHECK(group->pins > 0);
    if (--group->pins == 0 && group->closed) free_group(group);
}

void raft_group_close(struct raft_group *group) {
    CHECK(!group->closed);
    raft_group_pin(group);
    group->closed = true;
    read_index_fail_all(group, ERR_CANCELED);
    transfer_fail(group, ERR_CANCELED);
    for (size_t i = 0; i < group->member_count; i++)
        replicate_forget(group->members[i]);
    snapshot_fetch_end(group);
    env_timer_free(group->fetch_left);
    env_timer_free(group->fetch_works);
    env_timer_free(group->fetch_paced);
    raft_group_apply_cancel(group);
    raft_group_end_start(group);
    env_timer_free(group->starting.again);
    leader_fitness_forget_damage(group);
    shard_remove_group(group->shard, group);
    partition_log_close(group->log);
    raft_configuration_close(&group->installing.configuration);
    raft_close(&group->raft, NULL);
    raft_group_unpin(group);
}
