/* Which log is mended or read next, and the entries that it lacks. */
#include "broker/healing/healer.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/container_of.h"
#include "base/mem.h"
#include "broker/config/topic_name.h"
#include "broker/healing/entry_exchange.h"
#include "broker/healing/further_exchange.h"
#include "broker/healing/range_exchange.h"
#include "broker/healing/scrub_place.h"
#include "broker/healing/state_exchange.h"
#include "broker/healing/wound_healer.h"
#include "storage/log/log_healing.h"
#include "storage/segment/segment_format.h"

enum {
    LOOK_US = 500 * 1000,
    NEXT_US = 10 * 1000,          /* between rounds */
    AGAIN_MS = 5 * 1000,          /* behind a round of all that was damaged, */
    SOON_MS = 200,                /* ... of which some waits for something that was given */
    BYTES_PER_SECOND = 256 << 20, /* of mending: others want the disk, too */
    SCRUB_BYTES = 16 << 20,       /* of one round of the scrub, and what a segment has beyond */
    KEEP_MS = 10 * 1000,          /* the place of the scrub is kept so often at most */
};

struct healer {
    struct env *env;
    struct log *log;
    const struct broker_settings *settings;
    struct shard *shard;
    const struct metadata *metadata;
    struct partition_set *partitions;
    struct entry_exchange *exchange;
    struct env_timer *timer;
    uint64_t seen;              /* damaged files, as the shard counts them */
    bool some_left;             /* the last round over all left damage, */
    uint64_t again_ms;          /* ... which is looked at again then */
    bool mending;               /* a round over all that is damaged is under way, */
    uint64_t next;              /* ... and goes on with the group from there on */
    struct log_healing healing; /* of `group`, while its round is not NULL */
    uint64_t group;
    struct wound_healer wound; /* of a log that is not open */
    struct entry_ask ask;
    struct range_exchange *ranges;
    struct range_ask range;
    log_index range_first; /* of the range that is asked for, */
    size_t range_at;       /* ... of this one of the members */
    int32_t from;          /* who gave the last entry; -1: nobody */
    struct state_exchange *states;
    struct place_exchange *places;
    struct state_ask state;
    struct further_exchange *furthers;
    struct further_ask further;
    bool soon; /* a state or a further entry was given: what waits for it goes on with that */
    struct log_limiter limiter;
    bool scrubbing; /* the round is one of the scrub */
    struct scrub_place place;
    struct scrub_file *file;
    uint64_t kept_ms;
};

static void look_in(struct healer *healer, uint64_t us) {
    env_timer_start(healer->timer, us);
}

/* ---- What is lacking ---- */

static bool on_entry(struct entry_ask *ask, int error, struct entry *entry, int32_t node) {
    struct healer *healer = CONTAINER_OF(ask, struct healer, ask);
    if (error) {
        log_healing_give_up(&healer->healing);
        return true;
    }
    error = log_healing_give(&healer->healing, entry);
    entry_unref(entry);
    if (!error) healer->from = node;
    return !error;
}

/* ---- A range of entries, of a segment that is written again ---- */

static void on_range(struct range_ask *ask, struct entry *const *entries, size_t count,
                     bool through) {
    struct healer *healer = CONTAINER_OF(ask, struct healer, range);
    healer->from = ask->node;
    log_healing_give_range(&healer->healing, entries, count, through);
}

static void on_range_failed(struct range_ask *ask) {
    struct healer *healer = CONTAINER_OF(ask, struct healer, range);
    healer->range_at++;
    log_healing_range_again(&healer->healing);
}

static void ask_for_range(struct healer *healer, const struct log_lack *lack, const int32_t *nodes,
                          size_t count) {
    if (!lack->begins) {
        range_ask_more(&healer->range);
        return;
    }
    range_ask_cancel(&healer->range);
    if (healer->range_first != lack->index) healer->range_at = 0;
    healer->range_first = lack->index;
    if (healer->range_at < count) {
        range_ask_begin(healer->ranges, &healer->range, nodes[healer->range_at], healer->group,
                        lack->index, lack->last);
        return;
    }
    healer->range_at = 0;
    log_healing_give_up(&healer->healing);
}

/* ---- What the appliers of a log should know, which cannot read on ---- */

static bool wants_state(struct state_ask *ask, log_index index, log_term term) {
    struct healer *healer = CONTAINER_OF(ask, struct healer, state);
    const struct raft_group *group = shard_group(healer->shard, healer->group);
    return group != NULL && raft_group_may_take_state(group, index, term) == ERR_NONE;
}

