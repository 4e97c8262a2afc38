/* A table with open addressing, twice as large as what is in it at least. */
#include "broker/coordinator/group/topic_set.h"

#include <string.h>

#include "base/mem.h"
#include "broker/coordinator/group/group_hash.h"

/* A unit is two or three nanoseconds: so many are a millisecond or two, and 20,000 names. */
enum {
    WORK_OF_PASS = 1,
    WORK_OF_LOOK = 8,
    WORK_OF_NEW = 32,
    WORK_MOST = 800000,
    SLOTS_FIRST = 16,
};

struct topic_set_slot {
    const char *data; /* NULL: empty */
    int32_t len;
    uint32_t hash; /* of it, so that few texts are looked at, and none when the table grows */
};

void topic_set_open(struct topic_set *set, uint64_t seed) {
    *set = (struct topic_set){.seed = seed, .work = WORK_MOST};
}

void topic_set_close(struct topic_set *set) {
    mem_free(set->slots);
    *set = (struct topic_set){.slots = NULL};
}

static bool is_same(const struct topic_set_slot *slot, const struct topic_set_slot *name) {
    return slot->hash == name->hash && slot->len == name->len &&
           memcmp(slot->data, name->data, (size_t)name->len) == 0;
}

/* The one that has it, or where it would be. */
static struct topic_set_slot *slot_of(const struct topic_set *set,
                                      const struct topic_set_slot *name) {
    size_t mask = set->slot_count - 1, at = name->hash & mask;
    while (set->slots[at].data != NULL && !is_same(&set->slots[at], name))
        at = (at + 1) & mask;
    return &set->slots[at];
}

static void grow(struct topic_set *set) {
    struct topic_set_slot *before = set->slots;
    size_t count = set->slot_count;
    set->slot_count = count == 0 ? SLOTS_FIRST : 2 * count;
    set->slots = mem_zalloc(set->slot_count * sizeof *set->slots);
    for (size_t i = 0; i < count; i++)
        if (before[i].data != NULL) *slot_of(set, &before[i]) = before[i];
    mem_free(before);
}

static struct topic_set_slot named(const struct topic_set *set, struct kp_string name) {
    if (name.len <= 0) name = kp_string_of(""); /* null, or of no memory */
    return (struct topic_set_slot){name.data, name.len,
                                   group_hash(set->seed, name.data, (size_t)name.len)};
}

static void spend(struct topic_set *set, size_t work) {
    if (work >= set->work) set->all = true;
    set->work -= set->all ? set->work : (uint32_t)work;
}

bool topic_set_add(struct topic_set *set, struct kp_string name) {
    spend(set, WORK_OF_LOOK);
    if (set->all) return true;
    if (2 * (set->count + 1) > set->slot_count) grow(set);
    struct topic_set_slot added = named(set, name), *slot = slot_of(set, &added);
    if (slot->data != NULL) return false;
    *slot = added;
    set->count++;
    spend(set, WORK_OF_NEW);
    return true;
}

void topic_set_pass(struct topic_set *set, size_t names) {
    spend(set, names * WORK_OF_PASS);
}

void topic_set_add_all(struct topic_set *set) {
    set->all = true;
}

bool topic_set_has(const struct topic_set *set, struct kp_string name) {
    if (set->all) return true;
    if (set->slots == NULL || name.len < 0) return false;
    struct topic_set_slot sought = named(set, name);
    return slot_of(set, &sought)->data != NULL;
}
