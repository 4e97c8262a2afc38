/*
 * drave group list, delete; describe is in group_describe.c.
 *
 * Happy path: list asks every broker for the groups that it coordinates; the others ask the group's
 * coordinator. Failures: the coordinator's refusal as a sentence, with the nearest name for a group
 * that does not exist.
 */
#include <string.h>

#include "base/secure/shell_word.h"
#include "client/kafka/group_view.h"
#include "client/line/command.h"
#include "client/line/talk.h"
#include "client/session/group_rows.h"
#include "client/session/topic_session.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/delete_groups.h"
#include "protocol/messages/offset_delete.h"

int command_group_list(struct invocation *in) {
    return group_rows_show(in, NULL, "there are no groups; the first consumer of one makes it");
}

/* ---- delete ---- */

static int16_t delete_error(const void *response) {
    const struct kp_delete_groups_response *answer = response;
    return answer->results.count == 1 ? answer->results.items[0].error_code
                                      : KAFKA_UNKNOWN_SERVER_ERROR;
}

/* Only looks: what would be refused is refused. */
static int try_delete(struct session *session, const char *group) {
    struct group_view view;
    int16_t refused;
    int code = group_describe(session->admin, &session->arena, group, &view, &refused);
    if (!code && !refused && view.member_count > 0) {
        refused = KAFKA_NON_EMPTY_GROUP;
    }
    return code      ? code
           : refused ? group_refused(session->admin, &session->arena, group, refused)
                     : EXIT_DONE;
}

static int delete_one(struct session *session, const char *group) {
    struct kp_delete_groups_request request;
    struct kp_delete_groups_response response;
    struct kp_string name = kp_string_of(group);
    struct error_text why = {""};
    struct group_call call = {.group = group,
                              .key = KP_DELETE_GROUPS,
                              .request = &request,
                              .response = &response,
                              .error_of = delete_error};
    kp_set_fallbacks(&kp_delete_groups_request_schema, &request);
    request.groups_names.items = &name;
    request.groups_names.count = 1;
    int error = group_request(session->admin, &session->arena, &call, &why);
    if (error) {
        return admin_failed(error, &why);
    }
    bool done = !call.refused || (call.refused == KAFKA_GROUP_ID_NOT_FOUND && call.repeated);
    return done ? EXIT_DONE : group_refused(session->admin, &session->arena, group, call.refused);
}

static int16_t offset_delete_error(const void *response) {
    const struct kp_offset_delete_response *answer = response;
    int16_t error = answer->error_code;
    for (int32_t t = 0; !error && t < answer->topics.count; t++) {
        for (int32_t p = 0; !error && p < answer->topics.items[t].partitions.count; p++) {
            error = answer->topics.items[t].partitions.items[p].error_code;
        }
    }
    return error;
}

/* Those committed for a topic, and nothing else. */
static int delete_offsets(struct session *session, const char *group, const char *topic,
                          bool dry_run) {
    struct kp_offset_delete_request request;
    struct kp_offset_delete_request_topic of;
    struct kp_offset_delete_response response;
    struct group_view view = {.group = group};
    struct error_text why = {""};
    struct group_call call = {.group = group,
                              .key = KP_OFFSET_DELETE,
                              .request = &request,
                              .response = &response,
                              .error_of = offset_delete_error};
    int code = group_fetch_offsets(session->admin, &session->arena, &view);
    if (code) {
        return code;
    }
    kp_set_fallbacks(&kp_offset_delete_request_schema, &request);
    kp_set_fallbacks(&kp_offset_delete_request_topic_schema, &of);
    struct kp_offset_delete_request_partition *partitions = kp_new_items(
        &session->arena, &kp_offset_delete_request_partition_schema, &of.partitions,
        (int32_t)view.offset_count);
    of.partitions.count = 0;
    for (size_t i = 0; partitions && i < view.offset_count; i++) {
        if (strcmp(view.offsets[i].topic, topic) == 0) {
            partitions[of.partitions.count++].partition_index = view.offsets[i].partition;
        }
    }
    if (of.partitions.count == 0) {
        char word[SHELL_WORD_ROOM];
        say("group \"%s\" has no committed offsets of topic \"%s\"; drave group describe %s shows what it has",
            group, topic, shell_word_in(group, word));
        return EXIT_REFUSED;
    }
    if (dry_run) {
        return EXIT_DONE;
    }
    of.name = kp_string_of(topic);
    request.group_id = kp_string_of(group);
    request.topics.items = &of;
    request.topics.count = 1;
    int error = group_request(session->admin, &session->arena, &call, &why);
    if (error) {
        return admin_failed(error, &why);
    }
    if (call.refused == KAFKA_GROUP_SUBSCRIBED_TO_TOPIC) {
        say("group \"%s\" has members that read topic \"%s\"; stop its consumers first", group,
            topic);
        return EXIT_REFUSED;
    }
    return call.refused ? group_refused(session->admin, &session->arena, group, call.refused)
                        : EXIT_DONE;
}

static int delete_named(struct session *session, const struct invocation *in, const char *group,
                        json_t *list) {
    bool dry_run = invocation_has(in, OPTION_DRY_RUN);
    const char *topic = invocation_value(in, 't', NULL);
    int code = topic     ? delete_offsets(session, group, topic, dry_run)
               : dry_run ? try_delete(session, group)
                         : delete_one(session, group);
    if (code) {
        return code;
    }
    json_array_append_new(list, json_pack("{s:s,s:o,s:b}", "group", group, "topic",
                                          topic ? json_string(topic) : json_null(), "dry_run",
                                          (int)dry_run));
    if (!in->json && topic) {
        say_plain("the offsets of topic \"%s\" in group \"%s\" %s", topic, group,
                  dry_run ? "would be deleted; nothing was changed (--dry-run)" : "are deleted");
    } else if (!in->json) {
        say_plain("group \"%s\" %s", group,
                  dry_run ? "would be deleted with its offsets; nothing was changed (--dry-run)"
                          : "and its offsets are deleted");
    }
    return EXIT_DONE;
}

int command_group_delete(struct invocation *in) {
    struct session session;
    int code = EXIT_DONE;
    json_t *list = json_array();
    session_begin(&session, in);
    for (int i = 0; i < in->word_count; i++) {
        int one = delete_named(&session, in, in->words[i], list);
        code = code ? code : one;
    }
    if (in->json) {
        print_json(list);
    } else {
        json_decref(list);
    }
    return session_end(&session, code);
}
