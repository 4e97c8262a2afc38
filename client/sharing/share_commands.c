/*
 * drave share list, describe, offsets, delete: groups of consumers that share records one by one;
 * reset is in client/commands/share_reset.c.
 *
 * Happy path: list asks every broker for the share groups that it coordinates; the others ask the
 * group's coordinator. Failures: its refusal as a sentence, with the nearest name for a group that
 * does not exist, and the commands for one of another kind.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/secure/shell_word.h"
#include "client/line/command.h"
#include "client/line/talk.h"
#include "client/session/group_rows.h"
#include "client/session/topic_session.h"
#include "client/sharing/share_show.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/delete_groups.h"
#include "protocol/messages/delete_share_group_offsets.h"

int command_share_list(struct invocation *in) {
    return group_rows_show(
        in, "share",
        "there are no share groups; the first consumer of one makes it (drave consume TOPIC --share GROUP)");
}

/* ---- describe, offsets ---- */

int command_share_describe(struct invocation *in) {
    json_t *list = json_array();
    int code = EXIT_DONE;
    for (int i = 0; i < in->word_count && code != EXIT_UNREACHABLE; i++) {
        struct session session;
        struct share_view view;
        session_begin(&session, in);
        int one = share_look(session.admin, &session.arena, in->words[i], &view);
        if (!one) {
            share_ask_leaders(in, &session.arena, &view);
        }
        if (i > 0 && !in->json) {
            print_text("\n");
        }
        if (!one && in->json) {
            json_array_append_new(list, share_json(&view));
        } else if (!one) {
            share_print(&view);
        }
        one = session_end(&session, one);
        code = code ? code : one;
    }
    if (in->json && in->word_count > 1) {
        print_json(json_incref(list));
    } else if (in->json && json_array_size(list) == 1) {
        print_json(json_incref(json_array_get(list, 0)));
    }
    json_decref(list);
    return code;
}

int command_share_offsets(struct invocation *in) {
    struct session session;
    struct share_view view;
    session_begin(&session, in);
    int code = share_look(session.admin, &session.arena, in->words[0], &view);
    if (!code) {
        share_ask_leaders(in, &session.arena, &view);
    }
    if (!code && in->json) {
        print_json(share_json_offsets(&view));
    } else if (!code) {
        share_print_offsets(&view);
    }
    return session_end(&session, code);
}

/* ---- delete ---- */

static int16_t delete_error(const void *response) {
    const struct kp_delete_groups_response *answer = response;
    return answer->results.count == 1 ? answer->results.items[0].error_code
                                      : KAFKA_UNKNOWN_SERVER_ERROR;
}

static int delete_group(struct session *session, const char *group) {
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
    return done ? EXIT_DONE
                : share_refused(session->admin, &session->arena, group, call.refused,
                                KP_NULL_STRING);
}

static int16_t forget_error(const void *response) {
    const struct kp_delete_share_group_offsets_response *answer = response;
    int16_t error = answer->error_code;
    for (int32_t t = 0; !error && t < answer->responses.count; t++) {
        error = answer->responses.items[t].error_code;
    }
    return error;
}

/* What it has of one topic, and nothing else. */
static int forget_topic(struct session *session, const char *group, const char *topic) {
    struct kp_delete_share_group_offsets_request request;
    struct kp_delete_share_group_offsets_request_topic one;
    struct kp_delete_share_group_offsets_response response;
    struct error_text why = {""};
    struct group_call call = {.group = group,
                              .key = KP_DELETE_SHARE_GROUP_OFFSETS,
                              .request = &request,
                              .response = &response,
                              .error_of = forget_error};
    kp_set_fallbacks(&kp_delete_share_group_offsets_request_schema, &request);
    kp_set_fallbacks(&kp_delete_share_group_offsets_request_topic_schema, &one);
    request.group_id = kp_string_of(group);
    one.topic_name = kp_string_of(topic);
    request.topics.items = &one;
    request.topics.count = 1;
    int error = group_request(session->admin, &session->arena, &call, &why);
    return error          ? admin_failed(error, &why)
           : call.refused ? share_refused(session->admin, &session->arena, group, call.refused,
                                          response.error_message)
                          : EXIT_DONE;
}

/* What would be refused is refused, also when it is only looked at. */
static int check_deletion(struct session *session, const char *group, const char *topic,
                          bool dry_run) {
    struct share_view view;
    bool has_topic = false;
    int code = share_look(session->admin, &session->arena, group, &view);
    if (code) {
        return code;
    }
    for (size_t i = 0; topic && i < view.offset_count; i++) {
        has_topic = has_topic || strcmp(view.offsets[i].topic, topic) == 0;
    }
    if (topic && !has_topic) {
        char word[SHELL_WORD_ROOM];
        say("group \"%s\" has begun in no partition of topic \"%s\"; drave share offsets %s shows where it has",
            group, topic, shell_word_in(group, word));
        return EXIT_REFUSED;
    }
    if (view.member_count > 0 && !dry_run) {
        return share_refused(session->admin, &session->arena, group, KAFKA_NON_EMPTY_GROUP,
                             KP_NULL_STRING);
    }
    return EXIT_DONE;
}

static int delete_named(struct session *session, const struct invocation *in, const char *group,
                        bool dry_run, json_t *list) {
    const char *topic = invocation_value(in, 't', NULL);
    int code = check_deletion(session, group, topic, dry_run);
    code = code || dry_run ? code
           : topic         ? forget_topic(session, group, topic)
                           : delete_group(session, group);
    if (code) {
        return code;
    }
    json_array_append_new(list, json_pack("{s:s,s:o,s:b}", "group", group, "topic",
                                          topic ? json_string(topic) : json_null(), "dry_run",
                                          (int)dry_run));
    if (!in->json && topic) {
        say_plain("what group \"%s\" knows of topic \"%s\" %s", group, topic,
                  dry_run ? "would be deleted; nothing was changed (--yes does it)" : "is deleted");
    } else if (!in->json) {
        say_plain("group \"%s\" %s", group,
                  dry_run ? "would be deleted; nothing was changed (--yes does it)" : "is deleted");
    }
    return EXIT_DONE;
}

int command_share_delete(struct invocation *in) {
    struct session session;
    int code = EXIT_DONE;
    json_t *list = json_array();
    bool dry_run = !invocation_has(in, OPTION_YES) || invocation_has(in, OPTION_DRY_RUN);
    session_begin(&session, in);
    for (int i = 0; i < in->word_count; i++) {
        int one = delete_named(&session, in, in->words[i], dry_run, list);
        code = code ? code : one;
    }
    if (in->json) {
        print_json(list);
    } else {
        json_decref(list);
    }
    return session_end(&session, code);
}
