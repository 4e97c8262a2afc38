/* One work: its partitions, its order, its two records. */
#include "broker/coordinator/share/share_work_internal.h"

#include <string.h>

#include "base/mem.h"
#include "broker/coordinator/share/share_group_internal.h"
#include "protocol/kafka_error.h"

/* ---- Partitions ---- */

void share_work_ask(struct share_work *work, struct kp_uuid id, const struct metadata_topic *topic,
                    const struct share_work_place *place, const struct sharing_ask *how) {
    work->places = mem_grow(work->places, work->count, &work->capacity, sizeof *work->places);
    work->asks = mem_grow(work->asks, work->count, &work->asks_capacity, sizeof *work->asks);
    work->places[work->count] = *place;
    work->places[work->count].topic = id;
    work->asks[work->count] = *how;
    work->asks[work->count++].partition = topic->partitions[place->partition].group;
}

void share_work_add(struct share_work *work, const struct metadata_topic *topic,
                    const struct share_work_place *place, const struct sharing_ask *how) {
    struct kp_uuid id;
    memcpy(id.bytes, topic->id, sizeof id.bytes);
    share_work_ask(work, id, topic, place, how);
    share_places_set(&work->next, id, kp_string_of(topic->name), place->partition, GOES);
}

bool share_work_is_full(struct share_work *work) {
    work->more = work->count >= SHARING_ORDER_MOST;
    return work->more;
}

struct share_work *share_work_new(struct group *row, enum sharing_what what) {
    struct share_work *work = mem_zalloc(sizeof *work);
    work->row = row;
    work->order.what = what;
    work->turn.unrefused = true;
    if (row->share != NULL) share_places_copy(&work->next, &row->share->places);
    return work;
}

void share_work_free(struct share_work *work) {
    if (work->group != NULL) work->group->work = NULL;
    share_places_close(&work->next);
    mem_free(work->places);
    mem_free(work->asks);
    mem_free(work->answers);
    mem_free(work);
}

void share_work_attach(struct share_work *work) {
    work->group = work->row->share;
    work->group->work = work;
}

void share_work_mark(struct share_work *work) {
    for (size_t i = 0; i < work->count; i++)
        share_places_set(&work->next, work->places[i].topic, kp_string_of(""),
                         work->places[i].partition, work->places[i].stage);
}

bool share_work_knows_topics(const struct group *row) {
    return row->share == NULL ||
           metadata_version(row->table->metadata) >= row->share->places.metadata;
}

void share_work_forget_gone(struct share_work *work) {
    const struct metadata *metadata = work->row->table->metadata;
    if (!share_work_knows_topics(work->row)) return;
    for (size_t i = 0; i < work->next.count; i++) {
        struct share_topic *topic = &work->next.topics[i];
        if (metadata_topic_with_id(metadata, topic->id.bytes) == NULL && topic->count > 0)
            memset(topic->stages, SHARE_NOT_BEGUN, (size_t)topic->count);
    }
}

int64_t share_work_start(const struct group *row) {
    int64_t reset_ms = share_group_sharing(row).reset_ms, now_ms = env_wall_ms(row->table->env);
    if (reset_ms == GROUP_RESET_LATEST) return SHARING_LATEST;
    if (reset_ms == GROUP_RESET_EARLIEST) return SHARING_EARLIEST;
    return now_ms > reset_ms ? now_ms - reset_ms : 0;
}

/* ---- Records ---- */

void share_work_write(struct share_work *work, struct group_turn *turn) {
    struct group_batch batch;
    const struct share_group *group = work->row->share;
    struct share_group fresh = {.row = work->row, .first_epoch = 1};
    if (group != NULL && share_places_same(&work->next, &group->places)) {
        turn->written(turn, KAFKA_NONE);
        return;
    }
    if (work->next.metadata < metadata_version(work->row->table->metadata))
        work->next.metadata = metadata_version(work->row->table->metadata);
    group_batch_open(&batch);
    if (group == NULL) share_group_record(&fresh, &batch);
    share_places_record(&work->next, work->row->id, &batch);
    group_turn_write(turn, &batch);
    group_batch_close(&batch);
}

/* ---- The end ---- */

static void change_over(struct share_work *work) {
    struct share_change *change = work->change;
    for (size_t i = 0; i < work->count; i++) {
        struct share_change_part *part = &change->parts[work->places[i].part];
        int16_t code = work->answers[i].code;
        if (code == KAFKA_NONE) continue;
        bool says_why = code == KAFKA_POLICY_VIOLATION || code == KAFKA_STORAGE_ERROR;
        part->code = says_why ? code : KAFKA_COORDINATOR_NOT_AVAILABLE;
    }
}

