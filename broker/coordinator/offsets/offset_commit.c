/* Records are made when offsets are added, so that the turn has nothing to do that is long. */
#include "broker/coordinator/offsets/offset_commit.h"

#include "base/check.h"
#include "broker/coordinator/offsets/offset_records.h"
#include "broker/coordinator/offsets/offset_store.h"
#include "protocol/kafka_error.h"

void offset_commit_open(struct offset_commit *commit, struct offset_commit_entry *entries) {
    *commit = (struct offset_commit){.call.kind = GROUP_OTHER, .entries = entries};
    group_batch_open(&commit->records);
}

void offset_commit_add(struct offset_commit *commit, struct kp_string topic,
                       const struct committed_offset *offset) {
    commit->entries[commit->count++] = (struct offset_commit_entry){
        .topic = topic,
        .topic_id = offset->topic_id,
        .partition = offset->partition,
        .metadata_len = offset->metadata_len};
    offset_record_put(&commit->records, commit->group_id, topic, offset);
}

void offset_commit_close(struct offset_commit *commit) {
    group_batch_close(&commit->records);
}

static void answer(struct offset_commit *commit, int16_t error) {
    struct group *group = commit->call.turn.group;
    struct group_table *table = group->table;
    offset_commit_close(commit);
    group_turn_end(&commit->call.turn);
    group_call_answer(table, &commit->call, error);
}

static void commit_written(struct group_turn *turn, int16_t error) {
    struct offset_commit *commit = CONTAINER_OF(turn, struct offset_commit, call.turn);
    if (error == KAFKA_RECORD_LIST_TOO_LARGE) error = KAFKA_INVALID_COMMIT_OFFSET_SIZE;
    answer(commit, error);
}

/* Those that the rules refuse go. */
static void leave_out(struct offset_commit *commit) {
    struct group_batch *records = &commit->records;
    size_t kept = 0;
    for (size_t i = 0; i < commit->count; i++) {
        struct coordinator_record record = records->records[i];
        if (commit->entries[i].error != 0) {
            records->bytes -= record.key_len + record.value_len;
            mem_free((void *)record.key);
        } else {
            records->records[kept++] = record;
        }
    }
    records->count = kept;
}

/* While the memory of groups is spent nothing comes that takes more of it: those who go on where
 * they were go on. */
static void refuse_more(struct offset_commit *commit, const struct group *group) {
    if (!budget_spent(group->table->memory)) return;
    for (size_t i = 0; i < commit->count; i++) {
        struct offset_commit_entry *entry = &commit->entries[i];
        const struct committed_offset *before = offset_store_find(group, entry->topic,
                                                                  entry->partition);
        if (entry->error == 0 && (before == NULL || before->metadata_len < entry->metadata_len))
            entry->error = KAFKA_COORDINATOR_NOT_AVAILABLE;
    }
}

static void commit_run(struct group_turn *turn) {
    struct offset_commit *commit = CONTAINER_OF(turn, struct offset_commit, call.turn);
    CHECK(commit->count == commit->records.count);
    int16_t error = commit->rules->commit(turn->group, commit);
    if (error == 0) refuse_more(commit, turn->group);
    if (error == 0) leave_out(commit);
    if (error != 0 || commit->records.count == 0) {
        answer(commit, error);
        return;
    }
    group_turn_write(turn, &commit->records);
}

void offset_commit_take(struct group_table *table, const struct offset_rules *rules,
                        struct offset_commit *commit) {
    CHECK(commit->count > 0);
    commit->rules = rules;
    commit->call.turn.shares = true;
    commit->call.turn.written = commit_written;
    group_call_take(group_make(table, commit->group_id), &commit->call, commit_run);
}
