/* What is named, by facts made up for it: each cause alone, and none in a group that keeps up. */
#include "why/diagnosis.h"

#include <string.h>

#include "tests/unit/unit.h"

enum { MEMBERS = 4, PARTITIONS = 4, EVENTS = 16, WINDOW_MS = 60000 };

struct group {
    struct why_facts facts;
    struct why_member members[MEMBERS];
    struct why_partition partitions[PARTITIONS];
    struct why_event events[EVENTS];
};

static const char *const member_ids[MEMBERS] = {"m0", "m1", "m2", "m3"};
static const char *const clients[MEMBERS] = {"c0", "c1", "c2", "c3"};

/* Four members with a partition each; 100 records a second come and go. */
static void make_healthy(struct group *group) {
    *group = (struct group){.facts = {.group = "billing",
                                      .type = "classic",
                                      .state = "Stable",
                                      .window_ms = WINDOW_MS,
                                      .told = true,
                                      .leading_ms = 3600000,
                                      .unsettled_ms = WHY_UNKNOWN,
                                      .members = group->members,
                                      .partitions = group->partitions,
                                      .events = group->events,
                                      .member_count = MEMBERS,
                                      .partition_count = PARTITIONS}};
    for (int i = 0; i < MEMBERS; i++) {
        group->members[i] = (struct why_member){.id = member_ids[i],
                                                .client_id = clients[i],
                                                .host = "/10.0.0.1",
                                                .owned = 1,
                                                .heard_age_ms = 1000,
                                                .rebalance_timeout_ms = 300000};
        group->partitions[i] = (struct why_partition){.topic = "orders",
                                                      .partition = i,
                                                      .member = i,
                                                      .committed = 10000,
                                                      .end = 10100,
                                                      .lag = 100,
                                                      .age_ms = 1000,
                                                      .commit_age_ms = 1000,
                                                      .moved_age_ms = 1000,
                                                      .produced = {100000, 100000},
                                                      .consumed = {100000, 100000},
                                                      .watched = true,
                                                      .reader = {.known = true,
                                                                 .offset = 10090,
                                                                 .furthest = 10090,
                                                                 .seen_age_ms = 10,
                                                                 .moved_age_ms = 10}};
    }
}

/* The partition's next record came long ago. */
static void fall_behind(struct why_partition *partition, int64_t lag) {
    partition->committed = 10000;
    partition->end = 10000 + lag;
    partition->lag = lag;
    partition->age_ms = 10 * WINDOW_MS;
    partition->reader.offset = partition->reader.furthest = 10500;
}

static void all_fall_behind(struct group *group, int64_t lag) {
    for (int i = 0; i < PARTITIONS; i++)
        fall_behind(&group->partitions[i], lag);
}

static void happens(struct group *group, int64_t age_ms, enum kp_group_event what, int member) {
    group->events[group->facts.event_count++] = (struct why_event){.age_ms = age_ms,
                                                                   .what = what,
                                                                   .began = true,
                                                                   .member_id = member_ids[member],
                                                                   .client_id = clients[member],
                                                                   .host = "/10.0.0.1"};
}

static struct why_diagnosis diagnosis;

static const char *value_of(const char *what) {
    const struct why_finding *first = &diagnosis.findings[0];
    for (size_t i = 0; i < first->evidence_count; i++)
        if (strcmp(first->evidence[i].what, what) == 0) return first->evidence[i].value;
    fail_msg("no evidence named \"%s\"", what);
    return NULL;
}

/* It is named first, with evidence and what to do. */
static void assert_cause(const struct group *group, enum why_cause cause) {
    why_diagnose(&group->facts, &diagnosis);
    const struct why_finding *first = &diagnosis.findings[0];
    const char *name = why_cause_name(first->cause), *expected = why_cause_name(cause);
    assert_string_equal(name ? name : "nothing", expected ? expected : "nothing");
    assert_true(first->evidence_count >= 2);
    for (size_t i = 0; i < diagnosis.count; i++)
        assert_true(cause == WHY_NOTHING || diagnosis.findings[i].cause != WHY_NOTHING);
}

