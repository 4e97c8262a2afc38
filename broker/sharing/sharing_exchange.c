/* Orders: to whom, and when again. Lists into bytes and back, on both sides. */
#include "broker/sharing/sharing_exchange.h"

#include <inttypes.h>

#include <utlist.h>

#include "base/check.h"
#include "base/container_of.h"
#include "base/mem.h"
#include "protocol/kafka_error.h"

enum {
    FORMAT = 1,
    ASK_SIZE = 17,
    ANSWER_SIZE = 22,
    ASK_HEAD_SIZE = 20, /* format, coordinator, what, length, count */
    ANSWER_HEAD_SIZE = 5,
};

/* To one broker, of one order. */
struct sharing_call {
    struct sharing_take take;
    struct broker_call call;
    struct sharing_order *order;
    int32_t node;
    size_t *places; /* in the order */
    size_t count;
    struct sharing_call *next, *prev;
};

/* What a peer asked for, until it is answered. */
struct served {
    struct sharing_take take; /* first */
    struct sharing_exchange *exchange;
    struct broker_caller caller;
    size_t count;
    struct served *next, *prev;
};

struct sharing_exchange {
    struct sharing_exchange_options options;
    struct sharing_taker *taker;
    struct sharing_order *orders;
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

/* ---- Calls ---- */

static void call_free(struct sharing_call *call) {
    DL_DELETE(call->order->calls, call);
    mem_free(call->places);
    mem_free(call);
}

static void call_cancel(struct sharing_call *call) {
    sharing_take_cancel(&call->take);
    broker_messages_call_cancel(call->order->exchange->options.messages, &call->call);
    call_free(call);
}

static void order_goes_on(struct sharing_order *order);

/* Whoever leads now may say something else. */
static bool is_asked_again(int16_t code) {
    return code == KAFKA_NOT_LEADER_OR_FOLLOWER || code == KAFKA_REQUEST_TIMED_OUT ||
           code == KAFKA_NOT_ENOUGH_REPLICAS || code == KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
}

/* NULL: there is no answer. */
static void call_over(struct sharing_call *call, const struct sharing_answer *answers) {
    struct sharing_order *order = call->order;
    for (size_t i = 0; i < call->count; i++) {
        size_t place = call->places[i];
        if (answers == NULL)
            order->answers[place].code = KAFKA_REQUEST_TIMED_OUT;
        else
            order->answers[place] = answers[i];
        order->over[place] = !is_asked_again(order->answers[place].code);
    }
    call_free(call);
    order_goes_on(order);
}

static void on_own(struct sharing_take *take, const struct sharing_answer *answers) {
    call_over(CONTAINER_OF(take, struct sharing_call, take), answers);
}

static void on_answer(struct broker_call *broker_call, int error, const uint8_t *body, size_t len) {
    struct sharing_call *call = CONTAINER_OF(broker_call, struct sharing_call, call);
    struct sharing_answer answers[SHARING_A_CALL];
    struct kp_reader reader;
    kp_reader_init(&reader, body, error == ERR_NONE ? len : 0);
    bool known = kp_read_int8(&reader) == FORMAT &&
                 kp_read_count(&reader, false, false, ANSWER_SIZE) == (int32_t)call->count;
    for (size_t i = 0; known && i < call->count; i++) {
        answers[i].code = kp_read_int16(&reader);
        answers[i].start = kp_read_int64(&reader);
        answers[i].epoch = kp_read_int32(&reader);
        answers[i].lag = kp_read_int64(&reader);
    }
    bool sound = known && reader.error == ERR_NONE && kp_reader_left(&reader) == 0;
    call_over(call, sound ? answers : NULL);
}

static struct slice write_asks(const struct sharing_order *order, const struct sharing_call *call) {
    struct kp_writer writer;
    kp_writer_init(&writer, ASK_HEAD_SIZE + (size_t)order->group.len + ASK_SIZE * call->count);
    kp_write_int8(&writer, FORMAT);
    kp_write_int64(&writer, (int64_t)order->orderer.group);
    kp_write_int32(&writer, order->orderer.term);
    kp_write_int8(&writer, (int8_t)order->what);
    kp_write_string(&writer, order->group, false, false);
    kp_write_int32(&writer, (int32_t)call->count);
    for (size_t i = 0; i < call->count; i++) {
        const struct sharing_ask *ask = &order->asks[call->places[i]];
        kp_write_int64(&writer, (int64_t)ask->partition);
        kp_write_bool(&writer, ask->exact);
        kp_write_int64(&writer, ask->start);
    }
    return written(&writer);
}

static void call_send(struct sharing_call *call) {
    struct sharing_order *order = call->order;
    struct sharing_exchange *exchange = order->exchange;
    if (call->node != exchange->options.node) {
        call->call.done = on_answer;
        broker_messages_call(exchange->options.messages, &call->call, call->node,
                             BROKER_REQUEST_SHARING, write_asks(order, call), SHARING_CALL_MS);
        return;
    }
    struct sharing_ask asks[SHARING_A_CALL];
    for (size_t i = 0; i < call->count; i++)
        asks[i] = order->asks[call->places[i]];
    call->take.done = on_own;
    sharing_taker_take(exchange->taker, &call->take, order->what, order->orderer, order->group,
                       asks, call->count);
}

/* ---- Orders ---- */

static struct sharing_call *call_to(struct sharing_order *order, int32_t node) {
    struct sharing_call *call;
    DL_FOREACH(order->calls, call) {
        if (call->node == node && call->count < SHARING_A_CALL) return call;
    }
    call = mem_zalloc(sizeof *call);
    call->order = order;
    call->node = node;
    call->places = mem_alloc(SHARING_A_CALL * sizeof *call->places);
    DL_PREPEND(order->calls, call);
    return call;
}

/* Behind the last one that is asked now. */
static size_t order_to(const struct sharing_order *order) {
    size_t left = order->count - order->from;
    return order->from + (left < SHARING_ORDER_MOST ? left : SHARING_ORDER_MOST);
}

/* All of this part that is not over, to those that lead it now. */
static void order_send(struct sharing_order *order) {
    struct sharing_call *call, *next;
    size_t to = order_to(order);
    for (size_t i = order->from; i < to; i++) {
        if (order->over[i]) continue;
        struct leader leader = leader_table_get(order->exchange->options.leaders,
                                                order->asks[i].partition);
        order->answers[i].code = KAFKA_NOT_LEADER_OR_FOLLOWER;
        if (leader.node == LEADER_NONE) continue;
        call = call_to(order, leader.node);
        call->places[call->count++] = i;
    }
    DL_FOREACH_SAFE(order->calls, call, next) {
        call_send(call);
    }
}

static void order_end(struct sharing_order *order) {
    while (order->calls != NULL)
        call_cancel(order->calls);
    DL_DELETE(order->exchange->orders, order);
    env_timer_free(order->timer);
    mem_free(order->over);
    order->exchange = NULL;
}

static bool part_is_over(const struct sharing_order *order) {
    size_t to = order_to(order);
    for (size_t i = order->from; i < to; i++)
        if (!order->over[i]) return env_now_ms(order->exchange->options.env) >= order->until_ms;
    return true;
}

/* In a later turn. */
static void part_begin(struct sharing_order *order, size_t from) {
    order->from = from;
    order->until_ms = env_now_ms(order->exchange->options.env) + order->timeout_ms;
    env_timer_start(order->timer, 0);
}

static void order_goes_on(struct sharing_order *order) {
    if (order->calls != NULL) return;
    if (!part_is_over(order)) {
        env_timer_start(order->timer, SHARING_RETRY_MS * UINT64_C(1000));
    } else if (order_to(order) < order->count) {
        part_begin(order, order_to(order));
    } else {
        order_end(order);
        order->done(order);
    }
}

static void on_timer(void *arg) {
    struct sharing_order *order = arg;
    order_send(order);
    order_goes_on(order);
}

void sharing_order_begin(struct sharing_exchange *exchange, struct sharing_order *order) {
    order->exchange = exchange;
    order->calls = NULL;
    order->over = mem_zalloc(order->count + 1);
    order->timer = env_timer_new(exchange->options.env, on_timer, order);
    for (size_t i = 0; i < order->count; i++)
        order->answers[i] = (struct sharing_answer){.start = -1, .lag = -1};
    DL_APPEND(exchange->orders, order);
    part_begin(order, 0);
}

void sharing_order_cancel(struct sharing_order *order) {
    if (order->exchange != NULL) order_end(order);
}

/* ---- Being asked ---- */

static void answer(struct sharing_take *take, const struct sharing_answer *answers) {
    struct served *served = (struct served *)take;
    struct sharing_exchange *exchange = served->exchange;
    struct kp_writer writer;
    kp_writer_init(&writer, ANSWER_HEAD_SIZE + ANSWER_SIZE * served->count);
    kp_write_int8(&writer, FORMAT);
    kp_write_int32(&writer, (int32_t)served->count);
    for (size_t i = 0; i < served->count; i++) {
        kp_write_int16(&writer, answers[i].code);
        kp_write_int64(&writer, answers[i].start);
        kp_write_int32(&writer, answers[i].epoch);
        kp_write_int64(&writer, answers[i].lag);
    }
    broker_messages_answer(exchange->options.messages, served->caller, written(&writer));
    DL_DELETE(exchange->served, served);
    mem_free(served);
}

struct asked {
    enum sharing_what what;
    struct sharing_orderer orderer;
    struct kp_string group;
    struct sharing_ask asks[SHARING_A_CALL];
    size_t count;
};

static bool read_asks(const uint8_t *body, size_t len, struct asked *asked) {
    struct kp_reader reader;
    kp_reader_init(&reader, body, len);
    bool known = kp_read_int8(&reader) == FORMAT;
    asked->orderer.group = (uint64_t)kp_read_int64(&reader);
    asked->orderer.term = kp_read_int32(&reader);
    int8_t what = kp_read_int8(&reader);
    asked->group = kp_read_string(&reader, false, false);
    int32_t count = kp_read_count(&reader, false, false, ASK_SIZE);
    if (!known || what < SHARING_LOOK || what > SHARING_DROP) return false;
    if (asked->group.len <= 0 || count < 1 || count > SHARING_A_CALL) return false;
    asked->what = (enum sharing_what)what;
    asked->count = (size_t)count;
    for (int32_t i = 0; i < count; i++) {
        asked->asks[i].partition = (uint64_t)kp_read_int64(&reader);
        asked->asks[i].exact = kp_read_bool(&reader);
        asked->asks[i].start = kp_read_int64(&reader);
    }
    return reader.error == ERR_NONE && kp_reader_left(&reader) == 0;
}

static void on_asked(void *arg, struct broker_caller caller, const uint8_t *body, size_t len) {
    struct sharing_exchange *exchange = arg;
    struct asked asked;
    if (!read_asks(body, len, &asked)) {
        log_limited(exchange->options.log, &exchange->limiter, LOGGED_MESSAGE_UNKNOWN,
                    "what broker %" PRId32 " asked of partitions that are shared makes no sense to "
                    "this version and was dropped; give both the same version",
                    caller.node);
        return;
    }
    struct served *served = mem_zalloc(sizeof *served);
    *served = (struct served){
        .take.done = answer, .exchange = exchange, .caller = caller, .count = asked.count};
    DL_APPEND(exchange->served, served);
    sharing_taker_take(exchange->taker, &served->take, asked.what, asked.orderer, asked.group,
                       asked.asks, asked.count);
}

/* ---- Life ---- */

struct sharing_exchange *sharing_exchange_new(const struct sharing_exchange_options *options) {
    struct sharing_exchange *exchange = mem_zalloc(sizeof *exchange);
    exchange->options = *options;
    exchange->taker = sharing_taker_new(
        &(struct sharing_taker_options){.env = options->env,
                                        .log = options->log,
                                        .settings = options->settings,
                                        .partitions = options->partitions,
                                        .leaders = options->leaders});
    broker_messages_serve(options->messages, BROKER_REQUEST_SHARING, on_asked, exchange);
    return exchange;
}

void sharing_exchange_free(struct sharing_exchange *exchange) {
    if (exchange == NULL) return;
    broker_messages_serve(exchange->options.messages, BROKER_REQUEST_SHARING, NULL, NULL);
    while (exchange->orders != NULL)
        order_end(exchange->orders);
    while (exchange->served != NULL) {
        struct served *served = exchange->served;
        DL_DELETE(exchange->served, served);
        sharing_take_cancel(&served->take);
        mem_free(served);
    }
    sharing_taker_free(exchange->taker);
    mem_free(exchange);
}
