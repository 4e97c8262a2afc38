/* Opening the nodes of a cluster, cutting links, and running until something is so. */
#include "tests/unit/raft-glue/fixture_cluster.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/container_of.h"
#include "base/crc32c.h"
#include "base/mem.h"
#include "tests/unit/reserved_port.h"
#include "tests/unit/unit.h"

/* ---- Events ---- */

static void on_committed(void *arg, struct entry *entry) {
    struct replica *replica = arg;
    assert_int_equal(entry->index, replica->count + 1);
    assert_true(!replica->leading || entry->term <= replica->term);
    replica->checksums = mem_grow(replica->checksums, replica->count, &replica->room,
                                  sizeof *replica->checksums);
    replica->checksums[replica->count++] = (uint64_t)entry->term << 32 |
                                           crc32c(entry->type, entry->body.data, entry->body.len);
    replica->data += entry->type == ENTRY_COMMAND;
    if (++replica->at_once > replica->most_at_once) replica->most_at_once = replica->at_once;
    const struct cluster *cluster = replica->node->cluster;
    uint64_t began_us = env_now_us(cluster->env);
    while (cluster->busy_us > 0 && env_now_us(cluster->env) - began_us < cluster->busy_us)
        ;
}
static void on_caught_up(void *arg) {
    struct replica *replica = arg;
    replica->times_caught_up++;
    replica->at_once = 0;
}
static void on_leading(void *arg, uint32_t term) {
    struct replica *replica = arg;
    assert_false(replica->leading);
    replica->leading = true;
    replica->term = term;
    replica->times_leading++;
}
static void on_lost(void *arg) {
    struct replica *replica = arg;
    assert_true(replica->leading);
    replica->leading = false;
    replica->times_lost++;
}
static void on_leader_changed(void *arg, uint64_t leader, uint32_t term) {
    (void)term;
    ((struct replica *)arg)->leader = leader;
}
static void on_broken(void *arg, const char *why) {
    (void)why;
    ((struct replica *)arg)->broken = true;
}
static void on_contradicted(void *arg) {
    ((struct replica *)arg)->contradicted = true;
}
/* What was committed, as an applier keeps it. */
static void keep_state(void *arg) {
    struct replica *replica = arg;
    struct slice *parts = mem_alloc(sizeof *parts);
    *parts = slice_copy(NULL, replica->checksums, replica->count * sizeof *replica->checksums);
    partition_log_keep(raft_group_log(replica->group), replica->count, parts, replica->count > 0);
    if (replica->count == 0) {
        slice_unref(parts);
        mem_free(parts);
    }
}
static void say_restored(struct env_task *task) {
    struct replica *replica = CONTAINER_OF(task, struct replica, says_restored);
    raft_group_restored(replica->group, replica->count);
}
static bool on_restore(void *arg, struct partition_log *log) {
    struct replica *replica = arg;
    log_index index;
    struct slice state;
    const struct cluster *cluster = replica->node->cluster;
    if (!cluster->keeps_state) return cluster->restores;
    replica->count = 0;
    partition_log_on_seal(log, 1, keep_state, replica);
    if (!partition_log_snapshot(log, &index, &state)) return false;
    assert_int_equal(state.len, index * sizeof *replica->checksums);
    mem_free(replica->checksums);
    replica->checksums = mem_alloc(state.len);
    memcpy(replica->checksums, state.data, state.len);
    replica->count = replica->room = index;
    slice_unref(&state);
    replica->says_restored.run = say_restored;
    env_defer(cluster->env, &replica->says_restored);
    return true;
}
static const struct raft_group_events events = {.restore = on_restore,
                                                .committed = on_committed,
                                                .caught_up = on_caught_up,
                                                .leading = on_leading,
                                                .lost = on_lost,
                                                .leader_changed = on_leader_changed,
                                                .broken = on_broken,
                                                .contradicted = on_contradicted};

/* ---- Nodes ---- */

