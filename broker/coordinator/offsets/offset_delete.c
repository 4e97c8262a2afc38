/* One turn, one batch. */
#include "broker/coordinator/offsets/offset_delete.h"

#include "base/check.h"
#include "broker/coordinator/offsets/offset_records.h"
#include "protocol/kafka_error.h"

static void answer(struct group_turn *turn, int16_t error) {
    struct offset_delete *call = CONTAINER_OF(turn, struct offset_delete, call.turn);
    struct group_table *table = turn->group->table;
    group_turn_end(turn);
    group_call_answer(table, &call->call, error);
}

static void collect(const struct offset_delete *call, struct group *group,
                    struct group_batch *batch) {
    struct topic_set reads;
    topic_set_open(&reads, group->table->seed);
    call->rules->reads(group, &reads);
    for (size_t i = 0; i < call->count; i++) {
        const struct offset_delete_entry *entry = &call->entries[i];
        if (topic_set_has(&reads, entry->topic))
            *entry->error = KAFKA_GROUP_SUBSCRIBED_TO_TOPIC;
        else if (offset_store_find(group, entry->topic, entry->partition) != NULL ||
                 pending_offsets_find(group, entry->topic, entry->partition) != NULL)
            offset_record_remove(batch, group->id, entry->topic, entry->partition);
    }
    topic_set_close(&reads);
}

static void delete_run(struct group_turn *turn) {
    struct offset_delete *call = CONTAINER_OF(turn, struct offset_delete, call.turn);
    int16_t error = call->rules->remove(turn->group);
    if (error != 0) {
        answer(turn, error);
        return;
    }
    struct group_batch batch;
    group_batch_open(&batch);
    collect(call, turn->group, &batch);
    if (batch.count > 0)
        group_turn_write(turn, &batch);
    else
        answer(turn, 0);
    group_batch_close(&batch);
}

size_t offset_delete_most(struct kp_string group_id) {
    enum { BESIDE = 260 }; /* a topic's name, lengths */
    size_t most = GROUP_BATCH_BYTES / ((size_t)group_id.len + BESIDE);
    return most < GROUP_BATCH_RECORDS ? most : GROUP_BATCH_RECORDS;
}

void offset_delete_take(struct group_table *table, const struct offset_rules *rules,
                        struct offset_delete *call) {
    CHECK(call->count <= offset_delete_most(call->group_id));
    call->rules = rules;
    call->call.kind = GROUP_OTHER;
    call->call.turn.written = answer;
    group_call_take(group_make(table, call->group_id), &call->call, delete_run);
}
