/*
 * Sends frames to brokers over many connections at a time, and judges what comes back.
 *
 * A frame is answered, or its connection is closed; one that is neither for a while (a long Fetch,
 * acks=0) is left alone: its connection is closed, in turns by FIN and by RST. Some clients die on
 * purpose: in the middle of a frame, or with the answer under way. An answer has the right
 * correlation id and can be decoded. Failure: a broker that cannot be dialled, or does nothing for
 * PUMP_SILENT_MS, or gives a wrong answer; then the frames that may have been the reason are
 * written down.
 */
#ifndef TESTS_GARBAGE_PUMP_H
#define TESTS_GARBAGE_PUMP_H

#include <stdio.h>

#include "tests/garbage/frames.h"

enum { PUMP_PORTS_MAX = 9, PUMP_SILENT_MS = 20000 };

struct pump_options {
    int ports[PUMP_PORTS_MAX];
    unsigned port_count;
    unsigned connections;        /* to each port */
    unsigned patience_ms;        /* for one answer */
    unsigned every;              /* one of so many frames is sent */
    const char *user, *password; /* logged in, over TLS (door.h); NULL: neither */
};

struct pump_counts {
    uint64_t frames, answered, closed, left, died;
    uint64_t slowest_ms; /* the longest that a broker took to answer, or to close */
};

/* Until the frames are over: true; `suspects` gets the frames that were under way at that broker in
 * its slowest moment, a line of hex for each. False after a failure: `why` says which, and
 * `suspects` has the frames of that moment. */
bool pump_run(const struct pump_options *options, struct frames *frames, struct pump_counts *counts,
              char why[256], FILE *suspects);

#endif
