/*
 * PartitionTraffic (key 10002, ours): what the leader of each partition remembers of what came, and
 * who fetched from where; and what a share group does there.
 *
 * In steps, a partition each. Failures are per partition: UNKNOWN_TOPIC_OR_PARTITION,
 * CLUSTER_AUTHORIZATION_FAILED, TOPIC_AUTHORIZATION_FAILED, NOT_LEADER_OR_FOLLOWER. An answer that
 * grows too large closes the connection. Nobody confirms that this replica still leads: who needs
 * that asks ListOffsets, too.
 */
#include "protocol/messages/partition_traffic.h"

#include <string.h>

#include "broker/api/fetch_sessions.h"
#include "broker/api/handlers.h"
#include "broker/api/local_partition.h"
#include "broker/server/request_steps.h"
#include "broker/share/share_told.h"
#include "protocol/kafka_error.h"

/* One request on its way; in its arena. */
struct telling_traffic {
    const struct broker_services *services;
    struct kp_partition_traffic_response response;
    bool may;
};

/* A session that is gone on with may list nothing of this partition, and its client fetches all the
 * same. */
static int64_t seen_ago(const struct broker_services *services,
                        const struct traffic_reader *reader) {
    int64_t used_ms = (int64_t)fetch_sessions_used_ms(services->fetch_sessions, reader->session_id);
    int64_t seen_ms = used_ms > reader->seen_ms ? used_ms : reader->seen_ms;
    return (int64_t)env_now_ms(services->env) - seen_ms;
}

/* False, here and below: the arena's limit is passed. */
static bool tell_reader(const struct broker_services *services, struct kp_arena *arena,
                        const struct traffic_reader *reader,
                        struct kp_partition_traffic_response_reader *into) {
    into->client_id = kp_arena_string(arena, reader->client_id, strlen(reader->client_id));
    into->peer = kp_arena_string(arena, reader->peer, strlen(reader->peer));
    into->offset = reader->offset;
    into->furthest = reader->furthest;
    into->seen_age_ms = seen_ago(services, reader);
    into->moved_age_ms = (int64_t)env_now_ms(services->env) - reader->moved_ms;
    into->again = (int32_t)reader->again;
    return into->client_id.len >= 0 && into->peer.len >= 0;
}

static bool tell_readers(const struct broker_services *services, struct kp_arena *arena,
                         const struct traffic *traffic,
                         struct kp_partition_traffic_response_partition *into) {
    if (traffic->reader_count == 0) return true;
    bool fits = kp_new_items(arena, &kp_partition_traffic_response_reader_schema, &into->readers,
                             traffic->reader_count) != NULL;
    for (size_t i = 0; fits && i < traffic->reader_count; i++)
        fits = tell_reader(services, arena, &traffic->readers[i], &into->readers.items[i]);
    return fits;
}

static bool tell_writer(const struct broker_services *services, struct kp_arena *arena,
                        const struct traffic_writer *writer,
                        struct kp_partition_traffic_response_writer *into) {
    int64_t now_ms = (int64_t)env_now_ms(services->env);
    into->client_id = kp_arena_string(arena, writer->client_id, strlen(writer->client_id));
    into->peer = kp_arena_string(arena, writer->peer, strlen(writer->peer));
    into->since_age_ms = now_ms - writer->since_ms;
    into->seen_age_ms = now_ms - writer->seen_ms;
    into->batches = (int64_t)writer->batches;
    into->records = (int64_t)writer->records;
    into->bytes = (int64_t)writer->bytes;
    return into->client_id.len >= 0 && into->peer.len >= 0;
}

static bool tell_writers(const struct broker_services *services, struct kp_arena *arena,
                         const struct traffic *traffic,
                         struct kp_partition_traffic_response_partition *into) {
    if (traffic->writer_count == 0) return true;
    bool fits = kp_new_items(arena, &kp_partition_traffic_response_writer_schema, &into->writers,
                             traffic->writer_count) != NULL;
    for (size_t i = 0; fits && i < traffic->writer_count; i++)
        fits = tell_writer(services, arena, &traffic->writers[i], &into->writers.items[i]);
    return fits;
}

static bool tell_shared(const struct broker_services *services, struct kp_arena *arena,
                        struct partition *partition, struct kp_string group,
                        struct kp_partition_traffic_response_partition *into) {
    const struct share *share = group.len < 0 ? NULL
                                              : shares_find(partition_shares(partition), group);
    if (share == NULL) return true;
    if (kp_new_items(arena, &kp_partition_traffic_response_shared_schema, &into->shared, 1) == NULL)
        return false;
    *into->shared.items = share_told(share, env_now_ms(services->env));
    return true;
}

