/* Starting the items of a request in steps, awaiting each, and the one answer. */
#include "broker/api/topic_changes.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/container_of.h"
#include "base/mem.h"
#include "base/text.h"
#include "broker/server/mutation_quota.h"
#include "broker/server/request_steps.h"
#include "protocol/kafka_error.h"

enum {
    TIMEOUT_LEAST_MS = 100,
    TIMEOUT_MOST_MS = 120000,
    LEADERS_MOST_MS = 5000,
    UNDER_WAY_MAX = 64
};

static bool add_next(struct request *request) {
    struct topic_changes *changes = request->state;
    if (changes->at == changes->count) {
        request_respond_kept(request, changes->response);
        return false;
    }
    size_t at = changes->at++;
    if (changes->items[at]->told || changes->api->add(changes, at)) return true;
    request_close_too_large(request);
    return false;
}

static void item_ended(struct topic_changes *changes) {
    CHECK(changes->open > 0); /* each item ends once */
    if (--changes->open > 0) return;
    changes->at = 0;
    changes->request->canceled = NULL;
    if (changes->request->dead)
        request_respond_nothing(changes->request);
    else
        request_steps(changes->request, add_next);
}

static void on_leaders(struct leader_wait *wait, int error) {
    struct topic_change *item = CONTAINER_OF(wait, struct topic_change, leaders);
    (void)error; /* the change is made; its leaders are late */
    item_ended(item->changes);
}

static void wait_for_leaders(struct topic_change *item) {
    const struct broker_services *services = item->changes->services;
    const struct metadata_topic *topic = metadata_topic_with_id(services->metadata, item->id.bytes);
    uint32_t left_ms = env_ms_until(services->env, item->changes->deadline_ms);
    if (left_ms > LEADERS_MOST_MS) left_ms = LEADERS_MOST_MS;
    size_t count = topic == NULL ? 0 : (size_t)topic->partition_count;
    uint64_t *groups = mem_alloc((count + 1) * sizeof *groups);
    for (size_t p = 0; p < count; p++)
        groups[p] = topic->partitions[p].group;
    leader_table_wait(services->leaders, &item->leaders, groups, count, left_ms);
    mem_free(groups);
}

static bool start_next(struct request *request);

static void on_submitted(struct metadata_submit *submit, const struct metadata_result *result) {
    struct topic_change *item = CONTAINER_OF(submit, struct topic_change, submit);
    struct topic_changes *changes = item->changes;
    item->error = result->error;
    snprintf(item->message, sizeof item->message, "%s", result->message);
    if (item->error == 0 && changes->api->changed != NULL)
        changes->api->changed(changes, item->place);
    changes->submitted--;
    bool go_on = changes->paused;
    changes->paused = false;
    if (item->error == 0 && item->wait_leaders)
        wait_for_leaders(item);
    else
        item_ended(changes); /* not the last: those that are paused are still open */
    if (go_on) request_steps(changes->request, start_next);
}

/* ---- Starting ---- */

static bool all_are_started(struct topic_changes *changes) {
    changes->starting = false;
    item_ended(changes);
    return false;
}

static bool start_next(struct request *request) {
    struct topic_changes *changes = request->state;
    if (changes->at == changes->count) return all_are_started(changes);
    if (changes->submitted >= UNDER_WAY_MAX) {
        changes->paused = true;
        return false;
    }
    changes->started++;
    changes->api->start(changes, changes->at++);
    return true;
}

static struct key key_of(const void *owner, size_t i) {
    const struct topic_changes *changes = owner;
    return changes->api->key(changes, i);
}

static bool mark_next(struct request *request) {
    struct topic_changes *changes = request->state;
    if (changes->at == changes->count) {
        changes->at = 0;
        request_steps(request, start_next);
        return false;
    }
    struct topic_change *item = kp_arena_alloc(&request->arena, sizeof *item);
    if (item == NULL) {
        request_close_too_large(request);
        return false;
    }
    changes->items[changes->at] = item;
    item->changes = changes;
    item->place = changes->at;
    item->submit.done = on_submitted;
    item->leaders.done = on_leaders;
    size_t first = key_set_put(&changes->keys, changes->at);
    if (first != changes->at) {
        item->twice = changes->items[first]->twice = true;
        item->told = changes->api->once_in_answer;
    }
    int64_t partitions = changes->api->partitions == NULL
                             ? 0
                             : changes->api->partitions(changes, changes->at);
    if (partitions > 0) changes->partitions += (uint64_t)partitions;
    changes->at++;
    return true;
}

