/* WriteTxnMarkers and what may come of it; marker_writer.h has the rules. */
#include "tests/sim/marker_writer.h"

#include "base/container_of.h"
#include "base/mem.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/write_txn_markers.h"

enum { CALL_US = 3000000, BACKOFF_US = 50000, EPOCHS = 1000 };

struct marker_writer {
    struct kafka_call call;
    struct run *run;
    struct kafka_client *client;
    struct history *history;
    struct identity identity;
    int32_t partitions, partition;
    uint64_t interval_us;
    int16_t epoch;
    int32_t coordinator;
    bool again; /* the last one, of which nobody knows */
    struct env_timer *timer;
    uint64_t left; /* so many it still writes */
    bool finished;
};

static void later(struct marker_writer *writer, uint64_t typical_us) {
    env_timer_start(writer->timer,
                    typical_us / 2 + world_below(writer->run->world, typical_us + 1));
}

static void written(struct kafka_call *call, int error, const void *answer) {
    struct marker_writer *writer = CONTAINER_OF(call, struct marker_writer, call);
    const struct kp_write_txn_markers_response *response = answer;

    if (error != ERR_NONE) {
        run_count(writer->run, RARE_UNKNOWN_RESULTS, 1);
        kafka_client_refresh(writer->client);
        later(writer, BACKOFF_US);
        return;
    }
    int16_t code = response->markers.items[0].topics.items[0].partitions.items[0].error_code;
    if (code == KAFKA_NONE) {
        history_marker_acknowledged(writer->history, writer->partition, writer->epoch,
                                    writer->coordinator);
        run_count(writer->run, RARE_MARKERS, 1);
        writer->again = false;
        later(writer, writer->interval_us);
        return;
    }
    if (!kafka_error_retriable(code) && code != KAFKA_STORAGE_ERROR)
        run_fail(writer->run, "a marker for partition %d gets %s", writer->partition,
                 kafka_error_name(code));
    kafka_client_refresh(writer->client);
    later(writer, BACKOFF_US);
}

/* The next one, unless the last one is sent again. */
static void choose(struct marker_writer *writer) {
    struct world *world = writer->run->world;

    if (writer->again && world_below(world, 4) > 0) return;
    writer->again = true;
    writer->left--;
    writer->partition = (int32_t)world_below(world, (uint64_t)writer->partitions);
    if (world_below(world, 2) == 0)
        writer->epoch++;
    else
        writer->coordinator++;
}

static void write_marker(struct marker_writer *writer, int32_t node) {
    struct kp_write_txn_markers_request request;
    struct kp_write_txn_markers_request_marker marker;
    struct kp_write_txn_markers_request_topic topic;

    kp_set_fallbacks(&kp_write_txn_markers_request_schema, &request);
    kp_set_fallbacks(&kp_write_txn_markers_request_marker_schema, &marker);
    kp_set_fallbacks(&kp_write_txn_markers_request_topic_schema, &topic);
    topic.name = kp_string_of(kafka_client_topic(writer->client));
    topic.partition_indexes.items = &writer->partition;
    topic.partition_indexes.count = 1;
    marker.producer_id = writer->identity.id;
    marker.producer_epoch = writer->epoch;
    marker.coordinator_epoch = writer->coordinator;
    marker.transaction_result = world_below(writer->run->world, 2) == 0;
    marker.topics.items = &topic;
    marker.topics.count = 1;
    request.markers.items = &marker;
    request.markers.count = 1;
    history_marker_sent(writer->history, writer->partition);
    writer->call.done = written;
    kafka_link_call(kafka_client_link(writer->client, node), &writer->call, KP_WRITE_TXN_MARKERS,
                    kafka_client_version(writer->client, KP_WRITE_TXN_MARKERS, 1), &request,
                    CALL_US);
}

static void step(void *arg) {
    struct marker_writer *writer = arg;

    if (writer->finished || writer->left == 0 || writer->epoch >= EPOCHS) return;
    if (writer->identity.id < 0) {
        identity_ask(&writer->identity, writer->client);
        return;
    }
    choose(writer);
    struct known_leader leader = kafka_client_leader(writer->client, writer->partition);
    if (leader.node >= 0) {
        write_marker(writer, leader.node);
        return;
    }
    if (kafka_client_ready(writer->client)) kafka_client_refresh(writer->client);
    later(writer, BACKOFF_US);
}

static void identified(void *arg) {
    later(arg, BACKOFF_US);
}

struct marker_writer *marker_writer_new(struct kafka_client *client, struct history *history,
                                        int32_t partitions, uint64_t interval_us) {
    struct marker_writer *writer = mem_zalloc(sizeof *writer);

    writer->run = kafka_client_run(client);
    writer->client = client;
    writer->history = history;
    writer->identity = (struct identity){.id = -1, .answered = identified, .arg = writer};
    writer->partitions = partitions;
    writer->interval_us = interval_us;
    writer->left = 1 + world_below(writer->run->world, 200);
    writer->timer = env_timer_new(kafka_client_env(client), step, writer);
    later(writer, interval_us);
    return writer;
}

void marker_writer_finish(struct marker_writer *writer) {
    writer->finished = true;
}
