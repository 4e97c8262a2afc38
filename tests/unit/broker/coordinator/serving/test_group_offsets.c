/* What the classic protocol says about offsets: who may commit in which state, what may be removed,
 * when they are too old. */
#include "broker/coordinator/serving/group_offsets.h"

#include <string.h>

#include "broker/coordinator/offsets/offset_records.h"
#include "broker/coordinator/serving/group_listing.h"
#include "tests/unit/broker/coordinator/fixture_groups.h"
#include "tests/unit/unit.h"

static struct groups g;

static int setup(void **state) {
    (void)state;
    groups_open(&g);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    groups_close(&g);
    return 0;
}

/* ---- Askers ---- */

struct commits {
    struct offset_commit commit;
    struct offset_commit_entry entry;
    int error;
};

static void commit_done(struct group_call *call) {
    CONTAINER_OF(call, struct commits, commit.call)->error = call->error;
}

static const struct coordinator_transaction transaction = {.producer_id = 5};

static int commit_of(const struct coordinator_transaction *of, const char *member,
                     const char *instance, int generation, int version) {
    static struct commits asked;
    struct committed_offset offset = {.offset = 7,
                                      .partition = 1,
                                      .leader_epoch = -1,
                                      .expire_time_ms = -1,
                                      .commit_time_ms = env_wall_ms(g.clock.env)};
    offset_commit_open(&asked.commit, &asked.entry);
    asked.commit.call.done = commit_done;
    asked.commit.group_id = kp_string_of("g");
    asked.commit.member_id = kp_string_of(member);
    asked.commit.instance_id = instance == NULL ? KP_NULL_STRING : kp_string_of(instance);
    asked.commit.generation = generation;
    asked.commit.version = (int16_t)version;
    asked.commit.transaction = of;
    asked.error = NOT_DONE;
    offset_commit_add(&asked.commit, kp_string_of("t"), &offset);
    group_offsets_commit(g.coordinator, &asked.commit);
    groups_commit(&g);
    return asked.error != 0 ? asked.error : asked.entry.error;
}

/* The error; NOT_DONE is none of Kafka's. `generation` -1 and `member` "": nobody in particular. */
static int commit(const char *member, const char *instance, int generation, int version) {
    return commit_of(NULL, member, instance, generation, version);
}

static int commit_in_transaction(const char *member, const char *instance, int generation) {
    return commit_of(&transaction, member, instance, generation, 3);
}

struct removes {
    struct offset_delete call;
    struct offset_delete_entry entry;
    int16_t of_entry;
    int error;
};

static void remove_done(struct group_call *call) {
    CONTAINER_OF(call, struct removes, call.call)->error = call->error;
}

static int remove_offset(void) {
    static struct removes asked;
    asked = (struct removes){.error = NOT_DONE};
    asked.entry = (struct offset_delete_entry){kp_string_of("t"), 1, &asked.of_entry};
    asked.call.call.done = remove_done;
    asked.call.group_id = kp_string_of("g");
    asked.call.entries = &asked.entry;
    asked.call.count = 1;
    group_offsets_delete(g.coordinator, &asked.call);
    groups_commit(&g);
    return asked.error != 0 ? asked.error : asked.of_entry;
}

static bool is_committed(void) {
    const struct group *group = groups_find(&g, "g");
    return group != NULL && offset_store_find(group, kp_string_of("t"), 1) != NULL;
}

/* ---- Commits ---- */

/* No group: whoever says no generation makes a simple one, others hear that it is not theirs. */
static void test_commit_to_no_group(void **state) {
    (void)state;
    assert_int_equal(commit("m", NULL, 3, 8), KAFKA_ILLEGAL_GENERATION);
    assert_int_equal(commit("m", NULL, 3, 9), KAFKA_GROUP_ID_NOT_FOUND);
    assert_null(groups_find(&g, "g"));
    assert_int_equal(commit("whoever", NULL, -1, 8), 0);
    assert_int_equal(group_kind_of(groups_find(&g, "g")), GROUP_SIMPLE);
    assert_int_equal(commit("m", NULL, 3, 8), KAFKA_UNKNOWN_MEMBER_ID); /* it is empty, and is */
}

