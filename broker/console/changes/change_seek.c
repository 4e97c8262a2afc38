/*
 * POST /api/change/seek: where a group of consumers without members goes on; the form is that of
 * offsets_change.h.
 *
 * Happy path: the plan is made of what is committed; then one OffsetCommit. Failures: a group with
 * members, which its coordinator refuses; partitions that it refuses are named.
 */
#include "broker/console/changes/change_answer.h"
#include "broker/console/changes/changes.h"
#include "broker/console/changes/offsets_change.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/offset_commit.h"

enum { FETCH_VERSION_MAX = 7, COMMIT_VERSION_MAX = 9 };

static void ask_committed(struct inquiry *inquiry);
static void commit(struct inquiry *inquiry);

static const struct seek_kind consumers = {.command = "drave group seek",
                                           .by = true,
                                           .ask = ask_committed,
                                           .set = commit};

/* ---- Where it stands ---- */

static void committed_told(struct inquiry *inquiry) {
    struct seek_plan *plan = inquiry->state;
    const struct kp_offset_fetch_response *response = change_answered(inquiry, KP_OFFSET_FETCH);
    if (response == NULL) return;
    if (response->error_code != 0)
        change_refused(inquiry, response->error_code, KP_NULL_STRING);
    else if (seek_plan_take_committed(inquiry, plan, response))
        seek_ask_topics(inquiry, plan);
}

static void ask_committed(struct inquiry *inquiry) {
    struct seek_plan *plan = seek_plan_new(inquiry, &consumers);
    struct kp_offset_fetch_request *request = inquiry_alloc(inquiry, sizeof *request);
    if (plan == NULL || request == NULL) return;
    kp_set_fallbacks(&kp_offset_fetch_request_schema, request);
    request->group_id = kp_string_of(inquiry_value(inquiry, "name"));
    request->topics.count = -1;
    inquiry_ask(inquiry, inquiry->coordinator, KP_OFFSET_FETCH, 2, FETCH_VERSION_MAX, request,
                sizeof(struct kp_offset_fetch_response));
    inquiry_then(inquiry, committed_told);
}

/* ---- Doing it ---- */

static struct seek_outcome outcome_of(const struct kp_offset_commit_response *response) {
    struct seek_outcome outcome = {.set = 0};
    for (int32_t t = 0; t < response->topics.count; t++)
        for (int32_t p = 0; p < response->topics.items[t].partitions.count; p++) {
            const struct kp_offset_commit_response_partition *told =
                &response->topics.items[t].partitions.items[p];
            outcome.set += told->error_code == 0;
            if (told->error_code == 0 || outcome.error != 0) continue;
            outcome.error = told->error_code;
            outcome.topic = response->topics.items[t].name;
            outcome.partition = told->partition_index;
        }
    return outcome;
}

static void committed(struct inquiry *inquiry) {
    const struct kp_offset_commit_response *response = change_answered(inquiry, KP_OFFSET_COMMIT);
    if (response == NULL) return;
    struct seek_outcome outcome = outcome_of(response);
    if (outcome.set == 0 &&
        (outcome.error == KAFKA_UNKNOWN_MEMBER_ID || outcome.error == KAFKA_REBALANCE_IN_PROGRESS))
        seek_refuse_members(inquiry);
    else
        seek_set(inquiry, &consumers, &outcome);
}

/* False: the memory is used up. */
static bool fill(struct inquiry *inquiry, const struct seek_plan *plan,
                 struct kp_offset_commit_request *request) {
    struct kp_offset_commit_request_topic *topics = inquiry_alloc(inquiry,
                                                                  plan->count * sizeof *topics);
    struct kp_offset_commit_request_partition *partitions = inquiry_alloc(
        inquiry, plan->count * sizeof *partitions);
    if (topics == NULL || partitions == NULL) return false;
    request->topics.items = topics;
    for (size_t i = 0; i < plan->count; i++) {
        const struct seek_row *row = &plan->rows[i];
        if (i == 0 || !kp_string_equal(row->topic, row[-1].topic)) {
            struct kp_offset_commit_request_topic *topic = &topics[request->topics.count++];
            kp_set_fallbacks(&kp_offset_commit_request_topic_schema, topic);
            topic->name = row->topic;
            topic->partitions.items = &partitions[i];
        }
        topics[request->topics.count - 1].partitions.count++;
        kp_set_fallbacks(&kp_offset_commit_request_partition_schema, &partitions[i]);
        partitions[i].partition_index = row->partition;
        partitions[i].committed_offset = row->to;
        partitions[i].committed_leader_epoch = -1;
        partitions[i].committed_metadata = kp_string_of("");
    }
    return true;
}

static void commit(struct inquiry *inquiry) {
    struct seek_plan *plan = seek_plan_new(inquiry, &consumers);
    struct kp_offset_commit_request *request = inquiry_alloc(inquiry, sizeof *request);
    if (plan == NULL || request == NULL) return;
    kp_set_fallbacks(&kp_offset_commit_request_schema, request);
    request->group_id = kp_string_of(inquiry_value(inquiry, "name"));
    request->generation_id_or_member_epoch = -1;
    request->member_id = kp_string_of("");
    request->retention_time_ms = -1;
    if (!seek_take_rows(inquiry, plan) || !fill(inquiry, plan, request)) return;
    inquiry_ask(inquiry, inquiry->coordinator, KP_OFFSET_COMMIT, 2, COMMIT_VERSION_MAX, request,
                sizeof(struct kp_offset_commit_response));
    inquiry_then(inquiry, committed);
}

void change_seek(struct inquiry *inquiry) {
    seek_change(inquiry, &consumers);
}
