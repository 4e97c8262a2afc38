/* Opening the replicas of a partition on nodes of their own, and running until something is so. */
#include "tests/unit/broker/fixture_partitions.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tests/unit/reserved_port.h"
#include "tests/unit/unit.h"

#include <utlist.h>

/* ---- Nodes ---- */

static void on_leading(void *arg, struct partition *partition, uint32_t term) {
    struct fixture_node *node = arg;
    (void)partition;
    (void)term;
    node->times_leading++;
}

static void on_lost(void *arg, struct partition *partition) {
    struct fixture_node *node = arg;
    (void)partition;
    node->times_lost++;
}

static void on_in_sync_changed(void *arg, struct partition *partition) {
    struct fixture_node *node = arg;
    (void)partition;
    node->times_in_sync_changed++;
}

static const struct partition_events events = {.leading = on_leading,
                                               .lost = on_lost,
                                               .in_sync_changed = on_in_sync_changed};

void node_open(struct fixture_node *node, bool bootstrap) {
    struct fixture *fixture = node->fixture;
    struct error_text why = {""};
    struct raft_group_member members[FIXTURE_NODES_MAX];
    fixture->store_options.must_exist = !bootstrap;
    fixture->settings.segment_bytes = fixture->store_options.segment_bytes;
    if (log_store_open(fixture->env, &fixture->log, node->dir, &fixture->store_options,
                       &node->store, &why) != ERR_NONE)
        fail_msg("%s", why.text);
    struct shard_options options = fixture->options;
    options.node = options.peers.node = node->id;
    if (node->port == 0) node->port = reserved_port();
    options.peers.listen_port = node->port;
    if (shard_open(fixture->env, &fixture->log, node->store, &options, NULL, NULL, &node->shard,
                   &why) != ERR_NONE)
        fail_msg("%s", why.text);
    struct peer_hello hello = {.version = PEER_PROTOCOL_VERSION,
                               .minor = PEER_PROTOCOL_MINOR,
                               .node = node->id,
                               .cluster_id = "c",
                               .nodes = "n"};
    hello.directory[0] = (uint8_t)hello.node;
    peers_set_hello(shard_peers(node->shard), &hello);
    node->open = true;
    for (int i = 0; i < fixture->node_count; i++) {
        struct fixture_node *other = &fixture->nodes[i];
        members[i] = (struct raft_group_member){
            .replica = (uint64_t)i + 10, .node = i + 1, .voter = true};
        if (other == node || other->port == 0) continue;
        peers_add(shard_peers(node->shard), other->id, "127.0.0.1", other->port);
        if (other->open) peers_add(shard_peers(other->shard), node->id, "127.0.0.1", node->port);
    }
    node->checks = check_pool_new(fixture->env, &fixture->checks);
    struct partition_spec spec = {.group = 7,
                                  .counts = &node->counts,
                                  .topic = "orders",
                                  .index = 3,
                                  .replica = (uint64_t)node->id + 9,
                                  .members = members,
                                  .member_count = (size_t)fixture->node_count,
                                  .bootstrap = bootstrap,
                                  .settings = fixture->settings,
                                  .checks = node->checks,
                                  .asker = &fixture->asker};
    if (fixture->make_applier != NULL) fixture->make_applier(node, &spec.applier);
    if (partition_open(node->shard, &spec, &events, node, &node->partition, &why) != ERR_NONE)
        fail_msg("%s", why.text);
}

void node_close(struct fixture_node *node) {
    partition_close(node->partition, false);
    check_pool_free(node->checks);
    shard_close(node->shard);
    log_store_close(node->store);
    node->open = false;
}

static void on_flushed(void *arg) {
    env_uv_stop(arg);
}

void node_stop(struct fixture_node *node) {
    log_store_flush(node->store, on_flushed, node->fixture->env);
    env_uv_run(node->fixture->env);
    node_close(node);
}

/* ---- The fixture ---- */

static void on_limit(void *arg) {
    struct fixture *fixture = arg;
    fixture->timed_out = true;
    env_uv_stop(fixture->env);
}

static void on_poll(void *arg) {
    struct fixture *fixture = arg;
    if (fixture->until != NULL && fixture->until(fixture)) {
        env_uv_stop(fixture->env);
        return;
    }
    env_timer_start(fixture->poll, 500);
}

static void on_asked(void *arg, struct transaction_question *question) {
    struct fixture *fixture = arg;
    DL_APPEND(fixture->asked, question);
}

static void on_asked_no_more(void *arg, struct transaction_question *question) {
    struct fixture *fixture = arg;
    DL_DELETE(fixture->asked, question);
}

void answer_question(struct fixture *fixture, int16_t error) {
    struct transaction_question *question = fixture->asked;
    assert_non_null(question);
    DL_DELETE(fixture->asked, question);
    question->done(question, error);
}

