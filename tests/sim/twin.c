/* A producer that sends everything more than once; twin.h has the rules. */
#include "tests/sim/twin.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/check.h"
#include "base/mem.h"
#include "protocol/kafka_error.h"

enum { HANDS = 2, BACKOFF_US = 20000, FIRST_PATIENCE_US = 60000, LAST_PATIENCE_US = 4000000 };

/* One connection to each broker, with one request under way at most. */
struct hand {
    struct kafka_call call; /* first */
    struct twin *twin;
    struct kafka_link *links[CLIENT_BROKERS_MAX + 1]; /* by node id */
    int32_t node;                                     /* whom it asks */
    bool busy;
};

struct twin {
    struct run *run;
    struct kafka_client *client;
    struct history *history;
    struct twin_options options;
    struct identity identity;
    struct hand hands[HANDS];
    uint64_t number; /* of the record, and of its batch */
    uint8_t *bytes;  /* of the batch; NULL: none under way */
    size_t len;
    int64_t offset;  /* where it is; -1: not acknowledged */
    int32_t by;      /* who acknowledged it */
    unsigned unseen; /* batches that somebody else who believes that it leads may not have seen */
    uint64_t patience_us;
    struct env_timer *timer;
    bool asked_again, finishing, known;
};

static uint64_t draw(struct twin *twin, uint64_t limit) {
    return world_below(twin->run->world, limit);
}

static void later(struct twin *twin, uint64_t typical_us) {
    env_timer_start(twin->timer, typical_us / 2 + draw(twin, typical_us + 1));
}

/* ---- Answers ---- */

static void acknowledged(struct twin *twin, const struct hand *hand, int64_t offset) {
    if (twin->offset >= 0 && offset != twin->offset)
        run_fail(twin->run,
                 "n%d has record %" PRIu64 " of producer %u at offset %" PRId64
                 ", and n%d acknowledged it at %" PRId64,
                 hand->node, twin->number, twin->options.number, offset, twin->by, twin->offset);
    run_count(twin->run, RARE_TWINS_SEEN, twin->offset >= 0);
    history_acknowledged(twin->history, twin->options.number, twin->number, offset);
    twin->options.acknowledged(twin->options.arg, twin->options.partition, offset,
                               twin->options.number, twin->number);
    twin->offset = offset;
    twin->by = hand->node;
    twin->known = true;
    twin->patience_us = FIRST_PATIENCE_US;
}

static void answered(struct kafka_call *call, int error, const void *response) {
    struct hand *hand = (struct hand *)call;
    struct twin *twin = hand->twin;

    hand->busy = false;
    if (error == ERR_NONE) {
        const struct kp_produce_response_partition *answer = produce_answer(
            twin->run, response, twin->options.partition);
        int16_t code = answer->error_code;
        run_say(twin->run, "producer %u: n%d answers to record %" PRIu64 ": %s",
                twin->options.number, hand->node, twin->number, kafka_error_name(code));
        if (code == KAFKA_NONE)
            acknowledged(twin, hand, answer->base_offset);
        else if (!kafka_error_retriable(code))
            run_fail(twin->run,
                     "producer %u (partition %d): n%d answers to record %" PRIu64 ", %s, with %s",
                     twin->options.number, twin->options.partition, hand->node, twin->number,
                     twin->offset >= 0 ? "which was acknowledged" : "the next one",
                     kafka_error_name(code));
    } else if (twin->offset < 0 && twin->patience_us < LAST_PATIENCE_US) {
        twin->patience_us *= 2;
    }
    later(twin, twin->offset < 0 ? BACKOFF_US : twin->options.interval_us);
}

/* ---- Sending ---- */

static void send(struct twin *twin, struct hand *hand, int32_t node, uint64_t patience_us) {
    history_sent(twin->history, twin->options.number, twin->number);
    hand->busy = true;
    hand->node = node;
    hand->call.done = answered;
    produce_call(twin->client, hand->links[node], &hand->call, twin->options.partition, -1,
                 twin->bytes, twin->len, patience_us);
}

