/*
 * Whether a journal went back in time: which runs of this broker wrote it, and what this broker saw
 * of the journals of others.
 *
 * Every opening is a run, with a random number, recorded before anything else; it begins behind the
 * last round that was found. Another broker that heard "run r is durable up to sequence s" can ask
 * later whether the journal still covers that. One that was put back from an older copy, or lost
 * its end, does not: run r is not in it, or ended earlier; further starts do not change that.
 * Invariant: runs are in the order of their beginnings; only the oldest are forgotten.
 */
#ifndef STORAGE_JOURNAL_JOURNAL_RUNS_H
#define STORAGE_JOURNAL_JOURNAL_RUNS_H

#include "storage/journal/journal.h"
#include "storage/journal/journal_round.h"

enum { JOURNAL_RUNS_MAX = 64 };

struct journal_run {
    uint64_t id;
    uint64_t begin; /* sequence of the last round before it; 0: it made the journal */
};

struct journal_lineage {
    struct journal_run runs[JOURNAL_RUNS_MAX]; /* the last one is the present */
    size_t run_count;
    bool disowned;
    struct journal_witness *witnesses; /* one for each directory */
    size_t witness_count;
};

void journal_lineage_close(struct journal_lineage *lineage);

/* A JOURNAL_RUN or JOURNAL_WITNESS. */
void journal_lineage_apply(struct journal_lineage *lineage, const struct journal_record *record);
/* The records that make the same runs; of a checkpoint: that make the same lineage. */
void journal_lineage_add_runs_to(const struct journal_lineage *lineage,
                                 struct journal_round *round);
void journal_lineage_add_to(const struct journal_lineage *lineage, struct journal_round *round);

/* That of the journal in `path`, which nobody has open, with a run that would begin now behind its
 * last; the caller's to close. Changes nothing. Errors as journal_read. */
int journal_read_lineage(struct env *env, const char *path, struct journal_lineage *lineage,
                         struct error_text *why);

/* See journal_covers and journal_witness_of. */
bool journal_lineage_covers(const struct journal_lineage *lineage, uint64_t run, uint64_t sequence);
const struct journal_witness *journal_lineage_witness(const struct journal_lineage *lineage,
                                                      uint64_t directory);

#endif
