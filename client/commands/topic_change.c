/*
 * drave topic alter and add-partitions: what changes a topic that exists.
 *
 * Happy path: one request for all topics of the call to any broker, which forwards it where it
 * must. With --dry-run the broker checks everything and changes nothing. Failures: the broker's own
 * sentence for each topic; the others are changed all the same.
 */
#include <stdio.h>
#include <string.h>

#include "client/commands/topic_words.h"
#include "client/kafka/cluster_view.h"
#include "client/line/talk.h"
#include "client/session/topic_session.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/create_partitions.h"
#include "protocol/messages/incremental_alter_configs.h"

enum { RESOURCE_TOPIC = 2 };

static size_t count_of(const struct invocation *in, int key) {
    size_t count = 0;
    while (invocation_nth(in, key, count)) {
        count++;
    }
    return count;
}

/* ---- alter ---- */

/* The operations of -c and -d, the same for every topic. */
static int fill_operations(struct session *session, const struct invocation *in,
                           struct kp_incremental_alter_configs_request_resource *resource) {
    size_t set = count_of(in, 'c'), removed = count_of(in, 'd');
    struct kp_incremental_alter_configs_request_config *configs = kp_new_items(
        &session->arena, &kp_incremental_alter_configs_request_config_schema, &resource->configs,
        (int32_t)(set + removed));
    for (size_t i = 0; i < set; i++) {
        if (!session_setting(session, invocation_nth(in, 'c', i), &configs[i].name,
                             &configs[i].value)) {
            return EXIT_USAGE;
        }
        size_t len = (size_t)configs[i].name.len;
        configs[i].config_operation = session_operation(configs[i].name.data, &len);
        configs[i].name.len = (int32_t)len;
    }
    for (size_t i = 0; i < removed; i++) {
        configs[set + i].config_operation = CONFIG_DELETE;
        configs[set + i].name = kp_string_of(invocation_nth(in, 'd', i));
        configs[set + i].value.len = -1;
    }
    return EXIT_DONE;
}

/* "a=1, the cluster's own b" */
static void describe_operations(const struct invocation *in, char *text, size_t room) {
    const char *one;
    size_t used = 0;
    text[0] = 0;
    for (size_t i = 0; (one = invocation_nth(in, 'c', i)) && used < room; i++) {
        used += (size_t)snprintf(text + used, room - used, "%s%s", used ? ", " : "", one);
    }
    for (size_t i = 0; (one = invocation_nth(in, 'd', i)) && used < room; i++) {
        used += (size_t)snprintf(text + used, room - used, "%sthe cluster's own %s",
                                 used ? ", " : "", one);
    }
}

static json_t *json_of_operations(const struct invocation *in, const char *topic) {
    json_t *set = json_object(), *removed = json_array();
    const char *one, *value;
    for (size_t i = 0; (one = invocation_nth(in, 'c', i)); i++) {
        value = strchr(one, '=');
        json_object_setn_new(set, one, (size_t)(value - one), json_string(value + 1));
    }
    for (size_t i = 0; (one = invocation_nth(in, 'd', i)); i++) {
        json_array_append_new(removed, json_string(one));
    }
    return json_pack("{s:s,s:o,s:o,s:b}", "name", topic, "set", set, "removed", removed, "dry_run",
                     (int)invocation_has(in, OPTION_DRY_RUN));
}

static int tell_altered(struct session *session, const struct invocation *in,
                        const struct kp_incremental_alter_configs_response *response) {
    int code = EXIT_DONE;
    char operations[512];
    json_t *list = json_array();
    describe_operations(in, operations, sizeof(operations));
    for (int32_t i = 0; i < response->responses.count; i++) {
        const struct kp_incremental_alter_configs_response_resource *one =
            &response->responses.items[i];
        const char *topic = cluster_text(&session->arena, one->resource_name);
        if (one->error_code) {
            code = session_refused(session, topic, one->error_code, one->error_message);
            continue;
        }
        json_array_append_new(list, json_of_operations(in, topic));
        if (!in->json && invocation_has(in, OPTION_DRY_RUN)) {
            say_plain("topic \"%s\" would have %s; nothing was changed (--dry-run)", topic,
                      operations);
        } else if (!in->json) {
            say_plain("topic \"%s\" has %s now", topic, operations);
        }
    }
    if (response->responses.count != in->word_count) {
        say("the broker answered about %d of %d topics; see drave topic describe",
            (int)response->responses.count, in->word_count);
        code = EXIT_REFUSED;
    }
    if (in->json) {
        print_json(list);
    } else {
        json_decref(list);
    }
    return code;
}

