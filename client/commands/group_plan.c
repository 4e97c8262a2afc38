/* Where the partitions start and end, the table of what changes, and one OffsetCommit. */
#include "client/commands/group_plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "client/kafka/offsets.h"
#include "client/line/talk.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/offset_commit.h"

enum { VERSION_MIN = 2 };

static int commit_rows(const struct plan *plan, struct session *session);
static int say_members(const struct plan *plan, struct session *session);

static const struct plan_kind committed = {"COMMITTED", "committed offsets",
                                           "these offsets are committed", commit_rows, say_members};

static int say_members(const struct plan *plan, struct session *session) {
    return group_refused(session->admin, &session->arena, plan->group, KAFKA_NON_EMPTY_GROUP);
}

int plan_open(struct plan *plan, struct session *session, const char *group) {
    int16_t refused;
    *plan = (struct plan){.kind = &committed, .group = group};
    int code = group_describe(session->admin, &session->arena, group, &plan->view, &refused);
    if (!code && refused && refused != KAFKA_GROUP_ID_NOT_FOUND) {
        return group_refused(session->admin, &session->arena, group, refused);
    }
    return code ? code : group_fetch_offsets(session->admin, &session->arena, &plan->view);
}

void plan_close(struct plan *plan) {
    mem_free(plan->rows);
    plan->rows = NULL;
}

static const struct group_offset *offset_of(const struct group_view *view, const char *topic,
                                            int32_t partition) {
    for (size_t i = 0; i < view->offset_count; i++) {
        if (view->offsets[i].partition == partition && strcmp(view->offsets[i].topic, topic) == 0) {
            return &view->offsets[i];
        }
    }
    return NULL;
}

struct plan_row *plan_add(struct plan *plan, const char *topic, int32_t partition, int64_t to) {
    for (size_t i = 0; i < plan->count; i++) {
        if (plan->rows[i].partition == partition && strcmp(plan->rows[i].topic, topic) == 0) {
            plan->rows[i].to = to;
            return &plan->rows[i];
        }
    }
    if (plan->count == plan->room) {
        plan->room = plan->room ? 2 * plan->room : 64;
        plan->rows = mem_realloc(plan->rows, plan->room * sizeof(*plan->rows));
    }
    const struct group_offset *now = offset_of(&plan->view, topic, partition);
    struct plan_row *row = &plan->rows[plan->count++];
    *row = (struct plan_row){.topic = topic,
                             .partition = partition,
                             .from = now ? now->committed : -1,
                             .to = to,
                             .metadata = ""};
    return row;
}

/* ---- What the partitions hold ---- */

static int by_partition(const void *a, const void *b) {
    const struct plan_row *one = a, *other = b;
    int order = strcmp(one->topic, other->topic);
    return order ? order
                 : (one->partition > other->partition) - (one->partition < other->partition);
}

static int ask_limits(const struct plan *plan, const struct invocation *in, int64_t time,
                      struct partition_offset *items) {
    for (size_t i = 0; i < plan->count; i++) {
        items[i] = (struct partition_offset){.topic = plan->rows[i].topic,
                                             .partition = plan->rows[i].partition};
    }
    return offsets_ask(in->bootstrap, now_ms() + in->timeout_ms, time, OFFSETS_UNCOMMITTED, items,
                       plan->count);
}

static int limit_rows(struct plan *plan, const struct invocation *in) {
    struct partition_offset *start = mem_alloc((plan->count + 1) * sizeof(*start));
    struct partition_offset *end = mem_alloc((plan->count + 1) * sizeof(*end));
    int code = ask_limits(plan, in, OFFSETS_EARLIEST, start);
    code = code ? code : ask_limits(plan, in, OFFSETS_LATEST, end);
    for (size_t i = 0; !code && i < plan->count; i++) {
        struct plan_row *row = &plan->rows[i];
        int64_t wanted = row->to;
        row->to = wanted < start[i].offset ? start[i].offset
                  : wanted > end[i].offset ? end[i].offset
                                           : wanted;
        if (row->to != wanted) {
            say("%s-%d has the offsets %" PRId64 " to %" PRId64 ", not %" PRId64 "; it is %" PRId64
                " instead",
                row->topic, (int)row->partition, start[i].offset, end[i].offset, wanted, row->to);
        }
    }
    mem_free(start);
    mem_free(end);
    return code;
}

/* ---- Showing ---- */

static void show_rows(const struct plan *plan, const struct invocation *in, bool dry_run) {
    const char *const names[] = {"TOPIC", "PARTITION", plan->kind->column, "NEW"};
    struct table *table = in->json ? NULL : table_new(names, 4);
    json_t *list = json_array();
    for (size_t i = 0; i < plan->count; i++) {
        const struct plan_row *row = &plan->rows[i];
        char partition[16], from[32], to[32];
        snprintf(partition, sizeof(partition), "%d", (int)row->partition);
        snprintf(from, sizeof(from), "%" PRId64, row->from);
        snprintf(to, sizeof(to), "%" PRId64, row->to);
        if (table) {
            table_row(table,
                      (const char *[]){row->topic, partition, row->from < 0 ? NULL : from, to});
        }
        json_array_append_new(list, json_pack("{s:s,s:i,s:o,s:I}", "topic", row->topic, "partition",
                                              (int)row->partition, "from",
                                              row->from < 0 ? json_null() : json_integer(row->from),
                                              "to", (json_int_t)row->to));
    }
    if (table) {
        table_print(table);
        json_decref(list);
    } else {
        print_json(json_pack("{s:s,s:b,s:o}", "group", plan->group, "dry_run", (int)dry_run,
                             "offsets", list));
    }
}