/* What was submitted is waited for all the same. */
static void client_gone(struct request *request) {
    struct topic_changes *changes = request->state;
    changes->paused = false;
    if (!changes->starting) return;
    changes->starting = false;
    changes->open -= changes->count - changes->started;
    item_ended(changes);
}

void topic_changes_run(const struct broker_services *services, struct request *request,
                       int32_t items, int32_t timeout_ms, const struct topic_changes_api *api,
                       const void *asked, void *response) {
    size_t count = items < 0 ? 0 : (size_t)items;
    if (response == NULL) {
        request_close_too_large(request);
        return;
    }
    if (count > TOPIC_CHANGES_MAX) {
        request_close_because(
            request,
            "it asks for %zu changes in one request, and %d are the most; ask for fewer at a time",
            count, TOPIC_CHANGES_MAX);
        return;
    }
    struct kp_arena *arena = &request->arena;
    struct topic_changes *changes = kp_arena_alloc(arena, sizeof *changes);
    struct topic_change **places = kp_arena_alloc(arena, count * sizeof(struct topic_change *));
    if (changes == NULL || places == NULL) {
        request_close_too_large(request);
        return;
    }
    if (timeout_ms < TIMEOUT_LEAST_MS) timeout_ms = TIMEOUT_LEAST_MS;
    if (timeout_ms > TIMEOUT_MOST_MS) timeout_ms = TIMEOUT_MOST_MS;
    *changes = (struct topic_changes){.request = request,
                                      .services = services,
                                      .api = api,
                                      .asked = asked,
                                      .response = response,
                                      .items = places,
                                      .count = count,
                                      .open = count + 1,
                                      .starting = true,
                                      .deadline_ms = env_now_ms(services->env) +
                                                     (uint32_t)timeout_ms};
    request->state = changes;
    request->canceled = client_gone;
    if (count > UNDER_WAY_MAX)
        request_hold_connection(
            request); /* one at a time of each client, or they fill the memory for requests */
    if (key_set_init(&changes->keys, arena, count, env_random_u64(services->env), key_of, changes))
        request_steps(request, mark_next);
    else
        request_close_too_large(request);
}

/* ---- Items ---- */

void topic_change_done(struct topic_change *item) {
    item_ended(item->changes);
}

void topic_change_refuse(struct topic_change *item, int16_t error, const char *format, ...) {
    va_list args;
    va_start(args, format);
    item->error = error;
    vsnprintf(item->message, sizeof item->message, format, args);
    va_end(args);
    item_ended(item->changes);
}

bool topic_change_fits_request(struct topic_change *item) {
    uint64_t asked = item->changes->partitions;
    uint32_t most = item->changes->services->settings->max_request_partitions;
    if (asked <= most) return true;
    topic_change_refuse(item, KAFKA_POLICY_VIOLATION,
                        "the request asks for %" PRIu64
                        " partitions, and max.request.partitions is %" PRIu32
                        "; ask for fewer at a time",
                        asked, most);
    return false;
}

bool topic_change_fits_quota(struct topic_change *item, int64_t partitions) {
    struct request *request = item->changes->request;
    bool given;
    uint32_t wait_ms = request_try_mutation(request, (uint64_t)partitions,
                                            request->api_version >= item->changes->api->strict_from,
                                            &given);
    if (given) return true;
    topic_change_refuse(item, KAFKA_THROTTLING_QUOTA_EXCEEDED,
                        "this client makes and deletes partitions faster than its quota of "
                        "controller_mutation_rate; try again in %" PRIu32 " ms",
                        wait_ms);
    return false;
}

void topic_change_submit(struct topic_change *item, const struct metadata_change *change,
                         bool wait_leaders) {
    struct topic_changes *changes = item->changes;
    item->wait_leaders = wait_leaders;
    changes->submitted++;
    metadata_group_submit(changes->services->metadata_group, &item->submit, change,
                          env_ms_until(changes->services->env, changes->deadline_ms));
}

struct kp_string topic_change_message(struct topic_change *item) {
    text_make_plain(item->message);
    return item->error == 0 ? KP_NULL_STRING : kp_string_of(item->message);
}