static bool tell_partition(const struct telling_traffic *telling, struct request *request,
                           struct kp_string topic,
                           const struct kp_partition_traffic_request_partition *asked,
                           struct kp_partition_traffic_response_partition *into) {
    const struct kp_partition_traffic_request *in = request->message;
    int16_t code;
    into->partition_index = asked->partition_index;
    if (!telling->may) { /* it tells of other clients */
        into->error_code = KAFKA_CLUSTER_AUTHORIZATION_FAILED;
        return true;
    }
    struct partition *partition = local_partition(telling->services, request, AUTHORIZE_DESCRIBE,
                                                  topic, asked->partition_index, &code);
    if (partition != NULL && !partition_is_leading(partition)) code = KAFKA_NOT_LEADER_OR_FOLLOWER;
    into->error_code = code;
    if (code != KAFKA_NONE) return true;
    int64_t start = partition_start_offset(partition);
    const struct traffic *traffic = partition_traffic(partition);
    struct traffic_arrival arrival = traffic_arrival(
        traffic, (int64_t)env_now_ms(telling->services->env),
        asked->offset > start ? asked->offset : start, partition_high_watermark(partition),
        (const int64_t[2]){in->short_ms, in->long_ms});
    struct partition_size size;
    partition_size_get(partition, &size);
    into->size_bytes = (int64_t)size.bytes;
    into->pinned_bytes = (int64_t)size.pinned_bytes;
    into->pinned_by = size.pinned_by;
    into->log_start_offset = start;
    into->high_watermark = partition_high_watermark(partition);
    into->arrived_age_ms = arrival.age_ms;
    into->arrived_at_least = arrival.at_least;
    into->produced_short = arrival.per_second[0];
    into->produced_long = arrival.per_second[1];
    return tell_readers(telling->services, &request->arena, traffic, into) &&
           tell_writers(telling->services, &request->arena, traffic, into) &&
           tell_shared(telling->services, &request->arena, partition, in->share_group, into);
}

static bool begin_topic(struct telling_traffic *telling, struct request *request,
                        const struct kp_partition_traffic_request_topic *topic) {
    struct kp_partition_traffic_response_topic *into =
        &telling->response.topics.items[telling->response.topics.count++];
    int32_t count = topic->partitions.count < 0 ? 0 : topic->partitions.count;
    into->name = topic->name;
    bool fits = kp_new_items(&request->arena, &kp_partition_traffic_response_partition_schema,
                             &into->partitions, count) != NULL ||
                count == 0;
    into->partitions.count = 0;
    return fits;
}

static bool tell_next(struct request *request) {
    const struct kp_partition_traffic_request *in = request->message;
    struct telling_traffic *telling = request->state;
    int32_t topics = telling->response.topics.count;
    const struct kp_partition_traffic_request_topic *topic = topics == 0
                                                                 ? NULL
                                                                 : &in->topics.items[topics - 1];
    struct kp_partition_traffic_response_topic *into =
        topics == 0 ? NULL : &telling->response.topics.items[topics - 1];
    bool fits;
    if (topic != NULL && into->partitions.count < topic->partitions.count) {
        int32_t at = into->partitions.count++;
        fits = tell_partition(telling, request, topic->name, &topic->partitions.items[at],
                              &into->partitions.items[at]);
    } else if (topics < in->topics.count) {
        fits = begin_topic(telling, request, &in->topics.items[topics]);
    } else {
        request_respond_kept(request, &telling->response);
        return false;
    }
    if (!fits) request_close_too_large(request);
    return fits;
}

void api_partition_traffic(void *service, struct request *request) {
    const struct kp_partition_traffic_request *in = request->message;
    struct telling_traffic *telling = kp_arena_alloc(&request->arena, sizeof *telling);
    int32_t count = in->topics.count < 0 ? 0 : in->topics.count;
    *telling = (struct telling_traffic){.services = service};
    telling->may = authorize(&request->ctx, AUTHORIZE_DESCRIBE, AUTHORIZE_CLUSTER, NULL, 0);
    kp_set_fallbacks(&kp_partition_traffic_response_schema, &telling->response);
    bool fits = kp_new_items(&request->arena, &kp_partition_traffic_response_topic_schema,
                             &telling->response.topics, count) != NULL ||
                count == 0;
    telling->response.topics.count = 0;
    request->state = telling;
    if (fits)
        request_steps(request, tell_next);
    else
        request_close_too_large(request);
}