/* Nothing is named, whatever happened, as long as the next records came just now. */
static void test_diagnosis_healthy(void **state) {
    (void)state;
    struct group group;
    make_healthy(&group);
    assert_cause(&group, WHY_NOTHING);
    assert_string_equal(value_of("lag"), "400 records, the next has waited for 1.0 s");
    assert_string_equal(diagnosis.findings[0].next, "");
    for (int i = 0; i < 10; i++)
        happens(&group, 60000 - i * 1000, KP_GROUP_JOINED, i % MEMBERS);
    group.partitions[0].consumed[WHY_SHORT] = 50000;
    group.partitions[1].reader.known = false;
    assert_cause(&group, WHY_NOTHING);
    for (int i = 0; i < PARTITIONS; i++) {
        group.partitions[i].lag = group.partitions[i].age_ms = 0;
        group.partitions[i].commit_age_ms = group.partitions[i].moved_age_ms = 86400000;
    }
    assert_cause(&group, WHY_NOTHING);
    assert_string_equal(value_of("lag"), "0 records");
}

/* A client that commits the last record instead of the next one lags by one for ever. */
static void test_diagnosis_commits_the_last(void **state) {
    (void)state;
    struct group group;
    make_healthy(&group);
    for (int i = 0; i < PARTITIONS; i++) {
        fall_behind(&group.partitions[i], 1);
        group.partitions[i].produced[WHY_SHORT] = group.partitions[i].consumed[WHY_SHORT] = 0;
        group.partitions[i].commit_age_ms = group.partitions[i].moved_age_ms = 5 * WINDOW_MS;
        group.partitions[i].reader.furthest = group.partitions[i].end;
    }
    assert_cause(&group, WHY_NOTHING);
}

static void test_diagnosis_no_members(void **state) {
    (void)state;
    struct group group;
    make_healthy(&group);
    all_fall_behind(&group, 5000);
    happens(&group, 30000, KP_GROUP_LEFT, 0);
    group.facts.member_count = 0;
    for (int i = 0; i < PARTITIONS; i++)
        group.partitions[i].member = WHY_NOBODY;
    assert_cause(&group, WHY_NO_MEMBERS);
    assert_int_equal(diagnosis.findings[0].since_age_ms, 30000);
}

/* The same records are fetched again and again. */
static void test_diagnosis_stuck(void **state) {
    (void)state;
    struct group group;
    make_healthy(&group);
    fall_behind(&group.partitions[2], 5000);
    group.partitions[2].moved_age_ms = 2 * WINDOW_MS;
    group.partitions[2].commit_age_ms = 1000; /* the same offset once more */
    group.partitions[2].consumed[WHY_SHORT] = 0;
    group.partitions[2].reader.again = 7;
    group.partitions[2].reader.moved_age_ms = 2 * WINDOW_MS;
    assert_cause(&group, WHY_STUCK);
    assert_string_equal(value_of("offset"), "10000");
    assert_non_null(strstr(value_of("member"), "c2"));
    assert_non_null(strstr(diagnosis.findings[0].next, "--to 10001 -t orders:2"));
    assert_int_equal(diagnosis.findings[0].since_age_ms, 2 * WINDOW_MS);
}

/* The process dies of a record, and comes anew, again and again: that is no matter of rebalances.
 */
static void test_diagnosis_stuck_by_restarts(void **state) {
    (void)state;
    struct group group;
    make_healthy(&group);
    fall_behind(&group.partitions[1], 5000);
    group.partitions[1].moved_age_ms = group.partitions[1].commit_age_ms = 4 * WINDOW_MS;
    for (int i = 0; i < 4; i++)
        happens(&group, (4 - i) * 50000, KP_GROUP_JOINED, 1);
    assert_cause(&group, WHY_STUCK);
    assert_string_equal(value_of("member came anew"), "4 times");
    /* as long as it gets on it is not that */
    group.partitions[1].moved_age_ms = group.partitions[1].commit_age_ms = 40000;
    assert_cause(&group, WHY_REBALANCING);
    /* nor as long as it has not stood still for the window, however often it came meanwhile */
    make_healthy(&group);
    fall_behind(&group.partitions[1], 5000);
    group.partitions[1].moved_age_ms = group.partitions[1].commit_age_ms = 40000;
    for (int i = 0; i < 3; i++)
        happens(&group, (3 - i) * 10000, KP_GROUP_JOINED, 1);
    why_diagnose(&group.facts, &diagnosis);
    assert_int_not_equal(diagnosis.findings[0].cause, WHY_STUCK);
}

