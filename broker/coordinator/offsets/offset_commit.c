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

/* Of what is being written in a transaction: it comes (1), or it is over (-1). */
static void expect(const struct offset_commit *commit, int64_t sign) {
    if (commit->transaction == NULL) return;
    pending_offsets_expect(commit->pending, commit->transaction->producer_id,
                           sign * (int64_t)commit->records.count);
}

static void commit_written(struct group_turn *turn, int16_t error) {
    struct offset_commit *commit = CONTAINER_OF(turn, struct offset_commit, call.turn);
    struct group *group = commit->call.turn.group;
    expect(commit, -1);
    if (error == KAFKA_RECORD_LIST_TOO_LARGE) error = KAFKA_INVALID_COMMIT_OFFSET_SIZE;
    if (error == KAFKA_NONE) {
        group->commits++;
        group->committed_ms = env_wall_ms(group->table->env);
    }
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
        } else {
            records->records[kept++] = record;
        }
    }
    records->count = kept;
}

static bool is_larger(const struct offset_commit_entry *entry,
                      const struct committed_offset *before) {
    return before == NULL || before->metadata_len < entry->metadata_len;
}

static const struct pending_offset *own_pending(const struct offset_commit *commit,
                                                const struct pending_place *place) {
    return pending_offset_by(place, commit->transaction->producer_id);
}

/* Of a transaction: what it has there already is replaced; and each partition for which something
 * is committed may have one that is pending, so that who goes on goes on. */
static bool takes_more(const struct offset_commit *commit, const struct group *group,
                       const struct offset_commit_entry *entry) {
    const struct committed_offset *before = offset_store_find(group, entry->topic,
                                                              entry->partition);
    if (commit->transaction == NULL) return is_larger(entry, before);
    const struct pending_place *place = pending_offsets_find(group, entry->topic, entry->partition);
    const struct pending_offset *own = own_pending(commit, place);
    if (own != NULL) return is_larger(entry, &own->offset);
    return place != NULL || is_larger(entry, before);
}

/* While the memory of groups is spent nothing comes that takes more of it: those who go on where
 * they were go on. */
static void refuse_more(struct offset_commit *commit, const struct group *group) {
    if (!group_refuses_more(group)) return;
    for (size_t i = 0; i < commit->count; i++) {
        struct offset_commit_entry *entry = &commit->entries[i];
        if (entry->error == 0 && takes_more(commit, group, entry))
            entry->error = KAFKA_COORDINATOR_NOT_AVAILABLE;
    }
}

/* More than its end may apply at once. */
static bool is_too_much(const struct offset_commit *commit, const struct group *group) {
    if (commit->transaction == NULL) return false;
    size_t count = pending_offsets_count_of(commit->pending, commit->transaction->producer_id);
    if (count + commit->count <= PENDING_OFFSETS_MOST) return false;
    for (size_t i = 0; i < commit->count; i++) {
        const struct offset_commit_entry *entry = &commit->entries[i];
        if (own_pending(commit, pending_offsets_find(group, entry->topic, entry->partition)) ==
            NULL)
            count++;
    }
    return count > PENDING_OFFSETS_MOST;
}

static void commit_run(struct group_turn *turn) {
    struct offset_commit *commit = CONTAINER_OF(turn, struct offset_commit, call.turn);
    group_pay(turn->group, commit->client_host);
    CHECK(commit->count == commit->records.count);
    int16_t error = commit->rules->commit(turn->group, commit);
    if (error == 0 && is_too_much(commit, turn->group)) error = KAFKA_INVALID_COMMIT_OFFSET_SIZE;
    if (error == 0) refuse_more(commit, turn->group);
    if (error == 0) leave_out(commit);
    if (error != 0 || commit->records.count == 0) {
        answer(commit, error);
        return;
    }
    expect(commit, 1);
    turn->write.transaction = commit->transaction;
    group_turn_write(turn, &commit->records);
}

void offset_commit_take(struct group_table *table, const struct offset_rules *rules,
                        struct offset_commit *commit) {
    CHECK(commit->count > 0);
    commit->rules = rules;
    commit->call.turn.shares = true;
    commit->call.turn.written = commit_written;
    if (group_find(table, commit->group_id) == NULL && !group_id_fits(table, commit->group_id)) {
        offset_commit_close(commit);
        group_call_answer(table, &commit->call, KAFKA_INVALID_GROUP_ID);
        return;
    }
    group_call_take(group_make(table, commit->group_id), &commit->call, commit_run);
}
