/* Describing by either protocol, and the members' assignments. */
#include "client/kafka/group_view.h"

#include <string.h>

#include "client/line/talk.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/consumer_group_describe.h"
#include "protocol/messages/describe_groups.h"

enum { SMALLEST_TOPIC = 6, SMALLEST_PARTITION = 4 };

/* ---- Members of the classic protocol ---- */

/* ConsumerProtocolAssignment: version, topics with partitions, user data. A member of another kind
 * of group (Connect, Schema Registry) has bytes of its own: it is shown without partitions. */
static void read_assignment(struct kp_arena *arena, struct kp_bytes bytes,
                            struct group_member *member) {
    struct kp_reader reader;
    if (bytes.len <= 0) {
        return;
    }
    kp_reader_init(&reader, bytes.data, (size_t)bytes.len);
    kp_read_int16(&reader);
    int32_t topics = kp_read_count(&reader, false, false, SMALLEST_TOPIC);
    size_t room = kp_reader_left(&reader) / SMALLEST_PARTITION + 1, count = 0;
    struct group_partition *owned = kp_arena_alloc(arena, room * sizeof(*owned));
    for (int32_t t = 0; owned && t < topics && !reader.error; t++) {
        const char *topic = cluster_text(arena, kp_read_string(&reader, false, false));
        int32_t partitions = kp_read_count(&reader, false, false, SMALLEST_PARTITION);
        for (int32_t p = 0; p < partitions && !reader.error; p++) {
            owned[count++] = (struct group_partition){topic, kp_read_int32(&reader)};
        }
    }
    if (owned && !reader.error) {
        member->owned = owned;
        member->owned_count = count;
    }
}

static int16_t classic_error(const void *response) {
    const struct kp_describe_groups_response *answer = response;
    return answer->groups.count == 1 ? answer->groups.items[0].error_code
                                     : KAFKA_UNKNOWN_SERVER_ERROR;
}

static void take_classic(struct kp_arena *arena,
                         const struct kp_describe_groups_response_group *group,
                         struct group_view *view) {
    bool consumers = kp_string_is(group->protocol_type, "consumer");
    view->type = "classic";
    view->state = cluster_text(arena, group->group_state);
    view->protocol = cluster_text(arena, group->protocol_data);
    view->members = kp_arena_alloc(arena,
                                   (size_t)(group->members.count + 1) * sizeof(*view->members));
    for (int32_t i = 0; view->members && i < group->members.count; i++) {
        const struct kp_describe_groups_response_member *from = &group->members.items[i];
        struct group_member *member = &view->members[view->member_count++];
        *member = (struct group_member){
            .id = cluster_text(arena, from->member_id),
            .instance = from->group_instance_id.len >= 0
                            ? cluster_text(arena, from->group_instance_id)
                            : NULL,
            .client_id = cluster_text(arena, from->client_id),
            .host = cluster_text(arena, from->client_host),
        };
        if (consumers) {
            read_assignment(arena, from->member_assignment, member);
        }
    }
}

static int describe_classic(struct admin_client *admin, struct kp_arena *arena,
                            struct group_view *view, int16_t *refused) {
    struct kp_describe_groups_request request;
    struct kp_describe_groups_response response;
    struct kp_string name = kp_string_of(view->group);
    struct error_text why = {""};
    struct group_call call = {.group = view->group,
                              .key = KP_DESCRIBE_GROUPS,
                              .request = &request,
                              .response = &response,
                              .error_of = classic_error};
    kp_set_fallbacks(&kp_describe_groups_request_schema, &request);
    request.groups.items = &name;
    request.groups.count = 1;
    int error = group_request(admin, arena, &call, &why);
    if (error) {
        return admin_failed(error, &why);
    }
    *refused = call.refused;
    view->coordinator = call.coordinator;
    if (!*refused && kp_string_is(response.groups.items[0].group_state, "Dead")) {
        *refused = KAFKA_GROUP_ID_NOT_FOUND; /* how versions before 6 say it */
    }
    if (!*refused) {
        take_classic(arena, &response.groups.items[0], view);
    }
    return EXIT_DONE;
}

