/* -t TOPIC[:LIST] to partitions, and --to WHERE to an offset of each. */
#include "client/commands/plan_rows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "client/kafka/offsets.h"
#include "client/line/moment.h"
#include "client/line/talk.h"
#include "client/records/partition_choice.h"

/* ---- Which partitions ---- */

/* "T" or "T:0,2-5", split. */
static int split_topic(struct session *session, const char *text, const char **topic,
                       struct partition_set *set) {
    const char *colon = strchr(text, ':');
    struct kp_string name = {text, (int32_t)(colon ? (size_t)(colon - text) : strlen(text))};
    *topic = cluster_text(&session->arena, name);
    if (partition_set_parse(colon ? colon + 1 : NULL, set)) {
        say("--topic %s is not TOPIC or TOPIC:PARTITIONS; write for example -t orders or -t orders:0,2-5",
            text);
        return EXIT_USAGE;
    }
    return EXIT_DONE;
}

bool plan_is_meant(struct session *session, const struct invocation *in, const char *topic,
                   int32_t partition) {
    const char *text;
    bool meant = !invocation_has(in, 't');
    for (size_t n = 0; !meant && (text = invocation_nth(in, 't', n)); n++) {
        const char *name;
        struct partition_set set;
        meant = split_topic(session, text, &name, &set) == EXIT_DONE && strcmp(name, topic) == 0 &&
                partition_set_has(&set, partition);
    }
    return meant;
}

int plan_choose(struct plan *plan, struct session *session, const struct invocation *in) {
    const char *text;
    for (size_t i = 0; i < plan->view.offset_count && !invocation_has(in, 't'); i++) {
        const struct group_offset *one = &plan->view.offsets[i];
        plan_add(plan, one->topic, one->partition, one->committed);
    }
    for (size_t n = 0; (text = invocation_nth(in, 't', n)); n++) {
        const char *topic;
        struct partition_set set;
        struct kp_metadata_response metadata;
        const struct kp_metadata_response_topic *found;
        int code = split_topic(session, text, &topic, &set);
        code = code ? code
                    : cluster_topic(session->admin, &session->arena, topic, TOPIC_TO_CHANGE,
                                    &metadata, &found);
        if (code) {
            return code;
        }
        if (partition_set_highest(&set) >= found->partitions.count) {
            return cluster_no_such_partition(topic, found->partitions.count,
                                             partition_set_highest(&set));
        }
        for (int32_t p = 0; p < found->partitions.count; p++) {
            if (partition_set_has(&set, p)) {
                struct plan_row *row = plan_add(plan, topic, p, -1);
                row->to = row->from;
            }
        }
    }
    return EXIT_DONE;
}

/* ---- Which offsets ---- */

/* Each row's offset as ListOffsets has it for a time; where no record is that young, the end. */
static int rows_to_time(struct plan *plan, const struct invocation *in, int64_t time) {
    struct partition_offset *items = mem_zalloc((plan->count + 1) * sizeof(*items));
    for (size_t i = 0; i < plan->count; i++) {
        items[i].topic = plan->rows[i].topic;
        items[i].partition = plan->rows[i].partition;
    }
    int code = offsets_ask(in->bootstrap, now_ms() + in->timeout_ms, time, OFFSETS_UNCOMMITTED,
                           items, plan->count);
    for (size_t i = 0; !code && i < plan->count; i++) {
        plan->rows[i].to = items[i].offset < 0 ? INT64_MAX : items[i].offset;
    }
    mem_free(items);
    return code;
}

int plan_rows_to(struct plan *plan, const struct invocation *in, const char *to) {
    char *end;
    int64_t time;
    if (strcmp(to, "earliest") == 0 || strcmp(to, "beginning") == 0 || strcmp(to, "start") == 0) {
        return rows_to_time(plan, in, OFFSETS_EARLIEST);
    }
    if (strcmp(to, "latest") == 0 || strcmp(to, "end") == 0) {
        return rows_to_time(plan, in, OFFSETS_LATEST);
    }
    if (*to == '@' && moment_parse(to + 1, strlen(to + 1), moment_now(), &time) == ERR_NONE) {
        return rows_to_time(plan, in, time);
    }
    errno = 0;
    long long offset = strtoll(to, &end, 10);
    if (end == to || *end || errno || offset < 0) {
        say("--to %s is not earliest, latest, an offset, or @TIME; TIME is " MOMENT_FORMS, to);
        return EXIT_USAGE;
    }
    for (size_t i = 0; i < plan->count; i++) {
        plan->rows[i].to = offset;
    }
    return EXIT_DONE;
}
