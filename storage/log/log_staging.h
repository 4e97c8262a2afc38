/*
 * A log that a leader gives as files, while it comes in beside the one that is in force
 * (storage/segment/staged_directory.h).
 *
 *   open -> opening -> wants blocks, one after the other -> whole -> preparing -> settling -> taken
 *                      <-- put: written, checked; in the list's order
 *
 * Happy path: open takes up what an earlier staging has left, as far as it matches the list; then
 * the owner gets, in order, what log_staging_wanted says, and puts it; prepare makes the directory
 * a whole log and reads it as a start would. partition_log_install takes it from there. Each call
 * that works ends with `moved`, never within the call; one at a time.
 * Failures: bytes that do not match the list's checksum are wanted again from the beginning of
 * their block; a directory that is not what its list says cannot be prepared (ERR_CORRUPT) and is
 * to be discarded; a disk without room, or too many open files, is told, and what is there stays;
 * any other error of a write, a sync or a rename ends the process. Invariants: nothing is believed
 * that was not compared with the list, nor what an earlier process has left and not said to be
 * synced, before it is written again (staged_files.h); a file counts as whole when it is synced;
 * what is missing and still to be written is promised to the disk (disk_space.h) before the first
 * byte is asked for, so that several logs that come in at once do not count on the same room. The
 * work is done in a lane of its own, for which no flush waits, and ends soon when it is closed.
 */
#ifndef STORAGE_LOG_LOG_STAGING_H
#define STORAGE_LOG_LOG_STAGING_H

#include "storage/segment/prefix_files.h"

struct partition_log;
struct log_staging;

/* Bytes of a file of the list, within one block of it. */
struct log_staging_wanted {
    uint32_t file, length;
    uint64_t offset;
};

/* `files`, of which the first is the state, is taken over. The log stays open until
 * log_staging_close. `moved`: ERR_NONE; ERR_NO_SPACE, ERR_LIMIT, ...: close it, and try again
 * later. */
struct log_staging *log_staging_open(struct partition_log *log, struct prefix_files *files,
                                     void (*moved)(void *arg, int error), void *arg);
const struct prefix_files *log_staging_files(const struct log_staging *staging);
/* What comes next, `most` bytes of it at most; false: all is there. */
bool log_staging_wanted(const struct log_staging *staging, uint32_t most,
                        struct log_staging_wanted *wanted);
/* Those bytes; a reference is taken. `moved`: ERR_CORRUPT: they, or others of their block, are not
 * what the list says; as above. */
void log_staging_put(struct log_staging *staging, const struct log_staging_wanted *place,
                     struct slice bytes);
/* All is there. `moved`: ERR_CORRUPT: it is not a log that this version can read, though it is what
 * was listed; as above. */
void log_staging_prepare(struct log_staging *staging);
/* Behind prepare: `moved` comes when all that has committed in the log in force is synced in its
 * segments; partition_log_install is to be called within it. */
void log_staging_settle(struct log_staging *staging);
/* `moved` will not come. The files stay for the next one. */
void log_staging_close(struct log_staging *staging);
/* An earlier start has left some: they are to be taken up, or discarded. */
bool log_staging_is_left(const struct partition_log *log);
/* The files, which nobody stages or installs at present, are not needed any more; nothing if there
 * are none. */
void log_staging_discard(struct partition_log *log);

#endif
