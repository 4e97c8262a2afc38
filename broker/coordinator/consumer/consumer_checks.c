/* What a heartbeat must be, and who may say it: the checks of KIP-848 in their order. Sentences for
 * INVALID_REQUEST are exact, for clients take it as the end. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mutant.h"
#include "broker/coordinator/consumer/consumer_decision.h"
#include "broker/coordinator/regex/topic_regex.h"
#include "protocol/kafka_error.h"

int16_t consumer_refuse(struct consumer_heartbeat *heartbeat, int16_t error, const char *format,
                        ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(heartbeat->message, sizeof heartbeat->message, format, arguments);
    va_end(arguments);
    return error;
}

enum { OWNED_MAX = 200000 };

/* ---- The request in itself ---- */

static int16_t check_join(struct consumer_heartbeat *heartbeat) {
    const struct kp_consumer_group_heartbeat_request *request = heartbeat->request;
    const char *wrong = NULL;
    if (request->rebalance_timeout_ms == -1)
        wrong = "RebalanceTimeoutMs must be provided in first request.";
    else if (request->topic_partitions.count != 0)
        wrong = "TopicPartitions must be empty when (re-)joining.";
    else if (request->subscribed_topic_names.count < 0 && request->subscribed_topic_regex.len < 0)
        wrong =
            "Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.";
    return wrong == NULL ? KAFKA_NONE
                         : consumer_refuse(heartbeat, KAFKA_INVALID_REQUEST, "%s", wrong);
}

static bool assignor_is_known(struct kp_string name) {
    return name.len < 0 || kp_string_is(name, "uniform") || kp_string_is(name, "range");
}

/* Keys of records have 16 bits for the length of a text. */
static bool is_too_long(struct kp_string text) {
    return text.len > INT16_MAX;
}

static size_t owned_count(const struct kp_consumer_group_heartbeat_request *request) {
    size_t count = 0;
    for (int32_t t = 0; t < request->topic_partitions.count; t++)
        count += 1 + (size_t)request->topic_partitions.items[t].partitions.count;
    return count;
}

int16_t consumer_check_request(struct consumer_heartbeat *heartbeat) {
    const struct kp_consumer_group_heartbeat_request *request = heartbeat->request;
    const char *wrong = NULL;
    bool may_lack_id = !heartbeat->names_its_id && request->member_epoch == CONSUMER_EPOCH_JOIN;
    if (request->member_id.len == 0 && !may_lack_id)
        wrong = "MemberId can't be empty.";
    else if (request->group_id.len == 0)
        wrong = "GroupId can't be empty.";
    else if (request->instance_id.len == 0)
        wrong = "InstanceId can't be empty.";
    else if (request->rack_id.len == 0)
        wrong = "RackId can't be empty.";
    else if (request->member_epoch < CONSUMER_EPOCH_LEAVE_STATIC)
        wrong = "MemberEpoch is invalid.";
    else if (request->member_epoch == CONSUMER_EPOCH_LEAVE_STATIC && request->instance_id.len < 0)
        wrong = "InstanceId can't be null.";
    else if (request->rebalance_timeout_ms < -1)
        wrong = "RebalanceTimeoutMs is invalid.";
    else if (is_too_long(request->member_id) || is_too_long(request->group_id) ||
             is_too_long(request->instance_id) || is_too_long(request->rack_id))
        wrong = "An id has more than 32767 bytes.";
    else if (owned_count(request) > OWNED_MAX)
        wrong = "TopicPartitions has more than 200000 partitions.";
    if (wrong != NULL) return consumer_refuse(heartbeat, KAFKA_INVALID_REQUEST, "%s", wrong);
    if (request->member_epoch == CONSUMER_EPOCH_JOIN) {
        int16_t error = check_join(heartbeat);
        if (error != KAFKA_NONE) return error;
    }
    if (!assignor_is_known(request->server_assignor))
        return consumer_refuse(
            heartbeat, KAFKA_UNSUPPORTED_ASSIGNOR,
            "ServerAssignor %.*s is not supported. Supported assignors: uniform, range.",
            request->server_assignor.len > 64 ? 64 : (int)request->server_assignor.len,
            request->server_assignor.data);
    return KAFKA_NONE;
}

/* ---- The member ---- */

static void note_owned(struct consumer_decision *decision, bool *said,
                       const struct partition_list *list) {
    for (size_t i = 0; i < list->count; i++)
        if (said[i])
            partition_list_add(&decision->owned, list->items[i].topic, list->items[i].partition, 0);
}

/* Sets said[] of the partition, if it is in the list. */
static bool say_owned(const struct partition_list *list, uint32_t topic, int32_t partition,
                      bool *said) {
    const struct listed_partition *one = partition_list_find(list, topic, partition);
    if (one != NULL) said[one - list->items] = true;
    return one != NULL;
}

/* What it says that it owns, as far as it has it or is giving it back: no more than that is kept,
 * however often a request repeats it. */
