/*
 * Making a log whole again: its segments are read, and what is damaged in them is asked for, entry
 * by entry, and written again (storage/heal).
 *
 * One round of one log at a time over the whole store. Happy path: segments are read in steps, not
 * faster than the options say; for each damaged entry `lacks` is called, and the owner gives what
 * another replica has, or gives it up; what was mended is read once more. A segment that is sound
 * from one end to the other is not damaged any more; when none is, `mended` of the log's events
 * comes.
 * What is found here is damage as for any reader (log_note_damage).
 * Where nobody has the same bytes any more (what was cleaned, or counts as gone, or lies below the
 * start of the log elsewhere) the whole segment is written again with what another replica has of
 * its entries, all at one moment: then `lacks` is called for a range (log_refill.c). All up to its
 * end is to count as gone then, so a state of the appliers reaches as far. Where they would have to
 * read the damage for that, `lacks` asks for what another replica's appliers know. And something
 * is to follow the segment: where it is the last one, and nobody writes, `lacks` asks for one more
 * entry. What nobody can give, or the disk does not take, stays damaged. Failures: a full disk, or
 * no files, end the round; a sync that fails ends the process. Invariants: what is given replaces
 * nothing before it was compared with what the log knows: group, index, term, offset, and both
 * checksums; nothing is written but what was synced before, in the lane of the group; a crash
 * leaves a `.mend` file that the next start finishes (segment_mend.h).
 */
#ifndef STORAGE_LOG_LOG_HEALING_H
#define STORAGE_LOG_LOG_HEALING_H

#include "storage/log/partition_log.h"

struct heal_round;

struct log_healing_options {
    bool all;                  /* read all segments; else those that are known to be damaged */
    kafka_offset from;         /* those that begin at or behind it */
    uint64_t bytes_per_second; /* that are read at most */
    uint64_t bytes;            /* read so much, and end with the segment then */
};

/* An entry that is damaged here; or a segment, of whose entries the next ones are wanted. */
struct log_lack {
    log_index index;
    log_term term;
    kafka_offset base_offset;
    log_index last; /* 0: that entry; else whatever one replica has from `index` to it */
    bool begins;    /* the first of those, from whoever has them; else the next, from the same */
    bool state;     /* no entry: the appliers are to know all up to `last` */
    bool further;   /* no entry of these: one behind `last`, for the next round */
};

/* Some of its damage may be mended with single entries, as far as is known here: not what was
 * cleaned, nor what lies in a segment of which a part may go (the others may have let go of it). */
bool log_healing_may_help(const struct partition_log *log);

/* One round; the caller's, until `done`. */
struct log_healing {
    /* log_healing_give, for a range _give_range, for a state _applied, or (always for a further
     * entry) _give_up is to be called, now or later. */
    void (*lacks)(struct log_healing *healing, const struct log_lack *lack);
    void (*done)(struct log_healing *healing, int error);
    /* Of the round so far. */
    uint64_t read_bytes, mended_entries, mended_places;
    kafka_offset next; /* what has been read through ends there; the end: INT64_MAX */
    struct heal_round *round;
};

/* `done` comes later. ERR_BUSY: there is a round already in this store. */
int log_healing_begin(struct partition_log *log, const struct log_healing_options *options,
                      struct log_healing *healing);
/* ERR_CORRUPT: that is not the entry; it is still lacking. Takes a reference of its own. */
int log_healing_give(struct log_healing *healing, struct entry *entry);
/* The next entries of the range, ascending; `through`: the giver has no more of them. `lacks` comes
 * again until then. Takes references of its own. */
void log_healing_give_range(struct log_healing *healing, struct entry *const *entries, size_t count,
                            bool through);
/* The log's appliers know all up to `last`: what they keep next lets the segment be replaced. */
void log_healing_applied(struct log_healing *healing);
/* What was given of the range is forgotten, because its giver is gone; `lacks` comes again. */
void log_healing_range_again(struct log_healing *healing);
/* Nobody has it at present: the rest of the segment is tried in another way, or it stays damaged,
 * and the round goes on behind it. */
void log_healing_give_up(struct log_healing *healing);
/* Neither is called any more. Nothing if it is over. */
void log_healing_cancel(struct log_healing *healing);

#endif
