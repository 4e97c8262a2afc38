/*
 * The order of events in the journal: which round is next, and who is told when it is durable.
 *
 * Happy path: at the end of a turn in which something wants to be durable the first round of the
 * queue is written, unless a write is under way: then the end of that one starts it. When a round
 * is durable the next one starts first, then waiters are told, in the order in which they asked,
 * and at last the owners of the oldest generation are asked for room. A round that does not fit
 * into the file lets the next generation begin, which is a write of its own; without room it waits,
 * and each change of that (journal_reclaim.c) ends in a turn here. Progress overtakes rounds that
 * wait for the room that it gives.
 * Invariants: waiters are told only of what is durable, and never inside a call of an owner.
 */
#include "base/check.h"
#include "base/container_of.h"
#include "storage/journal/journal_internal.h"

/* ---- Waiting ---- */

void journal_wait(struct journal *journal, struct journal_waiter *waiter) {
    CHECK(!journal->closing);
    struct journal_round *gathering = journal->gathering;
    waiter->round = gathering->number - 1;
    if (!journal_round_is_empty(gathering)) {
        waiter->round = gathering->number;
        gathering->wanted = true;
    }
    waiter->next = NULL;
    *journal->waiters.end = waiter;
    journal->waiters.end = &waiter->next;
    env_defer(journal->env, &journal->turn);
}

uint64_t journal_round(const struct journal *journal) {
    return journal->gathering->number;
}

static bool unlink_waiter(struct journal_waiters *waiters, const struct journal_waiter *waiter) {
    for (struct journal_waiter **at = &waiters->first; *at != NULL; at = &(*at)->next) {
        if (*at != waiter) continue;
        *at = waiter->next;
        if (*at == NULL) waiters->end = at;
        return true;
    }
    return false;
}

void journal_wait_cancel(struct journal *journal, struct journal_waiter *waiter) {
    if (!unlink_waiter(&journal->waiters, waiter)) unlink_waiter(&journal->telling, waiter);
}

/* Those whose round is durable go behind those that are being told. */
static void find_told(struct journal *journal) {
    struct journal_waiter **end = &journal->waiters.first;
    while (*end != NULL && (*end)->round <= journal->durable_number)
        end = &(*end)->next;
    if (end == &journal->waiters.first) return;
    struct journal_waiter *rest = *end;
    *journal->telling.end = journal->waiters.first;
    journal->telling.end = end;
    *end = NULL;
    journal->waiters.first = rest;
    if (rest == NULL) journal->waiters.end = &journal->waiters.first;
}

/* In order. A round may hold something of thousands of groups: some in this turn, the rest in later
 * ones. One that waits again inside is told in a later turn. */
static void tell_waiters(struct journal *journal) {
    find_told(journal);
    while (journal->telling.first != NULL) {
        struct journal_waiter *waiter = journal->telling.first;
        journal->telling.first = waiter->next;
        if (waiter->next == NULL) journal->telling.end = &journal->telling.first;
        waiter->durable(waiter);
        if (journal->telling.first == NULL || !env_turn_is_long(journal->env)) continue;
        env_yield_first(journal->env, &journal->tell);
        return;
    }
}

void journal_tells_on(struct env_task *task) {
    struct journal *journal = CONTAINER_OF(task, struct journal, tell);
    journal->inside++;
    tell_waiters(journal);
    journal->inside--;
    journal_free_if_unused(journal);
}

/* ---- The next round ---- */

static void go_on(struct journal *journal);

static bool is_due(const struct journal *journal) {
    return journal->queue != journal->gathering || journal->gathering->wanted;
}

/* Writes the round, or what it needs before it: the beginning of the next generation. *placed: it
 * was the round; false: there is no room. */
static bool write(struct journal *journal, struct journal_round *round,
                  enum journal_purpose purpose, bool *placed) {
    size_t bytes = journal_round_bytes(round);
    *placed = false;
    switch (journal_room_for(journal, bytes, purpose)) {
    case JOURNAL_ROOM_LATER: return false;
    case JOURNAL_ROOM_NEXT:
        journal_writer_next_generation(journal, bytes, go_on);
        journal_room_began(journal);
        return true;
    case JOURNAL_ROOM_HERE: break;
    }
    *placed = true;
    if (round == journal->gathering) journal_close_round(journal);
    if (purpose == JOURNAL_FOR_OWNERS) journal->queue = round->next;
    journal_writer_write(journal, round, purpose == JOURNAL_FOR_OWNERS, go_on);
    return true;
}

static bool write_copies(struct journal *journal) {
    bool placed;
    if (!journal_room_copy(journal)) return false;
    if (!write(journal, journal->copies, JOURNAL_FOR_COPIES, &placed)) return false;
    if (placed) journal->copies = NULL;
    return true;
}

static bool write_next(struct journal *journal) {
    bool placed;
    if (!is_due(journal) || !write(journal, journal->queue, JOURNAL_FOR_OWNERS, &placed))
        return false;
    if (placed) journal->owners_turn = true;
    /* It was small enough for what is left of the file, and may void what they would bring back. */
    if (placed) journal_room_forget_copies(journal);
    return true;
}

static void write_progress(struct journal *journal) {
    bool placed = false;
    struct journal_round *round = journal_room_progress(journal);
    if (round != NULL) write(journal, round, JOURNAL_FOR_PROGRESS, &placed);
    if (!placed) journal_round_free(round);
}

/* What gives room back goes first; progress as a part of the next round, unless that one waits for
 * room. */
static void next_round(struct journal *journal) {
    if (journal->write.busy || journal->closing) return;
    if (!write_copies(journal) && !write_next(journal)) write_progress(journal);
}

/* ---- Turns ---- */

/* A write ended, or a turn. */
static void go_on(struct journal *journal) {
    next_round(journal);
    if (!journal->closing) journal_room_prepare(journal);
    journal->inside++;
    if (!journal->closing) tell_waiters(journal);
    if (!journal->closing) journal_room_press(journal);
    journal->inside--;
    journal_free_if_unused(journal);
}

void journal_turn_ends(struct env_task *task) {
    go_on(CONTAINER_OF(task, struct journal, turn));
}
