/* The form, the plan, and what came of it. */
#include "broker/console/changes/offsets_change.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/console/changes/change_answer.h"
#include "protocol/kafka_error.h"

enum { BAD_REQUEST = 400, CONFLICT = 409 };

static const char *const to_names[] = {[SEEK_EARLIEST] = "earliest",
                                       [SEEK_LATEST] = "latest",
                                       [SEEK_OFFSET] = "offset",
                                       [SEEK_TIME] = "time",
                                       [SEEK_BY] = "by"};

/* ---- What is wanted ---- */

/* ms; -1: it is none. */
static int64_t duration(const char *text) {
    static const char units[] = "smhd";
    static const int64_t ms[] = {1000, 60000, 3600000, 86400000};
    char *end;
    long long value = text == NULL ? -1 : strtoll(text, &end, 10);
    if (value < 0 || value > INT32_MAX || end == text || strlen(end) != 1) return -1;
    const char *unit = strchr(units, *end);
    return unit == NULL ? -1 : value * ms[unit - units];
}

/* False: it is not said, or not as it must be. */
static bool take_wish(struct inquiry *inquiry, const struct seek_kind *kind,
                      struct seek_plan *plan) {
    const char *to = inquiry_value(inquiry, "to"), *topic = inquiry_value(inquiry, "topic");
    plan->topic = topic == NULL || *topic == '\0' ? NULL : topic;
    if (to == NULL) return false;
    if (strcmp(to, "ago") == 0) {
        int64_t ago = duration(inquiry_value(inquiry, "ago"));
        plan->to = SEEK_TIME;
        plan->value = env_wall_ms(inquiry->asker->env) - ago;
        return ago >= 0;
    }
    for (size_t i = 0; i < sizeof to_names / sizeof *to_names; i++) {
        if (strcmp(to, to_names[i]) != 0) continue;
        plan->to = (enum seek_to)i;
        plan->value = inquiry_number(inquiry, to_names[i], INT64_MIN, -INT64_MAX, INT64_MAX);
        return plan->to <= SEEK_LATEST || plan->to == SEEK_BY
                   ? plan->to != SEEK_BY || (kind->by && plan->value != INT64_MIN)
                   : plan->value >= 0;
    }
    return false;
}

static void end_with_command(struct inquiry *inquiry, const struct seek_kind *kind) {
    const char *to = inquiry_value(inquiry, "to"), *topic = inquiry_value(inquiry, "topic");
    const char *value = inquiry_value(inquiry, to);
    struct change_command command = change_command(inquiry, kind->command);
    char where[64];
    change_name(&command, inquiry_value(inquiry, "name"));
    bool time = strcmp(to, "time") == 0, ago = strcmp(to, "ago") == 0;
    change_plain(&command, strcmp(to, "by") == 0 ? "--by" : "--to");
    snprintf(where, sizeof where, "%s%s", time ? "@" : ago ? "@-" : "", value == NULL ? to : value);
    change_word(&command, where);
    if (topic != NULL && *topic != '\0') {
        change_plain(&command, "-t");
        change_word(&command, topic);
    }
    change_plain(&command, "--yes");
    change_end(&command);
}

/* ---- The plan ---- */

static void show_row(struct json *json, const struct seek_row *row) {
    json_object(json, NULL);
    json_string(json, "topic", row->topic);
    json_int(json, "partition", row->partition);
    json_long(json, "from", row->from);
    json_long(json, "to", row->to);
    json_long(json, "start", row->start);
    json_long(json, "end", row->end);
    json_end(json);
}

/* Offsets that are not there, as drave group seek says it. */
static void say_limits(struct inquiry *inquiry, const struct seek_plan *plan) {
    size_t others = 0;
    const struct seek_row *first = NULL;
    for (size_t i = 0; i < plan->count; i++) {
        const struct seek_row *row = &plan->rows[i];
        if (row->to == row->wanted) continue;
        others += first != NULL;
        if (first == NULL) first = row;
    }
    if (first == NULL) return;
    change_says(inquiry,
                "%.*s-%d has the offsets %" PRId64 " to %" PRId64 ", not %" PRId64
                "; it is %" PRId64 " instead.",
                (int)first->topic.len, first->topic.data, (int)first->partition, first->start,
                first->end, first->wanted, first->to);
    if (others > 0)
        change_says(inquiry, "%zu other partition%s no such offset either.", others,
                    others == 1 ? " has" : "s have");
}

