/* The walk over the table, and what changes behind it. */
#include "broker/metadata/image/metadata_keeping.h"

#include <string.h>

#include "base/container_of.h"
#include "base/mem.h"
#include "broker/metadata/image/metadata_image.h"

/* A topic or another resource that the walk has met. */
struct met {
    uint64_t created;            /* by which it is found: they are met in this order */
    const struct topic_row *row; /* of a topic: it stays as long as that does */
    struct slice bytes;          /* empty: to be written again */
};

struct mets {
    struct met *items;
    size_t count, room;
    size_t stale;     /* with nothing written */
    size_t look_from; /* none before it is stale */
};

struct metadata_keeping {
    struct env_task task;
    struct env *env;
    struct metadata *metadata;
    struct metadata_listener listener;
    const struct metadata_topic *next; /* to be met; NULL: all have been, or */
    bool begun;                        /* ... none yet */
    struct mets topics, resources;
    uint64_t last_resource; /* `created` of the last one that was met */
    bool all_resources;
    void (*done)(void *arg, struct slice *parts, size_t count);
    void *arg;
};

/* ---- What was met ---- */

static struct met *meet(struct mets *mets, uint64_t created) {
    mets->items = mem_grow(mets->items, mets->count, &mets->room, sizeof *mets->items);
    struct met *met = &mets->items[mets->count++];
    *met = (struct met){.created = created};
    return met;
}

static struct met *meet_topic(struct mets *mets, const struct metadata_topic *topic) {
    struct met *met = meet(mets, topic->created);
    met->row = (const struct topic_row *)topic; /* its first field */
    return met;
}

/* NULL: it was not met. */
static struct met *find(const struct mets *mets, uint64_t created) {
    size_t low = 0, high = mets->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (mets->items[middle].created < created)
            low = middle + 1;
        else
            high = middle;
    }
    return low < mets->count && mets->items[low].created == created ? &mets->items[low] : NULL;
}

static void spoil(struct mets *mets, struct met *met) {
    size_t place = (size_t)(met - mets->items);
    if (met->bytes.len == 0) return;
    slice_unref(&met->bytes);
    met->bytes = (struct slice){0};
    mets->stale++;
    if (place < mets->look_from) mets->look_from = place;
}

static void forget(struct mets *mets, struct met *met) {
    size_t place = (size_t)(met - mets->items);
    if (met->bytes.len == 0) mets->stale--;
    slice_unref(&met->bytes);
    memmove(met, met + 1, (--mets->count - place) * sizeof *met);
    if (place < mets->look_from) mets->look_from--;
}

static void drop_all(struct mets *mets) {
    for (size_t i = 0; i < mets->count; i++)
        slice_unref(&mets->items[i].bytes);
    mem_free(mets->items);
    *mets = (struct mets){0};
}

/* ---- What changes meanwhile ---- */

/* Behind the walk it is written again; one that is made when the walk is over is met at once. */
static void on_topic(void *arg, const struct metadata_topic *topic) {
    struct metadata_keeping *keeping = arg;
    struct mets *topics = &keeping->topics;
    struct met *met = find(topics, topic->created);
    if (met != NULL) {
        spoil(topics, met);
    } else if (keeping->begun && keeping->next == NULL) {
        meet_topic(topics, topic);
        topics->stale++;
    }
}

static void on_partition(void *arg, const struct metadata_partition *partition) {
    on_topic(arg, partition->topic);
}

/* Told before it goes. */
static void on_topic_removed(void *arg, const struct metadata_topic *topic) {
    struct metadata_keeping *keeping = arg;
    struct met *met = find(&keeping->topics, topic->created);
    if (met != NULL) forget(&keeping->topics, met);
    if (keeping->next == topic) keeping->next = metadata_next_topic(keeping->metadata, topic);
}

/* They are small: one that was met is written again at once. */
static void on_resource(void *arg, const struct metadata_resource *resource) {
    struct metadata_keeping *keeping = arg;
    struct mets *resources = &keeping->resources;
    struct met *met = find(resources, resource->created);
    if (resource->configs.count == 0) {
        if (met != NULL) forget(resources, met);
        return;
    }
    if (met == NULL && !keeping->all_resources) return; /* the walk comes to it */
    if (met == NULL) met = meet(resources, resource->created);
    slice_unref(&met->bytes);
    met->bytes = image_of_resource(resource);
}

static const struct metadata_events events = {.topic_added = on_topic,
                                              .topic_grown = on_topic,
                                              .configs_changed = on_topic,
                                              .topic_removed = on_topic_removed,
                                              .replicas_changed = on_partition,
                                              .resource_changed = on_resource};

