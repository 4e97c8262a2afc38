/*
 * WriteTxnMarkers (key 27): ends transactions of producers in partitions of which this broker
 * leads, as somebody decided who knows them: an administrator, for a transaction that nobody ends
 * any more (kafka-transactions abort). KIP-98, KIP-664, KIP-1228.
 *
 * In steps, a partition each, none waits for another; the answer leaves when the last marker has
 * committed, or failed, or TIMEOUT_MS are over.
 * Failures are per partition: UNKNOWN_TOPIC_OR_PARTITION, CLUSTER_AUTHORIZATION_FAILED,
 * REQUEST_TIMED_OUT, and those of partition_end_transaction. A request that takes too much memory,
 * or has more than PARTITIONS_MAX partitions, closes the connection.
 */
#include "protocol/messages/write_txn_markers.h"

#include "base/container_of.h"
#include "broker/api/handlers.h"
#include "broker/api/local_partition.h"
#include "broker/partition/partition_marker.h"
#include "broker/server/request_steps.h"
#include "protocol/kafka_error.h"

enum {
    PARTITIONS_MAX = 10000, /* some steps take all in one turn */
    TIMEOUT_MS = 30 * 1000, /* Kafka's request.timeout.ms of brokers */
    RAISES_EPOCH_FROM = 2,  /* transaction.version (KIP-890) */
};

struct ending_part {
    struct partition_marker marker; /* first */
    struct ending *owner;
    struct kp_write_txn_markers_response_partition *out;
    bool waits;
};

/* One request on its way; in its arena. */
struct ending {
    const struct broker_services *services;
    struct request *request;
    struct kp_write_txn_markers_response response;
    struct ending_part *parts;
    size_t used;
    int32_t marker, topic; /* of the request: where to go on */
    size_t pending;        /* markers that wait, and the asking itself */
    struct deadline deadline;
};

static void one_is_over(struct ending *ending) {
    if (--ending->pending > 0) return;
    deadline_clear(ending->services->deadlines, &ending->deadline);
    request_respond_kept(ending->request, &ending->response);
}

static void marker_done(struct partition_marker *marker, int16_t error) {
    struct ending_part *part = (struct ending_part *)marker;
    part->waits = false;
    part->out->error_code = error;
    one_is_over(part->owner);
}

/* Nothing of it comes any more. */
static void leave(struct ending *ending) {
    deadline_clear(ending->services->deadlines, &ending->deadline);
    for (size_t i = 0; i < ending->used; i++)
        if (ending->parts[i].waits) partition_marker_cancel(&ending->parts[i].marker);
}

static void client_gone(struct request *request) {
    leave(request->state);
    request_respond_nothing(request);
}

/* It counts as one that waits until all have been told. */
static void time_is_over(struct deadline *deadline) {
    struct ending *ending = CONTAINER_OF(deadline, struct ending, deadline);
    ending->pending++;
    for (size_t i = 0; i < ending->used; i++)
        if (ending->parts[i].waits) partition_marker_time_out(&ending->parts[i].marker);
    one_is_over(ending);
}

static void end_in(struct ending *ending, const struct kp_write_txn_markers_request_marker *asked,
                   struct kp_string topic, struct ending_part *part) {
    int16_t code;
    struct request *request = ending->request;
    if (!authorize_has(&request->ctx, AUTHORIZE_CLUSTER_ACTION, AUTHORIZE_CLUSTER, NULL, 0) &&
        !authorize(&request->ctx, AUTHORIZE_ALTER, AUTHORIZE_CLUSTER, NULL, 0)) {
        part->out->error_code = KAFKA_CLUSTER_AUTHORIZATION_FAILED;
        return;
    }
    struct partition *partition = local_partition(ending->services, request, AUTHORIZE_NOTHING,
                                                  topic, part->out->partition_index, &code);
    if (partition == NULL) {
        part->out->error_code = code;
        return;
    }
    struct transaction_marker end = {.producer_id = asked->producer_id,
                                     .producer_epoch = asked->producer_epoch,
                                     .coordinator_epoch = asked->coordinator_epoch,
                                     .commit = asked->transaction_result};
    part->owner = ending;
    part->marker.done = marker_done;
    part->waits = partition_end_transaction(partition, &end, -1,
                                            asked->transaction_version >= RAISES_EPOCH_FROM,
                                            &part->marker, &part->out->error_code) == PENDING;
    if (part->waits) ending->pending++;
}

static size_t count_of(int32_t count) {
    return count < 0 ? 0 : (size_t)count;
}

