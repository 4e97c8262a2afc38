/*
 * Machines that run raft-glue and storage, without brokers: each a log store, a shard and the same
 * few groups.
 *
 * Entries are submitted wherever a group leads, and everything that a process hears (commits,
 * leadership) goes to the ledger. When a process hears of the commit of what it submitted itself,
 * that is the acknowledgement: the entry must be durable on a majority of the disks at that very
 * moment.
 */
#ifndef SIM_VOTERS_H
#define SIM_VOTERS_H

#include "raft-glue/raft_group.h"
#include "tests/sim/ledger.h"
#include "tests/sim/nemesis.h"

enum { VOTERS_MAX = 5, VOTER_GROUPS_MAX = 3, VOTERS_SEEN_MAX = 12 };

struct voters;

/* One machine. The fields of its process are those of the last one that ran. */
struct voter {
    struct voters *all;
    unsigned place;
    struct node *node;
    struct durable_index *durable; /* what its disk holds */
    uint64_t journal_most;         /* bytes that its journal may have */
    struct env *env;
    struct log log;
    struct log_store *store;
    struct shard *shard;
    struct raft_group *groups[VOTER_GROUPS_MAX];
    struct voter_group *state[VOTER_GROUPS_MAX];
    struct env_timer *timer;
    bool serving; /* opened all groups */
};

/* One group in one process. */
struct voter_group {
    struct voter *voter;
    unsigned place;
    uint64_t process;       /* counted over all machines */
    uint64_t applied;       /* the last committed entry that was handed over */
    uint64_t submitted[64]; /* indexes of our own that were not yet committed */
    unsigned submitted_count;
    uint32_t submitted_term;
    bool leading;
    struct raft_group_read_index confirm;
    bool confirming;
    uint64_t confirm_floor;
};

/* A configuration that some replica had. */
struct voters_seen {
    uint64_t index;
    uint32_t machines; /* those that vote, as bits */
};

struct voters {
    struct run *run;
    struct ledger *ledger;
    struct nemesis *nemesis;
    unsigned count, groups;
    uint64_t processes;
    struct voter voters[VOTERS_MAX];
    unsigned sole_voter_group; /* a group of which only one machine is a voter, the others are
                                  stand-bys; VOTER_GROUPS_MAX: none */
    unsigned sole_voter;       /* that machine */
    bool changing, growing;    /* configurations change; only towards all as voters */
    struct voters_seen seen[VOTER_GROUPS_MAX][VOTERS_SEEN_MAX]; /* the highest index last */
    unsigned seen_count[VOTER_GROUPS_MAX];
    bool submitting;
    uint32_t idle; /* machines that submit nothing all the same, as bits */
    uint64_t acknowledged[VOTER_GROUPS_MAX]; /* the highest index */
    uint32_t newest_term[VOTER_GROUPS_MAX];  /* that somebody said to lead */
};

/* Machines 1..count are made, none is started. */
void voters_init(struct voters *voters, struct run *run, unsigned count, unsigned groups);
void voters_start(struct voters *voters, unsigned place);
/* Hands its leaderships over, flushes and exits. */
void voters_stop(struct voters *voters, unsigned place);
/* Adds up what its process did so far, if it has not ended. */
void voters_count(const struct voter *voter);
/* Prints where everybody stands. */
void voters_describe(const struct voters *voters);
extern const char voters_journal[];

#endif
