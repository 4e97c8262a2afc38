/* Reading an image into a new table, and telling how it differs from the one before. */
#include "broker/metadata/image/metadata_restoring.h"

#include <string.h>

#include "base/container_of.h"
#include "base/mem.h"
#include "broker/metadata/image/metadata_image.h"
#include "broker/metadata/metadata_roster.h"

enum { PARTITIONS_A_STEP = 256 };

struct metadata_restoring {
    struct env_task task;
    struct env *env;
    struct metadata *metadata;
    struct metadata *other; /* what is read; behind the exchange, what was */
    struct slice image;
    struct image_reader reader;
    size_t at_step;
    const struct metadata_topic *at; /* the topic that was looked at last; NULL: none was */
    int32_t partition;               /* of it: the next to be told of */
    int error;
    bool left;
    void (*done)(void *arg, int error);
    void *arg;
};

/* ---- Telling: topics ---- */

static bool same_configs(const struct config_set *one, const struct config_set *other) {
    bool same = one->count == other->count;
    for (size_t i = 0; same && i < one->count; i++)
        same = strcmp(one->pairs[i].name, other->pairs[i].name) == 0 &&
               strcmp(one->pairs[i].value, other->pairs[i].value) == 0;
    return same;
}

static bool same_members(const struct metadata_partition *one,
                         const struct metadata_partition *other) {
    bool same = one->plan == other->plan && one->replica_count == other->replica_count &&
                one->leaving_count == other->leaving_count;
    for (size_t i = 0; same && i < metadata_member_count(one); i++)
        same = one->replicas[i].replica == other->replicas[i].replica &&
               one->replicas[i].joining == other->replicas[i].joining;
    return same;
}

static bool has_replica(const struct metadata_partition *partition, replica_id replica) {
    for (size_t i = 0; i < metadata_member_count(partition); i++)
        if (partition->replicas[i].replica == replica) return true;
    return false;
}

static void tell_members(const struct metadata *metadata, const struct metadata_partition *was,
                         const struct metadata_partition *is) {
    if (same_members(was, is)) return;
    metadata_tell_replicas_changed(metadata, is);
    for (size_t i = 0; i < metadata_member_count(was); i++)
        if (!has_replica(is, was->replicas[i].replica))
            metadata_tell_replica_left(metadata, is, &was->replicas[i]);
}

/* A topic that was there stays the same one: its partitions are never fewer. Of one that
 * has many, some are told in each step. */
static void tell_topic(struct metadata_restoring *restoring, const struct metadata_topic *was,
                       const struct metadata_topic *is) {
    const struct metadata *metadata = restoring->metadata;
    int32_t before = was == NULL ? 0 : was->partition_count;
    for (int32_t left = PARTITIONS_A_STEP; restoring->partition < is->partition_count; left--) {
        if (left == 0) return;
        int32_t p = restoring->partition++;
        if (p < before)
            tell_members(metadata, &was->partitions[p], &is->partitions[p]);
        else
            metadata_tell_partition_added(metadata, &is->partitions[p]);
    }
    restoring->partition = 0;
    if (was == NULL)
        metadata_tell_topic_added(metadata, is);
    else if (before < is->partition_count)
        metadata_tell_topic_grown(metadata, is);
    if (was != NULL && !same_configs(&was->configs, &is->configs))
        metadata_tell_configs_changed(metadata, is);
}

static void tell_gone(struct metadata_restoring *restoring, const struct metadata_topic *was) {
    const struct metadata *metadata = restoring->metadata;
    int32_t from = restoring->partition, left = was->partition_count - from;
    if (from == 0) metadata_tell_topic_removed(metadata, was);
    restoring->partition = left > PARTITIONS_A_STEP ? from + PARTITIONS_A_STEP : 0;
    for (int32_t i = 0; i < left && i < PARTITIONS_A_STEP; i++)
        metadata_tell_partition_removed(metadata, &was->partitions[from + i]);
}

/* The topic that is in the middle of being told, or the next of `in`. NULL: that was all. */
static const struct metadata_topic *go_to_topic(struct metadata_restoring *restoring,
                                                const struct metadata *in) {
    if (restoring->partition == 0) restoring->at = metadata_next_topic(in, restoring->at);
    return restoring->at;
}

static bool step_gone_topics(struct metadata_restoring *restoring) {
    const struct metadata_topic *at = go_to_topic(restoring, restoring->other);
    if (at == NULL) return false;
    if (metadata_topic_with_id(restoring->metadata, at->id) == NULL) tell_gone(restoring, at);
    return true;
}

static bool step_topics(struct metadata_restoring *restoring) {
    const struct metadata_topic *at = go_to_topic(restoring, restoring->metadata);
    if (at == NULL) return false;
    tell_topic(restoring, metadata_topic_with_id(restoring->other, at->id), at);
    return true;
}

/* ---- Telling: what else has settings ---- */

static const struct metadata_resource *same_resource(const struct metadata *in,
                                                     const struct metadata_resource *of) {
    return metadata_resource_named(in, of->type, of->name, strlen(of->name));
}

