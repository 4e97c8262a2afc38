/* A made-up peer of one real replica. */
#include "tests/unit/raft-glue/fixture_fake_peer.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fake_peer fake;

void fake_send(struct peer_record record) {
    if (record.group == 0) record.group = 1;
    if (record.from == 0) record.from = FAKE;
    if (record.to == 0) record.to = OURS;
    struct slice slice = slice_of(buffer_new(NULL, PEER_RECORD_SIZE), 0, PEER_RECORD_SIZE);
    buffer_unref(slice.buffer);
    peer_record_encode((uint8_t *)slice.data, &record);
    peers_send(fake.peers, 1, PEER_CONTROL, PEER_KIND_MESSAGES, &slice, 1);
}

static void on_record(const struct peer_record *record) {
    fake.last[record->type] = *record;
    fake.got[record->type]++;
    if (record->type == RECORD_VOTE && fake.grants)
        fake_send(
            (struct peer_record){.type = RECORD_VOTE_RESULT,
                                 .term = record->term,
                                 .flags = RECORD_GRANTED | (record->flags & RECORD_PRE_VOTE)});
    if (record->type == RECORD_APPEND && fake.ends_at > 0 &&
        record->append.prev_index > fake.ends_at) {
        uint64_t rejected = record->append.prev_index,
                 end = fake.others_to > fake.ends_at ? fake.others_to : fake.ends_at;
        fake_send((struct peer_record){
            .type = RECORD_APPEND_RESULT,
            .term = record->term,
            .append_result = {.rejected = rejected,
                              .last_index = end < rejected ? end : rejected - 1}});
        return;
    }
    if (record->type == RECORD_APPEND && fake.acknowledges) {
        struct peer_record result = {.type = RECORD_APPEND_RESULT,
                                     .term = record->term,
                                     .append_result = {.last_index = record->append.prev_index}};
        if (fake.agrees) result.flags = record->flags & RECORD_QUIET;
        if (result.flags != 0) result.append_result.quiet_round = record->append.quiet_round;
        fake_send(result);
    }
}

static void keep(struct slice *into, unsigned *count, struct slice payload) {
    slice_unref(into);
    *into = slice_ref(payload);
    ++*count;
}

static void on_message(void *arg, int32_t node, uint8_t kind, struct slice payload) {
    (void)arg, (void)node;
    if (kind == PEER_KIND_SNAPSHOT_OFFER) keep(&fake.offer, &fake.offers, payload);
    if (kind == PEER_KIND_SNAPSHOT_CHUNK) keep(&fake.piece, &fake.pieces, payload);
    if (kind == PEER_KIND_MESSAGES) {
        size_t records = payload.len / PEER_RECORD_SIZE;
        if (records > fake.records_at_once) fake.records_at_once = records;
        for (size_t at = 0; at < payload.len; at += PEER_RECORD_SIZE) {
            struct peer_record record;
            assert_int_equal(peer_record_decode(payload.data + at, &record), ERR_NONE);
            on_record(&record);
        }
    } else if (kind == PEER_KIND_SNAPSHOT_WANT) {
        assert_int_equal(snapshot_want_decode(payload, &fake.want), ERR_NONE);
        fake.wants++;
    } else if (kind == PEER_KIND_SNAPSHOT_REFUSE) {
        assert_int_equal(snapshot_refusal_decode(payload, &fake.refusal), ERR_NONE);
        fake.refusals++;
    } else if (kind == PEER_KIND_ENTRIES) {
        struct peer_piece piece;
        peer_piece_decode(payload.data + 4, &piece);
        fake.entries_got += piece.count;
        fake.entries_last = piece.prev_index + piece.count;
        if (fake.acknowledges && !fake.swallows_entries)
            fake_send((struct peer_record){.type = RECORD_APPEND_RESULT,
                                           .term = piece.term,
                                           .append_result = {.last_index = fake.entries_last}});
    }
    slice_unref(&payload);
}
static void on_up(void *arg, int32_t node) {
    (void)arg, (void)node;
    fake.up = true;
}
static void on_down(void *arg, int32_t node, bool dead) {
    (void)arg, (void)node, (void)dead;
    fake.up = false;
    fake.downs++;
}

bool fake_is_up(struct cluster *cluster) {
    return (void)cluster, fake.up;
}
uint64_t fake_dropped(void) {
    struct shard_stats stats;
    shard_stats_get(fake.replica->node->shard, &stats);
    return stats.messages_dropped;
}
bool fake_has_dropped(struct cluster *cluster) {
    return (void)cluster, fake_dropped() >= fake.drops_wanted;
}

/* The configuration is durable. */
static bool engine_runs(struct cluster *cluster) {
    return (void)cluster, raft_group_term(fake.replica->group) == 1;
}

