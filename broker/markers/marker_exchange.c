/* Lists into bytes and back, on both sides. */
#include "broker/markers/marker_exchange.h"

#include <inttypes.h>

#include <utlist.h>

#include "base/check.h"
#include "base/container_of.h"
#include "base/mem.h"
#include "protocol/wire.h"

enum {
    FORMAT = 1,
    HEAD_SIZE = 5, /* format, count */
    ASK_SIZE = 27,
    CODE_SIZE = 2,
    BIT_COMMIT = 1,
    BIT_RAISES_EPOCH = 2,
};

/* What a peer asked for, until it is answered. */
struct served {
    struct marker_take take; /* first */
    struct marker_exchange *exchange;
    struct broker_caller caller;
    size_t count;
    struct served *next, *prev;
};

struct marker_exchange {
    struct marker_exchange_options options;
    struct marker_taker *taker;
    struct served *served;
    struct log_limiter limiter;
};

static struct slice written(struct kp_writer *writer) {
    uint8_t *data;
    size_t len;
    int error = kp_writer_take(writer, &data, &len);
    CHECK(error == ERR_NONE); /* the limit is what is written */
    return slice_adopt(NULL, data, len);
}

/* ---- Asking ---- */

static struct slice write_asks(const struct marker_ask *asks, size_t count) {
    struct kp_writer writer;
    kp_writer_init(&writer, HEAD_SIZE + ASK_SIZE * count);
    kp_write_int8(&writer, FORMAT);
    kp_write_int32(&writer, (int32_t)count);
    for (size_t i = 0; i < count; i++) {
        const struct transaction_marker *end = &asks[i].end;
        kp_write_int64(&writer, (int64_t)asks[i].group);
        kp_write_int32(&writer, (int32_t)asks[i].term);
        kp_write_int64(&writer, end->producer_id);
        kp_write_int16(&writer, end->producer_epoch);
        kp_write_int32(&writer, end->coordinator_epoch);
        kp_write_int8(&writer, (int8_t)((end->commit ? BIT_COMMIT : 0) |
                                        (asks[i].raises_epoch ? BIT_RAISES_EPOCH : 0)));
    }
    return written(&writer);
}

static void call_over(struct marker_call *call, int error, const int16_t *codes) {
    call->exchange = NULL;
    call->done(call, error, codes);
}

static void on_answer(struct broker_call *broker_call, int error, const uint8_t *body, size_t len) {
    struct marker_call *call = CONTAINER_OF(broker_call, struct marker_call, call);
    int16_t codes[MARKERS_A_CALL];
    struct kp_reader reader;
    if (error == ERR_NONE) {
        kp_reader_init(&reader, body, len);
        bool known = kp_read_int8(&reader) == FORMAT &&
                     kp_read_count(&reader, false, false, CODE_SIZE) == (int32_t)call->count;
        for (size_t i = 0; known && i < call->count; i++)
            codes[i] = kp_read_int16(&reader);
        if (!known || reader.error != ERR_NONE || kp_reader_left(&reader) > 0)
            error = ERR_MALFORMED;
    }
    call_over(call, error, codes);
}

static void on_own(struct marker_take *take, const int16_t *codes) {
    call_over(CONTAINER_OF(take, struct marker_call, take), ERR_NONE, codes);
}

void marker_exchange_ask(struct marker_exchange *exchange, struct marker_call *call, int32_t node,
                         const struct marker_ask *asks, size_t count) {
    call->exchange = exchange;
    call->count = count;
    if (node == exchange->options.node) {
        call->take.done = on_own;
        marker_taker_take(exchange->taker, &call->take, asks, count);
        return;
    }
    call->call.done = on_answer;
    broker_messages_call(exchange->options.messages, &call->call, node, BROKER_REQUEST_MARKERS,
                         write_asks(asks, count), MARKER_CALL_MS);
}

void marker_call_cancel(struct marker_call *call) {
    if (call->exchange == NULL) return;
    marker_take_cancel(&call->take);
    broker_messages_call_cancel(call->exchange->options.messages, &call->call);
    call->exchange = NULL;
}

