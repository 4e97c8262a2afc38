/* A member that lacks what is gone from the leader's log is offered the log's beginning as files,
 * one offer at a time, of which nothing goes meanwhile. */
#include <stdio.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/mem.h"
#include "raft-glue/raft_group_internal.h"
#include "storage/log/log_internal.h"
#include "tests/unit/raft-glue/fixture_fake_peer.h"
#include "tests/unit/unit.h"

enum { BATCHES = 40, VALUE = 500, ENDS_AT = 3 };

static struct partition_log *its_log(void) {
    return raft_group_log(fake.replica->group);
}

static struct member *fake_member(void) {
    return raft_group_member(fake.replica->group, FAKE);
}

static void give_state(void *arg) {
    struct slice *parts = mem_alloc(sizeof *parts);
    (void)arg;
    *parts = slice_copy(NULL, "state", 5);
    partition_log_keep(its_log(), raft_group_applied_index(fake.replica->group), parts, 1);
}

static bool start_has_moved(struct cluster *cluster) {
    return (void)cluster, partition_log_first_index(its_log()) > fake.applied_wanted;
}

/* Entries with a record each, which the made-up peer acknowledges. */
static void produce(unsigned n) {
    for (unsigned i = 0; i < n; i++)
        assert_int_equal(replica_submit_record(fake.replica, VALUE), ERR_NONE);
    fake.applied_wanted = partition_log_last_index(its_log());
    cluster_run(fake.cluster, fake_has_applied);
}

/* All whole segments below that offset go. */
static void drop_below(kafka_offset offset) {
    fake.applied_wanted = partition_log_first_index(its_log());
    partition_log_drop_prefix(its_log(), offset, UINT64_MAX, 0);
}

static bool has_offer(struct cluster *cluster) {
    return (void)cluster, fake.offers > 0;
}

/* A leader with a log that the made-up peer has acknowledged. */
static int setup_whole(void **state) {
    fake_setup_with(state, 2000, 100);
    struct cluster *cluster = *state;
    struct node *node = &cluster->nodes[0];
    node_close(node);
    cluster->store_options.segment_bytes = 4096;
    cluster->options.heartbeat_ms = 20;
    fake.up = false;
    node_open(node, false);
    peers_add(shard_peers(node->shard), 2, "127.0.0.1", peers_port(fake.peers));
    cluster_run(cluster, fake_is_up);
    fake_make_it_lead();
    partition_log_on_seal(its_log(), 1, give_state, NULL);
    produce(BATCHES);
    return 0;
}

/* One whose log begins behind what the made-up peer has, and knows that. */
static int setup(void **state) {
    setup_whole(state);
    struct cluster *cluster = *state;
    drop_below(BATCHES / 2);
    cluster_run(cluster, start_has_moved);
    assert_true(partition_log_first_index(its_log()) > ENDS_AT + 1);
    fake.ends_at = ENDS_AT;
    fake.entries_got = 0;
    fake_make_it_lead_anew();
    return 0;
}

static bool heard_twice(struct cluster *cluster) {
    return (void)cluster, fake.got[RECORD_APPEND] >= 2;
}

static void assert_without_anchor(struct cluster *cluster) {
    fake.got[RECORD_APPEND] = 0;
    cluster_run(cluster, heard_twice);
    assert_int_equal(fake.last[RECORD_APPEND].append.prev_index, 0);
    assert_int_equal(fake.last[RECORD_APPEND].append.prev_term, 0);
    assert_int_equal(fake.entries_got, 0);
}

static struct prefix_files decode_offer(void) {
    struct prefix_files list;
    assert_int_equal(snapshot_offer_decode(fake.offer, &list), ERR_NONE);
    return list;
}

static bool has_piece(struct cluster *cluster) {
    return (void)cluster, fake.pieces > 0;
}

