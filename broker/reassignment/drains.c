/* The walk over all partitions, some in each turn, and the one plan that is being submitted. */
#include "broker/reassignment/drains.h"

#include <inttypes.h>
#include <string.h>

#include "base/container_of.h"
#include "base/mem.h"
#include "broker/metadata/metadata_roster.h"
#include "broker/placement/placement.h"

enum {
    LOOK_US = 200 * 1000,
    PARTITIONS_A_LOOK = 2000,
    SUBMIT_MS = 10 * 1000,
    VOTERS_LEFT_MIN = 3 /* on the metadata: of fewer none goes before another one comes */
};

struct drains {
    struct env *env;
    struct log *log;
    const struct metadata *metadata;
    struct metadata_group *group;
    struct env_timer *timer;
    bool looking; /* the timer runs */
    /* Where the walk goes on: behind that topic (the index by which it was made), at that
     * partition. */
    uint64_t topic;
    int32_t partition;
    struct metadata_submit submit;
    bool submitting;
    /* Those that drain, as they were when this broker first saw it. */
    struct drain_begin {
        int32_t node;
        uint32_t replicas;
        uint64_t at_ms;
    } *begins;
    size_t begin_count;
};

/* ---- Choosing ---- */

static bool is_draining(const struct drains *drains, int32_t node) {
    const struct roster_broker *broker = metadata_roster_of(drains->metadata, node);
    return broker != NULL && broker->draining;
}

static bool is_fenced(const struct drains *drains, int32_t node) {
    const struct metadata_broker *broker = metadata_broker_of(drains->metadata, node);
    return broker == NULL || broker->fenced;
}

/* A plan by which a replica leaves a broker that drains. */
static bool is_of_drain(const struct drains *drains, const struct metadata_partition *partition) {
    for (size_t i = partition->replica_count; i < metadata_member_count(partition); i++)
        if (is_draining(drains, partition->replicas[i].node)) return true;
    return false;
}

/* Of those that are to be: it is where it drains; or a newcomer that does not come, for whom
 * another one is found. */
static bool must_go(const struct drains *drains, const struct metadata_partition *partition,
                    size_t place) {
    const struct metadata_replica *replica = &partition->replicas[place];
    return is_draining(drains, replica->node) ||
           (replica->joining && is_fenced(drains, replica->node) && is_of_drain(drains, partition));
}

static size_t count_leavers(const struct drains *drains,
                            const struct metadata_partition *partition) {
    size_t count = 0;
    for (size_t i = 0; i < partition->replica_count; i++)
        count += must_go(drains, partition, i);
    return count;
}

/* Who may take a replica. */
static size_t takers(const struct drains *drains, struct placement_broker *into) {
    size_t count = 0;
    for (size_t i = 0; i < metadata_broker_count(drains->metadata); i++) {
        const struct metadata_broker *broker = metadata_broker_at(drains->metadata, i);
        if (broker->fenced || is_draining(drains, broker->node)) continue;
        struct metadata_load load = metadata_load_of(drains->metadata, broker->node);
        into[count++] = (struct placement_broker){.node = broker->node,
                                                  .rack = broker->rack,
                                                  .leaders = load.leaders,
                                                  .replicas = load.replicas};
    }
    return count;
}

/* The list with others in the place of all who are to go; false: there are too few. */
static bool plan_nodes(const struct drains *drains, const struct metadata_partition *partition,
                       int32_t nodes[METADATA_REPLICAS_MAX]) {
    size_t brokers = metadata_broker_count(drains->metadata);
    struct placement_broker *others = mem_alloc((brokers + 1) * sizeof *others);
    size_t count = takers(drains, others), kept = partition->replica_count;
    bool found = true;
    for (size_t i = 0; i < kept; i++)
        nodes[i] = partition->replicas[i].node;
    for (size_t i = 0; found && i < kept; i++) {
        if (!must_go(drains, partition, i)) continue;
        size_t at = placement_another(others, count, nodes, kept, i);
        found = at < count;
        if (!found) continue;
        others[at].replicas++;
        nodes[i] = others[at].node;
    }
    mem_free(others);
    return found;
}

/* ---- The vote on the metadata ---- */

struct voters {
    int32_t items[ROSTER_MAX];
    size_t count;
};

