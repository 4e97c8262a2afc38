/* Facts as they begin, and telling a member's fetches from those of strangers. */
#include "why/facts.h"

#include <string.h>

enum { REMEMBERED_MOST = 63 }; /* characters of a client id, where fetches are remembered */

struct why_partition why_partition_unknown(const char *topic, int32_t partition, int32_t member) {
    return (struct why_partition){.topic = topic,
                                  .partition = partition,
                                  .member = member,
                                  .committed = WHY_UNKNOWN,
                                  .log_start = WHY_UNKNOWN,
                                  .end = WHY_UNKNOWN,
                                  .lag = WHY_UNKNOWN,
                                  .age_ms = WHY_UNKNOWN,
                                  .commit_age_ms = WHY_UNKNOWN,
                                  .moved_age_ms = WHY_UNKNOWN,
                                  .produced = {WHY_UNKNOWN, WHY_UNKNOWN},
                                  .consumed = {WHY_UNKNOWN, WHY_UNKNOWN}};
}

/* A group has its hosts as "/10.0.0.7", a connection is "10.0.0.7:41234" or "[::1]:41234". */
static bool is_at(struct kp_string peer, struct kp_string host) {
    if (peer.len <= 0 || host.len <= 0) return false;
    const char *address = peer.data, *port = memrchr(peer.data, ':', (size_t)peer.len);
    if (port == NULL) return false;
    size_t len = (size_t)(port - address);
    if (len > 2 && address[0] == '[') {
        address++;
        len -= 2;
    }
    if (host.data[0] == '/') host = (struct kp_string){host.data + 1, host.len - 1};
    return host.len > 0 && len == (size_t)host.len && memcmp(address, host.data, len) == 0;
}

static bool is_client(struct kp_string remembered, struct kp_string client_id) {
    if (client_id.len > REMEMBERED_MOST) client_id.len = REMEMBERED_MOST;
    return kp_string_equal(remembered, client_id);
}

void why_take_reader(struct why_reader *best, const struct why_sought *sought,
                     const struct why_fetcher *one) {
    if (!is_at(one->peer, sought->host) || !is_client(one->client_id, sought->client_id) ||
        one->reader.furthest < sought->committed)
        return;
    if (!best->known || one->reader.seen_age_ms < best->seen_age_ms) {
        *best = one->reader;
        best->known = true;
    }
}

void why_take_readers(struct why_partition *partition, const struct why_member *owner,
                      const struct kp_partition_traffic_response_partition *told) {
    const struct why_sought sought = {.client_id = kp_string_of(owner->client_id),
                                      .host = kp_string_of(owner->host),
                                      .committed = partition->committed};
    for (int32_t r = 0; r < told->readers.count; r++) {
        const struct kp_partition_traffic_response_reader *from = &told->readers.items[r];
        const struct why_fetcher one = {.client_id = from->client_id,
                                        .peer = from->peer,
                                        .reader = {.offset = from->offset,
                                                   .furthest = from->furthest,
                                                   .seen_age_ms = from->seen_age_ms,
                                                   .moved_age_ms = from->moved_age_ms,
                                                   .again = from->again}};
        why_take_reader(&partition->reader, &sought, &one);
    }
}
