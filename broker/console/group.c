/*
 * /api/group?name=: one consumer group: members, offsets, lag in records and seconds, and why it
 * lags, as `drave group why` says it. One of another kind is asked for in share_group.c.
 *
 * Its coordinator is found and asked who is in it and what is committed, then the leaders where
 * their partitions end and how long ago the next record came. Failures: a group that nobody knows
 * is 404; a leader that does not answer leaves its partitions unknown, never 0.
 */
#include <string.h>

#include "broker/console/console_internal.h"
#include "broker/console/group_json.h"
#include "broker/console/group_view.h"
#include "protocol/kafka_error.h"
#include "why/diagnosis.h"

enum { PARTITIONS_SHOWN = 5000, ACTIVITY_PARTITIONS = 2000, NAMES_VERSION_MAX = 9 };

struct finding_group {
    const char *name;
    int32_t coordinator;
    struct ask *consumer, *classic, *offsets, *metadata, *activity;
    const struct ask *before;
    struct group_view view;
};

/* ---- JSON ---- */

static void show_members(struct json *json, const struct why_facts *facts) {
    size_t i;
    json_array(json, "members");
    for (i = 0; i < facts->member_count && json->len < JSON_LONG / 2; i++) {
        const struct why_member *member = &facts->members[i];
        json_object(json, NULL);
        json_words(json, "id", member->id);
        json_words(json, "instance", member->instance);
        json_words(json, "client_id", member->client_id);
        json_words(json, "host", member->host);
        json_size(json, "partitions", member->owned);
        json_real(json, "heard_ms", (double)member->heard_age_ms);
        json_end(json);
    }
    json_end(json);
    json_size(json, "members_left_out", facts->member_count - i);
}

static void show_offset(struct json *json, const struct why_facts *facts,
                        const struct why_partition *one) {
    json_object(json, NULL);
    json_words(json, "topic", one->topic);
    json_int(json, "partition", one->partition);
    group_show_known(json, "committed", one->committed);
    group_show_known(json, "start", one->log_start);
    group_show_known(json, "end", one->end);
    group_show_known(json, "lag", one->lag);
    json_real(json, "lag_seconds", one->age_ms < 0 ? -1 : (double)one->age_ms / 1000);
    json_words(json, "member", one->member == WHY_NOBODY ? NULL : facts->members[one->member].id);
    json_end(json);
}

static void judged(struct inquiry *inquiry) {
    struct finding_group *finding = inquiry->state;
    struct group_view *view = &finding->view;
    const struct why_facts *facts = &view->facts;
    struct json *json = &inquiry->json;
    partition_facts_take(inquiry, finding->before, view->asked, facts->partition_count);
    group_view_take_told(view);
    size_t shown, most = facts->partition_count < PARTITIONS_SHOWN ? facts->partition_count
                                                                   : PARTITIONS_SHOWN;
    struct why_diagnosis *diagnosis = inquiry_alloc(inquiry, sizeof *diagnosis);
    if (diagnosis == NULL) return;
    json_object(json, NULL);
    json_words(json, "group", finding->name);
    json_words(json, "type", facts->type);
    json_words(json, "state", facts->state);
    json_words(json, "protocol", view->protocol);
    json_int(json, "coordinator", finding->coordinator);
    why_diagnose(facts, diagnosis);
    group_show_why(json, diagnosis);
    show_members(json, facts);
    json_array(json, "offsets");
    for (shown = 0; shown < most && json->len < JSON_LONG; shown++)
        show_offset(json, facts, &facts->partitions[shown]);
    json_end(json);
    json_size(json, "left_out", facts->partition_count - shown);
    if (inquiry->exchange == NULL) return; /* refused: too much */
    json_end(json);
    inquiry_respond(inquiry);
}

/* ---- Leaders ---- */

