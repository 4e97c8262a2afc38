/* Blocks of producer ids. See the header. */
#include "broker/producer_ids.h"

#include "base/check.h"
#include "base/mem.h"
#include "protocol/kafka_error.h"

#include <utlist.h>

enum { ALLOCATE_TIMEOUT_MS = 10000 };

struct producer_ids {
    struct metadata_group *group;
    int64_t next, end; /* of the block at hand */
    struct producer_id_wait *waits;
    struct metadata_submit submit;
};

static void ask(struct producer_ids *ids) {
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
    struct producer_id_wait *last = ids->waits == NULL ? NULL : ids->waits->prev; /* not those that come meanwhile */
    while (ids->waits != NULL) {
        bool end = ids->waits == last;
        end_first(ids, error, -1);
        if (end) return;
    }
}

static void on_block(struct metadata_submit *submit, const struct metadata_result *result) {
    struct producer_ids *ids = (struct producer_ids *)((char *)submit - offsetof(struct producer_ids, submit));
    if (result->error != 0) {
        fail_all(ids, result->error);
        if (ids->waits != NULL) ask(ids);
        return;
    }
    ids->next = result->value;
    ids->end = result->value + PRODUCER_IDS_BLOCK;
    while (ids->waits != NULL && ids->next < ids->end)
        end_first(ids, 0, ids->next++);
    if (ids->waits != NULL) ask(ids);
}

struct producer_ids *producer_ids_new(struct metadata_group *group) {
    struct producer_ids *ids = mem_zalloc(sizeof *ids);
    ids->group = group;
    ids->submit.done = on_block;
    ids->submit.group = group;
    return ids;
}

void producer_ids_free(struct producer_ids *ids) {
    if (ids == NULL) return;
    metadata_group_submit_cancel(&ids->submit);
    fail_all(ids, KAFKA_BROKER_NOT_AVAILABLE);
    mem_free(ids);
}

void producer_ids_take(struct producer_ids *ids, struct producer_id_wait *wait) {
    if (ids->waits == NULL && ids->next < ids->end) {
        wait->done(wait, 0, ids->next++);
        return;
    }
    DL_APPEND(ids->waits, wait);
    ask(ids);
}
