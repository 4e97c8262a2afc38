/* Commits, reading and removal by clients: in which order, what they see, how they fail. */
#include <string.h>

#include "base/container_of.h"
#include "broker/coordinator/offsets/offset_commit.h"
#include "broker/coordinator/offsets/offset_delete.h"
#include "broker/coordinator/offsets/offset_fetch.h"
#include "protocol/kafka_error.h"
#include "tests/unit/broker/coordinator/fixture_offsets.h"
#include "tests/unit/unit.h"

static struct offsets_fixture f;

static int setup(void **state) {
    *state = &f;
    offsets_open(&f);
    fake_log_lead(&f.log);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    offsets_check_replay(&f);
    offsets_close(&f);
    return 0;
}

static void turn(void) {
    offsets_turns(&f);
}

/* ---- Askers ---- */

enum { MOST = 8 };

struct commit {
    struct offset_commit commit; /* first */
    struct offset_commit_entry entries[MOST];
    int times;
};

static void commit_done(struct group_call *call) {
    ((struct commit *)call)->times++;
}

static struct committed_offset offset_at(int32_t partition, int64_t offset) {
    return (struct committed_offset){
        .offset = offset, .partition = partition, .leader_epoch = 3, .expire_time_ms = -1};
}

/* Commits `offset` for the partitions 1 .. count of topic "t". */
static void commit(struct commit *asker, const char *group, int32_t count, int64_t offset) {
    memset(asker, 0, sizeof *asker);
    offset_commit_open(&asker->commit, asker->entries);
    asker->commit.call.done = commit_done;
    asker->commit.group_id = kp_string_of(group);
    asker->commit.member_id = kp_string_of("");
    asker->commit.instance_id = KP_NULL_STRING;
    for (int32_t i = 1; i <= count; i++) {
        struct committed_offset made = offset_at(i, offset);
        offset_commit_add(&asker->commit, kp_string_of("t"), &made);
    }
    offset_commit_take(&f.live.table, &f.rules, &asker->commit);
    assert_int_equal(asker->times, 0);
}

static void expect_commit(const struct commit *asker, int16_t error) {
    assert_int_equal(asker->times, 1);
    assert_int_equal(asker->commit.call.error, error);
}

struct fetch {
    struct offset_fetch fetch; /* first */
    int times;
};

static void fetch_done(struct group_call *call) {
    ((struct fetch *)call)->times++;
}

static void fetch(struct fetch *asker, const char *group) {
    memset(asker, 0, sizeof *asker);
    asker->fetch.call.done = fetch_done;
    asker->fetch.group_id = kp_string_of(group);
    asker->fetch.member_id = KP_NULL_STRING;
    asker->fetch.member_epoch = -1;
    offset_fetch_take(&f.live.table, f.live.store, &f.rules, &asker->fetch);
    assert_int_equal(asker->times, 0);
}

static int64_t fetched(const struct fetch *asker, int32_t partition) {
    const struct committed_offset *offset = offset_reader_find(&asker->fetch.reader,
                                                               kp_string_of("t"), partition);
    return offset == NULL ? -1 : offset->offset;
}

struct removal {
    struct offset_delete call; /* first */
    struct offset_delete_entry entries[MOST];
    int16_t errors[MOST];
    int times;
};

static void removal_done(struct group_call *call) {
    ((struct removal *)call)->times++;
}

static void remove_all(struct removal *asker, const char *group, const char *topic, int32_t count) {
    memset(asker, 0, sizeof *asker);
    asker->call.call.done = removal_done;
    asker->call.group_id = kp_string_of(group);
    asker->call.entries = asker->entries;
    asker->call.count = (size_t)count;
    for (int32_t i = 0; i < count; i++)
        asker->entries[i] = (struct offset_delete_entry){kp_string_of(topic), i + 1,
                                                         &asker->errors[i]};
    offset_delete_take(&f.live.table, &f.rules, &asker->call);
}

/* ---- Commits ---- */

/* A commit is told when it is applied, not before; its group comes into being with it. */
static void test_offset_commit_is_told_when_applied(void **state) {
    (void)state;
    struct commit asker;
    commit(&asker, "g", 3, 42);
    turn();
    assert_int_equal(asker.times, 0);
    assert_int_equal(offsets_get(&f, "g", "t", 1), -1);
    assert_int_equal(fake_log_commit(&f.log, 1), 1);
    turn();
    expect_commit(&asker, 0);
    assert_int_equal(offsets_get(&f, "g", "t", 3), 42);
    assert_int_equal(group_kind_of(group_find(&f.live.table, kp_string_of("g"))), GROUP_SIMPLE);
}

/* Commits of a group do not wait for one another, each is a batch of its own, and the last one in
 * the log counts. */
