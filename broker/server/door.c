/* A ring. */
#include "broker/server/door.h"

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
