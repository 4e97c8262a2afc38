/* Batches that are sent, and batches that are taken, on both sides. */
#include "broker/letters/letter_exchange.h"

#include <inttypes.h>
#include <string.h>

#include <utlist.h>

#include "base/check.h"
#include "base/container_of.h"
#include "base/error.h"
#include "base/mem.h"
#include "protocol/kafka_error.h"
#include "protocol/wire.h"

enum { FORMAT = 1, HEAD_SIZE = 9, ANSWER_SIZE = 3 };

/* A batch that is produced here, until it is over: of a peer, or of this broker's own call. */
struct letter_taking {
    struct letter_exchange *exchange;
    struct letter_call *call; /* NULL: of a peer */
    struct broker_caller caller;
    uint64_t group;
    struct slice frame; /* in which the batch lies, behind the head */
    struct partition_produce produce;
    struct env_timer *timer;
    struct env_task task; /* begins it in a later turn, ends it in another one */
    bool begun, over;
    int16_t code;
    struct letter_taking *next, *prev;
};

struct letter_exchange {
    struct letter_exchange_options options;
    struct letter_taking *takings;
    size_t held; /* of peers */
    struct log_limiter limiter;
};

/* ---- Taking ---- */

static void taking_free(struct letter_taking *taking) {
    struct letter_exchange *exchange = taking->exchange;
    if (taking->begun && !taking->over) partition_produce_cancel(&taking->produce);
    if (taking->call == NULL) exchange->held--;
    DL_DELETE(exchange->takings, taking);
    env_defer_cancel(exchange->options.env, &taking->task);
    env_timer_free(taking->timer);
    slice_unref(&taking->frame);
    mem_free(taking);
}

static void answer(struct letter_exchange *exchange, struct broker_caller caller, int16_t code) {
    struct kp_writer writer;
    uint8_t *data;
    size_t len;
    kp_writer_init(&writer, ANSWER_SIZE);
    kp_write_int8(&writer, FORMAT);
    kp_write_int16(&writer, code);
    int error = kp_writer_take(&writer, &data, &len);
    CHECK(error == ERR_NONE); /* the limit is what is written */
    broker_messages_answer(exchange->options.messages, caller, slice_adopt(NULL, data, len));
}

static void taking_end(struct letter_taking *taking) {
    struct letter_call *call = taking->call;
    int16_t code = taking->code;
    if (call == NULL) answer(taking->exchange, taking->caller, code);
    taking_free(taking);
    if (call == NULL) return;
    call->exchange = NULL;
    call->own = NULL;
    call->done(call, code);
}

/* Told in a later turn: it may be over within a call. */
static void taking_over(struct letter_taking *taking, int16_t code) {
    taking->over = true;
    taking->code = code;
    env_timer_stop(taking->timer);
    env_defer(taking->exchange->options.env, &taking->task);
}

static void on_produced(struct partition_produce *produce, const struct produce_refusal *refusal) {
    (void)refusal;
    taking_over(CONTAINER_OF(produce, struct letter_taking, produce), produce->error);
}

static void on_late(void *arg) {
    struct letter_taking *taking = arg;
    partition_produce_time_out(&taking->produce);
}

static void taking_begin(struct letter_taking *taking) {
    struct letter_exchange *exchange = taking->exchange;
    struct partition *partition = partition_set_find_group(exchange->options.partitions,
                                                           taking->group);
    struct produced_records records = {.frame = taking->frame,
                                       .data = taking->frame.data + HEAD_SIZE,
                                       .len = (int32_t)(taking->frame.len - HEAD_SIZE),
                                       .zstd_allowed = true,
                                       .transactional_id = KP_NULL_STRING,
                                       .sender = taking};
    struct produce_refusal refusal = {0};
    if (partition == NULL) {
        taking_over(taking, KAFKA_NOT_LEADER_OR_FOLLOWER);
        return;
    }
    taking->produce.done = on_produced;
    taking->begun = true;
    if (partition_produce(partition, &records, &taking->produce, &refusal) == DONE)
        taking_over(taking, taking->produce.error);
    else
        env_timer_start(taking->timer, LETTER_ANSWER_MS * UINT64_C(1000));
}

