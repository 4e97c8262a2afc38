/* DeleteRecords and what may come of it; trimmer.h has the rules. */
#include "tests/sim/trimmer.h"

#include <inttypes.h>

#include "base/container_of.h"
#include "base/mem.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/delete_records.h"

enum { CALL_US = 3000000, BACKOFF_US = 50000 };

struct trimmer {
    struct kafka_call call;
    struct run *run;
    struct kafka_client *client;
    struct history *history;
    int32_t partition;
    uint64_t interval_us;
    int64_t offset; /* asked for */
    int64_t floor;  /* of the watermark, when the question left */
    struct env_timer *timer;
    uint64_t left; /* so often it still asks */
    bool finished;
};

static void later(struct trimmer *trimmer, uint64_t typical_us) {
    env_timer_start(trimmer->timer,
                    typical_us / 2 + world_below(trimmer->run->world, typical_us + 1));
}

static void trimmed(struct kafka_call *call, int error, const void *answer) {
    struct trimmer *trimmer = CONTAINER_OF(call, struct trimmer, call);
    const struct kp_delete_records_response *response = answer;

    if (error != ERR_NONE) {
        run_count(trimmer->run, RARE_UNKNOWN_RESULTS, 1);
        kafka_client_refresh(trimmer->client);
        later(trimmer, BACKOFF_US);
        return;
    }
    const struct kp_delete_records_response_partition *told =
        &response->topics.items[0].partitions.items[0];
    int16_t code = told->error_code;
    bool above = code == KAFKA_OFFSET_OUT_OF_RANGE && trimmer->offset > trimmer->floor;
    if (code == KAFKA_NONE) {
        if (told->low_watermark < trimmer->offset)
            run_fail(trimmer->run,
                     "partition %d starts at %" PRId64 ", although records below %" PRId64
                     " were deleted",
                     trimmer->partition, told->low_watermark, trimmer->offset);
        history_started(trimmer->history, trimmer->partition, told->low_watermark, "DeleteRecords");
        history_trimmed(trimmer->history, trimmer->partition, told->low_watermark);
        run_count(trimmer->run, RARE_TRIMMED, 1);
        later(trimmer, trimmer->interval_us);
        return;
    }
    if (!above && !kafka_error_retriable(code))
        run_fail(trimmer->run, "deleting records of partition %d below %" PRId64 " gets %s",
                 trimmer->partition, trimmer->offset, kafka_error_name(code));
    kafka_client_refresh(trimmer->client);
    later(trimmer, BACKOFF_US);
}

static void trim(struct trimmer *trimmer, int32_t node) {
    struct kp_delete_records_request request;
    struct kp_delete_records_request_topic topic;
    struct kp_delete_records_request_partition partition;
    struct world *world = trimmer->run->world;
    int64_t start = history_least_start(trimmer->history, trimmer->partition),
            end = history_end(trimmer->history, trimmer->partition);
    uint64_t left = end > start ? (uint64_t)(end - start) : 0;

    kp_set_fallbacks(&kp_delete_records_request_schema, &request);
    kp_set_fallbacks(&kp_delete_records_request_topic_schema, &topic);
    /* mostly a part, and now and then all that is known */
    trimmer->offset = start +
                      (int64_t)(world_below(world, 6) == 0 ? left : world_below(world, left + 1));
    trimmer->floor = history_floor(trimmer->history, trimmer->partition);
    history_trim_asked(trimmer->history, trimmer->partition, trimmer->offset);
    partition.partition_index = trimmer->partition;
    partition.offset = trimmer->offset;
    topic.name = kp_string_of(kafka_client_topic(trimmer->client));
    topic.partitions.items = &partition;
    topic.partitions.count = 1;
    request.topics.items = &topic;
    request.topics.count = 1;
    request.timeout_ms = 2000;
    trimmer->call.done = trimmed;
    kafka_link_call(kafka_client_link(trimmer->client, node), &trimmer->call, KP_DELETE_RECORDS,
                    kafka_client_version(trimmer->client, KP_DELETE_RECORDS, 0), &request, CALL_US);
}

static void step(void *arg) {
    struct trimmer *trimmer = arg;
    struct known_leader leader = kafka_client_leader(trimmer->client, trimmer->partition);

    if (trimmer->finished || trimmer->left == 0) return;
    if (leader.node >= 0) {
        trimmer->left--;
        trim(trimmer, leader.node);
        return;
    }
    if (kafka_client_ready(trimmer->client)) kafka_client_refresh(trimmer->client);
    later(trimmer, BACKOFF_US);
}

struct trimmer *trimmer_new(struct kafka_client *client, struct history *history, int32_t partition,
                            uint64_t interval_us) {
    struct trimmer *trimmer = mem_zalloc(sizeof *trimmer);

    trimmer->run = kafka_client_run(client);
    trimmer->client = client;
    trimmer->history = history;
    trimmer->partition = partition;
    trimmer->interval_us = interval_us;
    trimmer->left = 1 +
                    world_below(trimmer->run->world, world_below(trimmer->run->world, 2) ? 5 : 200);
    trimmer->timer = env_timer_new(kafka_client_env(client), step, trimmer);
    later(trimmer, interval_us);
    return trimmer;
}

void trimmer_finish(struct trimmer *trimmer) {
    trimmer->finished = true;
}
