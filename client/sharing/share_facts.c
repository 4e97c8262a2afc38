/* The leaders are asked as for groups that commit: where the share group begins is what it has
 * committed. */
#include "client/kafka/group_traffic.h"
#include "client/sharing/share_view.h"
#include "protocol/kafka_error.h"

enum { SHORT_MS = 60 * 1000, LONG_TIMES = 10 };

void share_ask_leaders(const struct invocation *in, struct kp_arena *arena,
                       struct share_view *view) {
    const struct group_windows windows = {SHORT_MS, LONG_TIMES * SHORT_MS};
    struct group_view places = {
        .group = view->group,
        .type = "share",
        .offsets = kp_arena_alloc(arena, (view->offset_count + 1) * sizeof(*places.offsets)),
    };
    if (!places.offsets) {
        return; /* of so many nothing is known */
    }
    for (size_t i = 0; i < view->offset_count; i++) {
        places.offsets[places.offset_count++] = (struct group_offset){
            .topic = view->offsets[i].topic,
            .partition = view->offsets[i].partition,
            .committed = view->offsets[i].start,
        };
    }
    const struct kp_partition_traffic_response_partition **told = group_ask_traffic(
        in, arena, &places, &windows);
    for (size_t i = 0; i < view->offset_count; i++) {
        view->offsets[i].told = told[i];
    }
}

void share_facts(struct kp_arena *arena, const struct share_view *view, int64_t window_ms,
                 struct why_share_facts *facts) {
    *facts = (struct why_share_facts){
        .group = view->group,
        .state = view->state,
        .window_ms = window_ms,
        .member_count = view->member_count,
        .partitions = kp_arena_alloc(arena, (view->offset_count + 1) * sizeof(*facts->partitions)),
    };
    for (size_t i = 0; facts->partitions && i < view->offset_count; i++) {
        const struct share_offset *from = &view->offsets[i];
        struct why_share_partition *into = &facts->partitions[facts->partition_count++];
        *into = (struct why_share_partition){.topic = from->topic,
                                             .partition = from->partition,
                                             .start = from->start,
                                             .lag = from->lag_records,
                                             .age_ms = from->lag_records == 0 ? 0 : WHY_UNKNOWN};
        why_share_take_told(into, from->told);
    }
}

/* Refused: there is no such group of that kind. */
static int look_at(const struct invocation *in, struct admin_client *admin, struct kp_arena *arena,
                   const char *name, struct any_group *any, int16_t *refused) {
    int code = group_try(admin, arena, in, name, &any->group, refused);
    any->shared = !code && *refused;
    if (any->shared) {
        code = share_describe(admin, arena, name, &any->shares, refused);
    }
    if (code || *refused || !any->shared) {
        return code;
    }
    code = share_fetch_offsets(admin, arena, &any->shares);
    if (!code) {
        share_ask_leaders(in, arena, &any->shares);
    }
    return code;
}

int any_group_look(const struct invocation *in, struct admin_client *admin, struct kp_arena *arena,
                   const char *name, struct any_group *any) {
    int16_t refused = 0;
    int code = look_at(in, admin, arena, name, any, &refused);
    if (!code && refused) {
        code = look_at(in, admin, arena, name, any, &refused);
    }
    return !code && refused ? group_refused(admin, arena, name, KAFKA_GROUP_ID_NOT_FOUND) : code;
}
