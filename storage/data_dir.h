/*
 * The data directory of a broker: its identity, its lock, its format version.
 *
 *   DIR/drave.meta    format version, directory UUID, and once formed: cluster id, node id, the
 *                     cluster record
 *   DIR/lock          held while in use; the pid of the holder
 *   DIR/shard-0/      journal/ and groups/<group id>/
 *
 * Happy path: data_dir_open makes what is missing (an empty directory, lost+found aside, is as good
 * as none) and locks it.
 * Failures: in use (by which pid), not ours (files that are not drave's), of another node or
 * cluster, of a newer format, not writable: each a sentence that says what to do. Invariant:
 * drave.meta is replaced whole (write, sync, rename, sync directory).
 */
#ifndef STORAGE_DATA_DIR_H
#define STORAGE_DATA_DIR_H

#include "base/env.h"

struct data_dir;

enum { UUID_SIZE = 16 };

/* Opens, makes or refuses. *made: it was empty and got its UUID now. ERR_BUSY, ERR_INVALID,
 * ERR_VERSION, ERR_DENIED, ERR_IO. */
enum { DATA_DIR_ANY_NODE = -1 }; /* as node_id: whoever's it is */
int data_dir_open(struct env *env, const char *path, int32_t node_id, struct data_dir **dir,
                  bool *made, struct error_text *why);
void data_dir_close(struct data_dir *dir);
/* Whether drave.meta is there and whole, of whatever node; takes no lock and changes nothing.
 * ERR_NOT_FOUND, ERR_CORRUPT, ERR_VERSION, ERR_IO,
 * ... with a sentence. */
int data_dir_check(struct env *env, const char *path, struct error_text *why);

const uint8_t *data_dir_uuid(const struct data_dir *dir); /* UUID_SIZE bytes */

/* The cluster record: opaque to storage (broker/cluster/cluster_forming.c gives it meaning). Empty
 * until the cluster is formed. set is durable on return; once only: ERR_EXISTS if there is another
 * one. */
const void *data_dir_cluster_record(const struct data_dir *dir, size_t *len);
int data_dir_set_cluster_record(struct data_dir *dir, const char *cluster_id, const void *record,
                                size_t len, struct error_text *why);
const char *data_dir_cluster_id(const struct data_dir *dir); /* "" until formed */
int32_t data_dir_node(const struct data_dir *dir);           /* that it was opened for, or is of */
/* Another cluster takes the place of its own: it is a copy (broker/backup_tool.h). Durable on
 * return. */
int data_dir_adopt(struct data_dir *dir, const char *cluster_id, const void *record, size_t len,
                   struct error_text *why);

#endif