/* ---- Committing ---- */

static int16_t commit_error(const void *response) {
    const struct kp_offset_commit_response *answer = response;
    int16_t error = 0;
    for (int32_t t = 0; t < answer->topics.count; t++) {
        for (int32_t p = 0; p < answer->topics.items[t].partitions.count; p++) {
            error = error ? error : answer->topics.items[t].partitions.items[p].error_code;
        }
    }
    return error;
}

static struct kp_uuid id_of(const struct kp_metadata_response *metadata, const char *topic) {
    for (int32_t i = 0; i < metadata->topics.count; i++) {
        if (kp_string_is(metadata->topics.items[i].name, topic)) {
            return metadata->topics.items[i].topic_id;
        }
    }
    return (struct kp_uuid){{0}};
}

/* Rows are sorted: those of a topic stand together. */
static bool fill_commit(const struct plan *plan, struct session *session,
                        const struct kp_metadata_response *metadata,
                        struct kp_offset_commit_request *request) {
    KP_ARRAY_OF(struct kp_offset_commit_request_partition) partitions;
    struct kp_offset_commit_request_topic *topics = kp_new_items(
        &session->arena, &kp_offset_commit_request_topic_schema, &request->topics,
        (int32_t)plan->count);
    if (!topics || !kp_new_items(&session->arena, &kp_offset_commit_request_partition_schema,
                                 &partitions, (int32_t)plan->count)) {
        return false;
    }
    request->topics.count = 0;
    for (size_t i = 0; i < plan->count; i++) {
        const struct plan_row *row = &plan->rows[i];
        if (i == 0 || strcmp(row->topic, plan->rows[i - 1].topic) != 0) {
            struct kp_offset_commit_request_topic *topic = &topics[request->topics.count++];
            topic->name = kp_string_of(row->topic);
            topic->topic_id = id_of(metadata, row->topic);
            topic->partitions.items = &partitions.items[i];
            topic->partitions.count = 0;
        }
        topics[request->topics.count - 1].partitions.count++;
        partitions.items[i].partition_index = row->partition;
        partitions.items[i].committed_offset = row->to;
        partitions.items[i].committed_leader_epoch = -1;
        partitions.items[i].committed_metadata = kp_string_of(row->metadata);
    }
    return true;
}

static int commit_rows(const struct plan *plan, struct session *session) {
    struct kp_metadata_response metadata;
    struct kp_offset_commit_request request;
    struct kp_offset_commit_response response;
    struct error_text why = {""};
    struct group_call call = {.group = plan->group,
                              .key = KP_OFFSET_COMMIT,
                              .version_min = VERSION_MIN,
                              .request = &request,
                              .response = &response,
                              .error_of = commit_error};
    int code = cluster_metadata(session->admin, &session->arena, NULL, &metadata);
    if (code) {
        return code;
    }
    kp_set_fallbacks(&kp_offset_commit_request_schema, &request);
    request.group_id = kp_string_of(plan->group);
    request.generation_id_or_member_epoch = -1;
    request.member_id = kp_string_of("");
    request.group_instance_id = KP_NULL_STRING;
    request.retention_time_ms = -1;
    if (!fill_commit(plan, session, &metadata, &request)) {
        say("group \"%s\" has more offsets than fit into memory; name some of its topics with --topic",
            plan->group);
        return EXIT_REFUSED;
    }
    int error = group_request(session->admin, &session->arena, &call, &why);
    if (error) {
        return admin_failed(error, &why);
    }
    return call.refused ? group_refused(session->admin, &session->arena, plan->group, call.refused)
                        : EXIT_DONE;
}

int plan_carry_out(struct plan *plan, struct session *session, const struct invocation *in) {
    bool dry_run = !invocation_has(in, OPTION_YES) || invocation_has(in, OPTION_DRY_RUN);
    if (plan->count == 0) {
        if (invocation_has(in, 't')) {
            say("there is nothing to set in group \"%s\": no offset is known for what --topic names",
                plan->group);
        } else {
            say("group \"%s\" has no %s; name what is to be set with --topic", plan->group,
                plan->kind->offsets);
        }
        return EXIT_REFUSED;
    }
    if (!dry_run && plan->view.member_count > 0) {
        return plan->kind->has_members(plan, session);
    }
    qsort(plan->rows, plan->count, sizeof(*plan->rows), by_partition);
    int code = limit_rows(plan, in);
    code = code || dry_run ? code : plan->kind->carry_out(plan, session);
    if (code) {
        return code;
    }
    show_rows(plan, in, dry_run);
    if (dry_run) {
        say("nothing was changed; with --yes %s%s", plan->kind->done,
            plan->view.member_count > 0 ? ", once the group's members have stopped" : "");
    }
    return EXIT_DONE;
}
