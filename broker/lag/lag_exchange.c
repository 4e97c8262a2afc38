/* A hash of what is wanted; a call to each broker at a time. */
#include "broker/lag/lag_exchange.h"

#include <uthash.h>

#include "base/check.h"
#include "base/container_of.h"
#include "base/mem.h"
#include "protocol/wire.h"

enum {
    FORMAT = 1,
    ASK_SIZE = 16,    /* of one partition: group, committed */
    ANSWER_SIZE = 26, /* known, start, end, age, at least */
    HEAD_SIZE = 5,    /* format, count */
    CALL_TIMEOUT_MS = 1500,
};

struct wanted_key {
    uint64_t partition, who;
};

struct wanted {
    struct wanted_key key;
    int64_t committed;
    uint64_t seen_ms; /* when somebody looked */
    struct lag_answer answer;
    bool known;
    UT_hash_handle hh;
};

/* To one broker; what was asked, in its order. */
struct asking {
    struct lag_exchange *exchange;
    struct broker_call call;
    int32_t node;
    struct lag_question {
        struct wanted_key key;
        int64_t committed;
    } *questions;
    size_t count;
    bool under_way;
    struct asking *next;
};

struct lag_exchange {
    struct lag_exchange_options options;
    struct wanted *wanted;
    struct asking *askings; /* one of each broker that was asked ever */
    struct env_timer *timer;
};

/* ---- What is wanted ---- */

const struct lag_answer *lag_exchange_find(struct lag_exchange *exchange, uint64_t partition,
                                           uint64_t who, int64_t committed) {
    struct wanted_key key = {partition, who};
    struct wanted *wanted;
    HASH_FIND(hh, exchange->wanted, &key, sizeof key, wanted);
    if (wanted == NULL) {
        if (HASH_COUNT(exchange->wanted) >= LAG_WANTED_MOST) return NULL;
        if (exchange->wanted == NULL) env_timer_start(exchange->timer, 0);
        wanted = mem_zalloc(sizeof *wanted);
        wanted->key = key;
        HASH_ADD(hh, exchange->wanted, key, sizeof wanted->key, wanted);
    }
    wanted->committed = committed;
    wanted->seen_ms = env_now_ms(exchange->options.env);
    return wanted->known ? &wanted->answer : NULL;
}

static void forget_old(struct lag_exchange *exchange) {
    uint64_t now_ms = env_now_ms(exchange->options.env);
    struct wanted *wanted, *next;
    HASH_ITER(hh, exchange->wanted, wanted, next) {
        if (now_ms - wanted->seen_ms < LAG_FORGET_MS) continue;
        HASH_DEL(exchange->wanted, wanted);
        mem_free(wanted);
    }
}

/* ---- Asking ---- */

static bool read_answer(struct kp_reader *reader, int64_t committed, struct lag_answer *into) {
    bool known = kp_read_bool(reader);
    *into = (struct lag_answer){.committed = committed,
                                .start = kp_read_int64(reader),
                                .end = kp_read_int64(reader),
                                .age_ms = kp_read_int64(reader)};
    into->at_least = kp_read_bool(reader);
    return known && into->start >= 0 && into->end >= into->start && into->age_ms >= -1;
}

static void on_answer(struct broker_call *call, int error, const uint8_t *body, size_t len) {
    struct asking *asking = CONTAINER_OF(call, struct asking, call);
    struct kp_reader reader;
    asking->under_way = false;
    kp_reader_init(&reader, body, error == ERR_NONE ? len : 0);
    bool sound = kp_read_int8(&reader) == FORMAT &&
                 kp_read_count(&reader, false, false, ANSWER_SIZE) == (int32_t)asking->count;
    for (size_t i = 0; i < asking->count; i++) {
        struct lag_answer answer;
        struct wanted *wanted;
        bool known = sound && read_answer(&reader, asking->questions[i].committed, &answer) &&
                     reader.error == ERR_NONE;
        HASH_FIND(hh, asking->exchange->wanted, &asking->questions[i].key,
                  sizeof asking->questions[i].key, wanted);
        if (wanted == NULL) continue;
        wanted->known = known;
        if (known) wanted->answer = answer;
    }
}

static struct asking *asking_of(struct lag_exchange *exchange, int32_t node) {
    struct asking *asking = exchange->askings;
    while (asking != NULL && asking->node != node)
        asking = asking->next;
    if (asking != NULL) return asking;
    asking = mem_zalloc(sizeof *asking);
    *asking = (struct asking){.exchange = exchange,
                              .call = {.done = on_answer},
                              .node = node,
                              .questions = mem_alloc(LAG_ASKED_MOST * sizeof *asking->questions),
                              .next = exchange->askings};
    exchange->askings = asking;
    return asking;
}

static void send_questions(struct asking *asking) {
    struct kp_writer writer;
    uint8_t *data;
    size_t len;
    kp_writer_init(&writer, HEAD_SIZE + ASK_SIZE * asking->count);
    kp_write_int8(&writer, FORMAT);
    kp_write_int32(&writer, (int32_t)asking->count);
    for (size_t i = 0; i < asking->count; i++) {
        kp_write_int64(&writer, (int64_t)asking->questions[i].key.partition);
        kp_write_int64(&writer, asking->questions[i].committed);
    }
    int error = kp_writer_take(&writer, &data, &len);
    CHECK(error == ERR_NONE); /* the limit is what is written */
    asking->under_way = true;
    broker_messages_call(asking->exchange->options.messages, &asking->call, asking->node,
                         BROKER_REQUEST_LAG, slice_adopt(NULL, data, len), CALL_TIMEOUT_MS);
}