/* ---- Members of the consumer protocol ---- */

static int16_t consumer_error(const void *response) {
    const struct kp_consumer_group_describe_response *answer = response;
    return answer->groups.count == 1 ? answer->groups.items[0].error_code
                                     : KAFKA_UNKNOWN_SERVER_ERROR;
}

static void take_owned(struct kp_arena *arena,
                       const struct kp_consumer_group_describe_response_assignment *assignment,
                       struct group_member *member) {
    size_t count = 0;
    for (int32_t t = 0; t < assignment->topic_partitions.count; t++) {
        count += (size_t)assignment->topic_partitions.items[t].partitions.count;
    }
    member->owned = kp_arena_alloc(arena, (count + 1) * sizeof(*member->owned));
    for (int32_t t = 0; member->owned && t < assignment->topic_partitions.count; t++) {
        const struct kp_consumer_group_describe_response_topic_partitions *topic =
            &assignment->topic_partitions.items[t];
        const char *name = cluster_text(arena, topic->topic_name);
        for (int32_t p = 0; p < topic->partitions.count; p++) {
            member->owned[member->owned_count++] = (struct group_partition){
                name, topic->partitions.items[p]};
        }
    }
}

static void take_consumer(struct kp_arena *arena,
                          const struct kp_consumer_group_describe_response_group *group,
                          struct group_view *view) {
    view->type = "consumer";
    view->state = cluster_text(arena, group->group_state);
    view->protocol = cluster_text(arena, group->assignor_name);
    view->members = kp_arena_alloc(arena,
                                   (size_t)(group->members.count + 1) * sizeof(*view->members));
    for (int32_t i = 0; view->members && i < group->members.count; i++) {
        const struct kp_consumer_group_describe_response_member *from = &group->members.items[i];
        struct group_member *member = &view->members[view->member_count++];
        *member = (struct group_member){
            .id = cluster_text(arena, from->member_id),
            .instance = from->instance_id.len >= 0 ? cluster_text(arena, from->instance_id) : NULL,
            .client_id = cluster_text(arena, from->client_id),
            .host = cluster_text(arena, from->client_host),
        };
        take_owned(arena, &from->assignment, member);
    }
}

/* *known false: not a group of this protocol, or the broker does not serve it. */
static int describe_consumer(struct admin_client *admin, struct kp_arena *arena,
                             struct group_view *view, bool *known) {
    struct kp_consumer_group_describe_request request;
    struct kp_consumer_group_describe_response response;
    struct kp_string name = kp_string_of(view->group);
    struct error_text why = {""};
    struct group_call call = {.group = view->group,
                              .key = KP_CONSUMER_GROUP_DESCRIBE,
                              .request = &request,
                              .response = &response,
                              .error_of = consumer_error};
    kp_set_fallbacks(&kp_consumer_group_describe_request_schema, &request);
    request.group_ids.items = &name;
    request.group_ids.count = 1;
    int error = group_request(admin, arena, &call, &why);
    *known = !error && !call.refused;
    if (error && error != ERR_VERSION) {
        return admin_failed(error, &why);
    }
    if (*known) {
        view->coordinator = call.coordinator;
        take_consumer(arena, &response.groups.items[0], view);
    }
    return EXIT_DONE;
}

int group_describe(struct admin_client *admin, struct kp_arena *arena, const char *group,
                   struct group_view *view, int16_t *refused) {
    bool known;
    *view = (struct group_view){
        .group = group, .type = "", .state = "", .protocol = "", .coordinator = -1};
    *refused = 0;
    int code = describe_consumer(admin, arena, view, &known);
    return code || known ? code : describe_classic(admin, arena, view, refused);
}