/* Members in their generation; from outside only while nobody is in it. */
static void test_commit_to_a_stable_group(void **state) {
    (void)state;
    groups_stable(&g, 2, true);
    assert_int_equal(commit("m1", NULL, 1, 8), 0);
    assert_int_equal(commit("m1", "i1", 1, 8), 0);
    assert_int_equal(commit("m1", NULL, 2, 8), KAFKA_ILLEGAL_GENERATION);
    assert_int_equal(commit("m1", NULL, -1, 8), KAFKA_ILLEGAL_GENERATION);
    assert_int_equal(commit("m9", NULL, 1, 8), KAFKA_UNKNOWN_MEMBER_ID);
    assert_int_equal(commit("m2", "i1", 1, 8), KAFKA_FENCED_INSTANCE_ID);
    assert_int_equal(commit("m1", "i9", 1, 8), KAFKA_UNKNOWN_MEMBER_ID);
    assert_int_equal(commit("", NULL, -1, 8), KAFKA_UNKNOWN_MEMBER_ID);
}

/* While it prepares members still commit what they have read; while it completes they are told to
 * join; when it is empty again anybody may. */
static void test_commit_during_a_rebalance(void **state) {
    (void)state;
    static struct asked m1, m2, leaves;
    groups_stable(&g, 2, false);
    ask_join(&g, &m1, (struct asks){.member = "m1"});
    assert_int_equal(commit("m1", NULL, 1, 8), 0);
    assert_int_equal(commit("m2", NULL, 1, 8), 0);
    ask_join(&g, &m2, (struct asks){.member = "m2"});
    assert_int_equal(commit("m1", NULL, 2, 8), KAFKA_REBALANCE_IN_PROGRESS);
    assert_int_equal(commit("m1", NULL, 1, 8), KAFKA_ILLEGAL_GENERATION);
    ask_leave(&g, &leaves, "g", "m1,m2");
    groups_commit(&g);
    assert_int_equal(commit("", NULL, -1, 8), 0);
    assert_int_equal(commit("m1", NULL, -1, 8), 0);
    assert_int_equal(commit("m1", NULL, 2, 8), KAFKA_UNKNOWN_MEMBER_ID);
}

static bool is_pending(void) {
    const struct group *group = groups_find(&g, "g");
    return group != NULL && pending_offsets_find(group, kp_string_of("t"), 1) != NULL;
}

/* In a transaction: a simple group comes into being, others hear of generations only. */
static void test_commit_in_a_transaction_to_no_group(void **state) {
    (void)state;
    assert_int_equal(commit_in_transaction("m", NULL, 3), KAFKA_ILLEGAL_GENERATION);
    assert_null(groups_find(&g, "g"));
    assert_int_equal(commit_in_transaction("", NULL, -1), 0);
    assert_int_equal(group_kind_of(groups_find(&g, "g")), GROUP_SIMPLE);
    assert_true(is_pending());
    assert_false(is_committed());
    fake_log_end(&g.log, transaction.producer_id, true);
    groups_commit(&g);
    assert_true(is_committed());
    assert_int_equal(commit_in_transaction("m", NULL, 3), KAFKA_UNKNOWN_MEMBER_ID);
    fake_log_end(&g.log, transaction.producer_id, false);
}

/* Members are checked if they are named, whatever the group is at; old producers name none
 * (KIP-447).
 */
