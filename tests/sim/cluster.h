/*
 * Whole brokers, as draved starts them, and a client process with producers and consumers.
 *
 * Brokers are machines 1 to count, the client is CLUSTER_CLIENT. What brokers hear and say of their
 * groups is polled: one leader in a term, high watermarks that do not go back. Every
 * acknowledgement, and every record that is read, is looked up on the disks.
 */
#ifndef SIM_CLUSTER_H
#define SIM_CLUSTER_H

#include "broker/broker.h"
#include "tests/sim/admin.h"
#include "tests/sim/committer.h"
#include "tests/sim/consumer.h"
#include "tests/sim/durable_index.h"
#include "tests/sim/ledger.h"
#include "tests/sim/marker_writer.h"
#include "tests/sim/nemesis.h"
#include "tests/sim/offset_transactor.h"
#include "tests/sim/old_copy.h"
#include "tests/sim/producer.h"
#include "tests/sim/stranger.h"
#include "tests/sim/transactor.h"
#include "tests/sim/trimmer.h"
#include "tests/sim/twin.h"

enum {
    CLUSTER_BROKERS_MAX = 5,
    CLUSTER_PARTITIONS_MAX = 4,
    CLUSTER_PRODUCERS_MAX = 6,
    CLUSTER_COMMITTERS = 3,
    CLUSTER_OFFSET_TRANSACTORS = 2,
    CLUSTER_OFFSETS_PARTITIONS = 2, /* of __consumer_offsets, and of __transaction_state */
    CLUSTER_CLIENT = 20
};

struct cluster;
struct raft_group;
struct troop;
struct crew;
struct queues;
struct moves;
struct newcomers;
struct drainer;
struct growth;
struct loss;
struct lister;
struct replacer;

/* What late_start.h has damaged. */
struct late_start {
    uint64_t group;
    uint64_t last; /* the entry with which it ends; 0: nothing was */
    unsigned place;
};

struct sim_broker {
    struct cluster *cluster;
    unsigned place;
    struct node *node;
    struct log log;
    struct settings *values;
    struct broker_settings settings;
    struct broker *broker;         /* of the running process; NULL: none, or it failed to start */
    struct durable_index *durable; /* what its disk holds */
    bool ready, stopping;
    bool was_ready;       /* once, in some process: the cluster knows its directory */
    uint64_t disk_errors; /* of its machine before it started */
    bool refused;         /* it was told that it cannot take part */
    unsigned starts;      /* processes so far */
    struct {
        uint64_t replica;
        int64_t high;
    } watermarks[CLUSTER_PARTITIONS_MAX]; /* of the running process */
};

struct cluster {
    struct run *run;
    struct ledger *ledger;
    struct history *history;
    struct nemesis *nemesis;
    unsigned count;
    unsigned founders; /* so many form the cluster, the others come later */
    int32_t partitions;
    bool members;        /* before cluster_init: clients are members of consumer groups */
    bool moving;         /* before cluster_init: replicas move */
    bool growing;        /* ... and brokers come and go */
    bool losing;         /* ... and a majority is lost for good */
    bool transacting;    /* before cluster_init: clients work in transactions */
    bool queueing;       /* before cluster_init: clients are members of share groups */
    bool well;           /* all is mended */
    bool many;           /* before cluster_init: room in the journals for thousands of partitions */
    bool steady;         /* before cluster_init: with the settings of everybody */
    uint64_t kept_bytes; /* disk.min.free.bytes */
    uint64_t terms_led;  /* terms of any group that a broker has begun to lead */
    int64_t retention_ms, retention_bytes; /* -1: no limit */
    uint64_t roll_ms, delete_delay_ms;     /* roll_ms 0: the default */
    struct sim_broker brokers[CLUSTER_BROKERS_MAX];
    uint64_t groups[CLUSTER_PARTITIONS_MAX]; /* of the partitions; 0: not known yet */
    struct event poll;
    struct late_start late;
    struct node *client_node;
    struct kafka_client *client;
    struct producer *producers[CLUSTER_PRODUCERS_MAX];
    unsigned producer_count;
    struct consumer *consumers[CLUSTER_PARTITIONS_MAX];
    struct consumer *others[CLUSTER_PARTITIONS_MAX];    /* of the other isolation; NULL: none */
    struct stranger *strangers[CLUSTER_PARTITIONS_MAX]; /* NULL: none there */
    struct twin *twins[CLUSTER_PARTITIONS_MAX];         /* the same */
    struct committer *committers[CLUSTER_COMMITTERS];
    struct troop *troop;                                    /* NULL: no members of groups */
    struct crew *crew;                                      /* NULL: nobody works in transactions */
    struct queues *queues;                                  /* NULL: nobody shares */
    struct trimmer *trimmers[CLUSTER_PARTITIONS_MAX];       /* NULL: none there */
    struct transactor *transactors[CLUSTER_PARTITIONS_MAX]; /* NULL: none there */
    struct offset_transactor *offset_transactors[CLUSTER_OFFSET_TRANSACTORS]; /* NULL: none */
    struct marker_writer *marker_writer; /* NULL: nobody writes any */
    bool churn;
    struct moves *moves;         /* NULL: replicas stay */
    struct newcomers *newcomers; /* NULL: nobody comes later */
    struct drainer *drainer;     /* NULL: nobody is drained */
    struct replacer *replacer;   /* NULL: what is lost stays lost */
    struct growth *growth;       /* NULL: nobody goes */
    struct loss *loss;           /* NULL: no majority is */
    struct lister *lister;       /* NULL: nobody changes lists */
    struct admin *admin;         /* NULL: topics do not come and go */
    struct old_copy copy;
};

extern const char cluster_topic[], cluster_store[], cluster_journal[];

void cluster_init(struct cluster *cluster, struct run *run, unsigned count, int32_t partitions);
void cluster_start_broker(struct cluster *cluster, unsigned place);
void cluster_stop_broker(struct cluster *cluster, unsigned place);
/* Starts the client process with its producers and consumers, and, if so, topics that come and go.
 */
void cluster_start_clients(struct cluster *cluster, unsigned producers, bool churn);

/* Group of a partition on that broker; NULL: it is not open there. */
struct raft_group *cluster_group(struct cluster *cluster, unsigned place, uint64_t group);
/* What all brokers know now of a partition's start and high watermark goes into the history. */
void cluster_look_at(struct cluster *cluster, int32_t p);
/* A partition that is open on that broker; NULL: it is not. */
struct partition *cluster_partition(struct cluster *cluster, unsigned place, const char *topic,
                                    int32_t p);
/* The ids of all groups open on that broker, group 0 first. Returns how many. */
size_t cluster_groups(struct cluster *cluster, unsigned place, uint64_t *into, size_t room);
/* The brokers that believe that they lead partition `p`, as bits; `newest`: the node id of that
 * with the highest term, or -1. */
uint32_t cluster_leaders(struct cluster *cluster, int32_t p, int32_t *newest);
/* The same of a partition of __consumer_offsets or __transaction_state, of those that serve it
 * already. */
uint32_t cluster_coordinators(struct cluster *cluster, const char *topic, int32_t p,
                              int32_t *newest);
/* Whether that broker's table and open partitions are those of the first broker that is ready. */
bool cluster_same_metadata(struct cluster *cluster, unsigned place);
/* How many partitions the table of that broker has there, leaving ones included, of all topics or
 * of ours. */
size_t cluster_replicas(struct cluster *cluster, unsigned place, bool ours);
/* Prints where everybody stands. */
void cluster_describe(struct cluster *cluster);
/* Adds up what the process of that broker did so far. */
void cluster_count(struct sim_broker *broker);

#endif