/* To the leader; now and then twice at once, which is a retry of what is in flight. */
static void ask(struct twin *twin) {
    int32_t newest;

    twin->options.leaders(twin->options.arg, twin->options.partition, &newest);
    if (newest < 0) {
        later(twin, BACKOFF_US);
        return;
    }
    unsigned hands = draw(twin, 3) == 0 ? HANDS : 1;
    for (unsigned i = 0; i < hands; i++)
        send(twin, &twin->hands[i], newest, twin->patience_us + draw(twin, twin->patience_us));
}

/* Whoever else believes that it leads is asked for what is there already. False: nobody is. */
static bool ask_again(struct twin *twin) {
    int32_t node = 0, newest;
    uint32_t leaders = twin->options.leaders(twin->options.arg, twin->options.partition, &newest);

    leaders &= ~(UINT32_C(1) << (twin->by - 1));
    run_count(twin->run, RARE_TWO_BELIEVE, leaders != 0);
    /* Not with the first one, which would be the next there as well, and wait for a commit that
     * never comes. */
    twin->unseen = leaders == 0 ? 0 : twin->unseen + 1;
    if (leaders != 0 && draw(twin, 4) < (twin->unseen == 1 ? 3 : 1)) return false;
    while (leaders != 0 && (leaders >> node & 1) == 0)
        node++;
    if (leaders == 0 && draw(twin, 8) > 0) return false;
    if (leaders == 0) node = (int32_t)draw(twin, kafka_client_brokers(twin->client));
    twin->asked_again = true;
    send(twin, &twin->hands[1], node + 1, FIRST_PATIENCE_US + draw(twin, 600000));
    return true;
}

static void begin(struct twin *twin) {
    produce_one_record(twin->client, twin->identity.id, twin->identity.epoch, twin->options.number,
                       twin->number, (int32_t)twin->number, &twin->bytes, &twin->len);
    twin->offset = -1;
    twin->asked_again = false;
}

static void end(struct twin *twin) {
    mem_free(twin->bytes);
    twin->bytes = NULL;
    twin->number++;
}

/* ---- Life ---- */

static void step(void *arg) {
    struct twin *twin = arg;

    if (twin->hands[0].busy || twin->hands[1].busy || twin->identity.asking)
        return; /* the answer goes on */
    if (!kafka_client_ready(twin->client)) {
        later(twin, BACKOFF_US);
        return;
    }
    if (twin->identity.id < 0) {
        identity_ask(&twin->identity, twin->client);
        return;
    }
    if (twin->bytes != NULL && twin->offset >= 0) {
        if (!twin->asked_again && ask_again(twin)) return;
        end(twin);
    }
    if (twin->bytes == NULL && twin->finishing) return;
    if (twin->bytes == NULL) begin(twin);
    ask(twin);
}

static void identified(void *arg) {
    later(arg, BACKOFF_US);
}

struct twin *twin_new(struct kafka_client *client, struct history *history,
                      const struct twin_options *options) {
    struct twin *twin = mem_zalloc(sizeof *twin);
    char host[16];

    twin->run = kafka_client_run(client);
    twin->client = client;
    twin->history = history;
    twin->options = *options;
    twin->identity = (struct identity){.id = -1, .answered = identified, .arg = twin};
    twin->patience_us = FIRST_PATIENCE_US;
    for (unsigned i = 0; i < HANDS; i++) {
        twin->hands[i].twin = twin;
        for (unsigned node = 1; node <= kafka_client_brokers(client); node++) {
            snprintf(host, sizeof host, "n%u", node);
            twin->hands[i].links[node] = kafka_link_new(twin->run, kafka_client_env(client), host,
                                                        CLIENT_PORT);
        }
    }
    history_producer(history, options->number, options->partition, true);
    twin->timer = env_timer_new(kafka_client_env(client), step, twin);
    later(twin, options->interval_us);
    return twin;
}

void twin_finish(struct twin *twin) {
    twin->finishing = true;
}

bool twin_is_known(const struct twin *twin) {
    return twin->known;
}

bool twin_is_idle(const struct twin *twin) {
    return twin->bytes == NULL;
}
