/* Walks over the rows of a set, which are in the order in which they came; new ones come last. */
#include <utlist.h>

#include "base/container_of.h"
#include "broker/partition_set/partition_set_internal.h"

static struct partition *next_open(struct partition_walk *walk) {
    while (walk->at != NULL) {
        struct row *row = walk->at;
        walk->at = row->hh.next;
        if (row->state == ROW_OPEN) return row->partition;
    }
    return NULL;
}

static void walk_on(struct env_task *task) {
    struct partition_walk *walk = CONTAINER_OF(task, struct partition_walk, task);
    struct env *env = walk->set->env;
    struct partition *partition;
    while (walk->set != NULL && (partition = next_open(walk)) != NULL) {
        walk->meet(walk, partition); /* it may end the walk */
        if (walk->set == NULL || !env_turn_is_long(env)) continue;
        env_yield(env, task);
        return;
    }
    if (walk->set == NULL) return;
    partition_walk_end(walk);
    if (walk->over != NULL) walk->over(walk);
}

void partition_walk_begin(struct partition_set *set, struct partition_walk *walk) {
    partition_walk_end(walk);
    walk->set = set;
    walk->at = set->rows;
    walk->task.run = walk_on;
    DL_APPEND(set->walks, walk);
    env_yield(set->env, &walk->task);
}

bool partition_walk_is_on(const struct partition_walk *walk) {
    return walk->set != NULL;
}

void partition_walk_end(struct partition_walk *walk) {
    if (walk->set == NULL) return;
    env_defer_cancel(walk->set->env, &walk->task);
    DL_DELETE(walk->set->walks, walk);
    walk->set = NULL;
    walk->at = NULL;
}

void partition_walks_pass(struct partition_set *set, const struct row *row) {
    struct partition_walk *walk;
    DL_FOREACH(set->walks, walk) {
        if (walk->at == row) walk->at = row->hh.next;
    }
}