static void tell_state_awaited(struct healer *healer) {
    const struct raft_group *group = shard_group(healer->shard, healer->group);
    if (group == NULL || !raft_group_is_blocked(group)) return;
    if (healer->state.too_large > 0)
        log_limited(healer->log, &healer->limiter, LOGGED_STATE_AWAITED,
                    "%s: damage keeps this replica from applying what follows entry %" PRIu64
                    ", and what it should know behind it has %" PRIu32
                    " bytes on another broker, more than the %d that can be taken over: give this "
                    "broker an empty directory, and drave broker replace",
                    raft_group_label(group), raft_group_applied_index(group),
                    healer->state.too_large, STATE_MOST);
    else
        log_limited(
            healer->log, &healer->limiter, LOGGED_STATE_AWAITED,
            "%s: damage keeps this replica from applying what follows entry %" PRIu64
            ", and none of the other replicas' brokers gives what it should know behind it; "
            "it is asked for again: start those that are down",
            raft_group_label(group), raft_group_applied_index(group));
}

static bool on_state(struct state_ask *ask, int error, struct state_given *given) {
    struct healer *healer = CONTAINER_OF(ask, struct healer, state);
    struct raft_group *group = shard_group(healer->shard, healer->group);
    log_index applied = group != NULL ? raft_group_applied_index(group) : 0;
    if (error == ERR_NONE && group != NULL)
        error = raft_group_take_state(group, given->index, given->term, given->state);
    if (error || group == NULL) slice_unref(&given->state);
    if (error && given->node >= 0) return false;
    if (error) {
        tell_state_awaited(healer);
    } else if (group != NULL) {
        log_event(healer->log, LOGGED_STATE_TAKEN_OVER,
                  "%s: damage keeps this replica from applying what follows entry %" PRIu64
                  "; it takes over what broker %" PRId32 " knows behind entry %" PRIu64,
                  raft_group_label(group), applied, given->node, given->index);
        healer->soon = true;
    }
    log_healing_give_up(&healer->healing);
    return true;
}

/* The round goes on without it: the next one finds what has been applied by then. */
static void ask_for_state(struct healer *healer, const struct raft_group *group,
                          log_index reaches_to, const int32_t *nodes, size_t count) {
    if (raft_group_applied_index(group) >= reaches_to) {
        log_healing_applied(&healer->healing);
    } else if (raft_group_is_blocked(group)) {
        state_ask_begin(healer->states, &healer->state, healer->group, reaches_to, nodes, count);
    } else {
        log_healing_give_up(&healer->healing);
    }
}

/* ---- An entry behind the last one ---- */

static void on_further(struct further_ask *ask, bool follows) {
    struct healer *healer = CONTAINER_OF(ask, struct healer, further);
    healer->soon = healer->soon || follows;
    log_healing_give_up(&healer->healing);
}

/* Of the leader. */
static void ask_for_further(struct healer *healer, struct raft_group *group, log_index last,
                            int32_t node) {
    if (raft_group_is_leading(group))
        on_further(&healer->further, raft_group_go_on(group, last) == ERR_NONE);
    else
        further_ask_begin(healer->furthers, &healer->further, node, healer->group, last);
}

/* ---- Who is asked ---- */

/* The scrub goes on: what it has found is mended by a round for that. */
static void on_lacks(struct log_healing *healing, const struct log_lack *lack) {
    struct healer *healer = CONTAINER_OF(healing, struct healer, healing);
    struct raft_group *group = shard_group(healer->shard, healer->group);
    int32_t nodes[ENTRY_ASKED_MOST];
    size_t count = group != NULL && !healer->scrubbing
                       ? raft_group_nodes(group, nodes, ENTRY_ASKED_MOST)
                       : 0;
    if (count == 0)
        log_healing_give_up(healing);
    else if (lack->further)
        ask_for_further(healer, group, lack->last, nodes[0]);
    else if (lack->state)
        ask_for_state(healer, group, lack->last, nodes, count);
    else if (lack->last > 0)
        ask_for_range(healer, lack, nodes, count);
    else
        entry_ask_begin(healer->exchange, &healer->ask, healer->group, lack->index, lack->term,
                        nodes, count);
}

/* ---- Logs that cannot be opened ---- */

static size_t nodes_of(const struct healer *healer, const struct metadata_partition *partition,
                       int32_t nodes[ENTRY_ASKED_MOST]) {
    size_t count = 0;
    for (size_t i = 0; partition != NULL && i < partition->replica_count; i++) {
        int32_t node = partition->replicas[i].node;
        if (node != healer->settings->node_id && count < ENTRY_ASKED_MOST) nodes[count++] = node;
    }
    return count;
}

