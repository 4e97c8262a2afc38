/* Rows, and questions to the leaders of their partitions. */
#include "broker/console/changes/seek_plan.h"

#include <stdlib.h>
#include <string.h>

#include "broker/console/changes/offsets_change.h"
#include "protocol/messages/list_offsets.h"

enum { TOO_MANY = 413 };

/* ---- Rows ---- */

static int by_partition(const void *a, const void *b) {
    const struct seek_row *one = a, *other = b;
    size_t len = (size_t)(one->topic.len < other->topic.len ? one->topic.len : other->topic.len);
    int order = memcmp(one->topic.data, other->topic.data, len);
    if (order == 0)
        order = (one->topic.len > other->topic.len) - (one->topic.len < other->topic.len);
    return order != 0 ? order
                      : (one->partition > other->partition) - (one->partition < other->partition);
}

static bool make_room(struct inquiry *inquiry, struct seek_plan *plan, size_t count) {
    if (count > SEEK_ROWS) {
        inquiry_refuse(inquiry, TOO_MANY, "partitions",
                       "That is more than %d partitions; %s does it.", SEEK_ROWS,
                       plan->kind->command);
        return false;
    }
    struct seek_row *rows = inquiry_alloc(inquiry, (count + 1) * sizeof *rows);
    if (rows == NULL) return false;
    if (plan->count > 0) memcpy(rows, plan->rows, plan->count * sizeof *rows);
    plan->rows = rows;
    return true;
}

static void add_row(struct seek_plan *plan, struct kp_string topic, int32_t partition,
                    int64_t from) {
    plan->rows[plan->count++] = (struct seek_row){.topic = topic,
                                                  .partition = partition,
                                                  .leader = -1,
                                                  .from = from,
                                                  .found = -1,
                                                  .start = -1,
                                                  .end = -1,
                                                  .to = -1};
}

bool seek_plan_take_committed(struct inquiry *inquiry, struct seek_plan *plan,
                              const struct kp_offset_fetch_response *response) {
    size_t count = 0;
    for (int32_t t = 0; t < response->topics.count; t++)
        count += (size_t)response->topics.items[t].partitions.count;
    if (!make_room(inquiry, plan, count)) return false;
    for (int32_t t = 0; t < response->topics.count; t++) {
        const struct kp_offset_fetch_response_topic *topic = &response->topics.items[t];
        if (plan->topic != NULL && !kp_string_is(topic->name, plan->topic)) continue;
        for (int32_t p = 0; p < topic->partitions.count; p++)
            if (topic->partitions.items[p].committed_offset >= 0)
                add_row(plan, topic->name, topic->partitions.items[p].partition_index,
                        topic->partitions.items[p].committed_offset);
    }
    return true;
}

bool seek_plan_take_started(struct inquiry *inquiry, struct seek_plan *plan,
                            const struct kp_describe_share_group_offsets_response_group *group) {
    size_t count = 0;
    for (int32_t t = 0; t < group->topics.count; t++)
        count += (size_t)group->topics.items[t].partitions.count;
    if (!make_room(inquiry, plan, count)) return false;
    for (int32_t t = 0; t < group->topics.count; t++) {
        const struct kp_describe_share_group_offsets_response_topic *topic =
            &group->topics.items[t];
        if (plan->topic != NULL && !kp_string_is(topic->topic_name, plan->topic)) continue;
        for (int32_t p = 0; p < topic->partitions.count; p++)
            if (topic->partitions.items[p].error_code == 0)
                add_row(plan, topic->topic_name, topic->partitions.items[p].partition_index,
                        topic->partitions.items[p].start_offset);
    }
    return true;
}

static const struct seek_row *row_of(const struct seek_plan *plan, size_t count,
                                     int32_t partition) {
    for (size_t i = 0; i < count; i++)
        if (plan->rows[i].partition == partition) return &plan->rows[i];
    return NULL;
}

bool seek_plan_take_topic(struct inquiry *inquiry, struct seek_plan *plan,
                          const struct kp_metadata_response *metadata) {
    size_t committed = plan->count;
    for (int32_t t = 0; t < metadata->topics.count; t++) {
        const struct kp_metadata_response_topic *topic = &metadata->topics.items[t];
        if (topic->error_code != 0 || !kp_string_is(topic->name, plan->topic)) continue;
        if (!make_room(inquiry, plan, committed + (size_t)topic->partitions.count)) return false;
        for (int32_t p = 0; p < topic->partitions.count; p++)
            if (row_of(plan, committed, topic->partitions.items[p].partition_index) == NULL)
                add_row(plan, topic->name, topic->partitions.items[p].partition_index, -1);
    }
    return true;
}

/* ---- Leaders ---- */

static void find_leaders(struct seek_plan *plan, const struct kp_metadata_response *metadata) {
    int32_t t = 0;
    for (size_t i = 0; i < plan->count; i++) {
        struct seek_row *row = &plan->rows[i];
        for (int32_t tries = 0; tries < metadata->topics.count; tries++) {
            if (kp_string_equal(metadata->topics.items[t].name, row->topic)) break;
            t = t + 1 == metadata->topics.count ? 0 : t + 1;
        }
        if (metadata->topics.count == 0 ||
            !kp_string_equal(metadata->topics.items[t].name, row->topic))
            continue;
        const struct kp_metadata_response_topic *topic = &metadata->topics.items[t];
        for (int32_t p = 0; p < topic->partitions.count; p++)
            if (topic->partitions.items[p].partition_index == row->partition)
                row->leader = topic->partitions.items[p].leader_id;
    }
}