static void test_commit_in_a_transaction_of_members(void **state) {
    (void)state;
    static struct asked m1, m2;
    groups_stable(&g, 2, true);
    assert_int_equal(commit_in_transaction("m1", NULL, 1), 0);
    assert_int_equal(commit_in_transaction("m1", "i1", 1), 0);
    assert_int_equal(commit_in_transaction("m1", NULL, 2), KAFKA_ILLEGAL_GENERATION);
    assert_int_equal(commit_in_transaction("m1", NULL, -1), KAFKA_ILLEGAL_GENERATION);
    assert_int_equal(commit_in_transaction("m9", NULL, 1), KAFKA_UNKNOWN_MEMBER_ID);
    assert_int_equal(commit_in_transaction("m2", "i1", 1), KAFKA_FENCED_INSTANCE_ID);
    assert_int_equal(commit_in_transaction("", NULL, 1), KAFKA_UNKNOWN_MEMBER_ID);
    assert_int_equal(commit_in_transaction("", NULL, -1), 0);
    ask_join(&g, &m1, (struct asks){.member = "m1", .instance = "i1", .meta = "u"});
    ask_join(&g, &m2, (struct asks){.member = "m2", .instance = "i2"});
    assert_int_equal(commit("m1", NULL, 2, 8), KAFKA_REBALANCE_IN_PROGRESS);
    assert_int_equal(commit_in_transaction("m1", NULL, 2), 0);
    assert_int_equal(commit_in_transaction("", NULL, -1), 0);
    fake_log_end(&g.log, transaction.producer_id, false);
    assert_false(is_pending());
}

/* It keeps nobody alive: a producer may run on when its consumer has died. */
static void test_commit_in_a_transaction_renews_nothing(void **state) {
    (void)state;
    groups_stable(&g, 1, false);
    groups_pass(&g, 9000);
    assert_int_equal(commit_in_transaction("m1", NULL, 1), 0);
    groups_pass(&g, 1001);
    assert_int_equal(commit_in_transaction("m1", NULL, 1), KAFKA_UNKNOWN_MEMBER_ID);
    groups_commit(&g);
    fake_log_end(&g.log, transaction.producer_id, false);
}

static void delete_done(struct group_call *call) {
    assert_int_equal(call->error, 0);
}

/* What is pending goes with its offset, or with its group, and a marker that comes later brings
 * nothing back; a new leader knows what is pending. */
static void test_pending_offsets_go_with_their_group(void **state) {
    (void)state;
    static struct group_delete call;
    assert_int_equal(commit_in_transaction("", NULL, -1), 0);
    assert_int_equal(remove_offset(), 0);
    assert_null(groups_find(&g, "g"));
    fake_log_end(&g.log, transaction.producer_id, true);
    assert_null(groups_find(&g, "g"));
    assert_int_equal(commit_in_transaction("", NULL, -1), 0);
    groups_move(&g);
    assert_true(is_pending());
    call = (struct group_delete){.call.done = delete_done, .group_id = kp_string_of("g")};
    group_coordinator_delete(g.coordinator, &call);
    groups_commit(&g);
    assert_null(groups_find(&g, "g"));
    fake_log_end(&g.log, transaction.producer_id, true);
    assert_null(groups_find(&g, "g"));
}

/* A commit keeps its member alive. */
static void test_commit_renews_the_session(void **state) {
    (void)state;
    groups_stable(&g, 1, false);
    for (int i = 0; i < 6; i++) {
        groups_pass(&g, 5000);
        assert_int_equal(commit("m1", NULL, 1, 8), 0);
    }
    assert_string_equal(groups_state(&g), "Stable 1 m1");
}

/* The commit of an owner of before that waits behind a decision is checked against what that
 * decided, and does not land behind the new owner's. */
static void test_commit_behind_a_decision(void **state) {
    (void)state;
    static struct asked m1, m2;
    static struct commits late;
    groups_stable(&g, 2, false);
    ask_join(&g, &m1, (struct asks){.member = "m1"});
    ask_join(&g, &m2, (struct asks){.member = "m2"});
    ask_sync(&g, &m1, (struct asks){.member = "m1", .generation = 2, .assign = "m1=a,m2=b"});
    struct committed_offset offset = {.offset = 3, .partition = 1, .expire_time_ms = -1};
    offset_commit_open(&late.commit, &late.entry);
    late.commit.call.done = commit_done;
    late.commit.group_id = kp_string_of("g");
    late.commit.member_id = kp_string_of("m1");
    late.commit.instance_id = KP_NULL_STRING;
    late.commit.generation = 1;
    late.commit.version = 8;
    offset_commit_add(&late.commit, kp_string_of("t"), &offset);
    late.error = NOT_DONE;
    group_offsets_commit(g.coordinator, &late.commit);
    groups_turn(&g);
    assert_int_equal(late.error, NOT_DONE); /* behind the Sync's record */
    groups_commit(&g);
    assert_int_equal(late.error, KAFKA_ILLEGAL_GENERATION);
    assert_false(is_committed());
}