void node_open_groups(struct node *node, bool bootstrap) {
    struct cluster *cluster = node->cluster;
    for (size_t g = 0; g < cluster->group_count; g++) {
        struct replica *replica = &node->replicas[g];
        mem_free(replica->checksums);
        *replica = (struct replica){.node = node, .id = g + 1};
        struct raft_group_member members[NODES_MAX];
        for (int i = 0; i < cluster->node_count; i++)
            members[i] = (struct raft_group_member){
                .replica = g * 10 + 100 + (uint64_t)i, .node = i + 1, .voter = true};
        char label[32];
        snprintf(label, sizeof label, "topic-%zu", g);
        struct raft_group_spec spec = {
            .id = g + 1,
            .label = label,
            .replica = members[node->id - 1].replica,
            .members = members,
            .member_count = (size_t)cluster->node_count,
            .bootstrap = bootstrap && (cluster->voters == 0 || node->id <= cluster->voters),
            .first_members = cluster->voters == 0 ? NULL : members,
            .first_member_count = (size_t)cluster->voters,
            .first = members[g % (size_t)cluster->node_count].replica,
            .eager_commit = cluster->eager};
        struct error_text why;
        assert_int_equal(
            raft_group_open(node->shard, &spec, &events, replica, &replica->group, &why), ERR_NONE);
    }
}

void node_open(struct node *node, bool bootstrap) {
    struct cluster *cluster = node->cluster;
    struct error_text why = {""};
    cluster->store_options.must_exist = !bootstrap;
    int error = log_store_open(cluster->env, &cluster->log, node->dir, &cluster->store_options,
                               &node->store, &why);
    if (error != ERR_NONE) fail_msg("%s", why.text);
    struct shard_options options = cluster->options;
    options.node = options.peers.node = node->id;
    if (node->port == 0) node->port = reserved_port();
    options.peers.listen_port = node->port;
    error = shard_open(cluster->env, &cluster->log, node->store, &options, NULL, NULL, &node->shard,
                       &why);
    if (error != ERR_NONE) fail_msg("%s", why.text);
    struct peer_hello hello = {.version = PEER_PROTOCOL_VERSION,
                               .minor = PEER_PROTOCOL_MINOR,
                               .node = node->id,
                               .cluster_id = "c",
                               .nodes = "n"};
    hello.directory[0] = (uint8_t)hello.node;
    peers_set_hello(shard_peers(node->shard), &hello);
    node->open = true;
    for (int i = 0; i < cluster->node_count; i++) {
        struct node *other = &cluster->nodes[i];
        if (other == node || other->port == 0) continue;
        peers_add(shard_peers(node->shard), other->id, "127.0.0.1", other->port);
        if (other->open) peers_add(shard_peers(other->shard), node->id, "127.0.0.1", node->port);
    }
    node_open_groups(node, bootstrap);
}

void node_close(struct node *node) {
    for (size_t g = 0; g < node->cluster->group_count; g++) {
        env_defer_cancel(node->cluster->env, &node->replicas[g].says_restored);
        raft_group_close(node->replicas[g].group);
        node->replicas[g].leading = false;
    }
    shard_close(node->shard);
    log_store_close(node->store);
    node->open = false;
}

/* ---- The cluster ---- */

static void on_limit(void *arg) {
    struct cluster *cluster = arg;
    cluster->timed_out = true;
    env_uv_stop(cluster->env);
}
static void on_poll(void *arg) {
    struct cluster *cluster = arg;
    if (cluster->until != NULL && cluster->until(cluster)) {
        env_uv_stop(cluster->env);
        return;
    }
    env_timer_start(cluster->poll, 500);
}

