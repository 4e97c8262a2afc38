/* The names on a simulated disk: directories, their pending changes, and the power cut; disk.h has
 * the rules. */
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "tests/sim/env/disk_inode.h"

/* A change of names that no directory sync has made durable yet. A create and an mkdir have no
 * `from`, an unlink no `to`. */
struct change {
    struct change *next;
    struct inode *from, *to; /* directories */
    char *from_name, *to_name;
    struct inode *inode; /* what the name stands for */
};

struct disk {
    struct world *world;
    int node;
    uint64_t used, capacity, block_bytes;
    uint64_t version, losses; /* of what is durable */
    struct disk_tears tears;
    struct inode *root;
    struct inode *all;
    struct change *changes, **last_change;
};

struct world *disk_world(struct disk *disk) {
    return disk->world;
}

uint64_t disk_block_bytes(const struct disk *disk) {
    return disk->block_bytes;
}

void disk_durable_changed(struct disk *disk) {
    disk->version++;
}

static void lose(struct disk *disk) {
    disk->version++;
    disk->losses++;
}

bool disk_account(struct disk *disk, uint64_t old_size, uint64_t new_size) {
    if (new_size > old_size && disk->used + (new_size - old_size) > disk->capacity) return false;
    if (new_size >= old_size)
        disk->used += new_size - old_size;
    else
        disk->used -= old_size - new_size < disk->used ? old_size - new_size : disk->used;
    return true;
}

static struct inode *make_inode(struct disk *disk, bool directory, const char *label) {
    struct inode *inode = inode_new(disk, directory, label);

    inode->next = disk->all;
    disk->all = inode;
    return inode;
}

static struct disk *make_disk(struct world *world, int node, uint64_t capacity_bytes,
                              uint64_t block_bytes) {
    struct disk *disk = mem_zalloc(sizeof *disk);

    disk->world = world;
    disk->node = node;
    disk->capacity = capacity_bytes;
    disk->block_bytes = block_bytes;
    disk->last_change = &disk->changes;
    disk->root = make_inode(disk, true, "/");
    return disk;
}

struct disk *disk_new(struct world *world, int node, uint64_t capacity_bytes) {
    return make_disk(world, node, capacity_bytes,
                     world_chance(world, 500000) ? 512 : DISK_BLOCK_MAX);
}

static void change_free(struct change *change) {
    mem_free(change->from_name);
    mem_free(change->to_name);
    mem_free(change);
}

static void drop_changes(struct disk *disk) {
    while (disk->changes != NULL) {
        struct change *change = disk->changes;
        disk->changes = change->next;
        change_free(change);
    }
    disk->last_change = &disk->changes;
}

void disk_free(struct disk *disk) {
    drop_changes(disk);
    while (disk->all != NULL) {
        struct inode *inode = disk->all;
        disk->all = inode->next;
        inode_free(inode);
    }
    mem_free(disk);
}

/* ---- One directory's list of names ---- */

static struct name *names_find(struct names *names, const char *text) {
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->list[i].text, text) == 0) return &names->list[i];
    return NULL;
}

static void names_set(struct names *names, const char *text, struct inode *inode) {
    struct name *name = names_find(names, text);

    if (name == NULL) {
        names->list = mem_realloc(names->list, (names->count + 1) * sizeof *names->list);
        name = &names->list[names->count++];
        name->text = mem_strdup(text);
    }
    name->inode = inode;
}

static void names_remove(struct names *names, const char *text) {
    struct name *name = names_find(names, text);

    if (name == NULL) return;
    mem_free(name->text);
    *name = names->list[--names->count];
}

static void names_copy(struct names *into, const struct names *from) {
    while (into->count > 0)
        names_remove(into, into->list[0].text);
    for (size_t i = 0; i < from->count; i++)
        names_set(into, from->list[i].text, from->list[i].inode);
}

/* ---- Paths ---- */

/* The directory that holds the last part of `path`, and that part. NULL: not there, or not a
 * directory. */
static struct inode *walk_to_parent(struct disk *disk, const char *path, char last[256]) {
    struct inode *directory = disk->root;

    snprintf(last, 256, ".");
    for (const char *part = path; *part != '\0';) {
        size_t len = strcspn(part, "/");
        if (len > 0 && !(len == 1 && part[0] == '.')) {
            if (strcmp(last, ".") != 0) {
                struct name *name = names_find(&directory->now, last);
                if (name == NULL || !name->inode->directory) return NULL;
                directory = name->inode;
            }
            CHECK(len < 256);
            memcpy(last, part, len);
            last[len] = '\0';
        }
        part += len;
        part += strspn(part, "/");
    }
    return directory;
}

