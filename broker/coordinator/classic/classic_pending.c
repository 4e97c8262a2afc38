/*
 * Ids that were told to new members and have not joined (KIP-394): each holds up a rebalance until
 * it does, so it goes with the connection that asked for it, and when that asks for another one.
 */
#include "base/check.h"
#include "base/mutant.h"
#include "broker/coordinator/classic/classic_internal.h"

/* That one connection may have here and not use: each Join looks along them, and all of them go in
 * the turn in which it closes. Clients have one. */
enum { TOLD_MOST = 100 };

/* A connection, and what it was told in all groups of the coordinator. */
struct classic_asker {
    const void *connection;
    uint32_t told;
    struct classic_pending *first;
    UT_hash_handle hh;
};

/* ---- By connection ---- */

static struct classic_asker *asker_find(const struct group_table *table, const void *connection) {
    struct classic_asker *asker;
    unsigned hash = group_hash(table->seed, &connection, sizeof connection);
    HASH_FIND_BYHASHVALUE(hh, table->askers, &connection, sizeof connection, hash, asker);
    return asker;
}

static void asker_add(struct classic_pending *pending, const void *connection) {
    struct group_table *table = classic_table(pending->classic);
    if (connection == NULL) return;
    struct classic_asker *asker = asker_find(table, connection);
    if (asker == NULL) {
        asker = mem_zalloc(sizeof *asker);
        asker->connection = connection;
        unsigned hash = group_hash(table->seed, &connection, sizeof connection);
        HASH_ADD_KEYPTR_BYHASHVALUE(hh, table->askers, &asker->connection, sizeof asker->connection,
                                    hash, asker);
    }
    pending->asker = asker;
    pending->next_told = asker->first;
    if (asker->first != NULL) asker->first->prev_told = pending;
    asker->first = pending;
    asker->told++;
}

static void asker_remove(struct classic_pending *pending) {
    struct group_table *table = classic_table(pending->classic);
    struct classic_asker *asker = pending->asker;
    if (asker == NULL) return;
    *(pending->prev_told != NULL ? &pending->prev_told->next_told
                                 : &asker->first) = pending->next_told;
    if (pending->next_told != NULL) pending->next_told->prev_told = pending->prev_told;
    asker->told--;
    if (asker->first != NULL) return;
    HASH_DEL(table->askers, asker);
    mem_free(asker);
}

bool classic_asker_has_enough(const struct group_table *table, const void *connection) {
    const struct classic_asker *asker = asker_find(table, connection);
    return asker != NULL && asker->told >= TOLD_MOST;
}

/* ---- Ids ---- */

struct classic_pending *classic_pending_find(const struct classic_group *classic,
                                             struct kp_string id) {
    struct classic_pending *pending = NULL;
    if (id.len <= 0) return NULL;
    if (MUTANT(MUTANT_PENDING_FORGOTTEN) && classic->state == CLASSIC_PREPARING) return NULL;
    HASH_FIND_BYHASHVALUE(hh, classic->pending, id.data, (unsigned)id.len,
                          classic_hash(classic, id), pending);
    return pending;
}

static void pending_over(struct group_timer *timer) {
    struct classic_pending *pending = CONTAINER_OF(timer, struct classic_pending, session);
    struct classic_group *classic = pending->classic;
    pending->overdue = true;
    pending->next_overdue = classic->overdue_pending;
    classic->overdue_pending = pending;
    classic_want_work(classic);
}

static void overdue_unlink(struct classic_group *classic, const struct classic_pending *pending) {
    struct classic_pending **at = &classic->overdue_pending;
    while (*at != NULL && *at != pending)
        at = &(*at)->next_overdue;
    if (*at != NULL) *at = pending->next_overdue;
}

static void forget_earlier(const struct classic_group *classic, const void *connection) {
    struct classic_asker *asker = asker_find(classic_table(classic), connection);
    struct classic_pending *next, *pending = asker == NULL ? NULL : asker->first;
    for (; pending != NULL; pending = next) {
        next = pending->next_told;
        if (pending->classic == classic) classic_pending_remove(pending);
    }
}

void classic_pending_add(struct classic_group *classic, struct shared_bytes *id,
                         const struct group_join *join) {
    struct classic_pending *pending = mem_zalloc(sizeof *pending);
    struct kp_string text = shared_string(id);
    forget_earlier(classic, join->asker);
    pending->classic = classic;
    pending->id = id;
    pending->session.due = pending_over;
    HASH_ADD_KEYPTR_BYHASHVALUE(hh, classic->pending, text.data, (unsigned)text.len,
                                classic_hash(classic, text), pending);
    asker_add(pending, join->asker);
    group_charge(classic->group, sizeof *pending + (size_t)text.len);
    group_timer_set(classic_table(classic)->timers, &pending->session,
                    classic_now_ms(classic) + (uint64_t)join->session_timeout_ms);
}

void classic_pending_remove(struct classic_pending *pending) {
    struct classic_group *classic = pending->classic;
    size_t bytes = sizeof *pending + (size_t)shared_string(pending->id).len;
    group_timer_clear(classic_table(classic)->timers, &pending->session);
    if (pending->overdue) overdue_unlink(classic, pending);
    HASH_DEL(classic->pending, pending);
    asker_remove(pending);
    group_release(classic->group, bytes);
    shared_bytes_release(pending->id);
    mem_free(pending);
}

/* In a turn of each group, as when their time is over. */
void classic_forget_asker(struct group_table *table, const void *connection) {
    const struct classic_asker *asker = asker_find(table, connection);
    if (asker == NULL) return;
    for (struct classic_pending *pending = asker->first; pending != NULL;
         pending = pending->next_told)
        if (!pending->overdue)
            group_timer_set(table->timers, &pending->session, env_now_ms(table->env));
}
