/*
 * A queue for each broker that is asked, and the requests that are being judged here.
 *
 *   ask -> listed -> (end of the turn) -> called, or judged here -> done
 */
#include "broker/verification/transaction_asks.h"

#include <inttypes.h>
#include <string.h>

#include <utlist.h>

#include "base/check.h"
#include "base/container_of.h"
#include "base/mem.h"
#include "broker/coordinator/coordinator_key.h"
#include "protocol/kafka_error.h"
#include "protocol/wire.h"

enum {
    FORMAT = 1,
    HEAD_SIZE = 5,
    QUESTION_LEAST = 21, /* bytes of one without its two texts */
    CODE_SIZE = 2,
    MESSAGE_MOST = 256 << 10, /* bytes: another one of which each text is the longest still fits */
};

/* A broker that was asked ever. */
struct asked_broker {
    int32_t node;
    struct transaction_question *listed;
    size_t calls;
    struct asked_broker *next;
};

/* Where a question is; its `asked`. */
struct asked {
    struct transaction_question *question; /* NULL: given up while it is called */
    struct asked_broker *broker;           /* listed; NULL: nobody can be asked */
    struct asking_call *call;              /* called */
    bool here;                             /* judged here: the question of its own below */
    struct transaction_question own;
};

struct asking_call {
    struct broker_call call; /* first */
    struct transaction_asks *asks;
    struct asked_broker *broker;
    size_t count;
    struct asked *asked[TRANSACTION_QUESTIONS_A_CALL];
    struct asking_call *next, *prev;
};

/* What another broker asked for, until it is answered. */
struct served {
    struct transaction_asks *asks;
    struct broker_caller caller;
    uint8_t *body; /* a copy, in which the texts lie */
    size_t len, count, left;
    struct judged {
        struct transaction_question question; /* first */
        struct served *served;
        int16_t code;
        bool pending;
    } *judged;
    struct served *next, *prev;
};

struct transaction_asks {
    struct transaction_asks_options options;
    struct transaction_asker asker;
    struct asked_broker *brokers;
    struct asked_broker nobody;
    struct asking_call *calls;
    struct served *served;
    size_t served_bytes;
    struct env_task send_task;
    struct log_limiter limiter;
};

/* ---- Asking ---- */

static void asked_over(struct asked *asked, int16_t error) {
    struct transaction_question *question = asked->question;
    mem_free(asked);
    if (question == NULL) return;
    question->asked = NULL;
    question->done(question, error);
}

/* LEADER_NONE: nobody at present. */
static int32_t coordinator_of(const struct transaction_asks *asks, struct kp_string id) {
    const struct transaction_asks_options *options = &asks->options;
    const struct metadata_topic *topic = metadata_topic_named(options->metadata, options->topic,
                                                              strlen(options->topic));
    if (topic == NULL) return LEADER_NONE;
    int32_t at = coordinator_key_partition(id.data, (size_t)id.len, topic->partition_count);
    return leader_table_get(options->leaders, topic->partitions[at].group).node;
}

static struct asked_broker *broker_of(struct transaction_asks *asks, int32_t node) {
    if (node == LEADER_NONE) return &asks->nobody;
    struct asked_broker *broker = asks->brokers;
    while (broker != NULL && broker->node != node)
        broker = broker->next;
    if (broker != NULL) return broker;
    broker = mem_zalloc(sizeof *broker);
    broker->node = node;
    broker->next = asks->brokers;
    asks->brokers = broker;
    return broker;
}

static void judged_here(struct transaction_question *own, int16_t error) {
    asked_over(CONTAINER_OF(own, struct asked, own), error);
}

static void ask(void *arg, struct transaction_question *question) {
    struct transaction_asks *asks = arg;
    struct asked *asked = mem_zalloc(sizeof *asked);
    int32_t node = coordinator_of(asks, question->id);
    asked->question = question;
    question->asked = asked;
    if (node == asks->options.node) {
        asked->here = true;
        asked->own = *question;
        asked->own.asked = NULL;
        asked->own.done = judged_here;
        asks->options.judge.ask(asks->options.judge.arg, &asked->own);
        return;
    }
    asked->broker = broker_of(asks, node);
    DL_APPEND(asked->broker->listed, question);
    env_defer(asks->options.env, &asks->send_task);
}

static void cancel(void *arg, struct transaction_question *question) {
    struct transaction_asks *asks = arg;
    struct asked *asked = question->asked;
    question->asked = NULL;
    asked->question = NULL;
    if (asked->call != NULL) return; /* freed with it */
    if (asked->here)
        asks->options.judge.cancel(asks->options.judge.arg, &asked->own);
    else
        DL_DELETE(asked->broker->listed, question);
    mem_free(asked);
}

