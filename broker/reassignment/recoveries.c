/* A look at all plans, every LOOK_US while there is one; one question to the metadata for all that
 * it finds. */
#include "broker/reassignment/recoveries.h"

#include <inttypes.h>

#include "base/container_of.h"
#include "base/mem.h"

enum { LOOK_US = 200 * 1000, CONFIRM_MS = 10 * 1000 };

struct recoveries {
    struct env *env;
    struct log *log;
    const struct metadata *metadata;
    struct metadata_group *group;
    struct partition_set *partitions;
    struct env_timer *timer;
    bool looking; /* the timer runs */
    size_t next;  /* the plan to begin the next look with */
    struct metadata_submit confirm;
    bool confirming;
};

/* The replica that is here and is to go on alone, and has not done so; NULL: it is none of ours. */
static struct raft_group *group_of(const struct recoveries *all,
                                   const struct metadata_partition *source) {
    if (source->recovery.replica == 0) return NULL;
    struct partition *partition = partition_set_find_group(all->partitions, source->group);
    struct raft_group *group = partition == NULL ? NULL : partition_group(partition);
    if (group == NULL || raft_group_replica(group) != source->recovery.replica ||
        raft_group_is_leading(group))
        return NULL;
    const struct partition_log *log = raft_group_log(group);
    return partition_log_last_index(log) == source->recovery.index ? group : NULL;
}

static void go_on_alone(struct recoveries *all, const struct metadata_partition *source,
                        struct raft_group *group) {
    int error = raft_group_recover(group, source->recovery.term, source->recovery.index, NULL, 0);
    if (error != ERR_NONE)
        log_debug(all->log, "%s-%" PRId32 ": it does not go on with this replica (%s)",
                  source->topic->name, source->index, error_phrase(error));
}

static void look(struct recoveries *all, bool confirmed);

static void on_confirmed(struct metadata_submit *submit, const struct metadata_result *result) {
    struct recoveries *all = CONTAINER_OF(submit, struct recoveries, confirm);
    all->confirming = false;
    if (result->error == 0) look(all, true);
}

/* A change that is only checked: its answer comes when a majority has confirmed who leads the
 * metadata, and our table has what the leader's has. */
static void confirm(struct recoveries *all, const struct metadata_partition *source) {
    struct metadata_change change = {.validate_only = true};
    metadata_command_init(&change.command, COMMAND_REPLICAS_DONE);
    change.command.replicas_done.group = (int64_t)source->group;
    change.command.replicas_done.plan = (int64_t)source->plan;
    all->confirming = true;
    all->confirm.done = on_confirmed;
    metadata_group_submit(all->group, &all->confirm, &change, CONFIRM_MS);
}

static void look(struct recoveries *all, bool confirmed) {
    size_t count = metadata_plan_count(all->metadata);
    for (size_t i = 0; i < count && !env_turn_is_long(all->env); i++) {
        const struct metadata_partition *source = metadata_plan_at(all->metadata,
                                                                   all->next++ % count);
        struct raft_group *group = group_of(all, source);
        if (group == NULL) continue;
        if (confirmed) {
            go_on_alone(all, source, group);
        } else {
            all->next--; /* it is the first, when the answer comes */
            confirm(all, source);
            return;
        }
    }
}

static void look_on(void *arg) {
    struct recoveries *all = arg;
    all->looking = metadata_plan_count(all->metadata) > 0;
    if (!all->looking) return;
    env_timer_start(all->timer, LOOK_US);
    if (!all->confirming) look(all, false);
}

void recoveries_applied(struct recoveries *all) {
    if (all->looking || metadata_plan_count(all->metadata) == 0) return;
    all->looking = true;
    env_timer_start(all->timer, LOOK_US);
}

/* ---- Life ---- */

struct recoveries *recoveries_new(struct env *env, struct log *log, const struct metadata *metadata,
                                  struct metadata_group *group, struct partition_set *partitions) {
    struct recoveries *all = mem_zalloc(sizeof *all);
    *all = (struct recoveries){
        .env = env, .log = log, .metadata = metadata, .group = group, .partitions = partitions};
    all->timer = env_timer_new(env, look_on, all);
    return all;
}

void recoveries_free(struct recoveries *all) {
    if (all == NULL) return;
    if (all->confirming) metadata_group_submit_cancel(&all->confirm);
    env_timer_free(all->timer);
    mem_free(all);
}
