/* How far the groups that are coordinated here are behind, topic after topic: a walk over what each
 * coordinator knows of commits. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "broker/coordinator/serving/group_coordinator.h"
#include "broker/observe/observer_internal.h"
#include "broker/partition_set/partition_settings.h"

enum { PARTITIONS_OF_A_STEP = 128 };

static double larger(double one, double other) {
    return other > one ? other : one;
}

static void count_coordinator(void *arg, void *state) {
    (void)state;
    (*(size_t *)arg)++;
}

/* The tally may have closed since the walk began. */
static const struct lag_ends *ends_of(void *arg, const struct metadata_topic *topic,
                                      int32_t *count) {
    const struct observer *observer = arg;
    *count = 0;
    if (observer->observed->tally == NULL) return NULL;
    return tally_ends(observer->observed->tally, topic, count);
}

static void open_walk(void *arg, void *state) {
    struct observer *observer = arg;
    struct observed_lag *lag = &observer->lag;
    struct group_lag_walk *walk = &lag->walks[lag->count++];
    group_lag_open(walk, state, observer->observed->metadata, observer->observed->partitions,
                   observer->observed->lag_exchange);
    walk->ends_of = ends_of;
    walk->ends_arg = observer;
}

void observe_lag_begin(struct observer *observer) {
    struct observed_lag *lag = &observer->lag;
    const struct observed *observed = observer->observed;
    size_t count = 0;
    *lag = (struct observed_lag){.most = observed->settings->metrics_groups,
                                 .began_ms = env_now_ms(observed->env)};
    if (observed->coordinators == NULL || observed->partitions == NULL) return;
    coordinators_each(observed->coordinators, count_coordinator, &count);
    lag->walks = mem_zalloc((count + 1) * sizeof *lag->walks);
    coordinators_each(observed->coordinators, open_walk, observer);
}

void observe_lag_end(struct observer *observer) {
    for (size_t i = 0; i < observer->lag.count; i++)
        group_lag_close(&observer->lag.walks[i]);
    mem_free(observer->lag.walks);
    observer->lag.walks = NULL;
    observer->lag.count = 0;
}

static void add_partition(void *arg, const struct group_lag *seen) {
    struct topic_lag *topic = arg;
    double age_s = (double)seen->age_ms / 1000;
    topic->partitions++;
    topic->unknown += !seen->known;
    if (!seen->known) return;
    topic->records += (double)seen->records;
    topic->missed += (double)seen->lost;
    topic->seconds = larger(topic->seconds, age_s);
}

/* What retention takes next that was not read, if it takes anything by its age. */
static double retention_left(const struct observer *observer, const struct group_lag_walk *walk) {
    const struct topic_lag *topic = &observer->lag.topic;
    struct partition_settings settings;
    const struct metadata_topic *known = metadata_topic_named(
        observer->observed->metadata, walk->topic.data, (size_t)walk->topic.len);
    if (known == NULL || topic->records == 0) return NAN;
    partition_settings_of(observer->observed->settings, known, &settings);
    if (!settings.cleanup_delete || settings.retention_ms < 0) return NAN;
    return larger(0, (double)settings.retention_ms / 1000 - topic->seconds);
}

static void show(struct observer *observer, const struct group_lag_walk *walk) {
    struct observed_lag *lag = &observer->lag;
    const struct topic_lag *topic = &lag->topic;
    struct snapshot *to = observer->snapshot;
    double left = retention_left(observer, walk);
    if (topic->unknown > 0 || topic->partitions == 0) return;
    if (lag->named == lag->most) {
        lag->other_records += topic->records;
        lag->other_missed += topic->missed;
        lag->other_seconds = larger(lag->other_seconds, topic->seconds);
        lag->folded++;
        return;
    }
    lag->named++;
    snapshot_text_id group = snapshot_text(to, walk->group.data, (size_t)walk->group.len),
                     name = snapshot_text(to, walk->topic.data, (size_t)walk->topic.len);
    snapshot_add2(to, METRIC_GROUP_LAG_RECORDS, topic->records, group, name);
    snapshot_add2(to, METRIC_GROUP_LAG_SECONDS, topic->seconds, group, name);
    snapshot_add2(to, METRIC_GROUP_RECORDS_MISSED, topic->missed, group, name);
    if (!isnan(left)) snapshot_add2(to, METRIC_GROUP_RETENTION_LEFT, left, group, name);
    if (topic->seconds * 1000 >= CAUSE_WINDOW_MS / 4.0 && observer->observed->causes != NULL)
        group_causes_want(observer->observed->causes, walk->group);
}

bool observe_lag_step(struct observer *observer) {
    struct observed_lag *lag = &observer->lag;
    uint64_t partitions = 0;
    while (lag->at < lag->count && partitions < PARTITIONS_OF_A_STEP) {
        struct group_lag_walk *walk = &lag->walks[lag->at];
        if (group_lag_begins(walk)) lag->topic = (struct topic_lag){.partitions = 0};
        uint64_t before = lag->topic.partitions;
        if (!group_lag_next(walk, add_partition, &lag->topic)) {
            lag->at++;
            continue;
        }
        partitions += 1 + lag->topic.partitions - before;
        if (walk->ends) show(observer, walk);
    }
    return lag->at < lag->count;
}

static void show_cause(void *arg, struct kp_string group, const char *cause) {
    struct snapshot *to = arg;
    snapshot_add2(to, METRIC_GROUP_CAUSE, 1, snapshot_text(to, group.data, (size_t)group.len),
                  snapshot_text(to, cause, strlen(cause)));
}

void observe_lag_show(struct observer *observer) {
    struct observed_lag *lag = &observer->lag;
    struct snapshot *to = observer->snapshot;
    snapshot_text_id other = snapshot_text(to, "(other)", 7);
    if (lag->folded > 0) {
        snapshot_add2(to, METRIC_GROUP_LAG_RECORDS, lag->other_records, other, other);
        snapshot_add2(to, METRIC_GROUP_LAG_SECONDS, lag->other_seconds, other, other);
        snapshot_add2(to, METRIC_GROUP_RECORDS_MISSED, lag->other_missed, other, other);
    }
    snapshot_add1(to, METRIC_FOLDED, (double)lag->folded, snapshot_text(to, "groups", 6));
    if (observer->observed->causes != NULL)
        group_causes_each(observer->observed->causes, lag->began_ms, show_cause, to);
}
