/* A cluster of brokers' Raft halves in one process: each node has a directory, a store, a shard on
 * a real port, and groups. */
#ifndef TESTS_FIXTURE_CLUSTER_H
#define TESTS_FIXTURE_CLUSTER_H

#include "base/env_uv/env_uv.h"
#include "raft-glue/raft_group.h"

enum { NODES_MAX = 5, GROUPS_MAX = 32 };

/* What one replica was told. */
struct replica {
    struct node *node;
    uint64_t id; /* of the group */
    struct raft_group *group;
    uint64_t *checksums; /* of the committed entries, by index - 1 */
    uint64_t count, room;
    uint64_t data; /* how many of them were ENTRY_COMMAND */
    bool leading;
    uint32_t term;
    unsigned times_leading, times_lost, times_caught_up;
    uint64_t at_once, most_at_once; /* entries between two times of caught_up */
    uint64_t leader;
    bool broken, contradicted;
    struct env_task says_restored;
};

struct node {
    struct cluster *cluster;
    int32_t id; /* 1.. */
    char dir[128];
    int port;
    bool open;
    struct log_store *store;
    struct shard *shard;
    struct replica replicas[GROUPS_MAX];
};

struct cluster {
    struct env *env;
    struct log log;
    char dir[96];
    int node_count;
    size_t group_count;
    struct node nodes[NODES_MAX];
    struct shard_options options; /* of every node; may be changed before cluster_start */
    struct log_store_options store_options;
    int voters; /* the groups begin with the first so many, the others join; 0: with all */
    bool eager;
    bool restores;    /* owners say what they know by raft_group_restored, which the test calls */
    bool keeps_state; /* owners keep what they were told beside their logs, and begin with that */
    uint64_t busy_us; /* what an owner does with each entry takes so long */
    struct env_timer *poll, *limit;
    bool timed_out;
    bool (*until)(struct cluster *cluster);
};

/* For cmocka's setup and teardown; *state is the cluster. Teardown asserts that the loop closed
 * clean. */
int cluster_setup(void **state);
int cluster_teardown(void **state);

void cluster_start(struct cluster *cluster, int nodes, size_t groups);
void node_open(struct node *node, bool bootstrap);
void node_open_groups(struct node *node, bool bootstrap); /* part of node_open */
void node_close(struct node *node);                       /* at once: what is not durable is lost */
/* Runs the loop until it is so; fails the test after 10 s. */
void cluster_run(struct cluster *cluster, bool (*until)(struct cluster *cluster));
void cluster_run_ms(struct cluster *cluster, unsigned ms);

/* The open node that leads the group, or NULL. */
struct replica *cluster_leader(struct cluster *cluster, size_t group);
bool cluster_all_lead(struct cluster *cluster);
/* Every open replica of every group was given the same entries. */
bool cluster_agrees(struct cluster *cluster);
int replica_submit(struct replica *replica, const void *bytes, size_t len, uint64_t *index);
/* An entry that takes an offset, with so many bytes: segments end only behind such. */
int replica_submit_record(struct replica *replica, size_t len);

#endif
