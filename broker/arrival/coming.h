/*
 * How often clients come: all of them at a pace (max.connection.creation.rate), and those of an
 * address by its quota (connection_creation_rate, KIP-612).
 *
 * Happy path: who comes is counted; beyond the pace the others wait in the kernel until `changed`
 * says that they may. Failures: who comes too often from its address is held without being read,
 * and closed when its wait is over, so that it does not come again at once; beyond COMING_HELD the
 * one that came first is closed for the next. Invariant: a stream that is held belongs to this.
 */
#ifndef BROKER_ARRIVAL_COMING_H
#define BROKER_ARRIVAL_COMING_H

#include "base/env.h"
#include "base/io/pace.h"
#include "broker/quotas/quotas.h"

enum { COMING_HELD = 256 };

struct coming {
    struct env *env;
    struct quotas *quotas;
    struct pace pace;
    bool hasty; /* the next one is for later: none is to be accepted */
    struct env_timer *pace_timer, *held_timer;
    struct held_stream {
        struct env_stream *stream;
        uint64_t until_us;
    } held[COMING_HELD];
    unsigned first, count;
    void (*changed)(void *owner);
    void *owner;
};

/* `changed` comes when `hasty` may have changed. */
void coming_open(struct coming *coming, struct env *env, struct quotas *quotas,
                 void (*changed)(void *owner), void *owner);
/* None is held any more, and nothing is called. */
void coming_stop(struct coming *coming);
void coming_close(struct coming *coming);
/* New ones in a second; 0: as many as come. */
void coming_set_rate(struct coming *coming, uint32_t rate);
/* One has been accepted. */
void coming_count(struct coming *coming);
/* Whether its address has come too often; it is ours then. */
bool coming_holds(struct coming *coming, struct env_stream *stream, const char *peer);

#endif
