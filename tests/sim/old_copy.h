/*
 * An old copy of one broker's directory, to be put back: what the others must know before that is a
 * fair test.
 *
 * A broker notices an old copy by what the others remember of its journal, and they write that down
 * from time to time. So the copy may come back when each of the others has on its own disk that the
 * journal was beyond it: nothing that goes wrong afterwards may hide it then.
 */
#ifndef SIM_OLD_COPY_H
#define SIM_OLD_COPY_H

#include <stdbool.h>
#include <stdint.h>

struct cluster;
struct broker;

enum { OLD_COPY_BROKERS_MAX = 5 };

struct old_copy {
    unsigned place;
    uint64_t directory; /* whose, as in storage/journal/journal.h */
    uint64_t
        sequence; /* no round beyond this is in the copy; 0: there is none that could be put back */
    struct {
        const struct broker *run; /* the process that recorded it, */
        uint64_t sequence;        /* when its journal was here: durable when a later round is */
        bool durable;
    } knows[OLD_COPY_BROKERS_MAX]; /* by place */
};

/* The copy of that broker's disk was taken just now. */
void old_copy_taken(struct cluster *cluster, unsigned place);
/* Looks who knows by now; often. */
void old_copy_look(struct cluster *cluster);
/* All do. */
bool old_copy_is_known(const struct cluster *cluster);

#endif
