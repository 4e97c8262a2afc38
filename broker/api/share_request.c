/* Sessions, partitions and acknowledgements of requests about share groups. */
#include "broker/api/share_request.h"

#include <string.h>

#include "broker/config/group_settings.h"
#include "broker/metadata/metadata_features.h"
#include "broker/server/request_steps.h"
#include "protocol/kafka_error.h"

struct share_limits share_limits_of(const struct broker_services *services,
                                    struct kp_string group) {
    const struct metadata_resource *set = metadata_resource_named(
        services->metadata, CONFIG_RESOURCE_GROUP, group.data, (size_t)group.len);
    struct group_sharing sharing = group_settings_sharing(set == NULL ? NULL : &set->configs);
    int16_t level = metadata_feature_level(services->metadata, FEATURE_SHARE_VERSION);
    return (struct share_limits){
        .lock_ms = sharing.lock_ms,
        .locks = sharing.locks,
        .deliveries = sharing.deliveries,
        .renew = sharing.renew,
        .window = SHARE_WINDOW_OFFSETS,
        .ranges = share_ranges_most(partition_set_counts(services->partitions)->shares.runs),
        .committed = sharing.committed,
        .keyed = sharing.keyed,
        .retry = {.base_ms = level >= 2 && !sharing.keyed ? sharing.retry_base_ms : 0,
                  .max_ms = sharing.retry_max_ms,
                  .released = sharing.retry_released,
                  .timed_out = sharing.retry_timed_out},
        .letters = level >= 3 &&
                   group_settings_letters(set == NULL ? NULL : &set->configs).topic != NULL};
}

enum {
    MEMBER_MOST = 36, /* bytes, as in Kafka */
    AT_ONCE = 16,     /* partitions in a step */
};

int16_t share_request_may(const struct share_request *share, struct kp_string group) {
    size_t len = group.len < 0 ? 0 : (size_t)group.len;
    if (metadata_feature_level(share->services->metadata, FEATURE_SHARE_VERSION) < 1)
        return KAFKA_UNSUPPORTED_VERSION;
    return authorize(&share->request->ctx, AUTHORIZE_READ, AUTHORIZE_GROUP, group.data, len)
               ? KAFKA_NONE
               : KAFKA_GROUP_AUTHORIZATION_FAILED;
}

static struct key key_of_part(const void *owner, size_t at) {
    const struct share_part *part = &((const struct share_request *)owner)->parts[at];
    return key_of_partition(&part->topic, part->index);
}

static bool can_be_id(struct kp_string id) {
    return id.len > 0 && memchr(id.data, '\0', (size_t)id.len) == NULL;
}

static int16_t take_session(struct share_request *share, struct share_session **session) {
    if (share->epoch != SHARE_EPOCH_OPEN)
        return share_sessions_take(share->services, share->group, share->member, share->epoch,
                                   session);
    *session = share_sessions_open(share->services, share->request, share->group, share->member);
    return *session == NULL ? KAFKA_SHARE_SESSION_LIMIT_REACHED : KAFKA_NONE;
}

static bool make_room(struct share_request *share, size_t parts) {
    struct kp_arena *arena = &share->request->arena;
    share->room = parts;
    share->parts = kp_arena_alloc(arena, (parts + 1) * sizeof *share->parts);
    return share->parts != NULL &&
           key_set_init(&share->keys, arena, parts + 1, env_random_u64(share->services->env),
                        key_of_part, share);
}

int16_t share_request_begin(struct share_request *share, struct kp_string group,
                            struct kp_string member, int32_t epoch, size_t partitions,
                            struct share_session **session) {
    if (!can_be_id(group) || !can_be_id(member) || member.len > MEMBER_MOST)
        return KAFKA_INVALID_REQUEST;
    share->group = group;
    share->member = member;
    share->epoch = epoch;
    share->limits = share_limits_of(share->services, group);
    size_t known = epoch == SHARE_EPOCH_OPEN
                       ? 0
                       : share_sessions_places(share->services->share_sessions, group, member);
    if (!make_room(share, partitions + known)) return KAFKA_INVALID_REQUEST;
    int16_t code = take_session(share, session);
    if (code != KAFKA_NONE) return code;
    request_tell_when_gone(share->request);
    share->session = (*session)->number;
    return KAFKA_NONE;
}

