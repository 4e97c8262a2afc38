/* The table of groups, and their turns: a fair queue of those who change a group alone and those
 * who share it. */
#include "broker/coordinator/group/group.h"

#include "base/check.h"
#include "base/container_of.h"
#include "base/mutant.h"
#include "broker/coordinator/group/group_batch.h"
#include "broker/coordinator/group/group_history.h"
#include "broker/coordinator/group/walk_place.h"
#include "protocol/kafka_error.h"

/* ---- Rows ---- */

void group_table_init(struct group_table *table, struct env *env,
                      const struct broker_settings *settings, struct coordinator_log *log,
                      struct group_memory *memory) {
    *table = (struct group_table){.env = env, .settings = settings, .log = log, .memory = memory};
    table->seed = env_random_u64(env);
    table->timers = group_timers_new(env);
    table->shared = shared_pool_new(env_random_u64(env));
}

void group_table_close(struct group_table *table) {
    CHECK(table->groups == NULL);
    while (table->cursors != NULL)
        group_cursor_close(table->cursors);
    group_timers_free(table->timers);
    shared_pool_free(table->shared);
}

struct group *group_find(const struct group_table *table, struct kp_string id) {
    struct group *group;
    unsigned hash = group_hash(table->seed, id.data, (size_t)id.len);
    HASH_FIND_BYHASHVALUE(hh, table->groups, id.data, (unsigned)id.len, hash, group);
    return group;
}

bool group_id_fits(const struct group_table *table, struct kp_string id) {
    return id.len <= table->settings->group_id_max_bytes;
}

static size_t row_bytes(struct kp_string id) {
    return sizeof(struct group) + (size_t)id.len;
}

struct group *group_make(struct group_table *table, struct kp_string id) {
    struct group *group = group_find(table, id);
    if (group != NULL) return group;
    group = mem_zalloc(sizeof *group);
    group->table = table;
    group->id = (struct kp_string){.data = mem_text(id.data, (size_t)id.len), .len = id.len};
    unsigned hash = group_hash(table->seed, id.data, (size_t)id.len);
    HASH_ADD_KEYPTR_BYHASHVALUE(hh, table->groups, group->id.data, (unsigned)id.len, hash, group);
    group_charge(group, row_bytes(id));
    return group;
}

void group_settle(struct group *group) {
    if (group->record != NULL || group->consumer != NULL || group->offsets != NULL) return;
    if (group->pending != NULL || group->share != NULL) return;
    if (group->classic != NULL || group->first != NULL) return;
    if (group->alone || group->sharing > 0 || group->running || group->in_doubt) return;
    struct group *next = group->hh.next;
    walk_pass_on(&group->place, next, next == NULL ? NULL : &next->place);
    group_history_drop(group);
    HASH_DEL(group->table->groups, group);
    group_release(group, row_bytes(group->id));
    group_pay_end(group);
    mem_free((void *)group->id.data);
    mem_free(group);
}

size_t group_count(const struct group_table *table) {
    return HASH_COUNT(table->groups);
}

static void stand_at(struct group_cursor *cursor, struct group *group) {
    walk_stand(&cursor->at, group, group == NULL ? NULL : &group->place);
}

void group_cursor_open(struct group_cursor *cursor, struct group_table *table) {
    *cursor = (struct group_cursor){.table = table, .next = table->cursors};
    stand_at(cursor, table->groups);
    if (table->cursors != NULL) table->cursors->prev = cursor;
    table->cursors = cursor;
}

struct group *group_cursor_next(struct group_cursor *cursor) {
    struct group *group = walk_at(&cursor->at);
    if (group == NULL) return NULL;
    walk_leave(&cursor->at);
    stand_at(cursor, group->hh.next);
    return group;
}

void group_cursor_close(struct group_cursor *cursor) {
    if (cursor->table == NULL) return;
    walk_leave(&cursor->at);
    *(cursor->prev != NULL ? &cursor->prev->next : &cursor->table->cursors) = cursor->next;
    if (cursor->next != NULL) cursor->next->prev = cursor->prev;
    *cursor = (struct group_cursor){.table = NULL};
}

enum group_kind group_kind_of(const struct group *group) {
    if (group->consumer != NULL) return GROUP_CONSUMER;
    if (group->share != NULL) return GROUP_SHARE;
    if (group->record != NULL) return GROUP_CLASSIC;
    return group->offsets != NULL || group->pending != NULL ? GROUP_SIMPLE : GROUP_UNKNOWN;
}

bool group_is_unknown(const struct group *group) {
    if (group == NULL) return true;
    return group_kind_of(group) == GROUP_UNKNOWN && group->classic == NULL;
}

/* ---- Turns ---- */

enum { WAITING_FOR_EACH = 4, WAITING_LEAST = 16 };