static struct inode *walk(struct disk *disk, const char *path) {
    char last[256];
    struct inode *directory = walk_to_parent(disk, path, last);

    if (directory == NULL || strcmp(last, ".") == 0) return directory;
    struct name *name = names_find(&directory->now, last);
    return name == NULL ? NULL : name->inode;
}

static void remember(struct disk *disk, struct inode *from, const char *from_name, struct inode *to,
                     const char *to_name, struct inode *inode) {
    struct change *change = mem_zalloc(sizeof *change);

    change->from = from;
    change->from_name = from == NULL ? NULL : mem_strdup(from_name);
    change->to = to;
    change->to_name = to == NULL ? NULL : mem_strdup(to_name);
    change->inode = inode;
    *disk->last_change = change;
    disk->last_change = &change->next;
}

static int create(struct disk *disk, struct inode *directory, const char *name, bool is_directory,
                  const char *path, struct inode **inode) {
    *inode = make_inode(disk, is_directory, path);
    names_set(&directory->now, name, *inode);
    remember(disk, NULL, NULL, directory, name, *inode);
    return ERR_NONE;
}

int disk_open(struct disk *disk, const char *path, int flags, struct inode **inode) {
    char last[256];
    struct inode *directory = walk_to_parent(disk, path, last);
    struct name *name;

    *inode = NULL;
    if (directory == NULL || strcmp(last, ".") == 0)
        return directory == NULL ? ERR_NOT_FOUND : ERR_SYSTEM;
    name = names_find(&directory->now, last);
    if (name == NULL && !(flags & ENV_CREATE)) return ERR_NOT_FOUND;
    if (name != NULL && (flags & ENV_EXCLUSIVE)) return ERR_EXISTS;
    if (name != NULL && name->inode->directory) return ERR_DIRECTORY;
    if (name == NULL)
        create(disk, directory, last, false, path, inode);
    else
        *inode = name->inode;
    if (flags & ENV_DIRECT) (*inode)->direct = true;
    return ERR_NONE;
}

int disk_mkdir(struct disk *disk, const char *path) {
    char last[256];
    struct inode *directory = walk_to_parent(disk, path, last), *made;

    if (directory == NULL) return ERR_NOT_FOUND;
    if (strcmp(last, ".") == 0 || names_find(&directory->now, last) != NULL) return ERR_EXISTS;
    return create(disk, directory, last, true, path, &made);
}

int disk_rename(struct disk *disk, const char *from, const char *to) {
    char from_last[256], to_last[256];
    struct inode *from_directory = walk_to_parent(disk, from, from_last);
    struct inode *to_directory = walk_to_parent(disk, to, to_last);
    struct name *name = from_directory == NULL ? NULL : names_find(&from_directory->now, from_last);

    if (name == NULL || to_directory == NULL) return ERR_NOT_FOUND;
    struct inode *inode = name->inode;
    struct name *replaced = names_find(&to_directory->now, to_last);
    if (replaced != NULL && replaced->inode != inode && replaced->inode->directory)
        return replaced->inode->now.count > 0 ? ERR_EXISTS : ERR_SYSTEM;
    if (replaced != NULL && replaced->inode != inode)
        disk_account(disk, replaced->inode->content.size, 0);
    names_remove(&from_directory->now, from_last);
    names_set(&to_directory->now, to_last, inode);
    remember(disk, from_directory, from_last, to_directory, to_last, inode);
    mem_free(inode->label);
    inode->label = mem_strdup(to);
    return ERR_NONE;
}

static int remove_name(struct disk *disk, const char *path, bool directory_wanted) {
    char last[256];
    struct inode *directory = walk_to_parent(disk, path, last);
    struct name *name = directory == NULL ? NULL : names_find(&directory->now, last);

    if (name == NULL) return ERR_NOT_FOUND;
    struct inode *inode = name->inode;
    if (inode->directory != directory_wanted) return ERR_SYSTEM;
    if (inode->directory && inode->now.count > 0) return ERR_EXISTS;
    if (!inode->directory) disk_account(disk, inode->content.size, 0);
    names_remove(&directory->now, last);
    remember(disk, directory, last, NULL, NULL, inode);
    return ERR_NONE;
}

int disk_unlink(struct disk *disk, const char *path) {
    return remove_name(disk, path, false);
}

int disk_rmdir(struct disk *disk, const char *path) {
    return remove_name(disk, path, true);
}

enum env_kind disk_kind_of(struct disk *disk, const char *path) {
    struct inode *inode = walk(disk, path);

