/*
 * The inside of struct journal, for the files that share it: journal.c (what owners call), journal_writer.c (rounds and
 * generations), journal_room.c (giving files back). Nobody else includes it.
 *
 * A record passes three moments: *recorded* (copied into the gathering round), *placed* (its round got file, offset and
 * sequence, and was applied to `state`), *durable* (the flusher reported). Rounds pass each of them in order.
 */
#ifndef STORAGE_JOURNAL_PARTS_H
#define STORAGE_JOURNAL_PARTS_H

#include "storage/journal.h"
#include "storage/journal_files.h"
#include "storage/journal_round.h"
#include "storage/journal_state.h"

/* The one write that is under way. */
struct journal_write {
    struct env_job job;
    struct journal *journal;
    struct journal_round *round; /* one of the queue, or of copies, or the checkpoint */
    struct env_file *file;
    const uint8_t *data;
    size_t len;
    uint64_t offset;
    uint64_t cut_to; /* cut the file to this size first; 0: do not */
    int error;
    bool busy;
    bool counted; /* a round of the queue: waiters wait for its number */
};

struct journal {
    struct env *env;
    struct log *log;
    struct journal_options options;
    struct journal_files files;
    struct journal_state state; /* of the rounds placed so far */
    struct env_lane *lane;      /* the flusher */

    /* Rounds that have no place yet, in order; the last one gathers. Never empty. */
    struct journal_round *queue, *gathering;
    struct journal_round *spare;
    struct journal_write write;

    /* Where the next round goes. */
    uint64_t salt;
    struct journal_file *file; /* of the present generation, state.generation */
    uint64_t offset, end;      /* in it; `end`: no round is begun that goes beyond */
    uint64_t sequence;         /* of the last round placed */
    uint64_t base;             /* for the next one, see struct journal_round_header */

    /* What is durable. */
    uint64_t durable_number, durable_sequence, durable_mark;
    struct journal_waiter *waiters, **waiters_end; /* in the order of their rounds */
    struct journal_waiter *telling;                /* those that are being told now */

    /* Room; journal_room.c. */
    struct journal_round *copies; /* gathers what is copied forward */
    uint64_t reclaiming;          /* the generation that is being copied forward; 0: none */
    bool owners_turn;             /* a round of theirs was placed since the last reclaiming began */
    uint64_t pressed;             /* the owners of this generation were asked */
    bool disk_full;               /* no further file can be made at present */
    bool stalled;                 /* the next round waits for a file */
    struct env_timer *again;      /* looks again while stalled or disk_full */
    void (*on_pressure)(void *arg, uint64_t group, uint64_t index);
    void *on_pressure_arg;

    struct env_task turn; /* at the end of this turn: start a round, tell waiters, ask owners */
    unsigned inside;      /* callbacks of owners under way */
    bool closing;
    struct journal_stats stats;
};

/* ---- journal_writer.c ---- */

/* Makes the first generation of a new journal, or continues a recovered one with a round that repeats its last. Blocks. */
struct journal_tail;
int journal_writer_begin(struct journal *journal, struct error_text *why);
int journal_writer_continue(struct journal *journal, const struct journal_tail *tail, struct error_text *why);
/* Places and writes the next round, if none is under way and one is due. */
void journal_writer_next(struct journal *journal);
/* Another round gathers from now on. */
void journal_writer_close_round(struct journal *journal);
/* Bytes from which on a round is not added to. */
size_t journal_round_limit(const struct journal *journal);

/* ---- journal_room.c ---- */

/* May the ring take one more file now? If not, journal->stalled is set and the owners are asked. */
bool journal_room_for_file(struct journal *journal);
/* Has a file made ahead if none is free. */
void journal_room_prepare(struct journal *journal);
/* A generation began: chooses what to copy forward, has a file made ahead. */
void journal_room_began(struct journal *journal);
/* Fills journal->copies with what is to be copied forward next; false: nothing is. */
bool journal_room_copy(struct journal *journal);
/* Asks the owners of the oldest generation, if it is time. */
void journal_room_press(struct journal *journal);
void journal_room_again(void *journal);

/* ---- journal.c ---- */

void journal_became_durable(struct journal *journal);
/* Frees it if it is closing and nothing is under way. */
void journal_end_if_closing(struct journal *journal);

#endif
