/*
 * drave share reset: where a share group without members begins, as if it had read nothing of those
 * partitions.
 *
 * Happy path: the partitions that --topic names (those in which the group has begun, without it)
 * get the offsets that --to says; the plan is shown, and carried out with --yes. Failures:
 * group_plan.h; a partition that is refused is said, others may have been set.
 */
#include <string.h>

#include "client/commands/plan_rows.h"
#include "client/line/command.h"
#include "client/line/talk.h"
#include "client/sharing/share_view.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/alter_share_group_offsets.h"

static int16_t alter_error(const void *response) {
    const struct kp_alter_share_group_offsets_response *answer = response;
    int16_t error = answer->error_code;
    for (int32_t t = 0; !error && t < answer->responses.count; t++) {
        for (int32_t p = 0; !error && p < answer->responses.items[t].partitions.count; p++) {
            error = answer->responses.items[t].partitions.items[p].error_code;
        }
    }
    return error;
}

/* Rows are sorted: those of a topic stand together. */
static bool fill_request(const struct plan *plan, struct session *session,
                         struct kp_alter_share_group_offsets_request *request) {
    KP_ARRAY_OF(struct kp_alter_share_group_offsets_request_partition) partitions;
    struct kp_alter_share_group_offsets_request_topic *topics = kp_new_items(
        &session->arena, &kp_alter_share_group_offsets_request_topic_schema, &request->topics,
        (int32_t)plan->count);
    if (!topics ||
        !kp_new_items(&session->arena, &kp_alter_share_group_offsets_request_partition_schema,
                      &partitions, (int32_t)plan->count)) {
        return false;
    }
    request->topics.count = 0;
    for (size_t i = 0; i < plan->count; i++) {
        const struct plan_row *row = &plan->rows[i];
        if (i == 0 || strcmp(row->topic, plan->rows[i - 1].topic) != 0) {
            struct kp_alter_share_group_offsets_request_topic *topic =
                &topics[request->topics.count++];
            topic->topic_name = kp_string_of(row->topic);
            topic->partitions.items = &partitions.items[i];
            topic->partitions.count = 0;
        }
        topics[request->topics.count - 1].partitions.count++;
        partitions.items[i].partition_index = row->partition;
        partitions.items[i].start_offset = row->to;
    }
    return true;
}

static int alter(const struct plan *plan, struct session *session) {
    struct kp_alter_share_group_offsets_request request;
    struct kp_alter_share_group_offsets_response response;
    struct error_text why = {""};
    struct group_call call = {.group = plan->group,
                              .key = KP_ALTER_SHARE_GROUP_OFFSETS,
                              .request = &request,
                              .response = &response,
                              .error_of = alter_error};
    kp_set_fallbacks(&kp_alter_share_group_offsets_request_schema, &request);
    request.group_id = kp_string_of(plan->group);
    if (!fill_request(plan, session, &request)) {
        say("group \"%s\" has more partitions than fit into memory; name some of its topics with --topic",
            plan->group);
        return EXIT_REFUSED;
    }
    int error = group_request(session->admin, &session->arena, &call, &why);
    return error          ? admin_failed(error, &why)
           : call.refused ? share_refused(session->admin, &session->arena, plan->group,
                                          call.refused, response.error_message)
                          : EXIT_DONE;
}

static int say_members(const struct plan *plan, struct session *session) {
    return share_refused(session->admin, &session->arena, plan->group, KAFKA_NON_EMPTY_GROUP,
                         KP_NULL_STRING);
}

static const struct plan_kind shared = {"START", "partition in which it has begun",
                                        "the group begins there", alter, say_members};

/* The group need not exist: it is made. */
static int open_plan(struct plan *plan, struct session *session, const char *group) {
    struct share_view view;
    int16_t refused;
    *plan = (struct plan){.kind = &shared, .group = group, .view = {.group = group}};
    int code = share_describe(session->admin, &session->arena, group, &view, &refused);
    if (code || refused) {
        return code;
    }
    code = share_fetch_offsets(session->admin, &session->arena, &view);
    plan->view.member_count = view.member_count;
    plan->view.offsets = kp_arena_alloc(&session->arena,
                                        (view.offset_count + 1) * sizeof(*plan->view.offsets));
    for (size_t i = 0; plan->view.offsets && i < view.offset_count; i++) {
        plan->view.offsets[plan->view.offset_count++] = (struct group_offset){
            .topic = view.offsets[i].topic,
            .partition = view.offsets[i].partition,
            .committed = view.offsets[i].start};
    }
    return code;
}

int command_share_reset(struct invocation *in) {
    struct session session;
    struct plan plan;
    const char *to = invocation_value(in, OPTION_TO, NULL);
    if (!to) {
        say("say where %s begins with --to; for example --to earliest", in->words[0]);
        return EXIT_USAGE;
    }
    session_begin(&session, in);
    int code = open_plan(&plan, &session, in->words[0]);
    code = code ? code : plan_choose(&plan, &session, in);
    code = code ? code : plan_rows_to(&plan, in, to);
    code = code ? code : plan_carry_out(&plan, &session, in);
    plan_close(&plan);
    return session_end(&session, code);
}
