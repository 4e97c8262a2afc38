/*
 * The look at all plans, every LOOK_US while there is one, and what is kept for those that this
 * broker leads.
 */
#include "broker/reassignment/reassignments.h"

#include <inttypes.h>
#include <string.h>

#include "base/container_of.h"
#include "base/mem.h"
#include "broker/reassignment/newcomer_watch.h"
#include "broker/reassignment/reassignment_step.h"

#include <uthash.h>

enum { LOOK_US = 100 * 1000, SUBMIT_MS = 10 * 1000, SWEEP_US = 10 * 1000 * 1000 };

/* A partition that this broker leads, and of which a plan is under way. */
struct move {
    uint64_t group;
    uint64_t look; /* the last one that found it */
    struct reassignments *all;
    struct newcomer_watch watch;
    struct metadata_submit submit;
    bool submitting;
    /* Before DONE is said: whether we still lead. */
    struct raft_group_read_index confirm;
    struct raft_group *confirms; /* NULL: nobody is asked */
    uint64_t plan;
    log_index configuration;
    struct leader_handover handover;
    bool handing_over;
    UT_hash_handle hh;
};

struct reassignments {
    struct env *env;
    struct log *log;
    const struct broker_settings *settings;
    const struct metadata *metadata;
    struct metadata_group *group;
    struct partition_set *partitions;
    struct leader_transfers *transfers;
    struct move *moves; /* by group */
    struct env_timer *timer;
    bool looking; /* the timer runs */
    uint64_t look;
    size_t next; /* the plan to begin the next look with */
    struct env_timer *sweep;
    struct partition_walk walk;
};

/* ---- Moves ---- */

static struct move *move_of(struct reassignments *all, uint64_t group) {
    struct move *move;
    HASH_FIND(hh, all->moves, &group, sizeof group, move);
    if (move != NULL) return move;
    move = mem_zalloc(sizeof *move);
    move->group = group;
    move->all = all;
    HASH_ADD(hh, all->moves, group, sizeof move->group, move);
    return move;
}

static void end_move(struct move *move) {
    struct reassignments *all = move->all;
    if (move->submitting) metadata_group_submit_cancel(&move->submit);
    if (move->confirms != NULL) raft_group_read_index_cancel(move->confirms, &move->confirm);
    leader_handover_cancel(&move->handover);
    HASH_DELETE(hh, all->moves, move);
    mem_free(move);
}

/* ---- What is known of a partition ---- */

static const struct metadata_replica *row_of(const struct metadata_partition *source,
                                             replica_id replica) {
    for (size_t i = 0; i < metadata_member_count(source); i++)
        if (source->replicas[i].replica == replica) return &source->replicas[i];
    return NULL;
}

/* A new leader's table may be behind the configuration that it has: ids that it has not given. */
static bool table_is_behind(const struct metadata *metadata,
                            const struct raft_group_configuration *now) {
    for (size_t s = 0; s < now->count; s++)
        if (now->servers[s].replica >= metadata_next_replica(metadata)) return true;
    return false;
}

/* Those of a plan that is over: whoever led then did not know it yet, and took them in. */
static size_t gather_forgotten(const struct metadata_partition *source, struct raft_group *group,
                               const struct raft_group_configuration *now,
                               struct reassignment_member *into) {
    size_t count = 0;
    for (size_t s = 0; s < now->count; s++) {
        replica_id replica = now->servers[s].replica;
        bool votes = now->servers[s].voter;
        if (row_of(source, replica) != NULL) continue;
        into[count++] = (struct reassignment_member){
            .replica = replica,
            .joining = true, /* or whatever it was: no copy that counts */
            .inside = true,
            .voter = votes,
            .in_sync = votes && raft_group_member_in_sync(group, replica)};
    }
    return count;
}

static size_t gather(struct move *move, const struct metadata_partition *source,
                     struct raft_group *group, replica_id leader,
                     const struct raft_group_configuration *now,
                     struct reassignment_member *members) {
    uint64_t now_ms = env_now_ms(move->all->env);
    newcomer_watch_begin(&move->watch);
    for (size_t i = 0; i < metadata_member_count(source); i++) {
        replica_id replica = source->replicas[i].replica;
        members[i] = (struct reassignment_member){.replica = replica,
                                                  .wanted = i < source->replica_count,
                                                  .joining = source->replicas[i].joining,
                                                  .lost = source->replicas[i].node ==
                                                          METADATA_NODE_LOST};
        for (size_t s = 0; s < now->count; s++) {
            if (now->servers[s].replica != replica) continue;
            members[i].inside = true;
            members[i].voter = now->servers[s].voter;
        }
        members[i].in_sync = members[i].voter && raft_group_member_in_sync(group, replica);
        if (members[i].inside && !members[i].voter)
            members[i].ready = newcomer_is_ready(&move->watch, group, leader, replica,
                                                 move->all->settings->raft_election_timeout_ms,
                                                 now_ms);
    }
    size_t count = metadata_member_count(source);
    return count + gather_forgotten(source, group, now, members + count);
}

