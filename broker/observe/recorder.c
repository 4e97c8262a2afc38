/* A listener of the metadata, a watcher of the partitions, and a timer. */
#include "broker/observe/recorder.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/mem.h"
#include "broker/observe/observer_internal.h"
#include "storage/disk_space.h"

enum { LOOK_US = 250 * 1000, STALL_US = 1000 * 1000 };

/* What was seen of another broker the last time. */
struct seen {
    int32_t node;
    bool fenced, up;
};

struct recorder {
    const struct observed *observed;
    struct metadata *metadata;
    struct timeline *timeline;
    struct metadata_listener listener;
    struct partition_set_watch watch;
    struct env_timer *timer;
    uint64_t looked_us;
    struct seen *seen;
    size_t seen_count, seen_room;
    uint64_t damaged_files, mended_logs;
    bool registered, full;
};

/* `note`: its subject and cause are there as long as the call. */
static void note(struct recorder *recorder, const struct event_note *note) {
    struct env *env = recorder->observed->env;
    timeline_note(recorder->timeline, env_now_ms(env), env_wall_ms(env), note);
}

/* ---- What has a state ---- */

static struct seen *seen_of(struct recorder *recorder, int32_t node) {
    for (size_t i = 0; i < recorder->seen_count; i++)
        if (recorder->seen[i].node == node) return &recorder->seen[i];
    return NULL;
}

static void look_at_broker(struct recorder *recorder, const struct metadata_broker *broker) {
    const struct observed *observed = recorder->observed;
    struct seen now = {broker->node, broker->fenced,
                       peers_is_up(shard_peers(observed->shard), broker->node)};
    struct seen *seen = seen_of(recorder, broker->node);
    if (broker->node == observed->settings->node_id) return;
    if (seen == NULL) {
        recorder->seen = mem_grow(recorder->seen, recorder->seen_count, &recorder->seen_room,
                                  sizeof *recorder->seen);
        recorder->seen[recorder->seen_count++] = now;
        if (recorder->registered)
            note(recorder, &(struct event_note){EVENT_BROKER_NEW, broker->node, "", "", -1, 0});
        return;
    }
    if (recorder->registered && seen->fenced != now.fenced)
        note(recorder, &(struct event_note){now.fenced ? EVENT_BROKER_AWAY : EVENT_BROKER_BACK,
                                            broker->node, "", "", -1, 0});
    if (recorder->registered && seen->up != now.up)
        note(recorder, &(struct event_note){now.up ? EVENT_LINK_BACK : EVENT_LINK_LOST,
                                            broker->node, "", "", -1, 0});
    *seen = now;
}

static void look_at_disk(struct recorder *recorder) {
    bool full = disk_space_is_short(log_store_room(recorder->observed->store), DISK_ROOM_LEADER);
    if (full != recorder->full)
        note(recorder,
             &(struct event_note){full ? EVENT_DISK_FULL : EVENT_DISK_ROOM, -1, "", "", -1, 0});
    recorder->full = full;
}

/* Of several at once one is named. */
static void look_at_damage(struct recorder *recorder) {
    struct shard *shard = recorder->observed->shard;
    struct shard_stats stats;
    shard_stats_get(shard, &stats);
    if (stats.damaged_files != recorder->damaged_files) {
        const struct raft_group *group = shard_damaged_from(shard, 0);
        note(recorder, &(struct event_note){EVENT_DAMAGED, -1, "",
                                            group ? raft_group_label(group) : "", -1, 0});
    }
    if (stats.mended_logs != recorder->mended_logs)
        note(recorder, &(struct event_note){EVENT_MENDED, -1, "", "", -1, 0});
    recorder->damaged_files = stats.damaged_files;
    recorder->mended_logs = stats.mended_logs;
}

/* The timer comes late when the loop stood still, or the process. */
static void look_at_loop(struct recorder *recorder, uint64_t now_us) {
    uint64_t passed_us = now_us - recorder->looked_us;
    if (passed_us >= LOOK_US + STALL_US)
        note(recorder, &(struct event_note){EVENT_STALL, -1, "", "",
                                            (int64_t)((passed_us - LOOK_US) / 1000), 0});
    recorder->looked_us = now_us;
}

static void look(void *arg) {
    struct recorder *recorder = arg;
    const struct observed *observed = recorder->observed;
    look_at_loop(recorder, env_now_us(observed->env));
    log_tell_left_out(observed->log);
    for (size_t i = 0; i < metadata_broker_count(recorder->metadata); i++)
        look_at_broker(recorder, metadata_broker_at(recorder->metadata, i));
    look_at_disk(recorder);
    look_at_damage(recorder);
    if (observed->registered && !recorder->registered)
        note(recorder, &(struct event_note){EVENT_STARTED, -1, "", "", -1, 0});
    recorder->registered = observed->registered;
    env_timer_start(recorder->timer, LOOK_US);
}

/* ---- Leads ---- */

