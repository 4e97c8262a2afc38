/*
 * DeleteTopics (key 20), by name or id, answered by any broker.
 *
 * Happy path: the name is looked up here, the deletion of that id is committed by the metadata
 * leader, and the answer leaves when this broker's table has it. Failures are per topic:
 * UNKNOWN_TOPIC_OR_PARTITION, UNKNOWN_TOPIC_ID; INVALID_REQUEST for one that is named more than
 * once (nothing of it is deleted then, and it is answered once), by name and id at once, or not at
 * all, and for a topic of the broker's own; REQUEST_TIMED_OUT when it cannot be said what happened.
 */
#include "protocol/messages/delete_topics.h"

#include <stdio.h>
#include <string.h>

#include "broker/api/handlers.h"
#include "broker/api/topic_changes.h"
#include "broker/config/topic_name.h"
#include "protocol/kafka_error.h"

enum { BY_ID_VERSION = 6 };

static void delete_topic(struct topic_change *item, struct kp_string name, struct kp_uuid id) {
    const struct metadata *metadata = item->changes->services->metadata;
    if (name.len >= 0 && !kp_uuid_is_zero(id)) {
        topic_change_refuse(item, KAFKA_INVALID_REQUEST,
                            "a topic is deleted by its name or by its id, not by both");
        return;
    }
    if (name.len < 0 && kp_uuid_is_zero(id)) {
        topic_change_refuse(item, KAFKA_INVALID_REQUEST,
                            "a topic is deleted by its name or by its id; neither is given");
        return;
    }
    const struct metadata_topic *topic = name.len >= 0 ? metadata_topic_named(metadata, name.data,
                                                                              (size_t)name.len)
                                                       : metadata_topic_with_id(metadata, id.bytes);
    if (topic == NULL && name.len < 0) {
        topic_change_refuse(item, KAFKA_UNKNOWN_TOPIC_ID, "there is no topic with this id");
        return;
    }
    /* Who may not see it hears the same whether it is there or not. */
    struct kp_string called = topic == NULL ? name : kp_string_of(topic->name);
    const struct request_ctx *ctx = &item->changes->request->ctx;
    if (!authorize(ctx, AUTHORIZE_DESCRIBE, AUTHORIZE_TOPIC, called.data, (size_t)called.len)) {
        topic_change_refuse(item, KAFKA_TOPIC_AUTHORIZATION_FAILED,
                            "this topic may not be deleted by this user");
        return;
    }
    if (topic == NULL) {
        bool looks = item->changes->hints++ < TOPIC_HINTS_MAX;
        const struct metadata_topic *near =
            looks ? metadata_nearest_topic(metadata, name.data, (size_t)name.len) : NULL;
        if (near != NULL && !authorize_seeing(ctx, AUTHORIZE_DESCRIBE, AUTHORIZE_TOPIC, near->name,
                                              strlen(near->name)))
            near = NULL;
        topic_change_refuse(
            item, KAFKA_UNKNOWN_TOPIC_OR_PARTITION, "Topic '%.*s' does not exist%s%s%s",
            name.len > 100 ? 100 : (int)name.len, name.data, near == NULL ? "." : "; did you mean ",
            near == NULL ? "" : near->name, near == NULL ? "" : "?");
        return;
    }
    if (!authorize_has(ctx, AUTHORIZE_DELETE, AUTHORIZE_CLUSTER, NULL, 0) &&
        !authorize(ctx, AUTHORIZE_DELETE, AUTHORIZE_TOPIC, called.data, (size_t)called.len)) {
        topic_change_refuse(item, KAFKA_TOPIC_AUTHORIZATION_FAILED,
                            "topic %s may not be deleted by this user", topic->name);
        return;
    }
    if (topic_name_is_internal(topic->name, strlen(topic->name))) {
        topic_change_refuse(item, KAFKA_INVALID_REQUEST,
                            "topic %s holds what the coordinators know and is not deleted%s",
                            topic->name,
                            strcmp(topic->name, TOPIC_CONSUMER_OFFSETS) == 0
                                ? "; delete groups, or their offsets, instead"
                                : ": open transactions would never end");
        return;
    }
    if (!topic_change_fits_quota(item, topic->partition_count)) return;
    snprintf(item->name, sizeof item->name, "%s", topic->name);
    memcpy(item->id.bytes, topic->id, sizeof topic->id);
    struct metadata_change change = {0};
    metadata_command_init(&change.command, COMMAND_DELETE_TOPIC);
    change.command.delete_topic.id = item->id;
    topic_change_submit(item, &change, false);
}

/* Somebody else was first. UNKNOWN_TOPIC_ID is for those who gave an id: older clients do not even
 * know this code. */
static void name_what_is_gone(struct topic_change *item) {
    if (item->error != KAFKA_UNKNOWN_TOPIC_ID) return;
    item->error = KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
    snprintf(item->message, sizeof item->message, "Topic '%.100s' does not exist any more.",
             item->name);
}