static void on_wound_done(struct wound_healer *wound, const struct wound_result *result) {
    struct healer *healer = CONTAINER_OF(wound, struct healer, wound);
    const struct metadata_partition *partition = metadata_partition_of_group(healer->metadata,
                                                                             wound->group);
    if (partition != NULL) {
        char label[TOPIC_NAME_MAX + 16];
        snprintf(label, sizeof label, "%s-%" PRId32, partition->topic->name, partition->index);
        wound_result_tell(result, healer->log, label);
    }
    /* What was found to be as it should is no reason to try at once. */
    if (!result->error && (result->entries > 0 || result->begins > 0))
        partition_set_mended(healer->partitions, wound->group);
    look_in(healer, NEXT_US);
}

static bool mend_wound(struct healer *healer) {
    struct wound wound;
    int32_t nodes[ENTRY_ASKED_MOST];
    if (!log_store_take_wound(shard_store(healer->shard), &wound)) return false;
    size_t count = nodes_of(healer, metadata_partition_of_group(healer->metadata, wound.group),
                            nodes);
    struct wound_exchanges exchanges = {healer->exchange, healer->ranges, healer->states,
                                        healer->places};
    wound_healer_begin(&healer->wound, healer->env, &exchanges, &wound, nodes, count);
    return true;
}

/* ---- The end of a round ---- */

static void tell(struct healer *healer, int error) {
    const struct log_healing *healing = &healer->healing;
    const struct raft_group *group = shard_group(healer->shard, healer->group);
    if (group == NULL) return;
    const char *label = raft_group_label(group);
    if (healing->mended_entries > 0)
        log_event(healer->log, LOGGED_LOG_MENDED,
                  "%s: mended %" PRIu64 " damaged places of its log with %" PRIu64
                  " entries of other brokers, the last of them from broker %" PRId32,
                  label, healing->mended_places, healing->mended_entries, healer->from);
    else if (healing->mended_places > 0)
        log_event(healer->log, LOGGED_LOG_MENDED,
                  "%s: mended %" PRIu64 " damaged places of its log, which held no entries", label,
                  healing->mended_places);
    if (error && error != ERR_CANCELED)
        log_event(healer->log, LOGGED_LOG_READ_FAILED,
                  "%s: its log cannot be read through now (%s); %s; it is tried again", label,
                  error_phrase(error), error_advice(error));
}

static void keep_place(struct healer *healer, bool now) {
    uint64_t now_ms = env_now_ms(healer->env);
    if (!now && now_ms - healer->kept_ms < KEEP_MS) return;
    healer->kept_ms = now_ms;
    scrub_file_keep(healer->file, &healer->place);
}

static void move_place(struct healer *healer, int error) {
    struct scrub_place *place = &healer->place;
    place->offset = healer->healing.next;
    if (place->offset == INT64_MAX || error == ERR_CANCELED) {
        place->group = healer->group + 1;
        place->offset = 0;
    }
    keep_place(healer, false);
}

static void on_done(struct log_healing *healing, int error) {
    struct healer *healer = CONTAINER_OF(healing, struct healer, healing);
    entry_ask_cancel(&healer->ask);
    range_ask_cancel(&healer->range);
    state_ask_cancel(&healer->state);
    further_ask_cancel(&healer->further);
    healer->range_at = 0;
    tell(healer, error);
    struct raft_group *group = shard_group(healer->shard, healer->group);
    if (group != NULL && partition_log_is_damaged(raft_group_log(group))) healer->some_left = true;
    if (healer->scrubbing)
        move_place(healer, error);
    else
        healer->next = healer->group + 1;
    look_in(healer, error ? LOOK_US : NEXT_US);
}

/* ---- Its beginning ---- */

static void begin_round(struct healer *healer, struct raft_group *group,
                        const struct log_healing_options *options) {
    healer->group = raft_group_id(group);
    healer->from = -1;
    healer->scrubbing = options->all;
    log_healing_begin(raft_group_log(group), options, &healer->healing);
    look_in(healer, LOOK_US); /* also where another round is just ending */
}

static struct raft_group *next_damaged(const struct healer *healer) {
    struct raft_group *group = shard_damaged_from(healer->shard, healer->next);
    while (group != NULL && !partition_log_is_damaged(raft_group_log(group)))
        group = shard_damaged_from(healer->shard, raft_group_id(group) + 1);
    return group;
}

static void mend_next(struct healer *healer) {
    struct log_healing_options options = {.bytes_per_second = BYTES_PER_SECOND,
                                          .bytes = UINT64_MAX};
    struct raft_group *group = next_damaged(healer);
    if (group != NULL) {
        begin_round(healer, group, &options);
        return;
    }
    healer->mending = false;
    healer->again_ms = env_now_ms(healer->env) + (healer->soon ? SOON_MS : AGAIN_MS);
    healer->soon = false;
    look_in(healer, NEXT_US);
}

