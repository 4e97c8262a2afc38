/*
 * POST /api/change/add-partitions: topic, more (how many). POST /api/change/move-leader: topic,
 * partition, to (a broker that holds a replica).
 *
 * Happy path: the topic's metadata is asked, so that the plan can say from what to what; then one
 * request. A lead moves in two: the replicas stay where they are, with the wanted one first, and
 * then the first one is elected. Failures: a broker without a replica, an internal topic; what the
 * cluster refuses, in its words.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "broker/console/changes/change_answer.h"
#include "broker/console/changes/changes.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/alter_partition_reassignments.h"
#include "protocol/messages/create_partitions.h"
#include "protocol/messages/elect_leaders.h"

enum {
    BAD_REQUEST = 400,
    NOT_FOUND = 404,
    ANSWER_MS = 3500,
    REPLICAS_MOST = 99,
    MORE_MOST = 10000
};

/* The topic of the form, which may be changed; NULL: refused. */
static const struct kp_metadata_response_topic *topic_of(struct inquiry *inquiry) {
    const char *name = inquiry_value(inquiry, "topic");
    const struct kp_metadata_response_topic *topic = inquiry_topic(inquiry, name);
    if (topic != NULL && topic->is_internal) {
        inquiry_refuse(inquiry, BAD_REQUEST, "internal",
                       "Topic %s belongs to the brokers; it cannot be changed here.", name);
        return NULL;
    }
    return topic;
}

static void with_topic(struct inquiry *inquiry, void (*then)(struct inquiry *inquiry)) {
    const char *name = inquiry_value(inquiry, "topic");
    if (name == NULL || *name == '\0')
        inquiry_refuse(inquiry, BAD_REQUEST, "topic", "Which topic? Write topic=TOPIC.");
    else
        inquiry_metadata(inquiry, name, then);
}

/* ---- More partitions ---- */

struct growth {
    const char *topic;
    int32_t before, more;
};

static void grown(struct inquiry *inquiry) {
    const struct growth *growth = inquiry->state;
    const struct kp_create_partitions_response *response = change_answered(inquiry,
                                                                           KP_CREATE_PARTITIONS);
    char number[24];
    if (response == NULL || response->results.count != 1) return;
    if (response->results.items[0].error_code != 0) {
        change_refused(inquiry, response->results.items[0].error_code,
                       response->results.items[0].error_message);
        return;
    }
    if (!change_is_dry(inquiry))
        change_log(inquiry, "topic %s: %d partitions more than %d", growth->topic,
                   (int)growth->more, (int)growth->before);
    change_begin(inquiry);
    json_array(&inquiry->json, "plan");
    change_says(inquiry, "Topic %s: %d -> %d partitions.", growth->topic, (int)growth->before,
                (int)(growth->before + growth->more));
    change_says(inquiry, "Records that are there stay where they are; new ones with a key may go "
                         "to another partition than before.");
    json_end(&inquiry->json);
    struct change_command command = change_command(inquiry, "drave topic add-partitions");
    change_name(&command, growth->topic);
    snprintf(number, sizeof number, "-n %" PRId32, growth->more);
    change_plain(&command, number);
    change_end(&command);
}

static void ask_growth(struct inquiry *inquiry) {
    const struct kp_metadata_response_topic *topic = topic_of(inquiry);
    struct growth *growth = inquiry_alloc(inquiry, sizeof *growth);
    struct kp_create_partitions_request *request = inquiry_alloc(inquiry, sizeof *request);
    struct kp_create_partitions_request_topic *row = inquiry_alloc(inquiry, sizeof *row);
    if (topic == NULL || growth == NULL || request == NULL || row == NULL) return;
    *growth = (struct growth){inquiry_value(inquiry, "topic"), topic->partitions.count,
                              (int32_t)inquiry_number(inquiry, "more", 0, 0, MORE_MOST)};
    inquiry->state = growth;
    if (growth->more < 1) {
        inquiry_refuse(inquiry, BAD_REQUEST, "more", "How many? Write more=N, 1 to %d.", MORE_MOST);
        return;
    }
    kp_set_fallbacks(&kp_create_partitions_request_schema, request);
    kp_set_fallbacks(&kp_create_partitions_request_topic_schema, row);
    row->name = kp_string_of(growth->topic);
    row->count = growth->before + growth->more;
    row->assignments.count = -1;
    request->topics.items = row;
    request->topics.count = 1;
    request->timeout_ms = ANSWER_MS;
    request->validate_only = change_is_dry(inquiry);
    change_try(inquiry, "topic %s is to have %d partitions", growth->topic, (int)row->count);
    inquiry_ask(inquiry, -1, KP_CREATE_PARTITIONS, 0, 0, request,
                sizeof(struct kp_create_partitions_response));
    inquiry_then(inquiry, grown);
}

