/*
 * LostMajorities (key 10007, ours): what this broker has of groups of which no majority is
 * connected to it, for `drave recover`; and which it cannot open. At each broker. Topics that the
 * principal may not describe are left out, as in Metadata.
 *
 * A page looks at PARTITIONS_A_PAGE partitions at most. Failures: CLUSTER_AUTHORIZATION_FAILED.
 */
#include "protocol/messages/lost_majorities.h"

#include <string.h>

#include "broker/api/handlers.h"
#include "broker/api/services.h"
#include "broker/metadata/metadata_group.h"
#include "broker/metadata/metadata_roster.h"
#include "protocol/kafka_error.h"

enum { PARTITIONS_A_PAGE = 2000 };

/* One answer being put together. */
struct lost_page {
    const struct broker_services *services;
    struct kp_arena *arena;
    struct kp_lost_majorities_response response;
    bool too_large;
};

static int32_t node_of(const struct lost_page *page, const struct metadata_partition *partition,
                       replica_id replica) {
    if (partition == NULL) {
        const struct roster_broker *row = metadata_roster_with_replica(page->services->metadata,
                                                                       replica);
        return row == NULL ? METADATA_NODE_LOST : row->node;
    }
    for (size_t i = 0; i < metadata_member_count(partition); i++)
        if (partition->replicas[i].replica == replica) return partition->replicas[i].node;
    return METADATA_NODE_LOST;
}

static void add_voters(struct lost_page *page, const struct metadata_partition *partition,
                       const struct raft_group *group,
                       struct kp_lost_majorities_response_group *into) {
    struct raft_group_configuration now;
    raft_group_configuration(group, &now);
    struct kp_lost_majorities_response_voter *voters = kp_new_items(
        page->arena, &kp_lost_majorities_response_voter_schema, &into->voters, (int32_t)now.count);
    page->too_large = page->too_large || (voters == NULL && now.count > 0);
    into->voters.count = 0;
    for (size_t i = 0; voters != NULL && i < now.count; i++) {
        if (!now.servers[i].voter) continue;
        struct kp_lost_majorities_response_voter *voter = &voters[into->voters.count++];
        voter->replica = (int64_t)now.servers[i].replica;
        voter->broker_id = node_of(page, partition, now.servers[i].replica);
    }
}

static int8_t was_in_sync(const struct lost_page *page, uint64_t group) {
    struct leader leader = leader_table_get(page->services->leaders, group);
    for (size_t i = 0; i < leader.in_sync_count; i++)
        if (leader.in_sync[i] == page->services->settings->node_id) return 1;
    return leader.in_sync_count > 0 ? 0 : -1;
}

/* `partition` NULL: the metadata. */
static struct kp_lost_majorities_response_group *add_group(
    struct lost_page *page, const struct metadata_partition *partition, struct raft_group *group) {
    struct kp_lost_majorities_response_group *into =
        &page->response.groups.items[page->response.groups.count++];
    const struct partition_log *log = raft_group_log(group);
    kp_set_fallbacks(&kp_lost_majorities_response_group_schema, into);
    into->group = (int64_t)raft_group_id(group);
    into->replica = (int64_t)raft_group_replica(group);
    into->last_index = (int64_t)partition_log_last_index(log);
    into->last_term = partition_log_term_at(log, partition_log_last_index(log));
    into->commit_index = (int64_t)raft_group_commit_index(group);
    into->commit_heard = (int64_t)raft_group_commit_heard(group);
    into->log_end_offset = partition_log_end_offset(log);
    add_voters(page, partition, group, into);
    return into;
}

/* What has been acknowledged for certain: also what the last leader has told of and was not
 * applied, where the log is as that leader's is (Raft, 5.3): it ends with an entry of its term.
 * Else other entries may be committed under the same indexes.
 */
static int64_t acknowledged(const struct partition *partition, const struct raft_group *group,
                            const struct partition_log *log) {
    int64_t applied = partition_high_watermark(partition);
    uint64_t heard = raft_group_commit_heard(group), last = partition_log_last_index(log);
    if (partition_log_term_at(log, last) != partition_log_term(log)) return applied;
    int64_t told = partition_log_offset_behind(log, heard < last ? heard : last);
    return told > applied ? told : applied;
}

/* Only that it is here, and cannot be read. */
static void add_closed(struct lost_page *page, const struct metadata_partition *source) {
    const struct metadata_replica *ours = metadata_replica_on(source,
                                                              page->services->settings->node_id);
    struct kp_lost_majorities_response_group *into =
        &page->response.groups.items[page->response.groups.count++];
    kp_set_fallbacks(&kp_lost_majorities_response_group_schema, into);
    into->group = (int64_t)source->group;
    into->replica = ours == NULL ? 0 : (int64_t)ours->replica;
    into->topic = kp_arena_string(page->arena, source->topic->name, strlen(source->topic->name));
    page->too_large = page->too_large || into->topic.len < 0;
    into->partition = source->index;
    into->in_sync = -1;
    into->closed = true;
}

