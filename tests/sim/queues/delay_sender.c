/* One batch at a time; delay_sender.h has the rules. */
#include "tests/sim/queues/delay_sender.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/container_of.h"
#include "base/mem.h"
#include "protocol/kafka_error.h"
#include "tests/sim/produce_call.h"

enum {
    CALL_US = 3000000,
    BACKOFF_US = 30000,
    INTERVAL_US = 40000,
    RECORDS_MOST = 5,
    AT_ONCE_MS = 60
};
static const int64_t far_ms = INT64_C(100) * 24 * 3600 * 1000;

struct delay_sender {
    struct cluster *cluster;
    struct kafka_client *client;
    struct later_book *book;
    struct identity identity;
    struct kafka_call call;
    struct env_timer *timer;
    int32_t sequence;
    /* The batch that has no answer yet. */
    uint64_t first;
    int32_t count; /* records; 0: there is none */
    uint8_t *bytes;
    size_t len;
    bool finishing;
};

static uint64_t draw(const struct delay_sender *sender, uint64_t limit) {
    return world_below(sender->cluster->run->world, limit);
}

static void later(struct delay_sender *sender, uint64_t typical_us) {
    env_timer_start(sender->timer, typical_us / 2 + draw(sender, typical_us + 1));
}

/* ---- Batches ---- */

/* As it is for whoever leads, about: its clock may be hours away from the others'. */
static int64_t leaders_now_ms(const struct delay_sender *sender) {
    struct known_leader leader = kafka_client_leader(sender->client, 0);
    int64_t off_ms = leader.node < 1
                         ? 0
                         : node_wall_offset_ms(sender->cluster->brokers[leader.node - 1].node);
    return env_wall_ms(kafka_client_env(sender->client)) + off_ms;
}

static enum later_kind a_kind(const struct delay_sender *sender, int64_t *what) {
    uint64_t drawn = draw(sender, 20), most_ms = draw(sender, 2) == 0 ? DELAY_SOON_MS : AT_ONCE_MS;
    *what = 0;
    if (drawn < 4) return DELAY_NONE;
    if (drawn < 6) {
        *what = later_any_offset(sender->book, leaders_now_ms(sender));
        return *what < 0 ? DELAY_NONE : DELAY_CALLS_OFF;
    }
    if (drawn < 13) {
        *what = leaders_now_ms(sender) + (int64_t)draw(sender, most_ms) - (int64_t)most_ms / 10;
        return DELAY_AT;
    }
    *what = drawn == 13 ? far_ms : 1 + (int64_t)draw(sender, most_ms);
    return DELAY_AFTER;
}

static void append(struct delay_sender *sender, struct record_batch_builder *builder) {
    static const char *const names[] = {"", "deliver-at", "deliver-in", "deliver-cancel"};
    int64_t what;
    enum later_kind kind = a_kind(sender, &what);
    uint8_t value[DELAY_VALUE_LEN];
    char text[24];
    uint64_t number = later_sent(sender->book, kind, what);
    snprintf(text, sizeof text, "%" PRId64, what);
    struct record_header header = {.key = names[kind],
                                   .key_len = (int32_t)strlen(names[kind]),
                                   .value = (const uint8_t *)text,
                                   .value_len = (int32_t)strlen(text)};
    later_value(number, value);
    record_batch_builder_append(builder, env_wall_ms(kafka_client_env(sender->client)), NULL, -1,
                                value, sizeof value, &header, kind != DELAY_NONE);
    if (sender->count++ == 0) sender->first = number;
}

static void make_batch(struct delay_sender *sender) {
    struct record_batch_options options = record_batch_plain();
    options.producer_id = sender->identity.id;
    options.producer_epoch = sender->identity.epoch;
    options.base_sequence = sender->sequence;
    struct record_batch_builder *builder = record_batch_builder_new(&options);
    for (uint64_t n = 1 + draw(sender, RECORDS_MOST); n > 0; n--)
        append(sender, builder);
    int error = record_batch_builder_finish(builder, &sender->bytes, &sender->len);
    CHECK(error == ERR_NONE);
    sender->sequence += sender->count;
}

/* ---- Calls ---- */

static void acknowledged(struct delay_sender *sender, int64_t offset) {
    for (int32_t i = 0; i < sender->count; i++)
        later_acknowledged(sender->book, sender->first + (uint64_t)i, offset + i);
    mem_free(sender->bytes);
    sender->bytes = NULL;
    sender->count = 0;
}

static void answered(struct kafka_call *call, int error, const void *response) {
    struct delay_sender *sender = CONTAINER_OF(call, struct delay_sender, call);
    int16_t code = KAFKA_REQUEST_TIMED_OUT;
    if (error == ERR_NONE) {
        const struct kp_produce_response_partition *answer = produce_answer(sender->cluster->run,
                                                                            response, 0);
        code = answer->error_code;
        if (code == KAFKA_NONE) acknowledged(sender, answer->base_offset);
    }
    if (code != KAFKA_NONE && !kafka_error_retriable(code))
        run_fail(sender->cluster->run, "delayed records from %" PRIu64 " on get %s", sender->first,
                 kafka_error_name(code));
    if (code != KAFKA_NONE) kafka_client_refresh(sender->client);
    later(sender, code == KAFKA_NONE ? INTERVAL_US : BACKOFF_US);
}

static void step(void *arg) {
    struct delay_sender *sender = arg;
    struct known_leader leader = kafka_client_leader(sender->client, 0);
    if (!kafka_client_ready(sender->client) || leader.node < 0) {
        if (kafka_client_ready(sender->client)) kafka_client_refresh(sender->client);
        later(sender, BACKOFF_US);
        return;
    }
    if (sender->identity.id < 0) {
        identity_ask(&sender->identity, sender->client);
        return;
    }
    if (sender->count == 0 && sender->finishing) return;
    if (sender->count == 0) make_batch(sender);
    sender->call.done = answered;
    produce_call(sender->client, kafka_client_link(sender->client, leader.node), &sender->call, 0,
                 -1, sender->bytes, sender->len, CALL_US);
}

static void identified(void *arg) {
    later(arg, BACKOFF_US);
}

/* ---- Life ---- */

struct delay_sender *delay_sender_new(struct cluster *cluster, struct kafka_client *client,
                                      struct later_book *book) {
    struct delay_sender *sender = mem_zalloc(sizeof *sender);
    sender->cluster = cluster;
    sender->client = client;
    sender->book = book;
    sender->identity = (struct identity){.id = -1, .answered = identified, .arg = sender};
    sender->timer = env_timer_new(kafka_client_env(client), step, sender);
    later(sender, INTERVAL_US);
    return sender;
}

void delay_sender_finish(struct delay_sender *sender) {
    sender->finishing = true;
}

bool delay_sender_is_done(const struct delay_sender *sender) {
    return sender->finishing && sender->count == 0;
}
