/* The content of one simulated file: cache, durable bytes, and the writes between them; disk.h has
 * the rules. */
#include "tests/sim/env/disk_inode.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"

/* Bounds what one simulated file may grow to: a product that writes at a wild offset is a bug, not
 * a test of our memory. */
enum { FILE_LIMIT = 64 << 20 };

static void bytes_reserve(struct bytes *bytes, uint64_t size) {
    if (size <= bytes->capacity) return;
    CHECK(size <= FILE_LIMIT);
    uint64_t capacity = bytes->capacity < 4096 ? 4096 : bytes->capacity;
    while (capacity < size)
        capacity *= 2;
    bytes->data = mem_realloc(bytes->data, capacity);
    memset(bytes->data + bytes->capacity, 0, capacity - bytes->capacity);
    bytes->capacity = capacity;
}

static void bytes_resize(struct bytes *bytes, uint64_t size) {
    bytes_reserve(bytes, size);
    if (size < bytes->size) memset(bytes->data + size, 0, bytes->size - size);
    bytes->size = size;
}

/* Puts data down without touching the size. */
static void bytes_put(struct bytes *bytes, uint64_t offset, const uint8_t *data, uint64_t len) {
    bytes_reserve(bytes, offset + len);
    if (len > 0) memcpy(bytes->data + offset, data, len);
}

/* What was put behind the size is not there. */
static void bytes_settle(struct bytes *bytes) {
    if (bytes->size < bytes->capacity)
        memset(bytes->data + bytes->size, 0, bytes->capacity - bytes->size);
}

static void bytes_copy(struct bytes *into, const struct bytes *from) {
    bytes_resize(into, 0);
    bytes_resize(into, from->size);
    if (from->size > 0) memcpy(into->data, from->data, from->size);
}

struct inode *inode_new(struct disk *disk, bool directory, const char *label) {
    struct inode *inode = mem_zalloc(sizeof *inode);

    inode->disk = disk;
    inode->directory = directory;
    inode->label = mem_strdup(label);
    inode->last = &inode->first;
    return inode;
}

static void drop_pending(struct inode *inode) {
    while (inode->first != NULL) {
        struct pending *pending = inode->first;
        inode->first = pending->next;
        mem_free(pending);
    }
    inode->last = &inode->first;
}

static void names_free(struct names *names) {
    for (size_t i = 0; i < names->count; i++)
        mem_free(names->list[i].text);
    mem_free(names->list);
}

void inode_free(struct inode *inode) {
    drop_pending(inode);
    names_free(&inode->now);
    names_free(&inode->synced);
    mem_free(inode->content.data);
    mem_free(inode->durable.data);
    mem_free(inode->label);
    mem_free(inode);
}

uint64_t inode_size(const struct inode *inode) {
    return inode->content.size;
}

size_t inode_read(struct inode *inode, void *into, size_t len, uint64_t offset) {
    if (offset >= inode->content.size) return 0;
    if (len > inode->content.size - offset) len = inode->content.size - offset;
    memcpy(into, inode->content.data + offset, len);
    return len;
}

static void remember(struct inode *inode, bool truncate, uint64_t offset, const void *data,
                     size_t len) {
    struct pending *pending = mem_alloc(sizeof *pending + len);

    pending->next = NULL;
    pending->truncate = truncate;
    pending->offset = offset;
    pending->len = len;
    if (len > 0) memcpy(pending->data, data, len);
    *inode->last = pending;
    inode->last = &pending->next;
}

/* A file system fills the block in which the file ends with zeros before the file grows behind it:
 * a write like any other. */
static void write_end(struct inode *inode, uint64_t size, uint64_t limit) {
    static const uint8_t zeros[DISK_BLOCK_MAX];
    uint64_t end = (size + DISK_BLOCK_MAX - 1) / DISK_BLOCK_MAX * DISK_BLOCK_MAX;

    if (end > limit) end = limit;
    if (end > size) remember(inode, false, size, zeros, (size_t)(end - size));
}

