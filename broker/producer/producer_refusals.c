/* Refusals by producer id, and in the order in which they came. */
#include "broker/producer/producer_refusals.h"

#include "base/check.h"
#include "base/mem.h"
#include "broker/producer/producer_hash.h"

#include <utlist.h>

struct kept {
    int64_t id;
    struct refusal refusal;
    struct kept *next, *prev; /* as they came */
    UT_hash_handle hh;
};

struct refusals {
    uint32_t most;
    uint64_t seed;
    struct kept *table, *oldest;
    int64_t lost_until_ms;
};

struct refusals *refusals_new(uint32_t most, uint64_t seed) {
    CHECK(most > 0); /* a row of the settings, at least 1 */
    struct refusals *refusals = mem_zalloc(sizeof *refusals);
    refusals->most = most;
    refusals->seed = seed;
    refusals->lost_until_ms = INT64_MIN;
    return refusals;
}

static struct kept *producer_refusals_find(const struct refusals *refusals, int64_t producer_id) {
    struct kept *found;
    HASH_FIND_BYHASHVALUE(hh, refusals->table, &producer_id, sizeof producer_id,
                          producer_hash(refusals->seed, producer_id), found);
    return found;
}

static void producer_refusals_drop(struct refusals *refusals, struct kept *kept) {
    HASH_DELETE(hh, refusals->table, kept);
    DL_DELETE(refusals->oldest, kept);
    mem_free(kept);
}

void refusals_clear(struct refusals *refusals) {
    while (refusals->oldest != NULL)
        producer_refusals_drop(refusals, refusals->oldest);
    refusals->lost_until_ms = INT64_MIN;
}

void refusals_free(struct refusals *refusals) {
    refusals_clear(refusals);
    mem_free(refusals);
}

void refusals_drop(struct refusals *refusals, int64_t producer_id) {
    struct kept *kept = producer_refusals_find(refusals, producer_id);
    if (kept != NULL) producer_refusals_drop(refusals, kept);
}

static void make_room(struct refusals *refusals, int64_t now_ms) {
    struct kept *oldest;
    while ((oldest = refusals->oldest) != NULL) {
        int64_t until_ms = oldest->refusal.when_ms + PRODUCER_REFUSED_MS;
        if (now_ms < until_ms && HASH_COUNT(refusals->table) < refusals->most) return;
        if (now_ms < until_ms && until_ms > refusals->lost_until_ms)
            refusals->lost_until_ms = until_ms;
        producer_refusals_drop(refusals, oldest);
    }
}

void refusals_note(struct refusals *refusals, int64_t producer_id, const struct refusal *refusal) {
    refusals_drop(refusals, producer_id);
    make_room(refusals, refusal->when_ms);
    struct kept *kept = mem_zalloc(sizeof *kept);
    kept->id = producer_id;
    kept->refusal = *refusal;
    HASH_ADD_BYHASHVALUE(hh, refusals->table, id, sizeof kept->id,
                         producer_hash(refusals->seed, producer_id), kept);
    DL_APPEND(refusals->oldest, kept);
}

const struct refusal *refusals_find(const struct refusals *refusals, int64_t producer_id) {
    const struct kept *kept = producer_refusals_find(refusals, producer_id);
    return kept == NULL ? NULL : &kept->refusal;
}

bool refusals_lost_one(const struct refusals *refusals, int64_t now_ms) {
    return now_ms < refusals->lost_until_ms;
}

uint32_t refusals_count(const struct refusals *refusals) {
    return HASH_COUNT(refusals->table);
}