/* ---- Steps ---- */

static void on_submitted(struct metadata_submit *submit, const struct metadata_result *result) {
    struct move *move = CONTAINER_OF(submit, struct move, submit);
    (void)result; /* the next look sees what came of it */
    move->submitting = false;
}

static void submit(struct move *move, struct metadata_change *change) {
    move->submitting = true;
    move->submit.done = on_submitted;
    metadata_group_submit(move->all->group, &move->submit, change, SUBMIT_MS);
}

static void on_confirmed(struct raft_group_read_index *confirm, int error) {
    struct move *move = CONTAINER_OF(confirm, struct move, confirm);
    struct metadata_change change = {.validate_only = false};
    move->confirms = NULL;
    if (error != ERR_NONE) return; /* the next look asks */
    metadata_command_init(&change.command, COMMAND_REPLICAS_DONE);
    change.command.replicas_done = (struct command_replicas_done){
        .group = (int64_t)move->group,
        .plan = (int64_t)move->plan,
        .change = (int64_t)move->configuration};
    submit(move, &change);
}

/* One that was deposed and does not know it may have the configuration of before: those that have
 * come since would lose their files while they vote. */
static void say_done(struct move *move, const struct metadata_partition *source,
                     struct raft_group *group, log_index configuration) {
    move->plan = source->plan;
    move->configuration = configuration;
    move->confirms = group;
    move->confirm.done = on_confirmed;
    raft_group_read_index(group, &move->confirm);
}

static void on_handed_over(struct leader_handover *handover, enum leader_transfer_outcome outcome) {
    struct move *move = CONTAINER_OF(handover, struct move, handover);
    (void)outcome; /* likewise */
    move->handing_over = false;
}

static void hand_over(struct move *move, const struct metadata_partition *source,
                      replica_id replica) {
    enum leader_transfer_outcome outcome;
    for (size_t i = 0; i < source->replica_count; i++) {
        if (source->replicas[i].replica != replica) continue;
        move->handover.done = on_handed_over;
        move->handing_over = leader_handover_begin(move->all->transfers, &move->handover,
                                                   move->group, source->replicas[i].node, &outcome);
    }
}

static void change(const struct move *move, const struct metadata_partition *source,
                   struct raft_group *group, enum raft_group_change change,
                   const struct reassignment_step *step) {
    static const char *const what[] = {
        [RAFT_GROUP_ADD] = "joins, and is brought up",
        [RAFT_GROUP_PROMOTE] = "has caught up, and votes from now on",
        [RAFT_GROUP_REMOVE] = "has no part in it any more",
    };
    int error = raft_group_change(group, change, step->replica);
    const struct metadata_replica *row = row_of(source, step->replica);
    if (error == ERR_NONE && row == NULL)
        log_event(move->all->log, LOGGED_REPLICA_MOVED,
                  "%s-%" PRId32 ": replica %" PRIu64
                  " of a plan that is over has no part in it any more",
                  source->topic->name, source->index, step->replica);
    else if (error == ERR_NONE && row->node == METADATA_NODE_LOST)
        log_event(move->all->log, LOGGED_REPLICA_MOVED,
                  "%s-%" PRId32 ": the replica of a lost directory counts no more",
                  source->topic->name, source->index);
    else if (error == ERR_NONE)
        log_event(move->all->log, LOGGED_REPLICA_MOVED, "%s-%" PRId32 ": broker %" PRId32 " %s",
                  source->topic->name, source->index, row->node, what[change]);
    else
        log_debug(move->all->log, "%s-%" PRId32 ": a step waits (%s)", source->topic->name,
                  source->index, error_phrase(error));
}

static void take_step(struct move *move, const struct metadata_partition *source,
                      struct partition *partition) {
    struct raft_group *group = partition_group(partition);
    struct reassignment_member members[METADATA_REPLICAS_MAX + RAFT_GROUP_SERVERS_MAX];
    struct raft_group_configuration now;
    raft_group_configuration(group, &now);
    const struct metadata_replica *ours = metadata_replica_on(source, move->all->settings->node_id);
    if (ours == NULL || move->submitting || move->confirms != NULL || move->handing_over) return;
    size_t count = gather(move, source, group, ours->replica, &now, members);
    if (!now.committed || table_is_behind(move->all->metadata, &now)) return;
    struct reassignment_step step = reassignment_next(members, count, ours->replica);
    switch (step.action) {
    case REASSIGNMENT_WAITS: break;
    case REASSIGNMENT_ADDS: change(move, source, group, RAFT_GROUP_ADD, &step); break;
    case REASSIGNMENT_PROMOTES: change(move, source, group, RAFT_GROUP_PROMOTE, &step); break;
    case REASSIGNMENT_REMOVES: change(move, source, group, RAFT_GROUP_REMOVE, &step); break;
    case REASSIGNMENT_HANDS_OVER: hand_over(move, source, step.replica); break;
    case REASSIGNMENT_DONE: say_done(move, source, group, now.index); break;
    }
}

