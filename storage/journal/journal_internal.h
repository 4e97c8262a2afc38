/*
 * The inside of struct journal, for the files that share it. Nobody else includes it.
 *
 * A record passes three moments: *recorded* (copied into the gathering round), *placed* (its round
 * got file, offset and sequence, and was applied to `state`), *durable* (the flusher reported).
 * Rounds pass each of them in order.
 *
 * The floors; a file uses those above it in this list, and none below. Under them stand what knows
 * nothing of struct journal: the bytes (journal_format), a round (journal_round), the files
 * (journal_files), the groups (journal_state), recovery. journal_internal.c      the struct is made
 * and freed; rounds in memory journal_writer.c     a round gets its place and is written;
 * generations journal_reclaim.c       when a file is made or waited for; what empties the oldest
 * one journal_schedule.c      which round is next, who is told when it is durable journal.c what
 * owners call
 */
#ifndef STORAGE_JOURNAL_JOURNAL_INTERNAL_H
#define STORAGE_JOURNAL_JOURNAL_INTERNAL_H

#include "storage/journal/journal.h"
#include "storage/journal/journal_files.h"
#include "storage/journal/journal_round.h"
#include "storage/journal/journal_state.h"
#include "storage/log_types.h"

enum { JOURNAL_FILES_AT_LEAST = 8 };

/* What is written: it says how much room it may take from what is written later
 * (journal_reclaim.c). */
enum journal_purpose { JOURNAL_FOR_OWNERS, JOURNAL_FOR_COPIES, JOURNAL_FOR_PROGRESS };
/* Where a round may be written now: LATER is followed by a turn when that may have changed. */
enum journal_room { JOURNAL_ROOM_HERE, JOURNAL_ROOM_NEXT, JOURNAL_ROOM_LATER };

/* A group that kept the oldest generation when that was last asked; 0: none. */
struct journal_keeper {
    uint64_t generation, group;
};

/* The one write that is under way. */
struct journal_write {
    struct env_job job;
    struct journal *journal;
    struct env *env;
    struct journal_round *round; /* one of the queue, or of copies, or the checkpoint */
    struct env_file *file;
    const uint8_t *data;
    size_t len;
    uint64_t offset;
    uint64_t began_us,
        took_us;     /* since when it is under way; the last try alone, written with it */
    uint64_t cut_to; /* cut the file to this size first; 0: do not */
    int error;
    bool busy;
    bool no_room, waits; /* it found none; waits: between two tries */
    bool counted;        /* a round of the queue: waiters wait for its number */
    void (*written)(struct journal *journal); /* the round is durable */
};

struct journal_waiters {
    struct journal_waiter *first, **end;
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
    uint64_t salt, run;
    struct journal_file *file; /* of the present generation, state.generation */
    uint64_t offset, end;      /* in it; `end`: no round is begun that goes beyond */
    uint64_t too_large; /* so many bytes the file is larger than files are, because a round is */
    uint64_t sequence;  /* of the last round placed */
    uint64_t base;      /* for the next one, see struct journal_round_header */

    /* What is durable. */
    uint64_t durable_number, durable_mark;
    uint64_t durable_sequence;               /* of the last binding round */
    struct journal_waiters waiters, telling; /* in the order of their rounds; those that are told,
                                                over several turns when they are many */

    /* Room; journal_reclaim.c. */
    struct journal_round *copies; /* gathers what is copied forward */
    uint64_t reclaiming;          /* the generation that is being copied forward; 0: none */
    uint64_t limit;   /* options.max_bytes, or more while what was recovered needs more */
    bool owners_turn; /* a round of theirs was placed, or they waited for long, since the last
                         reclaiming began */
    /* Of the oldest generation; [1]: that cannot be copied either. */
    struct journal_keeper keepers[2];
    uint64_t pressed; /* the owners of this generation were asked */
    bool disk_full;   /* no further file can be made at present */
    bool stalled;     /* the next round of the owners waits for room */
    struct log_limiter full[2];
    struct env_timer *again;       /* looks again while stalled or disk_full */
    struct env_timer *write_again; /* the write finds no room, and is tried again */
    struct log_limiter no_room;
    void (*on_pressure)(void *arg, uint64_t group, log_index index);
    void *on_pressure_arg;

