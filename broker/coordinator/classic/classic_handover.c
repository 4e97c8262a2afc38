/*
 * The rebalance behind a rebalance (KIP-429). Who is assigned less than it has gives the rest back
 * and joins again at once; all others would hear of that with their next heartbeat, seconds later,
 * and until then nobody has what was given back.
 *
 * Happy path: where somebody has to give back, the Syncs of the others wait. That one joins, the
 * rebalance begins, and they end with REBALANCE_IN_PROGRESS: all join at once, and work on with
 * what they have meanwhile. Failures: nobody joins within HOLD_MS: they are answered with what they
 * were assigned. Metadata that is no consumer's, or so much of it that to look would take long:
 * nobody waits. Eager members say that they have nothing. Nor does anybody where one speaks a
 * version below REFUSABLE: assignors of that time (Java's before 3.5) take what is owned by one
 * whose Sync was refused for nobody's, and give it to others at once.
 * Invariant: in Stable a Sync is parked only while `handing_over`.
 *
 * Whoever gives back is awaited until it joins, also by the next coordinator: the record says what
 * it has and what it was assigned.
 */
#include "broker/coordinator/classic/classic_internal.h"
#include "protocol/messages/consumer_protocol.h"

enum {
    HOLD_MS = 500,              /* its callbacks and its commit come before it joins */
    TEXT_MOST = 256 * 1024,     /* of all members: to read it takes a millisecond */
    ARENA_MOST = 4 * TEXT_MOST, /* what becomes of that */
    COMPARED_MOST = 100000,
    COMPARED_ALONE = 2000000, /* of one member, once: a millisecond or two */
    REFUSABLE = 3,            /* of ConsumerProtocolSubscription */
};

/* ---- Who gives back ---- */

static bool has_partition(const struct kp_consumer_assignment *assignment, struct kp_string topic,
                          int32_t partition, int64_t *left) {
    for (int32_t t = 0; t < assignment->assigned.count; t++) {
        const struct kp_consumer_protocol_partitions *of = &assignment->assigned.items[t];
        *left -= 1;
        if (!kp_string_equal(of->topic, topic)) continue;
        for (int32_t p = 0; p < of->partitions.count; p++) {
            *left -= 1;
            if (of->partitions.items[p] == partition) return true;
        }
    }
    return false;
}

/* `left`: how much may still be compared; below 0 what is returned means nothing. */
static bool gives_back(const struct kp_consumer_subscription *says,
                       const struct kp_consumer_assignment *assignment, int64_t *left) {
    for (int32_t t = 0; t < says->owned.count; t++) {
        const struct kp_consumer_protocol_partitions *of = &says->owned.items[t];
        for (int32_t p = 0; p < of->partitions.count && *left >= 0; p++)
            if (!has_partition(assignment, of->topic, of->partitions.items[p], left)) return true;
    }
    return false;
}

static bool member_gives_back(const struct classic_member *member, struct kp_arena *arena,
                              int64_t *left) {
    const struct shared_bytes *metadata = classic_member_metadata(member,
                                                                  member->classic->protocol);
    struct kp_consumer_subscription says;
    struct kp_consumer_assignment assignment;
    if (kp_consumer_subscription_read(shared_bytes_view(metadata), arena, &says) != 0) return false;
    if (kp_consumer_assignment_read(shared_bytes_view(member->assignment), arena, &assignment) != 0)
        return false;
    return gives_back(&says, &assignment, left);
}

bool classic_handover_awaits(const struct classic_member *member) {
    int64_t left = COMPARED_ALONE;
    struct kp_arena arena;
    kp_arena_init(&arena, ARENA_MOST);
    bool gives = member_gives_back(member, &arena, &left);
    kp_arena_close(&arena);
    return gives || left < 0;
}

static bool are_refusable(const struct classic_group *classic) {
    for (const struct classic_member *member = classic->members; member != NULL;
         member = member->by_id.next) {
        const struct kp_bytes says = shared_bytes_view(
            classic_member_metadata(member, classic->protocol));
        if (says.len < 2 || (says.data[0] << 8 | says.data[1]) < REFUSABLE) return false;
    }
    return true;
}

static bool is_small(const struct classic_group *classic) {
    int64_t left = TEXT_MOST;
    for (const struct classic_member *member = classic->members; member != NULL && left >= 0;
         member = member->by_id.next)
        left -= 100 + shared_bytes_view(member->assignment).len +
                shared_bytes_view(classic_member_metadata(member, classic->protocol)).len;
    return left >= 0;
}

/* Whether there is one. */
static bool mark(struct classic_group *classic) {
    int64_t left = COMPARED_MOST;
    bool some = false;
    struct kp_arena arena;
    if (!is_small(classic) || !are_refusable(classic)) return false;
    kp_arena_init(&arena, ARENA_MOST);
    for (struct classic_member *member = classic->members; member != NULL;
         member = member->by_id.next) {
        member->gives_back = member_gives_back(member, &arena, &left);
        some |= member->gives_back;
    }
    kp_arena_close(&arena);
    return some && left >= 0;
}

/* ---- The Syncs ---- */

static void hold_over(struct group_timer *timer) {
    struct classic_group *classic = CONTAINER_OF(timer, struct classic_group, hold);
    classic->hold_due = true;
    classic_want_work(classic);
}

void classic_handover_begin(struct classic_group *classic) {
    classic->handing_over = mark(classic);
    if (!classic->handing_over) return;
    classic->hold_due = false;
    classic->hold.due = hold_over;
    group_timer_set(classic_table(classic)->timers, &classic->hold,
                    classic_now_ms(classic) + HOLD_MS);
}

void classic_handover_sync(struct classic_member *member, struct group_sync *sync) {
    if (member->classic->handing_over && !member->gives_back) {
        if (member->sync != sync) classic_park_sync(member, sync);
        return;
    }
    classic_answer_sync(member, sync);
    classic_member_renew(member);
}

void classic_handover_end(struct classic_group *classic, int16_t error) {
    group_timer_clear(classic_table(classic)->timers, &classic->hold);
    classic->hold_due = false;
    if (!classic->handing_over) return;
    classic->handing_over = false;
    for (struct classic_member *member = classic->members; member != NULL;
         member = member->by_id.next) {
        if (member->sync == NULL) continue;
        if (error == KAFKA_NONE)
            classic_answer_sync(member, member->sync);
        else
            classic_fail_sync(member, error);
        classic_member_renew(member);
    }
}
