/*
 * The inside of a broker, for the files that put it together: broker.c (start, stop),
 * broker_forming.c (peers, until there is a cluster) and broker_serving.c (from there to `ready`).
 * Nobody else includes it.
 */
#ifndef BROKER_BROKER_INTERNAL_H
#define BROKER_BROKER_INTERNAL_H

#include "broker/api/services.h"
#include "broker/balance/leader_balancer.h"
#include "broker/broker.h"
#include "broker/cluster/broker_messages.h"
#include "broker/cluster/cluster_forming.h"
#include "broker/cluster/isolation.h"
#include "broker/coordinator/coordinators.h"
#include "broker/metadata/asking/auto_creation.h"
#include "broker/metadata/asking/broker_session.h"
#include "broker/metadata/asking/producer_ids.h"
#include "broker/metadata/asking/registration.h"
#include "broker/metadata/metadata_group.h"
#include "broker/server/deadlines.h"
#include "broker/server/server.h"
#include "raft-glue/shard.h"
#include "storage/data_dir.h"

struct broker {
    struct env *env;
    struct log log;
    const struct broker_settings *settings;
    struct broker_events events;
    void *arg;
    uint64_t started_ms;

    /* In the order in which they are opened; NULL: not open. */
    struct data_dir *dir;
    struct dispatch *dispatch;
    struct deadlines *deadlines; /* of requests */
    struct server *server;
    struct log_store *store;
    struct shard *shard;
    struct broker_messages *messages;
    struct leader_table *leaders;
    struct cluster_forming *forming;
    struct env_timer *waiting; /* tells every 2 s for whom it waits */
    struct env_task forming_task;
    char last_refusal[512]; /* what another broker said last when it refused us */

    /* Once there is a cluster. */
    struct cluster_record record;
    struct metadata *metadata;
    struct metadata_listener listener;
    struct budget group_memory;
    struct coordinators *group_coordinators; /* before the partitions, which have their states */
    struct partition_set *partitions;
    struct metadata_group *metadata_group;
    struct producer_ids *producer_ids;
    struct auto_creation *auto_creation;
    struct fetch_sessions *fetch_sessions;
    struct broker_sessions *leases;
    struct leader_transfers *leader_transfers;
    struct leader_asks *leader_asks;
    struct leader_balancer *leader_balancer;
    struct isolation *isolation;
    struct registration *registration;
    struct env_task applied_task;
    struct broker_services services;
    struct log_limiter twins; /* the services' */
    bool accepting, registered;

    /* While it stops. */
    struct env_timer *stop_timer;
    bool stopping, flushed, closed;
    void (*stopped)(void *arg);
    void *stopped_arg;
};

/* ---- broker_forming.c ---- */

extern const struct peers_events broker_peers_events; /* arg: the broker */
/* Begins to form the cluster, or goes on at once if it is formed. ERR_CORRUPT, ERR_INVALID: the
 * directory and the settings do not fit. */
int broker_begin_forming(struct broker *broker, struct error_text *why);
/* Reports `failed`; the broker does nothing any more. */
void broker_fail(struct broker *broker, const char *sentence);

/* ---- broker_serving.c ---- */

/* Opens what needs a cluster: broker->record is set and durable. */
int broker_open_cluster(struct broker *broker, struct error_text *why);
void broker_close_cluster(struct broker *broker);
/* For dispatch_on_gone; `service`: the broker's services. */
void broker_client_gone(void *service, const struct connection *connection);

#endif
