/* Runs by offset, and how many runs each key has. */
#include "broker/share/key_holds.h"

#include <uthash.h>

#include "base/mem.h"
#include "base/mutant.h"

struct key_hold {
    uint64_t key, holder;
    size_t runs;
    kafka_offset back; /* the first that came back since the last settling; INT64_MAX: none */
    UT_hash_handle hh;
};

static struct key_hold *hold_of(const struct key_holds *holds, uint64_t key) {
    struct key_hold *hold;
    HASH_FIND(hh, holds->keys, &key, sizeof key, hold);
    return hold;
}

static struct key_run *run_at(const struct key_holds *holds, size_t place) {
    return offset_ranges_at(&holds->runs, place);
}

void key_holds_open(struct key_holds *holds) {
    *holds = (struct key_holds){.runs = {.size = sizeof(struct key_run)}};
}

static void free_key(struct key_holds *holds, struct key_hold *hold) {
    HASH_DEL(holds->keys, hold);
    mem_free(hold);
}

void key_holds_close(struct key_holds *holds) {
    while (holds->keys != NULL)
        free_key(holds, holds->keys);
    offset_ranges_free(&holds->runs);
}

uint64_t key_holds_holder(const struct key_holds *holds, uint64_t key) {
    const struct key_hold *hold = hold_of(holds, key);
    return hold == NULL ? KEY_FREE : hold->holder;
}

void key_holds_add(struct key_holds *holds, struct offset_range at, uint64_t key, uint64_t holder) {
    struct key_hold *hold = hold_of(holds, key);
    if (hold == NULL) {
        hold = mem_zalloc(sizeof *hold);
        *hold = (struct key_hold){.key = key, .holder = holder, .back = INT64_MAX};
        HASH_ADD(hh, holds->keys, key, sizeof hold->key, hold);
    }
    hold->runs++;
    size_t place = offset_ranges_find(&holds->runs, at.first);
    *(struct key_run *)offset_ranges_insert(&holds->runs, place) = (struct key_run){at, key};
}

/* Where one ends and the next begins: as two runs of its key. */
static size_t split(struct key_holds *holds, kafka_offset offset) {
    size_t count = holds->runs.count, place = offset_ranges_split(&holds->runs, offset);
    if (holds->runs.count > count) hold_of(holds, run_at(holds, place)->key)->runs++;
    return place;
}

void key_holds_remove(struct key_holds *holds, struct offset_range at) {
    if (holds->runs.count == 0) return;
    size_t from = split(holds, at.first), to = split(holds, at.last + 1);
    for (size_t i = from; i < to; i++) {
        struct key_hold *hold = hold_of(holds, run_at(holds, i)->key);
        if (hold == NULL) continue; /* only with the mutant */
        if (--hold->runs == 0 || MUTANT(MUTANT_SHARE_KEY_FREED)) free_key(holds, hold);
    }
    offset_ranges_remove(&holds->runs, from, to - from);
}

/* ---- What comes back ---- */

void key_holds_block(struct key_holds *holds, struct offset_range at) {
    for (size_t i = offset_ranges_find(&holds->runs, at.first);
         i < holds->runs.count && run_at(holds, i)->at.first <= at.last; i++) {
        const struct key_run *run = run_at(holds, i);
        struct key_hold *hold = hold_of(holds, run->key);
        kafka_offset first = run->at.first > at.first ? run->at.first : at.first;
        if (hold == NULL) continue; /* only with the mutant */
        hold->holder = (uint64_t)KEY_BLOCKED;
        holds->back = true;
        if (first < hold->back) hold->back = first;
    }
}

const struct key_run *key_holds_follower(const struct key_holds *holds, kafka_offset offset) {
    if (!holds->back) return NULL;
    for (size_t i = offset_ranges_find(&holds->runs, offset); i < holds->runs.count; i++) {
        const struct key_run *run = run_at(holds, i);
        const struct key_hold *hold = hold_of(holds, run->key);
        if (hold != NULL && run->at.first >= offset && run->at.first > hold->back) return run;
    }
    return NULL;
}

void key_holds_settle(struct key_holds *holds) {
    if (!holds->back) return;
    holds->back = false;
    for (struct key_hold *hold = holds->keys; hold != NULL; hold = hold->hh.next)
        hold->back = INT64_MAX;
}
