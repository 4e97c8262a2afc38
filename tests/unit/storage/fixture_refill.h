/*
 * Two replicas of one keyed log, filled with the same. Ours is damaged, and is written again with
 * what theirs has of it, be that cleaned or gone.
 */
#ifndef TESTS_UNIT_STORAGE_FIXTURE_REFILL_H
#define TESTS_UNIT_STORAGE_FIXTURE_REFILL_H

#include "storage/heal/wound.h"
#include "storage/log/log_healing.h"
#include "tests/unit/storage/fixture_keyed_log.h"

enum { ENTRIES_MOST = 4096, MANY_KEYS = 100000 };

struct refill_test {
    struct keyed_log ours, theirs;
    struct log_healing healing;
    struct wound_mending *mending;
    struct entry *given[ENTRIES_MOST];
    size_t count, at;
    bool came, over, gives, breaks_off, knows_little;
    unsigned states; /* were lacking */
    int error;
    uint64_t entries;
    unsigned begun;
};

void refill_set_up(struct refill_test *test, uint64_t seed);
void refill_tear_down(struct refill_test *test);
/* What theirs has of these entries is in `given`. */
void refill_take_range(struct refill_test *test, log_index first, log_index last);
/* A bit of a file of ours. */
void refill_flip(struct refill_test *test, const char *suffix, kafka_offset base, off_t at);
/* Whoever reads all of ours has the last value of each key, and of no other. */
void refill_check(struct refill_test *test);
/* The same behind a stop, and behind a cleaning. */
void refill_assert_whole(struct refill_test *test);

/* What an opening of ours that fails has noted; the caller's. */
struct wound refill_fail_to_open(struct refill_test *test);
/* Of a wound of ours: theirs gives ranges, and no single entries. */
extern const struct wound_mending_events refill_wound_events;
void refill_wound_done(void *arg, int error, uint64_t entries);

#endif