struct share_part *share_request_part(struct share_request *share, struct kp_uuid topic,
                                      int32_t index) {
    size_t at = key_set_find(&share->keys, key_of_partition(&topic, index));
    if (at != KEY_NONE) return &share->parts[at];
    if (share->count == share->room) return NULL;
    struct share_part *part = &share->parts[share->count];
    *part = (struct share_part){.owner = share,
                                .topic = topic,
                                .index = index,
                                .given = {.size = sizeof(struct share_range)}};
    key_set_put(&share->keys, share->count++);
    return part;
}

struct partition *share_request_partition(struct share_request *share,
                                          const struct share_part *part, int16_t *code) {
    struct topic_ref ref = {.id = part->topic, .by_id = true};
    struct partition *partition = local_partition_of_ref(share->services, share->request,
                                                         AUTHORIZE_READ, &ref, part->index, code);
    if (partition != NULL && !partition_is_leading(partition)) {
        *code = KAFKA_NOT_LEADER_OR_FOLLOWER;
        return NULL;
    }
    return partition;
}

void share_request_hint(struct share_request *share, const struct share_part *part, int16_t code,
                        struct kp_leader_id_and_epoch *hint) {
    struct topic_ref ref = {.id = part->topic, .by_id = true};
    leader_hint_give(share->services, share->request, &ref, part->index, code, hint, &share->hints);
}

/* ---- Acknowledgements ---- */

static void commit_done(struct share_commit *commit, int16_t error) {
    struct share_part *part = (struct share_part *)commit;
    struct share_request *share = part->owner;
    if (part->ack_code == KAFKA_NONE) part->ack_code = error;
    if (--share->committing == 0 && share->committed_wanted) share->committed(share);
}

void share_request_acknowledge(struct share_part *part, const struct share_ack *acks,
                               size_t count) {
    part->twice = part->acknowledges;
    part->acknowledges = true;
    part->acks = acks;
    part->ack_count = count;
}

/* The code; what is to be committed is under way then. */
static int16_t count_acks(struct share_request *share, struct share_part *part, struct share *of) {
    struct offset_ranges outcomes = {.size = sizeof(struct share_range)};
    share_read_by(of, &share->limits);
    int16_t code = share_queue_acknowledge(&of->queue, &share->limits, part->acks, part->ack_count,
                                           share->session, env_now_ms(share->services->env),
                                           &outcomes);
    if (code == KAFKA_NONE && outcomes.count > 0) {
        part->commit.done = commit_done;
        share->committing++;
        share_end(of, &outcomes, &part->commit);
    }
    share_watch(of);
    return code;
}

/* In Kafka's order: a topic that nobody knows, what makes no sense, whether it is led here. */
static int16_t count_part(struct share_request *share, struct share_part *part) {
    int16_t code = KAFKA_NONE;
    struct partition *partition = share_request_partition(share, part, &code);
    if (partition == NULL && code == KAFKA_UNKNOWN_TOPIC_ID) return code;
    if (part->twice || !share_acks_make_sense(part->acks, part->ack_count, share->renews))
        return KAFKA_INVALID_REQUEST;
    if (partition == NULL) return code;
    if (part->ack_count == 0) return KAFKA_NONE;
    struct share *of = shares_find(partition_shares(partition), share->group);
    return of == NULL ? KAFKA_INVALID_RECORD_STATE : count_acks(share, part, of);
}

static void all_count(struct share_request *share) {
    struct share_session *session = share_sessions_numbered(share->services->share_sessions,
                                                            share->session);
    if (share->epoch == SHARE_EPOCH_CLOSE && session != NULL)
        share_session_end(share->services, session);
    share->committed_wanted = true;
    if (share->committing == 0) share->committed(share);
}

static bool count_next(struct request *request) {
    struct share_request *share = request->state;
    for (int i = 0; i < AT_ONCE && share->counted < share->count; i++) {
        struct share_part *part = &share->parts[share->counted++];
        if (part->acknowledges) part->ack_code = count_part(share, part);
    }
    if (share->counted < share->count) return true;
    all_count(share);
    return false;
}

void share_request_commit(struct share_request *share) {
    request_steps(share->request, count_next);
}

void share_request_leave(struct share_request *share) {
    for (size_t i = 0; i < share->count; i++) {
        struct share_part *part = &share->parts[i];
        share_commit_cancel(&part->commit);
        partition_wait_cancel(&part->moved);
        share_wait_cancel(&part->available);
    }
}
