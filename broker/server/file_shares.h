/*
 * How the files that this process may have open (RLIMIT_NOFILE) are shared out, so that nobody
 * takes what another one needs.
 *
 * First comes what the broker cannot do without (the loop, listeners, links to the other brokers,
 * jobs, the journal at its largest); of the rest half at most is for clients, and what they do not
 * need for segments, which are closed and opened again as they are used. A number that is too low
 * for all of it still leaves a little for each: then calls fail with ERR_LIMIT, and are tried
 * again.
 */
#ifndef BROKER_SERVER_FILE_SHARES_H
#define BROKER_SERVER_FILE_SHARES_H

#include "broker/config/broker_settings.h"

enum {
    FILE_SHARE_LEAST = 8,       /* of clients, and of segments */
    FILE_SHARE_SEGMENTS = 4096, /* at most: more are not faster */
    FILE_SHARE_OWN = 8, /* clients of this machine beyond max.connections: of who operates it */
};

struct file_shares {
    uint32_t connections; /* at most what the settings ask for */
    uint32_t segments;
    uint32_t connections_most; /* if the settings asked for more later */
    bool too_few;              /* not even what the broker cannot do without */
};

struct file_shares file_shares_of(uint64_t files, const struct broker_settings *settings);

#endif
