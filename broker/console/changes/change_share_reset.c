/*
 * POST /api/change/share-reset: where a share group without members begins, as if it had read
 * nothing of those partitions; the form is that of offsets_change.h, without to=by.
 *
 * Happy path: the plan is made of where the group has begun; then one AlterShareGroupOffsets.
 * Failures: a group with members, which its coordinator refuses; partitions that it refuses are
 * named.
 */
#include "broker/console/changes/change_answer.h"
#include "broker/console/changes/changes.h"
#include "broker/console/changes/offsets_change.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/alter_share_group_offsets.h"

static void ask_started(struct inquiry *inquiry);
static void alter(struct inquiry *inquiry);

static const struct seek_kind sharing = {
    .command = "drave share reset",
    .warning = "What it has done behind those offsets is forgotten: it gets those records again.",
    .ask = ask_started,
    .set = alter};

/* ---- Where it stands ---- */

static void started_told(struct inquiry *inquiry) {
    struct seek_plan *plan = inquiry->state;
    const struct kp_describe_share_group_offsets_response *response = change_answered(
        inquiry, KP_DESCRIBE_SHARE_GROUP_OFFSETS);
    if (response == NULL || response->groups.count != 1) return;
    const struct kp_describe_share_group_offsets_response_group *group = response->groups.items;
    if (group->error_code != 0)
        change_refused(inquiry, group->error_code, group->error_message);
    else if (seek_plan_take_started(inquiry, plan, group))
        seek_ask_topics(inquiry, plan);
}

static void ask_started(struct inquiry *inquiry) {
    struct seek_plan *plan = seek_plan_new(inquiry, &sharing);
    struct kp_describe_share_group_offsets_request *request = inquiry_alloc(inquiry,
                                                                            sizeof *request);
    struct kp_describe_share_group_offsets_request_group *group = inquiry_alloc(inquiry,
                                                                                sizeof *group);
    if (plan == NULL || request == NULL || group == NULL) return;
    kp_set_fallbacks(&kp_describe_share_group_offsets_request_schema, request);
    kp_set_fallbacks(&kp_describe_share_group_offsets_request_group_schema, group);
    group->group_id = kp_string_of(inquiry_value(inquiry, "name"));
    group->topics.count = -1;
    request->groups.items = group;
    request->groups.count = 1;
    inquiry_ask(inquiry, inquiry->coordinator, KP_DESCRIBE_SHARE_GROUP_OFFSETS, 0, 0, request,
                sizeof(struct kp_describe_share_group_offsets_response));
    inquiry_then(inquiry, started_told);
}

/* ---- Doing it ---- */

static struct seek_outcome outcome_of(
    const struct kp_alter_share_group_offsets_response *response) {
    struct seek_outcome outcome = {.set = 0};
    for (int32_t t = 0; t < response->responses.count; t++)
        for (int32_t p = 0; p < response->responses.items[t].partitions.count; p++) {
            const struct kp_alter_share_group_offsets_response_partition *told =
                &response->responses.items[t].partitions.items[p];
            outcome.set += told->error_code == 0;
            if (told->error_code == 0 || outcome.error != 0) continue;
            outcome.error = told->error_code;
            outcome.topic = response->responses.items[t].topic_name;
            outcome.partition = told->partition_index;
        }
    return outcome;
}

static void altered(struct inquiry *inquiry) {
    const struct kp_alter_share_group_offsets_response *response = change_answered(
        inquiry, KP_ALTER_SHARE_GROUP_OFFSETS);
    if (response == NULL) return;
    struct seek_outcome outcome = outcome_of(response);
    if (response->error_code == KAFKA_NON_EMPTY_GROUP)
        seek_refuse_members(inquiry);
    else if (response->error_code != 0)
        change_refused(inquiry, response->error_code, response->error_message);
    else
        seek_set(inquiry, &sharing, &outcome);
}

/* False: the memory is used up. */
static bool fill(struct inquiry *inquiry, const struct seek_plan *plan,
                 struct kp_alter_share_group_offsets_request *request) {
    struct kp_alter_share_group_offsets_request_topic *topics = inquiry_alloc(
        inquiry, plan->count * sizeof *topics);
    struct kp_alter_share_group_offsets_request_partition *partitions = inquiry_alloc(
        inquiry, plan->count * sizeof *partitions);
    if (topics == NULL || partitions == NULL) return false;
    request->topics.items = topics;
    for (size_t i = 0; i < plan->count; i++) {
        const struct seek_row *row = &plan->rows[i];
        if (i == 0 || !kp_string_equal(row->topic, row[-1].topic)) {
            struct kp_alter_share_group_offsets_request_topic *topic =
                &topics[request->topics.count++];
            kp_set_fallbacks(&kp_alter_share_group_offsets_request_topic_schema, topic);
            topic->topic_name = row->topic;
            topic->partitions.items = &partitions[i];
        }
        topics[request->topics.count - 1].partitions.count++;
        partitions[i].partition_index = row->partition;
        partitions[i].start_offset = row->to;
    }
    return true;
}

static void alter(struct inquiry *inquiry) {
    struct seek_plan *plan = seek_plan_new(inquiry, &sharing);
    struct kp_alter_share_group_offsets_request *request = inquiry_alloc(inquiry, sizeof *request);
    if (plan == NULL || request == NULL) return;
    kp_set_fallbacks(&kp_alter_share_group_offsets_request_schema, request);
    request->group_id = kp_string_of(inquiry_value(inquiry, "name"));
    if (!seek_take_rows(inquiry, plan) || !fill(inquiry, plan, request)) return;
    inquiry_ask(inquiry, inquiry->coordinator, KP_ALTER_SHARE_GROUP_OFFSETS, 0, 0, request,
                sizeof(struct kp_alter_share_group_offsets_response));
    inquiry_then(inquiry, altered);
}

void change_share_reset(struct inquiry *inquiry) {
    seek_change(inquiry, &sharing);
}
