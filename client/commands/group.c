/*
 * drave group list, describe, delete.
 *
 * Happy path: list asks every broker for the groups that it coordinates; the others ask the group's
 * coordinator. Failures: the coordinator's refusal as a sentence, with the nearest name for a group
 * that does not exist.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "client/commands/topic_session.h"
#include "client/kafka/group_traffic.h"
#include "client/line/command.h"
#include "client/line/talk.h"
#include "client/why/group_sums.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/delete_groups.h"
#include "protocol/messages/offset_delete.h"

/* ---- list ---- */

static void print_list(const struct group_row *rows, size_t count) {
    static const char *const names[] = {"GROUP", "TYPE", "STATE", "MEMBERS", "COORDINATOR"};
    struct table *table = table_new(names, 5);
    for (size_t i = 0; i < count; i++) {
        char members[16], coordinator[16];
        snprintf(members, sizeof(members), "%d", (int)rows[i].members);
        snprintf(coordinator, sizeof(coordinator), "%d", (int)rows[i].coordinator);
        table_row(table, (const char *[]){rows[i].group, rows[i].type,
                                          *rows[i].state ? rows[i].state : NULL,
                                          rows[i].members < 0 ? NULL : members, coordinator});
    }
    table_print(table);
}

/* Those that are in one of the states of --state, without regard to case; how many. */
static size_t keep_states(const struct invocation *in, struct group_row *rows, size_t count) {
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        const char *state;
        bool wanted = false;
        for (size_t k = 0; (state = invocation_nth(in, OPTION_STATE, k)); k++) {
            wanted = wanted || strcasecmp(state, rows[i].state) == 0;
        }
        if (wanted) {
            rows[kept++] = rows[i];
        }
    }
    return kept;
}

int command_group_list(struct invocation *in) {
    struct session session;
    struct group_row *rows;
    size_t count;
    session_begin(&session, in);
    int code = groups_list(session.admin, &session.arena, &rows, &count);
    bool any = count > 0;
    if (!code && invocation_has(in, OPTION_STATE)) {
        count = keep_states(in, rows, count);
    }
    if (!code && in->json) {
        json_t *list = json_array();
        for (size_t i = 0; i < count; i++) {
            json_array_append_new(
                list, json_pack("{s:s,s:s,s:s,s:o,s:i}", "group", rows[i].group, "type",
                                rows[i].type, "state", rows[i].state, "members",
                                rows[i].members < 0 ? json_null() : json_integer(rows[i].members),
                                "coordinator", (int)rows[i].coordinator));
        }
        print_json(list);
    } else if (!code && count == 0 && any) {
        say("no group is in that state; drave group list shows all of them");
    } else if (!code && count == 0) {
        say("there are no groups; the first consumer of one makes it");
    } else if (!code) {
        print_list(rows, count);
    }
    return session_end(&session, code);
}

/* ---- describe ---- */

static json_t *number_or_null(int64_t value) {
    return value < 0 ? json_null() : json_integer(value);
}

static json_t *seconds_or_null(double value) {
    return value < 0 ? json_null() : json_real(value);
}

static json_t *text_or_null(const char *text) {
    return text ? json_string(text) : json_null();
}

static json_t *json_of_members(const struct group_view *view) {
    json_t *list = json_array();
    for (size_t m = 0; m < view->member_count; m++) {
        const struct group_member *member = &view->members[m];
        json_t *owned = json_array();
        for (size_t i = 0; i < member->owned_count; i++) {
            json_array_append_new(owned, json_pack("{s:s,s:i}", "topic", member->owned[i].topic,
                                                   "partition", (int)member->owned[i].partition));
        }
        json_array_append_new(list, json_pack("{s:s,s:o,s:s,s:s,s:o}", "id", member->id, "instance",
                                              text_or_null(member->instance), "client_id",
                                              member->client_id, "host", member->host, "partitions",
                                              owned));
    }
    return list;
}