/* Whoever waits for it is told. */
static void work_over(struct share_work *work, struct group_table *table, int16_t error) {
    if (error != KAFKA_NONE && work->group != NULL) work->group->looked_version = 0;
    if (error == KAFKA_NONE && work->change != NULL) change_over(work);
    if (work->change != NULL) group_call_answer(table, &work->change->call, error);
    if (work->deletes != NULL) group_call_answer(table, &work->deletes->call, error);
    share_work_free(work);
}

/* The row may be gone when its turn is over. */
void share_work_turn_over(struct share_work *work, int16_t error) {
    struct group_table *table = work->row->table;
    group_turn_end(&work->turn);
    work_over(work, table, error);
}

/* ---- The second turn ---- */

/* How many have not done it. */
static size_t take_answers(struct share_work *work) {
    enum share_stage stage = work->order.what == SHARING_DROP ? SHARE_NOT_BEGUN : SHARE_BEGUN;
    size_t failed = 0;
    for (size_t i = 0; i < work->count; i++) {
        if (work->answers[i].code == KAFKA_NONE)
            share_places_set(&work->next, work->places[i].topic, kp_string_of(""),
                             work->places[i].partition, stage);
        else
            failed++;
    }
    return failed;
}

static void finished(struct group_turn *turn, int16_t error) {
    share_work_turn_over(CONTAINER_OF(turn, struct share_work, turn), error);
}

static void finished_partly(struct group_turn *turn, int16_t error) {
    share_work_turn_over(CONTAINER_OF(turn, struct share_work, turn),
                         error != KAFKA_NONE ? error : KAFKA_COORDINATOR_NOT_AVAILABLE);
}

static void finish(struct group_turn *turn) {
    struct share_work *work = CONTAINER_OF(turn, struct share_work, turn);
    struct share_group *group = work->group;
    bool failed = take_answers(work) > 0;
    bool goes = work->ends && !failed && !work->more;
    turn->written = work->deletes != NULL && !goes ? finished_partly : finished;
    if (goes) {
        struct group_batch batch;
        group->work = NULL; /* it is gone when that is applied */
        work->group = NULL;
        group_batch_open(&batch);
        share_group_tombstone(group, &batch);
        group_turn_write(turn, &batch);
        group_batch_close(&batch);
    } else {
        if (failed) group->looked_version = 0;
        share_work_write(work, turn);
    }
}

void share_work_refused(struct group_turn *turn, int16_t error) {
    struct share_work *work = CONTAINER_OF(turn, struct share_work, turn);
    work_over(work, work->row->table, error);
}

static void ordered(struct sharing_order *order) {
    struct share_work *work = CONTAINER_OF(order, struct share_work, order);
    work->turn.run = finish;
    work->turn.refused = share_work_refused;
    group_turn_take(work->row, &work->turn);
}

void share_work_order_and(struct share_work *work, void (*done)(struct sharing_order *order)) {
    const struct sharing_road *road = &work->row->table->sharing;
    work->answers = mem_zalloc((work->count + 1) * sizeof *work->answers);
    work->order.orderer.term = coordinator_log_epoch(work->row->table->log);
    work->order.group = work->row->id;
    work->order.asks = work->asks;
    work->order.answers = work->answers;
    work->order.count = work->count;
    work->order.timeout_ms = SHARING_ORDER_MS;
    work->order.done = done;
    road->begin(road->arg, &work->order);
}

void share_work_order(struct share_work *work) {
    share_work_order_and(work, ordered);
}

static void recorded(struct group_turn *turn, int16_t error) {
    struct share_work *work = CONTAINER_OF(turn, struct share_work, turn);
    if (error != KAFKA_NONE) {
        share_work_turn_over(work, error);
        return;
    }
    group_turn_end(turn);
    share_work_order(work);
}

static void record(struct group_turn *turn) {
    turn->written = recorded;
    share_work_write(CONTAINER_OF(turn, struct share_work, turn), turn);
}

void share_work_take(struct share_work *work) {
    work->turn.run = record;
    work->turn.refused = share_work_refused;
    group_turn_take(work->row, &work->turn);
}

/* ---- Others that look ---- */

bool share_work_needs_it_empty(const struct share_group *group) {
    return group->work != NULL && group->work->order.what != SHARING_BEGIN;
}

void share_work_lost(struct share_group *group) {
    struct share_work *work = group->work;
    if (work == NULL) return;
    work->row->table->sharing.cancel(&work->order);
    work_over(work, work->row->table, KAFKA_NOT_COORDINATOR);
}