/* It may believe to lead. Or it does not know yet who votes: who asks is told of it when it does.
 */
static bool is_no_loss(const struct raft_group *group) {
    return raft_group_is_starting(group) || raft_group_has_majority(group);
}

static void look_at(struct lost_page *page, const struct metadata_partition *source) {
    struct partition *partition = partition_set_find_group(page->services->partitions,
                                                           source->group);
    struct raft_group *group = partition == NULL ? NULL : partition_group(partition);
    if (partition_set_is_closed(page->services->partitions, source->group) ||
        (group != NULL && raft_group_is_stopped(group))) {
        add_closed(page, source);
        return;
    }
    if (group == NULL || is_no_loss(group)) return;
    struct kp_lost_majorities_response_group *into = add_group(page, source, group);
    into->topic = kp_arena_string(page->arena, source->topic->name, strlen(source->topic->name));
    page->too_large = page->too_large || into->topic.len < 0;
    into->partition = source->index;
    into->log_start_offset = partition_start_offset(partition);
    into->high_watermark = acknowledged(partition, group, raft_group_log(group));
    into->in_sync = was_in_sync(page, source->group);
    into->chosen = source->recovery.replica == raft_group_replica(group);
}

static const struct metadata_topic *topic_from(const struct metadata *metadata, int64_t created) {
    const struct metadata_topic *topic = NULL;
    while ((topic = metadata_next_topic(metadata, topic)) != NULL)
        if ((int64_t)topic->created >= created) break;
    return topic;
}

static bool may_see(const struct request *request, const struct metadata_topic *topic) {
    return authorize_seeing(&request->ctx, AUTHORIZE_DESCRIBE, AUTHORIZE_TOPIC, topic->name,
                            strlen(topic->name));
}

static void fill_page(struct lost_page *page, const struct request *request) {
    const struct kp_lost_majorities_request *asked = request->message;
    const struct metadata *metadata = page->services->metadata;
    const struct metadata_topic *topic = topic_from(metadata, asked->from_topic);
    int32_t at = topic != NULL && (int64_t)topic->created == asked->from_topic
                     ? asked->from_partition
                     : 0;
    const struct metadata_topic *asked_of = NULL;
    bool seen = false;
    if (at < 0) at = 0;
    for (int32_t left = PARTITIONS_A_PAGE; left > 0 && topic != NULL; left--) {
        if (topic != asked_of) seen = may_see(request, topic);
        asked_of = topic;
        if (seen && at < topic->partition_count) {
            look_at(page, &topic->partitions[at++]);
        } else {
            topic = metadata_next_topic(metadata, topic);
            at = 0;
        }
    }
    page->response.next_topic = topic == NULL ? -1 : (int64_t)topic->created;
    page->response.next_partition = at;
}

void api_lost_majorities(void *service, struct request *request) {
    const struct broker_services *services = service;
    const struct kp_lost_majorities_request *asked = request->message;
    struct lost_page page = {.services = services, .arena = &request->arena};
    kp_set_fallbacks(&kp_lost_majorities_response_schema, &page.response);
    page.response.error_message = KP_NULL_STRING;
    page.response.node_id = services->settings->node_id;
    page.response.metadata_leader = metadata_group_leader(services->metadata_group);
    page.response.next_topic = -1;
    if (!authorize(&request->ctx, AUTHORIZE_DESCRIBE, AUTHORIZE_CLUSTER, NULL, 0)) {
        page.response.error_code = KAFKA_CLUSTER_AUTHORIZATION_FAILED;
        page.response.error_message = kp_string_of(
            kafka_error_message(KAFKA_CLUSTER_AUTHORIZATION_FAILED));
        request_respond(request, &page.response);
        return;
    }
    page.response.groups.items = kp_arena_alloc(page.arena, (PARTITIONS_A_PAGE + 1) *
                                                                sizeof *page.response.groups.items);
    if (page.response.groups.items == NULL) {
        request_close_too_large(request);
        return;
    }
    struct raft_group *metadata = metadata_group_raft(services->metadata_group);
    if (asked->from_topic == 0 && asked->from_partition == 0 && !is_no_loss(metadata))
        add_group(&page, NULL, metadata);
    fill_page(&page, request);
    if (page.too_large)
        request_close_too_large(request);
    else
        request_respond(request, &page.response);
}
