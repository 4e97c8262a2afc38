/*
 * Lists of markers: queued, one after the other given to their partitions, then waiting until all
 * of a list is over.
 *
 *   take -> queued -> (each marker given) -> waiting -> (all over, or its time) -> ended -> done
 */
#include "broker/markers/marker_taker.h"

#include <utlist.h>

#include "base/check.h"
#include "base/container_of.h"
#include "base/mem.h"
#include "broker/partition/partition_marker.h"
#include "protocol/kafka_error.h"

enum { PIECE = 64 }; /* markers between two looks at the clock: about 0.2 ms */

struct taking_part {
    struct partition_marker marker; /* first */
    struct marker_taking *taking;
    bool waits;
};

struct marker_taking {
    struct marker_taker *taker;
    struct marker_take *take;
    enum { TAKING_QUEUED, TAKING_WAITING, TAKING_ENDED } stage;
    struct marker_ask *asks;
    struct taking_part *parts;
    int16_t *codes;
    size_t count, begun; /* so many were given to their partitions */
    size_t pending;      /* of those are not over */
    uint64_t until_ms;
    struct marker_taking *next, *prev;
};

struct marker_taker {
    struct env *env;
    struct partition_set *partitions;
    struct marker_taking *lists[TAKING_ENDED + 1]; /* by stage, each as they came */
    size_t markers;                                /* of all */
    struct env_task begin_task, tell_task;
    struct env_timer *timer; /* of the first that waits */
};

/* ---- The end of one ---- */

static void move(struct marker_taking *taking, int stage) {
    DL_DELETE(taking->taker->lists[taking->stage], taking);
    taking->stage = stage;
    DL_APPEND(taking->taker->lists[taking->stage], taking);
}

static void taking_free(struct marker_taking *taking) {
    struct marker_taker *taker = taking->taker;
    for (size_t i = 0; i < taking->begun; i++)
        if (taking->parts[i].waits) partition_marker_cancel(&taking->parts[i].marker);
    DL_DELETE(taker->lists[taking->stage], taking);
    taker->markers -= taking->count;
    taking->take->taking = NULL;
    mem_free(taking->asks);
    mem_free(taking->parts);
    mem_free(taking->codes);
    mem_free(taking);
}

static void tell(struct env_task *task) {
    struct marker_taker *taker = CONTAINER_OF(task, struct marker_taker, tell_task);
    struct marker_taking *taking;
    while ((taking = taker->lists[TAKING_ENDED]) != NULL) {
        struct marker_take *take = taking->take;
        int16_t *codes = taking->codes;
        taking->codes = NULL;
        taking_free(taking);
        take->done(take, codes);
        mem_free(codes);
    }
}

static void end(struct marker_taking *taking) {
    move(taking, TAKING_ENDED);
    env_defer(taking->taker->env, &taking->taker->tell_task);
}

static void on_marker(struct partition_marker *marker, int16_t error) {
    struct taking_part *part = (struct taking_part *)marker;
    struct marker_taking *taking = part->taking;
    part->waits = false;
    taking->codes[part - taking->parts] = error;
    taking->pending--;
    if (taking->pending == 0 && taking->stage == TAKING_WAITING) end(taking);
}

/* Those that are not over stay where they are, and are met by whoever sends them again. */
static void time_over(struct marker_taking *taking) {
    for (size_t i = 0; i < taking->count; i++) {
        struct taking_part *part = &taking->parts[i];
        if (!part->waits) continue;
        partition_marker_cancel(&part->marker);
        part->waits = false;
        taking->codes[i] = KAFKA_REQUEST_TIMED_OUT;
    }
    end(taking);
}

static void on_timer(void *arg) {
    struct marker_taker *taker = arg;
    uint64_t now_ms = env_now_ms(taker->env);
    struct marker_taking *taking;
    while ((taking = taker->lists[TAKING_WAITING]) != NULL && taking->until_ms <= now_ms)
        time_over(taking);
    if (taking != NULL) env_timer_start(taker->timer, (taking->until_ms - now_ms) * UINT64_C(1000));
}