/* Who is to vote (`nodes`), and who does (`former`): another broker in the place of one that
 * drains, or fewer where all others vote already. False: nobody is to go, or too few would stay. */
static bool plan_voters(const struct drains *drains, struct voters *nodes, struct voters *former) {
    size_t leaver = ROSTER_MAX;
    nodes->count = 0;
    for (size_t i = 0; i < metadata_roster_count(drains->metadata); i++) {
        const struct roster_broker *row = metadata_roster_at(drains->metadata, i);
        if (!row->votes) continue;
        if (row->draining) leaver = nodes->count;
        nodes->items[nodes->count++] = row->node;
    }
    *former = *nodes;
    if (leaver == ROSTER_MAX) return false;
    size_t brokers = metadata_broker_count(drains->metadata);
    struct placement_broker *others = mem_alloc((brokers + 1) * sizeof *others);
    size_t count = takers(drains, others);
    size_t at = placement_another(others, count, nodes->items, nodes->count, leaver);
    bool comes = at < count, may_go = comes || nodes->count > VOTERS_LEFT_MIN;
    if (may_go) nodes->items[leaver] = comes ? others[at].node : nodes->items[--nodes->count];
    mem_free(others);
    return may_go;
}

/* ---- Planning ---- */

static void on_submitted(struct metadata_submit *submit, const struct metadata_result *result) {
    struct drains *drains = CONTAINER_OF(submit, struct drains, submit);
    drains->submitting = false;
    if (result->error != 0)
        log_debug(drains->log, "what a broker holds stays where it is drained: %s",
                  result->message);
}

static void submit_plan(struct drains *drains, const struct metadata_partition *partition,
                        int32_t *nodes) {
    struct metadata_change change = {.validate_only = false};
    metadata_command_init(&change.command, COMMAND_SET_REPLICAS);
    struct command_set_replicas *command = &change.command.set_replicas;
    memcpy(command->id.bytes, partition->topic->id, sizeof partition->topic->id);
    command->partition = partition->index;
    command->same_count = true;
    command->nodes.items = nodes;
    command->nodes.count = (int32_t)partition->replica_count;
    env_random(drains->env, command->request.bytes, sizeof command->request.bytes);
    drains->submitting = true;
    drains->submit.done = on_submitted;
    metadata_group_submit(drains->group, &drains->submit, &change, SUBMIT_MS);
}

/* True: it is being submitted. */
static bool look_at_voters(struct drains *drains) {
    struct voters nodes, former;
    struct metadata_change change = {.validate_only = false};
    if (!plan_voters(drains, &nodes, &former)) return false;
    metadata_command_init(&change.command, COMMAND_SET_VOTERS);
    struct command_set_voters *command = &change.command.set_voters;
    command->nodes.items = nodes.items;
    command->nodes.count = (int32_t)nodes.count;
    command->former.items = former.items;
    command->former.count = (int32_t)former.count;
    drains->submitting = true;
    drains->submit.done = on_submitted;
    metadata_group_submit(drains->group, &drains->submit, &change, SUBMIT_MS);
    return true;
}

/* True: a plan is being submitted. */
static bool look_at(struct drains *drains, const struct metadata_partition *partition) {
    int32_t nodes[METADATA_REPLICAS_MAX];
    bool new = partition->plan == 0;
    if (new && metadata_plan_count(drains->metadata) >= DRAIN_PLANS_MAX) return false;
    if (count_leavers(drains, partition) == 0 || !plan_nodes(drains, partition, nodes))
        return false;
    submit_plan(drains, partition, nodes);
    return true;
}

/* ---- Walking ---- */

static const struct metadata_topic *topic_at(const struct drains *drains) {
    const struct metadata_topic *topic = NULL;
    while ((topic = metadata_next_topic(drains->metadata, topic)) != NULL)
        if (topic->created >= drains->topic) return topic;
    return NULL;
}

static void walk(struct drains *drains) {
    const struct metadata_topic *topic = topic_at(drains);
    for (int32_t left = PARTITIONS_A_LOOK; left > 0 && topic != NULL; left--) {
        if (topic->created != drains->topic) {
            drains->topic = topic->created;
            drains->partition = 0;
        }
        if (drains->partition >= topic->partition_count) {
            topic = metadata_next_topic(drains->metadata, topic);
            continue;
        }
        if (look_at(drains, &topic->partitions[drains->partition++])) return;
    }
    if (topic == NULL) drains->topic = 0; /* from the beginning, at the next look */
}