    return inode == NULL ? ENV_NOTHING : inode->directory ? ENV_DIRECTORY : ENV_FILE;
}

int disk_list(struct disk *disk, const char *path, void (*each)(void *arg, const char *name),
              void *arg) {
    struct inode *inode = walk(disk, path);

    if (inode == NULL) return ERR_NOT_FOUND;
    if (!inode->directory) return ERR_SYSTEM;
    /* A copy, because `each` may remove or rename; from a random place on, because no order is
     * promised. */
    struct names copy = {0};
    names_copy(&copy, &inode->now);
    size_t start = copy.count == 0 ? 0 : world_below(disk->world, copy.count);
    for (size_t i = 0; i < copy.count; i++)
        each(arg, copy.list[(start + i) % copy.count].text);
    while (copy.count > 0)
        names_remove(&copy, copy.list[0].text);
    mem_free(copy.list);
    return ERR_NONE;
}

/* ---- Durability of names ---- */

/* A change that builds on one that was lost (a rename of a file whose creation was) cannot survive
 * either. */
static void make_durable(const struct change *change) {
    if (change->from != NULL) {
        struct name *name = names_find(&change->from->synced, change->from_name);
        if (name == NULL || name->inode != change->inode) return;
        names_remove(&change->from->synced, change->from_name);
    }
    if (change->to != NULL) names_set(&change->to->synced, change->to_name, change->inode);
}

int disk_sync_dir(struct disk *disk, const char *path) {
    struct inode *directory = walk(disk, path);

    if (directory == NULL) return ERR_NOT_FOUND;
    if (!directory->directory) return ERR_SYSTEM;
    struct change **place = &disk->changes;
    while (*place != NULL) {
        struct change *change = *place;
        if (change->from != directory && change->to != directory) {
            place = &change->next;
            continue;
        }
        make_durable(change);
        *place = change->next;
        change_free(change);
    }
    disk->last_change = place;
    disk->version++;
    return ERR_NONE;
}

static uint64_t size_below(const struct inode *directory) {
    uint64_t size = 0;

    for (size_t i = 0; i < directory->now.count; i++) {
        const struct inode *inode = directory->now.list[i].inode;
        size += inode->directory ? size_below(inode) : inode->content.size;
    }
    return size;
}

void disk_power_cut(struct disk *disk) {
    struct world *world = disk->world;
    uint64_t mood = world_below(
        world,
        3); /* 0: a prefix of the changes, as a journaling file system; else each on its own */
    bool stopped = false;
    lose(disk);

    for (struct change *change = disk->changes; change != NULL; change = change->next) {
        bool keep = world_chance(world, 600000);
        if (mood == 0) {
            stopped = stopped || !keep;
            keep = !stopped;
        }
        if (keep) make_durable(change);
    }
    drop_changes(disk);
    for (struct inode *inode = disk->all; inode != NULL; inode = inode->next) {
        if (inode->directory)
            names_copy(&inode->now, &inode->synced);
        else
            inode_power_cut(inode, world, &disk->tears);
    }
    disk->used = size_below(disk->root);
}

void disk_process_died(struct disk *disk) {
    for (struct inode *inode = disk->all; inode != NULL; inode = inode->next)
        inode->lock_holder = NULL;
}

bool disk_rot(struct disk *disk, const char *part) {
    struct inode *candidates[64];
    size_t count = 0;

    for (struct inode *inode = disk->all; inode != NULL && count < 64; inode = inode->next)
        if (!inode->directory && strstr(inode->label, part) != NULL && inode->durable.size > 0)
            candidates[count++] = inode;
    lose(disk);
    return count > 0 && inode_rot(candidates[world_below(disk->world, count)], disk->world);
}

static bool rot_behind(struct disk *disk, struct inode *inode, const void *mark, size_t len,
                       uint64_t room) {
    bool any = false;

    for (uint64_t at = 0; at + len + room <= inode->durable.size; at++) {
        if (memcmp(inode->durable.data + at, mark, len) != 0) continue;
        inode_flip(inode, disk->world, at + len + world_below(disk->world, room));
        any = true;
    }
    return any;
}

bool disk_rot_behind(struct disk *disk, const char *part, const void *mark, size_t len,
                     uint64_t room) {
    bool any = false;

    for (struct inode *inode = disk->all; inode != NULL; inode = inode->next)
        if (!inode->directory && strstr(inode->label, part) != NULL)
            any = rot_behind(disk, inode, mark, len, room) || any;
    lose(disk);
    return any;
}

