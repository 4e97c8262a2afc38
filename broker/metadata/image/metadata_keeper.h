/*
 * Group 0 keeps its table beside its log, so that a start applies what came since and no more, and
 * the log's beginning goes (KIP-630).
 *
 *   so much log was written --> the table is kept, as an image (metadata_keeping.h)
 *   ... since the last mark  --> the leader submits a mark --> every replica seals its segment
 * behind it, and lets go of those that all members have (decision 57) a start, or a log that the
 * leader gave as files --> the table says what the image says (metadata_restoring.h) --> commands
 * behind it follow
 *
 * A mark is an entry with one record, which takes an offset: commands take none, and segments are
 * named by offsets, so without it no segment of this log could end. Programs that know no marks
 * pass over it. The record's value, little-endian: u8 format 1, u64 up to which entry all members
 * that are waited for have the log (raft_group_everywhere).
 *
 * Failures: an image that cannot be read costs a start all of the log; where that is gone the
 * group is broken (metadata_group.c). Invariants: nothing of the log goes that is not in an image
 * on the disk (storage/log/partition_log_prefix.c); the table never goes back: a leader may give an
 * image that is older than it, and whoever was told of what came since (replicas that are to be
 * here) would take it for gone, with its files.
 */
#ifndef BROKER_METADATA_IMAGE_METADATA_KEEPER_H
#define BROKER_METADATA_IMAGE_METADATA_KEEPER_H

#include "base/env.h"
#include "base/log.h"
#include "broker/metadata/metadata_group.h"

struct metadata_keeper;

/* `every_bytes` of log: both. `restored`: behind a restored table, before commands follow. Not NULL
 */
struct metadata_keeper *metadata_keeper_new(struct env *env, struct log *log,
                                            struct metadata *metadata, uint64_t every_bytes,
                                            void (*restored)(void *arg), void *arg);
/* Behind metadata_group_close. NULL does nothing. */
void metadata_keeper_free(struct metadata_keeper *keeper);
/* For metadata_group_open. */
struct metadata_group_keeper metadata_keeper_hooks(struct metadata_keeper *keeper);

/* A mark's bytes, and what they say: true if they are one. */
struct slice metadata_mark_encode(log_index everywhere, kafka_offset offset, int64_t wall_ms);
bool metadata_mark_decode(const void *bytes, size_t len, log_index *everywhere);

#endif
