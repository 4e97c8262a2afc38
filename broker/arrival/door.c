/* A ring. */
#include "broker/arrival/door.h"

#include <string.h>

void door_push(struct door *door, struct env_stream *stream, void *socket) {
    void *unused;
    if (door->count == DOOR_PLACES) env_stream_close(door_take(door, &unused));
    unsigned at = (door->first + door->count++) % DOOR_PLACES;
    door->waiting[at].stream = stream;
    door->waiting[at].socket = socket;
}

struct env_stream *door_take(struct door *door, void **socket) {
    if (door->count == 0) return NULL;
    struct env_stream *stream = door->waiting[door->first].stream;
    *socket = door->waiting[door->first].socket;
    door->first = (door->first + 1) % DOOR_PLACES;
    door->count--;
    return stream;
}

void door_close(struct door *door) {
    struct env_stream *stream;
    void *unused;
    while ((stream = door_take(door, &unused)) != NULL)
        env_stream_close(stream);
}

bool door_is_own(const char *peer) {
    static const char *const own[] = {"127.", "[::1]:", "[::ffff:127."};
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        if (strncmp(peer, own[i], strlen(own[i])) == 0) return true;
    return false;
}

void door_tell_full(struct log *log, struct log_limiter *limiter, size_t count, uint32_t most,
                    uint32_t few_files) {
    log_limited(
        log, limiter, LOGGED_CONNECTIONS_FULL,
        "%zu clients are connected; further ones wait until one leaves. Raise %s (now %u) to let more in",
        count,
        few_files
            ? "the hard limit of open files (ulimit -Hn, LimitNOFILE), of which clients get half"
            : "max.connections",
        few_files ? few_files : most);
}
