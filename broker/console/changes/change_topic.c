/*
 * POST /api/change/create-topic: name, partitions, replicas (-1 or nothing: what the brokers have
 * as default), settings (lines NAME=VALUE). POST /api/change/delete-topic: name, and the same once
 * more as `confirm` unless it is dry.
 *
 * Happy path: one request to the broker that serves the console, which forwards it where it must;
 * a dry one lets the cluster check all of it. Failures: the broker's own sentence is shown.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "broker/console/changes/change_answer.h"
#include "broker/console/changes/changes.h"
#include "protocol/messages/create_topics.h"
#include "protocol/messages/delete_topics.h"

enum { BAD_REQUEST = 400, ANSWER_MS = 3500, SETTINGS_MAX = 100 };

/* ---- Creating ---- */

struct creation {
    const char *name;
    struct kp_create_topics_request_topic topic;
    char *settings[SETTINGS_MAX]; /* "NAME=VALUE" */
};

static void created(struct inquiry *inquiry) {
    const struct creation *creation = inquiry->state;
    const struct kp_create_topics_response *response = change_answered(inquiry, KP_CREATE_TOPICS);
    if (response == NULL) return;
    if (response->topics.count != 1) return;
    const struct kp_create_topics_response_topic *made = &response->topics.items[0];
    if (made->error_code != 0) {
        change_refused(inquiry, made->error_code, made->error_message);
        return;
    }
    bool dry = change_is_dry(inquiry);
    if (!dry)
        change_log(inquiry, "topic %s created, %d partitions, %d replicas", creation->name,
                   (int)made->num_partitions, (int)made->replication_factor);
    change_begin(inquiry);
    json_array(&inquiry->json, "plan");
    change_says(inquiry, "Topic %s %s: %d partition%s, %d replica%s of each.", creation->name,
                dry ? "will be created" : "is created", (int)made->num_partitions,
                made->num_partitions == 1 ? "" : "s", (int)made->replication_factor,
                made->replication_factor == 1 ? "" : "s");
    for (int32_t i = 0; i < creation->topic.configs.count; i++)
        change_says(inquiry, "It has %s.", creation->settings[i]);
    json_end(&inquiry->json);
    struct change_command command = change_command(inquiry, "drave topic create");
    char number[16];
    change_name(&command, creation->name);
    snprintf(number, sizeof number, "-p %" PRId32, made->num_partitions);
    change_plain(&command, number);
    snprintf(number, sizeof number, "-r %d", (int)made->replication_factor);
    change_plain(&command, number);
    for (int32_t i = 0; i < creation->topic.configs.count; i++) {
        change_plain(&command, "-c");
        change_word(&command, creation->settings[i]);
    }
    change_end(&command);
}

/* False: refused. */
static bool take_settings(struct inquiry *inquiry, struct creation *creation) {
    struct kp_create_topics_request_topic *topic = &creation->topic;
    char *rest = change_lines(inquiry, "settings"), *line;
    topic->configs.items = inquiry_alloc(inquiry, SETTINGS_MAX * sizeof *topic->configs.items);
    if (topic->configs.items == NULL) return false;
    topic->configs.count = 0;
    while ((line = change_line(&rest)) != NULL) {
        char *equals = strchr(line, '=');
        if (equals == NULL || equals == line || topic->configs.count == SETTINGS_MAX) {
            inquiry_refuse(inquiry, BAD_REQUEST, "settings",
                           "\"%.200s\" is no line NAME=VALUE, of which there may be %d.", line,
                           SETTINGS_MAX);
            return false;
        }
        struct kp_create_topics_request_config *config =
            &topic->configs.items[topic->configs.count];
        creation->settings[topic->configs.count++] = line;
        config->name = kp_arena_string(&inquiry->arena, line, (size_t)(equals - line));
        config->value = kp_string_of(equals + 1);
    }
    return true;
}

/* -1, the brokers' default, where nothing is said. */
static int64_t take_count(struct inquiry *inquiry, const char *name, int64_t most) {
    return inquiry_number(inquiry, name, -1, -most, most);
}

