/*
 * A coordinator that has nothing but offsets: on a log whose commits the test decides, with a
 * virtual clock, and with rules that say what the test wants.
 *
 * Happy path: offsets_open, then calls of the product; offsets_check_replay compares the state with
 * a replay of the log from zero. Invariant: offsets_close finds the loop and the store clean.
 */
#ifndef TESTS_UNIT_BROKER_COORDINATOR_FIXTURE_OFFSETS_H
#define TESTS_UNIT_BROKER_COORDINATOR_FIXTURE_OFFSETS_H

#include "broker/config/broker_settings.h"
#include "broker/coordinator/offsets/offset_rules.h"
#include "broker/coordinator/offsets/offset_store.h"
#include "tests/unit/broker/coordinator/fixture_group_clock.h"
#include "tests/unit/broker/fixture_coordinator_log.h"

struct offset_sweep;

/* What a replica has. */
struct offsets_replica {
    struct group_table table;
    struct offset_store *store;
    struct offset_sweep *sweep; /* hears that it leads; NULL: none */
    int last_error;             /* of the last record */
};

struct offsets_fixture {
    struct group_clock clock;
    struct broker_settings settings;
    struct group_memory memory;
    struct fake_log log;
    struct offsets_replica live;
    /* What the rules say; zero: everything is allowed, offsets stay. */
    int16_t commit_error, fetch_error, remove_error;
    int32_t refused_partition; /* a commit of it is refused on its own; 0: of none */
    const char *subscribed;    /* the topic that members read; NULL: none */
    int reads_asked;           /* how often that was */
    struct offset_age age;
    struct offset_rules rules;
};

void offsets_open(struct offsets_fixture *fixture);
void offsets_close(struct offsets_fixture *fixture);
/* The state is gone, as of a replica that is closed. */
void offsets_forget(struct offsets_fixture *fixture);
/* Whatever can go on without a commit of the log goes on; some milliseconds pass. */
void offsets_turns(struct offsets_fixture *fixture);
void offsets_check_replay(struct offsets_fixture *fixture);
/* What another leader wrote. */
void offsets_put(struct offsets_fixture *fixture, const char *group, const char *topic,
                 const struct committed_offset *offset);
/* -1: none. */
int64_t offsets_get(const struct offsets_fixture *fixture, const char *group, const char *topic,
                    int32_t partition);

#endif
