/* First the partitions, topic after topic by ids that were copied; then what groups have committed
 * for them, as observed_lag.c walks it. */
#include "broker/observe/partition_look.h"

#include <stdio.h>
#include <string.h>

#include "base/container_of.h"
#include "base/mem.h"
#include "storage/log/partition_log.h"

enum { LOOKS_OF_A_STEP = 128 };

/* ---- Texts ---- */

/* `*` is any text, `?` any byte. In time by both lengths. */
static bool matches(const char *glob, const char *name, size_t len) {
    const char *star = NULL;
    size_t at = 0, retry = 0;
    while (at < len) {
        if (*glob == '*') {
            star = ++glob;
            retry = at;
        } else if (*glob == '?' || (*glob != '\0' && *glob == name[at])) {
            glob++;
            at++;
        } else if (star != NULL) {
            glob = star;
            at = ++retry;
        } else {
            return false;
        }
    }
    return glob[strspn(glob, "*")] == '\0';
}

static snapshot_text_id number(struct snapshot *to, int64_t value) {
    char text[24];
    int len = snprintf(text, sizeof text, "%lld", (long long)value);
    return snapshot_text(to, text, (size_t)len);
}

/* ---- Partitions ---- */

static void show_led(struct partition_look *look, const struct partition *partition,
                     const struct metadata_partition *known, snapshot_text_id topic,
                     snapshot_text_id index) {
    struct snapshot *to = look->snapshot;
    struct raft_group *group = partition_group((struct partition *)partition);
    log_index last = partition_log_last_index(raft_group_log(group)), match;
    uint64_t silent_ms;
    snapshot_add2(to, METRIC_PARTITION_LEADER, look->observed->settings->node_id, topic, index);
    snapshot_add2(to, METRIC_PARTITION_TERM, raft_group_term(group), topic, index);
    snapshot_add2(to, METRIC_PARTITION_START_OFFSET, (double)partition_start_offset(partition),
                  topic, index);
    snapshot_add2(to, METRIC_PARTITION_HIGH_WATERMARK, (double)partition_high_watermark(partition),
                  topic, index);
    for (size_t i = 0; i < known->replica_count; i++) {
        const struct metadata_replica *replica = &known->replicas[i];
        if (replica->node == look->observed->settings->node_id ||
            !raft_group_member_progress(group, replica->replica, &match, &silent_ms))
            continue;
        snapshot_add3(to, METRIC_PARTITION_REPLICA_LAG, (double)(last > match ? last - match : 0),
                      topic, index, number(to, replica->node));
    }
}

static void show_partition(struct partition_look *look, const struct metadata_topic *topic,
                           const struct metadata_partition *known) {
    struct partition *partition = partition_set_find_group(look->observed->partitions,
                                                           known->group);
    struct snapshot *to = look->snapshot;
    if (partition == NULL) return;
    if (look->shown == PARTITION_LOOK_MOST) {
        look->folded++;
        return;
    }
    look->shown++;
    snapshot_text_id name = snapshot_text(to, topic->name, strlen(topic->name));
    snapshot_text_id index = number(to, known->index);
    const struct partition_log *log = raft_group_log(partition_group(partition));
    snapshot_add2(to, METRIC_PARTITION_STORED_BYTES, (double)partition_log_committed_bytes(log),
                  name, index);
    if (partition_is_leading(partition)) show_led(look, partition, known, name, index);
}

static bool is_wanted(const struct partition_look *look, const struct metadata_topic *topic) {
    return matches(look->glob, topic->name, strlen(topic->name));
}

/* False: all were looked at. */
static bool look_at_partitions(struct partition_look *look) {
    if (look->observed->partitions == NULL) return false;
    /* A glob may be chosen so that long names take it tens of microseconds each. */
    for (int n = 0; look->topic_at < look->topic_count && n < LOOKS_OF_A_STEP &&
                    (n == 0 || !env_turn_is_long(look->observed->env));
         n++) {
        const struct metadata_topic *topic = metadata_topic_with_id(look->observed->metadata,
                                                                    look->topics[look->topic_at]);
        bool wanted = topic != NULL && (look->partition_at > 0 || is_wanted(look, topic));
        int32_t count = wanted ? topic->partition_count : 0;
        if (look->partition_at < count) {
            show_partition(look, topic, &topic->partitions[look->partition_at++]);
        } else {
            look->partition_at = 0;
            look->topic_at++;
        }
    }
    return look->topic_at < look->topic_count;
}

