/* A list of partitions, made by a walk; then of each its shares, one read after the other. */
#include "broker/sharing/expired_sweep.h"

#include "base/container_of.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/mutant.h"
#include "broker/share/record_sight.h"
#include "broker/share/shares.h"
#include "protocol/kafka_error.h"

struct expired_sweep {
    struct env *env;
    struct partition_set *partitions;
    struct env_timer *timer;
    struct partition_walk walk;
    struct env_task step;
    uint64_t *groups; /* Raft's, of the partitions that are looked at */
    size_t count, capacity;
    size_t at;      /* the one whose turn it is, */
    int32_t number; /* and of its shares */
    size_t reads;   /* in this second */
    bool reading;
    struct partition_read read;
};

/* ---- What was read ---- */

/* Where it may be given; else behind the sight. */
static kafka_offset available_of(const struct share *share, const struct record_sight *sight) {
    kafka_offset first = share_queue_available(&share->queue, sight->at.first);
    if (MUTANT(MUTANT_SHARE_EXPIRED_HELD)) return sight->at.first;
    return first < 0 || first > sight->at.last ? sight->at.last + 1 : first;
}

static void archive(struct share *share, kafka_offset first, kafka_offset last,
                    struct offset_ranges *outcomes) {
    if (MUTANT(MUTANT_SHARE_EXPIRED_HELD))
        *(struct share_range *)offset_ranges_append(outcomes) = (struct share_range){
            .at = {first, last}, .state = SHARE_ARCHIVED};
    else
        share_queue_archive(&share->queue, &share->limits, first, last, outcomes);
}

enum batch_end { BATCH_OVER, BATCH_LIVES, BATCH_LATER /* the rest is for another turn */ };

/* Records at least that end at once: to come to them the batch is unfolded. */
enum { PIECE = 2048 };

/* Of a head at least a piece, then as many as fit into the turn. */
static enum batch_end end_batch(struct expired_sweep *sweep, struct share *share, int64_t ttl_ms,
                                const struct record_batch *batch, struct offset_ranges *outcomes) {
    struct record_sights sights;
    struct record_sight sight;
    int64_t now_ms = env_wall_ms(sweep->env);
    enum batch_end end = BATCH_OVER;
    size_t ended = 0;
    record_sights_open(&sights, batch, record_batch_is_control(batch) ? 0 : ttl_ms);
    while (end == BATCH_OVER && record_sights_next(&sights, &sight)) {
        if (sight.at.last < sweep->read.offset) continue;
        kafka_offset first = available_of(share, &sight);
        if (first > sight.at.last) continue;
        if (sight.none || record_batch_is_control(batch) || sight.until_ms <= now_ms) {
            archive(share, first, sight.at.last, outcomes);
            if (++ended % PIECE == 0 && env_turn_is_long(sweep->env)) end = BATCH_LATER;
        } else {
            end = BATCH_LIVES;
            share->head = first;
            share->head_until_ms = sight.until_ms;
            share->head_ttl_ms = ttl_ms;
        }
    }
    record_sights_close(&sights);
    return end;
}

/* What is for another turn is read again then, from the head that is behind what ends now. */
static void end_some(struct expired_sweep *sweep, struct share *share, int64_t ttl_ms) {
    struct offset_ranges outcomes = {.size = sizeof(struct share_range)};
    kafka_offset next = sweep->read.offset;
    enum batch_end end = BATCH_OVER;
    for (size_t i = 0; end == BATCH_OVER && i < sweep->read.fetch.count; i++) {
        const struct slice *slice = &sweep->read.fetch.slices[i];
        struct record_batch batch;
        size_t at = 0;
        while (end == BATCH_OVER &&
               record_batch_next(slice->data, slice->len, &at, &batch, NULL) == ERR_NONE) {
            if (batch.base_offset > next)
                share_queue_archive(&share->queue, &share->limits, next, batch.base_offset - 1,
                                    &outcomes);
            next = record_batch_last_offset(&batch) + 1;
            end = end_batch(sweep, share, ttl_ms, &batch, &outcomes);
            if (end == BATCH_OVER && outcomes.count > 0 && env_turn_is_long(sweep->env))
                end = BATCH_LATER;
        }
    }
    if (end == BATCH_LIVES || outcomes.count == 0) sweep->number++; /* the next one */
    share_end(share, &outcomes, NULL);
}

/* ---- One after the other ---- */

static struct partition *partition_at(const struct expired_sweep *sweep) {
    struct partition *partition = partition_set_find_group(sweep->partitions,
                                                           sweep->groups[sweep->at]);
    bool looked_at = partition != NULL && partition_is_leading(partition) &&
                     partition_message_ttl_ms(partition) >= 0;
    return looked_at ? partition : NULL;
}