static int alter(struct invocation *in) {
    struct session session;
    struct kp_incremental_alter_configs_request request;
    struct kp_incremental_alter_configs_response response;
    struct error_text why = {""};
    if (!invocation_has(in, 'c') && !invocation_has(in, 'd')) {
        say("nothing to change; write for example drave topic alter %s -c max.message.bytes=2000000",
            in->words[0]);
        return EXIT_USAGE;
    }
    session_begin(&session, in);
    kp_set_fallbacks(&kp_incremental_alter_configs_request_schema, &request);
    struct kp_incremental_alter_configs_request_resource *resources = kp_new_items(
        &session.arena, &kp_incremental_alter_configs_request_resource_schema, &request.resources,
        in->word_count);
    request.validate_only = invocation_has(in, OPTION_DRY_RUN);
    for (int i = 0; i < in->word_count; i++) {
        resources[i].resource_type = RESOURCE_TOPIC;
        resources[i].resource_name = kp_string_of(in->words[i]);
        int code = fill_operations(&session, in, &resources[i]);
        if (code) {
            return session_end(&session, code);
        }
    }
    int error = admin_request(session.admin, KP_INCREMENTAL_ALTER_CONFIGS, 0, &request,
                              &session.arena, &response, NULL, &why);
    return session_end(&session,
                       error ? admin_failed(error, &why) : tell_altered(&session, in, &response));
}

int command_topic_alter(struct invocation *in) {
    return topic_words_run(in, "altered", alter);
}

/* ---- add-partitions ---- */

/* The request was sent again because a connection broke, and finds what it asks for: the first one
 * did it. */
static bool was_grown_before(struct session *session, const char *topic, int32_t all) {
    struct kp_metadata_response metadata;
    const struct kp_metadata_response_topic *found;
    return cluster_topic(session->admin, &session->arena, topic, TOPIC_TO_CHANGE, &metadata,
                         &found) == EXIT_DONE &&
           found->partitions.count == all;
}

static int tell_grown(struct session *session, const struct invocation *in,
                      const struct kp_create_partitions_request *request,
                      const struct kp_create_partitions_response *response, int32_t added) {
    int code = EXIT_DONE;
    json_t *list = json_array();
    bool dry_run = request->validate_only, repeated = admin_client_repeated(session->admin);
    for (int32_t i = 0; i < response->results.count && i < request->topics.count; i++) {
        const struct kp_create_partitions_response_topic *one = &response->results.items[i];
        const char *topic = cluster_text(&session->arena, one->name);
        int32_t all = 0;
        for (int32_t k = 0; k < request->topics.count; k++) {
            all = kp_string_equal(request->topics.items[k].name, one->name)
                      ? request->topics.items[k].count
                      : all;
        }
        bool done = one->error_code == KAFKA_INVALID_PARTITIONS && repeated &&
                    was_grown_before(session, topic, all);
        if (one->error_code && !done) {
            code = session_refused(session, topic, one->error_code, one->error_message);
            continue;
        }
        json_array_append_new(list,
                              json_pack("{s:s,s:i,s:i,s:b}", "name", topic, "partitions", (int)all,
                                        "added", (int)added, "dry_run", (int)dry_run));
        if (!in->json) {
            say_plain("topic \"%s\" %s %d partitions, %d of them new%s", topic,
                      dry_run ? "would have" : "has", (int)all, (int)added,
                      dry_run ? "; nothing was changed (--dry-run)"
                              : "; new records with a key may go to another partition than before");
        }
    }
    if (in->json) {
        print_json(list);
    } else {
        json_decref(list);
    }
    return code;
}

static int add_partitions(struct invocation *in) {
    struct session session;
    struct kp_create_partitions_request request;
    struct kp_create_partitions_response response;
    struct error_text why = {""};
    int32_t added = (int32_t)invocation_number(in, 'n', 0, 1, 100000);
    if (added == 0) {
        say("how many more? Write for example drave topic add-partitions %s -n 3", in->words[0]);
        return EXIT_USAGE;
    }
    session_begin(&session, in);
    kp_set_fallbacks(&kp_create_partitions_request_schema, &request);
    struct kp_create_partitions_request_topic *topics = kp_new_items(
        &session.arena, &kp_create_partitions_request_topic_schema, &request.topics,
        in->word_count);
    for (int i = 0; i < in->word_count; i++) {
        struct kp_metadata_response metadata;
        const struct kp_metadata_response_topic *found;
        int code = cluster_topic(session.admin, &session.arena, in->words[i], TOPIC_TO_CHANGE,
                                 &metadata, &found);
        if (code) {
            return session_end(&session,
                               code); /* nothing is changed unless all of them are there */
        }
        topics[i].name = kp_string_of(in->words[i]);
        topics[i].count = found->partitions.count + added;
        topics[i].assignments.count = -1;
    }
    request.validate_only = invocation_has(in, OPTION_DRY_RUN);
    request.timeout_ms = admin_client_answer_ms(session.admin);
    int error = admin_request(session.admin, KP_CREATE_PARTITIONS, 1, &request, &session.arena,
                              &response, NULL, &why);
    return session_end(&session, error ? admin_failed(error, &why)
                                       : tell_grown(&session, in, &request, &response, added));
}

int command_topic_add_partitions(struct invocation *in) {
    return topic_words_run(in, "given more partitions", add_partitions);
}
