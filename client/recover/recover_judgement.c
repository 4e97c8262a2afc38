/* Sorting by group, choosing the best of each. */
#include "client/recover/recover_judgement.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/mutant.h"

/* What one broker has of one group. */
struct piece {
    const struct kp_lost_majorities_response_group *group;
    int32_t node;
};

struct judging {
    const struct recover_witness *brokers;
    size_t count;
    const struct kp_metadata_response *metadata;
    struct piece *pieces;
    size_t piece_count, piece_room;
    struct recover_judgement *into;
    size_t room;
};

static bool node_answers(const struct judging *judging, int32_t node) {
    for (size_t i = 0; i < judging->count; i++) {
        if (judging->brokers[i].node == node) {
            return judging->brokers[i].answers;
        }
    }
    return false;
}

static void gather(struct judging *judging) {
    for (size_t b = 0; b < judging->count; b++) {
        const struct recover_witness *broker = &judging->brokers[b];
        for (size_t p = 0; broker->answers && p < broker->page_count; p++) {
            for (int32_t i = 0; i < broker->pages[p]->groups.count; i++) {
                judging->pieces = mem_grow(judging->pieces, judging->piece_count,
                                           &judging->piece_room, sizeof(*judging->pieces));
                judging->pieces[judging->piece_count++] = (struct piece){
                    &broker->pages[p]->groups.items[i], broker->node};
            }
        }
    }
}

static bool same_name(struct kp_string a, struct kp_string b) {
    return a.len == b.len && memcmp(a.data, b.data, (size_t)a.len) == 0;
}

static const struct kp_metadata_response_partition *find_partition(
    const struct judging *judging, const struct kp_lost_majorities_response_group *group) {
    for (int32_t t = 0; t < judging->metadata->topics.count; t++) {
        const struct kp_metadata_response_topic *topic = &judging->metadata->topics.items[t];
        for (int32_t p = 0; same_name(topic->name, group->topic) && p < topic->partitions.count;
             p++) {
            if (topic->partitions.items[p].partition_index == group->partition) {
                return &topic->partitions.items[p];
            }
        }
    }
    return NULL;
}

static bool has_piece(int32_t node, const struct piece *pieces, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (pieces[i].node == node) {
            return true;
        }
    }
    return false;
}

/* It answers, and does not say itself that it has no majority. */
static bool leads(int32_t node, const struct judging *judging, const struct piece *pieces,
                  size_t count) {
    return node >= 0 && node_answers(judging, node) && !has_piece(node, pieces, count);
}

/* What others say of a leader may be old: who does not vote never forgets the last one. */
static bool metadata_is_led(const struct judging *judging, const struct piece *pieces,
                            size_t count) {
    for (size_t b = 0; b < judging->count; b++) {
        const struct recover_witness *broker = &judging->brokers[b];
        if (broker->metadata_leader == broker->node &&
            leads(broker->node, judging, pieces, count)) {
            return true;
        }
    }
    return false;
}

/* A broker that answers leads it: what others have of it does not matter. */
static bool is_led(const struct judging *judging, const struct piece *pieces, size_t count) {
    const struct kp_lost_majorities_response_group *group = pieces[0].group;
    if (group->topic.len == 0) {
        return metadata_is_led(judging, pieces, count);
    }
    const struct kp_metadata_response_partition *partition = find_partition(judging, group);
    return partition && leads(partition->leader_id, judging, pieces, count);
}

static bool votes(const struct piece *piece) {
    for (int32_t i = 0; i < piece->group->voters.count; i++) {
        if (piece->group->voters.items[i].broker_id == piece->node) {
            return true;
        }
    }
    return false;
}

/* The newest log of a group first; then who votes, then the lowest broker. What is closed last. */
static int by_group(const void *a, const void *b) {
    const struct piece *one = a, *other = b;
    const struct kp_lost_majorities_response_group *l = one->group, *r = other->group;
    int newer_first = MUTANT(MUTANT_RECOVERED_WITH_OLDEST) ? -1 : 1;
    if (l->group != r->group) {
        return l->group < r->group ? -1 : 1;
    }
    if (l->closed != r->closed) {
        return l->closed ? 1 : -1;
    }
    if (l->last_term != r->last_term) {
        return l->last_term > r->last_term ? -newer_first : newer_first;
    }
    if (l->last_index != r->last_index) {
        return l->last_index > r->last_index ? -newer_first : newer_first;
    }
    if (votes(one) != votes(other)) {
        return votes(one) ? -1 : 1;
    }
    return (one->node > other->node) - (one->node < other->node);
}

static bool is_closed_at(int32_t node, const struct piece *pieces, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (pieces[i].node == node) {
            return pieces[i].group->closed;
        }
    }
    return false;
}

