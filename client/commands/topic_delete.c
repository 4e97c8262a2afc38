/*
 * drave topic delete.
 *
 * Happy path: one request for each topic to any broker, which forwards it where it must. What a
 * pattern means is shown first (topic_words.h). Failures: the broker's own sentence is shown; the
 * other topics are deleted all the same.
 */
#include <string.h>

#include "client/commands/topic_words.h"
#include "client/kafka/cluster_view.h"
#include "client/line/command.h"
#include "client/line/talk.h"
#include "client/session/topic_session.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/delete_topics.h"

static void tell_deleted(const struct invocation *in, const char *name, json_t *list) {
    bool dry_run = invocation_has(in, OPTION_DRY_RUN);
    json_array_append_new(list, json_pack("{s:s,s:b,s:b}", "name", name, "deleted", (int)!dry_run,
                                          "dry_run", (int)dry_run));
    if (!in->json && !dry_run) {
        say_plain("topic \"%s\" deleted", name);
    }
}

/* --if-exists: *found is NULL when it is not there, which is fine. */
static int find_or_pass(const struct invocation *in, struct session *session, const char *name,
                        struct kp_metadata_response *metadata,
                        const struct kp_metadata_response_topic **found) {
    int code = cluster_metadata(session->admin, &session->arena, NULL, metadata);
    *found = code ? NULL : cluster_find_topic(metadata, name);
    if (!code && !*found && !in->json) {
        say_plain("topic \"%s\" does not exist", name);
    }
    return code;
}

/* One topic, with a session and a timeout of its own; into `list` if it is gone, or would be. */
static int delete_topic(const struct invocation *in, const char *name, json_t *list) {
    struct session session;
    session_begin(&session, in);
    struct kp_delete_topics_request request;
    struct kp_delete_topics_request_topic topic;
    struct kp_delete_topics_response response;
    struct kp_metadata_response metadata;
    const struct kp_metadata_response_topic *found;
    struct error_text why = {""};
    int code = invocation_has(in, OPTION_IF_EXISTS)
                   ? find_or_pass(in, &session, name, &metadata, &found)
                   : cluster_topic(session.admin, &session.arena, name, TOPIC_TO_CHANGE, &metadata,
                                   &found);
    if (code || !found) {
        return session_end(&session, code);
    }
    if (invocation_has(in, OPTION_DRY_RUN)) {
        if (!in->json) {
            say_plain("topic \"%s\" would be deleted, with %d partition%s (--dry-run)", name,
                      (int)found->partitions.count, found->partitions.count == 1 ? "" : "s");
        }
        tell_deleted(in, name, list);
        return session_end(&session, EXIT_DONE);
    }
    kp_set_fallbacks(&kp_delete_topics_request_schema, &request);
    kp_set_fallbacks(&kp_delete_topics_request_topic_schema, &topic);
    topic.name = kp_string_of(name);
    request.topics.items = &topic;
    request.topics.count = 1;
    request.timeout_ms = admin_client_answer_ms(session.admin);
    int error = admin_request(session.admin, KP_DELETE_TOPICS, 6, &request, &session.arena,
                              &response, NULL, &why);
    if (error) {
        return session_end(&session, admin_failed(error, &why));
    }
    bool gone = admin_client_repeated(session.admin) && response.responses.count == 1 &&
                response.responses.items[0].error_code == KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
    if (!gone && response.responses.count == 1 && response.responses.items[0].error_code) {
        return session_end(&session,
                           session_refused(&session, name, response.responses.items[0].error_code,
                                           response.responses.items[0].error_message));
    }
    tell_deleted(in, name, list);
    return session_end(&session, EXIT_DONE);
}

static int delete_topics(struct invocation *in) {
    int code = EXIT_DONE;
    json_t *list = json_array();
    for (int i = 0; i < in->word_count && code != EXIT_UNREACHABLE; i++) {
        int one = delete_topic(in, in->words[i], list);
        code = one ? one : code;
    }
    if (in->json) {
        print_json(list);
    } else {
        json_decref(list);
    }
    return code;
}

int command_topic_delete(struct invocation *in) {
    return topic_words_run(in, "deleted", delete_topics);
}
