/* Asking, sorting by group, choosing the best of each. */
#include "client/recover/recover_plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "client/kafka/cluster_view.h"
#include "client/line/command.h"
#include "client/line/talk.h"

enum { ARENA_MAX = 512 << 20, ASK_MS = 3000 };

/* What one broker has of one group. */
struct piece {
    const struct kp_lost_majorities_response_group *group;
    const struct broker_seen *broker;
};

struct pieces {
    struct piece *items;
    size_t count, room;
};

/* ---- Asking ---- */

/* False: it does not answer. */
static bool ask_broker(struct recover_plan *plan, const struct broker_seen *broker,
                       struct pieces *pieces, int32_t *leader) {
    char address[STATUS_ADDRESS];
    struct error_text why = {""};
    struct kp_lost_majorities_request request;
    kp_set_fallbacks(&kp_lost_majorities_request_schema, &request);
    struct admin_client *admin = admin_client_new_quiet(broker_address(broker, address), ASK_MS);
    bool told = true;
    for (int64_t next = 0; told && next >= 0;) {
        struct kp_lost_majorities_response *page = kp_arena_alloc(&plan->arena, sizeof(*page));
        told = page &&
               admin_request(admin, KP_LOST_MAJORITIES, 0, &request, &plan->arena, page, NULL,
                             &why) == ERR_NONE &&
               page->error_code == 0;
        for (int32_t i = 0; told && i < page->groups.count; i++) {
            pieces->items = mem_grow(pieces->items, pieces->count, &pieces->room,
                                     sizeof(*pieces->items));
            pieces->items[pieces->count++] = (struct piece){&page->groups.items[i], broker};
        }
        if (told) {
            *leader = page->metadata_leader;
            next = request.from_topic = page->next_topic;
            request.from_partition = page->next_partition;
        }
    }
    admin_client_free(admin);
    return told;
}

static bool node_answers(const struct recover_plan *plan, int32_t node) {
    for (size_t i = 0; i < plan->cluster.count; i++) {
        if (plan->cluster.brokers[i].node == node) {
            return plan->answers[i];
        }
    }
    return false;
}

static int ask_metadata(const struct invocation *in, struct recover_plan *plan) {
    struct error_text why = {""};
    struct admin_client *admin = admin_client_for(in);
    int error = cluster_ask(admin, &plan->arena, NULL, &plan->metadata, &why);
    admin_client_free(admin);
    return error ? admin_failed(error, &why) : EXIT_DONE;
}

/* A broker that answers leads it: what others have of it does not matter. */
static bool is_led(const struct recover_plan *plan,
                   const struct kp_lost_majorities_response_group *group) {
    if (group->topic.len == 0) {
        return plan->metadata_led;
    }
    for (int32_t t = 0; t < plan->metadata.topics.count; t++) {
        const struct kp_metadata_response_topic *topic = &plan->metadata.topics.items[t];
        if (topic->name.len != group->topic.len ||
            memcmp(topic->name.data, group->topic.data, (size_t)topic->name.len) != 0) {
            continue;
        }
        const struct kp_metadata_response_partition *partition = cluster_find_partition(
            topic, group->partition);
        return partition && partition->leader_id >= 0 && node_answers(plan, partition->leader_id);
    }
    return false;
}

/* ---- Putting together ---- */

/* The newest log of a group first; then the lowest broker. */
static int by_group(const void *a, const void *b) {
    const struct piece *one = a, *other = b;
    const struct kp_lost_majorities_response_group *l = one->group, *r = other->group;
    if (l->group != r->group) {
        return l->group < r->group ? -1 : 1;
    }
    if (l->last_term != r->last_term) {
        return l->last_term > r->last_term ? -1 : 1;
    }
    if (l->last_index != r->last_index) {
        return l->last_index > r->last_index ? -1 : 1;
    }
    return (one->broker->node > other->broker->node) - (one->broker->node < other->broker->node);
}

static bool has_majority(const struct recover_plan *plan,
                         const struct kp_lost_majorities_response_group *group) {
    int32_t answering = 0;
    for (int32_t i = 0; i < group->voters.count; i++) {
        answering += node_answers(plan, group->voters.items[i].broker_id);
    }
    return answering > group->voters.count / 2;
}

static void note_lost(struct recover_plan *plan, int32_t node) {
    for (size_t i = 0; i < plan->lost_count; i++) {
        if (plan->lost[i] == node) {
            return;
        }
    }
    plan->lost[plan->lost_count++] = node;
}

static struct lost_group *add_group(struct recover_plan *plan, size_t *room) {
    plan->groups = mem_grow(plan->groups, plan->count, room, sizeof(*plan->groups));
    struct lost_group *group = &plan->groups[plan->count++];
    *group = (struct lost_group){.topic = kp_string_of("")};
    return group;
}