/* ---- Looking ---- */

/* Those that this broker does not lead any more, or that are done. */
static void end_others(struct reassignments *all) {
    struct move *move, *next;
    HASH_ITER(hh, all->moves, move, next) {
        const struct metadata_partition *source = metadata_partition_of_group(all->metadata,
                                                                              move->group);
        struct partition *partition = partition_set_find_group(all->partitions, move->group);
        if (source == NULL || source->plan == 0 || partition == NULL ||
            !partition_is_leading(partition))
            end_move(move);
    }
}

static void look_on(void *arg) {
    struct reassignments *all = arg;
    size_t count = metadata_plan_count(all->metadata);
    end_others(all);
    all->looking = count > 0;
    if (all->looking) env_timer_start(all->timer, LOOK_US);
    for (size_t i = 0; i < count && !env_turn_is_long(all->env); i++) {
        size_t place = all->next++ % count;
        const struct metadata_partition *source = metadata_plan_at(all->metadata, place);
        struct partition *partition = partition_set_find_group(all->partitions, source->group);
        if (partition != NULL && partition_is_leading(partition))
            take_step(move_of(all, source->group), source, partition);
    }
}

/* ---- Those of plans that are over ---- */

/* A leader that had not heard that a plan was over may have taken in a stand-by of it, which would
 * stay until the next plan. It does not vote, so it may go at any time. */
static void remove_forgotten(struct reassignments *all, const struct metadata_partition *source,
                             struct raft_group *group) {
    struct raft_group_configuration now;
    raft_group_configuration(group, &now);
    if (!now.committed || table_is_behind(all->metadata, &now)) return;
    for (size_t i = 0; i < now.count; i++) {
        if (now.servers[i].voter || row_of(source, now.servers[i].replica) != NULL) continue;
        if (raft_group_change(group, RAFT_GROUP_REMOVE, now.servers[i].replica) == ERR_NONE)
            log_event(all->log, LOGGED_REPLICA_MOVED,
                      "%s-%" PRId32 ": replica %" PRIu64
                      " of a plan that is over has no part in it any more",
                      source->topic->name, source->index, now.servers[i].replica);
        return; /* one step at a time */
    }
}

static void on_met(struct partition_walk *walk, struct partition *partition) {
    struct reassignments *all = CONTAINER_OF(walk, struct reassignments, walk);
    struct raft_group *group = partition_group(partition);
    if (group == NULL || !partition_is_leading(partition)) return;
    const struct metadata_partition *source = metadata_partition_of_group(all->metadata,
                                                                          raft_group_id(group));
    if (source != NULL && source->plan == 0 &&
        raft_group_server_count(group) > source->replica_count)
        remove_forgotten(all, source, group);
}

static void sweep(void *arg) {
    struct reassignments *all = arg;
    env_timer_start(all->sweep, SWEEP_US);
    if (!partition_walk_is_on(&all->walk)) partition_walk_begin(all->partitions, &all->walk);
}

void reassignments_applied(struct reassignments *all) {
    if (all->looking || metadata_plan_count(all->metadata) == 0) return;
    all->looking = true;
    env_timer_start(all->timer, LOOK_US);
}

/* ---- Life ---- */

struct reassignments *reassignments_new(struct env *env, struct log *log,
                                        const struct broker_settings *settings,
                                        const struct metadata *metadata,
                                        struct metadata_group *group,
                                        struct partition_set *partitions,
                                        struct leader_transfers *transfers) {
    struct reassignments *all = mem_zalloc(sizeof *all);
    *all = (struct reassignments){.env = env,
                                  .log = log,
                                  .settings = settings,
                                  .metadata = metadata,
                                  .group = group,
                                  .partitions = partitions,
                                  .transfers = transfers};
    all->timer = env_timer_new(env, look_on, all);
    all->walk.meet = on_met;
    all->sweep = env_timer_new(env, sweep, all);
    env_timer_start(all->sweep, SWEEP_US);
    return all;
}

void reassignments_free(struct reassignments *all) {
    if (all == NULL) return;
    struct move *move, *next;
    HASH_ITER(hh, all->moves, move, next)
    end_move(move);
    partition_walk_end(&all->walk);
    env_timer_free(all->sweep);
    env_timer_free(all->timer);
    mem_free(all);
}
