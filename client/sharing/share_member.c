/* ShareGroupHeartbeat to whoever coordinates the group, and what comes of its answer. */
#include "client/sharing/share_member.h"

#include <sys/random.h>

#include "client/line/command.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/share_group_heartbeat.h"

enum {
    ARENA_MAX = 16 << 20,
    BEAT_MS = 5000,
    LEAVE_MS = 2000,
    AGAIN_MS = 200,
    EPOCH_LEAVE = -1,
};

static void draw_id(char text[23]) {
    struct kp_uuid id;
    size_t got = 0;
    while (got < sizeof(id.bytes)) {
        ssize_t n = getrandom(id.bytes + got, sizeof(id.bytes) - got, 0);
        got += n > 0 ? (size_t)n : 0;
    }
    kp_uuid_text(id, text);
}

void share_member_open(struct share_member *member, const char *bootstrap, const char *group,
                       char *const *topics, size_t topic_count) {
    *member = (struct share_member){.admin = admin_client_new_quiet(bootstrap, BEAT_MS),
                                    .group = group,
                                    .topics = topics,
                                    .topic_count = topic_count};
    draw_id(member->id);
    patience_begin(&member->patience);
}

/* ---- One heartbeat ---- */

static int16_t beat_error(const void *response) {
    return ((const struct kp_share_group_heartbeat_response *)response)->error_code;
}

static int send_beat(struct share_member *member, struct kp_arena *arena, int32_t epoch,
                     struct kp_share_group_heartbeat_response *response, int16_t *refused,
                     struct error_text *why) {
    struct kp_share_group_heartbeat_request request;
    struct group_call call = {.group = member->group,
                              .key = KP_SHARE_GROUP_HEARTBEAT,
                              .version_min = 1,
                              .request = &request,
                              .response = response,
                              .error_of = beat_error};
    kp_set_fallbacks(&kp_share_group_heartbeat_request_schema, &request);
    request.group_id = kp_string_of(member->group);
    request.member_id = kp_string_of(member->id);
    request.member_epoch = epoch;
    request.rack_id = KP_NULL_STRING;
    request.subscribed_topic_names.count = -1; /* as before */
    if (epoch == 0) {
        request.subscribed_topic_names.count = (int32_t)member->topic_count;
        request.subscribed_topic_names.items = kp_arena_alloc(
            arena, (member->topic_count + 1) * sizeof(*request.subscribed_topic_names.items));
        if (!request.subscribed_topic_names.items) {
            return error_set(why, ERR_TOO_LARGE, "the names of the topics take too much memory");
        }
    }
    for (size_t i = 0; epoch == 0 && i < member->topic_count; i++) {
        request.subscribed_topic_names.items[i] = kp_string_of(member->topics[i]);
    }
    int error = group_request(member->admin, arena, &call, why);
    *refused = error ? 0 : call.refused;
    return error;
}

/* Who joins again is often told what it has. */
static void take_assignment(struct share_member *member,
                            const struct kp_share_group_heartbeat_response_assignment *assignment) {
    struct share_places told = {.items = NULL};
    bool same = true;
    for (int32_t t = 0; t < assignment->topic_partitions.count; t++) {
        const struct kp_share_group_heartbeat_response_topic_partitions *topic =
            &assignment->topic_partitions.items[t];
        for (int32_t p = 0; p < topic->partitions.count; p++) {
            share_places_add(&told, topic->topic_id, topic->partitions.items[p]);
            same = same && share_places_have(&member->assigned, topic->topic_id,
                                             topic->partitions.items[p]);
        }
    }
    member->changed = !same || told.count != member->assigned.count || !member->told;
    member->told = true;
    share_places_free(&member->assigned);
    member->assigned = told;
}

/* What the coordinator refused; EXIT_DONE: it is asked again. */
static int take_refusal(struct share_member *member, struct kp_arena *arena, int16_t refused,
                        struct kp_string message) {
    bool joined = member->epoch > 0;
    switch (refused) {
    case KAFKA_COORDINATOR_LOAD_IN_PROGRESS:
    case KAFKA_COORDINATOR_NOT_AVAILABLE:
    case KAFKA_NOT_COORDINATOR: break;
    case KAFKA_UNKNOWN_MEMBER_ID:
    case KAFKA_FENCED_MEMBER_EPOCH:
        member->epoch = 0;
        member->due_ms = now_ms();
        return EXIT_DONE;
    case KAFKA_GROUP_ID_NOT_FOUND:
        member->epoch = 0; /* it was deleted while this member was believed to be gone */
        if (joined) {
            break;
        }
        return group_refused(member->admin, arena, member->group, refused);
    case KAFKA_UNSUPPORTED_VERSION:
        say("this cluster does not serve share groups: its feature share.version is 0, until all of its brokers know it");
        return EXIT_REFUSED;
    default:
        say("group \"%s\": %s", member->group,
            message.len > 0 ? cluster_text(arena, message) : kafka_error_message(refused));
        return EXIT_REFUSED;
    }
    patience_say(&member->patience, "the coordinator of group \"%s\"", member->group);
    member->due_ms = now_ms() + AGAIN_MS;
    return EXIT_DONE;
}

static int take_answer(struct share_member *member,
                       const struct kp_share_group_heartbeat_response *response) {
    member->epoch = response->member_epoch;
    member->due_ms = now_ms() + (uint64_t)response->heartbeat_interval_ms;
    patience_begin(&member->patience);
    if (response->assignment) {
        take_assignment(member, response->assignment);
    }
    return EXIT_DONE;
}

int share_member_beat(struct share_member *member) {
    struct kp_arena arena;
    struct kp_share_group_heartbeat_response response;
    struct error_text why = {""};
    int16_t refused;
    member->changed = false;
    if (now_ms() < member->due_ms) {
        return EXIT_DONE;
    }
    kp_arena_init(&arena, ARENA_MAX);
    admin_client_renew(member->admin, BEAT_MS);
    int error = send_beat(member, &arena, member->epoch, &response, &refused, &why);
    int code = EXIT_DONE;
    if (error == ERR_VERSION || error == ERR_DENIED || error == ERR_TOO_LARGE) {
        code = admin_failed(error, &why);
    } else if (error) {
        patience_say(&member->patience, "the coordinator of group \"%s\" (%s)", member->group,
                     why.text);
        member->due_ms = now_ms() + AGAIN_MS;
    } else if (refused) {
        admin_client_renew(member->admin, BEAT_MS);
        code = take_refusal(member, &arena, refused, response.error_message);
    } else {
        code = take_answer(member, &response);
    }
    kp_arena_close(&arena);
    return code;
}

void share_member_close(struct share_member *member) {
    struct kp_arena arena;
    struct kp_share_group_heartbeat_response response;
    struct error_text why = {""};
    int16_t refused;
    if (member->epoch > 0) {
        kp_arena_init(&arena, ARENA_MAX);
        admin_client_renew(member->admin, LEAVE_MS);
        send_beat(member, &arena, EPOCH_LEAVE, &response, &refused, &why);
        kp_arena_close(&arena);
    }
    admin_client_free(member->admin);
    share_places_free(&member->assigned);
}
