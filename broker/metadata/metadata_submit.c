/*
 * The asking side of the metadata group: a change is brought to whoever leads.
 *
 *   submit: WAITING --- we lead ----------> LEADING --- committed and applied --> done
 *           ^  |  \---- another leads ----> CALLING --- its answer ---> APPLYING --> done
 *           |  |                                                        |   when our table has it
 *           |  \------- time is over -----> done (REQUEST_TIMED_OUT)    |
 *           \---------- leadership lost, link broken, "again" ----------/
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/container_of.h"
#include "broker/metadata/metadata_group_internal.h"
#include "broker/metadata/metadata_roster.h"

enum { RETRY_US = 100 * 1000, CALL_TIMEOUT_MS = 3000 };

bool metadata_group_is_leading(const struct metadata_group *group) {
    return group->leading;
}

int32_t metadata_group_leader(const struct metadata_group *group) {
    if (group->leading) return group->node;
    if (group->group == NULL) return -1;
    const struct roster_broker *leader = metadata_roster_with_replica(
        group->metadata, raft_group_leader(group->group));
    return leader == NULL ? -1 : leader->node;
}

static void take_out(struct metadata_submit *submit) {
    struct metadata_group *group = submit->group;
    if (group->next_to_end == submit) group->next_to_end = submit->next;
    DL_DELETE(group->submits, submit);
    submit->state = SUBMIT_IDLE;
    slice_unref(&submit->bytes);
}

static void submit_finish(struct metadata_submit *submit) {
    if (submit->type == COMMAND_DELETE_TOPIC && submit->tries > 1 &&
        submit->result.error == KAFKA_UNKNOWN_TOPIC_ID)
        memset(&submit->result, 0,
               sizeof submit->result); /* it was there, and an earlier try has deleted it */
    *(submit->result.error == 0 ? &submit->group->changes.done
                                : &submit->group->changes.refused) += 1;
    take_out(submit);
    submit->done(submit, &submit->result);
}

static void wait_again(struct metadata_submit *submit) {
    submit->state = SUBMIT_WAITING;
    env_timer_start(submit->group->retry, RETRY_US);
}

void metadata_submit_take(struct metadata_submit *submit, const struct change_outcome *outcome) {
    struct metadata_group *group = submit->group;
    if (outcome->result.error != 0 || outcome->status == CHANGE_DONE)
        submit->result = outcome->result;
    if (outcome->status == CHANGE_AGAIN) {
        submit->unsure = submit->unsure || outcome->result.error == 0;
        wait_again(submit);
        return;
    }
    submit->index = outcome->index;
    submit->state = SUBMIT_APPLYING;
    if (submit->index <= group->applied) env_defer(group->env, &group->task);
}

static void on_answer(struct broker_call *call, int error, const uint8_t *answer, size_t len) {
    struct metadata_submit *submit = CONTAINER_OF(call, struct metadata_submit, call);
    struct change_outcome outcome;
    if (error != ERR_NONE || change_outcome_decode(answer, len, &outcome) != ERR_NONE)
        outcome = (struct change_outcome){.status = CHANGE_AGAIN};
    metadata_submit_take(submit, &outcome);
}

static void try_submit(struct metadata_submit *submit) {
    struct metadata_group *group = submit->group;
    int32_t leader = metadata_group_leader(group);
    if (group->leading) {
        submit->tries++;
        submit->state = SUBMIT_LEADING;
        struct change_outcome outcome;
        struct change_asker us = {.submit = submit};
        if (metadata_pending_begin(group, submit->bytes.data, submit->bytes.len, us, &outcome))
            metadata_submit_take(submit, &outcome);
    } else if (leader >= 0 && leader != group->node) {
        submit->tries++;
        submit->state = SUBMIT_CALLING;
        submit->call.done = on_answer;
        broker_messages_call(group->messages, &submit->call, leader, BROKER_REQUEST_METADATA,
                             slice_ref(submit->bytes), CALL_TIMEOUT_MS);
    } else {
        wait_again(submit);
    }
}

