/* From what is asked to partitions, and back to records. */
#include "broker/coordinator/share/share_work.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "broker/coordinator/share/share_group_internal.h"
#include "broker/metadata/metadata.h"
#include "protocol/kafka_error.h"

#define GOES ((enum share_stage)4) /* of a copy: it is asked for already */

/* A partition that is asked. */
struct place {
    struct kp_uuid topic;
    int32_t partition;
    size_t part; /* of the change; of a topic that is forgotten the topic's */
};

struct share_work {
    struct group *row;
    struct share_group *group; /* NULL: its end is being written */
    struct sharing_order order;
    struct group_turn turn;
    struct share_places next; /* as it is to be recorded */
    struct place *places;
    struct sharing_ask *asks;
    struct sharing_answer *answers;
    size_t count, capacity, asks_capacity;
    bool confirms;               /* asks what has begun again; nothing is recorded */
    bool more;                   /* than is asked by one work: topics are left */
    struct share_change *change; /* who waits for it; both NULL: nobody */
    struct group_delete *deletes;
};

/* ---- Partitions ---- */

static void work_ask(struct share_work *work, struct kp_uuid id, const struct metadata_topic *topic,
                     int32_t partition, size_t part, bool exact, int64_t start) {
    const struct metadata_partition *found = &topic->partitions[partition];
    work->places = mem_grow(work->places, work->count, &work->capacity, sizeof *work->places);
    work->asks = mem_grow(work->asks, work->count, &work->asks_capacity, sizeof *work->asks);
    work->places[work->count] = (struct place){id, partition, part};
    work->asks[work->count++] = (struct sharing_ask){found->group, exact, start};
}

static void work_add(struct share_work *work, const struct metadata_topic *topic, int32_t partition,
                     size_t part, bool exact, int64_t start) {
    struct kp_uuid id;
    memcpy(id.bytes, topic->id, sizeof id.bytes);
    work_ask(work, id, topic, partition, part, exact, start);
    share_places_set(&work->next, id, kp_string_of(topic->name), partition, GOES);
}

/* A topic is asked as a whole, however large it is, so that none of its partitions is taken for one
 * that came later. */
static bool work_is_full(struct share_work *work) {
    work->more = work->count >= SHARING_ORDER_MOST;
    return work->more;
}

static struct share_work *work_new(struct group *row, enum sharing_what what) {
    struct share_work *work = mem_zalloc(sizeof *work);
    work->row = row;
    work->order.what = what;
    work->turn.unrefused = true;
    if (row->share != NULL) share_places_copy(&work->next, &row->share->places);
    return work;
}

static void work_free(struct share_work *work) {
    if (work->group != NULL) work->group->work = NULL;
    share_places_close(&work->next);
    mem_free(work->places);
    mem_free(work->asks);
    mem_free(work->answers);
    mem_free(work);
}

static void work_attach(struct share_work *work) {
    work->group = work->row->share;
    work->group->work = work;
}

/* So that it is recorded before anybody is asked. */
static void mark_beginning(struct share_work *work) {
    for (size_t i = 0; i < work->count; i++)
        share_places_set(&work->next, work->places[i].topic, kp_string_of(""),
                         work->places[i].partition, SHARE_BEGINNING);
}

/* ---- The end ---- */

static void change_over(struct share_work *work) {
    struct share_change *change = work->change;
    for (size_t i = 0; i < work->count; i++) {
        struct share_change_part *part = &change->parts[work->places[i].part];
        int16_t code = work->answers[i].code;
        if (code == KAFKA_NONE) continue;
        part->code = code == KAFKA_POLICY_VIOLATION ? code : KAFKA_COORDINATOR_NOT_AVAILABLE;
    }
}

/* Whoever waits for it is told. */
static void work_over(struct share_work *work, struct group_table *table, int16_t error) {
    if (error != KAFKA_NONE && work->group != NULL) work->group->looked_version = 0;
    if (error == KAFKA_NONE && work->change != NULL) change_over(work);
    if (work->change != NULL) group_call_answer(table, &work->change->call, error);
    if (work->deletes != NULL) group_call_answer(table, &work->deletes->call, error);
    work_free(work);
}

/* The row may be gone when its turn is over. */
static void turn_over(struct share_work *work, int16_t error) {
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
    turn_over(CONTAINER_OF(turn, struct share_work, turn), error);
}

static void finished_partly(struct group_turn *turn, int16_t error) {
    turn_over(CONTAINER_OF(turn, struct share_work, turn),
              error != KAFKA_NONE ? error : KAFKA_COORDINATOR_NOT_AVAILABLE);
}

