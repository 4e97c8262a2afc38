/* A consumer and what it checks; consumer.h has the rules. */
#include "tests/sim/consumer.h"

#include <inttypes.h>

#include "base/check.h"
#include "base/mem.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/fetch.h"
#include "protocol/messages/list_offsets.h"
#include "tests/sim/decode.h"

enum { CALL_US = 3000000, BACKOFF_US = 20000 };

struct consumer {
    struct kafka_call call;
    struct run *run;
    struct kafka_client *client;
    struct history *history;
    struct consumer_options options;
    struct env_timer *timer;
    int64_t position;
    bool lost_place;      /* it was deleted: the start is asked for */
    bool rewinding;       /* with the next question it begins anew */
    int64_t floor;        /* of the watermark, when the question left */
    int64_t end;          /* what the history knew of the partition then */
    unsigned losses;      /* and how often a majority of it had been given up */
    bool latest;          /* ListOffsets was asked for the end, not the beginning */
    bool in_sessions;     /* it fetches in sessions, and names its partition when that is new */
    int32_t session_node; /* who has its session, of this id; 0: nobody */
    int32_t session_id, session_epoch;
    int session_version;
    int64_t named_position; /* as the session knows it, and the leader's epoch */
    int32_t named_epoch;
};

static void later(struct consumer *consumer, uint64_t typical_us) {
    env_timer_start(consumer->timer,
                    typical_us / 2 + world_below(consumer->run->world, typical_us + 1));
}

/* ---- Fetch ---- */

static void take_record(void *arg, int64_t offset, unsigned producer, uint64_t number) {
    struct consumer *consumer = arg;

    history_read(consumer->history, consumer->options.partition, offset, producer, number);
    run_count(consumer->run, RARE_READ_BACK, 1);
    consumer->options.read(consumer->options.arg, consumer->options.partition, offset, producer,
                           number);
}

/* What it was told before is forgotten since it asked, and so may be its place: the answer says
 * nothing. */
static bool has_lost(struct consumer *consumer) {
    if (consumer->losses == history_losses(consumer->history, consumer->options.partition))
        return false;
    later(consumer, BACKOFF_US);
    return true;
}

static bool refused(struct consumer *consumer, int16_t code) {
    if (code == KAFKA_NONE) return false;
    bool deleted = code == KAFKA_OFFSET_OUT_OF_RANGE &&
                   (consumer->position <
                        history_most_start(consumer->history, consumer->options.partition) ||
                    history_retains(consumer->history)); /* where it starts is asked next */
    if (deleted) {
        consumer->lost_place = true;
        run_count(consumer->run, RARE_BELOW_START, 1);
        later(consumer, BACKOFF_US);
        return true;
    }
    if (!kafka_error_retriable(code) && code != KAFKA_FENCED_LEADER_EPOCH &&
        code != KAFKA_UNKNOWN_LEADER_EPOCH)
        run_fail(consumer->run, "consumer of partition %d at offset %" PRId64 " gets %s",
                 consumer->options.partition, consumer->position, kafka_error_name(code));
    kafka_client_refresh(consumer->client);
    later(consumer, BACKOFF_US);
    return true;
}

/* The session goes on behind this answer, or there is one now, or none. */
static void keep_session(struct consumer *consumer, const struct kp_fetch_response *response) {
    if (response->error_code != KAFKA_NONE || response->session_id == 0) {
        consumer->session_id = 0;
        return;
    }
    if (consumer->session_id == response->session_id) {
        consumer->session_epoch++;
        run_count(consumer->run, RARE_SESSION_FETCHES, 1);
        return;
    }
    consumer->session_id = response->session_id;
    consumer->session_epoch = 1;
}

static void take_records(struct consumer *consumer,
                         const struct kp_fetch_response_partition *partition) {
    bool committed = consumer->options.committed;

    if (committed)
        consumer->options.told(consumer->options.arg, consumer->options.partition, partition);
    if (partition->records.len > 0)
        consumer->position = decode_batches(consumer->run, consumer->history,
                                            partition->records.data, (size_t)partition->records.len,
                                            consumer->position, take_record, consumer);
    if (committed) consumer->options.told(consumer->options.arg, consumer->options.partition, NULL);
    if (partition->last_stable_offset < partition->log_start_offset ||
        partition->last_stable_offset > partition->high_watermark ||
        (committed && partition->records.len > 0 &&
         consumer->position > partition->last_stable_offset) ||
        (!committed && partition->aborted_transactions.count != -1))
        run_fail(consumer->run,
                 "partition %d: up to %" PRId64 " was read, and the last stable offset is %" PRId64
                 ", the high watermark %" PRId64,
                 consumer->options.partition, consumer->position, partition->last_stable_offset,
                 partition->high_watermark);
}

