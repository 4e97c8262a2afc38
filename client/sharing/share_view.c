/* ShareGroupDescribe and DescribeShareGroupOffsets. */
#include "client/sharing/share_view.h"

#include <stdlib.h>
#include <string.h>

#include "base/secure/shell_word.h"
#include "client/line/talk.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/describe_share_group_offsets.h"
#include "protocol/messages/share_group_describe.h"

enum { ARENA_MAX = 64 << 20, ASK_MS = 5000 };

int share_refused(struct admin_client *admin, struct kp_arena *arena, const char *group,
                  int16_t error, struct kp_string message) {
    char word[SHELL_WORD_ROOM];
    switch (error) {
    case KAFKA_GROUP_ID_NOT_FOUND: return group_refused(admin, arena, group, error);
    case KAFKA_NON_EMPTY_GROUP:
        say("group \"%s\" has members; stop its consumers first (drave share describe %s shows them)",
            group, shell_word_in(group, word));
        break;
    case KAFKA_UNSUPPORTED_VERSION:
        say("group \"%s\": this cluster has no share groups: its feature share.version is off",
            group);
        break;
    default:
        say("group \"%s\": %s", group,
            message.len > 0 ? cluster_text(arena, message) : kafka_error_message(error));
    }
    return EXIT_REFUSED;
}

/* ---- Members ---- */

static int16_t describe_error(const void *response) {
    const struct kp_share_group_describe_response *answer = response;
    return answer->groups.count == 1 ? answer->groups.items[0].error_code
                                     : KAFKA_UNKNOWN_SERVER_ERROR;
}

static void take_owned(struct kp_arena *arena,
                       const struct kp_share_group_describe_response_assignment *assignment,
                       struct share_member_view *member) {
    size_t count = 0;
    for (int32_t t = 0; t < assignment->topic_partitions.count; t++) {
        count += (size_t)assignment->topic_partitions.items[t].partitions.count;
    }
    member->owned = kp_arena_alloc(arena, (count + 1) * sizeof(*member->owned));
    for (int32_t t = 0; member->owned && t < assignment->topic_partitions.count; t++) {
        const struct kp_share_group_describe_response_topic_partitions *topic =
            &assignment->topic_partitions.items[t];
        const char *name = cluster_text(arena, topic->topic_name);
        for (int32_t p = 0; p < topic->partitions.count; p++) {
            member->owned[member->owned_count++] = (struct group_partition){
                name, topic->partitions.items[p]};
        }
    }
}

static void take_group(struct kp_arena *arena,
                       const struct kp_share_group_describe_response_group *group,
                       struct share_view *view) {
    view->state = cluster_text(arena, group->group_state);
    view->assignor = cluster_text(arena, group->assignor_name);
    view->epoch = group->group_epoch;
    view->assignment_epoch = group->assignment_epoch;
    view->members = kp_arena_alloc(arena,
                                   (size_t)(group->members.count + 1) * sizeof(*view->members));
    for (int32_t i = 0; view->members && i < group->members.count; i++) {
        const struct kp_share_group_describe_response_member *from = &group->members.items[i];
        struct share_member_view *member = &view->members[view->member_count++];
        *member = (struct share_member_view){
            .id = cluster_text(arena, from->member_id),
            .client_id = cluster_text(arena, from->client_id),
            .host = cluster_text(arena, from->client_host),
            .epoch = from->member_epoch,
            .topics = from->subscribed_topic_names.items,
            .topic_count = from->subscribed_topic_names.count > 0
                               ? (size_t)from->subscribed_topic_names.count
                               : 0,
        };
        take_owned(arena, &from->assignment, member);
    }
}

int share_describe(struct admin_client *admin, struct kp_arena *arena, const char *group,
                   struct share_view *view, int16_t *refused) {
    struct kp_share_group_describe_request request;
    struct kp_share_group_describe_response response;
    struct kp_string name = kp_string_of(group);
    struct error_text why = {""};
    struct group_call call = {.group = group,
                              .key = KP_SHARE_GROUP_DESCRIBE,
                              .version_min = 1,
                              .request = &request,
                              .response = &response,
                              .error_of = describe_error};
    *view = (struct share_view){.group = group, .state = "", .assignor = "", .coordinator = -1};
    *refused = 0;
    kp_set_fallbacks(&kp_share_group_describe_request_schema, &request);
    request.group_ids.items = &name;
    request.group_ids.count = 1;
    int error = group_request(admin, arena, &call, &why);
    if (error && error != ERR_VERSION) {
        return admin_failed(error, &why);
    }
    int16_t code = error ? KAFKA_UNSUPPORTED_VERSION : call.refused;
    if (code == KAFKA_GROUP_ID_NOT_FOUND || code == KAFKA_UNSUPPORTED_VERSION) {
        *refused = code;
        return EXIT_DONE;
    }
    view->coordinator = call.coordinator;
    if (call.refused) {
        struct kp_string message = response.groups.count == 1
                                       ? response.groups.items[0].error_message
                                       : KP_NULL_STRING;
        return share_refused(admin, arena, group, call.refused, message);
    }
    take_group(arena, &response.groups.items[0], view);
    return EXIT_DONE;
}

/* ---- Offsets ---- */

static int16_t offsets_error(const void *response) {
    const struct kp_describe_share_group_offsets_response *answer = response;
    return answer->groups.count == 1 ? answer->groups.items[0].error_code
                                     : KAFKA_UNKNOWN_SERVER_ERROR;
}