/* It does not come to rest, and who is named. */
static void test_diagnosis_rebalancing(void **state) {
    (void)state;
    struct group group;
    make_healthy(&group);
    all_fall_behind(&group, 5000);
    happens(&group, 290000, KP_GROUP_JOINED, 0);
    for (int i = 0; i < 4; i++)
        happens(&group, 200000 - i * 50000, KP_GROUP_EXPIRED, 3);
    assert_cause(&group, WHY_REBALANCING);
    assert_string_equal(value_of("rebalances"), "5 in the last 5 min");
    assert_string_equal(value_of("who"),
                        "client c3 at /10.0.0.1 was not heard of any more, 4 times");
    assert_non_null(strstr(diagnosis.findings[0].next, "session.timeout.ms"));
    /* the second part of a cooperative rebalance is none of its own */
    make_healthy(&group);
    all_fall_behind(&group, 5000);
    for (int i = 0; i < 3; i++) {
        happens(&group, 200000 - i * 50000, KP_GROUP_JOINED, 3);
        happens(&group, 199000 - i * 50000, KP_GROUP_CHANGED, 1);
    }
    why_diagnose(&group.facts, &diagnosis);
    assert_int_not_equal(diagnosis.findings[0].cause, WHY_REBALANCING);
    /* one that has no end */
    make_healthy(&group);
    all_fall_behind(&group, 5000);
    happens(&group, 301000, KP_GROUP_LATE, 2);
    group.facts.unsettled_ms = 301000;
    group.facts.state = "PreparingRebalance";
    assert_cause(&group, WHY_REBALANCING);
}

/* It lives, and fetches nothing. */
static void test_diagnosis_not_polling(void **state) {
    (void)state;
    struct group group;
    make_healthy(&group);
    fall_behind(&group.partitions[0], 5000);
    group.partitions[0].reader.seen_age_ms = 45000;
    group.partitions[0].commit_age_ms = group.partitions[0].moved_age_ms = 45000;
    assert_cause(&group, WHY_NOT_POLLING);
    assert_non_null(strstr(value_of("member"), "c0"));
    assert_string_equal(value_of("last fetch"), "45.0 s ago");
    assert_int_equal(diagnosis.findings[0].since_age_ms, 45000);
    /* also beside one that lags more, and fetches */
    fall_behind(&group.partitions[1], 9000);
    group.partitions[1].commit_age_ms = 45000;
    assert_cause(&group, WHY_NOT_POLLING);
    assert_non_null(strstr(value_of("member"), "c0"));
    /* its broker has just begun to lead, or it has just joined: nobody knows */
    group.partitions[0].reader.known = false;
    assert_cause(&group, WHY_NOT_POLLING);
    happens(&group, 5000, KP_GROUP_JOINED, 0);
    why_diagnose(&group.facts, &diagnosis);
    assert_int_not_equal(diagnosis.findings[0].cause, WHY_NOT_POLLING);
    group.facts.event_count = 0;
    group.partitions[0].watched = false;
    why_diagnose(&group.facts, &diagnosis);
    assert_int_not_equal(diagnosis.findings[0].cause, WHY_NOT_POLLING);
}

/* It fetches and does not commit: since some time, or never. */
static void test_diagnosis_uncommitted(void **state) {
    (void)state;
    struct group group;
    make_healthy(&group);
    fall_behind(&group.partitions[3], 5000);
    group.partitions[3].reader.offset = group.partitions[3].reader.furthest = 14990;
    group.partitions[3].commit_age_ms = group.partitions[3].moved_age_ms = 45000;
    assert_cause(&group, WHY_UNCOMMITTED);
    assert_string_equal(value_of("lag by what is fetched"), "10 records");
    group.partitions[3].committed = group.partitions[3].lag = WHY_UNKNOWN;
    group.partitions[3].commit_age_ms = group.partitions[3].moved_age_ms = WHY_UNKNOWN;
    assert_cause(&group, WHY_UNCOMMITTED);
    assert_string_equal(value_of("last commit"), "none");
    /* in the middle of a large backlog, between two commits */
    make_healthy(&group);
    fall_behind(&group.partitions[3], 50000);
    group.partitions[3].moved_age_ms = 20000;
    why_diagnose(&group.facts, &diagnosis);
    assert_int_not_equal(diagnosis.findings[0].cause, WHY_UNCOMMITTED);
}

static void test_diagnosis_hot_partition(void **state) {
    (void)state;
    struct group group;
    make_healthy(&group);
    fall_behind(&group.partitions[1], 50000);
    group.partitions[1].produced[WHY_SHORT] = group.partitions[1].produced[WHY_LONG] = 900000;
    assert_cause(&group, WHY_HOT_PARTITION);
    assert_string_equal(value_of("its share of the lag"), "99 %");
    assert_string_equal(value_of("produced to it"), "900 records/s");
    /* one that is behind and gets no more than the others is not hot */
    group.partitions[1].produced[WHY_SHORT] = group.partitions[1].produced[WHY_LONG] = 100000;
    why_diagnose(&group.facts, &diagnosis);
    assert_int_not_equal(diagnosis.findings[0].cause, WHY_HOT_PARTITION);
}