static void fetched(struct kafka_call *call, int error, const void *answer) {
    struct consumer *consumer = (struct consumer *)call;
    const struct kp_fetch_response *response = answer;

    if (error != ERR_NONE) {
        consumer->session_id = 0;
        kafka_client_refresh(consumer->client);
        later(consumer, BACKOFF_US);
        return;
    }
    bool goes_on = consumer->session_id != 0;
    keep_session(consumer, response);
    if (has_lost(consumer)) return;
    if (refused(consumer, response->error_code)) return;
    if (goes_on && response->responses.count == 0) { /* nothing is new */
        later(consumer, BACKOFF_US);
        return;
    }
    if (response->responses.count != 1 || response->responses.items[0].partitions.count != 1)
        run_fail(consumer->run, "one partition was fetched, and the answer is about others");
    const struct kp_fetch_response_partition *partition =
        &response->responses.items[0].partitions.items[0];
    if (refused(consumer, partition->error_code)) return;
    history_watermark(consumer->history, consumer->options.partition, consumer->floor,
                      partition->high_watermark, "Fetch");
    history_started(consumer->history, consumer->options.partition, partition->log_start_offset,
                    "Fetch");
    take_records(consumer, partition);
    if (consumer->position > partition->high_watermark)
        run_fail(consumer->run,
                 "partition %d: offset %" PRId64 " was read above the high watermark %" PRId64,
                 consumer->options.partition, consumer->position - 1, partition->high_watermark);
    later(consumer, world_below(consumer->run->world, 4) == 0 ? BACKOFF_US : 1000);
}

/* Fills in which session the fetch is of; returns its version. */
static int use_session(struct consumer *consumer, struct known_leader leader,
                       struct kp_fetch_request *request) {
    if (!consumer->in_sessions) return kafka_client_version(consumer->client, KP_FETCH, 9);
    if (consumer->session_id == 0 || consumer->session_node != leader.node) {
        consumer->session_id = 0;
        consumer->session_node = leader.node;
        consumer->session_version = kafka_client_version(consumer->client, KP_FETCH, 9);
        request->session_epoch = 0;
    } else {
        request->session_id = consumer->session_id;
        request->session_epoch = consumer->session_epoch;
        if (consumer->named_position == consumer->position && consumer->named_epoch == leader.epoch)
            request->topics.count = 0;
    }
    consumer->named_position = consumer->position;
    consumer->named_epoch = leader.epoch;
    return consumer->session_version;
}

static void fetch(struct consumer *consumer, struct known_leader leader) {
    struct kp_fetch_request request;
    struct kp_fetch_request_topic topic;
    struct kp_fetch_request_partition partition;
    struct world *world = consumer->run->world;

    kp_set_fallbacks(&kp_fetch_request_schema, &request);
    kp_set_fallbacks(&kp_fetch_request_topic_schema, &topic);
    kp_set_fallbacks(&kp_fetch_request_partition_schema, &partition);
    partition.partition = consumer->options.partition;
    partition.current_leader_epoch = leader.epoch;
    partition.fetch_offset = consumer->position;
    partition.partition_max_bytes = 1 + (int32_t)world_below(world, 6000);
    topic.topic = kp_string_of(kafka_client_topic(consumer->client));
    topic.topic_id = kafka_client_topic_id(consumer->client);
    topic.partitions.items = &partition;
    topic.partitions.count = 1;
    request.replica_id = -1;
    request.max_wait_ms = (int32_t)world_below(world, 500);
    request.min_bytes = (int32_t)world_below(world, 2);
    request.max_bytes = 1 + (int32_t)world_below(world, 20000);
    request.session_epoch = -1;
    request.isolation_level = consumer->options.committed ? FETCH_READ_COMMITTED : 0;
    request.topics.items = &topic;
    request.topics.count = 1;
    int version = use_session(consumer, leader, &request);
    consumer->call.done = fetched;
    kafka_link_call(kafka_client_link(consumer->client, leader.node), &consumer->call, KP_FETCH,
                    version, &request, CALL_US);
}

/* ---- ListOffsets ---- */