static void ask_leaders(struct inquiry *inquiry) {
    struct finding_group *finding = inquiry->state;
    struct why_facts *facts = &finding->view.facts;
    const struct ask *metadata = finding->metadata, *activity = finding->activity;
    if (metadata == NULL || metadata->error != ERR_NONE) {
        inquiry_refuse(inquiry, 502, "broker", "The broker does not say who leads what (%s).",
                       error_phrase(metadata == NULL ? ERR_AGAIN : metadata->error));
        return;
    }
    if (!group_view_take_activity(
            inquiry, &finding->view,
            activity == NULL || activity->error != ERR_NONE ? NULL : activity->response))
        return;
    struct leader_search search = {.metadata = metadata->response};
    for (size_t i = 0; i < facts->partition_count; i++) {
        const struct why_partition *one = &facts->partitions[i];
        finding->view.asked[i] = (struct partition_fact){
            .topic = kp_string_of(one->topic),
            .partition = one->partition,
            .leader = partition_leader(&search, kp_string_of(one->topic), one->partition),
            .offset = one->committed};
    }
    finding->before = inquiry->asks;
    partition_facts_ask(inquiry, finding->view.asked, facts->partition_count);
    inquiry_then(inquiry, judged);
}

/* ---- What the coordinator remembers ---- */

/* Each topic once, with its partitions up to ACTIVITY_PARTITIONS in all. */
static bool list_topics(struct inquiry *inquiry, const struct why_facts *facts,
                        struct kp_metadata_request *metadata,
                        struct kp_group_activity_request *activity) {
    size_t count = facts->partition_count;
    int32_t *partitions = inquiry_alloc(inquiry, (count + 1) * sizeof *partitions);
    metadata->topics.items = inquiry_alloc(inquiry, (count + 1) * sizeof *metadata->topics.items);
    activity->topics.items = inquiry_alloc(inquiry, (count + 1) * sizeof *activity->topics.items);
    if (partitions == NULL || metadata->topics.items == NULL || activity->topics.items == NULL)
        return false;
    metadata->topics.count = activity->topics.count = 0;
    for (size_t i = 0; i < count; i++) {
        const struct why_partition *one = &facts->partitions[i];
        partitions[i] = one->partition;
        if (i == 0 || strcmp(one->topic, one[-1].topic) != 0) {
            struct kp_metadata_request_topic *topic =
                &metadata->topics.items[metadata->topics.count++];
            kp_set_fallbacks(&kp_metadata_request_topic_schema, topic);
            topic->name = kp_string_of(one->topic);
        }
        if (i >= ACTIVITY_PARTITIONS) continue;
        if (i == 0 || strcmp(one->topic, one[-1].topic) != 0) {
            struct kp_group_activity_request_topic *topic =
                &activity->topics.items[activity->topics.count++];
            topic->name = kp_string_of(one->topic);
            topic->partitions.items = &partitions[i];
        }
        activity->topics.items[activity->topics.count - 1].partitions.count++;
    }
    return true;
}

static void ask_memory(struct inquiry *inquiry, struct finding_group *finding) {
    struct kp_metadata_request *metadata = inquiry_alloc(inquiry, sizeof *metadata);
    struct kp_group_activity_request *activity = inquiry_alloc(inquiry, sizeof *activity);
    if (metadata == NULL || activity == NULL) return;
    kp_set_fallbacks(&kp_metadata_request_schema, metadata);
    kp_set_fallbacks(&kp_group_activity_request_schema, activity);
    metadata->allow_auto_topic_creation = false;
    activity->group_id = kp_string_of(finding->name);
    activity->short_ms = FACTS_SHORT_MS;
    activity->long_ms = FACTS_LONG_MS;
    if (!list_topics(inquiry, &finding->view.facts, metadata, activity)) return;
    finding->metadata = inquiry_ask(inquiry, -1, KP_METADATA, 4, 0, metadata,
                                    sizeof(struct kp_metadata_response));
    finding->activity = inquiry_ask(inquiry, finding->coordinator, KP_GROUP_ACTIVITY, 0, 0,
                                    activity, sizeof(struct kp_group_activity_response));
    inquiry_then(inquiry, ask_leaders);
}

static bool answers(const struct ask *ask) {
    return ask != NULL && ask->error == ERR_NONE;
}

static bool take_description(struct inquiry *inquiry, struct finding_group *finding) {
    struct group_view *view = &finding->view;
    const struct kp_consumer_group_describe_response *consumer = answers(finding->consumer)
                                                                     ? finding->consumer->response
                                                                     : NULL;
    const struct kp_describe_groups_response *classic = answers(finding->classic)
                                                            ? finding->classic->response
                                                            : NULL;
    if (consumer != NULL && consumer->groups.count > 0 &&
        !group_view_take_consumer(inquiry, view, &consumer->groups.items[0]))
        return false;
    if (view->facts.type == NULL && classic != NULL && classic->groups.count > 0 &&
        !group_view_take_classic(inquiry, view, &classic->groups.items[0]))
        return false;
    return !answers(finding->offsets) ||
           group_view_take_offsets(inquiry, view, finding->offsets->response);
}

