/*
 * drave group seek, export and import: where a group without members goes on.
 *
 * Happy path: the partitions that --topic names (those with committed offsets, without it) get the
 * offsets that --to, --by, --from-group or --from-file say; the plan is shown, and committed with
 * --yes. Failures: group_plan.h.
 */
#include <string.h>

#include "client/commands/group_file.h"
#include "client/commands/group_plan.h"
#include "client/commands/plan_rows.h"
#include "client/line/command.h"
#include "client/line/talk.h"
#include "protocol/kafka_error.h"

static int rows_by(struct plan *plan, const struct invocation *in) {
    int64_t by = invocation_number(in, OPTION_BY, 0, -INT64_MAX, INT64_MAX);
    for (size_t i = 0; i < plan->count; i++) {
        struct plan_row *row = &plan->rows[i];
        if (row->from < 0) {
            say("%s-%d has no committed offset to move by %lld; use --to", row->topic,
                (int)row->partition, (long long)by);
            return EXIT_REFUSED;
        }
        row->to = by > 0 && row->from > INT64_MAX - by ? INT64_MAX
                  : row->from + by < 0                 ? 0
                                                       : row->from + by;
    }
    return EXIT_DONE;
}

static int rows_from_group(struct plan *plan, struct session *session, const struct invocation *in,
                           const char *other) {
    struct group_view view = {.group = other};
    int code = group_fetch_offsets(session->admin, &session->arena, &view);
    if (!code && view.offset_count == 0) {
        return group_refused(session->admin, &session->arena, other, KAFKA_GROUP_ID_NOT_FOUND);
    }
    for (size_t i = 0; !code && i < view.offset_count; i++) {
        const struct group_offset *one = &view.offsets[i];
        if (plan_is_meant(session, in, one->topic, one->partition)) {
            plan_add(plan, one->topic, one->partition, one->committed)->metadata = one->metadata;
        }
    }
    return code;
}

/* Rows of others than those that are meant go. */
static void keep_meant(struct plan *plan, struct session *session, const struct invocation *in) {
    size_t kept = 0;
    for (size_t i = 0; i < plan->count; i++) {
        if (plan_is_meant(session, in, plan->rows[i].topic, plan->rows[i].partition)) {
            plan->rows[kept++] = plan->rows[i];
        }
    }
    plan->count = kept;
}

/* A file may name topics that this cluster lacks. */
static int check_topics(const struct plan *plan, struct session *session) {
    int code = EXIT_DONE;
    for (size_t i = 0; !code && i < plan->count; i++) {
        struct kp_metadata_response metadata;
        const struct kp_metadata_response_topic *found;
        const struct plan_row *row = &plan->rows[i];
        if (i > 0 && strcmp(row->topic, plan->rows[i - 1].topic) == 0) {
            continue;
        }
        code = cluster_topic(session->admin, &session->arena, row->topic, TOPIC_TO_CHANGE,
                             &metadata, &found);
        for (size_t k = i; !code && k < plan->count; k++) {
            if (strcmp(plan->rows[k].topic, row->topic) == 0 &&
                plan->rows[k].partition >= found->partitions.count) {
                code = cluster_no_such_partition(row->topic, found->partitions.count,
                                                 plan->rows[k].partition);
            }
        }
    }
    return code;
}

/* ---- The commands ---- */

static int count_ways(const struct invocation *in) {
    return invocation_has(in, OPTION_TO) + invocation_has(in, OPTION_BY) +
           invocation_has(in, OPTION_FROM_GROUP) + invocation_has(in, OPTION_FROM_FILE);
}

static int seek_to(struct plan *plan, struct session *session, const struct invocation *in,
                   struct group_file *file) {
    const char *to = invocation_value(in, OPTION_TO, NULL),
               *other = invocation_value(in, OPTION_FROM_GROUP, NULL),
               *path = invocation_value(in, OPTION_FROM_FILE, NULL);
    if (other) {
        return rows_from_group(plan, session, in, other);
    }
    if (path) {
        int code = group_file_open(file, path);
        if (!code) {
            group_file_plan(file, plan);
            keep_meant(plan, session, in);
            code = check_topics(plan, session);
        }
        return code;
    }
    int code = plan_choose(plan, session, in);
    return code ? code : to ? plan_rows_to(plan, in, to) : rows_by(plan, in);
}

int command_group_seek(struct invocation *in) {
    struct session session;
    struct plan plan;
    struct group_file file = {NULL, NULL};
    if (count_ways(in) != 1) {
        say("say where %s goes on with one of --to, --by, --from-group and --from-file; for example --to earliest",
            in->words[0]);
        return EXIT_USAGE;
    }
    session_begin(&session, in);
    int code = plan_open(&plan, &session, in->words[0]);
    code = code ? code : seek_to(&plan, &session, in, &file);
    code = code ? code : plan_carry_out(&plan, &session, in);
    plan_close(&plan);
    group_file_close(&file);
    return session_end(&session, code);
}

int command_group_export(struct invocation *in) {
    struct session session;
    struct group_view view = {.group = in->words[0]};
    session_begin(&session, in);
    int code = group_fetch_offsets(session.admin, &session.arena, &view);
    if (!code && view.offset_count == 0) {
        int16_t refused;
        code = group_describe(session.admin, &session.arena, in->words[0], &view, &refused);
        code = !code && refused
                   ? group_refused(session.admin, &session.arena, in->words[0], refused)
                   : code;
    }
    if (!code) {
        print_json(group_file_of(&view));
    }
    return session_end(&session, code);
}

int command_group_import(struct invocation *in) {
    struct session session;
    struct plan plan = {.rows = NULL};
    struct group_file file;
    session_begin(&session, in);
    int code = group_file_open(&file, in->words[0]);
    const char *group = invocation_value(in, 'G', file.group);
    if (!code && !group) {
        say("%s does not say which group it is for; name it with -G GROUP", in->words[0]);
        code = EXIT_USAGE;
    }
    code = code ? code : plan_open(&plan, &session, group);
    if (!code) {
        group_file_plan(&file, &plan);
        code = check_topics(&plan, &session);
    }
    code = code ? code : plan_carry_out(&plan, &session, in);
    plan_close(&plan);
    group_file_close(&file);
    return session_end(&session, code);
}
