/*
 * Features of the cluster: what all brokers have to know before anybody uses it. Each has a level,
 * which clients learn from ApiVersions (KIP-584, KIP-1022).
 *
 * Happy path: brokers say with their registration which levels they know. A feature that was never
 * set is at 0, until the metadata leader finds that all who belong to the cluster know a higher
 * level (broker/metadata/asking/feature_raising.h), and sets that. Once it was set it changes only
 * when somebody asks for it (UpdateFeatures). Failures: INVALID_UPDATE_VERSION with a sentence.
 * Pure. Invariants: no level is set that not all brokers know; a broker that does not know what is
 * set cannot register; the epoch, by which clients tell old from new, only grows, and is the same
 * on every broker.
 *
 * A level that is lowered leaves behind what was written at it. Where that outlives the lowering
 * the highest level there ever was counts for who registers, too:
 *
 *   share.version        counts: commands of share groups are in logs and snapshots of partitions
 *   delay.version        counts, likewise (and is not lowered)
 *   transaction.version  does not: what it changes in logs is the same to those who know level 0
 *   security.version     does not: it is in the log and the images of group 0 only, which a broker
 *   quota.version        has read whole before it registers, or has ended at; when nothing of it is
 *                        left there, nothing keeps an older broker out
 *
 * The metadata leader looks at it before there is a command, and each table accepts what is one: so
 * tables are equal also where some brokers are of a version that does not know the highest levels.
 * Those versions read images that have them, and write images without: then it is the level that
 * was in force at that time.
 */
#ifndef BROKER_METADATA_METADATA_FEATURES_H
#define BROKER_METADATA_METADATA_FEATURES_H

#include "broker/metadata/metadata.h"
#include "broker/metadata/metadata_commands.h"

/* From level 2 on each end of a transaction raises its producer's epoch, and partitions are taken
 * into it by what is written to them (KIP-890). */
#define FEATURE_TRANSACTION_VERSION "transaction.version"

/* From level 1 on there are users: their keys are kept in the metadata; from 2 on rules of who may
 * do what. */
#define FEATURE_SECURITY_VERSION "security.version"

/* From level 1 on there are share groups, and commands about them in the logs of partitions; from 2
 * on records of theirs may wait for their next delivery; from 3 on dead letters are copied. */
#define FEATURE_SHARE_VERSION "share.version"

/* From level 1 on there are quotas of clients: they are kept in the metadata. */
#define FEATURE_QUOTA_VERSION "quota.version"

/* From level 1 on records may be delivered later: entries of logs say so. */
#define FEATURE_DELAY_VERSION "delay.version"

/* How a level may change; Kafka's numbers. */
enum feature_change { FEATURE_UPGRADE = 1, FEATURE_SAFE_DOWNGRADE, FEATURE_UNSAFE_DOWNGRADE };

/* What this program knows, METADATA_FEATURES_MAX at most. */
enum { METADATA_FEATURES_MAX = 8 };
const struct metadata_feature *metadata_features_known(size_t *count);

/* 0 also if it was never set, or nobody knows it. */
int16_t metadata_feature_level(const struct metadata *metadata, const char *name);
/* Those that were set, also to 0, in the order in which they first were. */
size_t metadata_feature_count(const struct metadata *metadata);
const struct metadata_feature *metadata_feature_at(const struct metadata *metadata, size_t place);
/* Index in group 0 of the command that set the last one; -1: none did. */
int64_t metadata_features_epoch(const struct metadata *metadata);

/* The level that is to be set: it never was, and all who belong to the cluster know so much. 0:
 * none. */
int16_t metadata_feature_to_raise(const struct metadata *metadata, const char *name);

/* One that this program knows was never set. */
bool metadata_features_undecided(const struct metadata *metadata);

/* ---- Of metadata.c, the metadata leader, and images ---- */

/* Of the leader, before it is a command. */
bool metadata_features_check(const struct metadata *metadata,
                             const struct command_set_features *command,
                             struct metadata_result *result);
/* Nothing, if a level would go the other way. Who knows what is not asked any more: tables of
 * brokers that were of an older version when somebody registered lack it. */
void metadata_features_set(struct metadata *metadata, const struct command_set_features *command,
                           log_index index, struct metadata_result *result);
/* The name is copied. */
void metadata_features_put(struct metadata *metadata, struct kp_string name, int16_t level);
/* UNSUPPORTED_VERSION with a sentence: it does not know what is set. */
bool metadata_features_may_register(const struct metadata *metadata,
                                    const struct command_register_broker *command,
                                    struct metadata_result *result);
/* Of the leader, before it is a command. UNSUPPORTED_VERSION with a sentence: it does not know what
 * is in logs from when a level was higher. */
bool metadata_features_can_read(const struct metadata *metadata,
                                const struct command_register_broker *command,
                                struct metadata_result *result);

#endif