static struct slice written(struct kp_writer *writer) {
    uint8_t *data;
    size_t len;
    int error = kp_writer_take(writer, &data, &len);
    CHECK(error == ERR_NONE); /* texts come from a request, where they have the same limit */
    return slice_adopt(NULL, data, len);
}

static bool read_codes(const uint8_t *body, size_t len, size_t count, int16_t *codes) {
    struct kp_reader reader;
    kp_reader_init(&reader, body, len);
    bool known = kp_read_int8(&reader) == FORMAT &&
                 kp_read_count(&reader, false, false, CODE_SIZE) == (int32_t)count;
    for (size_t i = 0; known && i < count; i++)
        codes[i] = kp_read_int16(&reader);
    return known && reader.error == ERR_NONE && kp_reader_left(&reader) == 0;
}

static void on_answer(struct broker_call *broker_call, int error, const uint8_t *body, size_t len) {
    struct asking_call *call = (struct asking_call *)broker_call;
    struct transaction_asks *asks = call->asks;
    int16_t codes[TRANSACTION_QUESTIONS_A_CALL];
    bool sound = error == ERR_NONE && read_codes(body, len, call->count, codes);
    DL_DELETE(asks->calls, call);
    call->broker->calls--;
    if (call->broker->listed != NULL) env_defer(asks->options.env, &asks->send_task);
    for (size_t i = 0; i < call->count; i++)
        asked_over(call->asked[i], sound ? codes[i] : KAFKA_COORDINATOR_NOT_AVAILABLE);
    mem_free(call);
}

static void write_question(struct kp_writer *writer, const struct transaction_question *question) {
    kp_write_string(writer, question->id, false, false);
    kp_write_int64(writer, question->producer_id);
    kp_write_int16(writer, question->epoch);
    kp_write_bool(writer, question->adds);
    kp_write_string(writer, question->topic, false, false);
    kp_write_int32(writer, question->partition);
}

static void send_call(struct transaction_asks *asks, struct asked_broker *broker) {
    struct asking_call *call = mem_zalloc(sizeof *call);
    struct kp_writer writer;
    call->call.done = on_answer;
    call->asks = asks;
    call->broker = broker;
    kp_writer_init(&writer, 2 * MESSAGE_MOST);
    kp_write_int8(&writer, FORMAT);
    kp_write_int32(&writer, 0);
    while (broker->listed != NULL && call->count < TRANSACTION_QUESTIONS_A_CALL &&
           kp_writer_size(&writer) < MESSAGE_MOST) {
        struct transaction_question *question = broker->listed;
        struct asked *asked = question->asked;
        DL_DELETE(broker->listed, question);
        write_question(&writer, question);
        asked->call = call;
        call->asked[call->count++] = asked;
    }
    kp_patch_int32(&writer, 1, (int32_t)call->count);
    DL_APPEND(asks->calls, call);
    broker->calls++;
    broker_messages_call(asks->options.messages, &call->call, broker->node,
                         BROKER_REQUEST_TRANSACTION, written(&writer), TRANSACTION_CALL_MS);
}

static void tell_nobody(struct asked_broker *nobody) {
    while (nobody->listed != NULL) {
        struct transaction_question *question = nobody->listed;
        DL_DELETE(nobody->listed, question);
        asked_over(question->asked, KAFKA_COORDINATOR_NOT_AVAILABLE);
    }
}

static void send_all(struct env_task *task) {
    struct transaction_asks *asks = CONTAINER_OF(task, struct transaction_asks, send_task);
    for (struct asked_broker *broker = asks->brokers; broker != NULL; broker = broker->next)
        while (broker->listed != NULL && broker->calls < TRANSACTION_CALLS_MOST)
            send_call(asks, broker);
    tell_nobody(&asks->nobody);
}

/* ---- Being asked ---- */

static void served_free(struct served *served) {
    struct transaction_asks *asks = served->asks;
    DL_DELETE(asks->served, served);
    asks->served_bytes -= served->len;
    mem_free(served->judged);
    mem_free(served->body);
    mem_free(served);
}

static void answer_if_over(struct served *served) {
    struct kp_writer writer;
    if (served->left > 0) return;
    kp_writer_init(&writer, HEAD_SIZE + CODE_SIZE * served->count);
    kp_write_int8(&writer, FORMAT);
    kp_write_int32(&writer, (int32_t)served->count);
    for (size_t i = 0; i < served->count; i++)
        kp_write_int16(&writer, served->judged[i].code);
    broker_messages_answer(served->asks->options.messages, served->caller, written(&writer));
    served_free(served);
}