/* ---- Steps ---- */

/* Each of these does a little; false: there is nothing of its kind to do. */

static bool walk_topics(struct metadata_keeping *keeping) {
    if (!keeping->begun) {
        keeping->begun = true;
        keeping->next = metadata_next_topic(keeping->metadata, NULL);
    }
    const struct metadata_topic *topic = keeping->next;
    if (topic == NULL) return false;
    struct met *met = meet_topic(&keeping->topics, topic);
    met->bytes = image_of_topic(met->row);
    keeping->next = metadata_next_topic(keeping->metadata, topic);
    return true;
}

static bool walk_resources(struct metadata_keeping *keeping) {
    if (keeping->all_resources) return false;
    const struct metadata_resource *resource = metadata_resource_after(keeping->metadata,
                                                                       keeping->last_resource);
    keeping->all_resources = resource == NULL;
    if (resource == NULL) return false;
    keeping->last_resource = resource->created;
    meet(&keeping->resources, resource->created)->bytes = image_of_resource(resource);
    return true;
}

static bool write_again(struct metadata_keeping *keeping) {
    struct mets *topics = &keeping->topics;
    if (topics->stale == 0) return false;
    while (topics->items[topics->look_from].bytes.len > 0)
        topics->look_from++;
    struct met *met = &topics->items[topics->look_from];
    met->bytes = image_of_topic(met->row); /* on_topic_removed has forgotten those that went */
    topics->stale--;
    return true;
}

/* ---- All of it ---- */

struct parts {
    struct slice *items;
    size_t count, room;
};

static void put(struct parts *parts, struct slice part) {
    parts->items = mem_grow(parts->items, parts->count, &parts->room, sizeof *parts->items);
    parts->items[parts->count++] = part;
}

static void take(struct parts *parts, struct mets *mets) {
    for (size_t i = 0; i < mets->count; i++) {
        put(parts, mets->items[i].bytes);
        mets->items[i].bytes = (struct slice){0};
    }
}

static void finish(struct metadata_keeping *keeping) {
    const struct metadata *metadata = keeping->metadata;
    struct parts parts = {0};
    put(&parts, image_of_head(metadata));
    for (size_t i = 0; i < metadata->broker_count; i++)
        put(&parts, image_of_broker(metadata->brokers[i]));
    put(&parts, image_of_roster(metadata));
    put(&parts, image_of_retired(metadata));
    take(&parts, &keeping->topics);
    take(&parts, &keeping->resources);
    put(&parts, image_of_requests(&metadata->resources));
    put(&parts, image_of_plans(metadata));
    if (metadata->feature_count > 0) put(&parts, image_of_features(metadata));
    if (metadata->users.has_secret) put(&parts, image_of_users(metadata));
    if (metadata->rules.changed > 0) put(&parts, image_of_acls(metadata));
    if (metadata->quotas.changed > 0) put(&parts, image_of_quotas(metadata));
    void (*done)(void *, struct slice *, size_t) = keeping->done;
    void *arg = keeping->arg;
    metadata_keeping_end(keeping);
    done(arg, parts.items, parts.count);
}

static void keep_some(struct env_task *task) {
    struct metadata_keeping *keeping = CONTAINER_OF(task, struct metadata_keeping, task);
    while (walk_topics(keeping) || walk_resources(keeping) || write_again(keeping)) {
        if (!env_turn_is_long(keeping->env)) continue;
        env_yield(keeping->env, task);
        return;
    }
    finish(keeping);
}

struct metadata_keeping *metadata_keeping_begin(struct env *env, struct metadata *metadata,
                                                void (*done)(void *arg, struct slice *parts,
                                                             size_t count),
                                                void *arg) {
    struct metadata_keeping *keeping = mem_zalloc(sizeof *keeping);
    keeping->env = env;
    keeping->metadata = metadata;
    keeping->done = done;
    keeping->arg = arg;
    keeping->task.run = keep_some;
    keeping->listener = (struct metadata_listener){.events = &events, .arg = keeping};
    metadata_listen(metadata, &keeping->listener);
    env_yield(env, &keeping->task);
    return keeping;
}

void metadata_keeping_end(struct metadata_keeping *keeping) {
    if (keeping == NULL) return;
    env_defer_cancel(keeping->env, &keeping->task);
    metadata_unlisten(keeping->metadata, &keeping->listener);
    drop_all(&keeping->topics);
    drop_all(&keeping->resources);
    mem_free(keeping);
}
