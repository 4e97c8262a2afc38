/*
 * The inside of a broker, for the files that put it together: broker.c (start, stop),
 * broker_forming.c (peers, until there is a cluster), broker_serving.c (from there to `ready`),
 * broker_transactions.c (who coordinates transactions), broker_roster.c (who belongs to it) and
 * broker_follow.c (settings that change).
 * Nobody else includes it.
 */
#ifndef BROKER_BROKER_INTERNAL_H
#define BROKER_BROKER_INTERNAL_H

#include "broker/api/services.h"
#include "broker/balance/leader_balancer.h"
#include "broker/broker.h"
#include "broker/cleaner/cleaner.h"
#include "broker/cluster/applicants.h"
#include "broker/cluster/broker_messages.h"
#include "broker/cluster/cluster_forming.h"
#include "broker/cluster/isolation.h"
#include "broker/config/dynamic_settings.h"
#include "broker/coordinator/coordinators.h"
#include "broker/coordinator/group/group_memory.h"
#include "broker/coordinator/transaction/transaction_coordinator.h"
#include "broker/healing/healer.h"
#include "broker/lag/lag_exchange.h"
#include "broker/letters/letter_mover.h"
#include "broker/markers/marker_sender.h"
#include "broker/metadata/asking/auto_creation.h"
#include "broker/metadata/asking/broker_session.h"
#include "broker/metadata/asking/producer_ids.h"
#include "broker/metadata/asking/registration.h"
#include "broker/metadata/asking/user_founding.h"
#include "broker/metadata/metadata_group.h"
#include "broker/observe/observer.h"
#include "broker/observe/recorder.h"
#include "broker/reassignment/drains.h"
#include "broker/reassignment/metadata_servers.h"
#include "broker/reassignment/reassignments.h"
#include "broker/reassignment/recoveries.h"
#include "broker/retention/retention.h"
#include "broker/server/deadlines.h"
#include "broker/server/server.h"
#include "broker/sharing/expired_sweep.h"
#include "broker/sharing/sharing_exchange.h"
#include "broker/sharing/sharing_settling.h"
#include "raft-glue/shard.h"
#include "storage/data_dir.h"

enum { EARLY_RECORDS_MAX = 16 };
struct early_record {
    int32_t node;
    struct slice payload;
};

struct broker {
    struct env *env;
    struct log log;
    struct dynamic_settings *dynamic;
    const struct broker_settings *settings; /* what holds now: of `dynamic` */
    bool settings_changed;                  /* what is set for brokers, since they were followed */
    struct broker_events events;
    void *arg;
    uint64_t started_ms;
    struct observed observed; /* what is open of the below */
    struct group_watch group_watch;
    struct buckets rebalance_us; /* how long rebalances of groups took */
    struct observer *observer;
    struct timeline *timeline; /* of what happened here */

    /* In the order in which they are opened; NULL: not open. */
    struct user_founding *founding;
    struct data_dir *dir;
    struct dispatch *dispatch;
    struct deadlines *deadlines; /* of requests */
    struct server *server;
    struct log_store *store;
    struct shard *shard;
    struct broker_messages *messages;
    struct leader_table *leaders;
    struct cluster_forming *forming;
    struct env_timer *waiting; /* every 2 s, until it is registered: tells for whom it waits */
    struct env_task forming_task;
    char last_refusal[512]; /* what another broker said last when it refused us */
    struct applicants applicants;

