/*
 * The metadata of the cluster as a table: brokers, topics, partitions, who holds them, and the
 * counters from which ids are taken. The state machine of group 0: every broker applies the same
 * commands in the same order and has it whole.
 *
 * Happy path: metadata_apply() is given each committed command once, in order, and changes the
 * table; everybody else reads it, locally. Pure: no time, no randomness, no I/O, so equal logs give
 * equal tables.
 * Failures: a command that cannot be done (the topic is there already) changes nothing and says so
 * in its result; bytes that are no command of a version this program knows give ERR_MALFORMED or
 * ERR_VERSION, and the caller ends.
 * Invariants: group ids, replica ids and producer ids are never given twice; names and ids of
 * topics are unique; what a pointer from here points to is valid until the next metadata_apply().
 */
#ifndef BROKER_METADATA_METADATA_H
#define BROKER_METADATA_METADATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "broker/config/config_resource.h"
#include "storage/log_types.h"

enum {
    METADATA_UUID_SIZE = 16,
    METADATA_GROUP = 0,                     /* the id of the metadata group itself */
    METADATA_NODE_LOST = -1,                /* no broker */
    METADATA_REPLICAS_MAX = 64,             /* of one partition */
    METADATA_PARTITIONS_MAX = 10000,        /* of one topic */
    METADATA_RESOURCES_MAX_BYTES = 8 << 20, /* what is set for all that is no topic may take */
};

struct metadata;
struct roster_broker;
struct user_table;
struct acl_table;
struct quota_table;

struct metadata_endpoint {
    const char *listener; /* "PLAINTEXT", "EXTERNAL" */
    const char *host;
    int32_t port;
};

/* A feature of the cluster, and levels of it: what a broker knows, or where the cluster is (two
 * equal ones). */
struct metadata_feature {
    const char *name;
    int16_t min, max;
};

struct metadata_broker {
    int32_t node;
    uint8_t directory[METADATA_UUID_SIZE];
    const char *rack; /* "" for none */
    bool fenced;      /* its lease is over: gets no new replicas, is listed as not alive */
    /* Its last try to register was refused: it is of a version that lacks what is set. As far as
     * this broker has seen the try; images leave it out, and it is made again every few seconds. */
    bool turned_away;
    int64_t fenced_ms; /* wall time since when it is fenced; 0: it is not, or that is not known */
    const struct metadata_endpoint *endpoints;
    size_t endpoint_count;
    const struct metadata_feature *features; /* that it knows */
    size_t feature_count;
};

struct metadata_replica {
    replica_id replica; /* raft server id, never reused */
    int32_t node;       /* METADATA_NODE_LOST: it was of a directory that was replaced, and is only
                           among those that are to go */
    bool joining;       /* it came by a plan that is not done */
    bool fresh;         /* it took the place of a lost one, by a plan that is not done; or it is
                           lost, and does not count as voting: it never did, or others go on */
};

struct metadata_topic;

struct metadata_partition {
    const struct metadata_topic *topic;
    int32_t index;    /* partition number */
    uint64_t group;   /* raft group id, never reused */
    uint64_t created; /* index in group 0 of the command that made it */
    /* Where its replicas are to be, the preferred leader first; behind them, `leaving_count` that
     * are to go: in the Raft configuration still, or on a disk. A node has one of them all, and
     * those of replaced directories have none. */
    const struct metadata_replica *replicas;
    size_t replica_count, leaving_count;
    /* Index in group 0 of the command that said so, until its leader has said that it is done; 0:
     * nothing moves. */
    uint64_t plan;
    /* Index in the group of the configuration with which the last plan was done; 0: none was. Of
     * one that was lost with a majority, where the log of the replica ends that goes on. */
    log_index configured;
    /* The one that goes on alone, because a majority is lost: its log ended with that entry. Until
     * the plan is done. */
    struct metadata_recovery {
        replica_id replica; /* 0: none */
        log_term term;
        log_index index;
    } recovery;
    /* Those that it began with have the ids from this one on: its first configuration. */
    replica_id first_replica;
    size_t first_count;
};

