/* One call of a coordinator for each question. */
#include "broker/verification/transaction_judge.h"

#include <utlist.h>

#include "base/container_of.h"
#include "base/mem.h"
#include "broker/coordinator/transaction/transaction_call.h"
#include "broker/coordinator/transaction/transaction_coordinator.h"
#include "protocol/kafka_error.h"

enum { ADDS_VERSION = 2 }; /* transaction.version */

struct judging {
    struct transaction_judge *judge;
    struct transaction_question *question; /* NULL: given up; free when the call is over */
    struct coordinator_find find;
    struct transaction_call call;
    struct transaction_partitions partitions;
    char *id; /* its own: the call may outlive the question */
    bool called;
    int16_t error; /* once it is over */
    struct judging *next, *prev;
};

struct transaction_judge {
    struct env *env;
    struct coordinators *coordinators;
    struct judging *over; /* to be told */
    struct env_task tell_task;
};

static void judging_free(struct judging *judging) {
    transaction_partitions_close(&judging->partitions);
    mem_free(judging->id);
    mem_free(judging);
}

static void tell(struct env_task *task) {
    struct transaction_judge *judge = CONTAINER_OF(task, struct transaction_judge, tell_task);
    while (judge->over != NULL) {
        struct judging *judging = judge->over;
        struct transaction_question *question = judging->question;
        int16_t error = judging->error;
        DL_DELETE(judge->over, judging);
        judging_free(judging);
        question->asked = NULL;
        question->done(question, error);
    }
}

static void end(struct judging *judging, int16_t error) {
    judging->called = false;
    judging->error = error;
    DL_APPEND(judging->judge->over, judging);
    env_defer(judging->judge->env, &judging->judge->tell_task);
}

static void on_called(struct transaction_call *call) {
    struct judging *judging = CONTAINER_OF(call, struct judging, call);
    if (judging->question == NULL)
        judging_free(judging);
    else
        end(judging, call->error);
}

static void on_found(struct coordinator_find *find, void *state, int16_t error) {
    struct judging *judging = CONTAINER_OF(find, struct judging, find);
    if (error != KAFKA_NONE) {
        end(judging, error);
        return;
    }
    judging->called = true;
    transaction_coordinator_call(state, &judging->call);
}

static void ask(void *arg, struct transaction_question *question) {
    struct transaction_judge *judge = arg;
    struct judging *judging = mem_zalloc(sizeof *judging);
    judging->judge = judge;
    judging->question = question;
    question->asked = judging;
    if (question->id.len <= 0) { /* nobody has this one */
        end(judging, KAFKA_INVALID_PRODUCER_ID_MAPPING);
        return;
    }
    judging->id = mem_text(question->id.data, (size_t)question->id.len);
    transaction_partitions_add(&judging->partitions, question->topic, &question->partition, 1);
    transaction_partitions_settle(&judging->partitions);
    judging->call = (struct transaction_call){
        .kind = TRANSACTION_ADD,
        .id = {judging->id, question->id.len},
        .add = {.producer_id = question->producer_id,
                .epoch = question->epoch,
                .client_version = question->adds ? ADDS_VERSION : 0,
                .partitions = &judging->partitions,
                .verifies = !question->adds},
        .done = on_called};
    judging->find.done = on_found;
    coordinators_find(judge->coordinators, question->id.data, (size_t)question->id.len,
                      &judging->find);
}

static void cancel(void *arg, struct transaction_question *question) {
    struct transaction_judge *judge = arg;
    struct judging *judging = question->asked;
    question->asked = NULL;
    judging->question = NULL;
    coordinators_find_cancel(&judging->find);
    if (judging->called) {
        if (transaction_call_cancel(&judging->call)) judging_free(judging);
        return;
    }
    struct judging *over;
    DL_FOREACH(judge->over, over) if (over == judging) break;
    if (over != NULL) DL_DELETE(judge->over, judging);
    judging_free(judging);
}

struct transaction_judge *transaction_judge_new(struct env *env,
                                                struct coordinators *coordinators) {
    struct transaction_judge *judge = mem_zalloc(sizeof *judge);
    judge->env = env;
    judge->coordinators = coordinators;
    judge->tell_task.run = tell;
    return judge;
}

void transaction_judge_free(struct transaction_judge *judge) {
    if (judge == NULL) return;
    env_defer_cancel(judge->env, &judge->tell_task);
    mem_free(judge);
}

struct transaction_asker transaction_judge_asker(struct transaction_judge *judge) {
    return (struct transaction_asker){ask, cancel, judge};
}
