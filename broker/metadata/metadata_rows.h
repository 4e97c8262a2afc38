/*
 * The rows of the metadata table and how they are found: private to the files that change the
 * table, and to broker/metadata/image, which writes it down.
 *
 * Invariants: what points into a row is changed with it (partitions move when a topic grows, so
 * groups are found through their topic); brokers are ordered by node, topics in the order in which
 * they were made, so that walks are the same on every broker.
 */
#ifndef BROKER_METADATA_METADATA_ROWS_H
#define BROKER_METADATA_METADATA_ROWS_H

#include "broker/access/acl_table.h"
#include "broker/metadata/metadata.h"
#include "broker/metadata/metadata_configs.h"
#include "broker/metadata/metadata_resources.h"
#include "broker/quotas/quota_table.h"
#include "broker/users/user_table.h"
#include "storage/log_types.h"

#include <uthash.h>

struct broker_row {
    struct metadata_broker broker;
    char *rack;
    struct metadata_endpoint *endpoints;
    struct metadata_feature *features;
};

struct topic_row {
    struct metadata_topic topic; /* first: a row is found from its topic */
    char *name;
    struct metadata_partition *partitions;
    struct metadata_requests requests; /* that changed it */
    UT_hash_handle by_name, by_id;
};

struct group_row {
    uint64_t group;
    struct topic_row *topic;
    int32_t index;
    size_t plan_place; /* in the table's plans, from 1; 0: none is under way */
    UT_hash_handle hh;
};

struct metadata {
    uint64_t version, seed;
    uint64_t next_group, next_replica;
    int64_t next_producer_id;
    struct broker_row **brokers; /* by node */
    size_t broker_count;
    struct roster_broker *roster; /* by node */
    size_t roster_count, roster_room;
    struct retired_broker {
        int32_t node; /* METADATA_NODE_LOST: the id lives on with another directory */
        uint8_t directory[METADATA_UUID_SIZE];
    } *retired; /* in the order in which they went */
    size_t retired_count, retired_room;
    struct topic_row *topics_by_name, *topics_by_id;
    struct group_row *groups;
    struct metadata_resources resources;
    uint64_t *plans; /* groups with a plan under way */
    size_t plan_count, plan_room;
    struct feature_row {
        struct metadata_feature set;
        int16_t highest; /* that it was ever set to */
    } *features;         /* that were set */
    size_t feature_count, feature_room;
    struct user_table users;
    struct acl_table rules;
    struct quota_table quotas;
    uint64_t features_set;       /* index of the command that set the last one; 0: none did */
    struct metadata_load *loads; /* of each broker that was ever given a replica */
    size_t load_count;
    struct metadata_listener *listeners;
};

/* ---- metadata.c: users, rules, quotas ---- */

/* All but the name and `changed`. False: it is not sound. */
bool metadata_user_key_read(const struct command_user_key *from, struct user_key *key);
/* False: it is not sound. Its texts stay where they are. */
bool metadata_rule_read(const struct command_acl *from, struct acl_rule *rule);

struct command_quota metadata_quota_command(const struct quota_entity *entity, enum quota_key key,
                                            double value);
/* False: it is not sound. Its texts stay where they are; 0 is a value: the quota goes. */
bool metadata_quota_read(const struct command_quota *from, struct quota_entity *entity,
                         enum quota_key *key);

/* ---- metadata_listeners.c: to all who listen ---- */

void metadata_tell_partition_added(const struct metadata *metadata,
                                   const struct metadata_partition *partition);
void metadata_tell_replicas_changed(const struct metadata *metadata,
                                    const struct metadata_partition *partition);
void metadata_tell_replica_left(const struct metadata *metadata,
                                const struct metadata_partition *partition,
                                const struct metadata_replica *replica);
void metadata_tell_topic_added(const struct metadata *metadata, const struct metadata_topic *topic);
void metadata_tell_topic_grown(const struct metadata *metadata, const struct metadata_topic *topic);
/* Before its partitions, each of which is told. */
void metadata_tell_topic_removed(const struct metadata *metadata,
                                 const struct metadata_topic *topic);
void metadata_tell_partition_removed(const struct metadata *metadata,
                                     const struct metadata_partition *partition);
void metadata_tell_configs_changed(const struct metadata *metadata,
                                   const struct metadata_topic *topic);
void metadata_tell_resource_changed(const struct metadata *metadata,
                                    const struct metadata_resource *resource);
void metadata_tell_roster_changed(const struct metadata *metadata,
                                  const struct roster_broker *broker);

/* ---- metadata_rows.c ---- */

/* NULL if there is none and `make` is false. */
struct broker_row *metadata_rows_broker(struct metadata *metadata, int32_t node, bool make);
/* It is listed no more; nothing if there is none. */
void metadata_rows_remove_broker(struct metadata *metadata, int32_t node);
/* Takes over what a registration says; the broker is not fenced then. */
void broker_row_set(struct broker_row *row, const struct command_register_broker *command);

struct topic_row *metadata_rows_topic(const struct metadata *metadata,
                                      const uint8_t id[METADATA_UUID_SIZE]);
/* A topic without partitions yet. */
struct topic_row *metadata_rows_add_topic(struct metadata *metadata,
                                          const struct command_create_topic *command,
                                          log_index index);
/* Room for `count` partitions in all; the caller fills the new ones. */
void metadata_rows_grow(struct topic_row *topic, int32_t count);
void metadata_rows_add_group(struct metadata *metadata, struct topic_row *topic, int32_t index);
/* Takes `members` over: its first `replica_count` are to be, the others are leaving. */
void metadata_rows_set_members(struct metadata *metadata, struct metadata_partition *partition,
                               struct metadata_replica *members, size_t replica_count,
                               size_t leaving_count);
/* Behind any change of its plan: whether one is under way. */
void metadata_rows_note_plan(struct metadata *metadata, const struct metadata_partition *partition);
void metadata_rows_remove_topic(struct metadata *metadata, struct topic_row *topic);
/* For a table that nobody sees any more: the topic's last partitions go, at most so many, and
 * behind the first one the topic. */
void metadata_rows_forget_some(struct metadata *metadata, struct topic_row *topic, int32_t most);
/* Each says what the other one said; who listens stays. */
void metadata_rows_exchange(struct metadata *one, struct metadata *other);

#endif