static void limits_told(struct inquiry *inquiry) {
    struct seek_plan *plan = inquiry->state;
    struct json *json = &inquiry->json;
    const struct seek_row *unknown = seek_plan_compute(inquiry, plan);
    int64_t skipped = 0, repeated = 0;
    if (unknown != NULL) {
        inquiry_refuse(inquiry, CONFLICT, "partition",
                       "Nobody says where partition %d of %.*s begins and ends; it has no leader "
                       "at the moment, or is gone.",
                       (int)unknown->partition, (int)unknown->topic.len, unknown->topic.data);
        return;
    }
    if (plan->count == 0) {
        const char *topic = plan->topic;
        if (topic == NULL)
            inquiry_refuse(inquiry, CONFLICT, "offsets",
                           "The group has begun in no partition; name a topic.");
        else
            inquiry_refuse(inquiry, CONFLICT, "topic", "There is no topic \"%.250s\".", topic);
        return;
    }
    change_begin(inquiry);
    json_array(json, "rows");
    for (size_t i = 0; i < plan->count; i++) {
        const struct seek_row *row = &plan->rows[i];
        int64_t from = row->from < 0 ? row->start : row->from;
        skipped += row->to > from ? row->to - from : 0;
        repeated += row->to < from ? from - row->to : 0;
        show_row(json, row);
    }
    json_end(json);
    json_array(json, "plan");
    change_says(inquiry,
                "%zu partition%s: %" PRId64 " records will be skipped, %" PRId64 " read again.",
                plan->count, plan->count == 1 ? "" : "s", skipped, repeated);
    say_limits(inquiry, plan);
    if (plan->kind->warning != NULL) change_says(inquiry, "%s", plan->kind->warning);
    json_end(json);
    end_with_command(inquiry, plan->kind);
}

static void topics_told(struct inquiry *inquiry) {
    struct seek_plan *plan = inquiry->state;
    const struct kp_metadata_response *metadata = change_answered(inquiry, KP_METADATA);
    if (metadata == NULL) return;
    if (plan->topic != NULL && !seek_plan_take_topic(inquiry, plan, metadata)) return;
    if (seek_plan_ask(inquiry, plan, metadata)) inquiry_then(inquiry, limits_told);
}

/* Of the topic, or of each in which the group has begun. */
void seek_ask_topics(struct inquiry *inquiry, struct seek_plan *plan) {
    struct kp_metadata_request *request = inquiry_alloc(inquiry, sizeof *request);
    struct kp_metadata_request_topic *topics = inquiry_alloc(inquiry,
                                                             (plan->count + 1) * sizeof *topics);
    if (request == NULL || topics == NULL) return;
    kp_set_fallbacks(&kp_metadata_request_schema, request);
    request->allow_auto_topic_creation = false;
    request->topics.items = topics;
    request->topics.count = plan->topic == NULL ? 0 : 1;
    kp_set_fallbacks(&kp_metadata_request_topic_schema, topics);
    topics->name = plan->topic == NULL ? KP_NULL_STRING : kp_string_of(plan->topic);
    for (size_t i = 0; plan->topic == NULL && i < plan->count; i++) {
        if (i > 0 && kp_string_equal(plan->rows[i].topic, plan->rows[i - 1].topic)) continue;
        struct kp_metadata_request_topic *topic = &topics[request->topics.count++];
        kp_set_fallbacks(&kp_metadata_request_topic_schema, topic);
        topic->name = plan->rows[i].topic;
    }
    inquiry_ask(inquiry, -1, KP_METADATA, 4, 0, request, sizeof(struct kp_metadata_response));
    inquiry_then(inquiry, topics_told);
}

/* ---- Doing it ---- */

