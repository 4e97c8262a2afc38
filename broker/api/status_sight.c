/* By what each text names: a topic, a partition as "topic-3", or a group. */
#include "broker/api/status_sight.h"

#include <string.h>

static bool sees(const struct request_ctx *ctx, enum authorize_resource resource,
                 struct kp_string name) {
    return authorize_seeing(ctx, AUTHORIZE_DESCRIBE, resource, name.data, (size_t)name.len);
}

/* "topic-3"; "metadata" is none. */
static bool sees_partition(const struct request_ctx *ctx, struct kp_string label) {
    int32_t len = label.len;
    while (len > 0 && label.data[len - 1] != '-')
        len--;
    return len == 0 ||
           sees(ctx, AUTHORIZE_TOPIC, (struct kp_string){.data = label.data, .len = len - 1});
}

struct kp_string status_label(const struct request_ctx *ctx, const char *label,
                              struct kp_string text) {
    bool group = strcmp(label, "group") == 0;
    if (!group && strcmp(label, "topic") != 0) return text;
    /* What is summed has no name. */
    if (kp_string_is(text, "(other)") || sees(ctx, group ? AUTHORIZE_GROUP : AUTHORIZE_TOPIC, text))
        return text;
    return kp_string_of(STATUS_HIDDEN);
}

static bool sees_subject(const struct request_ctx *ctx, const struct event *event) {
    struct kp_string subject = kp_string_of(event->subject);
    switch (event->kind) {
    case EVENT_ELECTED:
    case EVENT_LEAD_LOST:
    case EVENT_DAMAGED:
    case EVENT_OUT_OF_SYNC:
    case EVENT_IN_SYNC: return sees_partition(ctx, subject);
    case EVENT_TOPIC_MADE:
    case EVENT_TOPIC_GROWN:
    case EVENT_TOPIC_GONE: return sees(ctx, AUTHORIZE_TOPIC, subject);
    case EVENT_REBALANCE: return sees(ctx, AUTHORIZE_GROUP, subject);
    case EVENT_CONFIG:
        return strcmp(event->cause, "topic") == 0   ? sees(ctx, AUTHORIZE_TOPIC, subject)
               : strcmp(event->cause, "group") == 0 ? sees(ctx, AUTHORIZE_GROUP, subject)
                                                    : true;
    default: return true;
    }
}

struct kp_string status_subject(const struct request_ctx *ctx, const struct event *event,
                                struct kp_arena *arena) {
    const char *subject = event->subject[0] == '\0' || sees_subject(ctx, event) ? event->subject
                                                                                : STATUS_HIDDEN;
    return kp_arena_string(arena, subject, strlen(subject));
}

/* Reasons of partitions begin with their names. */
struct kp_string status_reason(const struct request_ctx *ctx, const struct health_reason *reason,
                               struct kp_arena *arena) {
    size_t len = strcspn(reason->text, " ");
    bool of_partition = strcmp(reason->code, "leaderless") == 0 ||
                        strcmp(reason->code, "majority") == 0;
    if (!of_partition ||
        sees_partition(ctx, (struct kp_string){.data = reason->text, .len = (int32_t)len}))
        return kp_string_of(reason->text);
    return kp_arena_printf(arena, STATUS_HIDDEN "%s", reason->text + len);
}