/* A coordinator that moves keeps what was committed, and members go on committing. */
static void test_commit_behind_a_move(void **state) {
    (void)state;
    groups_stable(&g, 2, false);
    assert_int_equal(commit("m1", NULL, 1, 8), 0);
    groups_move(&g);
    assert_true(is_committed());
    assert_int_equal(commit("m2", NULL, 1, 8), 0);
}

/* ---- Removal ---- */

/* KIP-496: nothing is removed of a group whose members are no consumers, nor what consumers read;
 * what they read is not known here, so it is all. */
static void test_remove_offsets(void **state) {
    (void)state;
    static struct asked leaves;
    assert_int_equal(remove_offset(), KAFKA_GROUP_ID_NOT_FOUND);
    groups_stable(&g, 1, false);
    assert_int_equal(commit("m1", NULL, 1, 8), 0);
    assert_int_equal(remove_offset(), KAFKA_GROUP_SUBSCRIBED_TO_TOPIC);
    ask_leave(&g, &leaves, "g", "m1");
    groups_commit(&g);
    assert_true(is_committed());
    assert_int_equal(remove_offset(), 0);
    assert_false(is_committed());
}

static void test_remove_offsets_of_others(void **state) {
    (void)state;
    static struct asked joins;
    ask_join(&g, &joins, (struct asks){.version = 3, .type = "connect"});
    groups_pass(&g, 3001);
    assert_int_equal(joins.error, 0);
    assert_int_equal(remove_offset(), KAFKA_NON_EMPTY_GROUP);
}

/* ---- Age ---- */

enum { DAY_MS = 86400000 };

static void days(int count) {
    for (int i = 0; i < count * 8; i++) {
        groups_pass(&g, DAY_MS / 8);
        groups_commit(&g);
    }
}

/* A simple group: a week from the commit; then it is not there any more. */
static void test_age_of_a_simple_group(void **state) {
    (void)state;
    assert_int_equal(commit("", NULL, -1, 8), 0);
    days(6);
    assert_true(is_committed());
    days(2);
    assert_false(is_committed());
    assert_null(groups_find(&g, "g"));
}

/* A group that was left: a week from then, however old the commit; the group goes, too. */
static void test_age_of_an_empty_group(void **state) {
    (void)state;
    static struct asked leaves;
    groups_stable(&g, 1, false);
    assert_int_equal(commit("m1", NULL, 1, 8), 0);
    for (int i = 0; i < 5 * DAY_MS / 9000; i++) {
        groups_pass(&g, 9000);
        ask_heartbeat(&g, (struct asks){.member = "m1", .generation = 1});
    }
    ask_leave(&g, &leaves, "g", "m1");
    groups_commit(&g);
    assert_string_equal(groups_state(&g), "Empty 2");
    days(6);
    assert_true(is_committed());
    days(2);
    assert_false(is_committed());
    assert_null(groups_find(&g, "g"));
}

/* While the memory of groups is spent no new group comes to offsets, and a known one goes on. What
 * groups take is given back with them. */
static void test_commit_without_memory(void **state) {
    (void)state;
    size_t before = g.memory.budget.used;
    assert_int_equal(commit("", NULL, -1, 8), 0);
    assert_true(g.memory.budget.used > before);
    g.memory.budget.limit = 1;
    assert_int_equal(commit("", NULL, -1, 8), 0);
    assert_int_equal(remove_offset(), 0);
    assert_int_equal(g.memory.budget.used, before);
    g.memory.budget.limit = 0;
    assert_int_equal(commit("", NULL, -1, 8), KAFKA_COORDINATOR_NOT_AVAILABLE);
    assert_false(is_committed());
    assert_int_equal(g.memory.budget.used, before);
}

/* ---- The end of a group ---- */

static void all_deleted(struct group_call *call) {
    *(int *)call->parked_at = call->error;
}

