/*
 * drave topic trim: deletes the oldest records of topics.
 *
 * Happy path: where each partition starts and ends, and, for a time, the first record that is not
 * older, are asked of the leaders; then DeleteRecords goes to each leader, again while leaders move
 * and time is left. With --dry-run it is only said. Failures: what could not be trimmed is said
 * with its reason, exit code 1; the other partitions are trimmed all the same.
 */
#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "client/commands/topic_words.h"
#include "client/kafka/cluster_view.h"
#include "client/kafka/offsets.h"
#include "client/line/moment.h"
#include "client/line/talk.h"
#include "client/records/where.h"
#include "client/session/topic_session.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/delete_records.h"

enum { PAUSE_MS = 50 };

/* What is trimmed: all of these have `count` items. */
struct trim {
    const struct invocation *in;
    const char *topic;
    json_t *list; /* what was done, for --json */
    struct where where;
    int32_t only; /* this partition; -1: all */
    struct partition_offset *start, *end, *at;
    size_t count;
};

/* ---- One partition ---- */

/* Kafka's code, or -1: not reached, with `why`. */
static int ask_leader(struct session *session, const struct trim *trim, int32_t partition,
                      int64_t offset, int64_t *low_watermark, struct error_text *why) {
    struct kp_metadata_response metadata;
    struct kp_delete_records_request request;
    struct kp_delete_records_response response;
    if (cluster_ask(session->admin, &session->arena, trim->topic, &metadata, why) != ERR_NONE)
        return -1;
    const struct kp_metadata_response_topic *topic = metadata.topics.items;
    const struct kp_metadata_response_broker *leader = NULL;
    for (int32_t i = 0; metadata.topics.count == 1 && i < topic->partitions.count; i++) {
        if (topic->partitions.items[i].partition_index == partition)
            leader = cluster_broker(&metadata, topic->partitions.items[i].leader_id);
    }
    if (leader == NULL) return KAFKA_NOT_LEADER_OR_FOLLOWER;
    kp_set_fallbacks(&kp_delete_records_request_schema, &request);
    struct kp_delete_records_request_topic *one = kp_new_items(
        &session->arena, &kp_delete_records_request_topic_schema, &request.topics, 1);
    one->name = kp_string_of(trim->topic);
    kp_new_items(&session->arena, &kp_delete_records_request_partition_schema, &one->partitions, 1);
    one->partitions.items[0].partition_index = partition;
    one->partitions.items[0].offset = offset;
    request.timeout_ms = admin_client_answer_ms(session->admin);
    int error = admin_request_to(session->admin, cluster_text(&session->arena, leader->host),
                                 leader->port, KP_DELETE_RECORDS, 0, &request, &session->arena,
                                 &response, NULL, why);
    if (error != ERR_NONE || response.topics.count != 1 ||
        response.topics.items[0].partitions.count != 1)
        return -1;
    *low_watermark = response.topics.items[0].partitions.items[0].low_watermark;
    return response.topics.items[0].partitions.items[0].error_code;
}

/* Who has the lead moves: until the time is over. */
static int trim_partition(const struct trim *trim, size_t i, int64_t offset, int64_t *start) {
    struct session session;
    struct patience patience;
    int32_t partition = trim->start[i].partition;
    int code;
    session_begin(&session, trim->in);
    patience_begin(&patience);
    for (;;) {
        struct error_text why = {""};
        code = ask_leader(&session, trim, partition, offset, start, &why);
        bool again = code < 0 || code == KAFKA_NOT_LEADER_OR_FOLLOWER ||
                     code == KAFKA_REQUEST_TIMED_OUT;
        const char *reason = code < 0 && *why.text ? why.text
                             : code < 0            ? "its leader does not answer"
                                                   : kafka_error_message((int16_t)code);
        if (code == KAFKA_NONE) break;
        if (!again || admin_client_left_ms(session.admin) <= PAUSE_MS) {
            say("partition %d of \"%s\" was not trimmed: %s", (int)partition, trim->topic, reason);
            break;
        }
        patience_say(&patience, "the leader of %s-%d: %s", trim->topic, (int)partition, reason);
        pause_ms(PAUSE_MS);
    }
    return session_end(&session, code == KAFKA_NONE ? EXIT_DONE : EXIT_REFUSED);
}

/* ---- All of them ---- */

/* Where partition i is to start. */
static int64_t target_of(const struct trim *trim, size_t i) {
    int64_t end = trim->end[i].offset;
    switch (trim->where.kind) {
    case WHERE_TIME: return trim->at[i].offset < 0 ? end : trim->at[i].offset;
    case WHERE_LAST: return end > trim->where.value ? end - trim->where.value : 0;
    case WHERE_OFFSET: return trim->where.value;
    default: return end;
    }
}