/* The whole file, in pieces of an odd size. */
static void fetch(uint32_t place, const struct prefix_file *file) {
    uint32_t crc = 0;
    for (uint64_t at = 0; at < file->size_bytes; at += 777) {
        uint64_t left = file->size_bytes - at;
        fake.pieces = 0;
        fake_want(place, at, left < 777 ? (uint32_t)left : 777);
        cluster_run(fake.cluster, has_piece);
        struct snapshot_want part;
        const uint8_t *bytes;
        assert_int_equal(snapshot_chunk_decode(fake.piece, &part, &bytes), ERR_NONE);
        assert_int_equal(part.file, place);
        assert_int_equal(part.offset, at);
        assert_int_equal(part.length, left < 777 ? left : 777);
        crc = crc32c(crc, bytes, part.length);
    }
    assert_int_equal(crc, file->block_crcs[0]);
}

static uint64_t left_to_ask(void) {
    struct member *member = fake_member();
    return shard_peer_stats(member->group->shard, member->node).files_bytes;
}

static bool entries_go_on(struct cluster *cluster) {
    return (void)cluster, fake.entries_last == partition_log_last_index(its_log());
}

/* What is offered can be fetched, heartbeats ask for nothing meanwhile, and behind it the log goes
 * on as entries. */
static void test_offer_is_fetched(void **state) {
    struct cluster *cluster = *state;
    cluster_run(cluster, has_offer);
    assert_without_anchor(cluster);
    assert_int_equal(fake.offers, 1);
    struct prefix_files list = decode_offer();
    assert_int_equal(list.begins.index, partition_log_first_index(its_log()) - 1);
    assert_true(list.count > 1);
    uint64_t left_bytes = prefix_files_bytes(&list);
    for (uint32_t i = 0; i < list.count; i++) {
        assert_int_equal(left_to_ask(), left_bytes);
        fetch(i, &list.files[i]);
        left_bytes -= list.files[i].size_bytes;
        if (i > 0) fetch(i - 1, &list.files[i - 1]); /* once more: that is nothing new */
    }
    assert_int_equal(left_to_ask(), 0);
    assert_without_anchor(cluster);
    fake.ends_at = list.ends.index;
    fake_send((struct peer_record){.type = RECORD_APPEND_RESULT,
                                   .term = raft_group_term(fake.replica->group),
                                   .append_result = {.last_index = list.ends.index}});
    cluster_run(cluster, entries_go_on);
    assert_int_equal(fake.entries_got, fake.entries_last - list.ends.index);
    assert_int_equal(fake.offers, 1);
    assert_null(fake_member()->offer);
    assert_false(fake_member()->behind);
    prefix_files_free(&list);
}

/* While it is offered nothing goes, and it goes when the link is lost; the next link gets an offer
 * of what there is then. */
static void test_offer_pins_the_start(void **state) {
    struct cluster *cluster = *state;
    cluster_run(cluster, has_offer);
    uint64_t first = partition_log_first_index(its_log());
    drop_below(BATCHES - 5);
    cluster_run_ms(cluster, 100);
    assert_int_equal(partition_log_first_index(its_log()), first);
    fake.up = false;
    fake.offers = 0;
    peers_break(fake.peers, 1, "the test wants it");
    cluster_run(cluster, start_has_moved);
    cluster_run(cluster, has_offer);
    struct prefix_files list = decode_offer();
    assert_int_equal(list.begins.index, partition_log_first_index(its_log()) - 1);
    prefix_files_free(&list);
}

static bool start_has_moved_or_offered(struct cluster *cluster) {
    return start_has_moved(cluster) || fake.offers > 0;
}

/* One that does not move is over, so that the start may move; another one comes later. */
static void test_offer_that_does_not_move(void **state) {
    struct cluster *cluster = *state;
    cluster_run(cluster, has_offer);
    drop_below(BATCHES - 5);
    fake.offers = 0;
    fake_member()->offer_moved_ms = 0; /* long ago */
    cluster_run(cluster, start_has_moved_or_offered);
    assert_int_equal(fake.offers, 0);
    assert_true(fake_member()->behind);
    assert_true(fake_member()->offer_again_ms > 0);
    fake_member()->offer_again_ms = 0;
    cluster_run(cluster, has_offer);
    fake.pieces = 0;
    fake_want(0, 0, 3);
    cluster_run(cluster, has_piece);
}

