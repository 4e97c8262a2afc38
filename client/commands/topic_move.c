/*
 * drave topic move: where the replicas of a topic are to be.
 *
 * Happy path: AlterPartitionReassignments with the brokers that are named, each partition beginning
 * with another one, so that leads are spread; then, as long as it is to be waited, how many are not
 * there yet is asked again and again. With --dry-run it is only said; --cancel puts back what was
 * there before. Failures: what the cluster refuses is said with its reason, exit code 1; so is what
 * has not arrived when the time is over: it goes on all the same.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "client/kafka/cluster_view.h"
#include "client/line/talk.h"
#include "client/session/topic_session.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/alter_partition_reassignments.h"
#include "protocol/messages/list_partition_reassignments.h"

enum { BROKERS_MAX = 64, PAUSE_MS = 200 };

struct move {
    struct invocation *in;
    const char *topic;
    int32_t only; /* this partition; -1: all */
    bool cancel;
    int32_t brokers[BROKERS_MAX];
    int32_t count;
    int32_t first, partitions; /* those that are asked for */
};

/* ---- What is asked for ---- */

/* "1,2,3". False: it is not that. */
static bool parse_brokers(const char *text, struct move *move) {
    while (move->count < BROKERS_MAX) {
        char *end;
        long id = strtol(text, &end, 10);
        if (end == text || id < 0 || id > INT32_MAX) return false;
        move->brokers[move->count++] = (int32_t)id;
        if (*end == '\0') return true;
        if (*end != ',') return false;
        text = end + 1;
    }
    return false;
}

static int check_words(struct move *move) {
    const char *to = invocation_value(move->in, OPTION_TO, NULL);
    move->cancel = invocation_has(move->in, OPTION_CANCEL);
    if ((to == NULL) == !move->cancel) {
        say(to == NULL ? "where to? Write for example drave topic move %s --to 2,3,4"
                       : "--cancel puts back what was there before; leave --to away",
            move->topic);
        return EXIT_USAGE;
    }
    if (to != NULL && !parse_brokers(to, move)) {
        say("--to %s is no list of brokers; write their ids, for example 2,3,4 (drave info lists them)",
            to);
        return EXIT_USAGE;
    }
    move->only = (int32_t)invocation_number(move->in, 'p', -1, 0, INT32_MAX);
    return EXIT_DONE;
}

/* The brokers of a partition, as text. */
static void describe(const struct move *move, int32_t partition, char *text, size_t room) {
    size_t used = 0;
    for (int32_t i = 0; i < move->count && used < room; i++)
        used += (size_t)snprintf(text + used, room - used, "%s%" PRId32, i > 0 ? ", " : "",
                                 move->brokers[(i + partition) % move->count]);
}

/* ---- Asking ---- */

static void fill(struct session *session, const struct move *move,
                 struct kp_alter_partition_reassignments_request *request) {
    struct kp_arena *arena = &session->arena;
    kp_set_fallbacks(&kp_alter_partition_reassignments_request_schema, request);
    request->timeout_ms = admin_client_answer_ms(session->admin);
    struct kp_alter_partition_reassignments_request_topic *topic = kp_new_items(
        arena, &kp_alter_partition_reassignments_request_topic_schema, &request->topics, 1);
    topic->name = kp_string_of(move->topic);
    struct kp_alter_partition_reassignments_request_partition *rows = kp_new_items(
        arena, &kp_alter_partition_reassignments_request_partition_schema, &topic->partitions,
        move->partitions);
    for (int32_t i = 0; i < move->partitions; i++) {
        rows[i].partition_index = move->first + i;
        if (move->cancel) continue;
        rows[i].replicas.items = kp_arena_alloc(arena, (size_t)move->count * sizeof(int32_t));
        rows[i].replicas.count = move->count;
        for (int32_t b = 0; b < move->count; b++)
            rows[i].replicas.items[b] = move->brokers[(b + move->first + i) % move->count];
    }
}

/* One line for each that the cluster took, and why it did not take another. */
static int tell(struct session *session, const struct move *move,
                const struct kp_alter_partition_reassignments_response *response, json_t *list) {
    int code = EXIT_DONE;
    if (response->error_code != KAFKA_NONE)
        return session_refused(session, move->topic, response->error_code, response->error_message);
    for (int32_t t = 0; t < response->responses.count; t++) {
        for (int32_t p = 0; p < response->responses.items[t].partitions.count; p++) {
            const struct kp_alter_partition_reassignments_response_partition *one =
                &response->responses.items[t].partitions.items[p];
            /* With --cancel of a whole topic that is so of all that were not moved. */
            if (one->error_code == KAFKA_NO_REASSIGNMENT_IN_PROGRESS && move->only < 0) continue;
            if (one->error_code != KAFKA_NONE) {
                say("partition %" PRId32 " of \"%s\" is not moved: %s", one->partition_index,
                    move->topic, cluster_text(&session->arena, one->error_message));
                code = EXIT_REFUSED;
                continue;
            }
            char brokers[512] = "";
            describe(move, one->partition_index, brokers, sizeof brokers);
            json_array_append_new(list,
                                  json_pack("{s:i,s:b,s:b}", "partition", (int)one->partition_index,
                                            "cancelled", (int)move->cancel, "dry_run", 0));
            if (!move->in->json && move->cancel)
                say_plain("partition %" PRId32 " of \"%s\" goes back to where it was",
                          one->partition_index, move->topic);
            else if (!move->in->json)
                say_plain("partition %" PRId32 " of \"%s\" moves to brokers %s",
                          one->partition_index, move->topic, brokers);
        }
    }
    return code;
}

