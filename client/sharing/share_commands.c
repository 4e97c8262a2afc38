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

#include "client/line/command.h"
#include "client/line/talk.h"
#include "client/session/group_rows.h"
#include "client/session/topic_session.h"
#include "client/sharing/share_view.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/delete_groups.h"
#include "protocol/messages/delete_share_group_offsets.h"

int command_share_list(struct invocation *in) {
    return group_rows_show(
        in, "share",
        "there are no share groups; the first consumer of one makes it (drave consume TOPIC --share GROUP)");
}

/* ---- describe, offsets ---- */

static json_t *number_or_null(int64_t value) {
    return value < 0 ? json_null() : json_integer(value);
}

static json_t *json_of_members(const struct share_view *view) {
    json_t *list = json_array();
    for (size_t m = 0; m < view->member_count; m++) {
        const struct share_member_view *member = &view->members[m];
        json_t *owned = json_array(), *topics = json_array();
        for (size_t i = 0; i < member->owned_count; i++) {
            json_array_append_new(owned, json_pack("{s:s,s:i}", "topic", member->owned[i].topic,
                                                   "partition", (int)member->owned[i].partition));
        }
        for (size_t i = 0; i < member->topic_count; i++) {
            json_array_append_new(
                topics, json_stringn(member->topics[i].data, (size_t)member->topics[i].len));
        }
        json_array_append_new(list,
                              json_pack("{s:s,s:s,s:s,s:i,s:o,s:o}", "id", member->id, "client_id",
                                        member->client_id, "host", member->host, "epoch",
                                        (int)member->epoch, "topics", topics, "partitions", owned));
    }
    return list;
}

static json_t *json_of_offsets(const struct share_view *view) {
    json_t *list = json_array();
    for (size_t i = 0; i < view->offset_count; i++) {
        const struct share_offset *one = &view->offsets[i];
        json_array_append_new(list,
                              json_pack("{s:s,s:i,s:o,s:o,s:o}", "topic", one->topic, "partition",
                                        (int)one->partition, "start", number_or_null(one->start),
                                        "leader_epoch", number_or_null(one->leader_epoch),
                                        "lag_records", number_or_null(one->lag_records)));
    }
    return list;
}

static void print_members(const struct share_view *view) {
    static const char *const names[] = {"MEMBER", "CLIENT", "HOST", "PARTITIONS"};
    if (view->member_count == 0) {
        return;
    }
    struct table *table = table_new(names, 4);
    for (size_t m = 0; m < view->member_count; m++) {
        const struct share_member_view *member = &view->members[m];
        char count[24];
        snprintf(count, sizeof(count), "%zu", member->owned_count);
        table_row(table, (const char *[]){member->id, member->client_id, member->host, count});
    }
    table_print(table);
}

static const char *cell(char *text, size_t room, int64_t value) {
    snprintf(text, room, "%" PRId64, value);
    return value < 0 ? NULL : text;
}

static void print_offsets(const struct share_view *view) {
    static const char *const names[] = {"TOPIC", "PARTITION", "START", "LAG"};
    if (view->offset_count == 0) {
        print_text("it has begun in no partition\n");
        return;
    }
    struct table *table = table_new(names, 4);
    for (size_t i = 0; i < view->offset_count; i++) {
        const struct share_offset *one = &view->offsets[i];
        char cells[3][32];
        const size_t room = sizeof(cells[0]);
        snprintf(cells[0], room, "%d", (int)one->partition);
        table_row(table, (const char *[]){one->topic, cells[0], cell(cells[1], room, one->start),
                                          cell(cells[2], room, one->lag_records)});
    }
    table_print(table);
    for (size_t i = 0; i < view->offset_count; i++) {
        if (view->offsets[i].trouble) {
            say("%s-%d: %s", view->offsets[i].topic, (int)view->offsets[i].partition,
                view->offsets[i].trouble);
        }
    }
}

static void print_group(const struct share_view *view) {
    char lag[32];
    bool known = cell(lag, sizeof(lag), share_lag_records(view)) != NULL;
    print_text("group %s: %s, %s, coordinator %d, lag %s\n", view->group, view->state,
               view->assignor, (int)view->coordinator, known ? lag : "unknown");
    print_members(view);
    print_offsets(view);
}

static json_t *json_of_group(const struct share_view *view) {
    return json_pack("{s:s,s:s,s:s,s:i,s:i,s:i,s:o,s:o,s:o}", "group", view->group, "state",
                     view->state, "assignor", view->assignor, "coordinator", (int)view->coordinator,
                     "epoch", (int)view->epoch, "assignment_epoch", (int)view->assignment_epoch,
                     "members", json_of_members(view), "offsets", json_of_offsets(view),
                     "lag_records", number_or_null(share_lag_records(view)));
}

int command_share_describe(struct invocation *in) {
    json_t *list = json_array();
    int code = EXIT_DONE;
    for (int i = 0; i < in->word_count && code != EXIT_UNREACHABLE; i++) {
        struct session session;
        struct share_view view;
        session_begin(&session, in);
        int one = share_look(session.admin, &session.arena, in->words[i], &view);
        if (i > 0 && !in->json) {
            print_text("\n");
        }
        if (!one && in->json) {
            json_array_append_new(list, json_of_group(&view));
        } else if (!one) {
            print_group(&view);
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
    if (!code && in->json) {
        print_json(json_of_offsets(&view));
    } else if (!code) {
        print_offsets(&view);
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
        say("group \"%s\" has begun in no partition of topic \"%s\"; drave share offsets %s shows where it has",
            group, topic, group);
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