int inode_write(struct inode *inode, const void *data, size_t len, uint64_t offset) {
    uint64_t size = inode->content.size;
    uint64_t end = offset + len;

    if (len == 0) return ERR_NONE;
    if (end > size && !disk_account(inode->disk, size, end)) return ERR_NO_SPACE;
    if (end > size) bytes_resize(&inode->content, end);
    if (offset > size) write_end(inode, size, offset);
    bytes_put(&inode->content, offset, data, len);
    remember(inode, false, offset, data, len);
    return ERR_NONE;
}

void inode_truncate(struct inode *inode, uint64_t size) {
    disk_account(inode->disk, inode->content.size,
                 size < inode->content.size ? size : inode->content.size);
    bytes_resize(&inode->content, size);
    remember(inode, true, size, NULL, 0);
}

void inode_sync(struct inode *inode) {
    if (inode->first != NULL) disk_durable_changed(inode->disk);
    for (struct pending *pending = inode->first; pending != NULL; pending = pending->next) {
        if (pending->truncate) {
            bytes_resize(&inode->durable, pending->offset);
            continue;
        }
        if (pending->offset + pending->len > inode->durable.size)
            bytes_resize(&inode->durable, pending->offset + pending->len);
        bytes_put(&inode->durable, pending->offset, pending->data, pending->len);
    }
    drop_pending(inode);
}

void inode_sync_failed(struct inode *inode) {
    drop_pending(inode);
    if (inode->direct) /* no cache stands between: reads see what the device has */
        bytes_copy(&inode->content, &inode->durable);
}

bool inode_has_pending(const struct inode *inode) {
    return inode->first != NULL;
}

/* Was the byte durable before the power cut, and is no write or cut pending that would change it?
 */
static bool is_settled(const struct inode *inode, uint64_t at, uint64_t synced_size) {
    if (at >= synced_size) return false;
    for (const struct pending *pending = inode->first; pending != NULL; pending = pending->next)
        if (at >= pending->offset && (pending->truncate || at < pending->offset + pending->len))
            return false;
    return true;
}

/* The whole block is zeros or garbage, whoever wrote it. True: bytes were in it that a sync had
 * made durable. */
static bool destroy(struct inode *inode, uint64_t from, uint64_t len, uint64_t synced_size,
                    struct world *world) {
    uint8_t after[DISK_BLOCK_MAX] = {0};
    bool settled = false;

    if (world_chance(world, 600000)) world_fill(world, after, len);
    bytes_reserve(&inode->durable, from + len);
    for (uint64_t i = 0; i < len && !settled; i++)
        settled = inode->durable.data[from + i] != after[i] &&
                  is_settled(inode, from + i, synced_size);
    bytes_put(&inode->durable, from, after, len);
    return settled;
}

/* One block after the other is kept, lost or destroyed; or all up to some block are kept, that one
 * is any of it, and the rest are lost, or kept as well: a device writes in what order it likes. */
static void tear(struct inode *inode, const struct pending *pending, uint64_t synced_size,
                 struct world *world, struct disk_tears *tears) {
    uint64_t block = disk_block_bytes(inode->disk);
    uint64_t mood = world_below(world, 4), behind = mood == 0 ? 0 : 1;
    uint64_t first = pending->offset / block, last = (pending->offset + pending->len - 1) / block;
    uint64_t cut = world_between(world, first, last);

    tears->writes++;
    for (uint64_t b = first; b <= last; b++) {
        uint64_t from = b * block > pending->offset ? b * block : pending->offset;
        uint64_t end = (b + 1) * block < pending->offset + pending->len
                           ? (b + 1) * block
                           : pending->offset + pending->len;
        uint64_t fate = b == cut || mood > 1 ? world_below(world, 3) : b < cut ? 0 : behind;

        if (fate == 0)
            bytes_put(&inode->durable, from, pending->data + (from - pending->offset), end - from);
        if (fate == 2 && destroy(inode, b * block, block, synced_size, world))
            tears->synced_blocks++;
    }
}

/* Where a file is cut in the middle of a block, that block is written. */
static void tear_end(struct inode *inode, uint64_t size, uint64_t synced_size, struct world *world,
                     struct disk_tears *tears) {
    uint64_t block = disk_block_bytes(inode->disk);

    if (size % block == 0) return;
    tears->writes++;
    if (destroy(inode, size / block * block, block, synced_size, world)) tears->synced_blocks++;
}

