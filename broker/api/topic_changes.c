/* Several changes for one request. See the header. */
#include "broker/api/topic_changes.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/text.h"

enum { TIMEOUT_LEAST_MS = 100, TIMEOUT_MOST_MS = 120000, LEADERS_MOST_MS = 5000 };

static void item_ended(struct topic_changes *changes) {
    CHECK(changes->open > 0); /* each item ends once */
    if (--changes->open > 0) return;
    changes->finish(changes);
    mem_free(changes->items);
    mem_free(changes);
}

static void on_leaders(struct leader_wait *wait, int error) {
    struct topic_change *item = (struct topic_change *)((char *)wait - offsetof(struct topic_change, leaders));
    (void)error; /* the change is made; its leaders are late */
    item_ended(item->changes);
}

static void wait_for_leaders(struct topic_change *item) {
    const struct broker_services *services = item->changes->services;
    const struct metadata_topic *topic = metadata_topic_with_id(services->metadata, item->id.bytes);
    uint64_t now_ms = env_now_ms(services->env);
    uint32_t left_ms = item->changes->deadline_ms > now_ms ? (uint32_t)(item->changes->deadline_ms - now_ms) : 0;
    if (left_ms > LEADERS_MOST_MS) left_ms = LEADERS_MOST_MS;
    size_t count = topic == NULL ? 0 : (size_t)topic->partition_count;
    uint64_t *groups = mem_alloc((count + 1) * sizeof *groups);
    for (size_t p = 0; p < count; p++)
        groups[p] = topic->partitions[p].group;
    leader_table_wait(services->leaders, &item->leaders, groups, count, left_ms);
    mem_free(groups);
}

static void on_submitted(struct metadata_submit *submit, const struct metadata_result *result) {
    struct topic_change *item = (struct topic_change *)((char *)submit - offsetof(struct topic_change, submit));
    item->error = result->error;
    snprintf(item->message, sizeof item->message, "%s", result->message);
    if (item->error == 0 && item->wait_leaders)
        wait_for_leaders(item);
    else
        item_ended(item->changes);
}

struct topic_changes *topic_changes_begin(const struct broker_services *services, struct request *request,
                                          int32_t asked, int32_t timeout_ms,
                                          void (*finish)(struct topic_changes *changes)) {
    size_t count = asked < 0 ? 0 : (size_t)asked;
    if (count > TOPIC_CHANGES_MAX) {
        log_warn(services->log, "%s asks for %zu changes of topics in one request; %d are the most", request->ctx.peer,
                 count, TOPIC_CHANGES_MAX);
        request_close_connection(request);
        return NULL;
    }
    struct topic_changes *changes = mem_zalloc(sizeof *changes);
    if (timeout_ms < TIMEOUT_LEAST_MS) timeout_ms = TIMEOUT_LEAST_MS;
    if (timeout_ms > TIMEOUT_MOST_MS) timeout_ms = TIMEOUT_MOST_MS;
    *changes = (struct topic_changes){.request = request,
                                      .services = services,
                                      .items = mem_zalloc(count * sizeof *changes->items),
                                      .count = count,
                                      .open = count + 1,
                                      .deadline_ms = env_now_ms(services->env) + (uint32_t)timeout_ms,
                                      .finish = finish};
    for (size_t i = 0; i < count; i++) {
        changes->items[i].changes = changes;
        changes->items[i].submit.done = on_submitted;
        changes->items[i].leaders.done = on_leaders;
    }
    return changes;
}

void topic_change_refuse(struct topic_change *item, int16_t error, const char *format, ...) {
    va_list args;
    va_start(args, format);
    item->error = error;
    vsnprintf(item->message, sizeof item->message, format, args);
    va_end(args);
    item_ended(item->changes);
}

void topic_change_submit(struct topic_change *item, const struct metadata_change *change, bool wait_leaders) {
    struct topic_changes *changes = item->changes;
    item->wait_leaders = wait_leaders;
    metadata_group_submit(changes->services->metadata_group, &item->submit, change,
                          (uint32_t)(changes->deadline_ms - env_now_ms(changes->services->env)));
}

void topic_changes_started(struct topic_changes *changes) {
    item_ended(changes);
}

struct kp_string topic_change_message(struct topic_change *item) {
    text_make_plain(item->message);
    return item->error == 0 ? KP_NULL_STRING : kp_string_of(item->message);
}