static void described(struct inquiry *inquiry) {
    struct finding_group *finding = inquiry->state;
    struct group_view *view = &finding->view;
    view->facts.group = finding->name;
    if (!take_description(inquiry, finding)) return;
    if (!answers(finding->classic) || !answers(finding->offsets)) {
        inquiry_refuse(inquiry, 502, "coordinator",
                       "Broker %d, which coordinates this group, does not answer; another one "
                       "takes over within seconds if it is dead.",
                       (int)finding->coordinator);
        return;
    }
    if (!view->found) {
        console_share_group(inquiry, finding->name, finding->coordinator);
        return;
    }
    if (view->facts.type == NULL) {
        view->facts.type = "classic";
        view->facts.state = "Empty";
    }
    if (group_view_sort(inquiry, view)) ask_memory(inquiry, finding);
}

/* ---- The coordinator ---- */

static void ask_offsets(struct inquiry *inquiry) {
    struct finding_group *finding = inquiry->state;
    struct kp_offset_fetch_request *request = inquiry_alloc(inquiry, sizeof *request);
    struct kp_offset_fetch_request_group *group = inquiry_alloc(inquiry, sizeof *group);
    if (request == NULL || group == NULL) return;
    kp_set_fallbacks(&kp_offset_fetch_request_schema, request);
    kp_set_fallbacks(&kp_offset_fetch_request_group_schema, group);
    request->group_id = group->group_id = kp_string_of(finding->name);
    request->topics.count = group->topics.count = -1;
    group->member_id = KP_NULL_STRING;
    group->member_epoch = -1;
    request->groups.items = group;
    request->groups.count = 1;
    finding->offsets = inquiry_ask(inquiry, finding->coordinator, KP_OFFSET_FETCH, 2,
                                   NAMES_VERSION_MAX, request,
                                   sizeof(struct kp_offset_fetch_response));
    inquiry_then(inquiry, described);
}

static void ask_coordinator(struct inquiry *inquiry, struct finding_group *finding) {
    struct kp_consumer_group_describe_request *consumer = inquiry_alloc(inquiry, sizeof *consumer);
    struct kp_describe_groups_request *classic = inquiry_alloc(inquiry, sizeof *classic);
    struct kp_string *name = inquiry_alloc(inquiry, sizeof *name);
    if (consumer == NULL || classic == NULL || name == NULL) return;
    *name = kp_string_of(finding->name);
    kp_set_fallbacks(&kp_consumer_group_describe_request_schema, consumer);
    kp_set_fallbacks(&kp_describe_groups_request_schema, classic);
    consumer->group_ids.items = classic->groups.items = name;
    consumer->group_ids.count = classic->groups.count = 1;
    finding->consumer = inquiry_ask(inquiry, finding->coordinator, KP_CONSUMER_GROUP_DESCRIBE, 0, 0,
                                    consumer, sizeof(struct kp_consumer_group_describe_response));
    finding->classic = inquiry_ask(inquiry, finding->coordinator, KP_DESCRIBE_GROUPS, 1, 0, classic,
                                   sizeof(struct kp_describe_groups_response));
    inquiry_then(inquiry, ask_offsets);
}

static void coordinator_told(struct inquiry *inquiry) {
    struct finding_group *finding = inquiry_alloc(inquiry, sizeof *finding);
    if (finding == NULL) return;
    finding->name = inquiry_value(inquiry, "name");
    finding->coordinator = inquiry->coordinator;
    inquiry->state = finding;
    ask_coordinator(inquiry, finding);
}

void console_group(struct inquiry *inquiry) {
    const char *name = inquiry_value(inquiry, "name");
    if (name == NULL) {
        inquiry_refuse(inquiry, 400, "name", "Which group? Write ?name=GROUP.");
        return;
    }
    inquiry_coordinator(inquiry, name, coordinator_told);
}