static void test_offset_commits_share_a_turn(void **state) {
    (void)state;
    struct commit askers[4];
    for (int64_t i = 0; i < 4; i++)
        commit(&askers[i], "g", 2, 100 + i);
    assert_int_equal(f.log.waiting_count, 4);
    fake_log_commit_all(&f.log);
    turn();
    for (int i = 0; i < 4; i++)
        expect_commit(&askers[i], 0);
    assert_int_equal(offsets_get(&f, "g", "t", 2), 103);
}

/* What the rules refuse is not written, and leaves no group behind. */
static void test_offset_commit_is_refused(void **state) {
    (void)state;
    struct commit asker;
    f.commit_error = KAFKA_ILLEGAL_GENERATION;
    commit(&asker, "g", 1, 5);
    turn();
    expect_commit(&asker, KAFKA_ILLEGAL_GENERATION);
    assert_int_equal(f.log.waiting_count, 0);
    assert_int_equal(group_count(&f.live.table), 0);
}

/* KIP-1251: of some partitions only. */
static void test_offset_commit_is_refused_in_part(void **state) {
    (void)state;
    struct commit asker;
    f.refused_partition = 2;
    commit(&asker, "g", 3, 5);
    fake_log_commit_all(&f.log);
    turn();
    expect_commit(&asker, 0);
    assert_int_equal(asker.entries[0].error, 0);
    assert_int_equal(asker.entries[1].error, KAFKA_STALE_MEMBER_EPOCH);
    assert_int_equal(offsets_get(&f, "g", "t", 1), 5);
    assert_int_equal(offsets_get(&f, "g", "t", 2), -1);
    assert_int_equal(offsets_get(&f, "g", "t", 3), 5);
    f.refused_partition = 1;
    commit(&asker, "g", 1, 6);
    turn();
    expect_commit(&asker, 0);
    assert_int_equal(asker.entries[0].error, KAFKA_STALE_MEMBER_EPOCH);
    assert_int_equal(offsets_get(&f, "g", "t", 1), 5);
}

/* Errors of the log; what is too large has an error of its own. */
static void test_offset_commit_is_not_written(void **state) {
    (void)state;
    static const int16_t errors[][2] = {
        {KAFKA_RECORD_LIST_TOO_LARGE, KAFKA_INVALID_COMMIT_OFFSET_SIZE},
        {KAFKA_COORDINATOR_NOT_AVAILABLE, KAFKA_COORDINATOR_NOT_AVAILABLE},
        {KAFKA_NOT_COORDINATOR, KAFKA_NOT_COORDINATOR},
    };
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        struct commit asker;
        fake_log_refuse(&f.log, errors[i][0]);
        commit(&asker, "g", 1, 5);
        fake_log_commit_all(&f.log);
        turn();
        expect_commit(&asker, errors[i][1]);
        assert_int_equal(group_count(&f.live.table), 0);
    }
    f.live.table.leading = true; /* which the last error has ended */
}

/* The lead is lost while it is written: the outcome is unknown, and what commits later is applied
 * like anything else. */
static void test_offset_commit_when_the_lead_is_lost(void **state) {
    (void)state;
    struct commit asker;
    commit(&asker, "g", 1, 5);
    fake_log_lose(&f.log, true);
    turn();
    expect_commit(&asker, KAFKA_NOT_COORDINATOR);
    assert_int_equal(offsets_get(&f, "g", "t", 1), 5);
}

/* A client that goes takes nothing back that is being written, and is told nothing. */
static void test_offset_commit_is_canceled(void **state) {
    (void)state;
    struct commit asker;
    commit(&asker, "g", 1, 5);
    assert_false(group_call_cancel(&asker.commit.call)); /* it is being written */
    fake_log_commit_all(&f.log);
    assert_true(group_call_cancel(&asker.commit.call)); /* it is over, and was not told */
    turn();
    assert_int_equal(asker.times, 0);
    assert_int_equal(offsets_get(&f, "g", "t", 1), 5);
}

/* ---- Reading ---- */

/* A fetch waits for commits that were submitted before it, and for the majority. */
static void test_offset_fetch_waits_for_commits(void **state) {
    (void)state;
    struct commit asker;
    struct fetch reader;
    commit(&asker, "g", 1, 7);
    fetch(&reader, "g");
    turn();
    assert_int_equal(reader.times, 0);
    fake_log_commit_all(&f.log);
    turn();
    assert_int_equal(reader.times, 1);
    assert_int_equal(reader.fetch.call.error, 0);
    assert_int_equal(fetched(&reader, 1), 7);
    assert_int_equal(fetched(&reader, 2), -1);
    offset_reader_close(&reader.fetch.reader);
}

/* Without a proof that we lead there is no "none is committed", nor anything else. */
static void test_offset_fetch_when_the_lead_is_lost(void **state) {
    (void)state;
    struct fetch reader;
    f.log.confirms_at_once = false;
    fetch(&reader, "g");
    fake_log_lose(&f.log, false);
    turn();
    assert_int_equal(reader.times, 1);
    assert_int_equal(reader.fetch.call.error, KAFKA_NOT_COORDINATOR);
    assert_false(offset_reader_is_open(&reader.fetch.reader));
}