static void finish(struct group_turn *turn) {
    struct share_work *work = CONTAINER_OF(turn, struct share_work, turn);
    struct share_group *group = work->group;
    bool failed = take_answers(work) > 0;
    bool goes = work->deletes != NULL && !failed && !work->more;
    struct group_batch batch;
    group_batch_open(&batch);
    if (goes) {
        share_group_tombstone(group, &batch);
        group->work = NULL; /* it is gone when that is applied */
        work->group = NULL;
    } else {
        if (failed) group->looked_version = 0;
        share_places_record(&work->next, work->row->id, &batch);
    }
    turn->written = work->deletes != NULL && !goes ? finished_partly : finished;
    group_turn_write(turn, &batch);
    group_batch_close(&batch);
}

static void refused(struct group_turn *turn, int16_t error) {
    struct share_work *work = CONTAINER_OF(turn, struct share_work, turn);
    work_over(work, work->row->table, error);
}

static void ordered(struct sharing_order *order) {
    struct share_work *work = CONTAINER_OF(order, struct share_work, order);
    work->turn.run = finish;
    work->turn.refused = refused;
    group_turn_take(work->row, &work->turn);
}

/* All that may change is recorded as beginning. */
static void order(struct share_work *work, void (*done)(struct sharing_order *order)) {
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

/* ---- A group begins where its members read ---- */

static void recorded(struct group_turn *turn, int16_t error) {
    struct share_work *work = CONTAINER_OF(turn, struct share_work, turn);
    if (error != KAFKA_NONE) {
        turn_over(work, error);
        return;
    }
    group_turn_end(turn);
    order(work, ordered);
}

static void record(struct group_turn *turn) {
    struct share_work *work = CONTAINER_OF(turn, struct share_work, turn);
    struct group_batch batch;
    group_batch_open(&batch);
    share_places_record(&work->next, work->row->id, &batch);
    turn->written = recorded;
    group_turn_write(turn, &batch);
    group_batch_close(&batch);
}

static int64_t start_by_settings(const struct group *row) {
    int64_t reset_ms = share_group_sharing(row).reset_ms, now_ms = env_wall_ms(row->table->env);
    if (reset_ms == GROUP_RESET_LATEST) return SHARING_LATEST;
    if (reset_ms == GROUP_RESET_EARLIEST) return SHARING_EARLIEST;
    return now_ms > reset_ms ? now_ms - reset_ms : 0;
}

/* A partition that came to a topic that the group read already begins with its first record:
 * nothing that is produced to the topic is passed over (KAFKA-22714). */
static void add_topic(struct share_work *work, const struct metadata_topic *topic) {
    struct kp_uuid id;
    memcpy(id.bytes, topic->id, sizeof id.bytes);
    const struct share_topic *known = share_places_topic(&work->row->share->places, id);
    int64_t start = start_by_settings(work->row);
    for (int32_t p = 0; p < topic->partition_count; p++) {
        uint8_t stage = share_places_stage(&work->next, id, p);
        if (stage == SHARE_BEGUN || stage == GOES) continue;
        bool is_new = known != NULL && stage == SHARE_NOT_BEGUN;
        work_add(work, topic, p, 0, false, is_new ? SHARING_EARLIEST : start);
    }
}

static void add_name(struct share_work *work, const char *name) {
    const struct metadata_topic *topic = metadata_topic_named(work->row->table->metadata, name,
                                                              strlen(name));
    if (topic != NULL && !work_is_full(work)) add_topic(work, topic);
}

/* Those of topics that are gone are gone with them. */
static void forget_gone(struct share_work *work) {
    const struct metadata *metadata = work->row->table->metadata;
    for (size_t i = 0; i < work->next.count; i++) {
        struct share_topic *topic = &work->next.topics[i];
        if (metadata_topic_with_id(metadata, topic->id.bytes) == NULL && topic->count > 0)
            memset(topic->stages, SHARE_NOT_BEGUN, (size_t)topic->count);
    }
}

static void begin_places(struct share_group *group, uint64_t version) {
    struct share_work *work = work_new(group->row, SHARING_BEGIN);
    for (const struct share_readers *readers = group->readers; readers != NULL && !work->more;
         readers = readers->hh.next)
        add_name(work, readers->name);
    group->looked_version = work->more ? 0 : version;
    if (work->count == 0) {
        work_free(work);
        return;
    }
    if (share_places_count(&group->places, SHARE_BEGUN) == 0) group->confirmed_version = version;
    mark_beginning(work);
    forget_gone(work);
    work_attach(work);
    work->turn.run = record;
    work->turn.refused = refused;
    group_turn_take(group->row, &work->turn);
}

static void confirmed(struct sharing_order *order) {
    struct share_work *work = CONTAINER_OF(order, struct share_work, order);
    for (size_t i = 0; i < work->count; i++)
        if (work->answers[i].code != KAFKA_NONE) work->group->confirmed_version = 0;
    work_free(work);
}

/* Where it has begun the leaders are asked to begin it again, which does nothing but where a
 * message that came late, of a coordinator that was, has dropped it. */
static void confirm_places(struct share_group *group, uint64_t version) {
    const struct metadata *metadata = group->row->table->metadata;
    struct share_work *work = work_new(group->row, SHARING_BEGIN);
    int64_t start = start_by_settings(group->row);
    work->confirms = true;
    group->confirmed_version = version;
    for (size_t i = 0; i < group->places.count; i++) {
        const struct share_topic *begun = &group->places.topics[i];
        const struct metadata_topic *topic = metadata_topic_with_id(metadata, begun->id.bytes);
        for (int32_t p = 0; topic != NULL && p < begun->count && p < topic->partition_count; p++)
            if (begun->stages[p] == SHARE_BEGUN)
                work_ask(work, begun->id, topic, p, 0, false, start);
    }
    if (work->count == 0) {
        work_free(work);
        return;
    }
    work_attach(work);
    order(work, confirmed);
}

void share_work_begin_places(struct share_group *group) {
    struct group_table *table = group->row->table;
    uint64_t version = metadata_version(table->metadata);
    if (table->sharing.begin == NULL || group->work != NULL) return;
    if (group->looked_version != version) begin_places(group, version);
    if (group->work == NULL && group->confirmed_version != version) confirm_places(group, version);
}

/* It goes on with the next heartbeat. */
static void stop_confirming(struct share_group *group) {
    if (group == NULL || group->work == NULL || !group->work->confirms) return;
    group->row->table->sharing.cancel(&group->work->order);
    group->confirmed_version = 0;
    work_free(group->work);
}

bool share_work_needs_it_empty(const struct share_group *group) {
    return group->work != NULL && group->work->order.what != SHARING_BEGIN;
}

void share_work_lost(struct share_group *group) {
    struct share_work *work = group->work;
    if (work == NULL) return;
    work->row->table->sharing.cancel(&work->order);
    work_over(work, work->row->table, KAFKA_NOT_COORDINATOR);
}

/* ---- What clients ask for ---- */

static int16_t check_change(const struct group *row, const struct share_change *change) {
    if (row->share == NULL && (change->forgets || !group_is_unknown(row)))
        return KAFKA_GROUP_ID_NOT_FOUND;
    if (row->share != NULL && row->share->member_count > 0) return KAFKA_NON_EMPTY_GROUP;
    if (row->share != NULL && row->share->work != NULL) return KAFKA_COORDINATOR_LOAD_IN_PROGRESS;
    return KAFKA_NONE;
}

/* All that began, or may have begun, in a topic. */
static size_t add_begun(struct share_work *work, const struct metadata_topic *topic,
                        struct kp_uuid id, size_t part) {
    size_t count = work->count;
    for (int32_t p = 0; p < topic->partition_count; p++) {
        uint8_t stage = share_places_stage(&work->next, id, p);
        if (stage == SHARE_BEGUN || stage == SHARE_BEGINNING)
            work_add(work, topic, p, part, false, SHARING_LATEST);
    }
    return work->count - count;
}

/* Of a topic that the group has not read yet, so that its other partitions begin as any. */
static void add_others(struct share_work *work, const struct metadata_topic *topic,
                       struct kp_uuid id) {
    for (int32_t p = 0; p < topic->partition_count; p++)
        if (share_places_stage(&work->next, id, p) == SHARE_NOT_BEGUN)
            share_places_set(&work->next, id, kp_string_of(topic->name), p, SHARE_BEGINNING);
}

static void add_part(struct share_work *work, size_t place) {
    struct share_change_part *part = &work->change->parts[place];
    const struct metadata_topic *topic = metadata_topic_with_id(work->row->table->metadata,
                                                                part->topic.bytes);
    part->code = KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
    if (topic == NULL || work_is_full(work)) return;
    if (work->change->forgets) {
        if (add_begun(work, topic, part->topic, place) > 0) part->code = KAFKA_NONE;
    } else if (part->partition >= 0 && part->partition < topic->partition_count) {
        bool exact = part->start >= 0;
        work_add(work, topic, part->partition, place, exact,
                 exact ? part->start : start_by_settings(work->row));
        add_others(work, topic, part->topic);
        part->code = KAFKA_NONE;
    }
}

static void change_end(struct group_turn *turn, int16_t error) {
    struct share_change *change = CONTAINER_OF(turn, struct share_change, call.turn);
    group_call_answer(turn->group->table, &change->call, error);
    group_turn_end(turn);
}

/* It is recorded, and goes on without a turn. */
static void change_recorded(struct group_turn *turn, int16_t error) {
    struct share_change *change = CONTAINER_OF(turn, struct share_change, call.turn);
    struct share_work *work = change->work;
    if (error == KAFKA_NONE && turn->group->share == NULL) error = KAFKA_COORDINATOR_NOT_AVAILABLE;
    if (error != KAFKA_NONE) {
        work_free(work);
        change_end(turn, error);
        return;
    }
    work_attach(work);
    group_turn_end(turn);
    order(work, ordered);
}

static void change_run(struct group_turn *turn) {
    struct share_change *change = CONTAINER_OF(turn, struct share_change, call.turn);
    stop_confirming(turn->group->share);
    int16_t error = check_change(turn->group, change);
    if (error != KAFKA_NONE) {
        change_end(turn, error);
        return;
    }
    struct share_work *work = work_new(turn->group, change->forgets ? SHARING_DROP : SHARING_MOVE);
    work->change = change;
    change->work = work;
    for (size_t i = 0; i < change->count && !work->more; i++)
        add_part(work, i);
    if (work->count == 0 || work->more) {
        change_end(turn, work->more ? KAFKA_INVALID_REQUEST : KAFKA_NONE);
        work_free(work);
        return;
    }
    struct group_batch batch;
    struct share_group fresh = {.row = turn->group, .first_epoch = 1};
    group_batch_open(&batch);
    if (turn->group->share == NULL) share_group_record(&fresh, &batch);
    mark_beginning(work);
    forget_gone(work);
    share_places_record(&work->next, turn->group->id, &batch);
    turn->written = change_recorded;
    group_turn_write(turn, &batch);
    group_batch_close(&batch);
}

void share_change_take(struct group_table *table, struct share_change *change) {
    struct group *row = change->forgets ? group_find(table, change->group_id) : NULL;
    int16_t error = KAFKA_NONE;
    change->call.kind = GROUP_OTHER;
    if (!table->leading)
        error = KAFKA_NOT_COORDINATOR;
    else if (change->forgets && row == NULL)
        error = KAFKA_GROUP_ID_NOT_FOUND;
    else if (!change->forgets && !group_id_fits(table, change->group_id))
        error = KAFKA_INVALID_GROUP_ID;
    if (error != KAFKA_NONE) {
        group_call_answer(table, &change->call, error);
        return;
    }
    if (row == NULL) row = group_make(table, change->group_id);
    group_call_take(row, &change->call, change_run);
}

/* ---- DeleteGroups ---- */

static void delete_end(struct group_turn *turn, int16_t error) {
    struct group_delete *call = CONTAINER_OF(turn, struct group_delete, call.turn);
    group_call_answer(turn->group->table, &call->call, error);
    group_turn_end(turn);
}

static void delete_recorded(struct group_turn *turn, int16_t error) {
    struct share_work *work = turn->group->share->work;
    if (error != KAFKA_NONE) {
        work->deletes = NULL;
        work_free(work);
        delete_end(turn, error);
        return;
    }
    group_turn_end(turn);
    order(work, ordered);
}

void share_work_delete(struct group_delete *call) {
    struct group_turn *turn = &call->call.turn;
    struct share_group *group = turn->group->share;
    stop_confirming(group);
    if (group->member_count > 0 || group->work != NULL) {
        delete_end(turn, group->member_count > 0 ? KAFKA_NON_EMPTY_GROUP
                                                 : KAFKA_COORDINATOR_LOAD_IN_PROGRESS);
        return;
    }
    struct share_work *work = work_new(turn->group, SHARING_DROP);
    struct group_batch batch;
    work->deletes = call;
    forget_gone(work);
    for (size_t i = 0; i < group->places.count && !work->more; i++) {
        struct kp_uuid id = group->places.topics[i].id;
        const struct metadata_topic *topic = metadata_topic_with_id(turn->group->table->metadata,
                                                                    id.bytes);
        if (topic != NULL && !work_is_full(work)) add_begun(work, topic, id, 0);
    }
    mark_beginning(work);
    work_attach(work);
    group_batch_open(&batch);
    share_places_record(&work->next, turn->group->id, &batch);
    turn->written = delete_recorded;
    group_turn_write(turn, &batch);
    group_batch_close(&batch);
}