static json_t *json_of_group(const struct group_view *view) {
    json_t *offsets = json_array();
    for (size_t i = 0; i < view->offset_count; i++) {
        const struct group_offset *one = &view->offsets[i];
        json_array_append_new(
            offsets,
            json_pack("{s:s,s:i,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:b,s:o,s:o,s:o}", "topic",
                      one->topic, "partition", (int)one->partition, "committed",
                      number_or_null(one->committed), "log_start", number_or_null(one->log_start),
                      "high_watermark", number_or_null(one->high_watermark), "last_stable",
                      number_or_null(one->last_stable), "lag_records",
                      number_or_null(one->lag_records), "lag_records_stable",
                      number_or_null(group_offset_stable_lag(one)), "lag_seconds",
                      seconds_or_null(one->lag_seconds), "lag_seconds_arrived",
                      seconds_or_null(one->arrived_seconds), "lag_seconds_arrived_at_least",
                      (int)one->arrived_at_least, "ahead", number_or_null(group_offset_ahead(one)),
                      "lost", number_or_null(group_offset_lost(one)), "member",
                      text_or_null(one->member)));
    }
    return json_pack("{s:s,s:s,s:s,s:s,s:i,s:o,s:o,s:o,s:o,s:o}", "group", view->group, "type",
                     view->type, "state", view->state, "protocol", view->protocol, "coordinator",
                     (int)view->coordinator, "members", json_of_members(view), "offsets", offsets,
                     "lag_records", number_or_null(group_lag_records(view)), "lag_seconds",
                     seconds_or_null(group_lag_seconds(view)), "lag_seconds_arrived",
                     seconds_or_null(group_arrived_seconds(view)));
}

/* "-" for what is not known. */
static const char *cell(char *text, size_t room, int64_t value) {
    snprintf(text, room, "%" PRId64, value);
    return value < 0 ? NULL : text;
}

static const char *age_cell(char *text, size_t room, double seconds) {
    if (seconds >= 3600) {
        snprintf(text, room, "%.1f h", seconds / 3600);
    } else if (seconds >= 120) {
        snprintf(text, room, "%.1f min", seconds / 60);
    } else {
        snprintf(text, room, "%.1f s", seconds);
    }
    return seconds < 0 ? NULL : text;
}

/* "> 12.0 s": at least that. */
static const char *arrived_cell(char *text, size_t room, const struct group_offset *one) {
    char age[24];
    const char *known = age_cell(age, sizeof(age), one->arrived_seconds);
    snprintf(text, room, "%s%s", one->arrived_at_least ? "> " : "", age);
    return known ? text : NULL;
}

static void print_members(const struct group_view *view) {
    static const char *const names[] = {"MEMBER", "INSTANCE", "CLIENT", "HOST", "PARTITIONS"};
    if (view->member_count == 0) {
        return;
    }
    struct table *table = table_new(names, 5);
    for (size_t m = 0; m < view->member_count; m++) {
        const struct group_member *member = &view->members[m];
        char count[16];
        snprintf(count, sizeof(count), "%zu", member->owned_count);
        table_row(table, (const char *[]){member->id, member->instance, member->client_id,
                                          member->host, count});
    }
    table_print(table);
}

/* What a person should know and no number shows. */
static void say_remarks(const struct group_view *view) {
    for (size_t i = 0; i < view->offset_count; i++) {
        const struct group_offset *one = &view->offsets[i];
        if (group_offset_ahead(one) > 0) {
            say("%s-%d: the committed offset is %" PRId64
                " ahead of the end; was the topic made again?",
                one->topic, (int)one->partition, group_offset_ahead(one));
        }
        if (group_offset_lost(one) > 0) {
            say("%s-%d: lost %" PRId64
                " records, which were deleted before the group consumed them",
                one->topic, (int)one->partition, group_offset_lost(one));
        }
    }
}

/* Whether a transaction is open in one of the partitions. */
static bool any_unstable(const struct group_view *view) {
    for (size_t i = 0; i < view->offset_count; i++) {
        const struct group_offset *one = &view->offsets[i];
        if (one->last_stable >= 0 && one->last_stable < one->high_watermark) {
            return true;
        }
    }
    return false;
}

/* With STABLE while a transaction is open: whether members read committed records only is not
 * known, so the lag of both can be seen. */