int cluster_setup(void **state) {
    struct cluster *cluster = mem_zalloc(sizeof *cluster);
    *state = cluster;
    assert_int_equal(env_uv_new(&cluster->env, 2), ERR_NONE);
    cluster->log = (struct log){.env = cluster->env,
                                .level = getenv("DRAVE_TEST_LOG") ? LOG_DEBUG : LOG_ERROR};
    cluster->poll = env_timer_new(cluster->env, on_poll, cluster);
    cluster->limit = env_timer_new(cluster->env, on_limit, cluster);
    snprintf(cluster->dir, sizeof cluster->dir, "%s/drave-glue-XXXXXX",
             getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    assert_non_null(mkdtemp(cluster->dir));
    cluster->options = (struct shard_options){.heartbeat_ms = 200,
                                              .election_timeout_ms = 1000,
                                              .failover_ms = 50,
                                              .absent_ms = 3600 * 1000,
                                              .group_uncommitted_bytes = 8 << 20,
                                              .uncommitted_bytes = 64 << 20,
                                              .peer_window_bytes = 8 << 20};
    cluster->options.peers = (struct peers_options){.listen_host = "127.0.0.1",
                                                    .entry_budget = 16 << 20,
                                                    .queue_limit = 4 << 20,
                                                    .frame_max = 16 << 20};
    cluster->store_options = (struct log_store_options){.journal_file_bytes = 1 << 20,
                                                        .journal_max_bytes = 64 << 20,
                                                        .segment_bytes = 256 << 10,
                                                        .index_interval_bytes = 4096,
                                                        .tail_cache_bytes = 256 << 10,
                                                        .open_files = 32};
    return 0;
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *walk) {
    (void)info, (void)type, (void)walk;
    return remove(path);
}

int cluster_teardown(void **state) {
    struct cluster *cluster = *state;
    for (int i = 0; i < cluster->node_count; i++) {
        if (cluster->nodes[i].open) node_close(&cluster->nodes[i]);
        for (size_t g = 0; g < GROUPS_MAX; g++)
            mem_free(cluster->nodes[i].replicas[g].checksums);
    }
    env_timer_free(cluster->poll);
    env_timer_free(cluster->limit);
    env_uv_run(cluster->env); /* jobs that were under way end */
    assert_true(env_uv_free(cluster->env));
    nftw(cluster->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    mem_free(cluster);
    return 0;
}

void cluster_start(struct cluster *cluster, int nodes, size_t groups) {
    cluster->node_count = nodes;
    cluster->group_count = groups;
    for (int i = 0; i < nodes; i++) {
        struct node *node = &cluster->nodes[i];
        node->cluster = cluster;
        node->id = i + 1;
        snprintf(node->dir, sizeof node->dir, "%s/%d", cluster->dir, node->id);
        node_open(node, true);
    }
}

void cluster_run(struct cluster *cluster, bool (*until)(struct cluster *cluster)) {
    cluster->until = until;
    cluster->timed_out = false;
    env_timer_start(cluster->limit, UNIT_PATIENCE_S * 1000 * 1000);
    env_timer_start(cluster->poll, 0);
    env_uv_run(cluster->env);
    env_timer_stop(cluster->limit);
    env_timer_stop(cluster->poll);
    if (cluster->timed_out) fail_msg("it did not happen within %d s", UNIT_PATIENCE_S);
}

void cluster_run_ms(struct cluster *cluster, unsigned ms) {
    cluster->until = NULL;
    env_timer_start(cluster->limit, (uint64_t)ms * 1000);
    env_uv_run(cluster->env);
}

struct replica *cluster_leader(struct cluster *cluster, size_t group) {
    struct replica *leader = NULL;
    for (int i = 0; i < cluster->node_count; i++) {
        struct replica *replica = &cluster->nodes[i].replicas[group];
        if (!cluster->nodes[i].open || !replica->leading) continue;
        if (leader == NULL || replica->term > leader->term) leader = replica;
    }
    return leader;
}

bool cluster_all_lead(struct cluster *cluster) {
    for (size_t g = 0; g < cluster->group_count; g++)
        if (cluster_leader(cluster, g) == NULL) return false;
    return true;
}

bool cluster_agrees(struct cluster *cluster) {
    for (size_t g = 0; g < cluster->group_count; g++) {
        const struct replica *leader = cluster_leader(cluster, g);
        if (leader == NULL ||
            leader->count < partition_log_last_index(raft_group_log(leader->group)))
            return false;
        for (int i = 0; i < cluster->node_count; i++) {
            const struct replica *replica = &cluster->nodes[i].replicas[g];
            if (!cluster->nodes[i].open) continue;
            if (replica->count != leader->count) return false;
            assert_memory_equal(replica->checksums, leader->checksums,
                                leader->count * sizeof *leader->checksums);
        }
    }
    return true;
}

int replica_submit(struct replica *replica, const void *bytes, size_t len, uint64_t *index) {
    struct entry_spec spec = {
        .type = ENTRY_COMMAND, .max_timestamp = -1, .raw = slice_copy(NULL, bytes, len)};
    spec.base_offset = partition_log_end_offset(raft_group_log(replica->group));
    int error = raft_group_submit(replica->group, &spec, index);
    if (error != ERR_NONE) slice_unref(&spec.raw);
    return error;
}

int replica_submit_record(struct replica *replica, size_t len) {
    struct slice value = slice_of(buffer_new(NULL, len), 0, len);
    buffer_unref(value.buffer);
    uint64_t index;
    memset((uint8_t *)value.data, (int)replica->count, len);
    struct entry_spec spec = {
        .type = ENTRY_BATCHES, .batches = 1, .records = 1, .max_timestamp = 1, .raw = value};
    spec.base_offset = partition_log_end_offset(raft_group_log(replica->group));
    int error = raft_group_submit(replica->group, &spec, &index);
    if (error != ERR_NONE) slice_unref(&spec.raw);
    return error;
}