static void on_judged(struct transaction_question *question, int16_t error) {
    struct judged *judged = (struct judged *)question;
    judged->pending = false;
    judged->code = error;
    judged->served->left--;
    answer_if_over(judged->served);
}

/* False: it makes no sense. */
static bool read_questions(struct served *served) {
    struct kp_reader reader;
    kp_reader_init(&reader, served->body, served->len);
    bool known = kp_read_int8(&reader) == FORMAT;
    int32_t count = kp_read_count(&reader, false, false, QUESTION_LEAST);
    if (!known || count < 1 || count > TRANSACTION_QUESTIONS_A_CALL) return false;
    served->judged = mem_zalloc((size_t)count * sizeof *served->judged);
    for (served->count = 0; served->count < (size_t)count; served->count++) {
        struct judged *judged = &served->judged[served->count];
        judged->served = served;
        judged->question.id = kp_read_string(&reader, false, false);
        judged->question.producer_id = kp_read_int64(&reader);
        judged->question.epoch = kp_read_int16(&reader);
        judged->question.adds = kp_read_bool(&reader);
        judged->question.topic = kp_read_string(&reader, false, false);
        judged->question.partition = kp_read_int32(&reader);
        judged->question.done = on_judged;
    }
    return reader.error == ERR_NONE && kp_reader_left(&reader) == 0;
}

static void judge_all(struct served *served) {
    const struct transaction_asker *judge = &served->asks->options.judge;
    served->left = served->count;
    for (size_t i = 0; i < served->count; i++) {
        served->judged[i].pending = true;
        judge->ask(judge->arg, &served->judged[i].question);
    }
}

static void on_asked(void *arg, struct broker_caller caller, const uint8_t *body, size_t len) {
    struct transaction_asks *asks = arg;
    if (asks->served_bytes + len > TRANSACTION_SERVED_BYTES) return;
    struct served *served = mem_zalloc(sizeof *served);
    served->asks = asks;
    served->caller = caller;
    served->body = mem_alloc(len + 1);
    memcpy(served->body, body, len);
    served->len = len;
    asks->served_bytes += len;
    DL_APPEND(asks->served, served);
    if (read_questions(served)) {
        judge_all(served);
        return;
    }
    log_limited(asks->options.log, &asks->limiter, LOGGED_MESSAGE_UNKNOWN,
                "questions about transactions from broker %" PRId32
                " make no sense to this version and were dropped; give both the same version",
                caller.node);
    served_free(served);
}

/* ---- Life ---- */

struct transaction_asks *transaction_asks_new(const struct transaction_asks_options *options) {
    struct transaction_asks *asks = mem_zalloc(sizeof *asks);
    asks->options = *options;
    asks->asker = (struct transaction_asker){ask, cancel, asks};
    asks->nobody.node = LEADER_NONE;
    asks->send_task.run = send_all;
    broker_messages_serve(options->messages, BROKER_REQUEST_TRANSACTION, on_asked, asks);
    return asks;
}

static void served_stop(struct served *served) {
    const struct transaction_asker *judge = &served->asks->options.judge;
    for (size_t i = 0; i < served->count; i++)
        if (served->judged[i].pending) judge->cancel(judge->arg, &served->judged[i].question);
    served_free(served);
}

static void call_stop(struct asking_call *call) {
    broker_messages_call_cancel(call->asks->options.messages, &call->call);
    DL_DELETE(call->asks->calls, call);
    for (size_t i = 0; i < call->count; i++) {
        CHECK(call->asked[i]->question == NULL); /* who asked has cancelled it */
        mem_free(call->asked[i]);
    }
    mem_free(call);
}

void transaction_asks_free(struct transaction_asks *asks) {
    if (asks == NULL) return;
    broker_messages_serve(asks->options.messages, BROKER_REQUEST_TRANSACTION, NULL, NULL);
    while (asks->served != NULL)
        served_stop(asks->served);
    while (asks->calls != NULL)
        call_stop(asks->calls);
    while (asks->brokers != NULL) {
        struct asked_broker *broker = asks->brokers;
        asks->brokers = broker->next;
        mem_free(broker);
    }
    env_defer_cancel(asks->options.env, &asks->send_task);
    mem_free(asks);
}

const struct transaction_asker *transaction_asks_asker(const struct transaction_asks *asks) {
    return &asks->asker;
}
