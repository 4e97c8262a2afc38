/* A state of nothing but offsets. */
#include "tests/unit/broker/coordinator/fixture_offsets.h"

#include <string.h>

#include "base/check.h"
#include "base/container_of.h"
#include "base/error.h"
#include "broker/coordinator/offsets/offset_commit.h"
#include "broker/coordinator/offsets/offset_records.h"
#include "broker/coordinator/offsets/offset_sweep.h"
#include "broker/coordinator/serving/group_records.h"
#include "protocol/kafka_error.h"

/* ---- The state ---- */

static void replica_apply(void *state, const struct coordinator_record *record,
                          const struct coordinator_place *place) {
    struct offsets_replica *replica = state;
    const struct kp_record_type *type = kp_record_type_of(record->key, record->key_len);
    CHECK(type != NULL);
    replica->last_error = type->number == KP_RECORD_CLASSIC_GROUP
                              ? ERR_NONE
                              : offset_store_apply(replica->store, type, record, place);
}

static void replica_ended(void *state, int64_t producer_id, bool commit) {
    offset_store_end(((struct offsets_replica *)state)->store, producer_id, commit);
}

static void replica_leading(void *state) {
    struct offsets_replica *replica = state;
    replica->table.leading = true;
    if (replica->sweep != NULL) offset_sweep_leading(replica->sweep);
}

static void replica_lost(void *state) {
    struct offsets_replica *replica = state;
    struct group *group, *next;
    replica->table.leading = false;
    HASH_ITER(hh, replica->table.groups, group, next) {
        group_turns_refuse(group, KAFKA_NOT_COORDINATOR);
        group_settle(group);
    }
    if (replica->sweep != NULL) offset_sweep_lost(replica->sweep);
}

static bool replica_records(void *state, void **walk, size_t most,
                            void (*sink)(void *arg, const struct coordinator_record *record),
                            void *arg) {
    struct offsets_replica *replica = state;
    return group_records_step(&replica->table, replica->store, walk, most, sink, arg);
}

static void replica_records_stop(void *state, void *walk) {
    (void)state;
    group_records_stop(walk);
}

static const struct coordinator_state state_type = {.apply = replica_apply,
                                                    .ended = replica_ended,
                                                    .leading = replica_leading,
                                                    .lost = replica_lost,
                                                    .records = replica_records,
                                                    .records_stop = replica_records_stop};

static void replica_open(struct offsets_fixture *fixture, struct offsets_replica *replica) {
    memset(replica, 0, sizeof *replica);
    group_table_init(&replica->table, fixture->clock.env, &fixture->settings, &fixture->log.log,
                     &fixture->memory);
    replica->store = offset_store_new(&replica->table, env_random_u64(fixture->clock.env));
}

static void replica_close(struct offsets_replica *replica) {
    struct group *group, *next;
    HASH_ITER(hh, replica->table.groups, group, next) {
        offset_store_forget(group);
        group_settle(group);
    }
    CHECK(offset_store_count(replica->store) == 0);
    offset_store_free(replica->store);
    group_table_close(&replica->table);
    replica->store = NULL;
}

/* ---- The rules ---- */

static struct offsets_fixture *fixture_of(const struct group *group) {
    struct offsets_replica *replica = CONTAINER_OF(group->table, struct offsets_replica, table);
    return CONTAINER_OF(replica, struct offsets_fixture, live);
}

static int16_t rule_commit(struct group *group, struct offset_commit *commit) {
    const struct offsets_fixture *fixture = fixture_of(group);
    for (size_t i = 0; i < commit->count && fixture->refused_partition != 0; i++)
        if (commit->entries[i].partition == fixture->refused_partition)
            commit->entries[i].error = KAFKA_STALE_MEMBER_EPOCH;
    return fixture->commit_error;
}

static int16_t rule_fetch(const struct group *group, const struct offset_fetch *fetch) {
    (void)fetch;
    return fixture_of(group)->fetch_error;
}

static int16_t rule_remove(const struct group *group) {
    return fixture_of(group)->remove_error;
}

static void rule_reads(struct group *group, struct topic_set *topics) {
    struct offsets_fixture *fixture = fixture_of(group);
    fixture->reads_asked++;
    if (fixture->subscribed != NULL) topic_set_add(topics, kp_string_of(fixture->subscribed));
}

static void rule_age(const struct group *group, struct offset_age *age) {
    *age = fixture_of(group)->age;
}

static void rule_tombstones(const struct group *group, struct group_batch *batch) {
    (void)group;
    group_batch_add(batch, "\0\2\0\0", 4, NULL, 0);
}

/* ---- Life ---- */

void offsets_open(struct offsets_fixture *fixture) {
    memset(fixture, 0, sizeof *fixture);
    group_clock_open(&fixture->clock);
    group_memory_init(&fixture->memory, 256 << 20, 1);
    fake_log_open(&fixture->log, &state_type, &fixture->live);
    fake_log_keep(&fixture->log, true);
    replica_open(fixture, &fixture->live);
    fixture->rules = (struct offset_rules){.commit = rule_commit,
                                           .fetch = rule_fetch,
                                           .remove = rule_remove,
                                           .reads = rule_reads,
                                           .age = rule_age,
                                           .tombstones = rule_tombstones};
    fixture->settings.group_id_max_bytes = 1024;
    fixture->settings.offsets_retention_ms = 60000;
    fixture->settings.offsets_check_interval_ms = 1000;
}

void offsets_forget(struct offsets_fixture *fixture) {
    if (fixture->live.store == NULL) return;
    if (fixture->log.leading) fake_log_lose(&fixture->log, false);
    replica_close(&fixture->live);
}

/* Turns of the simulator are long by chance, and what is yielded then wants another one. */
void offsets_turns(struct offsets_fixture *fixture) {
    for (int i = 0; i < 20; i++) {
        group_clock_turn(&fixture->clock);
        group_clock_pass(&fixture->clock, 1);
    }
}

void offsets_close(struct offsets_fixture *fixture) {
    offsets_turns(fixture);
    fake_log_keep(&fixture->log, false);
    offsets_forget(fixture);
    CHECK(fixture->memory.budget.used == 0);
    fake_log_close(&fixture->log);
    group_clock_close(&fixture->clock);
}

void offsets_check_replay(struct offsets_fixture *fixture) {
    struct offsets_replica again;
    replica_open(fixture, &again);
    fake_log_replay(&fixture->log, &again);
    fake_log_compare(&fixture->log, &fixture->live, &again);
    CHECK(offset_store_count(again.store) == offset_store_count(fixture->live.store));
    replica_close(&again);
    replica_open(fixture, &again);
    fake_log_restore(&fixture->log, &again);
    fake_log_compare(&fixture->log, &fixture->live, &again);
    replica_close(&again);
}

void offsets_put(struct offsets_fixture *fixture, const char *group, const char *topic,
                 const struct committed_offset *offset) {
    struct group_batch batch;
    group_batch_open(&batch);
    offset_record_put(&batch, kp_string_of(group), kp_string_of(topic), offset);
    fake_log_apply(&fixture->log, batch.records, batch.count);
    group_batch_close(&batch);
}

int64_t offsets_get(const struct offsets_fixture *fixture, const char *group, const char *topic,
                    int32_t partition) {
    const struct group *row = group_find(&fixture->live.table, kp_string_of(group));
    const struct committed_offset *offset =
        row == NULL ? NULL : offset_store_find(row, kp_string_of(topic), partition);
    return offset == NULL ? -1 : offset->offset;
}
