/*
 * /api/group?name= of a share group: members, and per partition where it is, what members hold,
 * what is given again; and what holds it up, as `drave group why` says it.
 *
 * Its coordinator is asked who is in it and where it is, then the leaders what it does in their
 * partitions. Failures: a group that nobody knows is 404; a leader that does not answer leaves its
 * partitions unknown, never 0.
 */
#include <stdlib.h>
#include <string.h>

#include "broker/console/asking/partition_facts.h"
#include "broker/console/console_internal.h"
#include "broker/console/group_json.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/describe_share_group_offsets.h"
#include "protocol/messages/share_group_describe.h"
#include "why/share_diagnosis.h"

enum { PARTITIONS_SHOWN = 5000 };

struct finding_share {
    const char *name;
    int32_t coordinator;
    struct ask *description, *offsets, *metadata;
    const struct ask *before;
    const struct kp_share_group_describe_response_group *group;
    struct why_share_facts facts;
    struct partition_fact *asked; /* of each partition of the facts */
};

/* ---- JSON ---- */

static void show_members(struct json *json,
                         const struct kp_share_group_describe_response_group *group) {
    int32_t m;
    json_array(json, "members");
    for (m = 0; m < group->members.count && json->len < JSON_LONG / 2; m++) {
        const struct kp_share_group_describe_response_member *member = &group->members.items[m];
        size_t partitions = 0;
        for (int32_t t = 0; t < member->assignment.topic_partitions.count; t++)
            partitions += (size_t)member->assignment.topic_partitions.items[t].partitions.count;
        json_object(json, NULL);
        json_string(json, "id", member->member_id);
        json_null(json, "instance");
        json_string(json, "client_id", member->client_id);
        json_string(json, "host", member->client_host);
        json_size(json, "partitions", partitions);
        json_real(json, "heard_ms", -1);
        json_end(json);
    }
    json_end(json);
    json_size(json, "members_left_out", (size_t)(group->members.count - m));
}

static void show_offset(struct json *json, const struct why_share_partition *one) {
    static const struct kp_partition_traffic_response_shared unknown = {
        .acquired = -1, .waiting = -1, .retried = -1, .deliveries = -1};
    const struct kp_partition_traffic_response_shared *shared = why_shared(one);
    if (shared == NULL) shared = &unknown;
    json_object(json, NULL);
    json_words(json, "topic", one->topic);
    json_int(json, "partition", one->partition);
    group_show_known(json, "start", one->start);
    group_show_known(json, "end", one->told == NULL ? -1 : one->told->high_watermark);
    group_show_known(json, "lag", one->lag);
    json_real(json, "lag_seconds", one->age_ms < 0 ? -1 : (double)one->age_ms / 1000);
    group_show_known(json, "acquired", shared->acquired);
    group_show_known(json, "acquired_most", shared->acquired_most > 0 ? shared->acquired_most : -1);
    group_show_known(json, "waiting", shared->waiting);
    group_show_known(json, "retried", shared->retried);
    group_show_known(json, "deliveries", shared->deliveries);
    group_show_known(json, "deliveries_most",
                     shared->deliveries_most > 0 ? shared->deliveries_most : -1);
    json_end(json);
}

static void judged(struct inquiry *inquiry) {
    struct finding_share *finding = inquiry->state;
    struct why_share_facts *facts = &finding->facts;
    struct json *json = &inquiry->json;
    struct why_diagnosis *diagnosis = inquiry_alloc(inquiry, sizeof *diagnosis);
    size_t count = facts->partition_count,
           most = count < PARTITIONS_SHOWN ? count : PARTITIONS_SHOWN, shown;
    if (diagnosis == NULL) return;
    partition_facts_take(inquiry, finding->before, finding->asked, count);
    for (size_t i = 0; i < count; i++)
        why_share_take_told(&facts->partitions[i], finding->asked[i].told);
    why_share_diagnose(facts, diagnosis);
    json_object(json, NULL);
    json_words(json, "group", finding->name);
    json_words(json, "type", "share");
    json_string(json, "state", finding->group->group_state);
    json_string(json, "protocol", finding->group->assignor_name);
    json_int(json, "coordinator", finding->coordinator);
    group_show_why(json, diagnosis);
    show_members(json, finding->group);
    json_array(json, "offsets");
    for (shown = 0; shown < most && json->len < JSON_LONG; shown++)
        show_offset(json, &facts->partitions[shown]);
    json_end(json);
    json_size(json, "left_out", count - shown);
    if (inquiry->exchange == NULL) return; /* refused: too much */
    json_end(json);
    inquiry_respond(inquiry);
}