static bool anybody_drains(const struct drains *drains) {
    for (size_t i = 0; i < metadata_roster_count(drains->metadata); i++) {
        const struct roster_broker *broker = metadata_roster_at(drains->metadata, i);
        if (broker->draining &&
            (broker->votes || metadata_load_of(drains->metadata, broker->node).replicas > 0))
            return true;
    }
    return false;
}

/* ---- How far it is ---- */

static const struct drain_begin *begin_of(const struct drains *drains, int32_t node) {
    for (size_t i = 0; i < drains->begin_count; i++)
        if (drains->begins[i].node == node) return &drains->begins[i];
    return NULL;
}

static void note_begins(struct drains *drains) {
    size_t rows = metadata_roster_count(drains->metadata), count = 0;
    struct drain_begin *begins = mem_alloc((rows + 1) * sizeof *begins);
    for (size_t i = 0; i < rows; i++) {
        const struct roster_broker *row = metadata_roster_at(drains->metadata, i);
        const struct drain_begin *begin = begin_of(drains, row->node);
        if (!row->draining) continue;
        begins[count++] =
            begin != NULL ? *begin
                          : (struct drain_begin){
                                .node = row->node,
                                .replicas = metadata_load_of(drains->metadata, row->node).replicas,
                                .at_ms = env_now_ms(drains->env)};
    }
    mem_free(drains->begins);
    drains->begins = begins;
    drains->begin_count = count;
}

/* Also where others are to vote in its place, and do not yet. */
static bool votes(const struct drains *drains, const struct roster_broker *row) {
    const struct raft_group *group = metadata_group_raft(drains->group);
    struct raft_group_configuration now = {.count = 0};
    bool votes = row->votes;
    if (group != NULL) raft_group_configuration(group, &now); /* it is open */
    for (size_t i = 0; i < now.count; i++)
        votes = votes || (now.servers[i].replica == row->replica && now.servers[i].voter);
    return votes;
}

bool drains_progress(const struct drains *drains, int32_t node, struct drain_progress *progress) {
    const struct roster_broker *row = metadata_roster_of(drains->metadata, node);
    const struct drain_begin *begin = begin_of(drains, node);
    if (row == NULL || !row->draining) return false;
    *progress = (struct drain_progress){
        .replicas = metadata_load_of(drains->metadata, node).replicas,
        .votes = votes(drains, row),
        .left_s = -1};
    if (progress->replicas == 0) progress->left_s = 0;
    if (begin == NULL || begin->replicas <= progress->replicas) return true;
    uint64_t passed_ms = env_now_ms(drains->env) - begin->at_ms;
    uint64_t left_ms = passed_ms * progress->replicas / (begin->replicas - progress->replicas);
    progress->left_s = (int64_t)((left_ms + 999) / 1000);
    return true;
}

/* ---- Looking ---- */

static void on_look(void *arg) {
    struct drains *drains = arg;
    note_begins(drains);
    drains->looking = metadata_group_is_leading(drains->group) && anybody_drains(drains);
    if (!drains->looking) return;
    env_timer_start(drains->timer, LOOK_US);
    if (!drains->submitting && !look_at_voters(drains)) walk(drains);
}

void drains_look(struct drains *drains) {
    if (drains->looking) return;
    drains->looking = true;
    env_timer_start(drains->timer, 0);
}

/* ---- Life ---- */

struct drains *drains_new(struct env *env, struct log *log, const struct metadata *metadata,
                          struct metadata_group *group) {
    struct drains *drains = mem_zalloc(sizeof *drains);
    *drains = (struct drains){.env = env, .log = log, .metadata = metadata, .group = group};
    drains->timer = env_timer_new(env, on_look, drains);
    return drains;
}

void drains_free(struct drains *drains) {
    if (drains == NULL) return;
    if (drains->submitting) metadata_group_submit_cancel(&drains->submit);
    env_timer_free(drains->timer);
    mem_free(drains->begins);
    mem_free(drains);
}