static uint64_t moved_wanted;

static bool has_moved(struct cluster *cluster) {
    return (void)cluster, fake_member()->offer_moved_ms >= moved_wanted;
}

/* Who is at work with what it has asks for nothing, and its offer stands. */
static void test_offer_to_one_at_work(void **state) {
    struct cluster *cluster = *state;
    cluster_run(cluster, has_offer);
    moved_wanted = fake_member()->offer_moved_ms;
    fake_member()->offer_moved_ms -= 30 * 1000;
    fake_refuse(SNAPSHOT_AT_WORK);
    cluster_run(cluster, has_moved);
    assert_non_null(fake_member()->offer);
    fake.pieces = 0;
    fake_want(0, 0, 3);
    cluster_run(cluster, has_piece);
}

static bool asked_for_start(struct cluster *cluster) {
    return (void)cluster, fake.last[RECORD_APPEND].append.prev_index > 0;
}

/* Who is busy is asked again later; who has it is asked about its place at once, and gets another
 * offer only if it has not. */
static void test_offer_refused(void **state) {
    struct cluster *cluster = *state;
    cluster_run(cluster, has_offer);
    fake.offers = 0;
    fake_refuse(SNAPSHOT_BUSY);
    assert_without_anchor(cluster);
    assert_null(fake_member()->offer);
    assert_int_equal(fake.offers, 0);
    fake_member()->offer_again_ms = 0;
    cluster_run(cluster, has_offer);
    fake.ends_at = partition_log_last_index(its_log());
    fake.acknowledges = true;
    fake_refuse(SNAPSHOT_HAS_IT);
    cluster_run(cluster, asked_for_start);
    assert_false(fake_member()->behind);
    fake.offers = 0;
    cluster_run_ms(cluster, 100);
    assert_int_equal(fake.offers, 0);
}

static bool link_is_down(struct cluster *cluster) {
    return (void)cluster, fake.downs > 0;
}

/* Whoever asks for more than there is speaks another language. */
static void test_offer_asked_for_too_much(void **state) {
    struct cluster *cluster = *state;
    cluster_run(cluster, has_offer);
    struct prefix_files list = decode_offer();
    fake.downs = 0;
    fake_want(0, list.files[0].size_bytes - 1, 2);
    cluster_run(cluster, link_is_down);
    prefix_files_free(&list);
}

/* A new leader waits for who was not heard as long as an old one: it does not know since when. */
static void test_offer_waits_anew_when_it_leads(void **state) {
    struct cluster *cluster = *state;
    struct raft_group *group = fake.replica->group;
    cluster_run(cluster, has_offer);              /* it leads a new term */
    fake_member()->heard_ms = group->made_ms = 0; /* long ago */
    fake_member()->behind = false;
    group->shard->options.absent_ms = 60 * 1000;
    assert_true(raft_group_commit_index(group) > 0);
    assert_int_equal(raft_group_everywhere(group), 0);
    group->shard->options.absent_ms = 0;
    assert_int_equal(raft_group_everywhere(group), raft_group_commit_index(group));
}

/* An older broker gets heartbeats, and nothing that it does not know. */
static void test_offer_not_to_an_older_version(void **state) {
    struct cluster *cluster = *state;
    struct peer_hello hello = {
        .version = PEER_PROTOCOL_VERSION, .node = 2, .cluster_id = "c", .nodes = "n"};
    cluster_run(cluster, has_offer);
    peers_set_hello(fake.peers, &hello);
    fake.up = false;
    peers_break(fake.peers, 1, "the test wants it");
    cluster_run(cluster, fake_is_up);
    fake.offers = 0;
    cluster_run_ms(cluster, 50);
    assert_without_anchor(cluster);
    assert_int_equal(fake.offers, 0);
    assert_true(fake_member()->behind);
}

static bool asked_where_it_ends(struct cluster *cluster) {
    return (void)cluster, fake.last[RECORD_APPEND].append.prev_index == ENDS_AT;
}