void seek_set(struct inquiry *inquiry, const struct seek_kind *kind,
              const struct seek_outcome *outcome) {
    if (outcome->set > 0)
        change_log(inquiry, "group %s: offsets of %zu partitions set (%s)",
                   inquiry_value(inquiry, "name"), outcome->set, inquiry_value(inquiry, "to"));
    if (outcome->error != 0) {
        inquiry->tried = NULL;
        inquiry_refuse(inquiry, CONFLICT, kafka_error_name(outcome->error),
                       "Partition %d of %.*s: %s (%s). %zu other partition%s set.",
                       (int)outcome->partition, (int)outcome->topic.len, outcome->topic.data,
                       kafka_error_message(outcome->error), kafka_error_name(outcome->error),
                       outcome->set, outcome->set == 1 ? " was" : "s were");
        return;
    }
    change_begin(inquiry);
    json_array(&inquiry->json, "plan");
    change_says(inquiry, "%zu partition%s: the group goes on where the plan said.", outcome->set,
                outcome->set == 1 ? "" : "s");
    json_end(&inquiry->json);
    end_with_command(inquiry, kind);
}

void seek_refuse_members(struct inquiry *inquiry) {
    inquiry->tried = NULL;
    inquiry_refuse(inquiry, CONFLICT, "members",
                   "The group has members; stop its consumers, and try again.");
}

/* "PARTITION OFFSET TOPIC". */
static bool read_row(char *line, struct seek_row *row) {
    char *end, *last;
    long index = strtol(line, &end, 10);
    long long offset = strtoll(end, &last, 10);
    if (end == line || *end != ' ' || last == end || *last != ' ' || last[1] == '\0' || index < 0 ||
        index > INT32_MAX || offset < 0)
        return false;
    *row = (struct seek_row){
        .topic = kp_string_of(last + 1), .partition = (int32_t)index, .to = offset};
    return true;
}

bool seek_take_rows(struct inquiry *inquiry, struct seek_plan *plan) {
    char *rest = change_lines(inquiry, "offsets"), *line;
    plan->rows = inquiry_alloc(inquiry, SEEK_ROWS * sizeof *plan->rows);
    if (plan->rows == NULL) return false;
    for (plan->count = 0; (line = change_line(&rest)) != NULL; plan->count++) {
        if (plan->count == SEEK_ROWS || !read_row(line, &plan->rows[plan->count])) {
            inquiry_refuse(inquiry, BAD_REQUEST, "offsets",
                           "\"%.200s\" is no line PARTITION OFFSET TOPIC, of which there may be "
                           "%d.",
                           line, SEEK_ROWS);
            return false;
        }
    }
    if (plan->count == 0) {
        inquiry_refuse(inquiry, BAD_REQUEST, "offsets",
                       "Which offsets? Ask with dry_run=1 first, and send its rows as lines "
                       "PARTITION OFFSET TOPIC.");
        return false;
    }
    change_try(inquiry, "group %s: offsets are to be set (%s)", inquiry_value(inquiry, "name"),
               inquiry_value(inquiry, "to"));
    return true;
}

/* ---- Its beginning ---- */

struct seek_plan *seek_plan_new(struct inquiry *inquiry, const struct seek_kind *kind) {
    struct seek_plan *plan = inquiry_alloc(inquiry, sizeof *plan);
    if (plan == NULL) return NULL;
    plan->kind = kind;
    take_wish(inquiry, kind, plan);
    inquiry->state = plan;
    return plan;
}

void seek_change(struct inquiry *inquiry, const struct seek_kind *kind) {
    const char *name = inquiry_value(inquiry, "name");
    struct seek_plan wish;
    if (name == NULL || *name == '\0')
        inquiry_refuse(inquiry, BAD_REQUEST, "name", "Which group? Write name=GROUP.");
    else if (!take_wish(inquiry, kind, &wish))
        inquiry_refuse(inquiry, BAD_REQUEST, "to",
                       "Where to? Write to=earliest, latest, offset (and offset=N), time "
                       "(time=MS)%s ago (ago=6h)%s.",
                       kind->by ? "," : " or", kind->by ? " or by (by=-100)" : "");
    else
        inquiry_coordinator(inquiry, name, change_is_dry(inquiry) ? kind->ask : kind->set);
}
