/*
 * The metadata group on this broker: follows group 0 into the table, and brings changes to whoever
 * leads it.
 *
 * Happy path: metadata_group_submit() gives a change to the metadata leader (this broker, or
 * another by message); the leader places new partitions, submits the command, and answers with the
 * result of its application; the change is done here when this broker's table has it, too.
 * Failures: no leader, a leader that changes, a broken link: the change is tried again until its
 * time is over; commands carry ids by which a repeated one is recognised. After that:
 * REQUEST_TIMED_OUT, and it may yet happen. Any answer of the leader is told only when this
 * broker's table is as new as the leader's was: what a refusal speaks of can be seen.
 * Invariants: `done` is called once, never inside the submit; a result is told only of a command
 * that was committed and applied here, or that the leader refused.
 *
 * Who belongs to the cluster has a replica of group 0 (broker/reassignment/metadata_servers.h).
 */
#ifndef BROKER_METADATA_METADATA_GROUP_H
#define BROKER_METADATA_METADATA_GROUP_H

#include "broker/cluster/broker_messages.h"
#include "broker/cluster/cluster_record.h"
#include "broker/config/broker_settings.h"
#include "broker/metadata/metadata.h"
#include "broker/metadata/metadata_commands.h"
#include "raft-glue/raft_group.h"

struct metadata_group;

struct metadata_group_events {
    void (*applied)(void *arg); /* behind each batch of applied commands */
    void (*leading)(void *arg); /* this broker leads the metadata, and its table has everything */
    void (*leader_changed)(void *arg); /* somebody else, or nobody known */
    void (*current)(void *arg); /* the table says all that this broker knew when it ended; once */
};

/* Who keeps the table beside the log (broker/metadata/image/metadata_keeper.h). */
struct metadata_group_keeper {
    /* The log is open, or another one has taken its place. True: metadata_group_restored comes, and
     * no command is applied before. */
    bool (*restore)(void *arg, struct metadata_group *group, struct partition_log *log);
    bool (*reads)(struct slice state); /* whether `restore` could read it: raft_group.h */
    void (*marked)(void *arg, const struct entry *entry); /* an entry with records was applied */
    void (*applied)(void *arg);                           /* behind each batch of entries */
    void (*closed)(void *arg);                            /* nothing of the log any more */
    void *arg;
};

/* Opens group 0. `metadata` is applied to; all of it must stay until metadata_group_close.
 * `keeper` is copied. ERR_CORRUPT, ERR_IO. */
int metadata_group_open(struct shard *shard, struct metadata *metadata,
                        const struct cluster_record *cluster,
                        const struct broker_settings *settings, struct broker_messages *messages,
                        const struct metadata_group_keeper *keeper,
                        const struct metadata_group_events *events, void *arg,
                        struct metadata_group **group, struct error_text *why);
/* The table says what all entries up to `index` made; 0: it says what it said when the group was
 * opened. */
void metadata_group_restored(struct metadata_group *group, log_index index);
/* Submits that wait end with KAFKA_BROKER_NOT_AVAILABLE within this call. */
void metadata_group_close(struct metadata_group *group);

bool metadata_group_is_leading(const struct metadata_group *group);
/* The broker that leads the metadata; -1: not known. */
int32_t metadata_group_leader(const struct metadata_group *group);
/* The roster changed (metadata_roster.h): the group follows it. Not inside of an event. */
void metadata_group_follow_roster(struct metadata_group *group);
/* That broker says that it has this replica of the group. If our table has not given that id yet,
 * what it sends is heard until the table has it. */
void metadata_group_hear_of(struct metadata_group *group, replica_id replica, int32_t node);
/* Its Raft group, to be looked at and changed by who leads. */
struct raft_group *metadata_group_raft(const struct metadata_group *group);
/* The index of the last entry of group 0 that was applied here. */
uint64_t metadata_group_applied(const struct metadata_group *group);

/* Changes that were asked for here, since the start. */
struct metadata_group_changes {
    uint64_t done, refused;
};
struct metadata_group_changes metadata_group_changes(const struct metadata_group *group);

/* What is to be changed. For new partitions either the command has them with their brokers, or the
 * leader places them. */
struct metadata_change {
    struct metadata_command command;
    int32_t place_partitions;   /* CREATE_TOPIC, CREATE_PARTITIONS without partitions: so many */
    int16_t replication_factor; /* CREATE_TOPIC without partitions */
    bool validate_only; /* check the placement, change nothing; a barrier: the table is as new as
                           the leader's then */
    /* SET_CONFIGS: of each of its settings the enum config_operation; a value is what is appended
     * or subtracted then, and the leader works out what is set. NULL: the values say it all. */
    const int8_t *operations;
};

struct metadata_submit {
    void (*done)(struct metadata_submit *submit, const struct metadata_result *result);
    struct metadata_group *group; /* the group's, all below */
    struct slice bytes;
    enum metadata_command_type type;
    enum { SUBMIT_IDLE, SUBMIT_WAITING, SUBMIT_CALLING, SUBMIT_LEADING, SUBMIT_APPLYING } state;
    uint32_t tries;
    uint64_t deadline_ms, index;
    bool unsure; /* a try ended without a word of what came of it: it may happen, whatever a later
                    try is told */
    struct metadata_result result;
    struct broker_call call;
    struct metadata_submit *next, *prev;
};
/* The change is copied. */
void metadata_group_submit(struct metadata_group *group, struct metadata_submit *submit,
                           const struct metadata_change *change, uint32_t timeout_ms);
/* `done` is not called; the change may happen all the same. Nothing if it does not wait. */
void metadata_group_submit_cancel(struct metadata_submit *submit);

#endif