static void take_read(struct expired_sweep *sweep) {
    struct partition *partition = partition_at(sweep);
    struct share *share = partition == NULL
                              ? NULL
                              : shares_from(partition_shares(partition), sweep->number);
    sweep->reading = false;
    if (share != NULL && share->number == sweep->number && sweep->read.error == KAFKA_NONE)
        end_some(sweep, share, partition_message_ttl_ms(partition));
    else
        sweep->number++;
    partition_read_release(&sweep->read);
    env_yield(sweep->env, &sweep->step);
}

static void read_done(struct partition_read *read) {
    take_read(CONTAINER_OF(read, struct expired_sweep, read));
}

/* Where there is something to look at for it; -1: nothing. */
static kafka_offset head_of(const struct expired_sweep *sweep, struct partition *partition,
                            const struct share *share) {
    kafka_offset head = share_queue_available(&share->queue, partition_start_offset(partition));
    bool known = head == share->head && share->head_until_ms > env_wall_ms(sweep->env) &&
                 share->head_ttl_ms == partition_message_ttl_ms(partition);
    return head < 0 || known || head >= partition_high_watermark(partition) ? -1 : head;
}

static void next_share(struct expired_sweep *sweep, struct partition *partition) {
    struct share *share = shares_from(partition_shares(partition), sweep->number);
    if (share == NULL) {
        sweep->at++;
        sweep->number = 0;
        return;
    }
    sweep->number = share->number;
    kafka_offset head = head_of(sweep, partition, share);
    if (head < 0) {
        sweep->number++;
        return;
    }
    sweep->reads++;
    sweep->reading = true;
    sweep->read = (struct partition_read){.done = read_done};
    if (partition_read(partition, head, -1, -1, EXPIRED_READ_BYTES, &sweep->read) == DONE)
        take_read(sweep);
}

static void step(struct env_task *task) {
    struct expired_sweep *sweep = CONTAINER_OF(task, struct expired_sweep, step);
    while (sweep->at < sweep->count && sweep->reads < EXPIRED_READS_MOST && !sweep->reading &&
           !task->queued) {
        struct partition *partition = partition_at(sweep);
        if (partition != NULL) {
            next_share(sweep, partition);
        } else {
            sweep->at++;
            sweep->number = 0;
        }
        if (!task->queued && env_turn_is_long(sweep->env)) env_yield(sweep->env, task);
    }
}

static void meet(struct partition_walk *walk, struct partition *partition) {
    struct expired_sweep *sweep = CONTAINER_OF(walk, struct expired_sweep, walk);
    if (!partition_is_leading(partition) || partition_message_ttl_ms(partition) < 0 ||
        shares_count(partition_shares(partition)) == 0)
        return;
    sweep->groups = mem_grow(sweep->groups, sweep->count, &sweep->capacity, sizeof *sweep->groups);
    sweep->groups[sweep->count++] = raft_group_id(partition_group(partition));
}

static void walked(struct partition_walk *walk) {
    struct expired_sweep *sweep = CONTAINER_OF(walk, struct expired_sweep, walk);
    env_yield(sweep->env, &sweep->step);
}

/* Anew, or on with what the last second left. */
static void on_timer(void *arg) {
    struct expired_sweep *sweep = arg;
    env_timer_start(sweep->timer, EXPIRED_SWEEP_MS * UINT64_C(1000));
    sweep->reads = 0;
    if (sweep->at < sweep->count) {
        if (!sweep->reading) env_yield(sweep->env, &sweep->step);
    } else if (partition_set_counts(sweep->partitions)->expiring > 0 &&
               !partition_walk_is_on(&sweep->walk)) {
        sweep->at = sweep->count = 0;
        sweep->number = 0;
        partition_walk_begin(sweep->partitions, &sweep->walk);
    }
}

struct expired_sweep *expired_sweep_new(struct env *env, struct partition_set *partitions) {
    struct expired_sweep *sweep = mem_zalloc(sizeof *sweep);
    sweep->env = env;
    sweep->partitions = partitions;
    sweep->walk = (struct partition_walk){.meet = meet, .over = walked};
    sweep->step.run = step;
    sweep->timer = env_timer_new(env, on_timer, sweep);
    env_timer_start(sweep->timer, EXPIRED_SWEEP_MS * UINT64_C(1000));
    return sweep;
}

void expired_sweep_free(struct expired_sweep *sweep) {
    if (sweep == NULL) return;
    if (sweep->reading) partition_read_cancel(&sweep->read);
    partition_read_release(&sweep->read);
    partition_walk_end(&sweep->walk);
    env_defer_cancel(sweep->env, &sweep->step);
    env_timer_free(sweep->timer);
    mem_free(sweep->groups);
    mem_free(sweep);
}
