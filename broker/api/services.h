/*
 * What the handlers of requests work with. The assembly (broker.c) fills it before the first
 * request and owns it all; a handler takes what it needs, and keeps none of it beyond its request.
 */
#ifndef BROKER_API_SERVICES_H
#define BROKER_API_SERVICES_H

#include "base/env.h"
#include "base/log.h"
#include "broker/cluster/leader_table.h"
#include "broker/config/broker_settings.h"
#include "broker/metadata/metadata.h"
#include "broker/partition_set/partition_set.h"
#include "broker/server/deadlines.h"

struct metadata_group;
struct producer_ids;
struct disk_space;
struct auto_creation;
struct fetch_sessions;
struct share_sessions;
struct sharing_exchange;
struct leader_asks;
struct drains;
struct peers;
struct cluster_record;
struct applicants;
struct coordinators;
struct observer;
struct timeline;
struct tls_listening;

struct broker_services {
    struct env *env;
    struct log *log;
    const struct broker_settings *settings;
    const struct metadata *metadata;       /* the table, read locally */
    struct metadata_group *metadata_group; /* changes it: broker/metadata/metadata_group.h */
    struct leader_table *leaders;
    struct partition_set *partitions;
    struct producer_ids *producer_ids;             /* broker/metadata/asking/producer_ids.h */
    struct coordinators *group_coordinators;       /* broker/coordinator/coordinators.h */
    struct coordinators *transaction_coordinators; /* likewise */
    struct auto_creation *auto_creation;           /* broker/metadata/asking/auto_creation.h */
    struct leader_asks *leader_asks;               /* broker/balance/leader_ask.h */
    const struct drains *drains;                   /* broker/reassignment/drains.h */
    const struct cluster_record *cluster;          /* broker/cluster/cluster_record.h */
    const struct disk_space *room;                 /* storage/disk_space.h */
    const struct applicants *applicants;           /* broker/cluster/applicants.h */
    const struct peers *peers;                     /* who is connected, who is known to be dead */
    struct deadlines *deadlines;                   /* of requests that wait */
    struct observer *observer;                     /* broker/observe/observer.h */
    const struct timeline *timeline;               /* broker/observe/timeline.h */
    struct tls_listening *tls;                     /* broker/tls/; NULL: no listener speaks it */
    struct client_book *clients;                   /* broker/clients/client_book.h */
    struct log_limiter *twins; /* of lines about topics whose names are too much alike */
    struct fetch_sessions *fetch_sessions;
    struct share_sessions *share_sessions;     /* broker/api/share_sessions.h */
    struct sharing_exchange *sharing_exchange; /* broker/sharing/sharing_exchange.h */
    uint32_t fetches; /* so far: each begins with another partition, so that none starves */
};

/* Whether clients are told with Metadata of that broker as one of the cluster: it is not fenced, or
 * so only for SERVICES_NAMED_ON_MS, which is longer than a start takes. Clients may take one that
 * is not named for gone for good, with the coordinators that they know there (librdkafka from 2.10
 * on). */
enum { SERVICES_NAMED_ON_MS = 30 * 1000 };
bool services_broker_is_named(const struct broker_services *services,
                              const struct metadata_broker *broker);
/* Whether that broker is fenced, or its process is known here to be dead. */
bool services_broker_is_down(const struct broker_services *services,
                             const struct metadata_broker *broker);

#endif
