/*
 * Reading a journal back: which files hold what, where it ends, and what it says of every group.
 *
 * The table of everything that a crash, a power cut or a broken disk can leave is at the head of
 * journal_recovery.c.
 */
#ifndef STORAGE_JOURNAL_JOURNAL_RECOVERY_H
#define STORAGE_JOURNAL_JOURNAL_RECOVERY_H

#include "storage/journal/journal_reader.h"
#include "storage/journal/journal_round.h"
#include "storage/journal/journal_state.h"

/* Where the journal ends, and what the writer needs to go on from there. */
struct journal_tail {
    bool found;                       /* there is a journal; if not, nothing else is set */
    struct journal_file *file;        /* of the newest generation */
    uint64_t end;                     /* offset behind the last round in it */
    struct journal_round_header last; /* of the last round */
    struct journal_round *repeat; /* its records once more; the caller's. NULL: it is of a start */
    uint64_t place;               /* of the next start's round, if it is of a start */
    unsigned torn;                /* rounds that were cut */
};

/*
 * Sets the generation of every file, and fills `state` (initialised) with what the rounds say.
 * Changes nothing on disk. ERR_CORRUPT (the sentence names file, position and what was there),
 * ERR_VERSION, ERR_IO; the state is partial then.
 */
int journal_recover(struct journal_files *files, struct journal_state *state,
                    struct journal_tail *tail, struct error_text *why);

#endif