void inode_power_cut(struct inode *inode, struct world *world, struct disk_tears *tears) {
    /* Sometimes the device had written all of it already, sometimes nothing; mostly each write has
     * its own fate. */
    uint64_t mood = world_below(world, 6);
    uint64_t synced_size = inode->durable.size;

    for (struct pending *pending = inode->first; pending != NULL; pending = pending->next) {
        uint64_t fate = mood == 0 ? 0 : mood == 1 ? 1 : world_below(world, 3);
        uint64_t end = pending->offset + pending->len;

        if (pending->truncate) {
            if (fate == 0) bytes_resize(&inode->durable, pending->offset);
            if (fate == 2) tear_end(inode, pending->offset, synced_size, world, tears);
            continue;
        }
        if (end > inode->durable.size && (mood == 0 || (mood > 1 && world_chance(world, 500000))))
            bytes_resize(&inode->durable,
                         end); /* the size went down, whatever becomes of the data */
        if (fate == 0) bytes_put(&inode->durable, pending->offset, pending->data, pending->len);
        if (fate == 2) tear(inode, pending, synced_size, world, tears);
    }
    bytes_settle(&inode->durable);
    drop_pending(inode);
    bytes_copy(&inode->content, &inode->durable);
    inode->lock_holder = NULL;
}

/* Mostly not a zero: many of those only fill a block, and nobody reads them. */
static uint64_t some_byte(const struct inode *inode, struct world *world) {
    uint64_t at = world_below(world, inode->durable.size);

    for (int tries = 0; tries < 20 && inode->durable.data[at] == 0; tries++)
        at = world_below(world, inode->durable.size);
    return at;
}

void inode_flip(struct inode *inode, struct world *world, uint64_t at) {
    uint8_t bit = (uint8_t)(1u << world_below(world, 8));

    inode->durable.data[at] ^= bit;
    if (at < inode->content.size) inode->content.data[at] ^= bit;
    world_trace(world, 0, "rot", inode->label, at, bit, 0);
}

bool inode_rot(struct inode *inode, struct world *world) {
    if (inode->durable.size == 0) return false;
    inode_flip(inode, world, some_byte(inode, world));
    return true;
}

/* What the cache has of it that waits to be written stays as it is. */
static bool put_damage(struct inode *inode, uint64_t at, const uint8_t *bytes, uint64_t len) {
    bool changed = false;

    for (uint64_t i = 0; i < len && at + i < inode->durable.size; i++) {
        uint8_t *durable = &inode->durable.data[at + i];
        if (at + i < inode->content.size && inode->content.data[at + i] == *durable)
            inode->content.data[at + i] = bytes[i];
        changed = changed || *durable != bytes[i];
        *durable = bytes[i];
    }
    return changed;
}

bool inode_damage(struct inode *inode, struct world *world, enum disk_damage how,
                  const struct inode *other) {
    static const uint8_t zeros[4096];
    uint64_t grain = world_chance(world, 500000) ? 512 : 4096;
    uint64_t block = some_byte(inode, world) / grain * grain;
    uint64_t from = world_below(world, (other->durable.size + grain - 1) / grain) * grain;
    uint64_t keeps = world_below(world, grain);
    bool changed;

    if (how == DISK_FLIPPED) return inode_rot(inode, world);
    if (how == DISK_STALE)
        changed = put_damage(inode, block + keeps, zeros, grain - keeps);
    else
        changed = put_damage(inode, block, other->durable.data + from,
                             other->durable.size - from < grain ? other->durable.size - from
                                                                : grain);
    world_trace(world, 0, how == DISK_STALE ? "stale" : "misdirected", inode->label, block, grain,
                0);
    return changed;
}

void inode_copy_durable(struct inode *into, const struct inode *from) {
    bytes_copy(&into->durable, &from->durable);
    bytes_copy(&into->content, &from->durable);
}

const char *inode_label(const struct inode *inode) {
    return inode->label;
}

bool inode_lock(struct inode *inode, const void *holder) {
    if (holder != NULL && inode->lock_holder != NULL && inode->lock_holder != holder) return false;
    inode->lock_holder = holder;
    return true;
}
