/*
 * The life of a group on the leader: read from its record, driven by calls and by time, dropped
 * when nothing is left or the lead is lost.
 *
 * What is due (a session, an id that was told, the time of a state) is done in a turn of the
 * group's own, so that it never meets a decision that is being written.
 */
#include "base/check.h"
#include "base/mutant.h"
#include "broker/coordinator/classic/classic_internal.h"
#include "broker/coordinator/group/group_batch.h"

enum { READ_MOST = 256 << 20 };

static void work_run(struct group_turn *turn);
static void work_written(struct group_turn *turn, int16_t error);

/* ---- Beginning and end ---- */

static void timer_over(struct group_timer *timer) {
    struct classic_group *classic = CONTAINER_OF(timer, struct classic_group, timer);
    classic->timer_due = true;
    classic_want_work(classic);
}

/* Its members had their session from when we began to lead, or when the record came, on. */
static void read_members(struct classic_group *classic, const struct classic_record *record,
                         const struct kp_classic_group_value *value) {
    struct group_table *table = classic_table(classic);
    for (int32_t i = 0; i < value->members.count; i++) {
        const struct kp_classic_group_member *from = &value->members.items[i];
        if (classic_member_find(classic, from->member_id) != NULL) continue;
        struct classic_member *member = classic_member_add(
            classic, shared_string_of(NULL, from->member_id), from->group_instance_id);
        classic_member_read(member, classic->protocol, from);
        group_timer_set(table->timers, &member->session,
                        record->since_ms + (uint64_t)member->session_timeout_ms);
    }
    struct classic_member *leader = classic_member_find(classic, value->leader);
    if (leader != NULL) classic->leader = leader;
}

static void read_record(struct classic_group *classic, struct classic_record *record) {
    struct kp_arena arena;
    struct kp_classic_group_value value;
    kp_arena_init(&arena, READ_MOST);
    classic_record_read(record, &arena, &value);
    struct shared_pool *shared = classic_table(classic)->shared;
    classic->generation = value.generation;
    classic->type = shared_bytes_take(record->type);
    if (record->member_count > 0 && !MUTANT(MUTANT_RECORD_MEMBERS_LOST)) {
        classic->protocol = shared_string_of(shared, value.protocol);
        if (classic->protocol == NULL) classic->protocol = shared_bytes_of(shared, "", 0);
        classic->state = CLASSIC_STABLE;
        read_members(classic, record, &value);
    }
    kp_arena_close(&arena);
    group_timer_clear(classic_table(classic)->timers, &record->wake);
    if (record->unled) classic_prepare(classic);
}

struct classic_group *classic_live(struct group *group) {
    if (group->classic != NULL) return group->classic;
    CHECK(group->table->leading);
    struct classic_group *classic = mem_zalloc(sizeof *classic);
    classic->group = group;
    classic->timer.due = timer_over;
    classic->work_run = work_run;
    classic->work_written = work_written;
    group->classic = classic;
    group->members = 0;
    group_charge(group, sizeof *classic);
    if (group->record != NULL) read_record(classic, group->record);
    return classic;
}

static void live_free(struct classic_group *classic) {
    struct group *group = classic->group;
    CHECK(classic->members == NULL && classic->pending == NULL && classic->names == NULL);
    if (classic_is_rebalancing(classic->state)) group->table->rebalancing--;
    classic_timer_clear(classic);
    group_timer_clear(group->table->timers, &classic->hold);
    shared_bytes_release(classic->type);
    shared_bytes_release(classic->protocol);
    group_release(group, sizeof *classic);
    mem_free(classic);
    group->classic = NULL;
    group->members = 0;
}

void classic_settle(struct group *group) {
    struct classic_group *classic = group->classic;
    if (classic == NULL || classic->state != CLASSIC_EMPTY || classic->work != NULL) return;
    if (classic->members == NULL && classic->pending == NULL) live_free(classic);
}

void classic_turn_end(struct group *group, struct group_turn *turn) {
    if (group->classic != NULL && group->classic->emptying) classic_want_work(group->classic);
    classic_settle(group);
    group_turn_end(turn);
}

/* ---- What is due ---- */

static void overdue_gone(struct classic_group *classic) {
    while (classic->overdue != NULL) {
        struct classic_member *member = classic->overdue;
        classic_fail_join(member, KAFKA_UNKNOWN_MEMBER_ID);
        classic_member_note(member, KP_GROUP_EXPIRED);
        classic_member_remove(member);
        classic_changed(classic);
    }
    while (classic->overdue_pending != NULL) {
        classic_pending_remove(classic->overdue_pending);
        classic_maybe_complete(classic);
    }
}