static void waiting_append(struct group *group, struct group_turn *turn) {
    turn->waiting = true;
    turn->next = NULL;
    turn->prev = group->last;
    *(group->last != NULL ? &group->last->next : &group->first) = turn;
    group->last = turn;
    group->waiting++;
}

static void waiting_remove(struct group *group, struct group_turn *turn) {
    turn->waiting = false;
    *(turn->prev != NULL ? &turn->prev->next : &group->first) = turn->next;
    *(turn->next != NULL ? &turn->next->prev : &group->last) = turn->prev;
    turn->next = turn->prev = NULL;
    group->waiting--;
}

static bool may_run(const struct group *group, const struct group_turn *turn) {
    if (MUTANT(MUTANT_COMMIT_OVERTAKES) && turn->shares) return true;
    return !group->alone && !group->in_doubt && (turn->shares || group->sharing == 0);
}

static void turn_begin(struct group *group, struct group_turn *turn) {
    turn->runs = true;
    if (turn->shares)
        group->sharing++;
    else
        group->alone = true;
    turn->run(turn);
}

/* What has come since is not to wait for as long as the log stands still. */
static void refuse_in_doubt(struct group *group) {
    struct group_turn *turn, *next;
    for (turn = group->first; turn != NULL && group->in_doubt; turn = next) {
        next = turn->next;
        if (turn->unrefused) continue;
        waiting_remove(group, turn);
        turn->refused(turn, KAFKA_COORDINATOR_NOT_AVAILABLE);
    }
}

/* The first of those that wait, as long as it may run. A turn that ends inside comes back here, so
 * it is a loop and not a recursion. */
static void run_waiting(struct group *group) {
    if (group->running) return;
    group->running = true;
    refuse_in_doubt(group);
    while (group->first != NULL && may_run(group, group->first)) {
        struct group_turn *turn = group->first;
        waiting_remove(group, turn);
        if (group->table->leading)
            turn_begin(group, turn);
        else
            turn->refused(turn, KAFKA_NOT_COORDINATOR);
    }
    group->running = false;
    group_settle(group);
}

static bool too_many_wait(const struct group *group) {
    return group->waiting >= WAITING_FOR_EACH * (uint64_t)group->members + WAITING_LEAST;
}

void group_turn_take(struct group *group, struct group_turn *turn) {
    CHECK(!turn->waiting && !turn->runs);
    turn->group = group;
    if (!group->table->leading || (too_many_wait(group) && !turn->unrefused)) {
        turn->refused(turn, group->table->leading ? KAFKA_COORDINATOR_NOT_AVAILABLE
                                                  : KAFKA_NOT_COORDINATOR);
        group_settle(group);
        return;
    }
    waiting_append(group, turn);
    run_waiting(group);
}

/* Before `lost` comes, others that wait must not write to a log that does not take it. */
static void turn_written(struct coordinator_write *write, int16_t error) {
    struct group_turn *turn = CONTAINER_OF(write, struct group_turn, write);
    struct group *group = turn->group;
    group_release(group, turn->under_way);
    if (error == KAFKA_NOT_COORDINATOR) group->table->leading = false;
    if (error == KAFKA_COORDINATOR_NOT_AVAILABLE && coordinator_log_in_doubt(group->table->log))
        group->in_doubt = true;
    turn->written(turn, error);
}

void group_turn_write(struct group_turn *turn, const struct group_batch *batch) {
    CHECK(turn->runs);
    turn->write.done = turn_written;
    /* It will be kept: else whatever is decided while the log is slow would find room. */
    turn->under_way = batch->bytes;
    group_charge(turn->group, turn->under_way);
    coordinator_log_write(turn->group->table->log, batch->records, batch->count, &turn->write);
}

void group_turn_end(struct group_turn *turn) {
    CHECK(turn->runs);
    struct group *group = turn->group;
    turn->runs = false;
    if (turn->shares)
        group->sharing--;
    else
        group->alone = false;
    run_waiting(group);
}

bool group_turn_cancel(struct group_turn *turn) {
    if (!turn->waiting) return false;
    struct group *group = turn->group;
    waiting_remove(group, turn);
    run_waiting(group); /* those behind it may share with what runs */
    return true;
}

void group_table_settled(struct group_table *table) {
    /* The compiler does not see that the table lets go of it. */
    struct group_cursor *cursor = mem_alloc(sizeof *cursor);
    struct group *group;
    group_cursor_open(cursor, table);
    while ((group = group_cursor_next(cursor)) != NULL) {
        if (!group->in_doubt) continue;
        group->in_doubt = false;
        run_waiting(group);
    }
    group_cursor_close(cursor);
    mem_free(cursor);
}

void group_turns_refuse(struct group *group, int16_t error) {
    CHECK(!group->alone && group->sharing == 0);
    group->in_doubt = false;
    while (group->first != NULL) {
        struct group_turn *turn = group->first;
        waiting_remove(group, turn);
        turn->refused(turn, error);
    }
}