static void on_turn(struct env_task *task) {
    struct letter_taking *taking = CONTAINER_OF(task, struct letter_taking, task);
    if (taking->over)
        taking_end(taking);
    else
        taking_begin(taking);
}

/* The frame is taken over. */
static struct letter_taking *taking_new(struct letter_exchange *exchange, struct letter_call *call,
                                        uint64_t group, struct slice frame) {
    struct letter_taking *taking = mem_zalloc(sizeof *taking);
    taking->exchange = exchange;
    taking->call = call;
    taking->group = group;
    taking->frame = frame;
    taking->timer = env_timer_new(exchange->options.env, on_late, taking);
    taking->task.run = on_turn;
    DL_APPEND(exchange->takings, taking);
    env_defer(exchange->options.env, &taking->task);
    return taking;
}

static void on_asked(void *arg, struct broker_caller caller, const uint8_t *body, size_t len) {
    struct letter_exchange *exchange = arg;
    struct kp_reader reader;
    kp_reader_init(&reader, body, len);
    bool known = kp_read_int8(&reader) == FORMAT;
    uint64_t group = (uint64_t)kp_read_int64(&reader);
    if (!known || reader.error != ERR_NONE || kp_reader_left(&reader) == 0 || len > INT32_MAX) {
        log_limited(exchange->options.log, &exchange->limiter, LOGGED_MESSAGE_UNKNOWN,
                    "a dead letter from broker %" PRId32
                    " makes no sense to this version and was dropped; give both the same version",
                    caller.node);
        return;
    }
    if (exchange->held >= LETTER_BATCHES_HELD) {
        answer(exchange, caller, KAFKA_NOT_ENOUGH_REPLICAS);
        return;
    }
    exchange->held++;
    taking_new(exchange, NULL, group, slice_copy(NULL, body, len))->caller = caller;
}

/* ---- Sending ---- */

static void on_answer(struct broker_call *broker_call, int error, const uint8_t *body, size_t len) {
    struct letter_call *call = CONTAINER_OF(broker_call, struct letter_call, call);
    struct kp_reader reader;
    kp_reader_init(&reader, body, error == ERR_NONE ? len : 0);
    bool known = kp_read_int8(&reader) == FORMAT;
    int16_t code = kp_read_int16(&reader);
    call->exchange = NULL;
    call->done(call, known && reader.error == ERR_NONE ? code : KAFKA_REQUEST_TIMED_OUT);
}

void letter_exchange_send(struct letter_exchange *exchange, struct letter_call *call, int32_t node,
                          uint64_t group, const uint8_t *batch, size_t len) {
    struct kp_writer writer;
    uint8_t *data;
    size_t size;
    kp_writer_init(&writer, HEAD_SIZE + len);
    kp_write_int8(&writer, FORMAT);
    kp_write_int64(&writer, (int64_t)group);
    kp_write_raw(&writer, batch, len);
    int error = kp_writer_take(&writer, &data, &size);
    CHECK(error == ERR_NONE); /* the limit is what is written */
    struct slice frame = slice_adopt(NULL, data, size);
    call->exchange = exchange;
    call->own = NULL;
    call->call.done = on_answer;
    if (node == exchange->options.node)
        call->own = taking_new(exchange, call, group, frame);
    else
        broker_messages_call(exchange->options.messages, &call->call, node, BROKER_REQUEST_LETTERS,
                             frame, LETTER_CALL_MS);
}

void letter_call_cancel(struct letter_call *call) {
    if (call->exchange == NULL) return;
    if (call->own != NULL)
        taking_free(call->own);
    else
        broker_messages_call_cancel(call->exchange->options.messages, &call->call);
    call->own = NULL;
    call->exchange = NULL;
}

/* ---- Life ---- */

struct letter_exchange *letter_exchange_new(const struct letter_exchange_options *options) {
    struct letter_exchange *exchange = mem_zalloc(sizeof *exchange);
    exchange->options = *options;
    broker_messages_serve(options->messages, BROKER_REQUEST_LETTERS, on_asked, exchange);
    return exchange;
}

void letter_exchange_free(struct letter_exchange *exchange) {
    if (exchange == NULL) return;
    broker_messages_serve(exchange->options.messages, BROKER_REQUEST_LETTERS, NULL, NULL);
    while (exchange->takings != NULL)
        taking_free(exchange->takings);
    mem_free(exchange);
}