struct metadata_topic {
    const char *name;
    uint8_t id[METADATA_UUID_SIZE];
    uint64_t created;                            /* index in group 0 */
    const struct metadata_partition *partitions; /* by number */
    int32_t partition_count;
    struct config_set configs;
};

/* What has settings and is no topic: a group, a broker ("": all brokers), the loggers of one. */
struct metadata_resource {
    enum config_resource_type type;
    const char *name;
    uint64_t created; /* index in group 0 of the command that set the first; no two have the same */
    struct config_set configs; /* empty when all of it has just been taken back */
};

/* What a broker holds, or will hold: replicas, and how many of them are the first of their
 * partition. */
struct metadata_load {
    int32_t node;
    uint32_t leaders, replicas;
};

/* What one applied command says to whom submitted it. */
struct metadata_result {
    int16_t error;     /* of protocol/kafka_error.h; 0: done */
    int64_t value;     /* ALLOCATE_PRODUCER_IDS: the first of the block */
    char message[200]; /* "" or a sentence */
};

/* Makes it an error with a sentence. Always false, for `return metadata_refuse(...)`. */
bool metadata_refuse(struct metadata_result *result, int16_t error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* All of them, those that are leaving included: they hold files. */
static inline size_t metadata_member_count(const struct metadata_partition *partition) {
    return partition->replica_count + partition->leaving_count;
}
/* The replica of that broker, leaving or not; NULL: it has none. */
const struct metadata_replica *metadata_replica_on(const struct metadata_partition *partition,
                                                   int32_t node);
/* It has been there since the partition was made. */
bool metadata_replica_is_first(const struct metadata_partition *partition, replica_id replica);

/* Told inside metadata_apply(), after the table has changed (before, for what goes). Each may be
 * NULL. A topic that is made or grows is told behind its partitions, one that goes before them. */
struct metadata_events {
    void (*partition_added)(void *arg, const struct metadata_partition *partition);
    void (*partition_removed)(void *arg, const struct metadata_partition *partition);
    /* Its plan is another one, or done. */
    void (*replicas_changed)(void *arg, const struct metadata_partition *partition);
    /* That one is in the partition no more; behind replicas_changed. */
    void (*replica_left)(void *arg, const struct metadata_partition *partition,
                         const struct metadata_replica *replica);
    void (*topic_added)(void *arg, const struct metadata_topic *topic);
    void (*topic_grown)(void *arg, const struct metadata_topic *topic);
    void (*topic_removed)(void *arg, const struct metadata_topic *topic);
    void (*configs_changed)(void *arg, const struct metadata_topic *topic);
    void (*resource_changed)(void *arg, const struct metadata_resource *resource);
    /* One came to the cluster, went, was replaced, drains, is to vote, or not any more, or is
     * reached elsewhere (metadata_roster.h). */
    void (*roster_changed)(void *arg, const struct roster_broker *broker);
};

/* Lies in whoever listens. */
struct metadata_listener {
    const struct metadata_events *events;
    void *arg;
    struct metadata_listener *next, *prev; /* the table's */
};

/* `nodes`: how many brokers group 0 began with: its replicas have the ids 1..nodes, so others begin
 * above. `seed`: for the hash tables, whose keys are chosen by clients; it never shows in what the
 * table says. */
struct metadata *metadata_new(uint32_t nodes, uint64_t seed);
void metadata_free(struct metadata *metadata);
/* From the next command on, in the order in which they came. Not inside of an event. */
void metadata_listen(struct metadata *metadata, struct metadata_listener *listener);
void metadata_unlisten(struct metadata *metadata, struct metadata_listener *listener);

/* Applies the committed command of `len` bytes at `index` (ascending). ERR_NONE also when the
 * command was refused: see `result`. ERR_MALFORMED, ERR_VERSION: this program cannot follow the
 * log, and must end. */
int metadata_apply(struct metadata *metadata, log_index index, const void *command, size_t len,
                   struct metadata_result *result);
/* Of the leader: a registration of that broker was refused before it was a command (see
 * `turned_away`). */
void metadata_turn_away(struct metadata *metadata, int32_t node);
/* The index of the last command applied; the version of the table. */
uint64_t metadata_version(const struct metadata *metadata);

/* Groups and replicas that commands up to that one have made lie below these; whatever of them is
 * not in the table is gone for good. */
uint64_t metadata_next_group(const struct metadata *metadata);
/* Who has one from that one on knows a newer table. */
replica_id metadata_next_replica(const struct metadata *metadata);
/* Producer ids from this one on were given to nobody. */
int64_t metadata_next_producer_id(const struct metadata *metadata);

const struct metadata_topic *metadata_topic_named(const struct metadata *metadata, const char *name,
                                                  size_t len);
const struct metadata_topic *metadata_topic_with_id(const struct metadata *metadata,
                                                    const uint8_t id[METADATA_UUID_SIZE]);
/* NULL if there is none of that number. */
const struct metadata_partition *metadata_partition_at(const struct metadata_topic *topic,
                                                       int32_t index);
const struct metadata_partition *metadata_partition_of_group(const struct metadata *metadata,
                                                             uint64_t group);
size_t metadata_topic_count(const struct metadata *metadata);
size_t metadata_partition_count(const struct metadata *metadata);
/* Partitions with a plan under way, by place; in no particular order, but the same on every broker.
 */
size_t metadata_plan_count(const struct metadata *metadata);
const struct metadata_partition *metadata_plan_at(const struct metadata *metadata, size_t place);
struct metadata_load metadata_load_of(const struct metadata *metadata, int32_t node);
/* In the order in which they were made. NULL begins; NULL at the end. */
const struct metadata_topic *metadata_next_topic(const struct metadata *metadata,
                                                 const struct metadata_topic *topic);
/* The topic whose name is nearest to `wrong`, or NULL: for "did you mean". */
const struct metadata_topic *metadata_nearest_topic(const struct metadata *metadata,
                                                    const char *wrong, size_t len);

const struct metadata_broker *metadata_broker_of(const struct metadata *metadata, int32_t node);
/* By node id; place 0 .. metadata_broker_count()-1. */
size_t metadata_broker_count(const struct metadata *metadata);
const struct metadata_broker *metadata_broker_at(const struct metadata *metadata, size_t place);
/* The address under which that broker is reached through the listener of that name; NULL: it has
 * none of it. */
const struct metadata_endpoint *metadata_endpoint_of(const struct metadata_broker *broker,
                                                     const char *listener);

/* Nothing is set for it: NULL. */
const struct metadata_resource *metadata_resource_named(const struct metadata *metadata,
                                                        enum config_resource_type type,
                                                        const char *name, size_t len);
/* In the order in which they were made: the first that was created behind that index (0 begins);
 * NULL at the end. */
const struct metadata_resource *metadata_resource_after(const struct metadata *metadata,
                                                        uint64_t created);
size_t metadata_resource_count(const struct metadata *metadata);

/* Who may log in (broker/users/user_table.h). */
const struct user_table *metadata_users(const struct metadata *metadata);
/* Of the metadata leader, before it is a command: whether there is room for its keys. */
struct command_set_users;
bool metadata_users_fit(const struct metadata *metadata, const struct command_set_users *command,
                        struct metadata_result *result);

/* How much whom (broker/quotas/quota_table.h). */
const struct quota_table *metadata_quotas(const struct metadata *metadata);
/* Of the metadata leader, before it is a command: whether all know quotas, and there is room. */
struct command_set_quotas;
bool metadata_quotas_check(const struct metadata *metadata,
                           const struct command_set_quotas *command,
                           struct metadata_result *result);

/* Who may do what (broker/access/acl_table.h). */
const struct acl_table *metadata_rules(const struct metadata *metadata);
/* Of the metadata leader, before it is a command: whether there is room for what it adds. */
struct command_set_acls;
bool metadata_rules_fit(const struct metadata *metadata, const struct command_set_acls *command,
                        struct metadata_result *result);

#endif
