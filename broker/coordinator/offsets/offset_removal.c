/* A turn for each batch; the next one begins where the first offset that goes is found again. */
#include "broker/coordinator/offsets/offset_removal.h"

#include "base/container_of.h"
#include "broker/coordinator/offsets/offset_records.h"

static void finish(struct offset_removal *removal, int16_t error) {
    mem_free(removal->group_id);
    removal->group_id = NULL;
    removal->done(removal, error);
}

static void removal_refused(struct group_turn *turn, int16_t error) {
    finish(CONTAINER_OF(turn, struct offset_removal, turn), error);
}

static void end_turn(struct offset_removal *removal, int16_t error) {
    struct group_table *table = removal->table;
    group_turn_end(&removal->turn);
    if (error != 0 || !removal->more) {
        finish(removal, error);
        return;
    }
    struct kp_string id = {removal->group_id, (int32_t)removal->group_id_len};
    struct group *group = table->leading ? group_find(table, id) : NULL;
    if (group == NULL)
        finish(removal, 0);
    else
        group_turn_take(group, &removal->turn);
}

static void removal_written(struct group_turn *turn, int16_t error) {
    struct offset_removal *removal = CONTAINER_OF(turn, struct offset_removal, turn);
    if (error == 0) removal->removed += (uint32_t)removal->in_batch;
    end_turn(removal, error);
}

bool offset_removal_takes(struct offset_removal *removal, const struct pending_place *place) {
    struct kp_string topic = pending_place_topic(place);
    if (offset_store_find(place->group, topic, (int32_t)place->partition) != NULL) return false;
    const struct pending_offset *pending = place->first;
    while (pending != NULL && removal->goes(removal, topic, &pending->offset))
        pending = pending->next;
    return pending == NULL;
}

static void collect_pending(struct offset_removal *removal, const struct group *group,
                            struct group_batch *batch) {
    const struct pending_place *place = removal->and_pending ? group->pending : NULL;
    for (; place != NULL && !removal->more; place = place->next) {
        struct kp_string topic = pending_place_topic(place);
        if (!offset_removal_takes(removal, place)) continue;
        removal->more = !offset_record_remove_fits(batch, group->id, topic);
        if (!removal->more)
            offset_record_remove(batch, group->id, topic, (int32_t)place->partition);
    }
}

/* Adds tombstones of what goes, until the batch is full. */
static void collect(struct offset_removal *removal, const struct group *group,
                    struct group_batch *batch) {
    const struct topic_offsets *topic = offset_store_first_topic(group);
    for (; topic != NULL && !removal->more; topic = topic->next)
        for (uint32_t i = 0; i < topic->table.count; i++) {
            const struct committed_offset *offset = &topic->table.items[i];
            if (!removal->goes(removal, topic_offsets_name(topic), offset)) continue;
            if (!offset_record_remove_fits(batch, group->id, topic_offsets_name(topic))) {
                removal->more = true;
                break;
            }
            offset_record_remove(batch, group->id, topic_offsets_name(topic), offset->partition);
        }
}

static void add_group(struct offset_removal *removal, const struct group *group,
                      struct group_batch *batch) {
    struct offset_age age;
    if (!removal->and_group || removal->more || group->pending != NULL) return;
    if (batch->count < offset_store_count_of(group)) return;
    removal->rules->age(group, &age);
    if (age.empty) removal->rules->tombstones(group, batch);
}

static void removal_run(struct group_turn *turn) {
    struct offset_removal *removal = CONTAINER_OF(turn, struct offset_removal, turn);
    struct group *group = turn->group;
    struct group_batch batch;
    group_batch_open(&batch);
    removal->more = false;
    if (removal->begin != NULL) removal->begin(removal, group);
    collect(removal, group, &batch);
    collect_pending(removal, group, &batch);
    if (removal->end != NULL) removal->end(removal);
    removal->in_batch = batch.count;
    add_group(removal, group, &batch);
    if (batch.count > 0)
        group_turn_write(turn, &batch);
    else
        end_turn(removal, 0);
    group_batch_close(&batch);
}

void offset_removal_take(struct group *group, struct offset_removal *removal) {
    removal->table = group->table;
    removal->group_id = mem_text(group->id.data, (size_t)group->id.len);
    removal->group_id_len = (size_t)group->id.len;
    removal->removed = 0;
    removal->turn.run = removal_run;
    removal->turn.refused = removal_refused;
    removal->turn.written = removal_written;
    removal->turn.unrefused = true;
    group_turn_take(group, &removal->turn);
}
