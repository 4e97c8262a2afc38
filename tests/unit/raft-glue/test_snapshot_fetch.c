/* A replica that lacks the beginning of the log, and a made-up leader that offers it as files. */
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "base/crc32c.h"
#include "raft-glue/engine/configuration.h"
#include "raft-glue/peer/snapshot_frame.h"
#include "raft-glue/raft_group_internal.h"
#include "storage/journal/journal_internal.h"
#include "storage/little_endian.h"
#include "storage/log/log_internal.h"
#include "tests/unit/raft-glue/fixture_fake_peer.h"
#include "tests/unit/unit.h"

enum { PLACE = 50, PLACE_TERM = 2, LEADS = 3, STATE_INDEX = 60, STATE_LEN = STATE_INDEX * 8 };
enum { HELD_MOST_MS = 20 * 1000 };

static const kafka_offset PLACE_OFFSET = 700;

/* The file of the appliers' state, as state_files.h draws it. */
static uint8_t state_file[32 + STATE_LEN];

static void make_state(void) {
    memset(state_file, 0x5a, sizeof state_file);
    le_put_u32(state_file, 0x53535244);
    le_put_u32(state_file + 4, 2);
    le_put_u64(state_file + 8, 1);
    le_put_u64(state_file + 16, STATE_INDEX);
    le_put_u32(state_file + 24, STATE_LEN);
    le_put_u32(state_file + 28, crc32c(crc32c(0, state_file, 28), state_file + 32, STATE_LEN));
}

/* ---- What the leader says ---- */

static struct snapshot_head head_of(uint64_t transfer, log_term term) {
    return (struct snapshot_head){
        .group = 1, .from = FAKE, .to = OURS, .transfer = transfer, .term = term};
}

static void offer(uint64_t transfer, log_term term, log_index index) {
    struct configuration_server servers[2] = {{OURS, true}, {FAKE, true}};
    struct slice change = configuration_encode(servers, 2);
    uint32_t crc = crc32c(0, state_file, sizeof state_file);
    struct prefix_file file = {.kind = PREFIX_STATE,
                               .last_index = STATE_INDEX,
                               .size_bytes = sizeof state_file,
                               .block_crcs = &crc};
    struct prefix_files list = {.state_index = STATE_INDEX, .files = &file, .count = 1};
    list.begins = list.ends = (struct start_file){.index = index,
                                                  .term = PLACE_TERM,
                                                  .next_offset = PLACE_OFFSET,
                                                  .file_index = index,
                                                  .file_offset = PLACE_OFFSET,
                                                  .change_index = 1,
                                                  .change = change};
    uint8_t head[SNAPSHOT_HEAD_SIZE];
    struct snapshot_head of = head_of(transfer, term);
    snapshot_head_encode(head, &of);
    struct slice slices[2] = {slice_copy(NULL, head, sizeof head), prefix_files_encode(&list)};
    peers_send(fake.peers, 1, PEER_BULK, PEER_KIND_SNAPSHOT_OFFER, slices, 2);
    slice_unref(&change);
}

static void send_chunk(uint64_t transfer, const struct snapshot_want *want, const uint8_t *bytes) {
    uint8_t head[SNAPSHOT_CHUNK_HEAD_SIZE];
    struct snapshot_head of = head_of(transfer, LEADS);
    snapshot_chunk_encode(head, &of, want);
    struct slice slices[2] = {slice_copy(NULL, head, sizeof head),
                              slice_copy(NULL, bytes, want->length)};
    peers_send(fake.peers, 1, PEER_BULK, PEER_KIND_SNAPSHOT_CHUNK, slices, 2);
}

static void answer_want(uint64_t transfer) {
    send_chunk(transfer, &fake.want, state_file + fake.want.offset);
}

static void heartbeat(log_term term, log_index prev, log_term prev_term) {
    fake.got[RECORD_APPEND_RESULT] = 0;
    fake_send(
        (struct peer_record){.type = RECORD_APPEND,
                             .term = term,
                             .append = {.prev_index = prev, .commit = 1, .prev_term = prev_term}});
    cluster_run(fake.cluster, fake_got_result);
}

/* ---- What the replica does ---- */

static unsigned wants_wanted, refusals_wanted;

static bool wants(struct cluster *cluster) {
    return (void)cluster, fake.wants >= wants_wanted;
}

