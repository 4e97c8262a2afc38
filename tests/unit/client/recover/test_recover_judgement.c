/* What is judged to be lost, with whom it goes on, and what is said of it. */
#include <string.h>

#include "client/recover/recover_judgement.h"
#include "tests/unit/unit.h"

enum { BROKERS = 5, GROUP = 7 };

/* Of a topic "t" with one partition on brokers 1 to 5, of which 1 to 3 do not answer. */
struct fixture {
    struct kp_lost_majorities_response pages[BROKERS];
    const struct kp_lost_majorities_response *page_of[BROKERS];
    struct kp_lost_majorities_response_group groups[BROKERS];
    struct kp_lost_majorities_response_voter voters[BROKERS];
    struct recover_witness brokers[BROKERS];
    int32_t nodes[BROKERS];
    struct kp_metadata_response_partition partition;
    struct kp_metadata_response_topic topic;
    struct kp_metadata_response metadata;
    struct recover_judgement judged;
};

static int setup(void **state) {
    static struct fixture f;
    memset(&f, 0, sizeof f);
    for (int32_t i = 0; i < BROKERS; i++) {
        f.nodes[i] = i + 1;
        f.voters[i] = (struct kp_lost_majorities_response_voter){10 + i, i + 1};
        f.groups[i] = (struct kp_lost_majorities_response_group){.group = GROUP,
                                                                 .topic = kp_string_of("t"),
                                                                 .replica = 10 + i,
                                                                 .last_term = 2,
                                                                 .last_index = 10,
                                                                 .commit_heard = 10,
                                                                 .high_watermark = 20,
                                                                 .log_end_offset = 20,
                                                                 .in_sync = -1};
        f.groups[i].voters.items = f.voters;
        f.groups[i].voters.count = BROKERS;
        f.pages[i].groups.items = &f.groups[i];
        f.pages[i].groups.count = 1;
        f.page_of[i] = &f.pages[i];
        f.brokers[i] = (struct recover_witness){
            .node = i + 1, .answers = i >= 3, .metadata_leader = -1, .page_count = 1};
        f.brokers[i].pages = &f.page_of[i];
    }
    f.partition.leader_id = -1;
    f.partition.replica_nodes.items = f.nodes;
    f.partition.replica_nodes.count = BROKERS;
    f.topic.name = kp_string_of("t");
    f.topic.partitions.items = &f.partition;
    f.topic.partitions.count = 1;
    f.metadata.topics.items = &f.topic;
    f.metadata.topics.count = 1;
    *state = &f;
    return 0;
}

static int teardown(void **state) {
    struct fixture *f = *state;
    recover_judgement_close(&f->judged);
    return 0;
}

static void judge(struct fixture *f) {
    recover_judgement_close(&f->judged);
    recover_judge(f->brokers, BROKERS, &f->metadata, &f->judged);
}

/* The newest log goes on, by its term first; whoever does not answer and votes is lost; the
 * requests name the entry with which the log ends. */
static void test_judgement_of_the_newest(void **state) {
    struct fixture *f = *state;
    struct kp_alter_broker_request request;
    f->groups[3].last_index = 12;
    f->groups[4].last_term = 3;
    judge(f);
    assert_int_equal(f->judged.count, 1);
    const struct lost_group *lost = &f->judged.groups[0];
    assert_int_equal(lost->node, 5);
    assert_int_equal(lost->survivor_count, 2);
    assert_int_equal(f->judged.lost_count, 3);
    assert_int_equal(f->judged.lost[2], 3);
    recover_request(&f->judged, lost, &request);
    assert_int_equal(request.lost.count, 3);
    assert_int_equal(request.lost.items[1], 2);
    assert_int_equal(request.change, KP_PARTITION_RECOVER);
    assert_int_equal(request.replica, 14);
    assert_int_equal(request.entry_term, 3);
    assert_int_equal(request.entry_index, 10);
    recover_request_loss(2, &request);
    assert_int_equal(request.change, KP_BROKER_LOSE);
    assert_int_equal(request.broker_id, 2);
    f->brokers[0].answers = true; /* a majority */
    judge(f);
    assert_int_equal(f->judged.count, 0);
}

/* What others say of a leader may be old: one that says itself that it leads no more does not; who
 * has not said so leads, and nothing is lost. */
static void test_judgement_of_old_leaders(void **state) {
    struct fixture *f = *state;
    f->partition.leader_id = 4;
    judge(f);
    assert_int_equal(f->judged.count, 1);
    f->pages[3].groups.count = 0;
    judge(f);
    assert_int_equal(f->judged.count, 0);
    f->pages[3].groups.count = 1;
    for (int i = 0; i < BROKERS; i++)
        f->groups[i].topic = kp_string_of("");
    f->brokers[4].metadata_leader = 4; /* a stand-by, which never forgets */
    judge(f);
    assert_int_equal(f->judged.count, 1);
    f->brokers[3].metadata_leader = 4; /* it believes so, and has no majority */
    judge(f);
    assert_int_equal(f->judged.count, 1);
    f->pages[3].groups.count = 0;
    judge(f);
    assert_int_equal(f->judged.count, 0);
}