/* `pieces` are all of one group, the best first. */
static void take_group(struct recover_plan *plan, const struct piece *pieces, size_t count,
                       size_t *room) {
    const struct kp_lost_majorities_response_group *best = pieces[0].group;
    if (best->last_index == 0 || has_majority(plan, best) || is_led(plan, best)) {
        return;
    }
    int32_t *survivors = kp_arena_alloc(&plan->arena, count * sizeof(*survivors));
    if (!survivors) {
        return;
    }
    struct lost_group *into = add_group(plan, room);
    into->best = best;
    into->broker = pieces[0].broker;
    into->topic = best->topic;
    into->partition = best->partition;
    into->survivors = survivors;
    for (size_t i = 0; i < count; i++) {
        const struct kp_lost_majorities_response_group *one = pieces[i].group;
        survivors[into->survivor_count++] = pieces[i].broker->node;
        if (one->high_watermark > into->acknowledged) {
            into->acknowledged = one->high_watermark;
        }
        if (one->commit_heard - best->last_index > into->gone) {
            into->gone = one->commit_heard - best->last_index;
        }
    }
    for (int32_t i = 0; i < best->voters.count; i++) {
        int32_t node = best->voters.items[i].broker_id;
        if (node >= 0 && !node_answers(plan, node)) {
            note_lost(plan, node);
        }
    }
}

static void take_pieces(struct recover_plan *plan, struct pieces *pieces, size_t *room) {
    if (pieces->count > 0) {
        qsort(pieces->items, pieces->count, sizeof(*pieces->items), by_group);
    }
    for (size_t i = 0, end; i < pieces->count; i = end) {
        for (end = i + 1; end < pieces->count &&
                          pieces->items[end].group->group == pieces->items[i].group->group;) {
            end++;
        }
        take_group(plan, &pieces->items[i], end - i, room);
    }
}

/* Partitions of which nobody that answers has a replica. */
static void take_gone(struct recover_plan *plan, size_t *room) {
    const struct kp_metadata_response *metadata = &plan->metadata;
    for (int32_t t = 0; t < metadata->topics.count; t++) {
        const struct kp_metadata_response_topic *topic = &metadata->topics.items[t];
        for (int32_t p = 0; p < topic->partitions.count; p++) {
            const struct kp_metadata_response_partition *partition = &topic->partitions.items[p];
            bool left = false;
            for (int32_t r = 0; r < partition->replica_nodes.count; r++) {
                left = left || node_answers(plan, partition->replica_nodes.items[r]);
            }
            if (!left && partition->leader_id < 0) {
                struct lost_group *into = add_group(plan, room);
                into->topic = topic->name;
                into->partition = partition->partition_index;
            }
        }
    }
}

static int by_name(const void *a, const void *b) {
    const struct lost_group *one = a, *other = b;
    int32_t shorter = one->topic.len < other->topic.len ? one->topic.len : other->topic.len;
    int order = shorter > 0 ? memcmp(one->topic.data, other->topic.data, (size_t)shorter) : 0;
    if (order == 0) {
        order = one->topic.len - other->topic.len;
    }
    return order ? order : one->partition - other->partition;
}

int recover_plan_ask(const struct invocation *in, struct recover_plan *plan) {
    struct pieces pieces = {0};
    size_t room = 0;
    *plan = (struct recover_plan){.groups = NULL};
    kp_arena_init(&plan->arena, ARENA_MAX);
    int code = cluster_status_list(in, &plan->cluster);
    if (code) {
        return code;
    }
    plan->answers = mem_zalloc(plan->cluster.count + 1);
    plan->lost = mem_alloc((plan->cluster.count + 1) * sizeof(*plan->lost));
    int32_t *leaders = mem_alloc((plan->cluster.count + 1) * sizeof(*leaders));
    for (size_t i = 0; i < plan->cluster.count; i++) {
        leaders[i] = -1;
        plan->answers[i] = ask_broker(plan, &plan->cluster.brokers[i], &pieces, &leaders[i]);
    }
    for (size_t i = 0; i < plan->cluster.count; i++) {
        plan->metadata_led = plan->metadata_led || node_answers(plan, leaders[i]);
    }
    mem_free(leaders);
    code = ask_metadata(in, plan);
    if (code == EXIT_DONE) {
        take_pieces(plan, &pieces, &room);
        take_gone(plan, &room);
    }
    mem_free(pieces.items);
    if (plan->count > 0) {
        qsort(plan->groups, plan->count, sizeof(*plan->groups), by_name);
    }
    return code;
}

void recover_plan_close(struct recover_plan *plan) {
    cluster_status_close(&plan->cluster);
    mem_free(plan->answers);
    mem_free(plan->groups);
    mem_free(plan->lost);
    kp_arena_close(&plan->arena);
}

void recover_plan_loss(const struct lost_group *group, char text[160]) {
    const struct kp_lost_majorities_response_group *best = group->best;
    bool metadata = group->topic.len == 0;
    if (!best) {
        snprintf(text, 160, "all of it: no replica is left");
    } else if (group->gone > 0) {
        snprintf(text, 160, "%" PRId64 " acknowledged %s behind that, for certain", group->gone,
                 metadata ? "changes" : "entries");
    } else if (metadata) {
        snprintf(text, 160, "changes behind that, if there were any");
    } else if (best->in_sync == 1) {
        snprintf(text, 160, "nothing that is known; it was in sync");
    } else {
        snprintf(text, 160, "what was acknowledged from %" PRId64 " on%s", best->log_end_offset,
                 best->in_sync == 0 ? "; it was not in sync" : ", if anything was");
    }
}