static bool refused(struct cluster *cluster) {
    return (void)cluster, fake.refusals >= refusals_wanted;
}

static bool is_installed(struct cluster *cluster) {
    (void)cluster;
    return fake.last[RECORD_APPEND_RESULT].append_result.last_index == PLACE;
}

static void run_until_it_wants(void) {
    wants_wanted = fake.wants + 1;
    cluster_run(fake.cluster, wants);
}

static struct partition_log *its_log(void) {
    return raft_group_log(fake.replica->group);
}

static void assert_installed(void) {
    struct shard_stats stats;
    shard_stats_get(fake.replica->node->shard, &stats);
    assert_int_equal(stats.snapshots_installed, 1);
    assert_int_equal(partition_log_first_index(its_log()), PLACE + 1);
    assert_int_equal(partition_log_last_index(its_log()), PLACE);
    assert_int_equal(partition_log_end_offset(its_log()), PLACE_OFFSET);
    assert_int_equal(raft_group_applied_index(fake.replica->group), STATE_INDEX);
    assert_int_equal(fake.replica->count, STATE_INDEX);
    assert_int_equal(raft_commit_index(&fake.replica->group->raft), PLACE);
}

static void open_again(struct cluster *cluster) {
    struct node *node = fake.replica->node;
    fake.up = false;
    node_close(node);
    node_open(node, false);
    peers_add(shard_peers(node->shard), 2, "127.0.0.1", peers_port(fake.peers));
    cluster_run(cluster, fake_is_up);
}

static int setup(void **state) {
    make_state();
    fake_setup(state);
    ((struct cluster *)*state)->keeps_state = true; /* it takes one */
    return 0;
}

/* Its log is replaced when all has come and is durable; it goes on as a follower behind it, also
 * when it is opened again. */
static void test_fetch_replaces_the_log(void **state) {
    struct cluster *cluster = *state;
    heartbeat(LEADS, 1, 1);
    offer(7, LEADS, PLACE);
    run_until_it_wants();
    assert_int_equal(partition_log_last_index(its_log()), 1);
    answer_want(7);
    cluster_run(cluster, is_installed);
    assert_installed();
    heartbeat(LEADS, PLACE, PLACE_TERM);
    assert_int_equal(fake.last[RECORD_APPEND_RESULT].append_result.rejected, 0);
    assert_int_equal(fake.last[RECORD_APPEND_RESULT].append_result.last_index, PLACE);
    open_again(cluster);
    assert_int_equal(partition_log_first_index(its_log()), PLACE + 1);
    assert_int_equal(raft_group_applied_index(fake.replica->group), STATE_INDEX);
    heartbeat(LEADS, PLACE, PLACE_TERM);
    assert_int_equal(fake.last[RECORD_APPEND_RESULT].append_result.last_index, PLACE);
}

/* While it fetches it votes and follows with the log that it has; another term ends the fetch, and
 * the next leader's offer finds what has come. */
static void test_fetch_is_ended_by_another_term(void **state) {
    struct cluster *cluster = *state;
    heartbeat(LEADS, 1, 1);
    offer(7, LEADS, PLACE);
    run_until_it_wants();
    heartbeat(LEADS + 1, 1, 1);
    assert_int_equal(fake.last[RECORD_APPEND_RESULT].append_result.rejected, 0);
    answer_want(7); /* of the one that is over */
    heartbeat(LEADS + 1, 1, 1);
    offer(8, LEADS + 1, PLACE);
    run_until_it_wants();
    answer_want(7); /* the same */
    answer_want(8);
    cluster_run(cluster, is_installed);
    assert_installed();
}

/* What it has, what comes from a leader of the past, and a second one while it installs. */
static void test_fetch_what_is_refused(void **state) {
    struct cluster *cluster = *state;
    heartbeat(LEADS, 1, 1);
    refusals_wanted = 1;
    offer(7, LEADS, 1);
    cluster_run(cluster, refused);
    assert_int_equal(fake.refusal, SNAPSHOT_HAS_IT);
    fake.drops_wanted = fake_dropped() + 1;
    offer(8, LEADS - 1, PLACE);
    cluster_run(cluster, fake_has_dropped);
    offer(9, LEADS, PLACE);
    run_until_it_wants();
    unsigned before = fake.wants;
    offer(10, LEADS, PLACE); /* takes its place */
    wants_wanted = before + 1;
    cluster_run(cluster, wants);
    fake.drops_wanted = fake_dropped() + 1;
    answer_want(9);
    cluster_run(cluster, fake_has_dropped);
    answer_want(10);
    cluster_run(cluster, is_installed);
    assert_installed();
}

