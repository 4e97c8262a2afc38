/*
 * Brokers watch each other's journals: one that went back in time has forgotten what it
 * acknowledged and for whom it voted, and cannot see that by itself. An old copy of a directory was
 * put back, or a disk lost what it had synced.
 *
 * Happy path: with its acceptance each side of a new link tells what it has seen of the other's
 * journal, and that one compares it with the journal it has (journal_covers). Only then is the link
 * made. On it each tells in which run, and how far, it is durable, before messages that stand on
 * newer rounds. What is heard is kept, and written into the own journal a second later at the
 * latest.
 * Failures: it has less than it told before. Then it disowns its journal and ends (env_fatal), and
 * never starts again with it. What was told within the last second, to peers that died too, may be
 * forgotten: that hides a loss of as much, never makes one up. Invariants: what is told is durable,
 * and of a journal that covers what that peer saw; nothing goes either way between two brokers
 * while that is not known.
 *
 * A broker whose journal went back in time does not vote, campaign or acknowledge:
 * docs/decisions/0011.
 */
#ifndef RAFT_GLUE_PEER_ROLLBACK_GUARD_H
#define RAFT_GLUE_PEER_ROLLBACK_GUARD_H

#include "raft-glue/peer/peers.h"
#include "storage/journal/journal.h"

struct rollback_guard;

/* ERR_CORRUPT: an earlier run found that our journal went back in time. */
int rollback_guard_open(struct env *env, struct journal *journal, struct peers *peers,
                        struct rollback_guard **witness, struct error_text *why);
void rollback_guard_close(struct rollback_guard *witness);

/* That broker said hello with that directory: what was seen of its journal. */
struct peer_journal rollback_guard_seen(struct rollback_guard *witness, int32_t node,
                                        const uint8_t directory[PEER_UUID_SIZE]);
/* That broker has seen so much of ours. False: ours does not cover it. */
bool rollback_guard_accepted(struct rollback_guard *witness, int32_t node,
                             const struct peer_journal *of_ours);
/* The link came up: before anything else is sent on it. */
void rollback_guard_up(struct rollback_guard *witness, int32_t node);
/* Before results and votes go to it: tells how far the journal is durable by now, unless it knows.
 */
void rollback_guard_tell(struct rollback_guard *witness, int32_t node);
/* A PEER_KIND_JOURNAL of that broker, whose payload is taken over. May break the link. */
void rollback_guard_hear(struct rollback_guard *witness, int32_t node, struct slice payload);
/* It went back, and this process ends as soon as that is recorded: nothing that arrives may be
 * acted upon. */
bool rollback_guard_is_lost(const struct rollback_guard *witness);

#endif