static int by_partition(const void *a, const void *b) {
    const struct share_offset *one = a, *other = b;
    int order = strcmp(one->topic, other->topic);
    return order ? order
                 : (one->partition > other->partition) - (one->partition < other->partition);
}

static void take_offsets(struct kp_arena *arena,
                         const struct kp_describe_share_group_offsets_response_group *group,
                         struct share_view *view) {
    size_t count = 0;
    for (int32_t t = 0; t < group->topics.count; t++) {
        count += (size_t)group->topics.items[t].partitions.count;
    }
    view->offsets = kp_arena_alloc(arena, (count + 1) * sizeof(*view->offsets));
    for (int32_t t = 0; view->offsets && t < group->topics.count; t++) {
        const struct kp_describe_share_group_offsets_response_topic *topic =
            &group->topics.items[t];
        const char *name = cluster_text(arena, topic->topic_name);
        for (int32_t p = 0; p < topic->partitions.count; p++) {
            const struct kp_describe_share_group_offsets_response_partition *one =
                &topic->partitions.items[p];
            bool known = one->error_code == 0;
            view->offsets[view->offset_count++] = (struct share_offset){
                .topic = name,
                .partition = one->partition_index,
                .start = known ? one->start_offset : -1,
                .lag_records = known ? one->lag : -1,
                .leader_epoch = known && one->start_offset >= 0 ? one->leader_epoch : -1,
                .trouble = known ? NULL : kafka_error_message(one->error_code),
            };
        }
    }
    if (view->offset_count > 1) {
        qsort(view->offsets, view->offset_count, sizeof(*view->offsets), by_partition);
    }
}

/* `why` has the sentence of an ERR_*. */
static int ask_offsets(struct admin_client *admin, struct kp_arena *arena, struct share_view *view,
                       int16_t *refused, struct kp_string *message, struct error_text *why) {
    struct kp_describe_share_group_offsets_request request;
    struct kp_describe_share_group_offsets_response response;
    struct kp_describe_share_group_offsets_request_group one;
    struct group_call call = {.group = view->group,
                              .key = KP_DESCRIBE_SHARE_GROUP_OFFSETS,
                              .request = &request,
                              .response = &response,
                              .error_of = offsets_error};
    kp_set_fallbacks(&kp_describe_share_group_offsets_request_schema, &request);
    kp_set_fallbacks(&kp_describe_share_group_offsets_request_group_schema, &one);
    one.group_id = kp_string_of(view->group);
    one.topics.count = -1; /* all in which it has begun */
    request.groups.items = &one;
    request.groups.count = 1;
    int error = group_request(admin, arena, &call, why);
    *refused = error ? 0 : call.refused;
    *message = !error && response.groups.count == 1 ? response.groups.items[0].error_message
                                                    : KP_NULL_STRING;
    if (!error && !call.refused) {
        take_offsets(arena, &response.groups.items[0], view);
    }
    return error;
}

int share_fetch_offsets(struct admin_client *admin, struct kp_arena *arena,
                        struct share_view *view) {
    struct error_text why = {""};
    struct kp_string message;
    int16_t refused;
    int error = ask_offsets(admin, arena, view, &refused, &message, &why);
    return error     ? admin_failed(error, &why)
           : refused ? share_refused(admin, arena, view->group, refused, message)
                     : EXIT_DONE;
}

int share_look(struct admin_client *admin, struct kp_arena *arena, const char *group,
               struct share_view *view) {
    int16_t refused;
    int code = share_describe(admin, arena, group, view, &refused);
    if (!code && refused) {
        return share_refused(admin, arena, group, refused, KP_NULL_STRING);
    }
    return code ? code : share_fetch_offsets(admin, arena, view);
}

int64_t share_lag_records(const struct share_view *view) {
    int64_t sum = -1;
    for (size_t i = 0; i < view->offset_count; i++) {
        int64_t lag = view->offsets[i].lag_records;
        sum = lag < 0 ? sum : sum < 0 ? lag : sum + lag;
    }
    return sum;
}

/* Of one topic: -1 unless all of its partitions are known. */
static int64_t left_in(const struct share_view *view, const char *topic, int32_t partitions) {
    int64_t sum = 0;
    int32_t seen = 0;
    for (size_t i = 0; i < view->offset_count; i++) {
        const struct share_offset *one = &view->offsets[i];
        if (strcmp(one->topic, topic) != 0) {
            continue;
        }
        if (one->lag_records < 0) {
            return -1;
        }
        sum += one->lag_records;
        seen++;
    }
    return seen < partitions ? -1 : sum;
}

int share_left(struct admin_client *admin, const char *group, char *const *topics,
               size_t topic_count, int64_t *left) {
    struct share_view view = {.group = group};
    struct kp_metadata_response metadata;
    struct kp_arena arena;
    struct kp_string message;
    struct error_text why = {""};
    int16_t refused = 0;
    kp_arena_init(&arena, ARENA_MAX);
    admin_client_renew(admin, ASK_MS);
    int error = cluster_ask_topics(admin, &arena, topics, topic_count, &metadata, &why);
    error = error ? error : ask_offsets(admin, &arena, &view, &refused, &message, &why);
    *left = error || refused ? -1 : 0;
    for (size_t i = 0; *left >= 0 && i < topic_count; i++) {
        const struct kp_metadata_response_topic *topic = cluster_find_topic(&metadata, topics[i]);
        int64_t one = topic ? left_in(&view, topics[i], topic->partitions.count) : -1;
        *left = one < 0 ? -1 : *left + one;
    }
    kp_arena_close(&arena);
    return error;
}
