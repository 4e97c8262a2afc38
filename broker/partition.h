/*
 * One partition on this broker: a Raft group, and what a topic's records mean to it (offsets, producers, consumers).
 *
 * Happy path of a produce: partition_produce checks each batch, gathers all batches of one turn into one entry, submits it, and
 * completes the caller when a majority has it on disk. A fetch reads up to the high watermark, or waits for it to move.
 * Failures: Kafka's error codes (protocol/kafka_error.h), each with the rule of architecture.md "What a leader may answer".
 * Invariants: offsets are dense from 0; the high watermark never goes back; completions of one connection's produces are in order;
 * nothing is answered from a leadership that was lost.
 */
#ifndef BROKER_PARTITION_H
#define BROKER_PARTITION_H

#include "raft-glue/group.h"

struct partition;

/* From the topic's configuration; may change while open. */
struct partition_settings {
    int32_t max_message_bytes; /* of one batch */
    int8_t
        compression_type; /* 0 producer, else a codec forced by the broker: 1 uncompressed, 2 gzip, 3 snappy, 4 lz4, 5 zstd */
    bool log_append_time; /* message.timestamp.type */
    bool store_lz4;       /* log.compression */
    int32_t min_insync_replicas;
};

struct partition_spec {
    uint64_t group;
    const char *topic; /* copied */
    int32_t index;     /* partition number */
    uint64_t replica;  /* ours */
    const struct group_member *members;
    size_t member_count;
    bool bootstrap, campaign; /* as in group_spec */
    struct partition_settings settings;
};

/* Who must know when leadership changes here (leader_table announces it). */
struct partition_events {
    void (*leading)(void *arg, struct partition *partition, uint32_t term);
    void (*lost)(void *arg, struct partition *partition);
    void (*in_sync_changed)(void *arg, struct partition *partition);
};

int partition_open(struct shard *shard, const struct partition_spec *spec, const struct partition_events *events,
                   void *arg, struct partition **partition, struct error_text *why);
/* Waiting produces and fetches end with NOT_LEADER_OR_FOLLOWER (UNKNOWN_TOPIC_OR_PARTITION when `deleted`) within the call. */
void partition_close(struct partition *partition, bool deleted);
void partition_configure(struct partition *partition, const struct partition_settings *settings);

struct group *partition_group(struct partition *partition);
const char *partition_topic(const struct partition *partition);
int32_t partition_index(const struct partition *partition);
bool partition_is_leading(const struct partition *partition);
uint32_t partition_leader_epoch(const struct partition *partition);
int64_t partition_high_watermark(const struct partition *partition); /* committed and applied */
int64_t partition_start_offset(const struct partition *partition);

#endif
