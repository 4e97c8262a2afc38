/* Targets: when they are worked out, where, and what is written of them. */
#include "broker/coordinator/consumer/consumer_assign.h"

#include "base/mem.h"
#include "broker/coordinator/consumer/consumer_timing.h"

/* Above that it is the pool's: about a millisecond. */
enum { WORK_INLINE = 50000 };

/* ---- What is written ---- */

/* The targets that differ, and the epoch that they are of. `mine` (may be NULL) gets that of the
 * member `id`. */
static void add_targets(struct group_batch *batch, struct consumer_group *group,
                        const struct consumer_assignment *assignment, int32_t epoch,
                        struct kp_string id, struct partition_list *mine) {
    struct partition_list *targets = consumer_targets(assignment, group);
    for (uint32_t i = 0; i < assignment->input.member_count; i++) {
        struct kp_string name = shared_string(assignment->members[i]);
        const struct consumer_member *member = consumer_member_find(group, name);
        if (member == NULL || !member->has_target ||
            !partition_list_equal(&member->target, &targets[i]))
            consumer_add_target(batch, group, name, &targets[i]);
        if (mine == NULL || !kp_string_equal(name, id)) continue;
        *mine = targets[i];
        targets[i] = (struct partition_list){0};
    }
    consumer_add_target_epoch(batch, group->row->id, epoch, env_wall_ms(group->row->table->env));
    consumer_targets_free(targets, assignment->input.member_count);
}

/* ---- Which assignor ---- */

/* The one that most members name; "uniform" when that is as many. */
static assignment_assignor *assignor_of(const struct consumer_group *group,
                                        const struct consumer_candidate *candidate) {
    size_t range = 0, uniform = 0;
    struct consumer_member *member, *next;
    HASH_ITER(hh, group->members, member, next) {
        if (!member->written) continue;
        if (candidate != NULL && (member == candidate->is || member == candidate->replaces))
            continue;
        if (shared_string_is(member->assignor, kp_string_of("range"))) range++;
        if (shared_string_is(member->assignor, kp_string_of("uniform"))) uniform++;
    }
    if (candidate != NULL && kp_string_is(candidate->assignor, "range")) range++;
    if (candidate != NULL && kp_string_is(candidate->assignor, "uniform")) uniform++;
    return range > uniform ? assign_range : assign_uniform;
}

const char *consumer_assignor_name(const struct consumer_group *group) {
    return assignor_of(group, NULL) == assign_range ? "range" : "uniform";
}

/* ---- In the pool ---- */

struct consumer_assigning {
    struct consumer_work work; /* first */
    struct env_job job;
    struct group_turn turn;
    struct consumer_assignment assignment;
    assignment_assignor *assignor;
    int32_t epoch; /* the group's, which it is for */
};

static void assigning_free(struct consumer_assigning *assigning) {
    consumer_work_end(&assigning->work);
    consumer_assignment_close(&assigning->assignment);
    mem_free(assigning);
}

static void assigning_work(struct env_job *job) {
    struct consumer_assigning *assigning = CONTAINER_OF(job, struct consumer_assigning, job);
    assigning->assignor(&assigning->assignment.input, assigning->assignment.owner);
}

static void assigned_written(struct group_turn *turn, int16_t error) {
    struct consumer_assigning *assigning = CONTAINER_OF(turn, struct consumer_assigning, turn);
    (void)error; /* the next heartbeat begins again */
    consumer_work_end(&assigning->work);
    group_turn_end(turn);
    assigning_free(assigning);
}

static void assigned_refused(struct group_turn *turn, int16_t error) {
    (void)error;
    assigning_free(CONTAINER_OF(turn, struct consumer_assigning, turn));
}

/* Who takes over an instance changes no epoch. */
static bool has_those_members(const struct consumer_group *group,
                              const struct consumer_assignment *assignment) {
    if (group->member_count != assignment->input.member_count) return false;
    for (uint32_t i = 0; i < assignment->input.member_count; i++) {
        const struct consumer_member *member = consumer_member_find(
            group, shared_string(assignment->members[i]));
        if (member == NULL || !member->written) return false;
    }
    return true;
}

