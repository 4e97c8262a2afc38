/*
 * One partition on one or three brokers in one process: each has a directory, a store, a shard on a
 * real port, and a replica.
 *
 * run_until ends when the condition holds, and fails the test after 10 s. Teardown asserts that the
 * loop closed clean.
 */
#ifndef TESTS_UNIT_BROKER_FIXTURE_PARTITIONS_H
#define TESTS_UNIT_BROKER_FIXTURE_PARTITIONS_H

#include "base/env_uv/env_uv.h"
#include "broker/partition/partition.h"
#include "protocol/record/record_batch_builder.h"

enum { FIXTURE_NODES_MAX = 3 };

struct fixture;

struct fixture_node {
    struct fixture *fixture;
    int32_t id; /* 1.. */
    char dir[128];
    int port;
    bool open;
    struct log_store *store;
    struct shard *shard;
    struct check_pool *checks;
    struct partition *partition;
    struct produce_counts counts;
    unsigned times_leading, times_lost, times_in_sync_changed;
};

struct fixture {
    struct env *env;
    struct log log;
    char dir[96];
    int node_count;
    struct fixture_node nodes[FIXTURE_NODES_MAX];
    struct shard_options options; /* these may be changed before fixture_start */
    struct log_store_options store_options;
    struct partition_settings settings;
    struct check_pool_options checks;
    /* The coordinator of all transactions: what it is asked waits here until the test answers. */
    struct transaction_asker asker;
    struct transaction_question *asked;
    /* Fills the applier of a node that is opened; NULL: none has any. */
    void (*make_applier)(struct fixture_node *node, struct applier *applier);
    struct env_timer *poll, *limit;
    bool timed_out;
    bool (*until)(struct fixture *fixture);
    void *until_arg;
};

int fixture_setup(void **state);
int fixture_teardown(void **state);
/* Opens all nodes and runs until one leads. */
void fixture_start(struct fixture *fixture, int nodes);
void node_open(struct fixture_node *node, bool bootstrap);
void node_close(struct fixture_node *node); /* at once: what is not durable is lost */
/* Brings everything to segments and closes. */
void node_stop(struct fixture_node *node);
void run_until(struct fixture *fixture, bool (*until)(struct fixture *fixture));
void run_ms(struct fixture *fixture, unsigned ms);
/* The open node that leads, or NULL. */
struct fixture_node *fixture_leader(struct fixture *fixture);

/* ---- A client ---- */

/* One batch on its way, with what came of it. */
struct sent {
    struct partition_produce produce; /* first */
    struct slice frame;               /* the fixture's; sent_free */
    struct produce_refusal refusal;   /* what was said about an error */
    bool over, at_once;
};

/* `records` records of `value_len` bytes; producer -1: none. */
struct slice make_batch(const struct record_batch_options *options, int records, size_t value_len,
                        int64_t timestamp_ms);
struct record_batch_options options_of(int64_t producer_id, int16_t epoch, int32_t base_sequence);
/* Takes the batch over. */
void send_batch(struct partition *partition, struct slice batch, struct sent *sent);
/* The same, of one of several senders. */
void send_batch_of(const void *sender, struct partition *partition, struct slice batch,
                   struct sent *sent);
/* The same with one record of a plain producer, or of an idempotent one. */
void send_plain(struct partition *partition, struct sent *sent);
void send_numbered(struct partition *partition, int64_t producer_id, int16_t epoch,
                   int32_t sequence, struct sent *sent);
/* The same in a transaction of "id"; `version` of the Produce request. */
void send_in_transaction(struct partition *partition, int64_t producer_id, int16_t epoch,
                         int32_t sequence, int version, struct sent *sent);
/* The oldest question that waits, which is there. */
void answer_question(struct fixture *fixture, int16_t error);
void run_until_over(struct fixture *fixture, struct sent *sent);
void sent_free(struct sent *sent);

struct got {
    struct partition_read read; /* first */
    bool over;
};
/* Runs until the read is over. */
void read_from(struct fixture *fixture, struct partition *partition, int64_t offset,
               uint64_t max_bytes, struct got *got);
/* All its batches in one piece, for mem_free. */
uint8_t *got_bytes(const struct got *got);

#endif
