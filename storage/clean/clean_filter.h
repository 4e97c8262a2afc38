/*
 * The second pass of a cleaning: segments are written again without what nobody needs any more, as
 * many of them into one as a segment may have bytes.
 *
 * A record goes if the map has a later one of its key, if it has no key and lies in what was read,
 * or if it is a tombstone (no value) below the offset that the options say; the last record of all
 * inputs stays in any case, so that a consumer finds the end. Batches
 * and entries of which nothing is left go, and so do entries without records (barriers, commands,
 * configurations): all of them lie below the beginning of the log for the group. An entry of which
 * all records stay keeps its bytes. So does a batch that unfolds too far, that cannot be read or
 * that would be larger without what goes: strangers made it, and what is written is never larger
 * than what was read. The header of the output says so for ever (keeps_stale): tombstones behind it
 * have to stay.
 * What an aborted transaction wrote goes, and so does the marker of a committed one, or of one that
 * wrote nothing here: readers are told of what was aborted, and need those markers alone, whatever
 * is left of their transactions. (They go with the beginning of the log.)
 * Happy path: open; step until it does not say ERR_AGAIN: ERR_NONE, an output is whole and synced
 * as `<base>.clean`; take it; step again, ... until ERR_EOF. Blocks: each step is one job.
 * Failures: as clean_reader.h, and those of writing: the unfinished file is removed by whoever
 * closes; but for a sync that failed, other than for want of room (pages that found their place
 * late: only this file is without them), which ends the process. Invariants: outputs are runs of
 * whole inputs, in order; an entry keeps group, index, term, offset and the number of offsets that
 * it takes.
 */
#ifndef STORAGE_CLEAN_CLEAN_FILTER_H
#define STORAGE_CLEAN_CLEAN_FILTER_H

#include "storage/clean/clean_map.h"
#include "storage/clean/segment_output.h"

struct clean_filter_options {
    const char *group_path;  /* the owner's */
    uint64_t segment_bytes;  /* an output has at most so many, but for one of a single input */
    uint64_t interval_bytes; /* of its index */
    kafka_offset tombstones_below; /* those before it go, too */
};

/* One segment, instead of the inputs from `first` on. */
struct clean_output {
    size_t first, count;
    struct segment_index index; /* with the final header */
};

/* The batches of one entry that stay. */
struct clean_rest {
    uint8_t *bytes; /* room for the entry as it was */
    size_t len;
    uint16_t batches;
    int64_t max_timestamp;
    bool changed;
};

struct clean_filter {
    struct clean_reader reader;
    struct clean_batches batches; /* of the entry under way */
    struct clean_rest rest;       /* of it */
    const struct clean_map *map;
    struct clean_filter_options options;
    kafka_offset last_offset; /* of all inputs */
    struct segment_output output;
    size_t first, count; /* inputs that it stands for, the last one not wholly read */
};

void clean_filter_open(struct clean_filter *filter, struct env *env,
                       const struct clean_input *inputs, size_t count, const struct clean_map *map,
                       const struct clean_filter_options *options);
/* Reads and writes about so many bytes, and one batch at least; *done: how many, with what they
 * unfold to. */
int clean_filter_step(struct clean_filter *filter, uint64_t bytes, uint64_t *done);
/* After ERR_NONE: its index is the caller's. */
struct clean_output clean_filter_take(struct clean_filter *filter);
/* An unfinished output is closed, and its file stays: *unfinished is its base offset; -1: there is
 * none. */
void clean_filter_close(struct clean_filter *filter, kafka_offset *unfinished);

#endif