/* All rows of one leader. False: the memory is used up. */
static bool ask_time(struct inquiry *inquiry, const struct seek_plan *plan, int32_t leader) {
    struct kp_list_offsets_request *request = inquiry_alloc(inquiry, sizeof *request);
    struct kp_list_offsets_request_topic *topics = inquiry_alloc(inquiry,
                                                                 plan->count * sizeof *topics);
    struct kp_list_offsets_request_partition *items = inquiry_alloc(inquiry,
                                                                    plan->count * sizeof *items);
    if (request == NULL || topics == NULL || items == NULL) return false;
    kp_set_fallbacks(&kp_list_offsets_request_schema, request);
    request->replica_id = -1;
    request->topics.items = topics;
    for (size_t i = 0; i < plan->count; i++) {
        const struct seek_row *row = &plan->rows[i];
        if (row->leader != leader) continue;
        struct kp_list_offsets_request_topic *topic = &topics[request->topics.count];
        if (request->topics.count == 0 || !kp_string_equal(topic[-1].name, row->topic)) {
            topic->name = row->topic;
            topic->partitions.items = items;
            request->topics.count++;
        } else {
            topic--;
        }
        topic->partitions.count++;
        *items++ = (struct kp_list_offsets_request_partition){row->partition, -1, plan->value};
    }
    inquiry_ask(inquiry, leader, KP_LIST_OFFSETS, 1, 0, request,
                sizeof(struct kp_list_offsets_response));
    return true;
}

static bool ask_times(struct inquiry *inquiry, const struct seek_plan *plan) {
    for (size_t i = 0; i < plan->count; i++) {
        bool first = plan->rows[i].leader >= 0;
        for (size_t k = 0; first && k < i; k++)
            first = plan->rows[k].leader != plan->rows[i].leader;
        if (first && !ask_time(inquiry, plan, plan->rows[i].leader)) return false;
    }
    return true;
}

bool seek_plan_ask(struct inquiry *inquiry, struct seek_plan *plan,
                   const struct kp_metadata_response *metadata) {
    if (plan->count > 0) qsort(plan->rows, plan->count, sizeof *plan->rows, by_partition);
    find_leaders(plan, metadata);
    plan->facts = inquiry_alloc(inquiry, (plan->count + 1) * sizeof *plan->facts);
    if (plan->facts == NULL) return false;
    for (size_t i = 0; i < plan->count; i++)
        plan->facts[i] = (struct partition_fact){.topic = plan->rows[i].topic,
                                                 .partition = plan->rows[i].partition,
                                                 .leader = plan->rows[i].leader,
                                                 .offset = -1};
    plan->before = inquiry->asks;
    partition_facts_ask(inquiry, plan->facts, plan->count);
    return plan->to != SEEK_TIME || ask_times(inquiry, plan);
}

/* ---- Answers ---- */

static void take_found(struct seek_plan *plan, const struct kp_list_offsets_response_topic *topic) {
    for (int32_t p = 0; p < topic->partitions.count; p++) {
        const struct kp_list_offsets_response_partition *told = &topic->partitions.items[p];
        struct seek_row wanted = {.topic = topic->name, .partition = told->partition_index};
        struct seek_row *row = bsearch(&wanted, plan->rows, plan->count, sizeof *plan->rows,
                                       by_partition);
        if (row == NULL) continue;
        if (told->error_code != 0)
            row->end = -1; /* so it cannot be said */
        else
            row->found = told->offset < 0 ? row->end : told->offset;
    }
}

static int64_t moved(const struct seek_row *row, int64_t by) {
    int64_t from = row->from < 0 ? row->start : row->from;
    return by > 0 && from > INT64_MAX - by ? INT64_MAX : from + by;
}

static void compute(const struct seek_plan *plan, struct seek_row *row) {
    switch (plan->to) {
    case SEEK_EARLIEST: row->to = row->start; break;
    case SEEK_LATEST: row->to = row->end; break;
    case SEEK_OFFSET: row->to = plan->value; break;
    case SEEK_TIME: row->to = row->found; break;
    case SEEK_BY: row->to = moved(row, plan->value); break;
    }
    row->wanted = row->to;
    if (row->to < row->start) row->to = row->start;
    if (row->to > row->end) row->to = row->end;
}

const struct seek_row *seek_plan_compute(struct inquiry *inquiry, struct seek_plan *plan) {
    const struct seek_row *unknown = NULL;
    partition_facts_take(inquiry, plan->before, plan->facts, plan->count);
    for (size_t i = 0; i < plan->count; i++)
        if (plan->facts[i].told != NULL) {
            plan->rows[i].start = plan->facts[i].told->log_start_offset;
            plan->rows[i].end = plan->facts[i].told->high_watermark;
        }
    for (const struct ask *ask = inquiry->asks; ask != plan->before; ask = ask->next) {
        const struct kp_list_offsets_response *response = ask->response;
        if (ask->error != ERR_NONE || ask->call.key != KP_LIST_OFFSETS) continue;
        for (int32_t t = 0; t < response->topics.count; t++)
            take_found(plan, &response->topics.items[t]);
    }
    for (size_t i = 0; i < plan->count; i++) {
        struct seek_row *row = &plan->rows[i];
        bool known = row->start >= 0 && row->end >= 0 && (plan->to != SEEK_TIME || row->found >= 0);
        if (known)
            compute(plan, row);
        else if (unknown == NULL)
            unknown = row;
    }
    return unknown;
}