    struct env_task turn; /* at the end of this turn: start a round, tell waiters, ask owners */
    struct env_task tell; /* the waiters for whom a turn had no time */
    unsigned inside;      /* callbacks of owners under way */
    bool closing;
    struct journal_stats stats;
};

/* ---- journal_internal.c ---- */

/* With one round that gathers; neither files nor lane. */
struct journal *journal_new(struct env *env, struct log *log,
                            const struct journal_options *options);
void journal_free(struct journal *journal);
void journal_waiters_init(struct journal_waiters *waiters);
/* Frees it if it is closing and nothing is under way. */
void journal_free_if_unused(struct journal *journal);
/* Bytes from which on a round is not added to. */
size_t journal_round_limit(const struct journal *journal);
/* Another round gathers from now on. */
void journal_close_round(struct journal *journal);
/* The round is written. Its buffer stays for the next one, unless it is much larger than what
 * rounds need at present. */
void journal_recycle_round(struct journal *journal, struct journal_round *round);

/* ---- journal_writer.c ---- */

/* Makes the first generation of a new journal, or continues a recovered one with a round that
 * repeats its last, where that may not be durable, and one that names the run. Blocks. */
struct journal_tail;
int journal_writer_begin(struct journal *journal, struct error_text *why);
int journal_writer_continue(struct journal *journal, const struct journal_tail *tail,
                            struct error_text *why);
/* Before the first write that is not part of opening. */
void journal_writer_begin_tries(struct journal *journal);
/* The journal closes while its write finds no room: the round is lost. Frees the journal if nothing
 * else is under way. */
void journal_writer_give_up(struct journal *journal);
/* Gives the round, which fits, its place and writes it; `written` is called when it is durable. One
 * write at a time. */
void journal_writer_write(struct journal *journal, struct journal_round *round, bool counted,
                          void (*written)(struct journal *journal));
/* Takes a free file, which there is, for the next generation and writes its checkpoint. `need`:
 * bytes of the next round. */
void journal_writer_next_generation(struct journal *journal, size_t need,
                                    void (*written)(struct journal *journal));

/* ---- journal_reclaim.c ---- */

/* So many bytes were found that are not committed: where the limit was lowered too far for them it
 * is higher in this run; where it was lowered below what is live it is higher until that is in
 * segments. */
void journal_room_recovered(struct journal *journal, uint64_t uncommitted_bytes);
/* May a round of so many bytes be written now? HERE: it fits; NEXT: into the next generation, for
 * which a file is there. */
enum journal_room journal_room_for(struct journal *journal, size_t bytes,
                                   enum journal_purpose purpose);
/* Has a file made ahead if few are free, or one removed that is too many. */
void journal_room_prepare(struct journal *journal);
/* A generation began: chooses what to copy forward, has a file made ahead. */
void journal_room_began(struct journal *journal);
/* Fills journal->copies with what is to be copied forward next; false: nothing is. */
bool journal_room_copy(struct journal *journal);
/* A round of the owners has got its place before them. */
void journal_room_forget_copies(struct journal *journal);
/* While rounds of the owners wait: a round with the progress behind them, if that empties the
 * oldest generation; else NULL. The caller's. */
struct journal_round *journal_room_progress(struct journal *journal);
/* Asks the owners of the oldest generation, if it is time. */
void journal_room_press(struct journal *journal);
/* journal->again: looks again while rounds wait or the disk is full. */
void journal_room_again(void *journal);

/* ---- journal_schedule.c ---- */

/* journal->turn, journal->tell. */
void journal_turn_ends(struct env_task *turn);
void journal_tells_on(struct env_task *tell);

#endif