void change_add_partitions(struct inquiry *inquiry) {
    with_topic(inquiry, ask_growth);
}

/* ---- Another leader ---- */

struct leading {
    const char *topic;
    int32_t partition, from, to;
    int32_t replicas[REPLICAS_MOST], count; /* with `to` first */
    struct kp_string name;
};

/* As drave topic move has it: each partition takes the list from another place on. */
static void command_of(const struct leading *leading, struct change_command *command) {
    char list[REPLICAS_MOST * 12 + 1], words[sizeof list + 40];
    size_t len = 0;
    for (int32_t i = 0; i < leading->count; i++) {
        int32_t shifted = (i - leading->partition % leading->count + leading->count) %
                          leading->count;
        len += (size_t)snprintf(list + len, sizeof list - len, "%s%" PRId32, i == 0 ? "" : ",",
                                leading->replicas[shifted]);
    }
    snprintf(words, sizeof words, "-p %" PRId32 " --to %s", leading->partition, list);
    change_plain(command, words);
}

static void show_leading(struct inquiry *inquiry) {
    const struct leading *leading = inquiry->state;
    bool dry = change_is_dry(inquiry);
    change_begin(inquiry);
    json_array(&inquiry->json, "plan");
    change_says(inquiry, "Partition %d of %s: broker %d %s in place of broker %d.",
                (int)leading->partition, leading->topic, (int)leading->to,
                dry ? "will lead" : "leads", (int)leading->from);
    change_says(inquiry,
                "Its replicas stay where they are; broker %d is the first of them, to "
                "which the lead comes home.",
                (int)leading->to);
    json_end(&inquiry->json);
    struct change_command command = change_command(inquiry, "drave topic move");
    change_name(&command, leading->topic);
    command_of(leading, &command);
    change_end(&command);
}

static void elected(struct inquiry *inquiry) {
    const struct leading *leading = inquiry->state;
    const struct kp_elect_leaders_response *response = change_answered(inquiry, KP_ELECT_LEADERS);
    if (response == NULL) return;
    for (int32_t t = 0; t < response->replica_election_results.count; t++) {
        const struct kp_elect_leaders_response_topic *topic =
            &response->replica_election_results.items[t];
        for (int32_t p = 0; p < topic->partition_result.count; p++) {
            const struct kp_elect_leaders_response_partition *one =
                &topic->partition_result.items[p];
            if (one->error_code != 0 && one->error_code != KAFKA_ELECTION_NOT_NEEDED) {
                change_log(inquiry,
                           "topic %s, partition %d: broker %d is first of its replicas, "
                           "and does not lead yet (%s)",
                           leading->topic, (int)leading->partition, (int)leading->to,
                           kafka_error_name(one->error_code));
                change_refused(inquiry, one->error_code, one->error_message);
                return;
            }
        }
    }
    change_log(inquiry, "topic %s, partition %d: broker %d leads in place of broker %d",
               leading->topic, (int)leading->partition, (int)leading->to, (int)leading->from);
    show_leading(inquiry);
}

static void placed(struct inquiry *inquiry) {
    struct leading *leading = inquiry->state;
    const struct kp_alter_partition_reassignments_response *response = change_answered(
        inquiry, KP_ALTER_PARTITION_REASSIGNMENTS);
    struct kp_elect_leaders_request *request = inquiry_alloc(inquiry, sizeof *request);
    struct kp_elect_leaders_request_topic *topic = inquiry_alloc(inquiry, sizeof *topic);
    if (response == NULL || request == NULL || topic == NULL) return;
    int16_t error = response->error_code;
    struct kp_string message = response->error_message;
    if (error == 0 && response->responses.count == 1 &&
        response->responses.items[0].partitions.count == 1) {
        error = response->responses.items[0].partitions.items[0].error_code;
        message = response->responses.items[0].partitions.items[0].error_message;
    }
    if (error != 0) {
        change_refused(inquiry, error, message);
        return;
    }
    kp_set_fallbacks(&kp_elect_leaders_request_schema, request);
    kp_set_fallbacks(&kp_elect_leaders_request_topic_schema, topic);
    topic->topic = leading->name;
    topic->partitions.items = &leading->partition;
    topic->partitions.count = 1;
    request->topic_partitions.items = topic;
    request->topic_partitions.count = 1;
    request->timeout_ms = ANSWER_MS;
    inquiry_ask(inquiry, -1, KP_ELECT_LEADERS, 1, 0, request,
                sizeof(struct kp_elect_leaders_response));
    inquiry_then(inquiry, elected);
}