static void ask_creation(struct inquiry *inquiry) {
    struct kp_create_topics_request *request = inquiry_alloc(inquiry, sizeof *request);
    struct creation *creation = inquiry_alloc(inquiry, sizeof *creation);
    if (request == NULL || creation == NULL) return;
    kp_set_fallbacks(&kp_create_topics_request_schema, request);
    kp_set_fallbacks(&kp_create_topics_request_topic_schema, &creation->topic);
    inquiry->state = creation;
    creation->name = inquiry_value(inquiry, "name");
    creation->topic.name = kp_string_of(creation->name);
    creation->topic.num_partitions = (int32_t)take_count(inquiry, "partitions", INT32_MAX);
    creation->topic.replication_factor = (int16_t)take_count(inquiry, "replicas", INT16_MAX);
    if (!take_settings(inquiry, creation)) return;
    request->topics.items = &creation->topic;
    request->topics.count = 1;
    request->timeout_ms = ANSWER_MS;
    request->validate_only = change_is_dry(inquiry);
    change_try(inquiry, "topic %s is to be created", creation->name);
    inquiry_ask(inquiry, -1, KP_CREATE_TOPICS, 5, 0, request,
                sizeof(struct kp_create_topics_response));
    inquiry_then(inquiry, created);
}

/* False: it was refused, for it does not say which topic. */
static bool has_name(struct inquiry *inquiry) {
    const char *name = inquiry_value(inquiry, "name");
    if (name != NULL && *name != '\0') return true;
    inquiry_refuse(inquiry, BAD_REQUEST, "name", "Which topic? Write name=TOPIC.");
    return false;
}

void change_create_topic(struct inquiry *inquiry) {
    if (has_name(inquiry)) inquiry_cluster(inquiry, ask_creation);
}

/* ---- Deleting ---- */

struct deletion {
    const char *name;
    int32_t partitions;
};

static void show_deletion(struct inquiry *inquiry) {
    const struct deletion *deletion = inquiry->state;
    bool dry = change_is_dry(inquiry);
    change_begin(inquiry);
    json_array(&inquiry->json, "plan");
    change_says(inquiry, "Topic %s %s, with %d partition%s and all of %s records.", deletion->name,
                dry ? "will be deleted" : "is deleted", (int)deletion->partitions,
                deletion->partitions == 1 ? "" : "s", deletion->partitions == 1 ? "its" : "their");
    if (dry) change_says(inquiry, "Nobody can take that back.");
    json_end(&inquiry->json);
    struct change_command command = change_command(inquiry, "drave topic delete");
    change_name(&command, deletion->name);
    change_end(&command);
}

static void deleted(struct inquiry *inquiry) {
    const struct deletion *deletion = inquiry->state;
    const struct kp_delete_topics_response *response = change_answered(inquiry, KP_DELETE_TOPICS);
    if (response == NULL) return;
    if (response->responses.count != 1) return;
    const struct kp_delete_topics_response_topic *gone = &response->responses.items[0];
    if (gone->error_code != 0) {
        change_refused(inquiry, gone->error_code, gone->error_message);
        return;
    }
    change_log(inquiry, "topic %s deleted, %d partitions", deletion->name,
               (int)deletion->partitions);
    show_deletion(inquiry);
}

static void ask_deletion(struct inquiry *inquiry) {
    struct deletion *deletion = inquiry_alloc(inquiry, sizeof *deletion);
    struct kp_delete_topics_request *request = inquiry_alloc(inquiry, sizeof *request);
    struct kp_delete_topics_request_topic *topic = inquiry_alloc(inquiry, sizeof *topic);
    if (deletion == NULL || request == NULL || topic == NULL) return;
    const char *name = inquiry_value(inquiry, "name"), *confirm = inquiry_value(inquiry, "confirm");
    const struct kp_metadata_response_topic *found = inquiry_topic(inquiry, name);
    if (found == NULL) return;
    *deletion = (struct deletion){name, found->partitions.count};
    inquiry->state = deletion;
    if (found->is_internal) {
        inquiry_refuse(inquiry, BAD_REQUEST, "internal",
                       "Topic %s belongs to the brokers; it cannot be deleted.", name);
        return;
    }
    if (change_is_dry(inquiry)) {
        show_deletion(inquiry);
        return;
    }
    if (confirm == NULL || strcmp(confirm, name) != 0) {
        inquiry_refuse(inquiry, BAD_REQUEST, "confirm",
                       "The name was not typed as it is; deleting %s needs confirm=%s.", name,
                       name);
        return;
    }
    kp_set_fallbacks(&kp_delete_topics_request_schema, request);
    kp_set_fallbacks(&kp_delete_topics_request_topic_schema, topic);
    topic->name = kp_string_of(name);
    request->topics.items = topic;
    request->topics.count = 1;
    request->timeout_ms = ANSWER_MS;
    change_try(inquiry, "topic %s is to be deleted", name);
    inquiry_ask(inquiry, -1, KP_DELETE_TOPICS, 6, 0, request,
                sizeof(struct kp_delete_topics_response));
    inquiry_then(inquiry, deleted);
}

void change_delete_topic(struct inquiry *inquiry) {
    if (has_name(inquiry)) inquiry_metadata(inquiry, inquiry_value(inquiry, "name"), ask_deletion);
}
