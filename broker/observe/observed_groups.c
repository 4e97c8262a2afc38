/* The groups that are coordinated here, by a cursor over each coordinator: what comes and goes
 * while the walk is under way is counted, or is not. */
#include <string.h>

#include "base/mem.h"
#include "broker/coordinator/consumer/consumer_group.h"
#include "broker/coordinator/serving/group_coordinator.h"
#include "broker/coordinator/serving/group_listing.h"
#include "broker/coordinator/share/share_group.h"
#include "broker/observe/observer_internal.h"

enum { WEIGHT_OF_A_STEP = 256 };

static void count_coordinator(void *arg, void *state) {
    (void)state;
    (*(size_t *)arg)++;
}

static void open_cursor(void *arg, void *state) {
    struct observed_groups *groups = arg;
    group_cursor_open(&groups->cursors[groups->count++], group_coordinator_groups(state));
}

void observe_groups_begin(struct observer *observer) {
    struct observed_groups *groups = &observer->groups;
    size_t count = 0;
    *groups = (struct observed_groups){.most = observer->observed->settings->metrics_groups};
    if (observer->observed->coordinators == NULL) return;
    coordinators_each(observer->observed->coordinators, count_coordinator, &count);
    groups->cursors = mem_zalloc((count + 1) * sizeof *groups->cursors);
    coordinators_each(observer->observed->coordinators, open_cursor, groups);
}

void observe_groups_end(struct observer *observer) {
    for (size_t i = 0; i < observer->groups.count; i++)
        group_cursor_close(&observer->groups.cursors[i]);
    mem_free(observer->groups.cursors);
    observer->groups.cursors = NULL;
    observer->groups.count = 0;
}

static void show_group(struct observer *observer, const struct group *group, uint64_t members) {
    struct observed_groups *groups = &observer->groups;
    struct snapshot *to = observer->snapshot;
    if (groups->named == groups->most) {
        groups->other_members += members;
        groups->other_commits += group->commits;
        groups->other_rebalances += group->rebalances;
        groups->folded++;
        return;
    }
    groups->named++;
    snapshot_text_id name = snapshot_text(to, group->id.data, (size_t)group->id.len);
    snapshot_add1(to, METRIC_GROUP_MEMBERS, (double)members, name);
    snapshot_add1(to, METRIC_GROUP_COMMITS, (double)group->commits, name);
    snapshot_add1(to, METRIC_GROUP_REBALANCES, (double)group->rebalances, name);
    if (group->committed_ms > 0)
        snapshot_add1(to, METRIC_GROUP_LAST_COMMIT, (double)group->committed_ms / 1000, name);
    bool wanted = group->share != NULL && observer->observed->causes != NULL &&
                  groups->shared++ < CAUSES_SHARED_MOST;
    if (wanted) group_causes_want(observer->observed->causes, group->id);
}

static uint64_t members_of(const struct group *group) {
    if (group->consumer != NULL) return group->consumer->member_count;
    return group->share != NULL ? group->share->member_count : group->members;
}

static void count_group(struct observer *observer, const struct group *group) {
    struct group_seen seen;
    if (!group_look(group, &seen)) return;
    for (size_t i = 0; i < GROUP_STATES; i++)
        observer->groups.states[i] += kp_string_is(seen.state, group_state_names[i]);
    show_group(observer, group, members_of(group));
}

bool observe_groups_step(struct observer *observer) {
    struct observed_groups *groups = &observer->groups;
    size_t weight = 0;
    while (groups->at < groups->count && weight < WEIGHT_OF_A_STEP) {
        const struct group *group = group_cursor_next(&groups->cursors[groups->at]);
        if (group == NULL) {
            groups->at++;
            continue;
        }
        /* The state of such a group is that of its members. */
        weight += 1 + (group->consumer == NULL ? 0 : group->consumer->member_count);
        count_group(observer, group);
    }
    return groups->at < groups->count;
}

void observe_groups_show(struct observer *observer) {
    struct snapshot *to = observer->snapshot;
    for (size_t i = 0; i < GROUP_STATES; i++)
        snapshot_add1(to, METRIC_GROUPS, (double)observer->groups.states[i],
                      snapshot_text(to, group_state_names[i], strlen(group_state_names[i])));
    if (observer->groups.folded == 0) return;
    snapshot_text_id other = snapshot_text(to, "(other)", 7);
    snapshot_add1(to, METRIC_GROUP_MEMBERS, (double)observer->groups.other_members, other);
    snapshot_add1(to, METRIC_GROUP_COMMITS, (double)observer->groups.other_commits, other);
    snapshot_add1(to, METRIC_GROUP_REBALANCES, (double)observer->groups.other_rebalances, other);
}