static void note_partition(struct recorder *recorder, struct partition *partition,
                           struct event_note told) {
    char label[PARTITION_LABEL_MAX];
    partition_label(partition_topic(partition), partition_index(partition), label);
    told.subject = label;
    note(recorder, &told);
}

static void on_leading(void *arg, struct partition *partition) {
    struct election_facts facts = raft_group_election(partition_group(partition));
    note_partition(arg, partition,
                   (struct event_note){
                       .kind = EVENT_ELECTED,
                       .node = -1,
                       .cause = election_causes[facts.cause],
                       .took_ms = facts.cause == ELECTION_FIRST ? -1 : (int64_t)facts.took_ms});
}

static void on_lost(void *arg, struct partition *partition) {
    note_partition(
        arg, partition,
        (struct event_note){.kind = EVENT_LEAD_LOST, .node = -1, .cause = "", .took_ms = -1});
}

static void on_in_sync(void *arg, struct partition *partition, int32_t node, bool in_sync) {
    note_partition(arg, partition,
                   (struct event_note){.kind = in_sync ? EVENT_IN_SYNC : EVENT_OUT_OF_SYNC,
                                       .node = node,
                                       .cause = "",
                                       .took_ms = -1});
}

/* ---- Groups ---- */

void recorder_rebalance(struct recorder *recorder, const struct group *group,
                        enum kp_group_event what) {
    static const char *const causes[] = {
        [KP_GROUP_JOINED] = "joined",     [KP_GROUP_CHANGED] = "changed",
        [KP_GROUP_REJOINED] = "rejoined", [KP_GROUP_REPLACED] = "replaced",
        [KP_GROUP_LEFT] = "left",         [KP_GROUP_EXPIRED] = "expired",
        [KP_GROUP_LATE] = "late",         [KP_GROUP_TOPICS] = "topics",
        [KP_GROUP_FAILED] = "failed"};
    char id[TIMELINE_SUBJECT];
    snprintf(id, sizeof id, "%.*s", (int)group->id.len, group->id.data);
    note(recorder, &(struct event_note){EVENT_REBALANCE, -1, causes[what], id, -1, 0});
}

/* ---- What the metadata says ---- */

static void note_news(struct recorder *recorder, enum event_kind kind, const char *cause,
                      const char *subject) {
    if (recorder->observed->registered)
        note(recorder, &(struct event_note){kind, -1, cause, subject, -1,
                                            metadata_version(recorder->metadata)});
}

static void on_topic_added(void *arg, const struct metadata_topic *topic) {
    note_news(arg, EVENT_TOPIC_MADE, "", topic->name);
}

static void on_topic_grown(void *arg, const struct metadata_topic *topic) {
    note_news(arg, EVENT_TOPIC_GROWN, "", topic->name);
}

static void on_topic_removed(void *arg, const struct metadata_topic *topic) {
    note_news(arg, EVENT_TOPIC_GONE, "", topic->name);
}

static void on_configs_changed(void *arg, const struct metadata_topic *topic) {
    note_news(arg, EVENT_CONFIG, "topic", topic->name);
}

static void on_resource_changed(void *arg, const struct metadata_resource *resource) {
    bool broker = resource->type == CONFIG_RESOURCE_BROKER;
    note_news(arg, EVENT_CONFIG,
              broker                                    ? "broker"
              : resource->type == CONFIG_RESOURCE_GROUP ? "group"
                                                        : "logger",
              broker && resource->name[0] == '\0' ? "all brokers" : resource->name);
}

static const struct metadata_events metadata_events = {.topic_added = on_topic_added,
                                                       .topic_grown = on_topic_grown,
                                                       .topic_removed = on_topic_removed,
                                                       .configs_changed = on_configs_changed,
                                                       .resource_changed = on_resource_changed};

/* ---- Life ---- */

struct recorder *recorder_new(const struct observed *observed, struct metadata *metadata,
                              struct timeline *timeline) {
    struct recorder *recorder = mem_zalloc(sizeof *recorder);
    recorder->observed = observed;
    recorder->metadata = metadata;
    recorder->timeline = timeline;
    recorder->listener = (struct metadata_listener){.events = &metadata_events, .arg = recorder};
    recorder->watch = (struct partition_set_watch){on_leading, on_lost, on_in_sync, recorder};
    metadata_listen(metadata, &recorder->listener);
    partition_set_watched_by(observed->partitions, &recorder->watch);
    recorder->timer = env_timer_new(observed->env, look, recorder);
    recorder->looked_us = env_now_us(observed->env);
    env_timer_start(recorder->timer, LOOK_US);
    return recorder;
}

void recorder_free(struct recorder *recorder) {
    if (recorder == NULL) return;
    partition_set_watched_by(recorder->observed->partitions, NULL);
    metadata_unlisten(recorder->metadata, &recorder->listener);
    env_timer_free(recorder->timer);
    mem_free(recorder->seen);
    mem_free(recorder);
}