void consumer_read_owned(struct consumer_decision *decision) {
    static const struct consumer_standing nothing = {0};
    const struct kp_consumer_group_heartbeat_request *request = decision->heartbeat->request;
    decision->says_owned = request->topic_partitions.count >= 0;
    if (!decision->says_owned) return;
    const struct consumer_standing *standing = decision->member != NULL
                                                   ? &decision->member->standing
                                                   : &nothing;
    bool *assigned = mem_zalloc(standing->assigned.count);
    bool *pending = mem_zalloc(standing->pending.count);
    for (int32_t t = 0; t < request->topic_partitions.count; t++) {
        const struct kp_consumer_group_heartbeat_topic_partitions *one =
            &request->topic_partitions.items[t];
        const struct consumer_topic *topic = consumer_topic_find(decision->group, one->topic_id);
        if (topic == NULL && one->partitions.count > 0) decision->owns_strangers = true;
        for (int32_t p = 0; topic != NULL && p < one->partitions.count; p++) {
            int32_t partition = one->partitions.items[p];
            if (!say_owned(&standing->assigned, topic->number, partition, assigned) &&
                !say_owned(&standing->pending, topic->number, partition, pending))
                decision->owns_strangers = true;
        }
    }
    note_owned(decision, assigned, &standing->assigned);
    note_owned(decision, pending, &standing->pending);
    partition_list_sort(&decision->owned);
    mem_free(assigned);
    mem_free(pending);
}

static bool owns_a_part_of(const struct consumer_decision *decision,
                           const struct partition_list *assigned) {
    if (!decision->says_owned || decision->owns_strangers) return false;
    for (size_t i = 0; i < decision->owned.count; i++)
        if (partition_list_find(assigned, decision->owned.items[i].topic,
                                decision->owned.items[i].partition) == NULL)
            return false;
    return true;
}

static int16_t check_epoch(struct consumer_decision *decision) {
    int32_t said = decision->heartbeat->request->member_epoch;
    const struct consumer_standing *standing = &decision->member->standing;
    if (MUTANT(MUTANT_FENCED_FOR_EVER) && said == CONSUMER_EPOCH_JOIN)
        return KAFKA_FENCED_MEMBER_EPOCH;
    if (said <= CONSUMER_EPOCH_JOIN || said == standing->epoch) return KAFKA_NONE;
    if (said > standing->epoch)
        return consumer_refuse(
            decision->heartbeat, KAFKA_FENCED_MEMBER_EPOCH,
            "The consumer group member has a greater member epoch (%d) than the one known by the group coordinator (%d). "
            "The member must abandon all its partitions and rejoin.",
            said, standing->epoch);
    /* The answer with its new epoch was lost. */
    if (said == standing->previous_epoch && !MUTANT(MUTANT_LOST_ANSWER_FENCED) &&
        owns_a_part_of(decision, &standing->assigned))
        return KAFKA_NONE;
    return consumer_refuse(
        decision->heartbeat, KAFKA_FENCED_MEMBER_EPOCH,
        "The consumer group member has a smaller member epoch (%d) than the one known by the group coordinator (%d). "
        "The member must abandon all its partitions and rejoin.",
        said, standing->epoch);
}

static int16_t unknown_member(struct consumer_decision *decision) {
    return consumer_refuse(decision->heartbeat, KAFKA_UNKNOWN_MEMBER_ID,
                           "The group has no member of that id; join with epoch 0.");
}

static int16_t check_static(struct consumer_decision *decision) {
    const struct kp_consumer_group_heartbeat_request *request = decision->heartbeat->request;
    struct consumer_member *holder = consumer_member_of_instance(decision->group,
                                                                 request->instance_id);
    bool joins = request->member_epoch == CONSUMER_EPOCH_JOIN;
    if (joins && decision->member != NULL && decision->member != holder)
        return consumer_refuse(decision->heartbeat, KAFKA_INVALID_REQUEST,
                               "The member has another InstanceId.");
    if (holder == NULL) return joins ? KAFKA_NONE : unknown_member(decision);
    if (holder == decision->member) return KAFKA_NONE;
    if (!joins)
        return consumer_refuse(decision->heartbeat, KAFKA_FENCED_INSTANCE_ID,
                               "Another member has this InstanceId now.");
    if (holder->classic == NULL && holder->standing.epoch != CONSUMER_EPOCH_LEAVE_STATIC)
        return consumer_refuse(
            decision->heartbeat, KAFKA_UNRELEASED_INSTANCE_ID,
            "Static member with InstanceId %.*s is in the group and has not left it.",
            request->instance_id.len > 64 ? 64 : (int)request->instance_id.len,
            request->instance_id.data);
    decision->replaced = holder;
    return KAFKA_NONE;
}

/* A regular expression that it brings must compile, and topics that it names must be visible to it;
 * what matches and is not is left out. */
