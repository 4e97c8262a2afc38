/* The block at hand, the request for the next one, and those who wait for it. */
#include "broker/metadata/asking/producer_ids.h"

#include "base/check.h"
#include "base/container_of.h"
#include "base/mem.h"
#include "broker/metadata/metadata_group.h"
#include "protocol/kafka_error.h"

#include <utlist.h>

enum { ALLOCATE_TIMEOUT_MS = 10000, QUESTION_TIMEOUT_MS = 3000 };

struct producer_ids {
    const struct metadata *metadata;
    struct metadata_group *group;
    int64_t next, end; /* of the block at hand */
    struct producer_id_wait *waits;
    struct metadata_submit submit;
    struct producer_ids_ask *asked,
        *unasked; /* by the question that is under way; by the next one */
    struct metadata_submit question;
};

static void ids_ask(struct producer_ids *ids) {
    if (ids->submit.state != SUBMIT_IDLE) return;
    struct metadata_change change = {0};
    metadata_command_init(&change.command, COMMAND_ALLOCATE_PRODUCER_IDS);
    change.command.allocate_producer_ids.count = PRODUCER_IDS_BLOCK;
    metadata_group_submit(ids->group, &ids->submit, &change, ALLOCATE_TIMEOUT_MS);
}

static void end_first(struct producer_ids *ids, int16_t error, int64_t id) {
    struct producer_id_wait *wait = ids->waits;
    DL_DELETE(ids->waits, wait);
    wait->done(wait, error, id);
}

static void fail_all(struct producer_ids *ids, int16_t error) {
    /* Not those that come meanwhile. */
    struct producer_id_wait *last = ids->waits == NULL ? NULL : ids->waits->prev;
    while (ids->waits != NULL) {
        bool end = ids->waits == last;
        end_first(ids, error, -1);
        if (end) return;
    }
}

static void on_block(struct metadata_submit *submit, const struct metadata_result *result) {
    struct producer_ids *ids = CONTAINER_OF(submit, struct producer_ids, submit);
    if (result->error != 0) {
        fail_all(ids, result->error);
        if (ids->waits != NULL) ids_ask(ids);
        return;
    }
    ids->next = result->value;
    ids->end = result->value + PRODUCER_IDS_BLOCK;
    while (ids->waits != NULL && ids->next < ids->end)
        end_first(ids, 0, ids->next++);
    if (ids->waits != NULL) ids_ask(ids);
}

/* ---- Which ids were given out ---- */

bool producer_ids_given(const struct producer_ids *ids, int64_t id) {
    return id >= 0 && id < metadata_next_producer_id(ids->metadata);
}

static void put_question(struct producer_ids *ids) {
    if (ids->question.state != SUBMIT_IDLE || ids->unasked == NULL) return;
    struct metadata_change barrier = {.validate_only = true};
    metadata_command_init(&barrier.command, COMMAND_ALLOCATE_PRODUCER_IDS);
    barrier.command.allocate_producer_ids.count = PRODUCER_IDS_BLOCK;
    ids->asked = ids->unasked;
    ids->unasked = NULL;
    metadata_group_submit(ids->group, &ids->question, &barrier, QUESTION_TIMEOUT_MS);
}

static void end_asked(struct producer_ids *ids, bool known) {
    while (ids->asked != NULL) {
        struct producer_ids_ask *ask = ids->asked;
        DL_DELETE(ids->asked, ask);
        ask->done(ask, known);
    }
}

static void on_answer(struct metadata_submit *submit, const struct metadata_result *result) {
    struct producer_ids *ids = CONTAINER_OF(submit, struct producer_ids, question);
    end_asked(ids, result->error == 0);
    put_question(ids);
}

void producer_ids_ask(struct producer_ids *ids, struct producer_ids_ask *ask) {
    DL_APPEND(ids->unasked, ask);
    put_question(ids);
}

void producer_ids_ask_cancel(struct producer_ids *ids, struct producer_ids_ask *ask) {
    struct producer_ids_ask *at;
    DL_FOREACH(ids->asked, at) if (at == ask) break;
    if (at != NULL)
        DL_DELETE(ids->asked, ask);
    else
        DL_DELETE(ids->unasked, ask);
}

/* ---- Life ---- */

struct producer_ids *producer_ids_new(const struct metadata *metadata) {
    struct producer_ids *ids = mem_zalloc(sizeof *ids);
    ids->metadata = metadata;
    ids->submit.done = on_block;
    ids->question.done = on_answer;
    return ids;
}

void producer_ids_open(struct producer_ids *ids, struct metadata_group *group) {
    ids->group = ids->submit.group = ids->question.group = group;
}

void producer_ids_free(struct producer_ids *ids) {
    if (ids == NULL) return;
    metadata_group_submit_cancel(&ids->submit);
    metadata_group_submit_cancel(&ids->question);
    CHECK(ids->asked == NULL && ids->unasked == NULL); /* the partitions, which ask, are closed */
    fail_all(ids, KAFKA_BROKER_NOT_AVAILABLE);
    mem_free(ids);
}

void producer_ids_take(struct producer_ids *ids, struct producer_id_wait *wait) {
    if (ids->waits == NULL && ids->next < ids->end) {
        wait->done(wait, 0, ids->next++);
        return;
    }
    DL_APPEND(ids->waits, wait);
    ids_ask(ids);
}

void producer_ids_take_cancel(struct producer_ids *ids, struct producer_id_wait *wait) {
    DL_DELETE(ids->waits, wait);
}
