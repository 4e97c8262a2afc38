/*
 * A row of jobs, one at a time: compare all with the metadata, topics that are gone, what is old.
 * Each walks with a cursor and hands the groups in which something goes to one removal; that ends,
 * and the walk goes on.
 */
#include "broker/coordinator/offsets/offset_sweep.h"

#include <string.h>

#include "base/check.h"
#include "base/container_of.h"
#include "broker/config/interval.h"
#include "broker/coordinator/offsets/offset_removal.h"

#include <utlist.h>

enum { TOPICS_MOST = 1000, RETRY_MS = 5000 };

/* Its name belongs to offsets that have no id. */
struct gone_topic {
    char *name;
    struct kp_uuid id;
    struct gone_topic *next, *prev;
};

struct offset_sweep {
    struct offset_sweep_options options;
    struct env *env;
    bool leading, removing;
    enum { SWEEP_IDLE, SWEEP_COMPARES, SWEEP_TOPIC, SWEEP_AGES } job;
    bool compares, ages; /* wanted */
    struct producer_ids_ask question;
    bool asking, knows; /* the metadata has all that there was when this replica began to lead */
    struct gone_topic *topics;
    uint32_t topic_count;
    struct offset_cursor offsets;
    struct group_cursor groups;
    struct offset_removal removal;
    struct offset_age age;  /* of the group whose turn it is */
    struct topic_set reads; /* of its members, once that was asked; else zeroed */
    bool reads_known;
    struct group *group;
    int64_t leading_wall_ms, now_ms;
    uint64_t leading_ms;
    struct env_task task;
    struct interval check;
    struct env_timer *retry;
};

static void go_on(struct offset_sweep *sweep) {
    if (sweep->leading && !sweep->removing) env_defer(sweep->env, &sweep->task);
}

/* ---- What goes ---- */

static const uint8_t *id_of(const struct committed_offset *offset) {
    return offset->topic_id.bytes;
}

/* By the metadata of now. Of one without an id the name has to do. */
static bool topic_is_missing(const struct offset_sweep *sweep, struct kp_string topic,
                             const struct committed_offset *offset) {
    const struct metadata *metadata = sweep->options.metadata;
    if (!kp_uuid_is_zero(offset->topic_id))
        return metadata_topic_with_id(metadata, id_of(offset)) == NULL;
    return metadata_topic_named(metadata, topic.data, (size_t)topic.len) == NULL;
}

static bool is_of_gone_topic(const struct offset_sweep *sweep, struct kp_string topic,
                             const struct committed_offset *offset) {
    const struct gone_topic *gone = sweep->topics;
    return kp_string_is(topic, gone->name) &&
           (kp_uuid_is_zero(offset->topic_id) || kp_uuid_equal(offset->topic_id, gone->id));
}

static bool is_read(struct offset_sweep *sweep, struct kp_string topic) {
    if (!sweep->reads_known) {
        topic_set_open(&sweep->reads, sweep->options.table->seed);
        sweep->options.rules->reads(sweep->group, &sweep->reads);
        sweep->reads_known = true;
    }
    return topic_set_has(&sweep->reads, topic);
}

/* What is pending will make it young. */
static bool is_old(struct offset_sweep *sweep, struct kp_string topic,
                   const struct committed_offset *offset) {
    const struct offset_age *age = &sweep->age;
    if (age->rule == OFFSETS_STAY) return false;
    if (pending_offsets_find(sweep->group, topic, offset->partition) != NULL) return false;
    int64_t since_ms = age->rule == OFFSETS_AGE_SINCE ? age->since_ms : offset->commit_time_ms;
    if (age->rule == OFFSETS_AGE_BY_LATER_OF && since_ms < age->since_ms) since_ms = age->since_ms;
    int64_t retention_ms = sweep->options.table->settings->offsets_retention_ms;
    bool over = offset->expire_time_ms >= 0 ? sweep->now_ms >= offset->expire_time_ms
                                            : since_ms <= sweep->now_ms - retention_ms;
    return over && (age->rule == OFFSETS_AGE_SINCE || !is_read(sweep, topic));
}

static bool goes(struct offset_removal *removal, struct kp_string topic,
                 const struct committed_offset *offset) {
    struct offset_sweep *sweep = CONTAINER_OF(removal, struct offset_sweep, removal);
    switch (sweep->job) {
    case SWEEP_COMPARES: return topic_is_missing(sweep, topic, offset);
    case SWEEP_TOPIC: return is_of_gone_topic(sweep, topic, offset);
    case SWEEP_AGES: return is_old(sweep, topic, offset);
    case SWEEP_IDLE: break;
    }
    return false;
}