static int16_t check_subscription(struct consumer_decision *decision) {
    struct consumer_heartbeat *heartbeat = decision->heartbeat;
    const struct kp_consumer_group_heartbeat_request *request = heartbeat->request;
    for (int32_t i = 0; i < request->subscribed_topic_names.count; i++)
        if (heartbeat->may_describe != NULL &&
            !heartbeat->may_describe(heartbeat->may_arg, request->subscribed_topic_names.items[i]))
            return consumer_refuse(heartbeat, KAFKA_TOPIC_AUTHORIZATION_FAILED,
                                   "It may not describe all topics that it subscribes to.");
    if (request->subscribed_topic_names.count > CONSUMER_NAMES_MAX)
        return consumer_refuse(heartbeat, KAFKA_INVALID_REQUEST,
                               "It subscribes to %d topics by name; %d at most.",
                               request->subscribed_topic_names.count, CONSUMER_NAMES_MAX);
    struct kp_string regex = request->subscribed_topic_regex;
    if (regex.len <= 0 || consumer_regex_find(decision->group, regex) != NULL) return KAFKA_NONE;
    if (HASH_COUNT(decision->group->regexes) >= CONSUMER_REGEXES_MAX)
        return consumer_refuse(heartbeat, KAFKA_INVALID_REQUEST,
                               "The group has %d regular expressions; use one that others have.",
                               CONSUMER_REGEXES_MAX);
    struct error_text why;
    struct topic_regex *compiled = topic_regex_new(regex.data, (size_t)regex.len, &why);
    if (compiled == NULL)
        return consumer_refuse(heartbeat, KAFKA_INVALID_REGULAR_EXPRESSION,
                               "SubscribedTopicRegex: %s.", why.text);
    topic_regex_free(compiled);
    return KAFKA_NONE;
}

static bool is_full(const struct consumer_decision *decision) {
    return decision->member == NULL && decision->replaced == NULL &&
           decision->group->member_count >= decision->row->table->settings->group_consumer_max_size;
}

/* It is new, or subscribes to more than before. */
static bool takes_more(const struct consumer_decision *decision) {
    const struct consumer_member *member = decision->member != NULL ? decision->member
                                                                    : decision->replaced;
    const struct kp_consumer_group_heartbeat_request *request = decision->heartbeat->request;
    if (request->member_epoch < CONSUMER_EPOCH_JOIN) return false;
    if (member == NULL) return true;
    struct kp_string regex = request->subscribed_topic_regex;
    if (regex.len > 0 && consumer_regex_find(decision->group, regex) == NULL) return true;
    size_t bytes = 0;
    for (int32_t i = 0; i < request->subscribed_topic_names.count; i++)
        bytes += (size_t)request->subscribed_topic_names.items[i].len;
    struct kp_bytes before = shared_bytes_view(member->names);
    return bytes > (before.len < 0 ? 0 : (size_t)before.len);
}

int16_t consumer_check_member(struct consumer_decision *decision) {
    const struct kp_consumer_group_heartbeat_request *request = decision->heartbeat->request;
    bool joins = request->member_epoch == CONSUMER_EPOCH_JOIN;
    /* A downgrade left it behind: with this error it joins anew, the other one ends it. Not a
     * static member: another one may have taken its place, and would be fenced. */
    if (request->member_epoch > CONSUMER_EPOCH_JOIN && request->instance_id.len < 0 &&
        decision->row->record != NULL)
        return unknown_member(decision);
    if (!joins && decision->row->consumer == NULL)
        return consumer_refuse(
            decision->heartbeat, KAFKA_GROUP_ID_NOT_FOUND, "Group %.*s not found.",
            decision->row->id.len > 128 ? 128 : (int)decision->row->id.len, decision->row->id.data);
    decision->member = consumer_member_find(decision->group, decision->member_id);
    if (decision->member != NULL && !decision->member->written) decision->member = NULL;
    consumer_read_owned(decision);
    int16_t error = KAFKA_NONE;
    if (request->instance_id.len >= 0)
        error = check_static(decision);
    else if (!joins && decision->member == NULL)
        error = unknown_member(decision);
    if (error == KAFKA_NONE && joins && is_full(decision))
        error = consumer_refuse(
            decision->heartbeat, KAFKA_GROUP_MAX_SIZE_REACHED,
            "The consumer group has reached its maximum capacity of %zu members.",
            decision->group->member_count);
    if (joins) group_pay(decision->row, decision->heartbeat->client_host);
    if (error == KAFKA_NONE && group_refuses_more(decision->row) && takes_more(decision))
        error = consumer_refuse(
            decision->heartbeat, KAFKA_COORDINATOR_NOT_AVAILABLE,
            "The memory for groups (group.memory.bytes) is spent, or the share of this host.");
    if (error == KAFKA_NONE && decision->member != NULL) error = check_epoch(decision);
    if (error == KAFKA_NONE && request->member_epoch >= CONSUMER_EPOCH_JOIN)
        error = check_subscription(decision);
    return error;
}