static void work_end(struct classic_work *work) {
    struct group *group = work->group;
    group->classic->work = NULL;
    classic_turn_end(group, &work->turn);
    mem_free(work);
}

static void work_run(struct group_turn *turn) {
    struct classic_work *work = (struct classic_work *)turn;
    struct classic_group *classic = work->group->classic;
    overdue_gone(classic);
    if (classic->timer_due) {
        classic->timer_due = false;
        classic_time_over(classic);
    }
    if (classic->hold_due) classic_handover_end(classic, KAFKA_NONE);
    if (!classic_write_empty(classic, turn)) work_end(work);
}

static void work_written(struct group_turn *turn, int16_t error) {
    struct classic_work *work = (struct classic_work *)turn;
    classic_emptied(work->group, error);
    work_end(work);
}

void classic_drop(struct group *group, int16_t error) {
    struct classic_group *classic = group->classic;
    if (group->record != NULL) group_timer_clear(group->table->timers, &group->record->wake);
    if (classic == NULL) return;
    CHECK(classic->leader_sync == NULL);
    classic_work_cancel(classic);
    struct classic_member *member, *next_member;
    HASH_ITER(by_id, classic->members, member, next_member) {
        classic_fail_join(member, error);
        classic_fail_sync(member, error);
        classic_member_remove(member);
    }
    struct classic_pending *pending, *next_pending;
    HASH_ITER(hh, classic->pending, pending, next_pending)
    classic_pending_remove(pending);
    live_free(classic);
}

/* ---- Nobody is left ---- */

bool classic_write_empty(struct classic_group *classic, struct group_turn *turn) {
    if (!classic->emptying) return false;
    struct group *group = classic->group;
    if (group->record == NULL) { /* nobody has heard of it: no member was ever written */
        classic_emptied(group, KAFKA_NONE);
        return false;
    }
    struct kp_classic_group_value value;
    struct group_batch batch;
    kp_set_fallbacks(&kp_classic_group_value_schema, &value);
    value.protocol_type = shared_string(classic->type);
    value.generation = classic_next_generation(classic);
    value.state_time_ms = env_wall_ms(classic_table(classic)->env);
    group_batch_open(&batch);
    classic_record_add(group, &value, &batch);
    group_turn_write(turn, &batch);
    group_batch_close(&batch);
    return true;
}

/* A record that failed may yet commit: the log must not say two things of one generation. */
void classic_emptied(struct group *group, int16_t error) {
    struct classic_group *classic = group->classic;
    classic->emptying = false;
    classic->generation = classic_next_generation(classic);
    if (error != KAFKA_NONE) {
        classic_timer_set(classic, CLASSIC_RETRY_MS);
        return;
    }
    classic_timer_clear(classic);
    shared_bytes_release(classic->protocol);
    classic->protocol = NULL;
    classic->initial = false;
    classic_move(classic, CLASSIC_EMPTY);
}

/* ---- The coordinator ---- */

/* Its calls were refused meanwhile, or waited: nobody is late. */
static void settle_doubt(struct classic_group *classic) {
    struct classic_member *member, *next;
    HASH_ITER(by_id, classic->members, member, next)
    classic_member_renew(member);
    classic_time_anew(classic);
}

void classic_settled(struct group_table *table) {
    for (const struct group *group = table->groups; group != NULL; group = group->hh.next)
        if (group->in_doubt && group->classic != NULL) settle_doubt(group->classic);
}

static void wake(struct group_timer *timer) {
    struct classic_record *record = CONTAINER_OF(timer, struct classic_record, wake);
    classic_live(record->group);
}

void classic_leading(struct group *group) {
    struct classic_record *record = group->record;
    if (record == NULL || record->member_count == 0) return;
    record->since_ms = env_now_ms(group->table->env);
    record->wake.due = wake;
    group_timer_set(group->table->timers, &record->wake,
                    record->since_ms +
                        (record->unled ? 0 : group->table->settings->group_min_session_timeout_ms));
}

void classic_apply(struct group_table *table, const struct coordinator_record *record) {
    struct group *group = classic_record_apply(table, record);
    /* A decision whose end we did not see, of a group in which nothing lives. */
    if (group != NULL && table->leading && group->classic == NULL) classic_leading(group);
}
