/* Whether a Metadata request is held, the wait for its leaders, and its end. */
#include "broker/api/metadata_hold.h"

#include <stddef.h>

#include "base/mem.h"

struct hold {
    struct leader_wait wait; /* first */
    const struct broker_services *services;
    struct request *request;
    void (*go_on)(const struct broker_services *services, struct request *request);
};

/* Groups whose leader is in doubt. */
struct doubtful {
    const struct leader_table *leaders;
    uint64_t *groups;
    size_t count, room;
    uint32_t most_ms;
};

static void add_topic(struct doubtful *doubtful, const struct metadata_topic *topic) {
    for (int32_t p = 0; topic != NULL && p < topic->partition_count; p++) {
        uint32_t left_ms = leader_table_doubt_ms(doubtful->leaders, topic->partitions[p].group);
        if (left_ms == 0) continue;
        doubtful->groups = mem_grow(doubtful->groups, doubtful->count, &doubtful->room, sizeof *doubtful->groups);
        doubtful->groups[doubtful->count++] = topic->partitions[p].group;
        if (left_ms > doubtful->most_ms) doubtful->most_ms = left_ms;
    }
}

static void on_settled(struct leader_wait *wait, int error) {
    struct hold hold = *(struct hold *)wait;
    mem_free(wait);
    if (error == ERR_CANCELED)
        request_close_connection(hold.request);
    else
        hold.go_on(hold.services, hold.request);
}

bool metadata_hold(const struct broker_services *services, struct request *request, bool all, metadata_hold_find *find,
                   void (*go_on)(const struct broker_services *services, struct request *request)) {
    const struct kp_metadata_request *asked = request->message;
    const struct metadata *metadata = services->metadata;
    struct doubtful doubtful = {.leaders = services->leaders};
    if (!leader_table_in_doubt(services->leaders)) return false;
    for (const struct metadata_topic *topic = NULL; all && (topic = metadata_next_topic(metadata, topic)) != NULL;)
        add_topic(&doubtful, topic);
    for (int32_t i = 0; !all && i < asked->topics.count; i++)
        add_topic(&doubtful, find(metadata, &asked->topics.items[i]));
    if (doubtful.count == 0) return false;
    struct hold *hold = mem_zalloc(sizeof *hold);
    *hold = (struct hold){.wait.done = on_settled, .services = services, .request = request, .go_on = go_on};
    leader_table_wait(services->leaders, &hold->wait, doubtful.groups, doubtful.count, doubtful.most_ms);
    mem_free(doubtful.groups);
    return true;
}
