/*
 * The ground floor of the journal: struct journal is made and freed, and the rounds in memory come
 * and go.
 *
 * Happy path: one round gathers; it is closed and waits in the queue behind those before it; when
 * it is written its buffer is kept for the next one. Failures: none. Invariants: the queue is never
 * empty, its last round gathers; the journal is not freed while a write, a file that is being made,
 * or a callback of an owner is under way.
 */
#include "storage/journal/journal_internal.h"

#include "base/mem.h"

enum {
    SMALLEST_FILE = 32 * 1024,
    ROUND_LIMIT_MAX = 4 << 20,
    ROUNDS_IN_FILE = 8,       /* at least: a round is closed at this part of a file */
    KEEP_BUFFER = 256 * 1024, /* bytes of a buffer that stay in any case */
    SHRINK_BELOW = 4,         /* a buffer goes when a round used less than this part of it */
};

void journal_waiters_init(struct journal_waiters *waiters) {
    waiters->first = NULL;
    waiters->end = &waiters->first;
}

struct journal *journal_new(struct env *env, struct log *log,
                            const struct journal_options *options) {
    struct journal *journal = mem_zalloc(sizeof *journal);
    journal->env = env;
    journal->log = log;
    journal->options = *options;
    uint64_t *file_bytes = &journal->options.file_bytes, *max_bytes = &journal->options.max_bytes;
    *file_bytes = (*file_bytes + JOURNAL_BLOCK - 1) / JOURNAL_BLOCK * JOURNAL_BLOCK;
    uint64_t most = *max_bytes / JOURNAL_FILES_AT_LEAST / JOURNAL_BLOCK * JOURNAL_BLOCK;
    if (*file_bytes > most) *file_bytes = most;
    if (*file_bytes < SMALLEST_FILE) *file_bytes = SMALLEST_FILE;
    if (*max_bytes < JOURNAL_FILES_AT_LEAST * *file_bytes)
        *max_bytes = JOURNAL_FILES_AT_LEAST * *file_bytes;
    journal->limit = *max_bytes;
    journal_state_init(&journal->state);
    journal->queue = journal->gathering = journal_round_new();
    journal->gathering->number = 1;
    journal_waiters_init(&journal->waiters);
    journal_waiters_init(&journal->telling);
    return journal;
}

void journal_free(struct journal *journal) {
    while (journal->queue != NULL) {
        struct journal_round *round = journal->queue;
        journal->queue = round->next;
        journal_round_free(round);
    }
    journal_round_free(journal->spare);
    journal_round_free(journal->copies);
    journal_state_close(&journal->state);
    journal_files_close(&journal->files);
    env_timer_free(journal->again);
    env_timer_free(journal->write_again);
    env_lane_free(journal->lane);
    mem_free(journal);
}

void journal_free_if_unused(struct journal *journal) {
    if (!journal->closing || journal->inside > 0) return;
    if (!journal->write.busy && journal->files.making == NULL) journal_free(journal);
}

/* ---- Rounds in memory ---- */

size_t journal_round_limit(const struct journal *journal) {
    uint64_t limit = journal->options.file_bytes / ROUNDS_IN_FILE;
    return limit < ROUND_LIMIT_MAX ? (size_t)limit : ROUND_LIMIT_MAX;
}

void journal_close_round(struct journal *journal) {
    struct journal_round *next = journal->spare != NULL ? journal->spare : journal_round_new();
    journal->spare = NULL;
    next->number = journal->gathering->number + 1;
    journal->gathering->next = next;
    journal->gathering = next;
}

void journal_recycle_round(struct journal *journal, struct journal_round *round) {
    if (journal->spare != NULL) {
        journal_round_free(round);
        return;
    }
    size_t keep = SHRINK_BELOW * round->len;
    journal_round_reset(round, keep > KEEP_BUFFER ? keep : KEEP_BUFFER);
    journal->spare = round;
}