static void print_offsets(const struct group_view *view) {
    static const char *const names[] = {"TOPIC", "PARTITION", "COMMITTED", "START",  "END",
                                        "LAG",   "AGE",       "ARRIVED",   "MEMBER", "STABLE"};
    bool unstable = any_unstable(view);
    if (view->offset_count == 0) {
        print_text("no offsets are committed\n");
        return;
    }
    struct table *table = table_new(names, unstable ? 10 : 9);
    for (size_t i = 0; i < view->offset_count; i++) {
        const struct group_offset *one = &view->offsets[i];
        char cells[8][32];
        const size_t room = sizeof(cells[0]);
        snprintf(cells[0], room, "%d", (int)one->partition);
        table_row(table,
                  (const char *[]){one->topic, cells[0], cell(cells[1], room, one->committed),
                                   cell(cells[2], room, one->log_start),
                                   cell(cells[3], room, one->high_watermark),
                                   cell(cells[4], room, one->lag_records),
                                   age_cell(cells[5], room, one->lag_seconds),
                                   arrived_cell(cells[6], room, one), one->member,
                                   cell(cells[7], room, one->last_stable)});
    }
    table_print(table);
}

/* --per: sums in the place of the partitions. */
static void print_sums(const struct group_view *view, struct kp_arena *arena,
                       enum group_sum_by by) {
    const char *const names[] = {by == SUM_BY_TOPIC ? "TOPIC" : "MEMBER", "PARTITIONS", "LAG",
                                 "AGE"};
    size_t count;
    const struct group_sum *sums = group_sums(view, by, arena, &count);
    struct table *table = table_new(names, 4);
    for (size_t i = 0; i < count; i++) {
        char cells[3][32];
        const size_t room = sizeof(cells[0]);
        table_row(table, (const char *[]){by == SUM_BY_TOPIC ? sums[i].topic : sums[i].member,
                                          cell(cells[0], room, (int64_t)sums[i].partitions),
                                          cell(cells[1], room, sums[i].lag_records),
                                          age_cell(cells[2], room, sums[i].lag_seconds)});
    }
    table_print(table);
}

static void add_sums(json_t *group, const struct group_view *view, struct kp_arena *arena) {
    static const char *const names[] = {"per_topic", "per_member"};
    for (int by = SUM_BY_TOPIC; by <= SUM_BY_MEMBER; by++) {
        size_t count;
        const struct group_sum *sums = group_sums(view, (enum group_sum_by)by, arena, &count);
        json_object_set_new(group, names[by], group_sums_json(sums, (enum group_sum_by)by, count));
    }
}

static void print_group(const struct group_view *view, struct kp_arena *arena, const char *per) {
    char lag[32], age[32];
    bool known = cell(lag, sizeof(lag), group_lag_records(view)) != NULL;
    bool aged = age_cell(age, sizeof(age), group_lag_seconds(view)) != NULL;
    print_text("group %s: %s, %s protocol%s%s, coordinator %d, lag %s%s%s\n", view->group,
               view->state, view->type, *view->protocol ? ", " : "", view->protocol,
               (int)view->coordinator, known ? lag : "unknown", aged ? ", " : "", aged ? age : "");
    if (per) {
        print_sums(view, arena, strcmp(per, "member") == 0 ? SUM_BY_MEMBER : SUM_BY_TOPIC);
    } else {
        print_members(view);
        print_offsets(view);
    }
    say_remarks(view);
}

int command_group_describe(struct invocation *in) {
    struct session session;
    struct group_view view;
    const char *per = invocation_value(in, OPTION_PER, NULL);
    if (per && strcmp(per, "topic") != 0 && strcmp(per, "member") != 0) {
        say("--per %s is neither topic nor member", per);
        return EXIT_USAGE;
    }
    session_begin(&session, in);
    int code = group_look(session.admin, &session.arena, in, in->words[0], &view);
    if (!code) {
        group_measure_arrivals(in, &session.arena, &view);
        if (in->json) {
            json_t *group = json_of_group(&view);
            add_sums(group, &view, &session.arena);
            print_json(group);
        } else {
            print_group(&view, &session.arena, per);
        }
    }
    return session_end(&session, code);
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
        say("group \"%s\" has no committed offsets of topic \"%s\"; drave group describe %s shows what it has",
            group, topic, group);
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
                                          text_or_null(topic), "dry_run", (int)dry_run));
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
