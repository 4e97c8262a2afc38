/* Lists of partitions: queued, one after the other asked, then waiting until all of a list are
 * over. */
#include "broker/sharing/sharing_taker.h"

#include <inttypes.h>

#include <utlist.h>

#include "base/check.h"
#include "base/container_of.h"
#include "base/mem.h"
#include "base/printable.h"
#include "broker/config/broker_settings.h"
#include "broker/share/shares.h"
#include "protocol/kafka_error.h"

/* One partition of a list. Looked up first: that also confirms that this broker leads. */
struct taking_part {
    struct partition_lookup lookup;
    struct share_commit commit;
    struct sharing_taking *taking;
    enum { PART_NEW, PART_LOOKS, PART_SETTLES, PART_COMMITS, PART_OVER } stage;
};

struct sharing_taking {
    struct sharing_taker *taker;
    struct sharing_take *take;
    enum { TAKING_QUEUED, TAKING_WAITING, TAKING_ENDED } stage;
    enum sharing_what what;
    struct sharing_orderer orderer;
    struct kp_string group; /* its own copy */
    struct sharing_ask *asks;
    struct taking_part *parts;
    struct sharing_answer *answers;
    size_t count, begun, pending; /* of those that were begun, so many are not over */
    uint64_t until_ms;
    struct sharing_taking *next, *prev;
};

_Static_assert((int)SHARING_LATEST == (int)PARTITION_LATEST &&
                   (int)SHARING_EARLIEST == (int)PARTITION_EARLIEST,
               "they go to partition_lookup as they are");

struct sharing_taker {
    struct sharing_taker_options options;
    struct env *env;
    struct sharing_taking *lists[TAKING_ENDED + 1]; /* by stage, each as they came */
    size_t asked;                                   /* of all */
    struct env_task begin_task, tell_task;
    struct env_timer *timer; /* of the first that waits */
};

/* ---- The end of one ---- */

static void move(struct sharing_taking *taking, int stage) {
    DL_DELETE(taking->taker->lists[taking->stage], taking);
    taking->stage = stage;
    DL_APPEND(taking->taker->lists[taking->stage], taking);
}

static void part_cancel(struct taking_part *part) {
    if (part->stage == PART_LOOKS) partition_lookup_cancel(&part->lookup);
    if (part->stage == PART_SETTLES || part->stage == PART_COMMITS)
        share_commit_cancel(&part->commit);
}

static void taking_free(struct sharing_taking *taking) {
    struct sharing_taker *taker = taking->taker;
    for (size_t i = 0; i < taking->begun; i++)
        part_cancel(&taking->parts[i]);
    DL_DELETE(taker->lists[taking->stage], taking);
    taker->asked -= taking->count;
    taking->take->taking = NULL;
    mem_free((void *)taking->group.data);
    mem_free(taking->asks);
    mem_free(taking->parts);
    mem_free(taking->answers);
    mem_free(taking);
}

static void tell(struct env_task *task) {
    struct sharing_taker *taker = CONTAINER_OF(task, struct sharing_taker, tell_task);
    struct sharing_taking *taking;
    while ((taking = taker->lists[TAKING_ENDED]) != NULL) {
        struct sharing_take *take = taking->take;
        struct sharing_answer *answers = taking->answers;
        taking->answers = NULL;
        taking_free(taking);
        take->done(take, answers);
        mem_free(answers);
    }
}

static void end(struct sharing_taking *taking) {
    move(taking, TAKING_ENDED);
    env_defer(taking->taker->env, &taking->taker->tell_task);
}

static void part_over(struct taking_part *part, int16_t code) {
    struct sharing_taking *taking = part->taking;
    part->stage = PART_OVER;
    taking->answers[part - taking->parts].code = code;
    taking->pending--;
    if (taking->pending == 0 && taking->stage == TAKING_WAITING) end(taking);
}

static void on_timer(void *arg) {
    struct sharing_taker *taker = arg;
    uint64_t now_ms = env_now_ms(taker->env);
    struct sharing_taking *taking;
    while ((taking = taker->lists[TAKING_WAITING]) != NULL && taking->until_ms <= now_ms) {
        for (size_t i = 0; i < taking->count; i++) {
            if (taking->parts[i].stage == PART_OVER) continue;
            part_cancel(&taking->parts[i]);
            taking->parts[i].stage = PART_OVER;
            taking->answers[i].code = KAFKA_REQUEST_TIMED_OUT;
        }
        end(taking);
    }
    if (taking != NULL) env_timer_start(taker->timer, (taking->until_ms - now_ms) * UINT64_C(1000));
}

/* ---- One partition ---- */

static void part_looked(struct taking_part *part);

static void part_committed(struct share_commit *commit, int16_t error) {
    part_over(CONTAINER_OF(commit, struct taking_part, commit), error);
}

/* What was under way with the group is over: now it can be said what is to be done. */
static void part_settled(struct share_commit *commit, int16_t error) {
    struct taking_part *part = CONTAINER_OF(commit, struct taking_part, commit);
    if (error == KAFKA_NONE)
        part_looked(part);
    else
        part_over(part, error);
}