static bool has_majority(const struct judging *judging, const struct piece *pieces, size_t count) {
    const struct kp_lost_majorities_response_group *group = pieces[0].group;
    int32_t answering = 0;
    for (int32_t i = 0; i < group->voters.count; i++) {
        int32_t node = group->voters.items[i].broker_id;
        answering += node_answers(judging, node) && !is_closed_at(node, pieces, count);
    }
    return answering > group->voters.count / 2;
}

static void note_lost(struct recover_judgement *into, int32_t node) {
    for (size_t i = 0; i < into->lost_count; i++) {
        if (into->lost[i] == node) {
            return;
        }
    }
    into->lost[into->lost_count++] = node;
}

static struct lost_group *add_group(struct judging *judging) {
    struct recover_judgement *into = judging->into;
    into->groups = mem_grow(into->groups, into->count, &judging->room, sizeof(*into->groups));
    struct lost_group *group = &into->groups[into->count++];
    *group = (struct lost_group){.node = -1, .unheard = -1, .unread = -1};
    return group;
}

/* What those that are left have, all together. */
static void sum_up(struct lost_group *into, const struct piece *pieces, size_t count) {
    const struct kp_lost_majorities_response_group *best = pieces[0].group;
    into->survivors = mem_alloc(count * sizeof(*into->survivors));
    for (size_t i = 0; i < count && !pieces[i].group->closed; i++) {
        const struct kp_lost_majorities_response_group *one = pieces[i].group;
        into->survivors[into->survivor_count++] = pieces[i].node;
        if (one->high_watermark > into->acknowledged) {
            into->acknowledged = one->high_watermark;
        }
        if (one->commit_heard - best->last_index > into->gone) {
            into->gone = one->commit_heard - best->last_index;
        }
    }
    into->gone_from = into->acknowledged < best->log_end_offset ? into->acknowledged
                                                                : best->log_end_offset;
}

/* `pieces` are all of one group, the best first. A voter of a directory that is lost already: to
 * give its broker up was begun, and may not have come to its end, so it is asked for again. */
static void take_group(struct judging *judging, const struct piece *pieces, size_t count) {
    const struct kp_lost_majorities_response_group *best = pieces[0].group;
    if (best->closed || best->last_index == 0 || has_majority(judging, pieces, count) ||
        is_led(judging, pieces, count) ||
        (MUTANT(MUTANT_PLAN_FORGETS_PARTITION) && best->partition > 0)) {
        return;
    }
    struct lost_group *into = add_group(judging);
    into->best = best;
    into->node = pieces[0].node;
    into->topic = best->topic;
    into->partition = best->partition;
    sum_up(into, pieces, count);
    bool begun = false;
    into->closed = mem_alloc((size_t)(best->voters.count + 1) * sizeof(*into->closed));
    for (int32_t i = 0; i < best->voters.count; i++) {
        int32_t node = best->voters.items[i].broker_id;
        begun = begun || node < 0;
        if (node >= 0 && node_answers(judging, node) && !has_piece(node, pieces, count)) {
            into->unheard = node;
        }
        if (node >= 0 && is_closed_at(node, pieces, count)) {
            into->unread = into->closed[into->closed_count++] = node;
        }
        if (node >= 0 && !node_answers(judging, node)) {
            note_lost(judging->into, node);
        }
    }
    const struct kp_metadata_response_partition *row = find_partition(judging, best);
    for (int32_t r = 0; begun && row && r < row->replica_nodes.count; r++) {
        if (!node_answers(judging, row->replica_nodes.items[r])) {
            note_lost(judging->into, row->replica_nodes.items[r]);
        }
    }
}

static void take_pieces(struct judging *judging) {
    const struct piece *pieces = judging->pieces;
    if (judging->piece_count > 0) {
        qsort(judging->pieces, judging->piece_count, sizeof(*pieces), by_group);
    }
    for (size_t i = 0, end; i < judging->piece_count; i = end) {
        for (end = i + 1;
             end < judging->piece_count && pieces[end].group->group == pieces[i].group->group;) {
            end++;
        }
        take_group(judging, &pieces[i], end - i);
    }
}

