/*
 * Offsets of transactions: against a plain array, against a replay of the log from zero and against
 * snapshots that are begun at any time, in random histories; and what clients see of them.
 */
#include "broker/coordinator/offsets/pending_offsets.h"

#include <string.h>

#include "base/error.h"
#include "broker/coordinator/group/group_batch.h"
#include "broker/coordinator/offsets/offset_commit.h"
#include "broker/coordinator/offsets/offset_delete.h"
#include "broker/coordinator/offsets/offset_records.h"
#include "protocol/kafka_error.h"
#include "tests/unit/broker/coordinator/fixture_offsets.h"
#include "tests/unit/unit.h"

enum { GROUPS = 3, TOPICS = 2, PARTITIONS = 4, PRODUCERS = 4, STEPS = 2500 };
static const char *const group_names[GROUPS] = {"", "a", "payments"};
static const char *const topic_names[TOPICS] = {"orders", "t"};

/* 0: none. Offsets that are committed in the test are above it. */
struct cell {
    int64_t committed, stood;
    int64_t pending[PRODUCERS], pending_stood[PRODUCERS];
};

struct fixture {
    struct offsets_fixture offsets;
    struct cell model[GROUPS][TOPICS][PARTITIONS];
};
static struct fixture f;

static int setup(void **state) {
    *state = &f;
    memset(f.model, 0, sizeof f.model);
    offsets_open(&f.offsets);
    fake_log_lead(&f.offsets.log);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    offsets_check_replay(&f.offsets);
    offsets_close(&f.offsets);
    return 0;
}

