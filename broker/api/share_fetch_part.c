/* One partition of a round of ShareFetch: read, then of what was read acquired what is available.
 */
#include "base/container_of.h"
#include "broker/api/share_fetch_internal.h"
#include "broker/api/share_take.h"
#include "broker/server/request_steps.h"
#include "protocol/kafka_error.h"

enum {
    /* So much is read for so many records that are wanted. */
    READ_LEAST = 8 << 10,
    READ_MOST = 4 << 20,
    READ_EACH = 4 << 10
};

struct fetching *share_fetching_of(const struct share_part *part) {
    return (struct fetching *)part->owner;
}

/* NULL: it has ended. */
struct share_session *share_fetch_session(const struct fetching *state) {
    return share_sessions_numbered(state->share.services->share_sessions, state->share.session);
}

/* The share of the group there; NULL: none, or not here any more. */
struct share *share_fetch_share(struct fetching *state, const struct share_part *part,
                                struct partition **partition) {
    int16_t code;
    *partition = share_request_partition(&state->share, part, &code);
    return *partition == NULL ? NULL
                              : shares_find(partition_shares(*partition), state->share.group);
}

/* Of an error that the client knows already it hears with records of others, or when its time is
 * over: it would ask again at once. */
static void part_failed(struct fetching *state, const struct share_part *part) {
    const struct share_session *session = share_fetch_session(state);
    state->failed++;
    if (session != NULL && share_session_told(session, part->topic, part->index) != part->code)
        state->has_news = true;
}

/* Whether anything came of it. */
static bool take_batches(struct fetching *state, struct share_part *part,
                         const struct partition *partition, struct share *of) {
    struct offset_ranges archived = {.size = sizeof(struct share_range)};
    struct share_take take = {.queue = &of->queue,
                              .limits = &state->share.limits,
                              .from = part->read.offset,
                              .most = state->part_records,
                              .holder = state->share.session,
                              .now_ms = env_now_ms(state->share.services->env),
                              .ttl_ms = partition_message_ttl_ms(partition),
                              .wall_ms = env_wall_ms(state->share.services->env),
                              .exact = state->exact,
                              .given = &part->given,
                              .archived = &archived};
    uint64_t got = share_take(&take, &part->read);
    bool any = got > 0 || archived.count > 0;
    state->records += got;
    for (size_t i = 0; i < part->read.fetch.count; i++)
        state->bytes += part->read.fetch.slices[i].len;
    if (archived.count > 0) share_end(of, &archived, NULL);
    share_watch(of);
    return any;
}

/* While it was read others were given what it began with: there may be more behind that. */
static bool came_late(const struct fetching *state, const struct share_part *part,
                      const struct partition *partition, const struct share *of) {
    kafka_offset next = share_queue_next(&of->queue, &state->share.limits,
                                         partition_start_offset(partition));
    return next > part->read.offset;
}

static void take_read(struct share_part *part) {
    struct fetching *state = share_fetching_of(part);
    struct partition *partition;
    struct share *of = share_fetch_share(state, part, &partition);
    state->reading = NULL;
    part->code = part->read.error;
    if (part->code == KAFKA_OFFSET_OUT_OF_RANGE) part->code = KAFKA_NONE; /* its start moves on */
    if (of != NULL && part->code == KAFKA_NONE && share_fetch_session(state) != NULL) {
        bool any = take_batches(state, part, partition, of);
        /* Nothing of it was for anybody, or for it: what is behind it. */
        if (part->given.count == 0 && (any || came_late(state, part, partition, of))) state->at--;
    }
    if (part->code != KAFKA_NONE) part_failed(state, part);
}

static void read_done(struct partition_read *read) {
    struct share_part *part = CONTAINER_OF(read, struct share_part, read);
    take_read(part);
    request_steps(part->owner->request, share_fetching_of(part)->next);
}

static uint64_t bytes_to_read(const struct fetching *state) {
    uint64_t bytes = state->most_bytes - state->bytes;
    uint64_t most = state->part_records >= READ_MOST / READ_EACH ? READ_MOST
                                                                 : state->part_records * READ_EACH;
    if (most < READ_LEAST) most = READ_LEAST;
    if (state->share.limits.keyed) most = READ_MOST; /* many may have to be passed over */
    return bytes < most ? bytes : most;
}

/* How many records it takes there at most. */
static uint64_t part_of(struct fetching *state, const struct share_part *part,
                        const struct share *of, kafka_offset end) {
    uint64_t most = state->most_records - state->records;
    if (share_parts_may_join(of, &part->available)) state->may_take_all = true;
    return state->takes_all ? most : share_part(of, &part->available, end, state->others, most);
}

/* True: over within the call. */
bool share_fetch_part(struct fetching *state, struct share_part *part) {
    struct partition *partition = share_request_partition(&state->share, part, &part->code);
    if (partition == NULL) {
        part_failed(state, part);
        return true;
    }
    struct share *of = shares_find(partition_shares(partition), state->share.group);
    if (of == NULL) return true; /* its coordinator has not begun it here yet, or has ended it */
    if (shares_are_paused(of->shares)) return true;
    share_read_by(of, &state->share.limits);
    kafka_offset end = state->share.limits.committed ? partition_stable_offset(partition)
                                                     : partition_high_watermark(partition),
                 from = share_queue_next(&of->queue, &state->share.limits,
                                         partition_start_offset(partition));
    if (from < 0 || from >= end) return true;
    part->available.least = state->least_bytes;
    state->part_records = part_of(state, part, of, end);
    if (state->part_records == 0) return true;
    partition_read_release(&part->read);
    part->read = (struct partition_read){.done = read_done,
                                         .committed = state->share.limits.committed};
    state->reading = part;
    if (partition_read(partition, from, -1, -1, bytes_to_read(state), &part->read) == PENDING)
        return false;
    take_read(part);
    return true;
}