/* What is to be known of it, behind the lookup. */
static void tell_state(struct sharing_answer *answer, struct partition *partition,
                       const struct share *share) {
    answer->epoch = (int32_t)partition_leader_epoch(partition);
    if (share == NULL) return;
    answer->start = share->state.start;
    answer->lag = share_lag(share);
}

static kafka_offset start_of(const struct sharing_ask *ask, struct partition *partition,
                             kafka_offset found) {
    kafka_offset end = partition_high_watermark(partition),
                 least = partition_start_offset(partition);
    kafka_offset start = ask->exact ? ask->start : found;
    if (start < 0 || start > end) start = end; /* no record is as young */
    return start < least ? least : start;
}

/* Another coordinator leads, and may have done something else already. */
static bool is_late(const struct sharing_taking *taking) {
    const struct sharing_orderer *orderer = &taking->orderer;
    return taking->what != SHARING_LOOK && orderer->group != 0 &&
           leader_table_get(taking->taker->options.leaders, orderer->group).term >
               (log_term)orderer->term;
}

/* It is where it is to begin, and nothing of it is known or held. */
static bool is_there(const struct share *share, kafka_offset start) {
    return share != NULL && share->state.start == start && share->state.ranges.count == 0 &&
           share->queue.locks.count == 0;
}

/* Nothing is to be written: it is as it is to be. */
static bool is_done(const struct sharing_taking *taking, const struct share *share,
                    kafka_offset start) {
    switch (taking->what) {
    case SHARING_LOOK: return true;
    case SHARING_BEGIN: return share != NULL;
    case SHARING_MOVE: return is_there(share, start);
    case SHARING_DROP: return share == NULL;
    }
    return true;
}

/* The one that nobody has used for as long as offsets are kept goes; where several are, the one
 * that was used least. False: all are used. */
static bool make_room(const struct sharing_taking *taking, struct partition *partition) {
    const struct sharing_taker_options *options = &taking->taker->options;
    uint64_t kept_ms = (uint64_t)options->settings->offsets_retention_ms;
    struct share *unused = shares_unused(partition_shares(partition), kept_ms);
    char group[256];
    if (unused == NULL) return false;
    printable_copy(unused->group.data, (size_t)unused->group.len, group, sizeof group);
    log_event(options->log, LOGGED_SHARE_GROUP_GAVE_WAY,
              "share group %s lost its place in %s-%" PRId32 " to a new one: %d groups share this "
              "partition, and nobody read for it in the last %" PRIu64 " min; when it comes back "
              "it begins there anew",
              group, partition_topic(partition), partition_index(partition), SHARES_MAX,
              kept_ms / 60000);
    share_drop(unused, NULL);
    return true;
}

/* A group that goes makes room. */
static int16_t room_for(const struct sharing_taking *taking, struct partition *partition,
                        const struct share *share) {
    if (taking->what == SHARING_DROP) return KAFKA_NONE;
    if (!partition_room_for_share(partition)) return KAFKA_STORAGE_ERROR;
    if (share != NULL || !shares_are_full(partition_shares(partition))) return KAFKA_NONE;
    return make_room(taking, partition) ? KAFKA_NONE : KAFKA_POLICY_VIOLATION;
}

static void part_submits(struct taking_part *part, struct partition *partition, struct share *share,
                         kafka_offset start) {
    struct sharing_taking *taking = part->taking;
    struct shares *shares = partition_shares(partition);
    part->stage = PART_COMMITS;
    part->commit.done = part_committed;
    if (taking->what == SHARING_BEGIN)
        share_begin(shares, taking->group, start, &part->commit);
    else if (taking->what == SHARING_MOVE)
        share_begin_anew(shares, taking->group, start, share == NULL ? 0 : share->epoch + 1,
                         &part->commit);
    else
        share_drop(share, &part->commit);
}

/* Where something of the group is under way, it is waited for: what has committed is its state only
 * when nothing else is to come. */
static void part_changes(struct taking_part *part, struct partition *partition) {
    struct sharing_taking *taking = part->taking;
    const struct sharing_ask *ask = &taking->asks[part - taking->parts];
    struct shares *shares = partition_shares(partition);
    struct share *share = shares_find(shares, taking->group);
    part->commit.done = part_settled;
    if (taking->what != SHARING_LOOK && share_settles(shares, taking->group, &part->commit)) {
        part->stage = PART_SETTLES;
        return;
    }
    if (is_late(taking)) {
        part_over(part, KAFKA_NOT_COORDINATOR);
        return;
    }
    tell_state(&taking->answers[part - taking->parts], partition, share);
    kafka_offset start = start_of(ask, partition, part->lookup.offset);
    bool done = is_done(taking, share, start);
    int16_t code = done ? KAFKA_NONE : room_for(taking, partition, share);
    if (done || code != KAFKA_NONE)
        part_over(part, code);
    else
        part_submits(part, partition, share, start);
}

