/*
 * Offsets of many partitions, asked at their leaders: one request for each leader.
 *
 * Happy path: Metadata for the leaders, ListOffsets to each. Failures: a partition without an
 * answer (its leader has moved, died, or has just been elected, it is frozen) is asked again until
 * the time is over; then its reason is said.
 */
#ifndef CLIENT_KAFKA_OFFSETS_H
#define CLIENT_KAFKA_OFFSETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/kafka/cluster_view.h"

/* Instead of a time. */
enum { OFFSETS_LATEST = -1, OFFSETS_EARLIEST = -2 };

struct partition_offset {
    const char *topic; /* the caller's; partitions of a topic stand next to each other */
    int32_t partition;
    int64_t offset; /* -1: no record is that young, or no answer */
    bool answered;
    int16_t error; /* Kafka's code of the last answer */
};

enum offsets_isolation { OFFSETS_UNCOMMITTED = 0, OFFSETS_COMMITTED = 1 };

/* One round, without a word: the offset of the first record with a timestamp (ms) of `time` or
 * later, or OFFSETS_*. What the leaders in `metadata` answered is set; everything else keeps
 * `answered` false. */
void offsets_ask_once(struct admin_client *admin, struct kp_arena *arena,
                      const struct kp_metadata_response *metadata, int64_t time,
                      enum offsets_isolation isolation, struct partition_offset *items,
                      size_t count);

/* Until all have answered, at most until `end_ms` (of now_ms()), over connections of its own.
 * Otherwise the sentence was said, and an exit code is returned. */
int offsets_ask(const char *bootstrap, uint64_t end_ms, int64_t time,
                enum offsets_isolation isolation, struct partition_offset *items, size_t count);

/* The same for all partitions of a topic, within the timeout of the call: as many items as `found`
 * has partitions, for mem_free whatever the outcome. */
int offsets_ask_topic(const struct invocation *in, const struct kp_metadata_response_topic *found,
                      const char *topic, int64_t time, enum offsets_isolation isolation,
                      struct partition_offset **items);

#endif
