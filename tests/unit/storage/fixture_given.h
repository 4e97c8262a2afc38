/*
 * The beginning of a log as a leader gives it, and a member of the same group that lacks it.
 *
 * given_set_up makes the leader's log, of which a prefix is gone, and the list of its state and of
 * as many sealed segments as a test wants; the member's log has a few entries of its own.
 * given_fetch and given_install do what raft-glue does. The two logs are in two folders.
 */
#ifndef TESTS_UNIT_STORAGE_FIXTURE_GIVEN_H
#define TESTS_UNIT_STORAGE_FIXTURE_GIVEN_H

#include "storage/log/log_staging.h"
#include "tests/unit/storage/fixture_log_model.h"

enum { GIVEN_FILES = 8 };

struct given {
    struct log_model leader, member;
    struct prefix_files list;
    uint8_t *bytes[GIVEN_FILES]; /* of each file */
    struct log_staging *staging; /* of the member */
    bool moved;
    int error;           /* of the last step of it */
    uint64_t last_given; /* where the list ends */
};

void given_set_up(struct given *given, size_t segments, uint64_t seed);
void given_open_member(struct given *given, uint64_t seed); /* part of it */
void given_tear_down(struct given *given);

void given_open(struct given *given); /* the staging; waits until it has looked */
/* The piece that is wanted next; its bytes may be changed by `spoil` (NULL: not). Waits. */
void given_put(struct given *given, uint32_t most, void (*spoil)(uint8_t *bytes, size_t len));
void given_put_all(struct given *given);
void given_prepare(struct given *given);
void given_fetch(struct given *given); /* all of these */
/* The staging is gone, and the member's log is the leader's from now on; waits until it is told. */
void given_install(struct given *given);
/* Without waiting. */
void given_begin_install(struct given *given);
/* The model of the member is what the leader's log is up to where the list ends. */
void given_follow(struct given *given);
/* The rest of the leader's log comes as entries. */
void given_go_on(struct given *given);

/* "<the member's group>.in/<name>"; mem_free. */
char *given_staged_path(const struct given *given, const char *name);

#endif