/* ---- Groups ---- */

static void show_place(void *arg, const struct group_lag *lag) {
    struct partition_look *look = arg;
    struct snapshot *to = look->snapshot;
    if (!lag->known) return;
    if (!look->judged) look->wanted = matches(look->glob, lag->topic.data, (size_t)lag->topic.len);
    look->judged = true;
    if (!look->wanted) return;
    if (look->places_shown == PARTITION_LOOK_MOST) {
        look->places_folded++;
        return;
    }
    look->places_shown++;
    snapshot_text_id group = snapshot_text(to, lag->group.data, (size_t)lag->group.len);
    snapshot_text_id topic = snapshot_text(to, lag->topic.data, (size_t)lag->topic.len);
    snapshot_text_id index = number(to, lag->partition);
    snapshot_add3(to, METRIC_GROUP_PARTITION_LAG_RECORDS, (double)lag->records, group, topic,
                  index);
    snapshot_add3(to, METRIC_GROUP_PARTITION_LAG_SECONDS, (double)lag->age_ms / 1000, group, topic,
                  index);
}

static bool look_at_groups(struct partition_look *look) {
    if (look->walk_at == look->walk_count) return false;
    look->judged = false; /* a call has places of one topic */
    if (!group_lag_next(&look->walks[look->walk_at], show_place, look)) look->walk_at++;
    return look->walk_at < look->walk_count;
}

static void count_coordinator(void *arg, void *state) {
    (void)state;
    (*(size_t *)arg)++;
}

static void open_walk(void *arg, void *state) {
    struct partition_look *look = arg;
    group_lag_open(&look->walks[look->walk_count++], state, look->observed->metadata,
                   look->observed->partitions, look->observed->lag_exchange);
}

/* ---- Life ---- */

static void forget(struct partition_look *look) {
    for (size_t i = 0; i < look->walk_count; i++)
        group_lag_close(&look->walks[i]);
    mem_free(look->walks);
    mem_free(look->topics);
    *look = (struct partition_look){0};
}

static void finish(struct partition_look *look) {
    struct snapshot *snapshot = look->snapshot;
    void (*done)(void *, struct snapshot *) = look->done;
    void *arg = look->arg;
    snapshot_add1(snapshot, METRIC_FOLDED, (double)look->folded,
                  snapshot_text(snapshot, "partitions", 10));
    snapshot_add1(snapshot, METRIC_FOLDED, (double)look->places_folded,
                  snapshot_text(snapshot, "group_partitions", 16));
    forget(look);
    done(arg, snapshot);
    snapshot_unref(snapshot);
}

static void step(struct env_task *task) {
    struct partition_look *look = CONTAINER_OF(task, struct partition_look, step);
    if (look_at_partitions(look) || look_at_groups(look))
        env_yield(look->observed->env, &look->step);
    else
        finish(look);
}

static void copy_topics(struct partition_look *look) {
    const struct metadata *metadata = look->observed->metadata;
    if (metadata == NULL) return;
    look->topics = mem_alloc((metadata_topic_count(metadata) + 1) * sizeof *look->topics);
    for (const struct metadata_topic *topic = NULL;
         (topic = metadata_next_topic(metadata, topic)) != NULL;)
        memcpy(look->topics[look->topic_count++], topic->id, sizeof topic->id);
}

bool partition_look_begin(struct partition_look *look, const struct observed *observed,
                          const char *glob, void (*done)(void *arg, struct snapshot *snapshot),
                          void *arg) {
    size_t count = 0;
    if (look->snapshot != NULL) return false;
    *look = (struct partition_look){.observed = observed,
                                    .done = done,
                                    .arg = arg,
                                    .snapshot = snapshot_new(),
                                    .step.run = step};
    snprintf(look->glob, sizeof look->glob, "%s", glob);
    copy_topics(look);
    if (observed->coordinators != NULL && observed->partitions != NULL) {
        coordinators_each(observed->coordinators, count_coordinator, &count);
        look->walks = mem_zalloc((count + 1) * sizeof *look->walks);
        coordinators_each(observed->coordinators, open_walk, look);
    }
    env_yield(observed->env, &look->step);
    return true;
}

void partition_look_stop(struct partition_look *look) {
    if (look->snapshot == NULL) return;
    env_defer_cancel(look->observed->env, &look->step);
    snapshot_unref(look->snapshot);
    forget(look);
}
