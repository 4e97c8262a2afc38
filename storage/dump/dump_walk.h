/*
 * Walks over all logs of a data directory, read-only: what dump_batches and dump_verify have in
 * common.
 *
 * Happy path: the journal is read first, then group after group its segments, then those of its
 * entries that only the journal has; so nothing that moves from the journal to a segment meanwhile
 * is missed. Failures: damage is an event, and the walk goes on at the next entry if the header
 * told where it is, else at the next segment.
 * Invariant: what a running broker has not finished writing is never called damage: the bytes
 * behind what the journal knows to be synced.
 */
#ifndef STORAGE_DUMP_DUMP_WALK_H
#define STORAGE_DUMP_DUMP_WALK_H

#include "base/env.h"
#include "storage/entry.h"
#include "storage/journal/journal.h"
#include "storage/segment/segment_format.h"

struct walk_log {
    uint64_t group;
    char *topic;
    int32_t partition;                   /* -1: none */
    const char *path;                    /* of its directory */
    const struct journal_group *journal; /* NULL: the journal does not know it */
};

struct walk_events {
    /* May be NULL, like all but entry and damage. */
    void (*log_begins)(void *arg, const struct walk_log *log);
    /* `size`: bytes of the file at this moment; `synced`: those that must be whole. */
    void (*segment_begins)(void *arg, const struct walk_log *log, const char *path,
                           const struct segment_header *header, uint64_t size, uint64_t synced);
    /* `entry` is whole, or (sound false) only its header can be believed: body and raw are empty
     * then. */
    void (*entry)(void *arg, const struct walk_log *log, const char *path, uint64_t position,
                  struct entry *entry, bool sound);
    /* `end`: behind the last entry that could be read. */
    void (*segment_ends)(void *arg, const struct walk_log *log, const char *path,
                         const struct segment_header *header, uint64_t end);
    void (*log_ends)(void *arg, const struct walk_log *log);
    void (*damage)(void *arg, const char *path, uint64_t position, const char *what);
    void (*unnamed)(void *arg, uint64_t group); /* as in struct dump_filter */
};

/* `topic` NULL: every log. Paths are given as they are below `data_dir`. ERR_NOT_FOUND, ERR_IO. */
int dump_walk(struct env *env, const char *data_dir, const char *topic, int32_t partition,
              const struct walk_events *events, void *arg, struct error_text *why);
/* "<data_dir>/<path>"; mem_free. */
char *dump_full_path(const char *data_dir, const char *path);

#endif