/* Bytes that are not what was offered are asked for again. */
static void test_fetch_wrong_bytes(void **state) {
    struct cluster *cluster = *state;
    uint8_t wrong[sizeof state_file];
    heartbeat(LEADS, 1, 1);
    offer(7, LEADS, PLACE);
    run_until_it_wants();
    memcpy(wrong, state_file, sizeof wrong);
    wrong[100] ^= 1;
    send_chunk(7, &fake.want, wrong);
    run_until_it_wants();
    assert_int_equal(fake.want.offset, 0);
    answer_want(7);
    cluster_run(cluster, is_installed);
    assert_installed();
}

/* Pieces are asked for as fast as is allowed, and a rate that is changed holds at once. */
static void test_fetch_at_a_rate(void **state) {
    struct cluster *cluster = *state;
    struct shard *shard = fake.replica->node->shard;
    shard_set_fetch_rate(shard, 10);
    heartbeat(LEADS, 1, 1);
    offer(7, LEADS, PLACE);
    run_until_it_wants(); /* nothing was asked for before */
    uint8_t wrong[sizeof state_file] = {0};
    unsigned before = fake.wants;
    send_chunk(7, &fake.want, wrong);
    cluster_run_ms(cluster, 200);
    assert_int_equal(fake.wants, before); /* this one took nearly a minute of the rate */
    refusals_wanted = fake.refusals + 1;
    env_timer_start(fake.replica->group->fetch_works, 1); /* its time has come */
    cluster_run(cluster, refused);
    assert_int_equal(fake.refusal, SNAPSHOT_AT_WORK);
    shard_set_fetch_rate(shard, 1 << 30);
    wants_wanted = before + 1;
    cluster_run(cluster, wants);
    answer_want(7);
    cluster_run(cluster, is_installed);
    assert_installed();
}

/* A lane does nothing until let_go. */
struct hold {
    struct env_job job; /* first: a job is its hold */
    atomic_bool on;
};

static void hold_work(struct env_job *job) {
    struct timespec pause = {.tv_nsec = 1000 * 1000};
    for (int i = 0; i < HELD_MOST_MS && atomic_load(&((struct hold *)job)->on); i++)
        nanosleep(&pause, NULL);
}

static void hold_done(struct env_job *job) {
    atomic_store(&((struct hold *)job)->on, false);
}

static void hold(struct hold *hold, struct env_lane *lane) {
    hold->job = (struct env_job){.work = hold_work, .done = hold_done};
    atomic_store(&hold->on, true);
    env_lane_run(lane, &hold->job);
}

static void let_go(struct hold *hold) {
    atomic_store(&hold->on, false);
}

/* What was in the lane before it has been heard of. */
static bool passed;

static void pass_work(struct env_job *job) {
    (void)job;
}

static void pass_done(struct env_job *job) {
    (void)job;
    passed = true;
}

static bool has_passed(struct cluster *cluster) {
    return (void)cluster, passed;
}

static bool piece_has_come(struct cluster *cluster) {
    struct shard_stats stats;
    shard_stats_get(fake.replica->node->shard, &stats);
    return (void)cluster, stats.snapshot_bytes_fetched == sizeof state_file;
}

/* All has come, and it prepares until `last` is let go. */
static void prepare_until(struct hold *last) {
    static struct hold first;
    static struct env_job pass;
    struct env_lane *lane = fake.replica->node->store->staging_lane;
    hold(&first, lane);
    answer_want(7);
    cluster_run(fake.cluster, piece_has_come);
    pass = (struct env_job){.work = pass_work, .done = pass_done};
    passed = false;
    env_lane_run(lane, &pass);
    hold(last, lane);
    let_go(&first);
    cluster_run(fake.cluster, has_passed);
}

static void run_until_it_refuses(enum snapshot_refusal reason) {
    cluster_run(fake.cluster, refused);
    assert_int_equal(fake.refusal, reason);
    refusals_wanted = fake.refusals + 1;
}

/* To read all of it as a start would may take longer than a leader waits: it says that it is at
 * work, and another offer of that leader does not end that. */
