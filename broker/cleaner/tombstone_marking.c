/* The partitions of a round, and the brokers that are asked. */
#include "broker/cleaner/tombstone_marking.h"

#include <utlist.h>

#include "base/container_of.h"
#include "base/mem.h"
#include "base/mutant.h"
#include "storage/little_endian.h"

enum { FORMAT = 1, QUESTION_SIZE = 16, ANSWER_SIZE = 8, TIMEOUT_MS = 3000 };

struct wanted {
    uint64_t group;
    uint32_t epoch;
    kafka_offset offset; /* the least that was heard so far; 0: there will be no mark */
};

struct question {
    size_t wanted; /* its place */
    replica_id replica;
};

/* What one broker is asked. */
struct asked {
    struct broker_call call;
    struct tombstone_marking *marking;
    int32_t node;
    struct question *questions;
    size_t count, room;
    struct asked *next, *prev;
};

struct tombstone_marking {
    int32_t node;
    struct partition_set *partitions;
    struct broker_messages *messages;
    struct wanted *wanted;
    size_t count, room;
    struct asked *asked;
    bool asking;
};

/* ---- What is to be asked ---- */

static struct asked *asked_of(struct tombstone_marking *marking, int32_t node) {
    struct asked *asked;
    DL_FOREACH(marking->asked, asked) if (asked->node == node) return asked;
    asked = mem_zalloc(sizeof *asked);
    asked->marking = marking;
    asked->node = node;
    DL_APPEND(marking->asked, asked);
    return asked;
}

void tombstone_marking_meet(struct tombstone_marking *marking, struct partition *partition) {
    const struct raft_group_member *members;
    size_t count;
    if (marking->asking || marking->count == MARKING_MAX) return;
    kafka_offset offset = partition_wants_mark(partition);
    if (offset == 0 || !partition_members(partition, &members, &count)) return;
    for (size_t i = 0; i < count; i++) {
        if (members[i].node == marking->node) continue;
        struct asked *asked = asked_of(marking, members[i].node);
        asked->questions = mem_grow(asked->questions, asked->count, &asked->room,
                                    sizeof *asked->questions);
        asked->questions[asked->count++] = (struct question){.wanted = marking->count,
                                                             .replica = members[i].replica};
    }
    marking->wanted = mem_grow(marking->wanted, marking->count, &marking->room,
                               sizeof *marking->wanted);
    marking->wanted[marking->count++] = (struct wanted){
        .group = raft_group_id(partition_group(partition)),
        .epoch = partition_leader_epoch(partition),
        .offset = offset};
}

/* ---- What comes of it ---- */

static void mark_all(struct tombstone_marking *marking) {
    marking->asking = false;
    for (size_t i = 0; i < marking->count; i++) {
        const struct wanted *wanted = &marking->wanted[i];
        struct partition *partition = partition_set_find_group(marking->partitions, wanted->group);
        if (partition != NULL && wanted->offset > 0 && partition_is_leading(partition) &&
            partition_leader_epoch(partition) == wanted->epoch)
            partition_mark_tombstones(partition, wanted->offset);
    }
    marking->count = 0;
}

static void free_asked(struct asked *asked) {
    DL_DELETE(asked->marking->asked, asked);
    mem_free(asked->questions);
    mem_free(asked);
}

static void take_answer(struct asked *asked, const uint8_t *answer, size_t len) {
    bool sound = len == 1 + asked->count * ANSWER_SIZE && answer[0] == FORMAT;
    if (!sound && MUTANT(MUTANT_MARK_WITHOUT_DEAD)) return;
    for (size_t i = 0; i < asked->count; i++) {
        struct wanted *wanted = &asked->marking->wanted[asked->questions[i].wanted];
        int64_t offset = sound ? (int64_t)le_get_u64(answer + 1 + i * ANSWER_SIZE) : -1;
        if (offset < 0) offset = 0;
        if (offset < wanted->offset) wanted->offset = offset;
    }
}

static void on_answer(struct broker_call *call, int error, const uint8_t *answer, size_t len) {
    struct asked *asked = CONTAINER_OF(call, struct asked, call);
    struct tombstone_marking *marking = asked->marking;
    take_answer(asked, answer, error == ERR_NONE ? len : 0);
    free_asked(asked);
    if (marking->asked == NULL && error != ERR_CANCELED) mark_all(marking);
}

void tombstone_marking_ask(struct tombstone_marking *marking) {
    struct asked *asked;
    if (marking->asking || marking->count == 0) return;
    marking->asking = true;
    DL_FOREACH(marking->asked, asked) {
        struct buffer *buffer = buffer_new(NULL, 1 + asked->count * QUESTION_SIZE);
        uint8_t *at = buffer->data;
        *at++ = FORMAT;
        for (size_t i = 0; i < asked->count; i++, at += QUESTION_SIZE) {
            const struct question *question = &asked->questions[i];
            le_put_u64(at, marking->wanted[question->wanted].group);
            le_put_u64(at + 8, question->replica);
        }
        struct slice body = slice_of(buffer, 0, 1 + asked->count * QUESTION_SIZE);
        buffer_unref(buffer);
        asked->call.done = on_answer;
        broker_messages_call(marking->messages, &asked->call, asked->node, BROKER_REQUEST_CLEAN,
                             body, TIMEOUT_MS);
    }
    if (marking->asked == NULL) mark_all(marking); /* no other has replicas of them */
}

/* ---- Asked by others ---- */

static int64_t clean_to(struct tombstone_marking *marking, uint64_t group, replica_id replica) {
    const struct partition *partition = partition_set_find_group(marking->partitions, group);
    return partition != NULL && partition_replica(partition) == replica
               ? partition_clean_to(partition)
               : -1;
}

static void on_request(void *arg, struct broker_caller caller, const uint8_t *body, size_t len) {
    struct tombstone_marking *marking = arg;
    if (len < 1 || body[0] != FORMAT || (len - 1) % QUESTION_SIZE != 0 ||
        (len - 1) / QUESTION_SIZE > MARKING_MAX)
        return;
    size_t count = (len - 1) / QUESTION_SIZE;
    struct buffer *buffer = buffer_new(NULL, 1 + count * ANSWER_SIZE);
    buffer->data[0] = FORMAT;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *question = body + 1 + i * QUESTION_SIZE;
        int64_t offset = clean_to(marking, le_get_u64(question), le_get_u64(question + 8));
        le_put_u64(buffer->data + 1 + i * ANSWER_SIZE, (uint64_t)offset);
    }
    broker_messages_answer(marking->messages, caller, slice_of(buffer, 0, 1 + count * ANSWER_SIZE));
    buffer_unref(buffer);
}

/* ---- Life ---- */

struct tombstone_marking *tombstone_marking_new(int32_t node, struct partition_set *partitions,
                                                struct broker_messages *messages) {
    struct tombstone_marking *marking = mem_zalloc(sizeof *marking);
    *marking = (struct tombstone_marking){
        .node = node, .partitions = partitions, .messages = messages};
    broker_messages_serve(messages, BROKER_REQUEST_CLEAN, on_request, marking);
    return marking;
}

void tombstone_marking_free(struct tombstone_marking *marking) {
    if (marking == NULL) return;
    broker_messages_serve(marking->messages, BROKER_REQUEST_CLEAN, NULL, NULL);
    while (marking->asked != NULL) {
        broker_messages_call_cancel(marking->messages, &marking->asked->call);
        free_asked(marking->asked);
    }
    mem_free(marking->wanted);
    mem_free(marking);
}
