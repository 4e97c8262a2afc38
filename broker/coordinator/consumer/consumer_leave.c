/*
 * Members that are removed from outside: LeaveGroup, which the tools of Kafka send whatever
 * protocol the members speak.
 *
 * Failures, of each: UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID; of all: what the write says.
 */
#include "base/container_of.h"
#include "broker/coordinator/consumer/consumer_departures.h"
#include "broker/coordinator/consumer/consumer_heartbeat.h"
#include "protocol/kafka_error.h"

static struct consumer_member *written_or_null(struct consumer_member *member) {
    return member != NULL && member->written ? member : NULL;
}

static int16_t find_leaver(const struct consumer_group *group, const struct group_leaver *leaver,
                           struct consumer_member **member) {
    struct consumer_member *holder = NULL;
    if (leaver->instance_id.len >= 0) {
        holder = written_or_null(consumer_member_of_instance(group, leaver->instance_id));
        if (holder == NULL) return KAFKA_UNKNOWN_MEMBER_ID;
    }
    if (leaver->member_id.len <= 0)
        *member = holder;
    else
        *member = written_or_null(consumer_member_find(group, leaver->member_id));
    if (*member == NULL) return KAFKA_UNKNOWN_MEMBER_ID;
    return holder == NULL || holder == *member ? KAFKA_NONE : KAFKA_FENCED_INSTANCE_ID;
}

/* They go in as many batches as that takes; the group may be of the other protocol by the last of
 * those that it had of this one. */
static void left(struct group_turn *turn, int16_t error) {
    struct group_leave *leave = CONTAINER_OF(turn, struct group_leave, call.turn);
    if (error == KAFKA_NONE && leave->next < leave->leaver_count) {
        turn->run(turn);
        return;
    }
    group_call_answer(turn->group->table, &leave->call, error);
    group_turn_end(turn);
}

/* How many go with this batch. */
static size_t mark_leavers(const struct consumer_group *group, struct group_leave *leave) {
    struct consumer_departures departures = {0};
    for (; leave->next < leave->leaver_count; leave->next++) {
        struct group_leaver *leaver = &leave->leavers[leave->next];
        struct consumer_member *member = NULL;
        leaver->error = find_leaver(group, leaver, &member);
        if (leaver->error == KAFKA_NONE && !consumer_departs(member, KP_GROUP_LEFT, &departures))
            break;
    }
    return departures.count;
}

void consumer_leave(struct consumer_group *group, struct group_leave *leave) {
    struct group_turn *turn = &leave->call.turn;
    if (mark_leavers(group, leave) == 0) {
        left(turn, KAFKA_NONE);
        return;
    }
    struct group_batch batch;
    group_batch_open(&batch);
    consumer_add_departures(&batch, group, group->row->table->metadata);
    turn->written = left;
    group_turn_write(turn, &batch);
    group_batch_close(&batch);
}