int fake_setup_with(void **state, uint32_t election_timeout_ms, uint32_t failover_ms) {
    static const struct peers_events events = {.up = on_up, .down = on_down, .message = on_message};
    cluster_setup(state);
    struct cluster *cluster = *state;
    cluster->options.election_timeout_ms = election_timeout_ms;
    cluster->options.failover_ms = failover_ms;
    cluster->node_count = 2;
    cluster->group_count = 1;
    struct node *node = &cluster->nodes[0];
    node->cluster = cluster;
    node->id = 1;
    snprintf(node->dir, sizeof node->dir, "%s/1", cluster->dir);
    memset(&fake, 0, sizeof fake);
    fake.cluster = cluster;
    fake.replica = &node->replicas[0];
    struct peers_options options = cluster->options.peers;
    options.lag_max_ms = 2 * cluster->options.election_timeout_ms;
    options.ping_ms = cluster->options.heartbeat_ms;
    struct error_text why;
    options.node = 2;
    assert_int_equal(
        peers_open(cluster->env, &cluster->log, &options, &events, NULL, &fake.peers, &why),
        ERR_NONE);
    struct peer_hello hello = {.version = PEER_PROTOCOL_VERSION,
                               .minor = PEER_PROTOCOL_MINOR,
                               .node = 2,
                               .cluster_id = "c",
                               .nodes = "n"};
    peers_set_hello(fake.peers, &hello);
    node_open(node, true);
    peers_add(shard_peers(node->shard), 2, "127.0.0.1", peers_port(fake.peers));
    peers_add(fake.peers, 1, "127.0.0.1", node->port);
    cluster_run(cluster, fake_is_up);
    cluster_run(cluster, engine_runs);
    return 0;
}

int fake_setup(void **state) {
    return fake_setup_with(state, 60 * 1000, 30 * 1000);
}

int fake_teardown(void **state) {
    slice_unref(&fake.offer);
    slice_unref(&fake.piece);
    peers_close(fake.peers);
    return cluster_teardown(state);
}

void fake_send_and_expect_drop(struct peer_record record) {
    fake.drops_wanted = fake_dropped() + 1;
    uint32_t term = raft_group_term(fake.replica->group);
    fake_send(record);
    cluster_run(fake.cluster, fake_has_dropped);
    assert_int_equal(raft_group_term(fake.replica->group), term);
}

bool fake_has_applied(struct cluster *cluster) {
    return (void)cluster, fake.replica->count >= fake.applied_wanted;
}

bool fake_got_result(struct cluster *cluster) {
    return (void)cluster, fake.got[RECORD_APPEND_RESULT] > 0;
}

bool fake_sees_it_lead(struct cluster *cluster) {
    return (void)cluster, fake.replica->leading;
}

void fake_make_it_lead(void) {
    fake.grants = fake.acknowledges = true;
    fake_send((struct peer_record){.type = RECORD_APPEND,
                                   .term = 2,
                                   .append = {.prev_index = 1, .commit = 1, .prev_term = 1}});
    cluster_run(fake.cluster, fake_got_result);
    fake_send((struct peer_record){
        .type = RECORD_TIMEOUT_NOW, .term = 2, .vote = {.last_index = 1, .last_term = 1}});
    cluster_run(fake.cluster, fake_sees_it_lead);
}

/* ---- Offers ---- */

static struct snapshot_head answer_head(void) {
    struct snapshot_head head;
    assert_int_equal(snapshot_head_decode(fake.offer, &head), ERR_NONE);
    return (struct snapshot_head){.group = head.group,
                                  .from = head.to,
                                  .to = head.from,
                                  .transfer = head.transfer,
                                  .term = head.term};
}

static void say(uint8_t kind, const uint8_t *bytes, size_t len) {
    struct slice slice = slice_copy(NULL, bytes, len);
    peers_send(fake.peers, 1, PEER_CONTROL, kind, &slice, 1);
}

void fake_refuse(enum snapshot_refusal reason) {
    struct snapshot_head head = answer_head();
    uint8_t bytes[SNAPSHOT_REFUSAL_SIZE];
    snapshot_refusal_encode(bytes, &head, reason);
    say(PEER_KIND_SNAPSHOT_REFUSE, bytes, sizeof bytes);
}

void fake_want(uint32_t file, uint64_t offset, uint32_t length) {
    struct snapshot_head head = answer_head();
    struct snapshot_want want = {.file = file, .length = length, .offset = offset};
    uint8_t bytes[SNAPSHOT_WANT_SIZE];
    snapshot_want_encode(bytes, &head, &want);
    say(PEER_KIND_SNAPSHOT_WANT, bytes, sizeof bytes);
}

static bool follows(struct cluster *cluster) {
    return (void)cluster, !fake.replica->leading;
}

void fake_make_it_lead_anew(void) {
    const struct raft_group *group = fake.replica->group;
    const struct partition_log *log = raft_group_log(fake.replica->group);
    uint32_t term = raft_group_term(group) + 1;
    uint64_t last = partition_log_last_index(log);
    fake.grants = true;
    fake_send((struct peer_record){.type = RECORD_APPEND, .term = term});
    cluster_run(fake.cluster, follows);
    fake_send((struct peer_record){
        .type = RECORD_TIMEOUT_NOW,
        .term = term,
        .vote = {.last_index = last, .last_term = partition_log_term_at(log, last)}});
}