static void test_diagnosis_consumers_slower(void **state) {
    (void)state;
    struct group group;
    make_healthy(&group);
    all_fall_behind(&group, 5000);
    for (int i = 0; i < PARTITIONS; i++)
        group.partitions[i].consumed[WHY_SHORT] = 60000;
    assert_cause(&group, WHY_CONSUMERS_SLOWER);
    assert_string_equal(value_of("consumed"), "240 records/s");
    assert_string_equal(value_of("consumed before"), "400 records/s");
    assert_non_null(strstr(diagnosis.findings[0].next, "slower"));
    /* all as ever, and never enough */
    for (int i = 0; i < PARTITIONS; i++)
        group.partitions[i].consumed[WHY_LONG] = 60000;
    assert_cause(&group, WHY_CONSUMERS_SLOWER);
    assert_non_null(strstr(diagnosis.findings[0].next, "Add members"));
}

static void test_diagnosis_producers_faster(void **state) {
    (void)state;
    struct group group;
    make_healthy(&group);
    all_fall_behind(&group, 5000);
    for (int i = 0; i < PARTITIONS; i++)
        group.partitions[i].produced[WHY_SHORT] = 300000;
    assert_cause(&group, WHY_PRODUCERS_FASTER);
    assert_string_equal(value_of("produced"), "1200 records/s");
}

static void test_diagnosis_idle_members(void **state) {
    (void)state;
    struct group group;
    make_healthy(&group);
    group.facts.partition_count = 2;
    group.members[2].owned = group.members[3].owned = 0;
    fall_behind(&group.partitions[0], 5000);
    fall_behind(&group.partitions[1], 5000);
    for (int i = 0; i < 2; i++)
        group.partitions[i].consumed[WHY_SHORT] = group.partitions[i].consumed[WHY_LONG] = 60000;
    assert_cause(&group, WHY_IDLE_MEMBERS);
    assert_string_equal(value_of("members"), "4, 2 of them without a partition");
    /* they are no cause while the lag does not grow */
    for (int i = 0; i < 2; i++)
        group.partitions[i].consumed[WHY_SHORT] = 150000;
    assert_cause(&group, WHY_CATCHING_UP);
    assert_string_equal(value_of("time left"), "100.0 s");
}

/* Brokers that have just started, or that are not drave, know too little: nothing is made up. */
static void test_diagnosis_unknown(void **state) {
    (void)state;
    struct group group;
    make_healthy(&group);
    all_fall_behind(&group, 5000);
    group.facts.told = false;
    for (int i = 0; i < PARTITIONS; i++) {
        struct why_partition *one = &group.partitions[i];
        one->watched = false;
        one->reader = (struct why_reader){.known = false};
        one->commit_age_ms = one->moved_age_ms = WHY_UNKNOWN;
        for (int w = 0; w < WHY_WINDOWS; w++)
            one->produced[w] = one->consumed[w] = WHY_UNKNOWN;
    }
    assert_cause(&group, WHY_NOTHING);
    assert_non_null(strstr(diagnosis.findings[0].next, "too little is known"));
}

/* A group has whatever name its members gave it; the command with it is one for a shell. */
static void test_diagnosis_quotes_names(void **state) {
    (void)state;
    struct group group;
    make_healthy(&group);
    all_fall_behind(&group, 1000);
    group.facts.member_count = 0;
    group.facts.group = "x; touch owned";
    why_diagnose(&group.facts, &diagnosis);
    assert_int_equal(diagnosis.findings[0].cause, WHY_NO_MEMBERS);
    assert_non_null(strstr(diagnosis.findings[0].next, ": drave group delete 'x; touch owned'"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_diagnosis_healthy),
        cmocka_unit_test(test_diagnosis_commits_the_last),
        cmocka_unit_test(test_diagnosis_no_members),
        cmocka_unit_test(test_diagnosis_stuck),
        cmocka_unit_test(test_diagnosis_stuck_by_restarts),
        cmocka_unit_test(test_diagnosis_rebalancing),
        cmocka_unit_test(test_diagnosis_not_polling),
        cmocka_unit_test(test_diagnosis_uncommitted),
        cmocka_unit_test(test_diagnosis_hot_partition),
        cmocka_unit_test(test_diagnosis_consumers_slower),
        cmocka_unit_test(test_diagnosis_producers_faster),
        cmocka_unit_test(test_diagnosis_idle_members),
        cmocka_unit_test(test_diagnosis_unknown),
        cmocka_unit_test(test_diagnosis_quotes_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