static void part_looked(struct taking_part *part) {
    struct sharing_taking *taking = part->taking;
    const struct sharing_ask *ask = &taking->asks[part - taking->parts];
    struct partition *partition = partition_set_find_group(taking->taker->options.partitions,
                                                           ask->partition);
    if (part->lookup.error != KAFKA_NONE)
        part_over(part, part->lookup.error);
    else if (partition == NULL || !partition_is_leading(partition))
        part_over(part, KAFKA_NOT_LEADER_OR_FOLLOWER);
    else
        part_changes(part, partition);
}

static void on_looked(struct partition_lookup *lookup) {
    part_looked(CONTAINER_OF(lookup, struct taking_part, lookup));
}

static void begin_one(struct sharing_taking *taking) {
    size_t at = taking->begun++;
    const struct sharing_ask *ask = &taking->asks[at];
    struct taking_part *part = &taking->parts[at];
    struct partition *partition = partition_set_find_group(taking->taker->options.partitions,
                                                           ask->partition);
    bool by_time = !ask->exact && (taking->what == SHARING_BEGIN || taking->what == SHARING_MOVE);
    taking->answers[at] = (struct sharing_answer){.start = -1, .lag = -1};
    *part = (struct taking_part){.taking = taking, .stage = PART_LOOKS};
    part->lookup.done = on_looked;
    taking->pending++;
    if (partition == NULL)
        part_over(part, KAFKA_NOT_LEADER_OR_FOLLOWER);
    else if (partition_lookup(partition, by_time ? ask->start : PARTITION_LATEST, -1,
                              &part->lookup) == DONE)
        part_looked(part);
}

/* ---- The beginning ---- */

static void all_begun(struct sharing_taking *taking) {
    struct sharing_taker *taker = taking->taker;
    if (taking->pending == 0) {
        end(taking);
        return;
    }
    if (taker->lists[TAKING_WAITING] == NULL)
        env_timer_start(taker->timer, env_ms_until(taker->env, taking->until_ms) * UINT64_C(1000));
    move(taking, TAKING_WAITING);
}

static void begin_some(struct env_task *task) {
    struct sharing_taker *taker = CONTAINER_OF(task, struct sharing_taker, begin_task);
    struct sharing_taking *taking;
    while ((taking = taker->lists[TAKING_QUEUED]) != NULL) {
        while (taking->begun < taking->count && !env_turn_is_long(taker->env))
            begin_one(taking);
        if (taking->begun == taking->count) all_begun(taking);
        if (taker->lists[TAKING_QUEUED] == NULL || !env_turn_is_long(taker->env)) continue;
        env_yield(taker->env, &taker->begin_task);
        return;
    }
}

void sharing_taker_take(struct sharing_taker *taker, struct sharing_take *take,
                        enum sharing_what what, struct sharing_orderer orderer,
                        struct kp_string group, const struct sharing_ask *asks, size_t count) {
    CHECK(count > 0 && count <= SHARING_A_CALL); /* sharing_exchange.c has counted a peer's */
    struct sharing_taking *taking = mem_zalloc(sizeof *taking);
    *taking = (struct sharing_taking){
        .taker = taker,
        .take = take,
        .what = what,
        .orderer = orderer,
        .group = {.data = mem_text(group.data, (size_t)group.len), .len = group.len},
        .count = count,
        .answers = mem_zalloc(count * sizeof *taking->answers),
        .until_ms = env_now_ms(taker->env) + SHARING_ANSWER_MS};
    take->taking = taking;
    DL_APPEND(taker->lists[TAKING_QUEUED], taking);
    taker->asked += count;
    if (taker->asked > SHARING_TAKEN_MOST) {
        for (size_t i = 0; i < count; i++)
            taking->answers[i] = (struct sharing_answer){
                .code = KAFKA_NOT_ENOUGH_REPLICAS, .start = -1, .lag = -1};
        end(taking);
        return;
    }
    taking->asks = mem_alloc(count * sizeof *asks);
    for (size_t i = 0; i < count; i++)
        taking->asks[i] = asks[i];
    taking->parts = mem_zalloc(count * sizeof *taking->parts);
    env_defer(taker->env, &taker->begin_task);
}

void sharing_take_cancel(struct sharing_take *take) {
    if (take->taking != NULL) taking_free(take->taking);
}

/* ---- Life ---- */

struct sharing_taker *sharing_taker_new(const struct sharing_taker_options *options) {
    struct sharing_taker *taker = mem_zalloc(sizeof *taker);
    taker->options = *options;
    taker->env = options->env;
    taker->begin_task.run = begin_some;
    taker->tell_task.run = tell;
    taker->timer = env_timer_new(options->env, on_timer, taker);
    return taker;
}

void sharing_taker_free(struct sharing_taker *taker) {
    if (taker == NULL) return;
    for (int stage = 0; stage <= TAKING_ENDED; stage++)
        while (taker->lists[stage] != NULL)
            taking_free(taker->lists[stage]);
    env_defer_cancel(taker->env, &taker->begin_task);
    env_defer_cancel(taker->env, &taker->tell_task);
    env_timer_free(taker->timer);
    mem_free(taker);
}
