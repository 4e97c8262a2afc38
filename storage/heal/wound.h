/*
 * Damage that keeps a log from being opened: a start has to read entries that no index tells of,
 * and the header of one of them is not what was written; or the header of the segment is not.
 *
 * Happy path: the start notes in which segment that is (wounds_add); wound_mending_begin reads it
 * from its beginning, `lacks` is called for each entry that is lacking, and the owner gives what
 * another replica has; then it is written (segment_mend.h), and the next try to open the log goes
 * on behind it, perhaps to the next wound. Of a segment whose entries count as gone (it was
 * cleaned, or may be) nobody else has the same bytes: all that another replica has of them is asked
 * for
 * (`lacks_range`), written as a cleaned segment beside it, and takes its place, as log_refill.c
 * does it with a log that is open. Where that is so on all other replicas, but not here yet, the
 * log is made to begin behind it first (later_start.h). Failures: as of segment_mend.h; the log
 * stays closed, and the next try notes the wound again. Invariants: the log is closed, so nobody
 * else writes into its segments but a start, which would write the same; what is given must go on
 * where the entry before it ended, in a term between those around it; one wound of each log is
 * noted, and WOUNDS_MOST in all.
 */
#ifndef STORAGE_HEAL_WOUND_H
#define STORAGE_HEAL_WOUND_H

#include "storage/clean/segment_output.h"
#include "storage/heal/segment_mend.h"

enum { WOUNDS_MOST = 64 };

/* Where else a log may begin, if nobody has what is damaged any more (later_start.h). */
enum { LATER_TERMS_MOST = 8 };
struct later_limits {
    log_index least;     /* the last entry of the damaged segment; 0: nowhere */
    log_index below;     /* the last one that is synced: the log has to go on behind its start */
    log_index committed; /* as far as this replica knows */
    log_index last;      /* whose term is known */
    struct index_term terms[LATER_TERMS_MOST]; /* of those behind `below` */
    size_t term_count;
};

struct wound {
    uint64_t group;
    char *group_path; /* mem_free */
    struct segment_header header;
    struct segment_end end; /* up to where the start reads; last_index 0: not known */
    log_term least, most;   /* that its entries may have */
    bool refill;            /* all of it: `header` says up to which entry and offset */
    struct later_limits later;
};

/* What starts have found; all zero: nothing. */
struct wounds {
    struct wound list[WOUNDS_MOST];
    size_t count;
};

/* `wound->group_path` is taken over. */
void wounds_add(struct wounds *wounds, const struct wound *wound);
/* One of them, the caller's; false: there is none. */
bool wounds_take(struct wounds *wounds, struct wound *into);
void wounds_close(struct wounds *wounds);

struct wound_mending;

struct wound_mending_events {
    /* wound_mending_give or _give_up is to be called, now or later. */
    void (*lacks)(void *arg, log_index index);
    /* The same of a range: the first entries of it (`begins`) or the next, by
     * wound_mending_give_range, _range_again or _give_up. */
    void (*lacks_range)(void *arg, log_index first, log_index last, bool begins);
    /* Nothing of it is used any more. Not within the calls below. */
    void (*done)(void *arg, int error, uint64_t entries);
};

/* The path of the wound is taken over. */
struct wound_mending *wound_mending_begin(struct env *env, const struct wound *wound,
                                          const struct wound_mending_events *events, void *arg);
/* ERR_CORRUPT: that is not the entry; it is still lacking. Takes a reference of its own. */
int wound_mending_give(struct wound_mending *mending, struct entry *entry);
/* Takes references of its own. `through`: the giver has no more. */
void wound_mending_give_range(struct wound_mending *mending, struct entry *const *entries,
                              size_t count, bool through);
/* The giver is gone: somebody else gives all of it. */
void wound_mending_range_again(struct wound_mending *mending);
void wound_mending_give_up(struct wound_mending *mending);
void wound_mending_cancel(struct wound_mending *mending); /* no event comes; NULL does nothing */

#endif