/* The start moves beyond the place that the engine asks about, while no answer comes. */
static void test_offer_when_the_start_passes_the_question(void **state) {
    struct cluster *cluster = *state;
    fake.ends_at = ENDS_AT;
    fake.acknowledges = false;
    fake_make_it_lead_anew();
    cluster_run(cluster, asked_where_it_ends);
    drop_below(BATCHES / 2);
    cluster_run(cluster, start_has_moved);
    cluster_run(cluster, has_offer);
}

/* The same, and then it says that it has that entry: behind it lie others, up to the new start. */
static void test_offer_when_the_start_passes_the_match(void **state) {
    struct cluster *cluster = *state;
    fake.ends_at = ENDS_AT;
    fake.acknowledges = false;
    fake_make_it_lead_anew();
    cluster_run(cluster, asked_where_it_ends);
    drop_below(BATCHES / 2);
    cluster_run(cluster, start_has_moved);
    fake.others_to = partition_log_first_index(its_log()) - 1;
    fake_send((struct peer_record){.type = RECORD_APPEND_RESULT,
                                   .term = raft_group_term(fake.replica->group),
                                   .append_result = {.last_index = ENDS_AT}});
    cluster_run(cluster, has_offer);
}

static bool offer_is_over(struct cluster *cluster) {
    return (void)cluster, fake_member()->offer == NULL;
}

static bool is_stranded(struct cluster *cluster) {
    return (void)cluster, fake_member()->stranded.since_ms > 0;
}

static uint64_t stranded_wanted;

static bool so_many_are_stranded(struct cluster *cluster) {
    struct shard_stats stats;
    (void)cluster;
    shard_stats_get(fake.replica->node->shard, &stats);
    return stats.stranded == stranded_wanted;
}

/* Nothing is about to be kept, after which it could be offered. */
static bool keeps_none(struct cluster *cluster) {
    const struct partition_log *log = its_log();
    return (void)cluster, !log->keeping && log->early.count == 0 && log->saving == 0;
}

/* Who cannot be offered anything for long is counted until it can, or the link is gone. */
static void test_offer_that_cannot_be_made(void **state) {
    struct cluster *cluster = *state;
    for (int i = 0; i < 2; i++) {
        cluster_run(cluster, has_offer);
        cluster_run(cluster, keeps_none);
        log_index kept = its_log()->kept_index;
        its_log()->kept_index = 0;
        partition_log_on_seal(its_log(), 1, NULL, NULL);
        fake.offers = 0;
        fake_refuse(SNAPSHOT_BUSY);
        cluster_run(cluster, offer_is_over);
        fake_member()->offer_again_ms = 0;
        cluster_run(cluster, is_stranded);
        assert_true((stranded_wanted = 0, so_many_are_stranded(cluster)));
        fake_member()->stranded.since_ms = 1; /* long ago */
        stranded_wanted = 1;
        cluster_run(cluster, so_many_are_stranded);
        assert_int_equal(fake.offers, 0);
        its_log()->kept_index = kept;
        partition_log_on_seal(its_log(), 1, give_state, NULL);
        if (i == 1) {
            fake.up = false;
            peers_break(fake.peers, 1, "the test wants it");
        }
        stranded_wanted = 0;
        cluster_run(cluster, so_many_are_stranded);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, fake_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_offer_is_fetched),
        TEST(test_offer_pins_the_start),
        TEST(test_offer_that_does_not_move),
        TEST(test_offer_to_one_at_work),
        TEST(test_offer_refused),
        TEST(test_offer_asked_for_too_much),
        TEST(test_offer_waits_anew_when_it_leads),
        TEST(test_offer_not_to_an_older_version),
        TEST(test_offer_that_cannot_be_made),
        cmocka_unit_test_setup_teardown(test_offer_when_the_start_passes_the_question, setup_whole,
                                        fake_teardown),
        cmocka_unit_test_setup_teardown(test_offer_when_the_start_passes_the_match, setup_whole,
                                        fake_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