static void place(struct inquiry *inquiry) {
    struct leading *leading = inquiry->state;
    struct kp_alter_partition_reassignments_request *request = inquiry_alloc(inquiry,
                                                                             sizeof *request);
    struct kp_alter_partition_reassignments_request_topic *topic = inquiry_alloc(inquiry,
                                                                                 sizeof *topic);
    struct kp_alter_partition_reassignments_request_partition *row = inquiry_alloc(inquiry,
                                                                                   sizeof *row);
    if (request == NULL || topic == NULL || row == NULL) return;
    kp_set_fallbacks(&kp_alter_partition_reassignments_request_schema, request);
    kp_set_fallbacks(&kp_alter_partition_reassignments_request_topic_schema, topic);
    kp_set_fallbacks(&kp_alter_partition_reassignments_request_partition_schema, row);
    row->partition_index = leading->partition;
    row->replicas.items = leading->replicas;
    row->replicas.count = leading->count;
    topic->name = leading->name;
    topic->partitions.items = row;
    topic->partitions.count = 1;
    request->topics.items = topic;
    request->topics.count = 1;
    request->timeout_ms = ANSWER_MS;
    change_try(inquiry, "topic %s, partition %d: broker %d is to lead", leading->topic,
               (int)leading->partition, (int)leading->to);
    inquiry_ask(inquiry, -1, KP_ALTER_PARTITION_REASSIGNMENTS, 0, 0, request,
                sizeof(struct kp_alter_partition_reassignments_response));
    inquiry_then(inquiry, placed);
}

/* False: the broker holds no replica. */
static bool take_replicas(struct leading *leading,
                          const struct kp_metadata_response_partition *partition) {
    bool holds = false;
    leading->replicas[leading->count++] = leading->to;
    for (int32_t i = 0; i < partition->replica_nodes.count && leading->count < REPLICAS_MOST; i++) {
        int32_t node = partition->replica_nodes.items[i];
        holds = holds || node == leading->to;
        if (node != leading->to) leading->replicas[leading->count++] = node;
    }
    return holds;
}

static void plan_leading(struct inquiry *inquiry) {
    const struct kp_metadata_response_topic *topic = topic_of(inquiry);
    struct leading *leading = inquiry_alloc(inquiry, sizeof *leading);
    if (topic == NULL || leading == NULL) return;
    const struct kp_metadata_response_partition *found = NULL;
    leading->topic = inquiry_value(inquiry, "topic");
    leading->name = kp_string_of(leading->topic);
    leading->partition = (int32_t)inquiry_number(inquiry, "partition", -1, -1, INT32_MAX);
    leading->to = (int32_t)inquiry_number(inquiry, "to", -1, -1, INT32_MAX);
    inquiry->state = leading;
    for (int32_t i = 0; i < topic->partitions.count; i++)
        if (topic->partitions.items[i].partition_index == leading->partition)
            found = &topic->partitions.items[i];
    if (found == NULL) {
        inquiry_refuse(inquiry, NOT_FOUND, "partition", "%s has no such partition.",
                       leading->topic);
    } else if (!take_replicas(leading, found)) {
        inquiry_refuse(inquiry, BAD_REQUEST, "to",
                       "Broker %d holds no replica of partition %d; write to=ID of one that does.",
                       (int)leading->to, (int)leading->partition);
    } else {
        leading->from = found->leader_id;
        if (change_is_dry(inquiry))
            show_leading(inquiry);
        else
            place(inquiry);
    }
}

void change_move_leader(struct inquiry *inquiry) {
    with_topic(inquiry, plan_leading);
}
