/* Groups of all kinds: what they are at one look, and their end. */
#include "broker/coordinator/serving/group_listing.h"

#include "broker/coordinator/classic/classic_group.h"
#include "broker/coordinator/consumer/consumer_group.h"
#include "broker/coordinator/offsets/offset_records.h"
#include "broker/coordinator/serving/group_coordinator_internal.h"
#include "broker/coordinator/serving/group_offsets.h"
#include "broker/coordinator/share/share_work.h"
#include "protocol/kafka_error.h"

const char *const group_state_names[GROUP_STATES + 1] = {"Empty",
                                                         "PreparingRebalance",
                                                         "CompletingRebalance",
                                                         "Stable",
                                                         "Assigning",
                                                         "Reconciling",
                                                         "Dead",
                                                         NULL};
const char *const group_type_names[GROUP_TYPES + 1] = {"classic", "consumer", "share", NULL};

bool group_look(const struct group *group, struct group_seen *seen) {
    bool consumer = group->consumer != NULL;
    if (group_kind_of(group) == GROUP_UNKNOWN && group->members == 0) return false;
    if (group->share != NULL) {
        *seen = (struct group_seen){.id = group->id,
                                    .type = kp_string_of("share"),
                                    .protocol_type = kp_string_of("share"),
                                    .state = kp_string_of(share_group_state(group->share))};
        return true;
    }
    *seen = (struct group_seen){
        .id = group->id,
        .type = kp_string_of(consumer ? "consumer" : "classic"),
        .protocol_type = consumer ? kp_string_of("consumer") : classic_type_of(group),
        .state = kp_string_of(consumer ? consumer_group_state(group->consumer)
                                       : classic_state_name(classic_state_of(group))),
    };
    return true;
}

/* ---- DeleteGroups ---- */

static int16_t check_delete(const struct group *group) {
    if (group_kind_of(group) == GROUP_UNKNOWN && group->members == 0)
        return KAFKA_GROUP_ID_NOT_FOUND;
    bool empty = group->consumer != NULL ? group->consumer->member_count == 0
                                         : classic_state_of(group) == CLASSIC_EMPTY;
    return empty ? KAFKA_NONE : KAFKA_NON_EMPTY_GROUP;
}

static void delete_end(struct group_turn *turn, int16_t error) {
    struct group_delete *call = CONTAINER_OF(turn, struct group_delete, call.turn);
    struct group *group = turn->group;
    group_call_answer(group->table, &call->call, error);
    classic_settle(group);
    group_turn_end(turn);
}

/* Between two parts a transaction may have ended, which takes along what was pending: then nothing
 * may be left. */
static void delete_part(struct group_delete *call, struct group *group) {
    struct group_batch batch;
    group_batch_open(&batch);
    call->more = !offset_records_remove_all(&batch, group);
    if (!call->more) group_offset_rules.tombstones(group, &batch);
    if (batch.count > 0)
        group_turn_write(&call->call.turn, &batch);
    else
        delete_end(&call->call.turn, KAFKA_NONE);
    group_batch_close(&batch);
}

static void delete_run(struct group_turn *turn) {
    struct group_delete *call = CONTAINER_OF(turn, struct group_delete, call.turn);
    int16_t error = turn->group->share != NULL ? KAFKA_NONE : check_delete(turn->group);
    if (turn->group->share != NULL)
        share_work_delete(call);
    else if (error != KAFKA_NONE)
        delete_end(turn, error);
    else
        delete_part(call, turn->group);
}

static void delete_written(struct group_turn *turn, int16_t error) {
    struct group_delete *call = CONTAINER_OF(turn, struct group_delete, call.turn);
    if (error == KAFKA_NONE && call->more)
        delete_part(call, turn->group);
    else
        delete_end(turn, error);
}

void group_coordinator_delete(struct group_coordinator *coordinator, struct group_delete *call) {
    struct group_table *groups = &coordinator->groups;
    struct group *group = groups->leading ? group_find(groups, call->group_id) : NULL;
    call->call.kind = GROUP_OTHER;
    call->call.turn.written = delete_written;
    if (group == NULL)
        group_call_answer(groups, &call->call,
                          groups->leading ? KAFKA_GROUP_ID_NOT_FOUND : KAFKA_NOT_COORDINATOR);
    else
        group_call_take(group, &call->call, delete_run);
}
