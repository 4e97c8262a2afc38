/* Members that are not heard of, or do not give back what they have to in time, are fenced: a
 * decision like their leaving. */
#include "broker/coordinator/consumer/consumer_decision.h"

/* The turn in which a member goes. */
struct expiry {
    struct group_turn turn;
    struct shared_bytes *member_id;
    int32_t epoch;     /* of the rebalance that is over */
    bool of_rebalance; /* else of the session */
};

static void expiry_free(struct expiry *expiry) {
    shared_bytes_release(expiry->member_id);
    mem_free(expiry);
}

static void expiry_end(struct expiry *expiry) {
    group_turn_end(&expiry->turn);
    expiry_free(expiry);
}

static void expiry_written(struct group_turn *turn, int16_t error) {
    struct expiry *expiry = CONTAINER_OF(turn, struct expiry, turn);
    struct consumer_group *group = turn->group->consumer;
    struct consumer_member *member =
        group == NULL ? NULL : consumer_member_find(group, shared_string(expiry->member_id));
    /* Not written: it is tried again when another session is over. */
    if (error != 0 && member != NULL && turn->group->table->leading) consumer_session_renew(member);
    expiry_end(expiry);
}

static void expiry_refused(struct group_turn *turn, int16_t error) {
    (void)error;
    expiry_free(CONTAINER_OF(turn, struct expiry, turn));
}

/* Whether it was heard of meanwhile. */
static bool is_over(const struct expiry *expiry, const struct consumer_member *member) {
    if (!expiry->of_rebalance) return !group_timer_is_set(&member->session);
    return member->standing.state == CONSUMER_UNREVOKED && member->standing.epoch == expiry->epoch;
}

static void expiry_run(struct group_turn *turn) {
    struct expiry *expiry = CONTAINER_OF(turn, struct expiry, turn);
    struct consumer_group *group = turn->group->consumer;
    struct consumer_member *member =
        group == NULL ? NULL : consumer_member_find(group, shared_string(expiry->member_id));
    if (member == NULL || !is_over(expiry, member)) {
        expiry_end(expiry);
        return;
    }
    const struct metadata *metadata = turn->group->table->metadata;
    struct group_batch batch;
    group_batch_open(&batch);
    consumer_add_leave(&batch, member);
    consumer_add_regex_leave(&batch, member);
    consumer_add_departure(&batch, group, group->member_count - (member->written ? 1 : 0),
                           metadata == NULL ? group->metadata_hash
                                            : consumer_hash_without(group, metadata, member),
                           env_wall_ms(turn->group->table->env));
    turn->written = expiry_written;
    group_turn_write(turn, &batch);
    group_batch_close(&batch);
}

static void expire(struct consumer_member *member, bool of_rebalance) {
    struct expiry *expiry = mem_zalloc(sizeof *expiry);
    expiry->turn = (struct group_turn){
        .run = expiry_run, .refused = expiry_refused, .unrefused = true};
    expiry->member_id = shared_bytes_take(member->id);
    expiry->epoch = member->standing.epoch;
    expiry->of_rebalance = of_rebalance;
    group_turn_take(member->group->row, &expiry->turn);
}

static void session_due(struct group_timer *timer) {
    expire(CONTAINER_OF(timer, struct consumer_member, session), false);
}

static void rebalance_due(struct group_timer *timer) {
    struct consumer_member *member = CONTAINER_OF(timer, struct consumer_member, rebalance);
    if (member->rebalance_epoch == member->standing.epoch) expire(member, true);
}

void consumer_session_renew(struct consumer_member *member) {
    struct group_table *table = member->group->row->table;
    uint64_t now_ms = env_now_ms(table->env);
    member->session.due = session_due;
    group_timer_set(table->timers, &member->session,
                    now_ms + table->settings->group_consumer_session_timeout_ms);
    if (member->standing.state != CONSUMER_UNREVOKED) {
        group_timer_clear(table->timers, &member->rebalance);
        return;
    }
    if (group_timer_is_set(&member->rebalance) && member->rebalance_epoch == member->standing.epoch)
        return;
    int32_t timeout_ms = member->rebalance_timeout_ms;
    member->rebalance.due = rebalance_due;
    member->rebalance_epoch = member->standing.epoch;
    group_timer_set(table->timers, &member->rebalance,
                    now_ms + (timeout_ms > 0 ? (uint64_t)timeout_ms : 0));
}

void consumer_sessions_begin(struct consumer_group *group) {
    struct consumer_member *member, *next;
    HASH_ITER(hh, group->members, member, next) {
        consumer_session_renew(member);
    }
}

void consumer_sessions_end(struct consumer_group *group) {
    struct group_timers *timers = group->row->table->timers;
    struct consumer_member *member, *next;
    HASH_ITER(hh, group->members, member, next) {
        group_timer_clear(timers, &member->session);
        group_timer_clear(timers, &member->rebalance);
    }
    consumer_work_end(group->assigning);
    consumer_work_end(group->looking);
    group->metadata_version = 0;
    group->looked_ms = 0;
}