/* One that votes and has not said what it has may have more than the others. */
static void test_judgement_of_who_says_nothing(void **state) {
    struct fixture *f = *state;
    char text[RECOVER_LOSS_TEXT];
    judge(f);
    assert_int_equal(f->judged.groups[0].unheard, -1);
    f->pages[3].groups.count = 0;
    judge(f);
    assert_int_equal(f->judged.groups[0].unheard, 4);
    recover_loss(&f->judged.groups[0], text);
    assert_string_equal(text, "not known yet: broker 4 has not said what it has");
}

/* One that answers and cannot open its replica is not lost, nor waited for, and is named; nor does
 * it make a majority, and all that cannot open theirs lose nothing that anybody could tell. */
static void test_judgement_of_who_cannot_open_it(void **state) {
    struct fixture *f = *state;
    struct kp_alter_broker_request request;
    char text[RECOVER_LOSS_TEXT];
    f->groups[3] = (struct kp_lost_majorities_response_group){
        .group = GROUP, .topic = kp_string_of("t"), .replica = 13, .in_sync = -1, .closed = true};
    judge(f);
    assert_int_equal(f->judged.count, 1);
    const struct lost_group *lost = &f->judged.groups[0];
    assert_int_equal(lost->node, 5);
    assert_int_equal(lost->unheard, -1);
    assert_int_equal(lost->unread, 4);
    assert_int_equal(lost->survivor_count, 1);
    assert_int_equal(f->judged.lost_count, 3); /* 1, 2 and 3 */
    recover_request(&f->judged, lost, &request);
    assert_int_equal(request.unread.count, 1);
    assert_int_equal(request.unread.items[0], 4);
    recover_loss(lost, text);
    assert_string_equal(text, "what was acknowledged from 20 on, if anything was; broker 4 has it "
                              "and cannot open it");
    f->brokers[0].answers = true;
    f->pages[0].groups.items[0].last_index = 5;
    judge(f);
    assert_int_equal(f->judged.count, 1);
    f->groups[0].closed = f->groups[4].closed = true;
    judge(f);
    assert_int_equal(f->judged.count, 0);
}

/* Of equal logs one that votes goes on: a stand-by with a lower id may not know yet that nobody
 * leads. */
static void test_judgement_of_stand_bys(void **state) {
    struct fixture *f = *state;
    f->voters[3].broker_id = 1; /* 4 stands by */
    judge(f);
    assert_int_equal(f->judged.groups[0].node, 5);
    f->groups[3].last_index++;
    judge(f);
    assert_int_equal(f->judged.groups[0].node, 4);
}

/* What may be gone begins where nobody knows any more that it was acknowledged, not where the log
 * ends: the lost ones may have had other records there. */
static void test_judgement_of_what_is_gone(void **state) {
    struct fixture *f = *state;
    char text[RECOVER_LOSS_TEXT];
    judge(f);
    recover_loss(&f->judged.groups[0], text);
    assert_string_equal(text, "what was acknowledged from 20 on, if anything was");
    f->groups[3].high_watermark = f->groups[4].high_watermark = 15;
    f->groups[3].in_sync = 1;
    judge(f);
    assert_int_equal(f->judged.groups[0].gone_from, 15);
    recover_loss(&f->judged.groups[0], text);
    assert_string_equal(text, "what was acknowledged from 20 on, if anything was; from 15, if "
                              "others were there; it was in sync");
    f->groups[4].commit_heard = 13;
    judge(f);
    recover_loss(&f->judged.groups[0], text);
    assert_string_equal(text, "what was acknowledged from 20 on: 3 entries for certain; from 15, "
                              "if others were there");
    f->brokers[3].answers = f->brokers[4].answers = false;
    judge(f);
    assert_null(f->judged.groups[0].best);
    recover_loss(&f->judged.groups[0], text);
    assert_string_equal(text, "all of it: no replica is left");
}

/* A broker was given up, and its directory is not lost yet although its replicas are: it is named
 * once more. */
static void test_judgement_of_half_a_loss(void **state) {
    struct fixture *f = *state;
    for (int i = 0; i < 3; i++)
        f->voters[i].broker_id = -1;
    judge(f);
    assert_int_equal(f->judged.lost_count, 3);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_judgement_of_the_newest),   TEST(test_judgement_of_old_leaders),
        TEST(test_judgement_of_what_is_gone), TEST(test_judgement_of_who_says_nothing),
        TEST(test_judgement_of_half_a_loss),  TEST(test_judgement_of_who_cannot_open_it),
        TEST(test_judgement_of_stand_bys)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
