/*
 * How far each broker is with the metadata. Whoever leads it knows; the others ask.
 *
 * Happy path: metadata_quorum_ask answers at once on the leader, and elsewhere when the leader has.
 * Failures: nobody leads, or no answer comes within QUORUM_ASK_MS: `done` without a quorum; whoever
 * wants it asks again. Nobody confirms that the leader still leads: this is for people to look at.
 * Invariant: `done` is called once, never inside metadata_quorum_ask.
 */
#ifndef BROKER_METADATA_METADATA_QUORUM_H
#define BROKER_METADATA_METADATA_QUORUM_H

#include "broker/metadata/metadata_group.h"
#include "broker/metadata/metadata_roster.h"

enum { QUORUM_ASK_MS = 2000 };

struct quorum_member {
    int32_t node;
    bool voter;
    int64_t end; /* behind the last entry that its log is known to have; -1: not known */
    /* By the clock of the leader, ms; -1: not known. When it was heard last (of the leader itself:
     * -1), and when it had all that the leader has. */
    int64_t heard_ms, caught_up_ms;
};

struct quorum {
    int32_t leader; /* broker; -1: whoever was asked does not lead */
    log_term term;
    int64_t high_watermark; /* behind the last entry that has committed */
    size_t member_count;
    struct quorum_member members[ROSTER_MAX]; /* as in the roster */
};

struct quorum_ask {
    void (*done)(struct quorum_ask *ask,
                 const struct quorum *quorum); /* NULL: not known at present */
    struct metadata_group *group;              /* ours, and so is the call */
    struct broker_call call;
};

/* True: `now` has the answer. False: `done` comes. */
bool metadata_quorum_ask(struct metadata_group *group, struct quorum_ask *ask, struct quorum *now);
void metadata_quorum_ask_cancel(struct quorum_ask *ask); /* `done` is not called */

#endif