static int trim_all(const struct trim *trim) {
    int code = EXIT_DONE;
    bool dry_run = invocation_has(trim->in, OPTION_DRY_RUN);
    for (size_t i = 0; i < trim->count; i++) {
        int64_t before = trim->start[i].offset, target = target_of(trim, i),
                start = target > before ? target : before;
        int32_t partition = trim->start[i].partition;
        if (trim->only >= 0 && partition != trim->only) continue;
        if (start > trim->end[i].offset) {
            say("partition %d of \"%s\" ends at %" PRId64 ", before %" PRId64
                ": nothing of it was deleted",
                (int)partition, trim->topic, trim->end[i].offset, start);
            code = EXIT_REFUSED;
            continue;
        }
        int one = dry_run || target <= before ? EXIT_DONE : trim_partition(trim, i, target, &start);
        if (one) {
            code = one;
            continue;
        }
        json_array_append_new(trim->list,
                              json_pack("{s:s,s:i,s:I,s:I,s:b}", "topic", trim->topic, "partition",
                                        (int)partition, "start", (json_int_t)start, "deleted",
                                        (json_int_t)(start - before), "dry_run", (int)dry_run));
        if (!trim->in->json)
            say_plain("partition %d of \"%s\" %s at %" PRId64 ": %" PRId64 " record%s%s",
                      (int)partition, trim->topic, dry_run ? "would start" : "starts", start,
                      start - before, start - before == 1 ? "" : "s",
                      dry_run ? " would be deleted (--dry-run)" : " deleted");
    }
    return code;
}

static int prepare(struct trim *trim, const struct kp_metadata_response_topic *found) {
    const struct invocation *in = trim->in;
    trim->count = (size_t)found->partitions.count;
    if (trim->only >= (int32_t)trim->count) {
        return cluster_no_such_partition(trim->topic, (int32_t)trim->count, trim->only);
    }
    int code = offsets_ask_topic(in, found, trim->topic, OFFSETS_EARLIEST, OFFSETS_UNCOMMITTED,
                                 &trim->start);
    code = code ? code
                : offsets_ask_topic(in, found, trim->topic, OFFSETS_LATEST, OFFSETS_UNCOMMITTED,
                                    &trim->end);
    if (!code && trim->where.kind == WHERE_TIME)
        code = offsets_ask_topic(in, found, trim->topic, trim->where.value, OFFSETS_UNCOMMITTED,
                                 &trim->at);
    return code;
}

/* One topic, with a session and a timeout of its own. */
static int trim_topic(struct trim *trim) {
    struct session session;
    struct kp_metadata_response metadata;
    const struct kp_metadata_response_topic *found;
    session_begin(&session, trim->in);
    int code = cluster_topic(session.admin, &session.arena, trim->topic, TOPIC_TO_CHANGE, &metadata,
                             &found);
    code = code ? code : prepare(trim, found);
    code = code ? code : trim_all(trim);
    mem_free(trim->start);
    mem_free(trim->end);
    mem_free(trim->at);
    trim->start = trim->end = trim->at = NULL;
    return session_end(&session, code);
}

static int trim_topics(struct invocation *in) {
    const char *where = invocation_value(in, 'o', NULL);
    struct trim trim = {.in = in, .list = json_array()};
    bool ends_early;
    int code = EXIT_DONE;
    where_parse(where, moment_now(), &trim.where, &ends_early); /* command_topic_trim has seen it */
    trim.only = (int32_t)invocation_number(in, 'p', -1, 0, INT32_MAX);
    for (int i = 0; i < in->word_count && code != EXIT_UNREACHABLE; i++) {
        trim.topic = in->words[i];
        int one = trim_topic(&trim);
        code = one ? one : code;
    }
    if (in->json) {
        print_json(trim.list);
    } else {
        json_decref(trim.list);
    }
    return code;
}

int command_topic_trim(struct invocation *in) {
    const char *where = invocation_value(in, 'o', NULL);
    struct where parsed;
    bool ends_early;
    if (!where) {
        say("up to where? Write for example drave topic trim %s -o @-7d", in->words[0]);
        return EXIT_USAGE;
    }
    if (where_parse(where, moment_now(), &parsed, &ends_early) || parsed.until != UNTIL_NEVER ||
        parsed.kind == WHERE_BEGINNING || parsed.kind == WHERE_STORED) {
        say("-o %s is no place to trim to; write an offset, @TIME, -N (all but the last N) or end. "
            "TIME: " MOMENT_FORMS,
            where);
        return EXIT_USAGE;
    }
    return topic_words_run(in, "trimmed", trim_topics);
}
