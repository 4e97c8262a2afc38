/* One Fetch at a time; delay_reader.h has the rules. */
#include "tests/sim/queues/delay_reader.h"

#include <inttypes.h>

#include "base/container_of.h"
#include "base/mem.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/fetch.h"

enum { CALL_US = 3000000, BACKOFF_US = 20000 };

struct delay_reader {
    struct kafka_call call;
    struct cluster *cluster;
    struct kafka_client *client;
    struct later_book *book;
    struct env_timer *timer;
    int64_t position;
};

static uint64_t draw(const struct delay_reader *reader, uint64_t limit) {
    return world_below(reader->cluster->run->world, limit);
}

static void later(struct delay_reader *reader, uint64_t typical_us) {
    env_timer_start(reader->timer, typical_us / 2 + draw(reader, typical_us + 1));
}

static void take_record(void *arg, const struct raw_record *record) {
    struct delay_reader *reader = arg;
    if (record->offset >= reader->position) later_read(reader->book, record);
}

static void take_records(struct delay_reader *reader,
                         const struct kp_fetch_response_partition *partition) {
    struct run *run = reader->cluster->run;
    if (partition->records.len <= 0 && partition->high_watermark > reader->position)
        run_fail(run, "who reads from %" PRId64 " on gets nothing below %" PRId64, reader->position,
                 partition->high_watermark);
    if (partition->records.len <= 0) return;
    int64_t next = raw_records(run, partition->records.data, (size_t)partition->records.len,
                               reader->position, true, take_record, reader);
    if (next > partition->high_watermark)
        run_fail(run, "delayed records were read up to %" PRId64 ", above the high watermark",
                 next);
    reader->position = next;
}

static void fetched(struct kafka_call *call, int error, const void *answer) {
    struct delay_reader *reader = CONTAINER_OF(call, struct delay_reader, call);
    const struct kp_fetch_response *response = answer;
    int16_t code = error == ERR_NONE ? response->error_code : (int16_t)KAFKA_REQUEST_TIMED_OUT;
    if (code == KAFKA_NONE) {
        const struct kp_fetch_response_partition *partition =
            &response->responses.items[0].partitions.items[0];
        code = partition->error_code;
        if (code == KAFKA_NONE) take_records(reader, partition);
    }
    if (code != KAFKA_NONE && !kafka_error_retriable(code) && code != KAFKA_FENCED_LEADER_EPOCH &&
        code != KAFKA_UNKNOWN_LEADER_EPOCH)
        run_fail(reader->cluster->run, "who reads delayed records at offset %" PRId64 " gets %s",
                 reader->position, kafka_error_name(code));
    if (code != KAFKA_NONE) kafka_client_refresh(reader->client);
    later(reader, code == KAFKA_NONE ? 1000 : BACKOFF_US);
}

static void step(void *arg) {
    struct delay_reader *reader = arg;
    struct known_leader leader = kafka_client_leader(reader->client, 0);
    struct kp_fetch_request request;
    struct kp_fetch_request_topic topic;
    struct kp_fetch_request_partition partition;
    if (!kafka_client_ready(reader->client) || leader.node < 0) {
        later(reader, BACKOFF_US);
        return;
    }
    kp_set_fallbacks(&kp_fetch_request_schema, &request);
    kp_set_fallbacks(&kp_fetch_request_topic_schema, &topic);
    kp_set_fallbacks(&kp_fetch_request_partition_schema, &partition);
    partition.current_leader_epoch = leader.epoch;
    partition.fetch_offset = reader->position;
    partition.partition_max_bytes = 1 + (int32_t)draw(reader, 3000);
    topic.topic = kp_string_of(kafka_client_topic(reader->client));
    topic.topic_id = kafka_client_topic_id(reader->client);
    topic.partitions.items = &partition;
    topic.partitions.count = 1;
    request.replica_id = -1;
    request.max_wait_ms = (int32_t)draw(reader, 500);
    request.min_bytes = (int32_t)draw(reader, 2);
    request.max_bytes = 1 + (int32_t)draw(reader, 20000);
    request.session_epoch = -1;
    request.topics.items = &topic;
    request.topics.count = 1;
    reader->call.done = fetched;
    kafka_link_call(kafka_client_link(reader->client, leader.node), &reader->call, KP_FETCH,
                    kafka_client_version(reader->client, KP_FETCH, 9), &request, CALL_US);
}

struct delay_reader *delay_reader_new(struct cluster *cluster, struct kafka_client *client,
                                      struct later_book *book) {
    struct delay_reader *reader = mem_zalloc(sizeof *reader);
    reader->cluster = cluster;
    reader->client = client;
    reader->book = book;
    reader->timer = env_timer_new(kafka_client_env(client), step, reader);
    later(reader, BACKOFF_US);
    return reader;
}

int64_t delay_reader_position(const struct delay_reader *reader) {
    return reader->position;
}