static void put_offsets(struct kp_string id, int32_t count) {
    for (int32_t p = 0; p < count; p++) {
        struct committed_offset offset = {.partition = p, .leader_epoch = -1, .expire_time_ms = -1};
        struct group_batch batch;
        group_batch_open(&batch);
        offset_record_put(&batch, id, kp_string_of("t"), &offset);
        fake_log_apply(&g.log, batch.records, batch.count);
        group_batch_close(&batch);
    }
}

/* How many batches it takes to delete a group of that id with so many offsets; all of it is gone
 * then. */
static size_t delete_of(struct kp_string id, int32_t offsets) {
    static struct group_delete call;
    int error = NOT_DONE;
    put_offsets(id, offsets);
    call = (struct group_delete){.call = {.done = all_deleted, .parked_at = &error},
                                 .group_id = id};
    group_coordinator_delete(g.coordinator, &call);
    groups_turn(&g);
    size_t batches = 0, one;
    while ((one = fake_log_commit(&g.log, 1)) > 0)
        batches += one;
    groups_turn(&g);
    assert_int_equal(error, 0);
    assert_null(group_find(g.table, id));
    return batches;
}

/* However many offsets it has, and however long its id is, which is in each tombstone: it goes, in
 * parts that a batch, and a turn of the loop, have room for. */
static void test_delete_in_parts(void **state) {
    (void)state;
    static char id[INT16_MAX];
    memset(id, 'g', sizeof id);
    assert_int_equal(delete_of(kp_string_of("g"), 10), 1);
    assert_int_equal(delete_of(kp_string_of("g"), 2 * GROUP_BATCH_RECORDS + 1), 3);
    assert_int_equal(delete_of((struct kp_string){id, sizeof id}, 10), 4);
}

/* What is left behind the first part was pending alone, and its transaction is aborted before the
 * second: the group is gone, and that is all. */
static void test_delete_while_a_transaction_ends(void **state) {
    (void)state;
    static struct group_delete call;
    struct committed_offset pending = {
        .partition = GROUP_BATCH_RECORDS, .leader_epoch = -1, .expire_time_ms = -1};
    struct group_batch batch;
    int error = NOT_DONE;
    put_offsets(kp_string_of("g"), GROUP_BATCH_RECORDS);
    group_batch_open(&batch);
    offset_record_put(&batch, kp_string_of("g"), kp_string_of("t"), &pending);
    fake_log_apply_in(&g.log, transaction.producer_id, batch.records, batch.count);
    group_batch_close(&batch);
    call = (struct group_delete){.call = {.done = all_deleted, .parked_at = &error},
                                 .group_id = kp_string_of("g")};
    group_coordinator_delete(g.coordinator, &call);
    fake_log_end(&g.log, transaction.producer_id, false);
    groups_commit(&g);
    assert_int_equal(error, 0);
    assert_null(groups_find(&g, "g"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_commit_to_no_group, setup, teardown),
        cmocka_unit_test_setup_teardown(test_commit_to_a_stable_group, setup, teardown),
        cmocka_unit_test_setup_teardown(test_commit_during_a_rebalance, setup, teardown),
        cmocka_unit_test_setup_teardown(test_commit_renews_the_session, setup, teardown),
        cmocka_unit_test_setup_teardown(test_commit_behind_a_decision, setup, teardown),
        cmocka_unit_test_setup_teardown(test_commit_behind_a_move, setup, teardown),
        cmocka_unit_test_setup_teardown(test_remove_offsets, setup, teardown),
        cmocka_unit_test_setup_teardown(test_remove_offsets_of_others, setup, teardown),
        cmocka_unit_test_setup_teardown(test_age_of_a_simple_group, setup, teardown),
        cmocka_unit_test_setup_teardown(test_commit_without_memory, setup, teardown),
        cmocka_unit_test_setup_teardown(test_delete_in_parts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_delete_while_a_transaction_ends, setup, teardown),
        cmocka_unit_test_setup_teardown(test_age_of_an_empty_group, setup, teardown),
        cmocka_unit_test_setup_teardown(test_commit_in_a_transaction_to_no_group, setup, teardown),
        cmocka_unit_test_setup_teardown(test_commit_in_a_transaction_of_members, setup, teardown),
        cmocka_unit_test_setup_teardown(test_commit_in_a_transaction_renews_nothing, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_pending_offsets_go_with_their_group, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