/* ---- Leaders ---- */

static void ask_leaders(struct inquiry *inquiry) {
    struct finding_share *finding = inquiry->state;
    struct why_share_facts *facts = &finding->facts;
    if (finding->metadata == NULL || finding->metadata->error != ERR_NONE) {
        inquiry_refuse(
            inquiry, 502, "broker", "The broker does not say who leads what (%s).",
            error_phrase(finding->metadata == NULL ? ERR_AGAIN : finding->metadata->error));
        return;
    }
    struct leader_search search = {.metadata = finding->metadata->response};
    for (size_t i = 0; i < facts->partition_count; i++) {
        const struct why_share_partition *one = &facts->partitions[i];
        struct kp_string topic = kp_string_of(one->topic);
        finding->asked[i] = (struct partition_fact){
            .topic = topic,
            .partition = one->partition,
            .leader = partition_leader(&search, topic, one->partition),
            .offset = one->start};
    }
    finding->before = inquiry->asks;
    partition_facts_ask_shared(inquiry, finding->asked, facts->partition_count, finding->name);
    inquiry_then(inquiry, judged);
}

static void ask_metadata(struct inquiry *inquiry, struct finding_share *finding) {
    const struct why_share_facts *facts = &finding->facts;
    struct kp_metadata_request *request = inquiry_alloc(inquiry, sizeof *request);
    if (request == NULL) return;
    kp_set_fallbacks(&kp_metadata_request_schema, request);
    request->allow_auto_topic_creation = false;
    request->topics.items = inquiry_alloc(inquiry, (facts->partition_count + 1) *
                                                       sizeof *request->topics.items);
    if (request->topics.items == NULL) return;
    request->topics.count = 0;
    for (size_t i = 0; i < facts->partition_count; i++) {
        const char *topic = facts->partitions[i].topic;
        if (i > 0 && strcmp(topic, facts->partitions[i - 1].topic) == 0) continue;
        struct kp_metadata_request_topic *into = &request->topics.items[request->topics.count++];
        kp_set_fallbacks(&kp_metadata_request_topic_schema, into);
        into->name = kp_string_of(topic);
    }
    finding->metadata = inquiry_ask(inquiry, -1, KP_METADATA, 4, 0, request,
                                    sizeof(struct kp_metadata_response));
    inquiry_then(inquiry, ask_leaders);
}

/* ---- The coordinator ---- */

static int by_partition(const void *a, const void *b) {
    const struct why_share_partition *one = a, *other = b;
    int order = strcmp(one->topic, other->topic);
    return order != 0 ? order
                      : (one->partition > other->partition) - (one->partition < other->partition);
}

static bool take_offsets(struct inquiry *inquiry, struct finding_share *finding,
                         const struct kp_describe_share_group_offsets_response_group *group) {
    struct why_share_facts *facts = &finding->facts;
    size_t count = 0;
    for (int32_t t = 0; t < group->topics.count; t++)
        count += (size_t)group->topics.items[t].partitions.count;
    facts->partitions = inquiry_alloc(inquiry, (count + 1) * sizeof *facts->partitions);
    finding->asked = inquiry_alloc(inquiry, (count + 1) * sizeof *finding->asked);
    if (facts->partitions == NULL || finding->asked == NULL) return false;
    for (int32_t t = 0; t < group->topics.count; t++) {
        struct kp_string name = group->topics.items[t].topic_name;
        name = kp_arena_string(&inquiry->arena, name.data, (size_t)name.len);
        for (int32_t p = 0; name.len >= 0 && p < group->topics.items[t].partitions.count; p++) {
            const struct kp_describe_share_group_offsets_response_partition *one =
                &group->topics.items[t].partitions.items[p];
            bool known = one->error_code == 0;
            facts->partitions[facts->partition_count++] = (struct why_share_partition){
                .topic = name.data,
                .partition = one->partition_index,
                .start = known ? one->start_offset : WHY_UNKNOWN,
                .lag = known ? one->lag : WHY_UNKNOWN,
                .age_ms = known && one->lag == 0 ? 0 : WHY_UNKNOWN};
        }
    }
    if (facts->partition_count > 1)
        qsort(facts->partitions, facts->partition_count, sizeof *facts->partitions, by_partition);
    return true;
}