/* The smaller of what the clocks say: one that jumps ahead must not end a week of retention. */
static void look_at_clock(struct offset_sweep *sweep) {
    int64_t passed_ms = (int64_t)(env_now_ms(sweep->env) - sweep->leading_ms);
    int64_t by_progress_ms = sweep->leading_wall_ms + passed_ms, wall_ms = env_wall_ms(sweep->env);
    sweep->now_ms = wall_ms < by_progress_ms ? wall_ms : by_progress_ms;
}

static void begin(struct offset_removal *removal, struct group *group) {
    struct offset_sweep *sweep = CONTAINER_OF(removal, struct offset_sweep, removal);
    if (sweep->job != SWEEP_AGES) return;
    sweep->group = group;
    look_at_clock(sweep);
    sweep->options.rules->age(group, &sweep->age);
}

/* Members may change what they read. */
static void end(struct offset_removal *removal) {
    struct offset_sweep *sweep = CONTAINER_OF(removal, struct offset_sweep, removal);
    topic_set_close(&sweep->reads);
    sweep->reads_known = false;
}

static bool any_goes(struct offset_sweep *sweep, struct group *group,
                     const struct topic_offsets *topic, bool only_this) {
    bool any = false;
    begin(&sweep->removal, group);
    for (; topic != NULL && !any; topic = only_this ? NULL : topic->next)
        for (uint32_t i = 0; i < topic->table.count && !any; i++)
            any = goes(&sweep->removal, topic_offsets_name(topic), &topic->table.items[i]);
    end(&sweep->removal);
    return any;
}

/* ---- Removal ---- */

static void topic_drop(struct offset_sweep *sweep, struct gone_topic *topic) {
    DL_DELETE(sweep->topics, topic);
    sweep->topic_count--;
    mem_free(topic->name);
    mem_free(topic);
}

static void end_job(struct offset_sweep *sweep) {
    if (sweep->job == SWEEP_TOPIC && sweep->topics != NULL) topic_drop(sweep, sweep->topics);
    offset_cursor_close(&sweep->offsets);
    group_cursor_close(&sweep->groups);
    sweep->job = SWEEP_IDLE;
}

/* Topics that are told only once are found by the comparison. */
static void try_later(struct offset_sweep *sweep) {
    sweep->ages |= sweep->job == SWEEP_AGES;
    sweep->compares |= sweep->job != SWEEP_AGES;
    end_job(sweep);
    env_timer_start(sweep->retry, RETRY_MS * 1000ULL);
}

static void removed(struct offset_removal *removal, int16_t error) {
    struct offset_sweep *sweep = CONTAINER_OF(removal, struct offset_sweep, removal);
    sweep->removing = false;
    if (!sweep->leading) return;
    if (error != 0)
        try_later(sweep);
    else
        go_on(sweep);
}

static void remove_from(struct offset_sweep *sweep, struct group *group) {
    sweep->removing = true;
    sweep->removal = (struct offset_removal){.done = removed,
                                             .begin = begin,
                                             .end = end,
                                             .goes = goes,
                                             .and_pending = sweep->job != SWEEP_AGES,
                                             .and_group = sweep->job == SWEEP_AGES,
                                             .rules = sweep->options.rules};
    offset_removal_take(group, &sweep->removal);
}

/* ---- Jobs ---- */

/* Each does one piece; false: the job is over. */
static bool walk_offsets(struct offset_sweep *sweep) {
    const struct topic_offsets *topic = offset_cursor_next(&sweep->offsets);
    if (topic == NULL) return false;
    struct group *group = topic_offsets_group(topic);
    if (any_goes(sweep, group, topic, true)) remove_from(sweep, group);
    return true;
}

/* Behind the offsets: groups with something pending for what is gone. */
static bool walk_pending(struct offset_sweep *sweep) {
    struct group *group = group_cursor_next(&sweep->groups);
    if (group == NULL) return false;
    const struct pending_place *place = group->pending;
    while (place != NULL && !offset_removal_takes(&sweep->removal, place))
        place = place->next;
    if (place != NULL) remove_from(sweep, group);
    return true;
}

static bool walk_groups(struct offset_sweep *sweep) {
    struct group *group = group_cursor_next(&sweep->groups);
    if (group == NULL) return false;
    bool any = any_goes(sweep, group, offset_store_first_topic(group), false);
    bool nothing = offset_store_count_of(group) == 0 && group->pending == NULL;
    if (any || (sweep->age.empty && nothing)) remove_from(sweep, group);
    return true;
}

static bool wants_groups(const struct offset_sweep *sweep) {
    return sweep->job == SWEEP_AGES ||
           pending_offsets_count(offset_store_pending(sweep->options.store)) > 0;
}

