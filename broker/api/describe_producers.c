/*
 * DescribeProducers (key 61): the producers that a partition remembers, and their open
 * transactions, as any replica of it knows them by what has committed. KIP-664.
 *
 * In steps, a partition each; a partition that is named twice is answered twice, as in Kafka.
 * Failures are per partition: INVALID_TOPIC, UNKNOWN_TOPIC_OR_PARTITION, NOT_LEADER_OR_FOLLOWER (no
 * replica of it is here). An answer that grows too large closes the connection.
 */
#include "protocol/messages/describe_producers.h"

#include "broker/api/handlers.h"
#include "broker/api/local_partition.h"
#include "broker/config/topic_name.h"
#include "broker/producer/producer_state.h"
#include "broker/server/request_steps.h"
#include "protocol/kafka_error.h"

/* One request on its way; in its arena. */
struct describing_producers {
    const struct broker_services *services;
    struct kp_describe_producers_response response;
    int32_t of; /* of the last topic of the answer: its partitions so far */
};

struct producer_rows {
    struct kp_describe_producers_response_producer *items;
    int32_t count;
};

static void add_producer(void *arg, const struct producer_view *view) {
    struct producer_rows *rows = arg;
    rows->items[rows->count++] = (struct kp_describe_producers_response_producer){
        .producer_id = view->producer_id,
        .producer_epoch = view->epoch,
        .last_sequence = view->last_sequence,
        .last_timestamp = view->timestamp,
        .coordinator_epoch = view->coordinator_epoch,
        .current_txn_start_offset = view->open_offset};
}

/* False: the arena's limit is passed. */
static bool describe_partition(struct describing_producers *describing, struct request *request,
                               struct kp_string topic,
                               struct kp_describe_producers_response_partition *into) {
    struct error_text why;
    int16_t code;
    if (topic_name_check(topic.data, (size_t)topic.len, &why) != ERR_NONE) {
        into->error_code = KAFKA_INVALID_TOPIC;
        into->error_message = kp_arena_printf(&request->arena, "%s", why.text);
        return true;
    }
    struct partition *partition = local_partition(describing->services, request, AUTHORIZE_READ,
                                                  topic, into->partition_index, &code);
    into->error_code = code;
    if (code != KAFKA_NONE) into->error_message = kp_string_of(kafka_error_message(code));
    if (partition == NULL) return true;
    const struct producer_state *producers = partition_producers(partition);
    struct producer_rows rows = {0};
    rows.items = kp_arena_alloc(&request->arena,
                                producer_state_count(producers) * sizeof *rows.items);
    if (rows.items == NULL) return false;
    producer_state_each(producers, add_producer, &rows);
    into->active_producers.items = rows.items;
    into->active_producers.count = rows.count;
    return true;
}

static bool begin_topic(struct describing_producers *describing, struct request *request,
                        const struct kp_describe_producers_request_topic *topic) {
    struct kp_describe_producers_response_topic *into =
        &describing->response.topics.items[describing->response.topics.count++];
    size_t count = topic->partition_indexes.count < 0 ? 0 : (size_t)topic->partition_indexes.count;
    into->name = topic->name;
    into->partitions.count = 0;
    into->partitions.items = kp_arena_alloc(&request->arena,
                                            (count + 1) * sizeof *into->partitions.items);
    describing->of = (int32_t)count;
    return into->partitions.items != NULL;
}

static bool describe_next(struct request *request) {
    const struct kp_describe_producers_request *asked = request->message;
    struct describing_producers *describing = request->state;
    int32_t topics = describing->response.topics.count;
    struct kp_describe_producers_response_topic *into =
        topics == 0 ? NULL : &describing->response.topics.items[topics - 1];
    bool fits;
    if (into != NULL && into->partitions.count < describing->of) {
        const struct kp_describe_producers_request_topic *topic = &asked->topics.items[topics - 1];
        struct kp_describe_producers_response_partition *row =
            &into->partitions.items[into->partitions.count];
        kp_set_fallbacks(&kp_describe_producers_response_partition_schema, row);
        row->partition_index = topic->partition_indexes.items[into->partitions.count++];
        fits = describe_partition(describing, request, topic->name, row);
    } else if (topics < asked->topics.count) {
        fits = begin_topic(describing, request, &asked->topics.items[topics]);
    } else {
        request_respond_kept(request, &describing->response);
        return false;
    }
    if (!fits) request_close_too_large(request);
    return fits;
}

void api_describe_producers(void *service, struct request *request) {
    const struct kp_describe_producers_request *asked = request->message;
    struct describing_producers *describing = kp_arena_alloc(&request->arena, sizeof *describing);
    size_t count = asked->topics.count < 0 ? 0 : (size_t)asked->topics.count;
    *describing = (struct describing_producers){.services = service};
    kp_set_fallbacks(&kp_describe_producers_response_schema, &describing->response);
    describing->response.topics.items = kp_arena_alloc(
        &request->arena, (count + 1) * sizeof *describing->response.topics.items);
    request->state = describing;
    if (describing->response.topics.items != NULL)
        request_steps(request, describe_next);
    else
        request_close_too_large(request);
}
