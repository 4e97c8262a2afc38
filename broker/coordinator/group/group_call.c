/* Calls from their turn to their answer. Answers leave from a task, so that whoever is told never
 * meets a group that is half changed. */
#include "broker/coordinator/group/group_call.h"

#include "base/check.h"

static void call_refused(struct group_turn *turn, int16_t error) {
    group_call_answer(turn->group->table, CONTAINER_OF(turn, struct group_call, turn), error);
}

void group_call_take(struct group *group, struct group_call *call,
                     void (*run)(struct group_turn *turn)) {
    call->turn.run = run;
    call->turn.refused = call_refused;
    group_turn_take(group, &call->turn);
}

void group_call_park(struct group_call *call, void *at, void (*unpark)(struct group_call *call)) {
    CHECK(!call->parked && !call->answered);
    call->parked = true;
    call->parked_at = at;
    call->unpark = unpark;
    if (call->kept != NULL) call->kept(call);
}

/* ---- Answers ---- */

static void release_join(struct group_join *join) {
    shared_bytes_release(join->type);
    shared_bytes_release(join->protocol);
    shared_bytes_release(join->leader);
    shared_bytes_release(join->member);
    for (size_t i = 0; i < join->member_count; i++) {
        shared_bytes_release(join->members[i].id);
        shared_bytes_release(join->members[i].instance);
        shared_bytes_release(join->members[i].metadata);
    }
    mem_free(join->members);
}

static void release_sync(struct group_sync *sync) {
    shared_bytes_release(sync->type);
    shared_bytes_release(sync->chosen);
    shared_bytes_release(sync->assignment);
}

/* The call may be gone after `done`. */
static void call_tell(struct group_call *call) {
    if (call->kind == GROUP_JOIN) {
        struct group_join out = *(struct group_join *)call;
        call->done(call);
        release_join(&out);
    } else if (call->kind == GROUP_SYNC) {
        struct group_sync out = *(struct group_sync *)call;
        call->done(call);
        release_sync(&out);
    } else {
        call->done(call);
    }
}

static void answered_remove(struct group_table *table, struct group_call *call) {
    *(call->prev != NULL ? &call->prev->next : &table->answered) = call->next;
    *(call->next != NULL ? &call->next->prev : &table->last_answered) = call->prev;
    call->next = call->prev = NULL;
    call->answered = false;
}

static void tell_answered(struct env_task *task) {
    struct group_table *table = CONTAINER_OF(task, struct group_table, telling);
    while (table->answered != NULL) {
        struct group_call *call = table->answered;
        answered_remove(table, call);
        call_tell(call);
        if (table->answered != NULL && env_turn_is_long(table->env)) {
            env_yield(table->env, &table->telling);
            return;
        }
    }
}

void group_calls_tell(struct group_table *table) {
    while (table->answered != NULL) {
        struct group_call *call = table->answered;
        answered_remove(table, call);
        call_tell(call);
    }
    env_defer_cancel(table->env, &table->telling);
}

void group_call_answer(struct group_table *table, struct group_call *call, int16_t error) {
    CHECK(!call->answered);
    call->parked = false;
    call->answered = true;
    call->error = error;
    call->table = table;
    call->next = NULL;
    call->prev = table->last_answered;
    *(call->prev != NULL ? &call->prev->next : &table->answered) = call;
    table->last_answered = call;
    table->telling.run = tell_answered;
    env_defer(table->env, &table->telling);
}

bool group_call_cancel(struct group_call *call) {
    if (call->answered) {
        answered_remove(call->table, call);
        if (call->kind == GROUP_JOIN) release_join((struct group_join *)call);
        if (call->kind == GROUP_SYNC) release_sync((struct group_sync *)call);
    } else if (call->parked) {
        call->parked = false;
        call->unpark(call);
    } else if (!group_turn_cancel(&call->turn)) {
        return false;
    }
    return true;
}
