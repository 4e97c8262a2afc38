/* A hash of names, whose rows are lists that are searched by halves. */
#include "broker/coordinator/share/share_readers.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "broker/coordinator/share/share_group_internal.h"

static struct share_readers *find(const struct share_group *group, const char *name, size_t len) {
    struct share_readers *readers;
    unsigned hash = group_hash(group->row->table->seed, name, len);
    HASH_FIND_BYHASHVALUE(hh, group->readers, name, (unsigned)len, hash, readers);
    return readers;
}

static size_t row_bytes(size_t name_len) {
    return sizeof(struct share_readers) + name_len + 1;
}

static struct share_readers *row_new(struct share_group *group, const char *name, size_t len) {
    struct share_readers *readers = mem_zalloc(sizeof *readers);
    unsigned hash = group_hash(group->row->table->seed, name, len);
    readers->name = mem_text(name, len);
    HASH_ADD_KEYPTR_BYHASHVALUE(hh, group->readers, readers->name, (unsigned)len, hash, readers);
    group_charge(group->row, row_bytes(len));
    return readers;
}

static void row_free(struct share_group *group, struct share_readers *readers, size_t len) {
    HASH_DEL(group->readers, readers);
    group_release(group->row, row_bytes(len) + readers->capacity * sizeof(struct share_member *));
    mem_free(readers->members);
    mem_free(readers->name);
    mem_free(readers);
}

/* How many come before that id. */
static size_t place_of(const struct share_readers *readers, const char *id) {
    size_t low = 0, high = readers->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(readers->members[middle]->id, id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void add(struct share_group *group, struct share_readers *readers,
                struct share_member *member) {
    size_t before = readers->capacity, at = place_of(readers, member->id);
    readers->members = mem_grow(readers->members, readers->count, &readers->capacity,
                                sizeof(struct share_member *));
    group_charge(group->row, (readers->capacity - before) * sizeof(struct share_member *));
    memmove(readers->members + at + 1, readers->members + at,
            (readers->count - at) * sizeof(struct share_member *));
    readers->members[at] = member;
    readers->count++;
}

bool share_readers_enter(struct share_member *member) {
    struct share_group *group = member->group;
    bool is_new = false;
    for (size_t at = 0, len; at < member->names_len; at += len + 1) {
        const char *name = member->names + at;
        len = strlen(name);
        struct share_readers *readers = find(group, name, len);
        is_new = is_new || readers == NULL;
        if (readers == NULL) readers = row_new(group, name, len);
        add(group, readers, member);
    }
    return is_new;
}

void share_readers_leave(struct share_member *member) {
    struct share_group *group = member->group;
    for (size_t at = 0, len; at < member->names_len; at += len + 1) {
        len = strlen(member->names + at);
        struct share_readers *readers = find(group, member->names + at, len);
        size_t place = place_of(readers, member->id);
        CHECK(readers->members[place] == member); /* it has entered */
        readers->count--;
        memmove(readers->members + place, readers->members + place + 1,
                (readers->count - place) * sizeof(struct share_member *));
        if (readers->count == 0) row_free(group, readers, len);
    }
}

void share_readers_place(const struct share_member *member, const char *name, int32_t *of,
                         int32_t *place) {
    const struct share_readers *readers = find(member->group, name, strlen(name));
    *of = (int32_t)readers->count;
    *place = (int32_t)place_of(readers, member->id);
}