/* False: the arena's limit is passed. */
static bool begin_marker(struct ending *ending,
                         const struct kp_write_txn_markers_request_marker *asked) {
    struct kp_write_txn_markers_response_marker *into =
        &ending->response.markers.items[ending->response.markers.count++];
    kp_set_fallbacks(&kp_write_txn_markers_response_marker_schema, into);
    into->producer_id = asked->producer_id;
    into->topics.items = kp_arena_alloc(
        &ending->request->arena, (count_of(asked->topics.count) + 1) * sizeof *into->topics.items);
    ending->topic = 0;
    return into->topics.items != NULL;
}

static bool begin_topic(struct ending *ending, struct kp_write_txn_markers_response_marker *marker,
                        const struct kp_write_txn_markers_request_topic *asked) {
    struct kp_write_txn_markers_response_topic *into =
        &marker->topics.items[marker->topics.count++];
    size_t count = count_of(asked->partition_indexes.count);
    kp_set_fallbacks(&kp_write_txn_markers_response_topic_schema, into);
    into->name = asked->name;
    into->partitions.items = kp_arena_alloc(&ending->request->arena,
                                            (count + 1) * sizeof *into->partitions.items);
    return into->partitions.items != NULL;
}

static void next_partition(struct ending *ending,
                           const struct kp_write_txn_markers_request_marker *asked,
                           struct kp_write_txn_markers_response_topic *topic) {
    const struct kp_write_txn_markers_request_topic *in = &asked->topics.items[ending->topic];
    struct ending_part *part = &ending->parts[ending->used];
    int32_t at = topic->partitions.count++;
    part->waits = false;
    part->out = &topic->partitions.items[at];
    kp_set_fallbacks(&kp_write_txn_markers_response_partition_schema, part->out);
    part->out->partition_index = in->partition_indexes.items[at];
    ending->used++;
    end_in(ending, asked, in->name, part);
}

/* The next marker, topic or partition. False: the arena's limit is passed. */
static bool take_next(struct ending *ending,
                      const struct kp_write_txn_markers_request_marker *asked) {
    if (ending->response.markers.count == ending->marker) return begin_marker(ending, asked);
    struct kp_write_txn_markers_response_marker *into =
        &ending->response.markers.items[ending->marker];
    if (ending->topic >= asked->topics.count) {
        ending->marker++;
        return true;
    }
    const struct kp_write_txn_markers_request_topic *topic = &asked->topics.items[ending->topic];
    if (into->topics.count == ending->topic) return begin_topic(ending, into, topic);
    struct kp_write_txn_markers_response_topic *out = &into->topics.items[ending->topic];
    if (out->partitions.count < topic->partition_indexes.count)
        next_partition(ending, asked, out);
    else
        ending->topic++;
    return true;
}

static bool end_next(struct request *request) {
    const struct kp_write_txn_markers_request *in = request->message;
    struct ending *ending = request->state;
    if (ending->marker >= in->markers.count) {
        one_is_over(ending);
        return false;
    }
    if (take_next(ending, &in->markers.items[ending->marker])) return true;
    leave(ending);
    request_close_too_large(request);
    return false;
}

static size_t at_least_one(size_t count) {
    return count > 0 ? count : 1;
}

/* A marker or a topic without any counts as one: so neither are too many. */
static size_t count_partitions(const struct kp_write_txn_markers_request *in) {
    size_t count = 0;
    for (int32_t m = 0; m < in->markers.count && count <= PARTITIONS_MAX; m++) {
        size_t of_marker = 0;
        for (int32_t t = 0; t < in->markers.items[m].topics.count; t++)
            of_marker += at_least_one(
                count_of(in->markers.items[m].topics.items[t].partition_indexes.count));
        count += at_least_one(of_marker);
    }
    return count;
}

void api_write_txn_markers(void *service, struct request *request) {
    const struct kp_write_txn_markers_request *in = request->message;
    struct kp_arena *arena = &request->arena;
    size_t partitions = count_partitions(in);
    if (partitions > PARTITIONS_MAX) {
        request_close_because(
            request,
            "it ends transactions in more than %d partitions at once; send fewer in one request",
            PARTITIONS_MAX);
        return;
    }
    struct ending *ending = kp_arena_alloc(arena, sizeof *ending);
    *ending = (struct ending){.services = service, .request = request, .pending = 1};
    kp_set_fallbacks(&kp_write_txn_markers_response_schema, &ending->response);
    ending->deadline.passed = time_is_over;
    ending->parts = kp_arena_alloc(arena, (partitions + 1) * sizeof *ending->parts);
    ending->response.markers.items = kp_arena_alloc(
        arena, (count_of(in->markers.count) + 1) * sizeof *ending->response.markers.items);
    if (ending->parts == NULL || ending->response.markers.items == NULL) {
        request_close_too_large(request);
        return;
    }
    request->state = ending;
    request->canceled = client_gone;
    deadline_set(ending->services->deadlines, &ending->deadline, TIMEOUT_MS);
    request_steps(request, end_next);
}