/* What is behind the first LAG_ASKED_MOST of a broker has its turn the next time. */
static void question(struct lag_exchange *exchange, struct wanted *wanted) {
    struct leader leader = leader_table_get(exchange->options.leaders, wanted->key.partition);
    if (leader.node == LEADER_NONE || leader.node == exchange->options.node) {
        wanted->known = false;
        return;
    }
    struct asking *asking = asking_of(exchange, leader.node);
    if (asking->under_way || asking->count == LAG_ASKED_MOST) return;
    asking->questions[asking->count++] = (struct lag_question){wanted->key, wanted->committed};
    /* to the end of the list */
    HASH_DEL(exchange->wanted, wanted);
    HASH_ADD(hh, exchange->wanted, key, sizeof wanted->key, wanted);
}

static void ask_all(void *arg) {
    struct lag_exchange *exchange = arg;
    struct wanted *wanted, *next;
    forget_old(exchange);
    for (struct asking *asking = exchange->askings; asking != NULL; asking = asking->next)
        if (!asking->under_way) asking->count = 0;
    size_t left = HASH_COUNT(exchange->wanted);
    for (wanted = exchange->wanted; wanted != NULL && left > 0; wanted = next, left--) {
        next = wanted->hh.next;
        question(exchange, wanted);
    }
    for (struct asking *asking = exchange->askings; asking != NULL; asking = asking->next)
        if (!asking->under_way && asking->count > 0) send_questions(asking);
    if (exchange->wanted != NULL) env_timer_start(exchange->timer, LAG_ASK_MS * UINT64_C(1000));
}

/* ---- Being asked ---- */

static void write_answer(const struct lag_exchange *exchange, struct kp_writer *writer,
                         uint64_t group, int64_t committed) {
    static const int64_t no_windows[2] = {0, 0};
    struct partition *partition = partition_set_find_group(exchange->options.partitions, group);
    bool known = partition != NULL && partition_is_leading(partition);
    int64_t start = known ? partition_start_offset(partition) : 0;
    int64_t end = known ? partition_high_watermark(partition) : 0;
    struct traffic_arrival arrival = {.age_ms = -1};
    if (known)
        arrival = traffic_arrival(partition_traffic(partition),
                                  (int64_t)env_now_ms(exchange->options.env),
                                  committed > start ? committed : start, end, no_windows);
    kp_write_bool(writer, known);
    kp_write_int64(writer, start);
    kp_write_int64(writer, end);
    kp_write_int64(writer, arrival.age_ms);
    kp_write_bool(writer, arrival.at_least);
}

static void on_asked(void *arg, struct broker_caller caller, const uint8_t *body, size_t len) {
    struct lag_exchange *exchange = arg;
    struct kp_reader reader;
    struct kp_writer writer;
    uint8_t *data;
    size_t size;
    kp_reader_init(&reader, body, len);
    int8_t format = kp_read_int8(&reader);
    int32_t count = kp_read_count(&reader, false, false, ASK_SIZE);
    bool sound = reader.error == ERR_NONE && format == FORMAT && count <= LAG_ASKED_MOST;
    kp_writer_init(&writer, HEAD_SIZE + (size_t)ANSWER_SIZE * LAG_ASKED_MOST);
    kp_write_int8(&writer, FORMAT);
    kp_write_int32(&writer, sound ? count : 0);
    for (int32_t i = 0; sound && i < count; i++) {
        uint64_t group = (uint64_t)kp_read_int64(&reader);
        write_answer(exchange, &writer, group, kp_read_int64(&reader));
    }
    int error = kp_writer_take(&writer, &data, &size);
    CHECK(error == ERR_NONE); /* the limit is the most that is written */
    broker_messages_answer(exchange->options.messages, caller, slice_adopt(NULL, data, size));
}

/* ---- Life ---- */

struct lag_exchange *lag_exchange_new(const struct lag_exchange_options *options) {
    struct lag_exchange *exchange = mem_zalloc(sizeof *exchange);
    exchange->options = *options;
    exchange->timer = env_timer_new(options->env, ask_all, exchange);
    broker_messages_serve(options->messages, BROKER_REQUEST_LAG, on_asked, exchange);
    return exchange;
}

void lag_exchange_free(struct lag_exchange *exchange) {
    struct wanted *wanted, *next;
    if (exchange == NULL) return;
    broker_messages_serve(exchange->options.messages, BROKER_REQUEST_LAG, NULL, NULL);
    for (struct asking *asking; (asking = exchange->askings) != NULL;) {
        exchange->askings = asking->next;
        broker_messages_call_cancel(exchange->options.messages, &asking->call);
        mem_free(asking->questions);
        mem_free(asking);
    }
    HASH_ITER(hh, exchange->wanted, wanted, next) {
        HASH_DEL(exchange->wanted, wanted);
        mem_free(wanted);
    }
    env_timer_free(exchange->timer);
    mem_free(exchange);
}
