/*
 * A coordinator's log without a partition: what is written waits until the test lets it commit, so
 * a test decides when, and whether.
 *
 * Happy path: fake_log_open, fake_log_lead; what is written is applied and done with
 * fake_log_commit. fake_log_replay makes a second state from all that has committed, for the
 * comparison with the first. What is written in a transaction stays in it until fake_log_end.
 * Failures: fake_log_lose ends what waits with NOT_COORDINATOR (its
 * records are dropped, or commit later all the same); fake_log_refuse makes the next write fail;
 * fake_log_late ends what waits while it is still to commit.
 * Invariants: `done` never comes within the call that writes; confirms are answered with
 * fake_log_commit, or at once when nothing waits to commit and `confirms_at_once`.
 */
#ifndef TESTS_UNIT_BROKER_FIXTURE_COORDINATOR_LOG_H
#define TESTS_UNIT_BROKER_FIXTURE_COORDINATOR_LOG_H

#include "broker/coordinator/coordinator_log.h"

struct fake_batch;

struct fake_log {
    struct coordinator_log log; /* first */
    const struct coordinator_state *type;
    void *state;
    struct fake_batch *waiting, *committed; /* oldest first */
    struct coordinator_confirm *confirms[64];
    size_t confirm_count;
    size_t waiting_count;
    kafka_offset end_offset; /* of all that has committed */
    int64_t now_ms;          /* timestamp of what is written */
    bool leading;
    int32_t epoch;         /* one more with each lead */
    bool confirms_at_once; /* true from fake_log_open on */
    struct fake_snapshot *snapshot;
    int16_t refusal; /* the next write ends with it; 0: none */
};

void fake_log_open(struct fake_log *fake, const struct coordinator_state *type, void *state);
/* Frees what is kept here; the state is the test's. Nothing must wait. */
void fake_log_close(struct fake_log *fake);

void fake_log_lead(struct fake_log *fake);
/* Deposed: writes and confirms that wait end with NOT_COORDINATOR, then the state hears `lost`.
 * With `commits_later` the records of the writes are applied behind that, as by another leader. */
void fake_log_lose(struct fake_log *fake, bool commits_later);

/* The oldest `count` writes commit: each is applied, then its `done` is called; what they cause to
 * be written waits. Returns how many there were. */
size_t fake_log_commit(struct fake_log *fake, size_t count);
/* The same, until nothing waits; returns how many. */
size_t fake_log_commit_all(struct fake_log *fake);
/* The next write ends with that error of Kafka's, at the next commit. */
void fake_log_refuse(struct fake_log *fake, int16_t error);
/* The time of all that waits is over: COORDINATOR_NOT_AVAILABLE. It waits on, in doubt. */
void fake_log_late(struct fake_log *fake);
/* A batch that another leader wrote, as of a replica that follows. */
void fake_log_apply(struct fake_log *fake, const struct coordinator_record *records, size_t count);

/* A marker that ends the transaction of a producer commits. */
void fake_log_end(struct fake_log *fake, int64_t producer_id, bool commit);
/* fake_log_apply of a batch in the transaction of a producer. */
void fake_log_apply_in(struct fake_log *fake, int64_t producer_id,
                       const struct coordinator_record *records, size_t count);

/* All that has committed, from zero, to `apply` of another state. */
void fake_log_replay(const struct fake_log *fake, void *state);
/* From now on a snapshot is put together beside all that commits, a few records at a time, and
 * begun again when fake_log_restore has used it. False, before the state goes: no more. */
void fake_log_keep(struct fake_log *fake, bool keep);
/* The state of `fake` as a snapshot keeps it, to `apply` of an empty one; now and then from one
 * that was begun long ago, if fake_log_keep was called. */
void fake_log_restore(struct fake_log *fake, void *restored);
/* CHECKs that the records of both states are the same (in any order): of `state`, and of
 * `replayed`, which the test made empty and fake_log_replay filled. */
void fake_log_compare(const struct fake_log *fake, void *state, void *replayed);
/* The records of the newest committed batch, or of the newest that waits: for looking at them. */
size_t fake_log_newest(const struct fake_log *fake, const struct coordinator_record **records);

#endif