/* A deletion that was tried again finds the topic gone, by the first try or by somebody else. When
 * another topic has its name meanwhile, somebody else may have been first with both: then what was
 * asked for may not have happened. */
static void doubt_deletion(struct topic_change *item) {
    const struct metadata *metadata = item->changes->services->metadata;
    if (item->error != 0 || item->submit.tries < 2) return;
    if (metadata_topic_named(metadata, item->name, strlen(item->name)) == NULL) return;
    item->error = KAFKA_REQUEST_TIMED_OUT;
    snprintf(
        item->message, sizeof item->message,
        "topic %.100s was deleted, and there is another one of this name, made meanwhile or before; look, and delete it "
        "if it is not wanted",
        item->name);
}

static bool delete_topics_add(struct topic_changes *changes, size_t i) {
    const struct kp_delete_topics_request *asked = changes->asked;
    struct kp_delete_topics_response *response = changes->response;
    bool by_id = changes->request->api_version >= BY_ID_VERSION;
    struct topic_change *item = changes->items[i];
    struct kp_delete_topics_response_topic *into =
        &response->responses.items[response->responses.count++];
    kp_set_fallbacks(&kp_delete_topics_response_topic_schema, into);
    if (!by_id || asked->topics.items[i].name.len >= 0) {
        doubt_deletion(item);
        name_what_is_gone(item);
    }
    into->name = by_id ? asked->topics.items[i].name : asked->topic_names.items[i];
    into->topic_id = by_id ? asked->topics.items[i].topic_id : item->id;
    if (item->name[0] != '\0') {
        into->name = kp_string_of(item->name);
        into->topic_id = item->id;
    }
    into->error_code = item->error;
    into->error_message = topic_change_message(item);
    return true;
}

/*
 * A topic that is named once by its name and once by its id is named twice: whoever names it by its
 * name is told by its id where there is one. What names neither, or both, is told by its place:
 * each is answered, as in Kafka.
 */
enum { KEY_NAME, KEY_ID, KEY_PLACE };

static struct key key_of_id(const uint8_t *id) {
    return (struct key){.text = {(const char *)id, METADATA_UUID_SIZE}, .number = KEY_ID};
}

static struct key key_of_name(const struct topic_changes *changes, struct kp_string name) {
    const struct metadata_topic *topic = metadata_topic_named(changes->services->metadata,
                                                              name.data, (size_t)name.len);
    return topic != NULL ? key_of_id(topic->id) : (struct key){.text = name, .number = KEY_NAME};
}

static struct key key(const struct topic_changes *changes, size_t i) {
    const struct kp_delete_topics_request *asked = changes->asked;
    if (changes->request->api_version < BY_ID_VERSION)
        return key_of_name(changes, asked->topic_names.items[i]);
    const struct kp_delete_topics_request_topic *one = &asked->topics.items[i];
    bool has_name = one->name.len >= 0, has_id = !kp_uuid_is_zero(one->topic_id);
    if (has_name == has_id)
        return (struct key){.text = KP_NULL_STRING, .number = KEY_PLACE + (int32_t)i};
    return has_name ? key_of_name(changes, one->name) : key_of_id(one->topic_id.bytes);
}

static void topics_start(struct topic_changes *changes, size_t i) {
    const struct kp_delete_topics_request *asked = changes->asked;
    struct kp_uuid none = {{0}};
    if (changes->items[i]->twice)
        topic_change_refuse(
            changes->items[i], KAFKA_INVALID_REQUEST,
            "Duplicate topic name or id: it is in the request more than once, and was not deleted.");
    else if (changes->request->api_version >= BY_ID_VERSION)
        delete_topic(changes->items[i], asked->topics.items[i].name,
                     asked->topics.items[i].topic_id);
    else
        delete_topic(changes->items[i], asked->topic_names.items[i], none);
}

static const struct topic_changes_api api = {.key = key,
                                             .start = topics_start,
                                             .add = delete_topics_add,
                                             .strict_from = 5,
                                             .once_in_answer = true};

void api_delete_topics(void *service, struct request *request) {
    const struct kp_delete_topics_request *asked = request->message;
    bool by_id = request->api_version >= BY_ID_VERSION;
    int32_t count = by_id ? asked->topics.count : asked->topic_names.count;
    struct kp_delete_topics_response *response = kp_arena_alloc(&request->arena, sizeof *response);
    kp_set_fallbacks(&kp_delete_topics_response_schema, response);
    response->responses.items = kp_arena_alloc(
        &request->arena, ((size_t)count + 1) * sizeof *response->responses.items);
    topic_changes_run(service, request, count, asked->timeout_ms, &api, asked,
                      response->responses.items == NULL ? NULL : response);
}