    /* Once there is a cluster. */
    struct cluster_record record;
    struct metadata *metadata;
    struct metadata_listener listener;
    /* What brokers said of themselves before group 0 was open: they say it once a link. */
    struct early_record early[EARLY_RECORDS_MAX];
    size_t early_count;
    bool roster_changed;          /* since it was followed */
    struct cluster_node *follows; /* who was in it then */
    size_t follows_count;
    struct group_memory group_memory;
    struct coordinators *group_coordinators; /* before the partitions, which have their states */
    struct budget transaction_memory;
    struct transaction_counts transaction_counts;
    struct coordinators *transaction_coordinators; /* likewise */
    struct transaction_judge *transaction_judge;
    struct transaction_asks *transaction_asks;
    struct transaction_invitations *transaction_invitations;
    struct partition_set *partitions;
    struct metadata_keeper *metadata_keeper;
    struct start_mending *start_mending;
    struct metadata_group *metadata_group;
    struct producer_ids *producer_ids;
    struct auto_creation *auto_creation;
    struct fetch_sessions *fetch_sessions;
    struct share_sessions *share_sessions;
    struct broker_sessions *leases;
    struct leader_transfers *leader_transfers;
    struct leader_asks *leader_asks;
    struct leader_balancer *leader_balancer;
    struct retention *retention;
    struct cleaner *cleaner;
    struct healer *healer;
    struct reassignments *reassignments;
    struct recoveries *recoveries;
    struct drains *drains;
    struct metadata_servers *metadata_servers;
    struct isolation *isolation;
    struct lag_exchange *lag_exchange;
    struct marker_exchange *marker_exchange;
    struct marker_sender *marker_sender;
    struct sharing_exchange *sharing_exchange;
    struct expired_sweep *expired_sweep;
    struct letter_exchange *letter_exchange;
    struct letter_mover *letter_mover;
    struct registration *registration;
    struct feature_raising *feature_raising;
    struct recorder *recorder; /* writes the timeline */
    struct env_task applied_task, current_task;
    struct broker_services services;
    struct log_limiter twins; /* the services' */
    bool accepting, registered;
    bool unled; /* nobody was known to lead the metadata, the last time that was looked at */

    /* While it stops. */
    struct sharing_settling *settling;
    uint64_t stop_by_ms; /* what it waits for is bounded by that */
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

/* ---- broker_follow.c ---- */

/* With which limits clients are served. */
struct server_options broker_server_options(const struct broker_settings *settings);
/* What is true of this broker, as it is told to clients. Texts of its settings. */
struct registration_facts broker_facts(const struct broker *broker);
/* From the metadata's events. */
void broker_resource_changed(struct broker *broker, const struct metadata_resource *resource);
/* Brings what is set for brokers to all that has a copy of it; nothing if it is as before. */
void broker_follow_settings(struct broker *broker);

/* ---- broker_roster.c ---- */

/* The table is new, the record is there. */
void broker_open_roster(struct broker *broker);
void broker_roster_changed(struct broker *broker); /* from the metadata's events */
/* Behind what was applied: nothing if it is as before. */
void broker_follow_roster(struct broker *broker);
/* That broker is connected: is told, if it came later, what it needs to begin. */
void broker_tell_admitted(struct broker *broker, int32_t node);
/* Another one says that we were admitted. */
void broker_heard_admitted(struct broker *broker, const struct slice *payload);
/* That broker is connected: is told who we are, if we came later. */
void broker_introduce(struct broker *broker, int32_t node);
/* That broker says so of itself. */
void broker_heard_record(struct broker *broker, int32_t node, const struct slice *payload);
/* Group 0 is open: what they said before is heard. */
void broker_hear_early_records(struct broker *broker);
void broker_forget_early_records(struct broker *broker);
/* The table has us as what we are: before that it may be one from before our time, in which this
 * broker's id means replicas whose votes we do not have. */
bool broker_is_in_roster(const struct broker *broker);

/* ---- broker_addresses.c ---- */

/* That broker is connected: is told where the others are. */
void broker_tell_addresses(struct broker *broker, int32_t to);
/* It says so: those that are not known are dialled. */
void broker_heard_addresses(struct broker *broker, const struct slice *payload);

/* ---- broker_transactions.c ---- */

/* Before the partitions, which have the coordinators' states. */
void broker_open_transactions(struct broker *broker);
/* Behind the partitions, which ask. */
void broker_close_transactions(struct broker *broker);
/* BROKER_MESSAGE_INVITATIONS. */
void broker_heard_invitations(struct broker *broker, int32_t node, const struct slice *message);

/* broker_watching.c; before and after the parts that they look at. */
void broker_open_watchers(struct broker *broker);
void broker_close_watchers(struct broker *broker);

/* ---- broker_serving.c ---- */

/* Opens what needs a cluster: broker->record is set and durable. Perhaps not all of it: `mended` is
 * called later then, for broker_open_metadata, which opens the rest or again not. */
int broker_open_cluster(struct broker *broker, void (*mended)(void *arg), struct error_text *why);
int broker_open_metadata(struct broker *broker, struct error_text *why);
void broker_close_cluster(struct broker *broker);
/* Clients have waited for long enough: they are sent away, and should look for another broker; when
 * nobody is known to lead the metadata, at this look and at the one before, they are let in. */
void broker_keep_clients_waiting_no_longer(struct broker *broker);
/* For dispatch_on_gone; `service`: the broker's services. */
void broker_client_gone(void *service, const struct connection *connection);

#endif
