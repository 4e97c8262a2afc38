/* What disk.c (names) and disk_inode.c (content) share; nobody else includes it. */
#ifndef SIM_DISK_INODE_H
#define SIM_DISK_INODE_H

#include "tests/sim/env/disk.h"

struct bytes {
    uint8_t *data; /* zero behind size */
    uint64_t size, capacity;
};

struct pending {
    struct pending *next;
    bool truncate;
    uint64_t offset; /* of a truncate: the new size */
    uint64_t len;
    uint8_t data[];
};

struct name {
    char *text;
    struct inode *inode;
};

struct names {
    struct name *list;
    size_t count;
};

struct inode {
    struct disk *disk;
    struct inode *next; /* all inodes of the disk */
    bool directory;
    bool direct; /* reads do not come from a cache */
    char *label;
    const void *lock_holder;
    /* files */
    struct bytes content, durable;
    struct pending *first, **last;
    /* directories */
    struct names now, synced;
};

struct inode *inode_new(struct disk *disk, bool directory, const char *label);
void inode_free(struct inode *inode);
void inode_power_cut(struct inode *inode, struct world *world, struct disk_tears *tears);
void inode_flip(struct inode *inode, struct world *world,
                uint64_t at); /* one bit of a durable byte */
bool inode_rot(struct inode *inode, struct world *world);
/* `other`: whose block is taken, if it is misdirected. False: nothing changed. */
bool inode_damage(struct inode *inode, struct world *world, enum disk_damage how,
                  const struct inode *other);
void inode_copy_durable(struct inode *into, const struct inode *from);

struct world *disk_world(struct disk *disk);
uint64_t disk_block_bytes(
    const struct disk *disk); /* that a torn write destroys whole: at most DISK_BLOCK_MAX */
void disk_durable_changed(struct disk *disk);
/* Accounts for growth or shrinkage of content; false: the disk is full. */
bool disk_account(struct disk *disk, uint64_t old_size, uint64_t new_size);

#endif