static bool is_told(const struct ask *ask) {
    return ask != NULL && ask->error == ERR_NONE;
}

static void described(struct inquiry *inquiry) {
    struct finding_share *finding = inquiry->state;
    if (!is_told(finding->description) || !is_told(finding->offsets)) {
        inquiry_refuse(inquiry, 404, "group", "There is no group \"%.300s\".", finding->name);
        return;
    }
    const struct kp_share_group_describe_response *description = finding->description->response;
    const struct kp_describe_share_group_offsets_response *offsets = finding->offsets->response;
    finding->group = description->groups.items;
    if (description->groups.count != 1 || offsets->groups.count != 1 ||
        finding->group->error_code == KAFKA_GROUP_ID_NOT_FOUND) {
        inquiry_refuse(inquiry, 404, "group", "There is no group \"%.300s\".", finding->name);
        return;
    }
    int16_t code = finding->group->error_code != 0 ? finding->group->error_code
                                                   : offsets->groups.items->error_code;
    if (code != 0) {
        inquiry_refuse(inquiry, 502, kafka_error_name(code), "Group \"%.300s\": %s", finding->name,
                       kafka_error_message(code));
        return;
    }
    finding->facts = (struct why_share_facts){
        .group = finding->name,
        .window_ms = FACTS_SHORT_MS,
        .member_count = (size_t)finding->group->members.count};
    if (take_offsets(inquiry, finding, offsets->groups.items)) ask_metadata(inquiry, finding);
}

void console_share_group(struct inquiry *inquiry, const char *name, int32_t coordinator) {
    struct finding_share *finding = inquiry_alloc(inquiry, sizeof *finding);
    struct kp_share_group_describe_request *describe = inquiry_alloc(inquiry, sizeof *describe);
    struct kp_describe_share_group_offsets_request *offsets = inquiry_alloc(inquiry,
                                                                            sizeof *offsets);
    struct kp_describe_share_group_offsets_request_group *one = inquiry_alloc(inquiry, sizeof *one);
    struct kp_string *id = inquiry_alloc(inquiry, sizeof *id);
    if (finding == NULL || describe == NULL || offsets == NULL || one == NULL || id == NULL) return;
    finding->name = name;
    finding->coordinator = coordinator;
    inquiry->state = finding;
    *id = kp_string_of(name);
    kp_set_fallbacks(&kp_share_group_describe_request_schema, describe);
    kp_set_fallbacks(&kp_describe_share_group_offsets_request_schema, offsets);
    kp_set_fallbacks(&kp_describe_share_group_offsets_request_group_schema, one);
    describe->group_ids.items = id;
    one->group_id = *id;
    one->topics.count = -1; /* all in which it has begun */
    offsets->groups.items = one;
    describe->group_ids.count = offsets->groups.count = 1;
    finding->description = inquiry_ask(inquiry, coordinator, KP_SHARE_GROUP_DESCRIBE, 1, 0,
                                       describe, sizeof(struct kp_share_group_describe_response));
    finding->offsets = inquiry_ask(inquiry, coordinator, KP_DESCRIBE_SHARE_GROUP_OFFSETS, 0, 0,
                                   offsets,
                                   sizeof(struct kp_describe_share_group_offsets_response));
    inquiry_then(inquiry, described);
}