int fixture_setup(void **state) {
    struct fixture *fixture = mem_zalloc(sizeof *fixture);
    fixture->asker = (struct transaction_asker){on_asked, on_asked_no_more, fixture};
    *state = fixture;
    assert_int_equal(env_uv_new(&fixture->env, 2), ERR_NONE);
    fixture->log = (struct log){.env = fixture->env,
                                .level = getenv("DRAVE_TEST_LOG") ? LOG_DEBUG : LOG_ERROR};
    fixture->poll = env_timer_new(fixture->env, on_poll, fixture);
    fixture->limit = env_timer_new(fixture->env, on_limit, fixture);
    snprintf(fixture->dir, sizeof fixture->dir, "%s/drave-broker-XXXXXX",
             getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    assert_non_null(mkdtemp(fixture->dir));
    fixture->options = (struct shard_options){.heartbeat_ms = 100,
                                              .election_timeout_ms = 500,
                                              .failover_ms = 50,
                                              .absent_ms = 3600 * 1000,
                                              .group_uncommitted_bytes = 8 << 20,
                                              .uncommitted_bytes = 64 << 20,
                                              .peer_window_bytes = 8 << 20};
    fixture->options.peers = (struct peers_options){.listen_host = "127.0.0.1",
                                                    .entry_budget = 16 << 20,
                                                    .queue_limit = 4 << 20,
                                                    .frame_max = 16 << 20};
    fixture->store_options = (struct log_store_options){.journal_file_bytes = 1 << 20,
                                                        .journal_max_bytes = 64 << 20,
                                                        .segment_bytes = 64 << 10,
                                                        .index_interval_bytes = 4096,
                                                        .tail_cache_bytes = 256 << 10,
                                                        .open_files = 32};
    fixture->settings = (struct partition_settings){.max_message_bytes = 1 << 20,
                                                    .store_lz4 = true,
                                                    .min_insync_replicas = 1,
                                                    .producer_expiration_ms = 86400000,
                                                    .max_producers = 20000,
                                                    .timestamp_before_max_ms = INT64_MAX,
                                                    .timestamp_after_max_ms = 3600000,
                                                    .unfolded_max_bytes = 64 << 20};
    fixture->checks = (struct check_pool_options){
        .memory_bytes = 64 << 20,
        .inline_us = 500,
        .turn_us = UINT32_MAX}; /* however busy the machine is */
    return 0;
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *walk) {
    (void)info;
    (void)type;
    (void)walk;
    return remove(path);
}

int fixture_teardown(void **state) {
    struct fixture *fixture = *state;
    for (int i = 0; i < fixture->node_count; i++) {
        if (fixture->nodes[i].open) node_close(&fixture->nodes[i]);
    }
    env_timer_free(fixture->poll);
    env_timer_free(fixture->limit);
    env_uv_run(fixture->env); /* what was under way on other threads ends */
    assert_true(env_uv_free(fixture->env));
    nftw(fixture->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    mem_free(fixture);
    return 0;
}

struct fixture_node *fixture_leader(struct fixture *fixture) {
    for (int i = 0; i < fixture->node_count; i++) {
        if (fixture->nodes[i].open && partition_is_leading(fixture->nodes[i].partition))
            return &fixture->nodes[i];
    }
    return NULL;
}

static bool somebody_leads(struct fixture *fixture) {
    return fixture_leader(fixture) != NULL;
}

void fixture_start(struct fixture *fixture, int nodes) {
    fixture->node_count = nodes;
    for (int i = 0; i < nodes; i++) {
        struct fixture_node *node = &fixture->nodes[i];
        node->fixture = fixture;
        node->id = i + 1;
        snprintf(node->dir, sizeof node->dir, "%s/%d", fixture->dir, node->id);
        node_open(node, true);
    }
    run_until(fixture, somebody_leads);
}

void run_until(struct fixture *fixture, bool (*until)(struct fixture *fixture)) {
    fixture->until = until;
    fixture->timed_out = false;
    env_timer_start(fixture->limit, UNIT_PATIENCE_S * 1000 * 1000);
    env_timer_start(fixture->poll, 0);
    env_uv_run(fixture->env);
    env_timer_stop(fixture->limit);
    env_timer_stop(fixture->poll);
    if (fixture->timed_out) fail_msg("it did not happen within %d s", UNIT_PATIENCE_S);
}

void run_ms(struct fixture *fixture, unsigned ms) {
    fixture->until = NULL;
    env_timer_start(fixture->limit, (uint64_t)ms * 1000);
    env_uv_run(fixture->env);
}

/* ---- A client ---- */

struct record_batch_options options_of(int64_t producer_id, int16_t epoch, int32_t base_sequence) {
    struct record_batch_options options = record_batch_plain();
    options.producer_id = producer_id;
    options.producer_epoch = epoch;
    options.base_sequence = base_sequence;
    return options;
}

struct slice make_batch(const struct record_batch_options *options, int records, size_t value_len,
                        int64_t timestamp_ms) {
    struct record_batch_builder *builder = record_batch_builder_new(options);
    uint8_t *value = mem_alloc(value_len);
    for (int i = 0; i < records; i++) {
        memset(value, 'a' + i % 26, value_len);
        record_batch_builder_append(builder, timestamp_ms + i, NULL, -1, value, (int32_t)value_len,
                                    NULL, 0);
    }
    uint8_t *bytes;
    size_t len;
    assert_int_equal(record_batch_builder_finish(builder, &bytes, &len), ERR_NONE);
    mem_free(value);
    struct buffer *buffer = buffer_adopt(NULL, bytes, len);
    struct slice slice = slice_of(buffer, 0, len);
    buffer_unref(buffer);
    return slice;
}

static void on_produced(struct partition_produce *produce, const struct produce_refusal *refusal) {
    struct sent *sent = (struct sent *)produce;
    assert_false(sent->over);
    sent->refusal = *refusal;
    sent->over = true;
}

void send_batch(struct partition *partition, struct slice batch, struct sent *sent) {
    send_batch_of(NULL, partition, batch, sent);
}

static struct produced_records records_of(struct slice batch) {
    return (struct produced_records){.frame = batch,
                                     .data = batch.data,
                                     .len = (int32_t)batch.len,
                                     .zstd_allowed = true,
                                     .transactional_id = KP_NULL_STRING};
}

static void produce_sent(struct partition *partition, const struct produced_records *records,
                         struct sent *sent) {
    sent->at_once = partition_produce(partition, records, &sent->produce, &sent->refusal) == DONE;
    if (sent->at_once) sent->over = true;
}

void send_batch_of(const void *sender, struct partition *partition, struct slice batch,
                   struct sent *sent) {
    *sent = (struct sent){.produce.done = on_produced, .frame = batch};
    struct produced_records records = records_of(batch);
    records.sender = sender;
    produce_sent(partition, &records, sent);
}

void send_in_transaction(struct partition *partition, int64_t producer_id, int16_t epoch,
                         int32_t sequence, int version, struct sent *sent) {
    struct record_batch_options options = options_of(producer_id, epoch, sequence);
    options.transactional = true;
    struct slice batch = make_batch(&options, 1, 10, 1000);
    *sent = (struct sent){.produce.done = on_produced, .frame = batch};
    struct produced_records records = records_of(batch);
    records.transactional_id = kp_string_of("id");
    records.knows_abortable = version >= 11;
    records.adds_partition = version >= 12;
    produce_sent(partition, &records, sent);
}

void send_plain(struct partition *partition, struct sent *sent) {
    struct record_batch_options options = record_batch_plain();
    send_batch(partition, make_batch(&options, 1, 10, 1000), sent);
}

void send_numbered(struct partition *partition, int64_t producer_id, int16_t epoch,
                   int32_t sequence, struct sent *sent) {
    struct record_batch_options options = options_of(producer_id, epoch, sequence);
    send_batch(partition, make_batch(&options, 1, 10, 1000), sent);
}

static bool sent_is_over(struct fixture *fixture) {
    return ((struct sent *)fixture->until_arg)->over;
}

void run_until_over(struct fixture *fixture, struct sent *sent) {
    fixture->until_arg = sent;
    run_until(fixture, sent_is_over);
}

void sent_free(struct sent *sent) {
    slice_unref(&sent->frame);
}

static void on_read(struct partition_read *read) {
    ((struct got *)read)->over = true;
}

static bool got_is_over(struct fixture *fixture) {
    return ((struct got *)fixture->until_arg)->over;
}

void read_from(struct fixture *fixture, struct partition *partition, int64_t offset,
               uint64_t max_bytes, struct got *got) {
    *got = (struct got){.read.done = on_read};
    if (partition_read(partition, offset, -1, -1, max_bytes, &got->read) == DONE) return;
    fixture->until_arg = got;
    run_until(fixture, got_is_over);
}

uint8_t *got_bytes(const struct got *got) {
    uint8_t *bytes = mem_alloc(got->read.fetch.bytes);
    size_t at = 0;
    for (size_t i = 0; i < got->read.fetch.count; i++) {
        memcpy(bytes + at, got->read.fetch.slices[i].data, got->read.fetch.slices[i].len);
        at += got->read.fetch.slices[i].len;
    }
    assert_int_equal(at, got->read.fetch.bytes);
    return bytes;
}
