/*
 * What is known of all Raft groups of a cluster, whoever said it; what contradicts it fails the
 * run.
 *
 * Facts: an entry (group, index, term) and its bytes (log matching, Raft section 5.3); the entry
 * that is committed at an index (state machine safety, 5.4.3); who leads a term (election
 * safety, 5.2). Facts never change, and are forgotten only with a majority that is given up.
 */
#ifndef SIM_LEDGER_H
#define SIM_LEDGER_H

#include "storage/entry.h"
#include "tests/sim/run.h"

struct ledger;
struct ledger *ledger_new(struct run *run);

/* `who`: for the message. */
void ledger_entry(struct ledger *ledger, const char *who, const struct entry *entry);
void ledger_committed(struct ledger *ledger, const char *who, uint64_t group, uint64_t index,
                      uint32_t term);
void ledger_leader(struct ledger *ledger, uint64_t group, uint32_t term, uint64_t replica);
/* `process`: of the leader, never 0. A term is led once: one that starts again has forgotten what
 * it promised in it. */
void ledger_led_by(struct ledger *ledger, uint64_t group, uint32_t term, uint64_t process);

/* The term of the committed entry; 0: not known to be committed. */
uint32_t ledger_committed_term(const struct ledger *ledger, uint64_t group, uint64_t index);
/* The highest index known to be committed. */
uint64_t ledger_last_committed(const struct ledger *ledger, uint64_t group);
/* Whether such an entry was ever seen. */
bool ledger_knows(const struct ledger *ledger, uint64_t group, uint64_t index, uint32_t term);

/* A majority of the group was given up, and it goes on with a log whose last entry is `last`: what
 * was committed and is not in it (`term_at`) is forgotten. */
void ledger_lose(struct ledger *ledger, uint64_t group, uint64_t last,
                 uint32_t (*term_at)(void *arg, uint64_t index), void *arg);

/* What entry->header and body really are, not what their checksums say. */
uint64_t ledger_content(const struct entry *entry);

#endif
