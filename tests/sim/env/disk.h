/*
 * The disk of one simulated node: files, directories, and what of them would survive a loss of
 * power.
 *
 * Each file has its content (what a read sees: the page cache), its durable content, and the writes
 * that lie between the two. A sync makes the pending writes durable. A power cut keeps, drops or
 * tears each pending write on its own, in blocks of 512 or 4096 bytes, as the machine's disk has
 * them; the size is decided apart from the data. A torn write may destroy the whole block that it
 * touches, with what else was in it: what is left are zeros or garbage. Names (create, rename,
 * unlink) are durable after a sync of their directory; before that each may or may not survive.
 * Failures: a failed sync leaves the data clean in the cache and not durable, and a later sync says
 * nothing of it; a full disk; errors of the device; bits that rot. Invariant: what was synced
 * survives everything but rot and later writes to its block.
 *
 * This is the model only: no errors are drawn here, no time passes. env_sim_files.c does that.
 */
#ifndef SIM_DISK_H
#define SIM_DISK_H

#include "base/env.h"
#include "tests/sim/env/world.h"

struct disk;
struct inode;

enum { DISK_BLOCK_MAX = 4096 };

/* Of all power cuts so far. */
struct disk_tears {
    uint64_t writes;        /* that were torn */
    uint64_t synced_blocks; /* that they destroyed, with bytes in them that had been synced */
};

/* The size of its blocks is drawn. */
struct disk *disk_new(struct world *world, int node, uint64_t capacity_bytes);
void disk_free(struct disk *disk);

/* What is durable now, as a disk of its own, with nothing pending: what would be left if every
 * pending write were dropped. A checker may start the product's recovery on it. The caller frees
 * it. */
struct disk *disk_clone_durable(struct disk *disk);

/* The machine loses power: see above. Open files and locks are gone. */
void disk_power_cut(struct disk *disk);
/* The process ended, the machine did not: nothing is lost but the locks. */
void disk_process_died(struct disk *disk);
/* Flips one bit of one durable file whose path contains `part`; false: there is none with content.
 */
bool disk_rot(struct disk *disk, const char *part);
/* Flips one bit within the `room` bytes behind each place where `mark` stands in a durable file
 * whose path contains `part`; false: it stands nowhere. */
bool disk_rot_behind(struct disk *disk, const char *part, const void *mark, size_t len,
                     uint64_t room);
/* Flips one bit of that byte of the durable file with this path; false: there is none that has it.
 */
bool disk_flip(struct disk *disk, const char *path, uint64_t at);
/* What a device does to bytes that were durable. */
enum disk_damage {
    DISK_FLIPPED,     /* one bit */
    DISK_STALE,       /* the end of a block was never written, although the device said so */
    DISK_MISDIRECTED, /* a block was written over by another one of the same kind of file */
    DISK_DAMAGES
};
/* Damages one file that has a name, `part` in its path and `end` at its end. False: there is none
 * with content. */
bool disk_damage(struct disk *disk, const char *part, const char *end, enum disk_damage how);
/* Removes everything: the directory was lost. */
void disk_wipe(struct disk *disk);
/* Removes everything and puts back what is durable on `copy`. */
void disk_restore(struct disk *disk, const struct disk *copy);

uint64_t disk_used_bytes(const struct disk *disk);
/* What is durable now of the files that a durable name in that directory leads to; the bytes are
 * there until the disk changes. */
void disk_each_durable(const struct disk *disk, const char *path,
                       void (*each)(void *arg, const char *name, const uint8_t *data,
                                    uint64_t size),
                       void *arg);
/* Grows whenever something durable changes; and whenever that is not something more, but something
 * else. */
uint64_t disk_version(const struct disk *disk);
uint64_t disk_losses(const struct disk *disk);
/* Of the files that this directory names now; 0 if it is not there. */
uint64_t disk_bytes_in(struct disk *disk, const char *path);
uint64_t disk_capacity_bytes(const struct disk *disk);
void disk_set_capacity(struct disk *disk, uint64_t capacity_bytes);
const struct disk_tears *disk_tears(const struct disk *disk);

/* ---- Names; errors as in base/env.h ---- */

int disk_open(struct disk *disk, const char *path, int flags, struct inode **inode);
int disk_mkdir(struct disk *disk, const char *path);
int disk_rename(struct disk *disk, const char *from, const char *to);
int disk_unlink(struct disk *disk, const char *path);
int disk_rmdir(struct disk *disk, const char *path);
int disk_sync_dir(struct disk *disk, const char *path);
enum env_kind disk_kind_of(struct disk *disk, const char *path);
int disk_list(struct disk *disk, const char *path, void (*each)(void *arg, const char *name),
              void *arg);

/* ---- Files ---- */

uint64_t inode_size(const struct inode *inode);
size_t inode_read(struct inode *inode, void *into, size_t len,
                  uint64_t offset); /* returns how many there were */
int inode_write(struct inode *inode, const void *data, size_t len,
                uint64_t offset); /* ERR_NO_SPACE */
void inode_truncate(struct inode *inode, uint64_t size);
void inode_sync(struct inode *inode);
void inode_sync_failed(struct inode *inode);
bool inode_has_pending(const struct inode *inode);
/* For the trace: the path under which it was opened last. */
const char *inode_label(const struct inode *inode);
/* Exclusive lock of a process (any pointer that names it; NULL lets go): false if another holds it.
 */
bool inode_lock(struct inode *inode, const void *holder);

#endif