/* A group that is not there has committed nothing, and is not made by asking. */
static void test_offset_fetch_of_no_group(void **state) {
    (void)state;
    struct fetch reader;
    fetch(&reader, "nobody");
    turn();
    assert_int_equal(reader.fetch.call.error, 0);
    assert_int_equal(group_count(&f.live.table), 0);
    assert_int_equal(fetched(&reader, 1), -1);
    assert_null(offset_reader_next(&reader.fetch.reader));
    offset_reader_close(&reader.fetch.reader);
}

static void test_offset_fetch_is_refused(void **state) {
    (void)state;
    struct fetch reader;
    f.fetch_error = KAFKA_STALE_MEMBER_EPOCH;
    fetch(&reader, "g");
    turn();
    assert_int_equal(reader.fetch.call.error, KAFKA_STALE_MEMBER_EPOCH);
    assert_false(offset_reader_is_open(&reader.fetch.reader));
}

/* Whoever still reads when the replica goes finds that it has gone, instead of nothing. */
static void test_offset_fetch_outlives_the_state(void **state) {
    (void)state;
    struct fetch reader;
    struct committed_offset offset = offset_at(1, 9);
    offsets_put(&f, "g", "t", &offset);
    fetch(&reader, "g");
    turn();
    assert_int_equal(fetched(&reader, 1), 9);
    offsets_check_replay(&f);
    offsets_forget(&f);
    assert_false(offset_reader_is_open(&reader.fetch.reader));
    assert_null(offset_reader_next(&reader.fetch.reader));
    assert_int_equal(fetched(&reader, 1), -1);
    offset_reader_close(&reader.fetch.reader);
}

/* ---- Removal ---- */

/* One that is there goes, one that is not is no error; behind commits that came before. */
static void test_offset_delete(void **state) {
    (void)state;
    struct commit asker;
    struct removal remover;
    commit(&asker, "g", 3, 7);
    remove_all(&remover, "g", "t", 2);
    assert_int_equal(f.log.waiting_count, 1); /* the commit */
    fake_log_commit(&f.log, 1);
    assert_int_equal(f.log.waiting_count, 1);
    fake_log_commit(&f.log, 1);
    turn();
    assert_int_equal(remover.times, 1);
    assert_int_equal(remover.call.call.error, 0);
    assert_int_equal(offsets_get(&f, "g", "t", 1), -1);
    assert_int_equal(offsets_get(&f, "g", "t", 2), -1);
    assert_int_equal(offsets_get(&f, "g", "t", 3), 7);
    remove_all(&remover, "g", "t", 2);
    turn();
    assert_int_equal(remover.times, 1);
    assert_int_equal(remover.call.call.error, 0);
    assert_int_equal(remover.errors[0], 0);
}

/* What a member reads stays; what the rules refuse, too. */
static void test_offset_delete_is_refused(void **state) {
    (void)state;
    struct removal remover;
    struct committed_offset offset = offset_at(1, 9);
    offsets_put(&f, "g", "t", &offset);
    f.subscribed = "t";
    f.reads_asked = 0;
    remove_all(&remover, "g", "t", 1);
    turn();
    assert_int_equal(f.reads_asked, 1);
    assert_int_equal(remover.call.call.error, 0);
    assert_int_equal(remover.errors[0], KAFKA_GROUP_SUBSCRIBED_TO_TOPIC);
    f.remove_error = KAFKA_NON_EMPTY_GROUP;
    remove_all(&remover, "g", "t", 1);
    turn();
    assert_int_equal(remover.call.call.error, KAFKA_NON_EMPTY_GROUP);
    assert_int_equal(offsets_get(&f, "g", "t", 1), 9);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_offset_commit_is_told_when_applied, setup, teardown),
        cmocka_unit_test_setup_teardown(test_offset_commits_share_a_turn, setup, teardown),
        cmocka_unit_test_setup_teardown(test_offset_commit_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_offset_commit_is_refused_in_part, setup, teardown),
        cmocka_unit_test_setup_teardown(test_offset_commit_is_not_written, setup, teardown),
        cmocka_unit_test_setup_teardown(test_offset_commit_when_the_lead_is_lost, setup, teardown),
        cmocka_unit_test_setup_teardown(test_offset_commit_is_canceled, setup, teardown),
        cmocka_unit_test_setup_teardown(test_offset_fetch_waits_for_commits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_offset_fetch_when_the_lead_is_lost, setup, teardown),
        cmocka_unit_test_setup_teardown(test_offset_fetch_of_no_group, setup, teardown),
        cmocka_unit_test_setup_teardown(test_offset_fetch_is_refused, setup, teardown),
        cmocka_unit_test_setup(test_offset_fetch_outlives_the_state, setup),
        cmocka_unit_test_setup_teardown(test_offset_delete, setup, teardown),
        cmocka_unit_test_setup_teardown(test_offset_delete_is_refused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
