/* Made-up producers; stranger.h has the rules. */
#include "tests/sim/stranger.h"

#include <inttypes.h>

#include "base/container_of.h"
#include "base/mem.h"
#include "protocol/kafka_error.h"
#include "tests/sim/produce_call.h"

enum { CALL_US = 4000000, BACKOFF_US = 50000, GIVEN_FROM = 100, GIVEN_TO = 1000 };
static const int64_t never_given = INT64_C(1) << 40;

struct stranger {
    struct run *run;
    struct kafka_client *client;
    struct history *history;
    struct stranger_options options;
    uint64_t next;
    int64_t next_given;
    int64_t id; /* of the batch in flight */
    struct kafka_call call;
    struct env_timer *timer;
    bool finishing;
};

static uint64_t draw(struct stranger *stranger, uint64_t limit) {
    return world_below(stranger->run->world, limit);
}

static void later(struct stranger *stranger, uint64_t typical_us) {
    env_timer_start(stranger->timer, typical_us / 2 + draw(stranger, typical_us + 1));
}

static void judge(struct stranger *stranger, const struct kp_produce_response_partition *answer) {
    int16_t code = answer->error_code;

    if (code == KAFKA_NONE) {
        if (stranger->id >= never_given)
            run_fail(stranger->run,
                     "partition %d takes a batch of producer %" PRId64
                     ", whose id nobody was given",
                     stranger->options.partition, stranger->id);
        history_acknowledged(stranger->history, stranger->options.number, stranger->next - 1,
                             answer->base_offset);
        return;
    }
    bool unknown = code == KAFKA_UNKNOWN_PRODUCER_ID;
    run_count(stranger->run, RARE_STRANGERS_REFUSED, unknown);
    run_count(stranger->run, RARE_STRANGERS_CROWDED, code == KAFKA_NOT_ENOUGH_REPLICAS);
    if (unknown ? stranger->id < never_given : !kafka_error_retriable(code))
        run_fail(stranger->run, "partition %d: the first batch of producer %" PRId64 " gets %s",
                 stranger->options.partition, stranger->id, kafka_error_name(code));
}

static void answered(struct kafka_call *call, int error, const void *response) {
    struct stranger *stranger = CONTAINER_OF(call, struct stranger, call);
    const struct kp_produce_response *answer = response;

    if (error == ERR_NONE)
        judge(stranger, &answer->responses.items[0].partition_responses.items[0]);
    if (error != ERR_NONE) kafka_client_refresh(stranger->client);
    later(stranger, stranger->options.interval_us);
}

static void send(struct stranger *stranger, int32_t node) {
    uint8_t *bytes;
    size_t len;

    bool given = stranger->options.ids_are_given && stranger->next_given < GIVEN_TO &&
                 draw(stranger, 4) > 0;
    stranger->id = given ? stranger->next_given++ : never_given + (int64_t)stranger->next;
    produce_one_record(stranger->client, stranger->id, 0, stranger->options.number, stranger->next,
                       0, &bytes, &len);
    history_sent(stranger->history, stranger->options.number, stranger->next++);
    stranger->call.done = answered;
    produce_call(stranger->client, kafka_client_link(stranger->client, node), &stranger->call,
                 stranger->options.partition, -1, bytes, len, CALL_US);
    mem_free(bytes);
}

static void step(void *arg) {
    struct stranger *stranger = arg;

    if (stranger->finishing) return;
    if (!kafka_client_ready(stranger->client) ||
        !stranger->options.may_begin(stranger->options.arg)) {
        later(stranger, BACKOFF_US);
        return;
    }
    struct known_leader leader = kafka_client_leader(stranger->client, stranger->options.partition);
    if (leader.node < 0) {
        kafka_client_refresh(stranger->client);
        later(stranger, BACKOFF_US);
        return;
    }
    send(stranger, leader.node);
}

struct stranger *stranger_new(struct kafka_client *client, struct history *history,
                              const struct stranger_options *options) {
    struct stranger *stranger = mem_zalloc(sizeof *stranger);

    stranger->run = kafka_client_run(client);
    stranger->client = client;
    stranger->history = history;
    stranger->options = *options;
    stranger->next_given = GIVEN_FROM; /* behind those that a broker gave to our producers */
    history_producer(history, options->number, options->partition, false);
    stranger->timer = env_timer_new(kafka_client_env(client), step, stranger);
    later(stranger, BACKOFF_US);
    return stranger;
}

void stranger_finish(struct stranger *stranger) {
    stranger->finishing = true;
}