static void listed(struct kafka_call *call, int error, const void *answer) {
    struct consumer *consumer = (struct consumer *)call;
    const struct kp_list_offsets_response *response = answer;

    if (error != ERR_NONE) {
        kafka_client_refresh(consumer->client);
        later(consumer, BACKOFF_US);
        return;
    }
    if (has_lost(consumer)) return;
    if (response->topics.count != 1 || response->topics.items[0].partitions.count != 1)
        run_fail(consumer->run, "one offset was asked for, and the answer is about others");
    const struct kp_list_offsets_response_partition *partition =
        &response->topics.items[0].partitions.items[0];
    if (partition->error_code != KAFKA_NONE && partition->offset != -1)
        run_fail(consumer->run, "%s comes with offset %" PRId64,
                 kafka_error_name(partition->error_code), partition->offset);
    if (refused(consumer, partition->error_code)) return;
    if (!consumer->latest)
        history_started(consumer->history, consumer->options.partition, partition->offset,
                        "ListOffsets");
    if (consumer->lost_place && !consumer->latest && partition->offset > consumer->position) {
        consumer->position = partition->offset;
        consumer->lost_place = false;
    }
    if (consumer->latest && partition->offset < consumer->end)
        run_fail(consumer->run,
                 "the latest offset of partition %d is %" PRId64 ", but %" PRId64
                 " was known before the question",
                 consumer->options.partition, partition->offset, consumer->end);
    if (consumer->latest)
        history_watermark(consumer->history, consumer->options.partition, consumer->floor,
                          partition->offset, "ListOffsets");
    later(consumer, BACKOFF_US);
}

static void list(struct consumer *consumer, struct known_leader leader) {
    struct kp_list_offsets_request request;
    struct kp_list_offsets_request_topic topic;
    struct kp_list_offsets_request_partition partition;

    kp_set_fallbacks(&kp_list_offsets_request_schema, &request);
    kp_set_fallbacks(&kp_list_offsets_request_topic_schema, &topic);
    kp_set_fallbacks(&kp_list_offsets_request_partition_schema, &partition);
    consumer->latest = !consumer->lost_place && world_below(consumer->run->world, 4) > 0;
    partition.partition_index = consumer->options.partition;
    partition.current_leader_epoch = leader.epoch;
    partition.timestamp = consumer->latest ? -1 : -2;
    topic.name = kp_string_of(kafka_client_topic(consumer->client));
    topic.partitions.items = &partition;
    topic.partitions.count = 1;
    request.replica_id = -1;
    request.topics.items = &topic;
    request.topics.count = 1;
    consumer->call.done = listed;
    kafka_link_call(kafka_client_link(consumer->client, leader.node), &consumer->call,
                    KP_LIST_OFFSETS, kafka_client_version(consumer->client, KP_LIST_OFFSETS, 4),
                    &request, CALL_US);
}

/* ---- Life ---- */

static void step(void *arg) {
    struct consumer *consumer = arg;
    struct known_leader leader = kafka_client_leader(consumer->client, consumer->options.partition);

    if (leader.node < 0) {
        if (kafka_client_ready(consumer->client)) kafka_client_refresh(consumer->client);
        later(consumer, BACKOFF_US);
        return;
    }
    if (consumer->rewinding) consumer->position = 0;
    consumer->rewinding = false;
    consumer->floor = history_floor(consumer->history, consumer->options.partition);
    consumer->end = history_end(consumer->history, consumer->options.partition);
    consumer->losses = history_losses(consumer->history, consumer->options.partition);
    if (consumer->lost_place || world_below(consumer->run->world, 12) == 0)
        list(consumer, leader);
    else
        fetch(consumer, leader);
}

struct consumer *consumer_new(struct kafka_client *client, struct history *history,
                              const struct consumer_options *options) {
    struct consumer *consumer = mem_zalloc(sizeof *consumer);

    consumer->run = kafka_client_run(client);
    consumer->client = client;
    consumer->history = history;
    consumer->options = *options;
    consumer->in_sessions = world_below(consumer->run->world, 2) == 0;
    consumer->timer = env_timer_new(kafka_client_env(client), step, consumer);
    later(consumer, BACKOFF_US);
    return consumer;
}

int64_t consumer_position(const struct consumer *consumer) {
    return consumer->rewinding ? 0 : consumer->position;
}

void consumer_rewind(struct consumer *consumer) {
    consumer->rewinding = true;
}
