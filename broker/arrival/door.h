/*
 * Where clients stand that may not come in yet, because as many are connected as may be: accepted,
 * and not read.
 *
 * Happy path: door_push for who comes, door_take, the one that came first, when somebody has left.
 * Failures: when DOOR_PLACES stand there the one that came first is closed for the next: who is at
 * the end of a long queue in the kernel is seen all the same, and a client of this machine among
 * them can be told from the others (server.c). Invariant: a stream that stands here belongs to the
 * door.
 */
#ifndef BROKER_ARRIVAL_DOOR_H
#define BROKER_ARRIVAL_DOOR_H

#include "base/env.h"
#include "base/log.h"

enum { DOOR_PLACES = 8 };

struct door {
    struct {
        struct env_stream *stream;
        void *socket; /* by which it came: the server's */
    } waiting[DOOR_PLACES];
    unsigned first, count;
};

/* Takes the stream over. */
void door_push(struct door *door, struct env_stream *stream, void *socket);
/* Gives it back; NULL: nobody stands there. */
struct env_stream *door_take(struct door *door, void **socket);
void door_close(struct door *door); /* all are closed */

/* Of env_stream_peer: a client of this machine, by a loopback address. */
bool door_is_own(const char *peer);

/* Says that so many are here, which is all that may: `most`, or because of the limit of open files
 * `few_files` (else 0). */
void door_tell_full(struct log *log, struct log_limiter *limiter, size_t count, uint32_t most,
                    uint32_t few_files);

#endif