static void timed_out(struct metadata_submit *submit) {
    struct metadata_group *group = submit->group;
    if (submit->state == SUBMIT_CALLING)
        broker_messages_call_cancel(group->messages, &submit->call);
    metadata_pending_forget(group, submit);
    if (submit->result.error == 0 || submit->unsure || submit->state >= SUBMIT_CALLING) {
        int32_t leader = metadata_group_leader(group);
        submit->result.error = KAFKA_REQUEST_TIMED_OUT;
        if (leader < 0)
            snprintf(
                submit->result.message, sizeof submit->result.message,
                "no broker leads the metadata: a majority of its voters does not answer; start them and try again");
        else
            snprintf(
                submit->result.message, sizeof submit->result.message,
                "the metadata leader, broker %" PRId32
                ", did not finish this in time; it may or may not have happened, look before you try again",
                leader);
    }
    submit_finish(submit);
}

/* `done` of a submit may make and cancel others, also the next. False: the turn is long, and others
 * are to be looked at in a later one. */
static bool end_all(struct metadata_group *group) {
    uint64_t now_ms = env_now_ms(group->env);
    bool ended = false;
    struct metadata_submit *submit;
    for (group->next_to_end = group->submits; (submit = group->next_to_end) != NULL;) {
        bool done = submit->state == SUBMIT_APPLYING && submit->index <= group->applied;
        if (ended && (done || submit->deadline_ms <= now_ms) && env_turn_is_long(group->env)) {
            group->next_to_end = NULL;
            return false;
        }
        group->next_to_end = submit->next;
        ended = ended || done || submit->deadline_ms <= now_ms;
        if (done)
            submit_finish(submit);
        else if (submit->deadline_ms <= now_ms)
            timed_out(submit);
    }
    return true;
}

static void on_task(struct env_task *task) {
    struct metadata_group *group = CONTAINER_OF(task, struct metadata_group, task);
    if (!end_all(group)) {
        env_yield(group->env, &group->task);
        return;
    }
    struct metadata_submit *submit;
    DL_FOREACH(group->submits, submit) if (submit->state == SUBMIT_WAITING) try_submit(submit);
    if (group->submits != NULL) env_timer_start(group->retry, RETRY_US);
}

static void on_retry(void *arg) {
    struct metadata_group *group = arg;
    on_task(&group->task);
}

void metadata_group_submit(struct metadata_group *group, struct metadata_submit *submit,
                           const struct metadata_change *change, uint32_t timeout_ms) {
    memset(&submit->result, 0, sizeof submit->result);
    submit->group = group;
    submit->type = change->command.type;
    submit->bytes = (struct slice){0};
    submit->tries = 0;
    submit->unsure = false;
    submit->index = 0;
    submit->call.waits = false;
    submit->deadline_ms = env_now_ms(group->env) + timeout_ms;
    submit->state = SUBMIT_WAITING;
    DL_APPEND(group->submits, submit);
    if (metadata_change_encode(change, &submit->bytes) != ERR_NONE) {
        submit->state = SUBMIT_APPLYING; /* ends at once, with the error */
        submit->result.error = KAFKA_INVALID_REQUEST;
        snprintf(submit->result.message, sizeof submit->result.message,
                 "the change has more than %d bytes; ask for less at a time", METADATA_COMMAND_MAX);
    }
    env_defer(group->env, &group->task);
}

void metadata_group_submit_cancel(struct metadata_submit *submit) {
    struct metadata_group *group = submit->group;
    if (submit->state == SUBMIT_IDLE) return;
    if (submit->state == SUBMIT_CALLING)
        broker_messages_call_cancel(group->messages, &submit->call);
    metadata_pending_forget(group, submit);
    take_out(submit);
}

void metadata_submits_open(struct metadata_group *group) {
    group->retry = env_timer_new(group->env, on_retry, group);
    group->task.run = on_task;
}

void metadata_submits_close(struct metadata_group *group) {
    while (group->submits != NULL) {
        struct metadata_submit *submit = group->submits;
        if (submit->state == SUBMIT_CALLING)
            broker_messages_call_cancel(group->messages, &submit->call);
        submit->result.error = KAFKA_BROKER_NOT_AVAILABLE;
        snprintf(submit->result.message, sizeof submit->result.message,
                 "this broker is stopping; ask another one");
        submit_finish(submit);
    }
    env_defer_cancel(group->env, &group->task);
    env_timer_free(group->retry);
}