static void test_fetch_prepares_for_long(void **state) {
    static struct hold last;
    struct cluster *cluster = *state;
    heartbeat(LEADS, 1, 1);
    offer(7, LEADS, PLACE);
    run_until_it_wants();
    prepare_until(&last);
    refusals_wanted = fake.refusals + 1;
    env_timer_start(fake.replica->group->fetch_works, 1); /* its time has come */
    run_until_it_refuses(SNAPSHOT_AT_WORK);
    offer(8, LEADS, PLACE);
    run_until_it_refuses(SNAPSHOT_AT_WORK);
    let_go(&last);
    cluster_run(cluster, is_installed);
    assert_installed();
    struct shard_stats stats;
    shard_stats_get(fake.replica->node->shard, &stats);
    assert_int_equal(stats.snapshots_fetched, 1);
}

static bool it_installs(struct cluster *cluster) {
    return (void)cluster, fake.replica->group->raft.snapshot.installing;
}

/* While the journal is slow a heartbeat at what it had acknowledged is no rejection, which would
 * count as damage, and acknowledges nothing; another offer is put off. */
static void test_fetch_heartbeats_while_it_installs(void **state) {
    struct cluster *cluster = *state;
    heartbeat(LEADS, 1, 1);
    offer(7, LEADS, PLACE);
    run_until_it_wants();
    static struct hold journal;
    hold(&journal, log_store_journal(fake.replica->node->store)->lane);
    answer_want(7);
    cluster_run(cluster, it_installs);
    heartbeat(LEADS, 1, 1);
    assert_int_equal(fake.last[RECORD_APPEND_RESULT].append_result.rejected, 0);
    assert_int_equal(fake.last[RECORD_APPEND_RESULT].append_result.last_index, 0);
    for (unsigned i = 0; i < 3; i++) { /* also of what its log claims to have already */
        refusals_wanted = fake.refusals + 1;
        offer(8 + i, LEADS, PLACE + 1 - i);
        cluster_run(cluster, refused);
        assert_int_equal(fake.refusal, SNAPSHOT_BUSY);
        assert_true(fake.replica->group->raft.snapshot.installing);
    }
    let_go(&journal);
    cluster_run(cluster, is_installed);
    assert_installed();
    open_again(cluster);
    assert_int_equal(partition_log_first_index(its_log()), PLACE + 1);
    assert_int_equal(partition_log_last_index(its_log()), PLACE);
}

static bool it_stands(struct cluster *cluster) {
    return (void)cluster, fake.replica->group->raft.state == RAFT_CANDIDATE;
}

/* What is offered to who stands for the lead, because it has not heard yet who won, or in a term
 * that it does not know, is put off and not forgotten: the leader offers it again. */
static void test_fetch_offered_while_it_stands(void **state) {
    struct cluster *cluster = *state;
    heartbeat(LEADS, 1, 1);
    fake_send((struct peer_record){
        .type = RECORD_TIMEOUT_NOW, .term = LEADS, .vote = {.last_index = 1, .last_term = 1}});
    cluster_run(cluster, it_stands);
    refusals_wanted = fake.refusals + 1;
    offer(7, LEADS + 1, PLACE);
    run_until_it_refuses(SNAPSHOT_BUSY);
    heartbeat(LEADS + 1, 1, 1);
    offer(8, LEADS + 2, PLACE);
    run_until_it_refuses(SNAPSHOT_BUSY);
    offer(9, LEADS + 1, PLACE);
    run_until_it_wants();
    answer_want(9);
    cluster_run(cluster, is_installed);
    assert_installed();
}

/* It closes, and opens again, before and while it fetches. */
static void test_fetch_closed_meanwhile(void **state) {
    struct cluster *cluster = *state;
    for (unsigned i = 0; i < 2; i++) {
        heartbeat(LEADS, 1, 1);
        offer(7 + i, LEADS, PLACE);
        if (i > 0) run_until_it_wants();
        open_again(cluster);
    }
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, fake_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_fetch_replaces_the_log),
        TEST(test_fetch_is_ended_by_another_term),
        TEST(test_fetch_what_is_refused),
        TEST(test_fetch_wrong_bytes),
        TEST(test_fetch_at_a_rate),
        TEST(test_fetch_heartbeats_while_it_installs),
        TEST(test_fetch_prepares_for_long),
        TEST(test_fetch_closed_meanwhile),
        TEST(test_fetch_offered_while_it_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