/* Partitions of which nobody that answers has a replica. */
static void take_gone(struct judging *judging) {
    const struct kp_metadata_response *metadata = judging->metadata;
    for (int32_t t = 0; t < metadata->topics.count; t++) {
        const struct kp_metadata_response_topic *topic = &metadata->topics.items[t];
        for (int32_t p = 0; p < topic->partitions.count; p++) {
            const struct kp_metadata_response_partition *partition = &topic->partitions.items[p];
            bool left = false;
            for (int32_t r = 0; r < partition->replica_nodes.count; r++) {
                left = left || node_answers(judging, partition->replica_nodes.items[r]);
            }
            if (!left && partition->leader_id < 0) {
                struct lost_group *into = add_group(judging);
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

void recover_judge(const struct recover_witness *brokers, size_t count,
                   const struct kp_metadata_response *metadata,
                   struct recover_judgement *judgement) {
    size_t voters = 1;
    struct judging judging = {
        .brokers = brokers, .count = count, .metadata = metadata, .into = judgement};
    *judgement = (struct recover_judgement){.groups = NULL};
    gather(&judging);
    for (size_t i = 0; i < judging.piece_count; i++) {
        voters += (size_t)judging.pieces[i].group->voters.count;
    }
    voters += count;
    judgement->lost = mem_alloc(voters * sizeof(*judgement->lost));
    take_pieces(&judging);
    take_gone(&judging);
    mem_free(judging.pieces);
    if (judgement->count > 0) {
        qsort(judgement->groups, judgement->count, sizeof(*judgement->groups), by_name);
    }
}

void recover_judgement_close(struct recover_judgement *judgement) {
    for (size_t i = 0; i < judgement->count; i++) {
        mem_free(judgement->groups[i].survivors);
        mem_free(judgement->groups[i].closed);
    }
    mem_free(judgement->groups);
    mem_free(judgement->lost);
}

static void loss_of_metadata(const struct lost_group *group, char text[RECOVER_LOSS_TEXT]) {
    if (group->gone > 0) {
        snprintf(text, RECOVER_LOSS_TEXT,
                 "%" PRId64 " acknowledged changes behind that, for certain", group->gone);
    } else {
        snprintf(text, RECOVER_LOSS_TEXT, "changes behind that, if there were any");
    }
}

/* A survivor that was in sync may have been cut off since, and those that are lost cannot say. All
 * of it together is shorter than the room. */
static void loss_of_partition(const struct lost_group *group, char text[RECOVER_LOSS_TEXT]) {
    const struct kp_lost_majorities_response_group *best = group->best;
    char certain[60] = ", if anything was", others[60] = "", sync[30] = "", unread[60] = "";
    if (group->gone > 0) {
        snprintf(certain, sizeof(certain), ": %" PRId64 " entries for certain", group->gone);
    }
    if (group->gone_from < best->log_end_offset) {
        snprintf(others, sizeof(others), "; from %" PRId64 ", if others were there",
                 group->gone_from);
    }
    if (best->in_sync >= 0 && group->gone <= 0) {
        snprintf(sync, sizeof(sync), "; it was %sin sync", best->in_sync ? "" : "not ");
    }
    if (group->unread >= 0) {
        snprintf(unread, sizeof(unread), "; broker %" PRId32 " has it and cannot open it",
                 group->unread);
    }
    snprintf(text, RECOVER_LOSS_TEXT, "what was acknowledged from %" PRId64 " on%s%s%s%s",
             best->log_end_offset, certain, others, sync, unread);
}

void recover_loss(const struct lost_group *group, char text[RECOVER_LOSS_TEXT]) {
    if (!group->best) {
        snprintf(text, RECOVER_LOSS_TEXT, "all of it: no replica is left");
    } else if (group->topic.len == 0) {
        loss_of_metadata(group, text);
    } else if (group->unheard >= 0) {
        snprintf(text, RECOVER_LOSS_TEXT,
                 "not known yet: broker %" PRId32 " has not said what it has", group->unheard);
    } else {
        loss_of_partition(group, text);
    }
}

/* ---- Asking to go on ---- */

void recover_request(const struct recover_judgement *judgement, const struct lost_group *group,
                     struct kp_alter_broker_request *request) {
    bool metadata = group->topic.len == 0;
    kp_set_fallbacks(&kp_alter_broker_request_schema, request);
    request->broker_id = group->node;
    request->change = metadata ? KP_METADATA_RECOVER : KP_PARTITION_RECOVER;
    request->accept_loss = true;
    request->group = group->best->group;
    request->replica = group->best->replica;
    request->entry_term = group->best->last_term;
    request->entry_index = group->best->last_index;
    request->lost.items = judgement->lost;
    request->lost.count = (int32_t)judgement->lost_count;
    request->unread.items = group->closed;
    request->unread.count = (int32_t)group->closed_count;
}

void recover_request_loss(int32_t node, struct kp_alter_broker_request *request) {
    kp_set_fallbacks(&kp_alter_broker_request_schema, request);
    request->broker_id = node;
    request->change = KP_BROKER_LOSE;
    request->accept_loss = true;
}
