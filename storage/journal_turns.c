/*
 * The order of events in the journal: which round is next, and who is told when it is durable.
 *
 * Happy path: at the end of a turn in which something wants to be durable the first round of the queue is written, unless a
 * write is under way: then the end of that one starts it. When a round is durable the next one starts first, then waiters
 * are told, in the order in which they asked, and at last the owners of the oldest generation are asked for room.
 * A round that does not fit into the file lets the next generation begin, which is a write of its own; without a free file it
 * waits, and each change of that (journal_room.c) ends in a turn here.
 * Invariants: waiters are told only of what is durable, and never inside a call of an owner.
 */
#include "base/check.h"
#include "storage/journal_parts.h"

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
    *journal->waiters_end = waiter;
    journal->waiters_end = &waiter->next;
    env_defer(journal->env, &journal->turn);
}

uint64_t journal_round(const struct journal *journal) {
    return journal->gathering->number;
}

static bool unlink_waiter(struct journal_waiter **list, const struct journal_waiter *waiter) {
    for (; *list != NULL; list = &(*list)->next) {
        if (*list != waiter) continue;
        *list = waiter->next;
        return true;
    }
    return false;
}

static void find_waiters_end(struct journal *journal) {
    journal->waiters_end = &journal->waiters;
    while (*journal->waiters_end != NULL)
        journal->waiters_end = &(*journal->waiters_end)->next;
}

void journal_wait_cancel(struct journal *journal, struct journal_waiter *waiter) {
    if (unlink_waiter(&journal->waiters, waiter))
        find_waiters_end(journal);
    else
        unlink_waiter(&journal->telling, waiter);
}

/* Those whose round is durable, in order. One that waits again inside is told in a later turn. */
static void tell_waiters(struct journal *journal) {
    CHECK(journal->telling == NULL);
    struct journal_waiter **end = &journal->waiters;
    while (*end != NULL && (*end)->round <= journal->durable_number)
        end = &(*end)->next;
    if (end == &journal->waiters) return;
    journal->telling = journal->waiters;
    journal->waiters = *end;
    *end = NULL;
    if (journal->waiters == NULL) journal->waiters_end = &journal->waiters;
    while (journal->telling != NULL) {
        struct journal_waiter *waiter = journal->telling;
        journal->telling = waiter->next;
        waiter->durable(waiter);
    }
}

/* ---- The next round ---- */

static void go_on(struct journal *journal);

static void begin_generation(struct journal *journal, size_t need) {
    if (!journal_room_for_file(journal)) return;
    journal_writer_next_generation(journal, need, go_on);
    journal_room_began(journal);
}

static bool is_due(const struct journal *journal) {
    return journal->queue != journal->gathering || journal->gathering->wanted;
}

static void next_round(struct journal *journal) {
    if (journal->write.busy || journal->closing) return;
    bool copying = journal_room_copy(journal);
    if (!copying && !is_due(journal)) return;
    struct journal_round *round = copying ? journal->copies : journal->queue;
    if (!journal_writer_fits(journal, round)) {
        begin_generation(journal, journal_round_bytes(round));
        return;
    }
    if (copying) {
        journal->copies = NULL;
    } else {
        if (round == journal->gathering) journal_close_round(journal);
        journal->queue = round->next;
        journal->owners_turn = true;
    }
    journal_writer_write(journal, round, !copying, go_on);
}

/* ---- Turns ---- */

/* A write ended, or a turn. */
static void go_on(struct journal *journal) {
    next_round(journal);
    journal->inside++;
    if (!journal->closing) tell_waiters(journal);
    if (!journal->closing) journal_room_press(journal);
    journal->inside--;
    journal_free_if_unused(journal);
}

void journal_turn_ends(struct env_task *task) {
    go_on((struct journal *)((char *)task - offsetof(struct journal, turn)));
}
