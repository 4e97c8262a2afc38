/*
 * One group as it stands: its members and what they own, its committed offsets, and how far behind
 * it is.
 *
 * Happy path: the description and the committed offsets from the coordinator, and after them where
 * the partitions start and end from their leaders, so that lag never looks negative.
 * Lag in records is max(0, high watermark - max(committed, log start)); in seconds, the age of the
 * first record that is to be consumed, by its timestamp, and by when it came to its broker.
 * Failures: what is not known stays -1 (no commit, a partition without a leader, a topic that is
 * gone), and is never taken for 0. Everything lives in the arena.
 */
#ifndef CLIENT_KAFKA_GROUP_VIEW_H
#define CLIENT_KAFKA_GROUP_VIEW_H

#include "client/kafka/group_client.h"
#include "client/line/command.h"

struct group_partition {
    const char *topic;
    int32_t partition;
};

struct group_member {
    const char *id, *instance, *client_id, *host; /* instance NULL: not a static member */
    struct group_partition *owned;
    size_t owned_count;
};

struct group_offset {
    const char *topic;
    int32_t partition;
    int64_t committed;                              /* -1: none */
    int32_t leader_epoch;                           /* of the commit; -1: unknown */
    const char *metadata;                           /* of the commit */
    int64_t log_start, high_watermark, last_stable; /* -1: not known */
    int64_t lag_records;                            /* -1: not known */
    double lag_seconds;                             /* -1: not known */
    double arrived_seconds; /* since that record came to its broker, whatever its timestamp says;
                               -1: not known */
    bool arrived_at_least;  /* longer: it came before its broker was started, say */
    const char *member;     /* who owns it; NULL: nobody */
};

struct group_view {
    const char *group, *type, *state, *protocol;
    int32_t coordinator;
    struct group_member *members;
    size_t member_count;
    struct group_offset *offsets; /* in the order of topics and partitions */
    size_t offset_count;
};

/* Type, state, members. GROUP_ID_NOT_FOUND is left in *refused (then nothing else is set but the
 * group). An exit code, said. */
int group_describe(struct admin_client *admin, struct kp_arena *arena, const char *group,
                   struct group_view *view, int16_t *refused);

/* Committed offsets, joined with what members own. */
int group_fetch_offsets(struct admin_client *admin, struct kp_arena *arena,
                        struct group_view *view);

/* Where the partitions start and end, and the lag of each. */
void group_measure_lag(const struct invocation *in, struct group_view *view);

/* All three: an exit code, said; *refused as of group_describe. */
int group_try(struct admin_client *admin, struct kp_arena *arena, const struct invocation *in,
              const char *group, struct group_view *view, int16_t *refused);

/* The lag of who reads committed records only: up to the last stable offset; -1: not known. */
int64_t group_offset_stable_lag(const struct group_offset *one);

/* Records by which the commit is ahead of the end; that were deleted before they were consumed; -1:
 * not known. */
int64_t group_offset_ahead(const struct group_offset *one);
int64_t group_offset_lost(const struct group_offset *one);

/* The sum of the partitions whose lag is known; -1: none is. The largest age likewise. */
int64_t group_lag_records(const struct group_view *view);
double group_lag_seconds(const struct group_view *view);
double group_arrived_seconds(const struct group_view *view);

#endif