static int ask(struct session *session, const struct move *move, json_t *list) {
    struct kp_alter_partition_reassignments_request request;
    struct kp_alter_partition_reassignments_response response;
    struct error_text why = {""};
    fill(session, move, &request);
    int error = admin_request(session->admin, KP_ALTER_PARTITION_REASSIGNMENTS, 0, &request,
                              &session->arena, &response, NULL, &why);
    return error != ERR_NONE ? admin_failed(error, &why) : tell(session, move, &response, list);
}

/* ---- Waiting ---- */

/* How many are not where they are to be; -1: *code is what was said. */
static int32_t under_way(const struct move *move, int *code) {
    struct session session;
    struct kp_list_partition_reassignments_request request;
    struct kp_list_partition_reassignments_response response;
    struct error_text why = {""};
    int32_t count = 0;
    session_begin(&session, move->in);
    kp_set_fallbacks(&kp_list_partition_reassignments_request_schema, &request);
    struct kp_list_partition_reassignments_request_topic *topic = kp_new_items(
        &session.arena, &kp_list_partition_reassignments_request_topic_schema, &request.topics, 1);
    topic->name = kp_string_of(move->topic);
    topic->partition_indexes.items = kp_arena_alloc(&session.arena,
                                                    (size_t)move->partitions * sizeof(int32_t));
    topic->partition_indexes.count = move->partitions;
    for (int32_t i = 0; i < move->partitions; i++)
        topic->partition_indexes.items[i] = move->first + i;
    int error = admin_request(session.admin, KP_LIST_PARTITION_REASSIGNMENTS, 0, &request,
                              &session.arena, &response, NULL, &why);
    *code = error != ERR_NONE ? admin_failed(error, &why) : EXIT_DONE;
    for (int32_t t = 0; error == ERR_NONE && t < response.topics.count; t++)
        count += response.topics.items[t].partitions.count;
    session_end(&session, *code);
    return *code == EXIT_DONE ? count : -1;
}

static int wait_for_end(const struct move *move, uint64_t wait_ms) {
    struct patience patience;
    uint64_t until_ms = now_ms() + wait_ms;
    int code;
    patience_begin(&patience);
    for (;;) {
        int32_t left = under_way(move, &code);
        if (left < 0) return code;
        if (left == 0) break;
        if (now_ms() >= until_ms) {
            say("%" PRId32 " of %" PRId32
                " partitions of \"%s\" are not there yet; they go on, and drave topic describe %s shows where they are",
                left, move->partitions, move->topic, move->topic);
            return EXIT_REFUSED;
        }
        patience_say(&patience, "%" PRId32 " of %" PRId32 " partitions of %s", left,
                     move->partitions, move->topic);
        pause_ms(PAUSE_MS);
    }
    if (!move->in->json) say_plain("all of it is where it is to be");
    return EXIT_DONE;
}

/* ---- The command ---- */

static int say_plan(const struct move *move, json_t *list) {
    for (int32_t i = 0; i < move->partitions; i++) {
        char brokers[512] = "";
        describe(move, move->first + i, brokers, sizeof brokers);
        json_array_append_new(list, json_pack("{s:i,s:b,s:b}", "partition", (int)(move->first + i),
                                              "cancelled", (int)move->cancel, "dry_run", 1));
        if (move->in->json) continue;
        if (move->cancel)
            say_plain("partition %" PRId32
                      " of \"%s\" would go back to where it was, if it is moved (--dry-run)",
                      move->first + i, move->topic);
        else
            say_plain("partition %" PRId32 " of \"%s\" would move to brokers %s (--dry-run)",
                      move->first + i, move->topic, brokers);
    }
    return EXIT_DONE;
}

static int move_topic(struct move *move, struct session *session,
                      const struct kp_metadata_response_topic *found) {
    move->partitions = found->partitions.count;
    if (move->only >= move->partitions) {
        return cluster_no_such_partition(move->topic, move->partitions, move->only);
    }
    if (move->only >= 0) {
        move->first = move->only;
        move->partitions = 1;
    }
    json_t *list = json_array();
    bool dry_run = invocation_has(move->in, OPTION_DRY_RUN);
    int code = dry_run ? say_plan(move, list) : ask(session, move, list);
    if (code == EXIT_DONE && !dry_run && invocation_has(move->in, OPTION_WAIT))
        code = wait_for_end(move, invocation_duration(move->in, OPTION_WAIT, 0, 0, 86400));
    if (move->in->json)
        print_json(list);
    else
        json_decref(list);
    return code;
}

int command_topic_move(struct invocation *in) {
    struct session session;
    struct kp_metadata_response metadata;
    const struct kp_metadata_response_topic *found;
    struct move move = {.in = in, .topic = in->words[0]};
    int code = check_words(&move);
    if (code != EXIT_DONE) return code;
    session_begin(&session, in);
    code = cluster_topic(session.admin, &session.arena, move.topic, TOPIC_TO_CHANGE, &metadata,
                         &found);
    code = code ? code : move_topic(&move, &session, found);
    return session_end(&session, code);
}