static bool begin_job(struct offset_sweep *sweep) {
    if (sweep->compares && !sweep->knows && !sweep->asking) {
        sweep->asking = true;
        sweep->options.ask(sweep->options.ask_arg, &sweep->question);
    }
    if (sweep->compares && sweep->knows) {
        sweep->compares = false;
        sweep->job = SWEEP_COMPARES;
        offset_cursor_open_all(&sweep->offsets, sweep->options.store);
    } else if (sweep->topics != NULL) {
        sweep->job = SWEEP_TOPIC;
        offset_cursor_open_topic(&sweep->offsets, sweep->options.store,
                                 kp_string_of(sweep->topics->name));
    } else if (sweep->ages) {
        sweep->ages = false;
        sweep->job = SWEEP_AGES;
    }
    if (sweep->job != SWEEP_IDLE && wants_groups(sweep))
        group_cursor_open(&sweep->groups, sweep->options.table);
    return sweep->job != SWEEP_IDLE;
}

static void sweep_run(struct env_task *task) {
    struct offset_sweep *sweep = CONTAINER_OF(task, struct offset_sweep, task);
    while (sweep->leading && !sweep->removing) {
        if (sweep->job == SWEEP_IDLE && !begin_job(sweep)) return;
        bool more = sweep->job == SWEEP_AGES ? walk_groups(sweep)
                                             : walk_offsets(sweep) || walk_pending(sweep);
        if (!more) end_job(sweep);
        if (env_turn_is_long(sweep->env)) {
            env_yield(sweep->env, &sweep->task);
            return;
        }
    }
}

/* Whatever had an offset when we began to lead was made before the question was put, and what is
 * made later commits through us: from now on, what the metadata lacks is gone. */
static void answered(struct producer_ids_ask *question, bool known) {
    struct offset_sweep *sweep = CONTAINER_OF(question, struct offset_sweep, question);
    sweep->asking = false;
    sweep->knows = known;
    if (known)
        go_on(sweep);
    else
        env_timer_start(sweep->retry, RETRY_MS * 1000ULL);
}

static void check_is_due(struct interval *interval) {
    struct offset_sweep *sweep = CONTAINER_OF(interval, struct offset_sweep, check);
    sweep->ages = true;
    interval_begin(interval);
    go_on(sweep);
}

static uint64_t check_us(const struct broker_settings *settings) {
    return settings->offsets_check_interval_ms * 1000;
}

static void retry(void *arg) {
    go_on(arg);
}

void offset_sweep_topic_gone(struct offset_sweep *sweep, const char *name,
                             const uint8_t id[METADATA_UUID_SIZE]) {
    if (!sweep->leading) return;
    if (sweep->topic_count == TOPICS_MOST) {
        sweep->compares = true;
        return;
    }
    struct gone_topic *topic = mem_zalloc(sizeof *topic);
    topic->name = mem_strdup(name);
    memcpy(topic->id.bytes, id, sizeof topic->id.bytes);
    DL_APPEND(sweep->topics, topic);
    sweep->topic_count++;
    go_on(sweep);
}

bool offset_sweep_knows_topics(const struct offset_sweep *sweep) {
    return sweep->knows;
}

/* ---- Life ---- */

struct offset_sweep *offset_sweep_new(const struct offset_sweep_options *options) {
    struct offset_sweep *sweep = mem_zalloc(sizeof *sweep);
    sweep->options = *options;
    sweep->env = options->table->env;
    sweep->question.done = answered;
    sweep->removal.goes = goes;
    sweep->task.run = sweep_run;
    interval_open(&sweep->check, sweep->env, options->table->settings, check_us, check_is_due);
    sweep->retry = env_timer_new(sweep->env, retry, sweep);
    return sweep;
}

void offset_sweep_free(struct offset_sweep *sweep) {
    if (sweep == NULL) return;
    CHECK(!sweep->leading && !sweep->removing); /* lost came, and refused what waited */
    interval_close(&sweep->check);
    env_timer_free(sweep->retry);
    mem_free(sweep);
}

void offset_sweep_leading(struct offset_sweep *sweep) {
    sweep->leading = true;
    sweep->leading_ms = env_now_ms(sweep->env);
    sweep->leading_wall_ms = env_wall_ms(sweep->env);
    sweep->compares = true;
    sweep->knows = sweep->ages = false;
    interval_begin(&sweep->check);
    go_on(sweep);
}

void offset_sweep_lost(struct offset_sweep *sweep) {
    sweep->leading = false;
    if (sweep->asking) sweep->options.ask_cancel(sweep->options.ask_arg, &sweep->question);
    sweep->asking = false;
    interval_stop(&sweep->check);
    env_timer_stop(sweep->retry);
    env_defer_cancel(sweep->env, &sweep->task);
    end_job(sweep);
    while (sweep->topics != NULL)
        topic_drop(sweep, sweep->topics);
}