/* ---- Damage ---- */

struct search {
    const char *part, *end;
    struct world *world;
    struct inode *found;
    uint64_t seen;
};

static bool ends_with(const char *text, const char *end) {
    size_t len = strlen(text), end_len = strlen(end);
    return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

/* Each of those that fit is found with the same chance. */
static void search_below(struct search *search, const struct inode *directory) {
    for (size_t i = 0; i < directory->now.count; i++) {
        struct inode *inode = directory->now.list[i].inode;
        if (inode->directory)
            search_below(search, inode);
        else if (inode->durable.size > 0 && strstr(inode->label, search->part) != NULL &&
                 ends_with(inode->label, search->end) &&
                 world_below(search->world, ++search->seen) == 0)
            search->found = inode;
    }
}

bool disk_damage(struct disk *disk, const char *part, const char *end, enum disk_damage how) {
    struct search victim = {part, end, disk->world, NULL, 0}, other = victim;

    search_below(&victim, disk->root);
    search_below(&other, disk->root);
    lose(disk);
    return victim.found != NULL && inode_damage(victim.found, disk->world, how, other.found);
}

void disk_wipe(struct disk *disk) {
    lose(disk);
    drop_changes(disk);
    for (struct inode *inode = disk->all; inode != NULL; inode = inode->next)
        inode->lock_holder = NULL;
    disk->root = make_inode(disk, true, "/");
    disk->used = 0;
}

/* ---- The clone ---- */

static void clone_directory(struct disk *clone, struct inode *into, const struct inode *from) {
    for (size_t i = 0; i < from->synced.count; i++) {
        const struct name *name = &from->synced.list[i];
        struct inode *copy = make_inode(clone, name->inode->directory, name->inode->label);
        names_set(&into->now, name->text, copy);
        names_set(&into->synced, name->text, copy);
        if (copy->directory)
            clone_directory(clone, copy, name->inode);
        else
            inode_copy_durable(copy, name->inode);
    }
}

struct disk *disk_clone_durable(struct disk *disk) {
    struct disk *clone = make_disk(disk->world, disk->node, UINT64_MAX / 2, disk->block_bytes);

    clone_directory(clone, clone->root, disk->root);
    return clone;
}

void disk_restore(struct disk *disk, const struct disk *copy) {
    disk_wipe(disk);
    clone_directory(disk, disk->root, copy->root);
}

/* ---- Looking at what is durable ---- */

static struct inode *walk_durable(const struct disk *disk, const char *path) {
    struct inode *inode = disk->root;
    char part[256];

    for (size_t len; inode != NULL && *(path += strspn(path, "/")) != '\0'; path += len) {
        len = strcspn(path, "/");
        snprintf(part, sizeof part, "%.*s", (int)len, path);
        struct name *name = inode->directory ? names_find(&inode->synced, part) : NULL;
        inode = name == NULL ? NULL : name->inode;
    }
    return inode;
}

bool disk_flip(struct disk *disk, const char *path, uint64_t at) {
    struct inode *inode = walk_durable(disk, path);

    lose(disk);
    if (inode == NULL || inode->directory || at >= inode->durable.size) return false;
    inode_flip(inode, disk->world, at);
    return true;
}

void disk_each_durable(const struct disk *disk, const char *path,
                       void (*each)(void *arg, const char *name, const uint8_t *data,
                                    uint64_t size),
                       void *arg) {
    const struct inode *directory = walk_durable(disk, path);

    for (size_t i = 0; directory != NULL && i < directory->synced.count; i++) {
        const struct name *name = &directory->synced.list[i];
        if (!name->inode->directory)
            each(arg, name->text, name->inode->durable.data, name->inode->durable.size);
    }
}

uint64_t disk_version(const struct disk *disk) {
    return disk->version;
}

uint64_t disk_losses(const struct disk *disk) {
    return disk->losses;
}

uint64_t disk_used_bytes(const struct disk *disk) {
    return disk->used;
}

uint64_t disk_bytes_in(struct disk *disk, const char *path) {
    struct inode *directory = walk(disk, path);
    uint64_t bytes = 0;

    for (size_t i = 0; directory != NULL && i < directory->now.count; i++)
        bytes += inode_size(directory->now.list[i].inode);
    return bytes;
}

uint64_t disk_capacity_bytes(const struct disk *disk) {
    return disk->capacity;
}

void disk_set_capacity(struct disk *disk, uint64_t capacity_bytes) {
    disk->capacity = capacity_bytes;
}

const struct disk_tears *disk_tears(const struct disk *disk) {
    return &disk->tears;
}
