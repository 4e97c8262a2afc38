/* What is needed goes first; half of the rest is for connections, what remains for segments. */
#include "broker/server/file_shares.h"

#include "broker/arrival/door.h"

enum {
    /* Loop, threads, log, lock, listeners, the jobs that open something for a moment, and clients
     * beyond the limit: at the door, and of this machine. */
    FIXED = 48 + DOOR_PLACES + FILE_SHARE_OWN,
    FOR_WATCHERS = 40, /* of http.listen: its connections and its loop */
    PER_BROKER = 4     /* two connections, and two more while they are made anew */
};

static uint64_t between(uint64_t least, uint64_t value, uint64_t most) {
    return value < least ? least : value > most ? most : value;
}

struct file_shares file_shares_of(uint64_t files, const struct broker_settings *settings) {
    uint64_t journal = settings->journal_max_bytes / settings->journal_file_bytes + 2;
    uint64_t watchers = settings->http_host[0] != '\0' ? FOR_WATCHERS : 0;
    uint64_t needed = FIXED + watchers + PER_BROKER * (uint64_t)settings->node_count + journal;
    uint64_t rest = files > needed ? files - needed : 0;
    uint64_t connections = between(FILE_SHARE_LEAST, rest / 2, UINT32_MAX);
    if (connections > settings->max_connections) connections = settings->max_connections;
    uint64_t segments = between(FILE_SHARE_LEAST, rest > connections ? rest - connections : 0,
                                FILE_SHARE_SEGMENTS);
    uint64_t most = between(connections, rest > segments ? rest - segments : 0, UINT32_MAX);
    return (struct file_shares){.connections = (uint32_t)connections,
                                .segments = (uint32_t)segments,
                                .connections_most = (uint32_t)most,
                                .too_few = rest < 2 * FILE_SHARE_LEAST};
}