static bool step_resources(struct metadata_restoring *restoring) {
    const struct metadata *is = restoring->metadata, *was = restoring->other;
    const struct metadata_resource *at = NULL, *before;
    while ((at = metadata_resource_after(was, at == NULL ? 0 : at->created)) != NULL) {
        struct metadata_resource gone = *at;
        gone.configs = (struct config_set){0};
        if (same_resource(is, at) == NULL) metadata_tell_resource_changed(is, &gone);
    }
    while ((at = metadata_resource_after(is, at == NULL ? 0 : at->created)) != NULL) {
        before = same_resource(was, at);
        if (before == NULL || !same_configs(&before->configs, &at->configs))
            metadata_tell_resource_changed(is, at);
    }
    return false;
}

/* ---- Telling: who belongs to the cluster ---- */

static bool same_broker(const struct roster_broker *one, const struct roster_broker *other) {
    return one->replica == other->replica && one->port == other->port &&
           one->draining == other->draining && one->votes == other->votes &&
           one->given_up == other->given_up && strcmp(one->host, other->host) == 0 &&
           memcmp(one->directory, other->directory, METADATA_UUID_SIZE) == 0;
}

static bool step_roster(struct metadata_restoring *restoring) {
    const struct metadata *is = restoring->metadata, *was = restoring->other;
    for (size_t i = 0; i < metadata_roster_count(was); i++)
        if (metadata_roster_of(is, metadata_roster_at(was, i)->node) == NULL)
            metadata_tell_roster_changed(is, metadata_roster_at(was, i));
    for (size_t i = 0; i < metadata_roster_count(is); i++) {
        const struct roster_broker *row = metadata_roster_at(is, i),
                                   *before = metadata_roster_of(was, row->node);
        if (before == NULL || !same_broker(before, row)) metadata_tell_roster_changed(is, row);
    }
    return false;
}

/* ---- Reading ---- */

static bool step_reading(struct metadata_restoring *restoring) {
    restoring->error = image_read_part(&restoring->reader);
    if (restoring->error == ERR_NONE) return true;
    if (restoring->error != ERR_EOF) return false;
    restoring->error = ERR_NONE;
    metadata_rows_exchange(restoring->metadata, restoring->other);
    return false;
}

/* ---- What was ---- */

/* All of it at once would keep the loop for longer than a turn may take. */
static bool step_forgetting(struct metadata_restoring *restoring) {
    struct metadata *was = restoring->other;
    const struct metadata_topic *topic = metadata_next_topic(was, NULL);
    if (topic == NULL) return false;
    metadata_rows_forget_some(was, metadata_rows_topic(was, topic->id), PARTITIONS_A_STEP);
    return true;
}

/* ---- All of it ---- */

/* Each does a little; false: that was the last of its kind. */
static bool (*const steps[])(struct metadata_restoring *restoring) = {
    step_reading, step_roster, step_gone_topics, step_topics, step_resources, step_forgetting};
enum { STEPS = sizeof steps / sizeof steps[0], READING = 0, FORGETTING = STEPS - 1 };

static void go_on(struct env_task *task) {
    struct metadata_restoring *restoring = CONTAINER_OF(task, struct metadata_restoring, task);
    while (restoring->at_step < STEPS) {
        if (!steps[restoring->at_step](restoring)) restoring->at_step++;
        if (restoring->error != ERR_NONE && restoring->at_step < FORGETTING)
            restoring->at_step = FORGETTING; /* nobody was told of anything */
        if (!env_turn_is_long(restoring->env)) continue;
        env_yield(restoring->env, task);
        return;
    }
    void (*done)(void *, int) = restoring->done;
    void *arg = restoring->arg;
    int error = restoring->left ? ERR_CANCELED : restoring->error;
    metadata_restoring_end(restoring);
    done(arg, error);
}

struct metadata_restoring *metadata_restoring_begin(struct env *env, struct metadata *metadata,
                                                    struct slice image, log_index index,
                                                    uint64_t seed,
                                                    void (*done)(void *arg, int error), void *arg) {
    struct metadata_restoring *restoring = mem_zalloc(sizeof *restoring);
    restoring->env = env;
    restoring->metadata = metadata;
    restoring->other = metadata_new(0, seed);
    restoring->image = image;
    restoring->reader = (struct image_reader){
        .into = restoring->other, .index = index, .bytes = image.data, .len = image.len};
    restoring->done = done;
    restoring->arg = arg;
    restoring->task.run = go_on;
    env_yield(env, &restoring->task);
    return restoring;
}

bool metadata_restoring_leave(struct metadata_restoring *restoring,
                              void (*done)(void *arg, int error), void *arg) {
    bool exchanged = restoring->at_step > READING && restoring->error == ERR_NONE;
    restoring->left = true;
    if (restoring->at_step == READING) restoring->at_step = FORGETTING;
    restoring->done = done;
    restoring->arg = arg;
    return exchanged;
}

void metadata_restoring_end(struct metadata_restoring *restoring) {
    if (restoring == NULL) return;
    env_defer_cancel(restoring->env, &restoring->task);
    metadata_free(restoring->other);
    slice_unref(&restoring->image);
    mem_free(restoring);
}