static uint32_t next_random(uint32_t *seed) {
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

static struct committed_offset an_offset(int32_t partition, int64_t offset) {
    return (struct committed_offset){.offset = offset,
                                     .commit_time_ms = 1000 + offset,
                                     .expire_time_ms = -1,
                                     .partition = partition,
                                     .leader_epoch = (int32_t)(offset % 9),
                                     .metadata = "some words of a client",
                                     .metadata_len = (int32_t)(offset % 20)};
}

/* ---- Random histories ---- */

static void put(int g, int t, int32_t p, int producer, int64_t step) {
    struct cell *cell = &f.model[g][t][p];
    struct committed_offset offset = an_offset(p, step);
    struct group_batch batch;
    group_batch_open(&batch);
    offset_record_put(&batch, kp_string_of(group_names[g]), kp_string_of(topic_names[t]), &offset);
    int64_t stood = f.offsets.log.end_offset;
    if (producer < 0) {
        fake_log_apply(&f.offsets.log, batch.records, batch.count);
        cell->committed = step;
        cell->stood = stood;
    } else {
        fake_log_apply_in(&f.offsets.log, producer, batch.records, batch.count);
        cell->pending[producer] = step;
        cell->pending_stood[producer] = stood;
    }
    assert_int_equal(f.offsets.live.last_error, ERR_NONE);
    group_batch_close(&batch);
}

static void take_back(int g, int t, int32_t p) {
    struct group_batch batch;
    group_batch_open(&batch);
    offset_record_remove(&batch, kp_string_of(group_names[g]), kp_string_of(topic_names[t]), p);
    fake_log_apply(&f.offsets.log, batch.records, batch.count);
    group_batch_close(&batch);
    memset(&f.model[g][t][p], 0, sizeof f.model[g][t][p]);
}

static void end(int producer, bool commit) {
    fake_log_end(&f.offsets.log, producer, commit);
    for (int g = 0; g < GROUPS; g++)
        for (int t = 0; t < TOPICS; t++)
            for (int32_t p = 0; p < PARTITIONS; p++) {
                struct cell *cell = &f.model[g][t][p];
                bool later = cell->committed == 0 || cell->pending_stood[producer] > cell->stood;
                if (commit && cell->pending[producer] != 0 && later) {
                    cell->committed = cell->pending[producer];
                    cell->stood = cell->pending_stood[producer];
                }
                cell->pending[producer] = 0;
            }
}

static void check_cell(const struct group *group, int t, int32_t p, const struct cell *cell) {
    const struct committed_offset *committed = NULL;
    const struct pending_place *place = NULL;
    if (group != NULL) {
        committed = offset_store_find(group, kp_string_of(topic_names[t]), p);
        place = pending_offsets_find(group, kp_string_of(topic_names[t]), p);
    }
    assert_int_equal(committed == NULL ? 0 : committed->offset, cell->committed);
    if (committed != NULL) {
        assert_int_equal(committed->commit_time_ms, 1000 + cell->committed);
        assert_int_equal(committed->metadata_len, cell->committed % 20);
    }
    for (int producer = 0; producer < PRODUCERS; producer++) {
        const struct pending_offset *pending = pending_offset_by(place, producer);
        assert_int_equal(pending == NULL ? 0 : pending->offset.offset, cell->pending[producer]);
    }
}

static void check_model(void) {
    size_t committed = 0, pending = 0;
    for (int g = 0; g < GROUPS; g++) {
        const struct group *group = group_find(&f.offsets.live.table, kp_string_of(group_names[g]));
        size_t before = committed + pending;
        for (int t = 0; t < TOPICS; t++)
            for (int32_t p = 0; p < PARTITIONS; p++) {
                const struct cell *cell = &f.model[g][t][p];
                check_cell(group, t, p, cell);
                committed += cell->committed != 0;
                for (int producer = 0; producer < PRODUCERS; producer++)
                    pending += cell->pending[producer] != 0;
            }
        assert_int_equal(group != NULL, committed + pending > before);
        if (group != NULL) assert_int_equal(group_kind_of(group), GROUP_SIMPLE);
    }
    assert_int_equal(offset_store_count(f.offsets.live.store), committed);
    assert_int_equal(pending_offsets_count(offset_store_pending(f.offsets.live.store)), pending);
}

/* A transaction's offsets count when it commits, unless something was committed behind them; else
 * they never were. Live, replayed from zero and restored from a snapshot are the same at any time.
 */
static void test_pending_random_histories(void **state) {
    (void)state;
    uint32_t seed = 5;
    for (int64_t step = 1; step <= STEPS; step++) {
        int g = (int)(next_random(&seed) % GROUPS), t = (int)(next_random(&seed) % TOPICS);
        int32_t p = (int32_t)(next_random(&seed) % PARTITIONS);
        int producer = (int)(next_random(&seed) % PRODUCERS);
        uint32_t what = next_random(&seed) % 10;
        if (what < 5)
            put(g, t, p, producer, step);
        else if (what < 7)
            put(g, t, p, -1, step);
        else if (what < 8)
            take_back(g, t, p);
        else
            end(producer, next_random(&seed) % 3 > 0);
        check_model();
        if (step % 9 == 0 || step > STEPS - 20) offsets_check_replay(&f.offsets);
    }
    for (int producer = 0; producer < PRODUCERS; producer++)
        end(producer, producer % 2 == 0);
    check_model();
}

/* ---- What clients see ---- */

enum { MOST = PENDING_OFFSETS_MOST };

struct commit {
    struct offset_commit commit; /* first */
    struct coordinator_transaction transaction;
    struct offset_commit_entry entries[MOST];
    int times;
};
static struct commit asker, other;

static void commit_done(struct group_call *call) {
    ((struct commit *)call)->times++;
}

/* Writes `offset` for `count` partitions of topic "t" from `first` on, in the transaction of a
 * producer. */
static void write_in(struct commit *commit, int64_t producer, int32_t first, int32_t count,
                     int64_t offset) {
    memset(commit, 0, sizeof *commit);
    offset_commit_open(&commit->commit, commit->entries);
    commit->commit.call.done = commit_done;
    commit->commit.group_id = kp_string_of("g");
    commit->commit.member_id = kp_string_of("");
    commit->commit.instance_id = KP_NULL_STRING;
    commit->transaction = (struct coordinator_transaction){.producer_id = producer};
    if (producer >= 0) commit->commit.transaction = &commit->transaction;
    commit->commit.pending = offset_store_pending(f.offsets.live.store);
    for (int32_t i = 0; i < count; i++) {
        struct committed_offset made = an_offset(first + i, offset);
        offset_commit_add(&commit->commit, kp_string_of("t"), &made);
    }
    offset_commit_take(&f.offsets.live.table, &f.offsets.rules, &commit->commit);
    offsets_turns(&f.offsets);
}

/* Commits them. Returns the error of the call. */
static int16_t commit_in(int64_t producer, int32_t first, int32_t count, int64_t offset) {
    write_in(&asker, producer, first, count, offset);
    fake_log_commit_all(&f.offsets.log);
    offsets_turns(&f.offsets);
    assert_int_equal(asker.times, 1);
    return asker.commit.call.error;
}

static struct group *group_g(void) {
    return group_find(&f.offsets.live.table, kp_string_of("g"));
}

static bool is_pending(int32_t partition) {
    const struct group *group = group_g();
    return group != NULL && pending_offsets_find(group, kp_string_of("t"), partition) != NULL;
}

/* The batch is the producer's, and shows nothing before the marker. */
static void test_pending_until_the_marker(void **state) {
    (void)state;
    assert_int_equal(commit_in(-1, 1, 2, 5), 0);
    assert_int_equal(commit_in(7, 2, 2, 40), 0);
    assert_int_equal(offsets_get(&f.offsets, "g", "t", 2), 5);
    assert_int_equal(offsets_get(&f.offsets, "g", "t", 3), -1);
    assert_false(is_pending(1));
    assert_true(is_pending(2));
    struct offset_reader reader;
    offset_reader_open(&reader, f.offsets.live.store, kp_string_of("g"));
    assert_true(offset_reader_is_pending(&reader, kp_string_of("t"), 3));
    assert_int_equal(offset_reader_topics(&reader), 1);
    fake_log_end(&f.offsets.log, 7, true);
    assert_false(offset_reader_is_pending(&reader, kp_string_of("t"), 3));
    offset_reader_close(&reader);
    assert_int_equal(offsets_get(&f.offsets, "g", "t", 2), 40);
    assert_int_equal(offsets_get(&f.offsets, "g", "t", 3), 40);
}

/* A group that has nothing else is there until the end of the transaction, and no longer. */
static void test_pending_keeps_a_group(void **state) {
    (void)state;
    assert_int_equal(commit_in(7, 1, 1, 40), 0);
    assert_int_equal(group_kind_of(group_g()), GROUP_SIMPLE);
    fake_log_end(&f.offsets.log, 7, false);
    assert_null(group_g());
}

struct removal {
    struct offset_delete call; /* first */
    struct offset_delete_entry entry;
    int16_t of_entry;
    int times;
};

static void removal_done(struct group_call *call) {
    ((struct removal *)call)->times++;
}

static int16_t remove_offset(int32_t partition) {
    static struct removal removal;
    removal = (struct removal){.call.group_id = kp_string_of("g"), .call.count = 1};
    removal.entry = (struct offset_delete_entry){kp_string_of("t"), partition, &removal.of_entry};
    removal.call.entries = &removal.entry;
    removal.call.call.done = removal_done;
    offset_delete_take(&f.offsets.live.table, &f.offsets.rules, &removal.call);
    offsets_turns(&f.offsets);
    fake_log_commit_all(&f.offsets.log);
    offsets_turns(&f.offsets);
    assert_int_equal(removal.times, 1);
    return removal.call.call.error != 0 ? removal.call.call.error : removal.of_entry;
}

/* What was taken back does not come with a marker that is late. */
static void test_pending_is_taken_back(void **state) {
    (void)state;
    assert_int_equal(commit_in(7, 1, 3, 40), 0);
    assert_int_equal(remove_offset(2), 0);
    assert_false(is_pending(2));
    assert_true(is_pending(1));
    struct group_batch batch;
    group_batch_open(&batch);
    assert_int_equal(commit_in(-1, 1, 1, 5), 0);
    assert_true(offset_records_remove_all(&batch, group_g()));
    assert_int_equal(batch.count, 2); /* a partition with both is named once */
    fake_log_apply(&f.offsets.log, batch.records, batch.count);
    group_batch_close(&batch);
    assert_null(group_g());
    fake_log_end(&f.offsets.log, 7, true);
    assert_null(group_g());
}

/* One transaction has so many and no more; those it has already may come again. */
static void test_pending_has_a_limit(void **state) {
    (void)state;
    assert_int_equal(commit_in(7, 0, MOST - 1, 40), 0);
    assert_int_equal(commit_in(7, 0, MOST - 1, 41), 0);
    assert_int_equal(commit_in(7, MOST - 1, 2, 41), KAFKA_INVALID_COMMIT_OFFSET_SIZE);
    assert_int_equal(commit_in(7, MOST - 2, 2, 41), 0);
    assert_int_equal(commit_in(7, MOST, 1, 41), KAFKA_INVALID_COMMIT_OFFSET_SIZE);
    assert_int_equal(commit_in(8, MOST, 1, 41), 0);
    fake_log_end(&f.offsets.log, 7, false);
    fake_log_end(&f.offsets.log, 8, false);
}

/* Requests that are written beside each other count together, and no more when they have failed. */
static void test_pending_has_a_limit_meanwhile(void **state) {
    (void)state;
    write_in(&other, 7, 0, MOST / 2, 40);
    assert_int_equal(commit_in(7, MOST, MOST / 2 + 1, 40), KAFKA_INVALID_COMMIT_OFFSET_SIZE);
    assert_int_equal(other.commit.call.error, 0);
    fake_log_end(&f.offsets.log, 7, false);
    fake_log_refuse(&f.offsets.log, KAFKA_INVALID_PRODUCER_EPOCH);
    write_in(&other, 7, 0, MOST / 2, 40);
    fake_log_commit_all(&f.offsets.log);
    offsets_turns(&f.offsets);
    assert_int_equal(other.commit.call.error, KAFKA_INVALID_PRODUCER_EPOCH);
    assert_int_equal(commit_in(7, 0, MOST, 40), 0);
    write_in(&other, 8, 0, 1, 40);
    fake_log_lose(&f.offsets.log, false);
    offsets_turns(&f.offsets);
    fake_log_lead(&f.offsets.log);
    fake_log_end(&f.offsets.log, 7, false);
    assert_int_equal(pending_offsets_count_of(offset_store_pending(f.offsets.live.store), 8), 0);
}

/* While the memory of groups is spent who goes on goes on, once for each partition; nothing else
 * comes. */
static void test_pending_without_memory(void **state) {
    (void)state;
    assert_int_equal(commit_in(-1, 1, 1, 19), 0);
    size_t limit = f.offsets.memory.budget.limit;
    f.offsets.memory.budget.limit = f.offsets.memory.budget.used;
    assert_int_equal(commit_in(7, 1, 2, 39), 0);
    assert_int_equal(asker.entries[0].error, 0);
    assert_int_equal(asker.entries[1].error, KAFKA_COORDINATOR_NOT_AVAILABLE);
    assert_int_equal(commit_in(7, 1, 1, 59), 0);
    assert_int_equal(asker.entries[0].error, 0);
    assert_int_equal(commit_in(8, 1, 1, 59), 0);
    assert_int_equal(asker.entries[0].error, KAFKA_COORDINATOR_NOT_AVAILABLE);
    f.offsets.memory.budget.limit = limit;
    fake_log_end(&f.offsets.log, 7, true);
    assert_int_equal(offsets_get(&f.offsets, "g", "t", 1), 59);
}

/* All of it counts, and nothing is left when it is over. */
static void test_pending_counts_as_memory(void **state) {
    (void)state;
    assert_int_equal(commit_in(-1, 1, 4, 19), 0);
    size_t before = f.offsets.memory.budget.used;
    assert_int_equal(commit_in(7, 1, 4, 19), 0);
    assert_true(f.offsets.memory.budget.used >=
                before + 4 * (sizeof(struct pending_offset) + sizeof(struct pending_place) + 19));
    fake_log_end(&f.offsets.log, 7, true);
    assert_int_equal(f.offsets.memory.budget.used, before);
}

/* A refused producer has written nothing. */
static void test_pending_fenced(void **state) {
    (void)state;
    fake_log_refuse(&f.offsets.log, KAFKA_INVALID_PRODUCER_EPOCH);
    assert_int_equal(commit_in(7, 1, 1, 40), KAFKA_INVALID_PRODUCER_EPOCH);
    assert_null(group_g());
}

/* A partition for which very many producers commit, one of which does for very many: what each of
 * them has there is found without a look at all others. */
static void test_pending_of_many(void **state) {
    (void)state;
    enum { MANY = 60000 };
    assert_int_equal(commit_in(-1, 1, 1, 19), 0);
    struct group *group = group_find(&f.offsets.live.table, kp_string_of("g"));
    struct pending_offsets *pending = offset_store_pending(f.offsets.live.store);
    struct kp_string topic = kp_string_of("t");
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < MANY; i++) {
            struct committed_offset offset = an_offset(0, 1000 * round + i);
            pending_offsets_put(pending, 100 + i, group, topic, &offset);
        }
        for (int32_t partition = 1; partition < PENDING_OFFSETS_MOST; partition++) {
            struct committed_offset offset = an_offset(partition, 7);
            pending_offsets_put(pending, 99 + MANY, group, topic, &offset);
        }
    }
    assert_int_equal(pending_offsets_count(pending), MANY + PENDING_OFFSETS_MOST - 1);
    const struct pending_place *place = pending_offsets_find(group, topic, 0);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(pending_offset_by(place, 100 + i)->offset.offset, 1000 + i);
    assert_null(pending_offset_by(place, 100 + MANY));
    place = pending_offsets_find(group, topic, 1);
    assert_non_null(pending_offset_by(place, 99 + MANY));
    assert_null(pending_offset_by(place, 100));
    pending_offsets_forget(group);
    assert_int_equal(pending_offsets_count(pending), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_pending_random_histories), TEST(test_pending_until_the_marker),
        TEST(test_pending_keeps_a_group),    TEST(test_pending_is_taken_back),
        TEST(test_pending_has_a_limit),      TEST(test_pending_without_memory),
        TEST(test_pending_counts_as_memory), TEST(test_pending_fenced),
        TEST(test_pending_of_many),          TEST(test_pending_has_a_limit_meanwhile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
