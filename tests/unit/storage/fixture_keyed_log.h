/*
 * A log of keyed records that is cleaned, and its model: all records that were ever appended.
 *
 * What a cleaned log must still have follows from the model alone: above the last cleaned offset
 * every record; below it the last one of each key, unless it is a tombstone that may go, and the
 * last record of all.
 */
#ifndef TESTS_UNIT_STORAGE_FIXTURE_KEYED_LOG_H
#define TESTS_UNIT_STORAGE_FIXTURE_KEYED_LOG_H

#include "storage/log/log_cleaning.h"
#include "tests/unit/storage/fixture_log_model.h"

struct keyed_record {
    int key; /* -1: null */
    uint32_t value;
    bool tombstone;
    int64_t timestamp;
};

struct keyed_log {
    struct log_model model;
    struct keyed_record *records; /* by offset */
    size_t room;
    int keys; /* of which new records have one */
    struct log_clean_options options;
    struct clean_aborted_one aborted; /* a round is told of it; producer 0: of nothing */
    struct log_cleaning cleaning;
    bool over;
    int error; /* of the last round */
    /* A test's that is told of a new start in the model's place. */
    void (*told)(void *arg);
    struct prefix_source *given;
};

/* Small segments, nothing in them; a map for `map_keys` keys. */
void keyed_log_open(struct keyed_log *keyed, uint64_t seed, size_t map_keys);
void keyed_log_close(struct keyed_log *keyed);
/* Entries of records, and some without, until there are so many segments; all synced. */
void keyed_log_fill(struct keyed_log *keyed, size_t segments);
/* Records of one key (-1: null) alone, one entry each, which are committed. */
void keyed_log_append(struct keyed_log *keyed, int key, size_t count);
void keyed_log_settle(struct keyed_log *keyed); /* committed and synced */

/* What a round with no other limits would find. */
struct log_cleanable keyed_log_cleanable(const struct keyed_log *keyed);
void keyed_log_begin(struct keyed_log *keyed);
void keyed_log_finish(struct keyed_log *keyed);
/* Rounds until nothing is dirty; returns how many. */
unsigned keyed_log_clean(struct keyed_log *keyed);

/* Every record that must be there is, as it was, and none that was never there; with `exact` none
 * that need not be. Read from the beginning, with small and large fetches. */
void keyed_log_check(struct keyed_log *keyed, bool exact);
/* One fetch, checked likewise; returns where the next one goes on. */
int64_t keyed_log_read_some(struct keyed_log *keyed, int64_t offset, uint64_t max_bytes);
/* The same from every offset, and searches by time. */
void keyed_log_check_places(struct keyed_log *keyed);

#endif