/* Of another epoch, or of other members: the next heartbeat begins again. */
static void assigned_run(struct group_turn *turn) {
    struct consumer_assigning *assigning = CONTAINER_OF(turn, struct consumer_assigning, turn);
    struct consumer_group *group = assigning->work.group;
    if (group == NULL || group->epoch != assigning->epoch ||
        group->assignment_epoch >= group->epoch ||
        !has_those_members(group, &assigning->assignment)) {
        assigned_written(turn, 0);
        return;
    }
    struct group_batch batch;
    group_batch_open(&batch);
    add_targets(&batch, group, &assigning->assignment, assigning->epoch, KP_NULL_STRING, NULL);
    turn->written = assigned_written;
    group_turn_write(turn, &batch);
    group_batch_close(&batch);
    consumer_topics_settle(group);
}

static void assigning_done(struct env_job *job) {
    struct consumer_assigning *assigning = CONTAINER_OF(job, struct consumer_assigning, job);
    if (assigning->work.group == NULL) {
        assigning_free(assigning);
        return;
    }
    assigning->turn = (struct group_turn){
        .run = assigned_run, .refused = assigned_refused, .unrefused = true};
    group_turn_take(assigning->work.group->row, &assigning->turn);
}

/* ---- The decision ---- */

static bool is_too_soon(const struct consumer_decision *decision) {
    const struct consumer_group *group = decision->group;
    int64_t interval_ms = consumer_timing(decision->row).assignment_interval_ms;
    int64_t since_ms = env_wall_ms(decision->row->table->env) - group->assignment_time_ms;
    return group->member_count > 0 && since_ms >= 0 && since_ms < interval_ms;
}

static void keep_target(struct consumer_decision *decision) {
    const struct consumer_member *before = decision->member != NULL ? decision->member
                                                                    : decision->replaced;
    decision->assignment_epoch = decision->group->assignment_epoch;
    if (before != NULL) decision->target = &before->target;
    if (decision->member == NULL)
        consumer_add_target(&decision->batch, decision->group, decision->member_id,
                            decision->target);
}

static void begin_in_pool(struct consumer_decision *decision,
                          const struct consumer_assignment *assignment,
                          assignment_assignor *assignor) {
    struct consumer_assigning *assigning = mem_zalloc(sizeof *assigning);
    assigning->assignment = *assignment;
    assigning->assignment.input.topics = assigning->assignment.topics;
    assigning->assignor = assignor;
    consumer_work_begin(&assigning->work, decision->group, &decision->group->assigning);
    assigning->epoch = decision->epoch;
    assigning->job = (struct env_job){.work = assigning_work, .done = assigning_done};
    env_pool_run(decision->row->table->env, &assigning->job);
}

void consumer_assign(struct consumer_decision *decision) {
    struct consumer_group *group = decision->group;
    bool stays = decision->epoch == group->assignment_epoch;
    if (stays || group->assigning != NULL || is_too_soon(decision)) {
        keep_target(decision);
        return;
    }
    struct consumer_assignment assignment;
    consumer_assignment_init(&assignment, group, decision->heartbeat->metadata,
                             &decision->candidate);
    assignment_assignor *assignor = assignor_of(group, &decision->candidate);
    bool is_there = group == decision->row->consumer;
    if (assignment.work > WORK_INLINE && is_there && decision->epoch == group->epoch) {
        begin_in_pool(decision, &assignment, assignor);
        keep_target(decision);
        return;
    }
    if (assignment.work > WORK_INLINE && (is_there || group->member_count > 0)) {
        /* The epoch must be committed first: the next heartbeat, which comes soon, begins it. */
        consumer_assignment_close(&assignment);
        keep_target(decision);
        return;
    }
    assignor(&assignment.input, assignment.owner);
    decision->assignment_epoch = decision->epoch;
    add_targets(&decision->batch, group, &assignment, decision->epoch, decision->member_id,
                &decision->made);
    consumer_assignment_close(&assignment);
}
