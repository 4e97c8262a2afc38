/*
 * A share group as it stands: its members, what each is to fetch, and where it is in each
 * partition.
 *
 * Happy path: asked at its coordinator, which asks the leaders of the partitions. Failures:
 * refusals as sentences; what is not known stays -1, and is never taken for 0. Everything lives in
 * the arena.
 */
#ifndef CLIENT_SHARING_SHARE_VIEW_H
#define CLIENT_SHARING_SHARE_VIEW_H

#include "client/kafka/group_client.h"
#include "client/kafka/group_view.h"
#include "why/share_diagnosis.h"

struct share_member_view {
    const char *id, *client_id, *host;
    int32_t epoch;
    struct kp_string *topics; /* that it reads */
    size_t topic_count;
    struct group_partition *owned;
    size_t owned_count;
};

struct share_offset {
    const char *topic;
    int32_t partition;
    int64_t start;        /* everything before it is done with; -1: the group has not begun there */
    int64_t lag_records;  /* that are not done with; -1: not known */
    int32_t leader_epoch; /* of who says so; -1: not known */
    const char *trouble;  /* why it is not known; NULL: it is */
    const struct kp_partition_traffic_response_partition *told; /* share_ask_leaders; NULL: not */
};

struct share_view {
    const char *group, *state, *assignor;
    int32_t epoch, assignment_epoch, coordinator;
    struct share_member_view *members;
    size_t member_count;
    struct share_offset *offsets; /* in the order of topics and partitions */
    size_t offset_count;
};

/* State and members. GROUP_ID_NOT_FOUND, and UNSUPPORTED_VERSION where there are no share groups at
 * all, are left in *refused (then nothing else is set but the group). An exit code, said. */
int share_describe(struct admin_client *admin, struct kp_arena *arena, const char *group,
                   struct share_view *view, int16_t *refused);
/* Where it is in all partitions in which it has begun. An exit code, said. */
int share_fetch_offsets(struct admin_client *admin, struct kp_arena *arena,
                        struct share_view *view);
/* Both, of a group that must exist. */
int share_look(struct admin_client *admin, struct kp_arena *arena, const char *group,
               struct share_view *view);
/* All of a group of any kind, which must exist (group_try, or both of the above, and its leaders
 * are asked). One that comes between the questions is found. */
struct any_group {
    bool shared;
    struct group_view group;  /* not shared */
    struct share_view shares; /* shared */
};
int any_group_look(const struct invocation *in, struct admin_client *admin, struct kp_arena *arena,
                   const char *name, struct any_group *any);
/* What the leaders of its partitions say of what it does there; of one that does not answer nothing
 * is known. */
void share_ask_leaders(const struct invocation *in, struct kp_arena *arena,
                       struct share_view *view);
/* What is to be judged of it (why/share_diagnosis.h), after all of the above. */
void share_facts(struct kp_arena *arena, const struct share_view *view, int64_t window_ms,
                 struct why_share_facts *facts);
/* The sum of what is known; -1: nothing is. */
int64_t share_lag_records(const struct share_view *view);

/* For a look, without a word, within its own time: how many records of these topics the group is
 * not done with; -1: not known of all of their partitions in which it is to begin. ERR_* of
 * admin_request. */
int share_left(struct admin_client *admin, const char *group, char *const *topics,
               size_t topic_count, int64_t *left);

/* As group_refused. */
int share_refused(struct admin_client *admin, struct kp_arena *arena, const char *group,
                  int16_t error, struct kp_string message);

#endif
