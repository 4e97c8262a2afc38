/*
 * drave group describe: members, committed offsets and how far behind, of one group or of several.
 *
 * Happy path: each group is asked at its coordinator; with -r all groups are listed first.
 * Failures: the coordinator's refusal as a sentence, with the nearest name for a group that does
 * not exist; the others are shown all the same.
 */
#include <inttypes.h>
#include <regex.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "client/kafka/group_traffic.h"
#include "client/line/command.h"
#include "client/line/talk.h"
#include "client/session/topic_session.h"
#include "client/sharing/share_show.h"
#include "client/why/group_sums.h"

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

/* The whole, or what -s, -c or --per ask for. */
static void print_group(const struct invocation *in, const struct group_view *view,
                        struct kp_arena *arena, const char *per) {
    char lag[32], age[32];
    bool known = cell(lag, sizeof(lag), group_lag_records(view)) != NULL;
    bool aged = age_cell(age, sizeof(age), group_lag_seconds(view)) != NULL;
    bool summary = invocation_has(in, 's'), commits = invocation_has(in, 'c');
    if (summary || !commits) {
        print_text("group %s: %s, %s protocol%s%s, coordinator %d, lag %s%s%s\n", view->group,
                   view->state, view->type, *view->protocol ? ", " : "", view->protocol,
                   (int)view->coordinator, known ? lag : "unknown", aged ? ", " : "",
                   aged ? age : "");
    }
    if (per) {
        print_sums(view, arena, strcmp(per, "member") == 0 ? SUM_BY_MEMBER : SUM_BY_TOPIC);
    } else if (!summary && !commits) {
        print_members(view);
    }
    if (!per && (commits || !summary)) {
        print_offsets(view);
    }
    say_remarks(view);
}

static void describe_share(const struct invocation *in, struct share_view *view, json_t *list) {
    json_t *group = share_json(view);
    json_object_set_new(group, "type", json_string("share"));
    json_array_append_new(list, group);
    if (!in->json) {
        share_print(view);
    }
}

/* One group; what is printed as JSON goes into `list`. */
static int describe_one(const struct invocation *in, const char *name, const char *per,
                        json_t *list) {
    struct session session;
    struct any_group any;
    session_begin(&session, in);
    int code = any_group_look(in, session.admin, &session.arena, name, &any);
    if (!code && any.shared) {
        describe_share(in, &any.shares, list);
    } else if (!code) {
        group_measure_arrivals(in, &session.arena, &any.group);
        json_t *group = json_of_group(&any.group);
        add_sums(group, &any.group, &session.arena);
        json_array_append_new(list, group);
        if (!in->json) {
            print_group(in, &any.group, &session.arena, per);
        }
    }
    return session_end(&session, code);
}

/* ---- Which groups ---- */

struct names {
    char **items;
    size_t count, room;
};

static void add_name(struct names *names, const char *name) {
    names->items = mem_grow(names->items, names->count, &names->room, sizeof(*names->items));
    names->items[names->count++] = mem_strdup(name);
}

/* -r: those of all groups that the expression matches somewhere. */
static int add_matching(struct names *names, const char *expression, const struct group_row *rows,
                        size_t count) {
    regex_t regex;
    size_t before = names->count;
    int error = regcomp(&regex, expression, REG_EXTENDED | REG_NOSUB);
    if (error) {
        char text[120];
        regerror(error, &regex, text, sizeof(text));
        say("%s is no regular expression: %s", expression, text);
        return EXIT_USAGE;
    }
    for (size_t i = 0; i < count; i++) {
        if (regexec(&regex, rows[i].group, 0, NULL, 0) == 0) {
            add_name(names, rows[i].group);
        }
    }
    regfree(&regex);
    if (names->count == before) {
        say("no group matches \"%s\"; drave group list shows those that exist", expression);
        return EXIT_REFUSED;
    }
    return EXIT_DONE;
}

static int open_names(struct names *names, const struct invocation *in) {
    struct session session;
    struct group_row *rows = NULL;
    size_t count = 0;
    int code = EXIT_DONE;
    *names = (struct names){.items = NULL};
    session_begin(&session, in);
    if (invocation_has(in, 'r')) {
        code = groups_list(session.admin, &session.arena, NULL, &rows, &count);
    }
    for (int i = 0; i < in->word_count && !code; i++) {
        if (invocation_has(in, 'r')) {
            code = add_matching(names, in->words[i], rows, count);
        } else {
            add_name(names, in->words[i]);
        }
    }
    return session_end(&session, code);
}

static void close_names(struct names *names) {
    for (size_t i = 0; i < names->count; i++) {
        mem_free(names->items[i]);
    }
    mem_free(names->items);
}

int command_group_describe(struct invocation *in) {
    struct names names;
    const char *per = invocation_value(in, OPTION_PER, invocation_has(in, 't') ? "topic" : NULL);
    if (per && strcmp(per, "topic") != 0 && strcmp(per, "member") != 0) {
        say("--per %s is neither topic nor member", per);
        return EXIT_USAGE;
    }
    int code = open_names(&names, in);
    json_t *list = json_array();
    for (size_t i = 0; i < names.count && code != EXIT_UNREACHABLE; i++) {
        if (i > 0 && !in->json) {
            print_text("\n");
        }
        int one = describe_one(in, names.items[i], per, list);
        code = code ? code : one;
    }
    bool single = in->word_count == 1 && !invocation_has(in, 'r');
    if (in->json && !single) {
        print_json(json_incref(list));
    } else if (in->json && json_array_size(list) == 1) {
        print_json(json_incref(json_array_get(list, 0)));
    }
    json_decref(list);
    close_names(&names);
    return code;
}
