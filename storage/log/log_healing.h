/*
 * Making a log whole again: its segments are read, and what is damaged in them is asked for, entry
 * by entry, and written again (storage/heal).
 *
 * One round of one log at a time over the whole store. Happy path: segments are read in steps, not
 * faster than the options say; for each damaged entry `lacks` is called, and the owner gives what
 * another replica has, or gives it up; what was mended is read once more. A segment that is sound
 * from one end to the other is not damaged any more; when none is, `mended` of the log's events
 * comes.
 * What is found here is damage as for any reader (log_note_damage). What cannot be mended like this
 * stays damaged: what was cleaned or counts as gone, because other replicas have other bytes of it;
 * records below the log's start that are in a segment with later ones here, and not elsewhere;
 * what nobody can give; what the disk does not take.
 * Failures: a full disk, or no files, end the round; a sync that fails ends the process.
 * Invariants: what is given replaces nothing before it was compared with what the log knows: group,
 * index, term, offset, and both checksums; nothing is written but what was synced before, in the
 * lane of the group; a crash leaves a `.mend` file that the next start finishes (segment_mend.h).
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

/* An entry that is damaged here. */
struct log_lack {
    log_index index;
    log_term term;
    kafka_offset base_offset;
};

/* Some of its damage may be mended like this, as far as is known here: not what was cleaned, nor
 * what lies in a segment of which a part may go (the others may have let go of it). */
bool log_healing_may_help(const struct partition_log *log);

/* One round; the caller's, until `done`. */
struct log_healing {
    /* log_healing_give or _give_up is to be called, now or later. */
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
/* Nobody has it at present: that segment stays damaged, the round goes on behind it. */
void log_healing_give_up(struct log_healing *healing);
/* Neither is called any more. Nothing if it is over. */
void log_healing_cancel(struct log_healing *healing);

#endif