static bool scrub_is_due(struct healer *healer) {
    struct scrub_place *place = &healer->place;
    int64_t now_ms = env_wall_ms(healer->env);
    if (healer->settings->scrub_bytes_per_second == 0) return false;
    /* A clock that was set back does not put it off. */
    bool waits = place->through && now_ms >= place->began_ms &&
                 (uint64_t)(now_ms - place->began_ms) < healer->settings->scrub_interval_ms;
    if (waits) return false;
    if (!place->through && place->began_ms != 0) return true;
    *place = (struct scrub_place){.began_ms = now_ms};
    return true;
}

static void scrub_next(struct healer *healer) {
    struct scrub_place *place = &healer->place;
    if (!scrub_is_due(healer)) {
        look_in(healer, LOOK_US);
        return;
    }
    struct raft_group *group = shard_group_from(healer->shard, place->group);
    if (group == NULL) {
        log_debug(healer->log, "all segments of this broker were read and compared");
        place->through = true;
        keep_place(healer, true);
        look_in(healer, LOOK_US);
        return;
    }
    if (raft_group_id(group) != place->group) place->offset = 0;
    struct log_healing_options options = {
        .all = true,
        .from = place->offset,
        .bytes_per_second = healer->settings->scrub_bytes_per_second,
        .bytes = SCRUB_BYTES};
    begin_round(healer, group, &options);
}

/* More was found, or what is left is due. */
static bool mending_is_due(struct healer *healer) {
    struct shard_stats stats;
    shard_stats_get(healer->shard, &stats);
    bool more = stats.damaged_files != healer->seen;
    bool again = healer->some_left && env_now_ms(healer->env) >= healer->again_ms;
    if (more || again) healer->next = 0;
    healer->seen = stats.damaged_files;
    return more || again;
}

static void look(void *arg) {
    struct healer *healer = arg;
    bool under_way = healer->healing.round != NULL;
    if (healer->wound.busy) {
        look_in(healer, LOOK_US);
        return;
    }
    if (!healer->mending && mending_is_due(healer)) {
        healer->mending = true;
        healer->some_left = false;
        if (under_way) log_healing_cancel(&healer->healing); /* the scrub goes on later */
        under_way = false;
    }
    bool scrubs = under_way && healer->scrubbing;
    if (!healer->mending && (scrubs || !under_way) && mend_wound(healer)) {
        log_healing_cancel(&healer->healing);
        under_way = true;
    }
    if (under_way)
        look_in(healer, LOOK_US);
    else if (healer->mending)
        mend_next(healer);
    else
        scrub_next(healer);
}

/* ---- Life ---- */

struct healer *healer_new(struct env *env, struct log *log, const struct broker_settings *settings,
                          struct shard *shard, const struct metadata *metadata,
                          struct partition_set *partitions, struct broker_messages *messages) {
    struct healer *healer = mem_zalloc(sizeof *healer);
    healer->env = env;
    healer->log = log;
    healer->settings = settings;
    healer->shard = shard;
    healer->metadata = metadata;
    healer->partitions = partitions;
    healer->exchange = entry_exchange_new(env, shard, messages);
    healer->ranges = range_exchange_new(env, shard, messages);
    healer->states = state_exchange_new(env, shard, messages);
    healer->places = place_exchange_new(shard, messages);
    healer->furthers = further_exchange_new(shard, messages);
    healer->further.done = on_further;
    healer->range.came = on_range;
    healer->range.failed = on_range_failed;
    healer->healing.lacks = on_lacks;
    healer->healing.done = on_done;
    healer->ask.done = on_entry;
    healer->state.done = on_state;
    healer->state.wants = wants_state;
    healer->wound.done = on_wound_done;
    char *directory = path_join(settings->data_dir, "shard-0");
    healer->file = scrub_file_open(env, directory, &healer->place);
    mem_free(directory);
    healer->timer = env_timer_new(env, look, healer);
    look_in(healer, LOOK_US);
    return healer;
}

void healer_free(struct healer *healer) {
    if (healer == NULL) return;
    entry_ask_cancel(&healer->ask);
    range_ask_cancel(&healer->range);
    state_ask_cancel(&healer->state);
    further_ask_cancel(&healer->further);
    log_healing_cancel(&healer->healing);
    wound_healer_cancel(&healer->wound);
    env_timer_free(healer->timer);
    entry_exchange_free(healer->exchange);
    range_exchange_free(healer->ranges);
    state_exchange_free(healer->states);
    place_exchange_free(healer->places);
    further_exchange_free(healer->furthers);
    scrub_file_close(healer->file);
    mem_free(healer);
}
