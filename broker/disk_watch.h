/*
 * Watches the free space of the data directory, so that produce is refused before the disk is full: metadata, votes and
 * segments of what was acknowledged still have room then.
 *
 * Happy path: looks once a second; disk_watch_full() is false. Failures: below the limit (disk.min.free.bytes) it is true, and the log
 * says so once; above the limit and a tenth of it, it is false again. A file system that does not tell counts as having room.
 */
#ifndef BROKER_DISK_WATCH_H
#define BROKER_DISK_WATCH_H

#include "base/env.h"
#include "base/log.h"

struct disk_watch;

struct disk_watch *disk_watch_new(struct env *env, struct log *log, const char *path, uint64_t min_free_bytes);
void disk_watch_free(struct disk_watch *watch);
/* Refuse to append (KAFKA_STORAGE_ERROR, which clients retry)? */
bool disk_watch_full(const struct disk_watch *watch);
/* "the disk of ./drave-data is nearly full: 80 MiB are free and disk.min.free.bytes is 100 MiB; ..."; "" while there is room. */
const char *disk_watch_sentence(const struct disk_watch *watch);

#endif