/* ---- The beginning ---- */

static void begin_one(struct marker_taking *taking) {
    size_t at = taking->begun++;
    const struct marker_ask *ask = &taking->asks[at];
    struct taking_part *part = &taking->parts[at];
    struct partition *partition = partition_set_find_group(taking->taker->partitions, ask->group);
    if (partition == NULL) {
        taking->codes[at] = KAFKA_NOT_LEADER_OR_FOLLOWER;
        return;
    }
    *part = (struct taking_part){.marker.done = on_marker, .taking = taking};
    part->waits = partition_end_transaction(partition, &ask->end, (int32_t)ask->term,
                                            ask->raises_epoch, &part->marker,
                                            &taking->codes[at]) == PENDING;
    taking->pending += part->waits;
}

static void all_begun(struct marker_taking *taking) {
    struct marker_taker *taker = taking->taker;
    if (taking->pending == 0) {
        end(taking);
        return;
    }
    if (taker->lists[TAKING_WAITING] == NULL)
        env_timer_start(taker->timer, env_ms_until(taker->env, taking->until_ms) * UINT64_C(1000));
    move(taking, TAKING_WAITING);
}

static void begin_some(struct env_task *task) {
    struct marker_taker *taker = CONTAINER_OF(task, struct marker_taker, begin_task);
    struct marker_taking *taking;
    while ((taking = taker->lists[TAKING_QUEUED]) != NULL) {
        for (int i = 0; i < PIECE && taking->begun < taking->count; i++)
            begin_one(taking);
        if (taking->begun == taking->count) all_begun(taking);
        if (!env_turn_is_long(taker->env)) continue;
        if (taker->lists[TAKING_QUEUED] != NULL) env_yield(taker->env, &taker->begin_task);
        return;
    }
}

void marker_taker_take(struct marker_taker *taker, struct marker_take *take,
                       const struct marker_ask *asks, size_t count) {
    CHECK(count > 0 && count <= MARKERS_A_CALL); /* marker_exchange.c has counted a peer's */
    struct marker_taking *taking = mem_zalloc(sizeof *taking);
    *taking = (struct marker_taking){.taker = taker,
                                     .take = take,
                                     .count = count,
                                     .codes = mem_zalloc(count * sizeof *taking->codes),
                                     .until_ms = env_now_ms(taker->env) + MARKER_ANSWER_MS};
    take->taking = taking;
    DL_APPEND(taker->lists[TAKING_QUEUED], taking);
    taker->markers += count;
    if (taker->markers > MARKERS_TAKEN_MOST) {
        for (size_t i = 0; i < count; i++)
            taking->codes[i] = KAFKA_NOT_ENOUGH_REPLICAS;
        end(taking);
        return;
    }
    taking->asks = mem_alloc(count * sizeof *asks);
    for (size_t i = 0; i < count; i++)
        taking->asks[i] = asks[i];
    taking->parts = mem_zalloc(count * sizeof *taking->parts);
    env_defer(taker->env, &taker->begin_task);
}

void marker_take_cancel(struct marker_take *take) {
    if (take->taking != NULL) taking_free(take->taking);
}

/* ---- Life ---- */

struct marker_taker *marker_taker_new(struct env *env, struct partition_set *partitions) {
    struct marker_taker *taker = mem_zalloc(sizeof *taker);
    taker->env = env;
    taker->partitions = partitions;
    taker->begin_task.run = begin_some;
    taker->tell_task.run = tell;
    taker->timer = env_timer_new(env, on_timer, taker);
    return taker;
}

void marker_taker_free(struct marker_taker *taker) {
    if (taker == NULL) return;
    for (int stage = 0; stage <= TAKING_ENDED; stage++)
        while (taker->lists[stage] != NULL)
            taking_free(taker->lists[stage]);
    env_defer_cancel(taker->env, &taker->begin_task);
    env_defer_cancel(taker->env, &taker->tell_task);
    env_timer_free(taker->timer);
    mem_free(taker);
}
