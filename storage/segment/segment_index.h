/*
 * The sparse index of one segment: from offset, raft index or timestamp to a position where reading
 * may start; with the terms and the configuration changes of its entries, so that a start reads no
 * entries.
 *
 * Happy path: every entry that goes into the segment is added; some of the segment's syncs
 * (write_behind.h) are followed by what is new, as one checksummed block at the end of the index
 * file. Failures: an index file that is missing, torn or of another segment is as good as empty
 * from there on: the owner scans the segment behind `end.position` and adds the entries again.
 * Invariant: the file never says more than the segment has synced, because a block is written after
 * that sync. Of a segment that was cleaned the index knows entries that are there, and no others;
 * its file is of the same generation as the segment, or as good as missing.
 */
#ifndef STORAGE_SEGMENT_SEGMENT_INDEX_H
#define STORAGE_SEGMENT_SEGMENT_INDEX_H

#include "base/env.h"
#include "storage/entry.h"
#include "storage/log_types.h"
#include "storage/segment/segment_format.h"

/* A place between two entries, and what is known of the segment up to it. */
struct segment_end {
    uint64_t position;
    log_index last_index;  /* of the entry before it; first index - 1 at the beginning */
    kafka_offset offset;   /* the offset that the next record gets */
    int64_t max_timestamp; /* of the records before it; -1: none */
};

struct segment_index {
    struct segment_header header;
    struct segment_end end; /* how far the index goes */
    struct index_point *points;
    struct index_term *terms; /* the first begins with the segment's first entry */
    uint64_t *changes;        /* raft indexes */
    size_t point_count, point_room, term_count, term_room, change_count, change_room;
    uint64_t interval_bytes; /* distance of points */
    bool has_points;         /* false: loaded without them */
    int64_t sealed_ms; /* wall time of the seal of a segment whose records have no timestamps; 0:
                          not known */
    /* What the file holds already. */
    size_t saved_points, saved_terms, saved_changes;
    uint64_t saved_position;
    /* Where the next block goes; 0: the file is to be written from its header on. */
    uint64_t file_size;
};

/* Empty: the segment has its file header only. */
void segment_index_init(struct segment_index *index, const struct segment_header *header,
                        uint64_t interval_bytes);
void segment_index_close(struct segment_index *index);

/* The entry may come next: it goes on where the index ends or, in a segment that was cleaned, does
 * not lie before that and not behind what the segment covers. */
bool segment_index_takes(const struct segment_index *index, const struct entry *entry);
/* Takes up the next entry, whose header and body lie at end.position. */
void segment_index_add(struct segment_index *index, const struct entry *entry,
                       uint64_t stored_size);

/* All entries are in it: a segment that was cleaned ends where its header says. */
void segment_index_close_gap(struct segment_index *index);

/* The next entry, or the end of what there is, lies at `position`: at end.position, or behind the
 * zeros that end its block; those are counted in then. False: neither. */
bool segment_index_goes_on_at(struct segment_index *index, uint64_t position);

/* What the file lacks, as bytes (mem_alloc'd, the caller's) to be written at *position: with the
 * file header at 0 the first time, then blocks. NULL: nothing is new. From here on it counts as
 * saved. */
uint8_t *segment_index_take_block(struct segment_index *index, uint64_t *position, size_t *len);

/* Reads the file at `path` into `index` (initialised; it is filled on top), as far as blocks are
 * valid, follow each other and end at or before `limit`. A file that is missing or unusable leaves
 * the index empty. Only ERR_IO and the like are errors. */
int segment_index_load(struct env *env, const char *path, uint64_t limit, bool with_points,
                       struct segment_index *index);

/* Positions at or before the entry that holds the offset or index, or the first entry with a
 * timestamp >= `timestamp`. */
uint64_t segment_index_seek_offset(const struct segment_index *index, kafka_offset offset);
uint64_t segment_index_seek_index(const struct segment_index *index, log_index raft_index);
uint64_t segment_index_seek_timestamp(const struct segment_index *index, int64_t timestamp);
/* The raft index of the entry at a position that a seek returned. */
uint64_t segment_index_entry_at(const struct segment_index *index, uint64_t position);
/* What a scan added to the index goes to its file, without a sync, so that the next start is short
 * again; nothing of the file lies behind what was loaded, or segment_index_cut was called. Waits
 * for the disk; what it says is the error, and the next block begins the file anew. */
int segment_index_save(struct env *env, const char *path, struct segment_index *index);
/* What an index file has behind `to` (the end of a block) is never believed again: the segment may
 * get other blocks there, and be synced, long before the index is written again. The head of it is
 * blotted out and that synced before the file is cut: whoever dies before has left the size, so the
 * next start does it again, and behind a cut that is lost there is no block. `sync_failed` is set
 * if the sync failed: another one may say that it is done when it is not. */
int segment_index_cut(struct env_file *file, uint64_t to, bool *sync_failed);

#endif