static void road_ask(void *exchange, struct marker_call *call, int32_t node,
                     const struct marker_ask *asks, size_t count) {
    marker_exchange_ask(exchange, call, node, asks, count);
}

struct marker_road marker_exchange_road(struct marker_exchange *exchange) {
    return (struct marker_road){road_ask, marker_call_cancel, exchange};
}

/* ---- Being asked ---- */

static void answer(struct marker_take *take, const int16_t *codes) {
    struct served *served = (struct served *)take;
    struct marker_exchange *exchange = served->exchange;
    struct kp_writer writer;
    kp_writer_init(&writer, HEAD_SIZE + CODE_SIZE * served->count);
    kp_write_int8(&writer, FORMAT);
    kp_write_int32(&writer, (int32_t)served->count);
    for (size_t i = 0; i < served->count; i++)
        kp_write_int16(&writer, codes[i]);
    broker_messages_answer(exchange->options.messages, served->caller, written(&writer));
    DL_DELETE(exchange->served, served);
    mem_free(served);
}

static bool read_asks(const uint8_t *body, size_t len, struct marker_ask *asks, size_t *count) {
    struct kp_reader reader;
    kp_reader_init(&reader, body, len);
    bool known = kp_read_int8(&reader) == FORMAT;
    int32_t said = kp_read_count(&reader, false, false, ASK_SIZE);
    if (!known || said < 1 || said > MARKERS_A_CALL) return false;
    for (int32_t i = 0; i < said; i++) {
        asks[i].group = (uint64_t)kp_read_int64(&reader);
        int32_t term = kp_read_int32(&reader);
        if (term < 0) kp_reader_fail(&reader, ERR_MALFORMED);
        asks[i].term = (log_term)term;
        asks[i].end.producer_id = kp_read_int64(&reader);
        asks[i].end.producer_epoch = kp_read_int16(&reader);
        asks[i].end.coordinator_epoch = kp_read_int32(&reader);
        int8_t bits = kp_read_int8(&reader);
        asks[i].end.commit = (bits & BIT_COMMIT) != 0;
        asks[i].raises_epoch = (bits & BIT_RAISES_EPOCH) != 0;
    }
    *count = (size_t)said;
    return reader.error == ERR_NONE && kp_reader_left(&reader) == 0;
}

static void on_asked(void *arg, struct broker_caller caller, const uint8_t *body, size_t len) {
    struct marker_exchange *exchange = arg;
    struct marker_ask asks[MARKERS_A_CALL];
    size_t count;
    if (!read_asks(body, len, asks, &count)) {
        log_limited(exchange->options.log, &exchange->limiter, LOGGED_MESSAGE_UNKNOWN,
                    "markers of transactions from broker %" PRId32
                    " make no sense to this version and were dropped; give both the same version",
                    caller.node);
        return;
    }
    struct served *served = mem_zalloc(sizeof *served);
    *served = (struct served){
        .take.done = answer, .exchange = exchange, .caller = caller, .count = count};
    DL_APPEND(exchange->served, served);
    marker_taker_take(exchange->taker, &served->take, asks, count);
}

/* ---- Life ---- */

struct marker_exchange *marker_exchange_new(const struct marker_exchange_options *options) {
    struct marker_exchange *exchange = mem_zalloc(sizeof *exchange);
    exchange->options = *options;
    exchange->taker = marker_taker_new(options->env, options->partitions);
    broker_messages_serve(options->messages, BROKER_REQUEST_MARKERS, on_asked, exchange);
    return exchange;
}

void marker_exchange_free(struct marker_exchange *exchange) {
    if (exchange == NULL) return;
    broker_messages_serve(exchange->options.messages, BROKER_REQUEST_MARKERS, NULL, NULL);
    while (exchange->served != NULL) {
        struct served *served = exchange->served;
        DL_DELETE(exchange->served, served);
        marker_take_cancel(&served->take);
        mem_free(served);
    }
    marker_taker_free(exchange->taker);
    mem_free(exchange);
}
