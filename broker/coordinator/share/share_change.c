/* What clients ask for: a group begins elsewhere, forgets topics, or goes. */
#include "base/mem.h"
#include "broker/coordinator/share/share_group_internal.h"
#include "broker/coordinator/share/share_work_internal.h"
#include "protocol/kafka_error.h"

/* ---- AlterShareGroupOffsets, DeleteShareGroupOffsets ---- */

static int16_t check_change(const struct group *row, const struct share_change *change) {
    if (row->share == NULL && (change->forgets || !group_is_unknown(row)))
        return KAFKA_GROUP_ID_NOT_FOUND;
    if (row->share != NULL && row->share->member_count > 0) return KAFKA_NON_EMPTY_GROUP;
    if (row->share != NULL && row->share->work != NULL) return KAFKA_COORDINATOR_LOAD_IN_PROGRESS;
    if (!change->forgets && group_refuses_more(row)) return KAFKA_COORDINATOR_NOT_AVAILABLE;
    return KAFKA_NONE;
}

static uint8_t stage_of(const struct group *row, struct kp_uuid topic, int32_t partition) {
    return row->share == NULL ? SHARE_NOT_BEGUN
                              : share_places_stage(&row->share->places, topic, partition);
}

/* All that began, or may have begun, in a topic. */
static size_t add_begun(struct share_work *work, const struct metadata_topic *topic,
                        struct kp_uuid id, size_t part) {
    size_t count = work->count;
    for (int32_t p = 0; p < topic->partition_count; p++) {
        struct share_work_place place = {.partition = p, .stage = SHARE_BEGINNING, .part = part};
        if (share_places_stage(&work->next, id, p) != SHARE_NOT_BEGUN)
            share_work_add(work, topic, &place, &(struct sharing_ask){.start = SHARING_LATEST});
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

/* Once of each topic, however often it is named. */
static bool is_first_of(struct share_work *work, struct kp_uuid topic) {
    struct share_topic *found = share_places_topic(&work->next, topic);
    if (found == NULL || found->met) return false;
    found->met = true;
    return true;
}

/* Where it has begun that stays so: what is known of it is only where it was. */
static void add_moved(struct share_work *work, const struct metadata_topic *topic, size_t at) {
    const struct share_change_part *part = &work->change->parts[at];
    const struct share_group *group = work->row->share;
    bool known = group != NULL && share_places_topic(&group->places, part->topic) != NULL,
         exact = part->start >= 0;
    struct share_work_place place = {.partition = part->partition,
                                     .stage = stage_of(work->row, part->topic, part->partition),
                                     .part = at};
    struct sharing_ask how = {.exact = exact,
                              .start = exact ? part->start : share_work_start(work->row)};
    if (place.stage == SHARE_NOT_BEGUN) place.stage = known ? SHARE_LATER : SHARE_BEGINNING;
    share_work_add(work, topic, &place, &how);
    if (is_first_of(work, part->topic) && !known) add_others(work, topic, part->topic);
}

static void add_part(struct share_work *work, size_t at) {
    struct share_change_part *part = &work->change->parts[at];
    const struct metadata_topic *topic = metadata_topic_with_id(work->row->table->metadata,
                                                                part->topic.bytes);
    part->code = KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
    if (topic == NULL || share_work_is_full(work)) return;
    if (work->change->forgets) {
        if (is_first_of(work, part->topic) && add_begun(work, topic, part->topic, at) > 0)
            part->code = KAFKA_NONE;
    } else if (part->partition >= 0 && part->partition < topic->partition_count) {
        add_moved(work, topic, at);
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
        share_work_free(work);
        change_end(turn, error);
        return;
    }
    share_work_attach(work);
    group_turn_end(turn);
    share_work_order(work);
}

static void change_run(struct group_turn *turn) {
    struct share_change *change = CONTAINER_OF(turn, struct share_change, call.turn);
    share_work_stop_confirming(turn->group->share);
    if (!change->forgets) group_pay(turn->group, change->client_host);
    int16_t error = check_change(turn->group, change);
    if (error != KAFKA_NONE) {
        change_end(turn, error);
        return;
    }
    struct share_work *work = share_work_new(turn->group,
                                             change->forgets ? SHARING_DROP : SHARING_MOVE);
    work->change = change;
    change->work = work;
    for (size_t i = 0; i < change->count && !work->more; i++)
        add_part(work, i);
    if (work->count == 0 || work->more) {
        change_end(turn, work->more ? KAFKA_INVALID_REQUEST : KAFKA_NONE);
        share_work_free(work);
        return;
    }
    share_work_mark(work);
    share_work_forget_gone(work);
    turn->written = change_recorded;
    share_work_write(work, turn);
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

/* All that has begun, or may have. */
static void add_all(struct share_work *work) {
    const struct metadata *metadata = work->row->table->metadata;
    const struct share_places *places = &work->row->share->places;
    share_work_forget_gone(work);
    for (size_t i = 0; i < places->count && !work->more; i++) {
        struct kp_uuid id = places->topics[i].id;
        const struct metadata_topic *topic = metadata_topic_with_id(metadata, id.bytes);
        if (topic != NULL && !share_work_is_full(work)) add_begun(work, topic, id, 0);
    }
}

static void delete_end(struct group_turn *turn, int16_t error) {
    struct group_delete *call = CONTAINER_OF(turn, struct group_delete, call.turn);
    group_call_answer(turn->group->table, &call->call, error);
    group_turn_end(turn);
}

static void delete_recorded(struct group_turn *turn, int16_t error) {
    struct share_work *work = turn->group->share->work;
    if (error != KAFKA_NONE) {
        work->deletes = NULL;
        share_work_free(work);
        delete_end(turn, error);
        return;
    }
    group_turn_end(turn);
    share_work_order(work);
}

void share_work_delete(struct group_delete *call) {
    struct group_turn *turn = &call->call.turn;
    struct share_group *group = turn->group->share;
    share_work_stop_confirming(group);
    if (group->member_count > 0 || group->work != NULL || !share_work_knows_topics(group->row)) {
        delete_end(turn, group->member_count > 0 ? KAFKA_NON_EMPTY_GROUP
                                                 : KAFKA_COORDINATOR_LOAD_IN_PROGRESS);
        return;
    }
    struct share_work *work = share_work_new(turn->group, SHARING_DROP);
    work->deletes = call;
    work->ends = true;
    add_all(work);
    share_work_mark(work);
    share_work_attach(work);
    turn->written = delete_recorded;
    share_work_write(work, turn);
}
