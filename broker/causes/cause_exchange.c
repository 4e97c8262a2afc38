/* A call to each leader; what is led here is looked at in the same way, without one. */
#include "broker/causes/cause_exchange.h"

#include <string.h>

#include "base/check.h"
#include "base/container_of.h"
#include "base/mem.h"
#include "broker/share/share_told.h"
#include "protocol/wire.h"

enum {
    FORMAT = 1,
    FORMAT_SHARED = 2, /* with the share group, and at each partition what it does there */
    HEAD_SIZE = 5,     /* format, count */
    ASK_LEAST = 20,    /* of one partition: group, committed, two texts */
    ANSWER_SIZE = 79,  /* known; start, end, age, at least; two rates; the reader */
    SHARED_SIZE = 65,  /* whether it is there; seven numbers, two small ones */
    TEXT_MOST = 63,    /* of a client id or a host that is asked for */
    CALL_TIMEOUT_MS = 1500,
    LONG_TIMES = 10,
};

/* To one broker, of the partitions that it leads, in the order of the facts. */
struct cause_call {
    struct cause_exchange *exchange;
    struct broker_call call;
    int32_t node;
    size_t count;
    struct cause_call *next;
};

struct cause_exchange {
    struct cause_exchange_options options;
    struct cause_facts *asked; /* NULL: nothing is under way */
    struct cause_call *calls;  /* that are under way */
    struct env_task finish;
};

/* What is asked of one partition, and what is answered. */
struct question {
    uint64_t partition;
    struct why_sought sought;
    struct kp_string shared_by; /* the share group; null: it is none */
};

struct answer {
    bool known;
    int64_t start, end, age_ms, produced[WHY_WINDOWS];
    bool at_least;
    struct why_reader reader;
    bool is_shared; /* the share group that was asked for has begun there */
    struct kp_partition_traffic_response_shared shared;
};

/* ---- What a leader knows ---- */

static struct why_reader find_reader(const struct cause_exchange *exchange,
                                     const struct traffic *traffic,
                                     const struct why_sought *sought) {
    struct why_reader found = {.known = false};
    int64_t now_ms = (int64_t)env_now_ms(exchange->options.env);
    for (size_t i = 0; i < traffic->reader_count; i++) {
        const struct traffic_reader *reader = &traffic->readers[i];
        int64_t used_ms = (int64_t)exchange->options.session_used_ms(exchange->options.sessions,
                                                                     reader->session_id);
        int64_t seen_ms = used_ms > reader->seen_ms ? used_ms : reader->seen_ms;
        const struct why_fetcher one = {.client_id = kp_string_of(reader->client_id),
                                        .peer = kp_string_of(reader->peer),
                                        .reader = {.offset = reader->offset,
                                                   .furthest = reader->furthest,
                                                   .seen_age_ms = now_ms - seen_ms,
                                                   .moved_age_ms = now_ms - reader->moved_ms,
                                                   .again = (int32_t)reader->again}};
        why_take_reader(&found, sought, &one);
    }
    return found;
}

static struct answer look(const struct cause_exchange *exchange, const struct question *question) {
    static const int64_t windows[2] = {CAUSE_WINDOW_MS, LONG_TIMES * CAUSE_WINDOW_MS};
    struct partition *partition = partition_set_find_group(exchange->options.partitions,
                                                           question->partition);
    if (partition == NULL || !partition_is_leading(partition)) return (struct answer){0};
    struct answer answer = {.known = true,
                            .start = partition_start_offset(partition),
                            .end = partition_high_watermark(partition)};
    const struct share *share = question->shared_by.len < 0
                                    ? NULL
                                    : shares_find(partition_shares(partition), question->shared_by);
    answer.is_shared = share != NULL;
    if (share != NULL) answer.shared = share_told(share, env_now_ms(exchange->options.env));
    int64_t next = share == NULL ? question->sought.committed : answer.shared.start_offset;
    const struct traffic *traffic = partition_traffic(partition);
    struct traffic_arrival arrival = traffic_arrival(
        traffic, (int64_t)env_now_ms(exchange->options.env),
        next > answer.start ? next : answer.start, answer.end, windows);
    answer.age_ms = arrival.age_ms;
    answer.at_least = arrival.at_least;
    answer.produced[WHY_SHORT] = arrival.per_second[0];
    answer.produced[WHY_LONG] = arrival.per_second[1];
    answer.reader = find_reader(exchange, traffic, &question->sought);
    return answer;
}

/* ---- The facts ---- */

static struct question question_of(const struct cause_facts *asked, size_t place) {
    const struct why_partition *one = &asked->facts.partitions[place];
    const struct why_member *owner = one->member == WHY_NOBODY ? NULL
                                                               : &asked->facts.members[one->member];
    struct why_sought sought = {.committed = one->committed,
                                .client_id = kp_string_of(owner == NULL ? "" : owner->client_id),
                                .host = kp_string_of(owner == NULL ? "" : owner->host)};
    if (sought.client_id.len > TEXT_MOST) sought.client_id.len = TEXT_MOST;
    if (sought.host.len > TEXT_MOST) sought.host.len = TEXT_MOST;
    return (struct question){.partition = asked->partitions[place],
                             .sought = sought,
                             .shared_by = asked->shared.group == NULL
                                              ? KP_NULL_STRING
                                              : kp_string_of(asked->shared.group)};
}

/* Lag counts from the log's start where what is committed lies below it. */
static void take_reading(struct why_partition *one, const struct answer *answer) {
    one->watched = true;
    one->log_start = answer->start;
    one->end = answer->end;
    one->produced[WHY_SHORT] = answer->produced[WHY_SHORT];
    one->produced[WHY_LONG] = answer->produced[WHY_LONG];
    one->reader = answer->reader;
    if (one->committed == WHY_UNKNOWN) return;
    int64_t from = one->committed > one->log_start ? one->committed : one->log_start;
    one->lag = one->end > from ? one->end - from : 0;
    one->age_ms = one->lag == 0 ? 0 : answer->age_ms;
}

static void take(struct cause_facts *asked, size_t place, const struct answer *answer) {
    if (!answer->known) return;
    take_reading(&asked->facts.partitions[place], answer);
    if (asked->shared.group == NULL || !answer->is_shared) return;
    struct cause_told *told = &asked->told[place];
    told->shared = answer->shared;
    told->partition = (struct kp_partition_traffic_response_partition){
        .arrived_age_ms = answer->age_ms,
        .produced_short = answer->produced[WHY_SHORT],
        .produced_long = answer->produced[WHY_LONG],
        .shared = {.items = &told->shared, .count = 1}};
    why_share_take_told(&asked->shared.partitions[place], &told->partition);
}

static int32_t leader_of(const struct cause_exchange *exchange, uint64_t partition) {
    return partition == 0 ? LEADER_NONE
                          : leader_table_get(exchange->options.leaders, partition).node;
}

/* ---- Asking ---- */

static void finish(struct env_task *task) {
    struct cause_exchange *exchange = CONTAINER_OF(task, struct cause_exchange, finish);
    exchange->asked = NULL;
    exchange->options.done(exchange->options.arg);
}

static void call_free(struct cause_call *call) {
    struct cause_call **at = &call->exchange->calls;
    while (*at != call)
        at = &(*at)->next;
    *at = call->next;
    mem_free(call);
}

static void read_shared(struct kp_reader *reader, struct answer *answer) {
    answer->is_shared = kp_read_bool(reader);
    answer->shared.start_offset = kp_read_int64(reader);
    answer->shared.lag_records = kp_read_int64(reader);
    answer->shared.acquired = kp_read_int64(reader);
    answer->shared.acquired_most = kp_read_int64(reader);
    answer->shared.waiting = kp_read_int64(reader);
    answer->shared.retried = kp_read_int64(reader);
    answer->shared.deliveries = kp_read_int32(reader);
    answer->shared.deliveries_most = kp_read_int32(reader);
    answer->shared.lock_left_ms = kp_read_int64(reader);
}

static struct answer read_answer(struct kp_reader *reader, int8_t format) {
    struct answer answer = {.known = kp_read_bool(reader)};
    answer.start = kp_read_int64(reader);
    answer.end = kp_read_int64(reader);
    answer.age_ms = kp_read_int64(reader);
    answer.at_least = kp_read_bool(reader);
    answer.produced[WHY_SHORT] = kp_read_int64(reader);
    answer.produced[WHY_LONG] = kp_read_int64(reader);
    answer.reader.known = kp_read_bool(reader);
    answer.reader.offset = kp_read_int64(reader);
    answer.reader.furthest = kp_read_int64(reader);
    answer.reader.seen_age_ms = kp_read_int64(reader);
    answer.reader.moved_age_ms = kp_read_int64(reader);
    answer.reader.again = kp_read_int32(reader);
    if (format == FORMAT_SHARED) read_shared(reader, &answer);
    answer.known = answer.known && reader->error == ERR_NONE && answer.start >= 0 &&
                   answer.end >= answer.start && answer.age_ms >= -1;
    return answer;
}

/* Who leads what may have changed meanwhile: places[] are as they were asked. */
struct cause_question_list {
    size_t places[CAUSE_PARTITIONS];
};

static int8_t format_of(const struct cause_facts *asked) {
    return asked->shared.group == NULL ? FORMAT : FORMAT_SHARED;
}

static size_t answer_size(int8_t format) {
    return format == FORMAT ? ANSWER_SIZE : ANSWER_SIZE + SHARED_SIZE;
}

static void on_answer(struct broker_call *sent, int error, const uint8_t *body, size_t len) {
    struct cause_call *call = CONTAINER_OF(sent, struct cause_call, call);
    struct cause_exchange *exchange = call->exchange;
    const struct cause_question_list *list = (const void *)(call + 1);
    int8_t format = format_of(exchange->asked);
    struct kp_reader reader;
    kp_reader_init(&reader, body, error == ERR_NONE ? len : 0);
    bool sound = kp_read_int8(&reader) == format &&
                 kp_read_count(&reader, false, false, answer_size(format)) == (int32_t)call->count;
    for (size_t i = 0; sound && i < call->count; i++) {
        struct answer answer = read_answer(&reader, format);
        take(exchange->asked, list->places[i], &answer);
    }
    call_free(call);
    if (exchange->calls == NULL) env_defer(exchange->options.env, &exchange->finish);
}

static void send_call(struct cause_call *call) {
    const struct cause_question_list *list = (const void *)(call + 1);
    const struct cause_facts *asked = call->exchange->asked;
    const char *group = asked->shared.group == NULL ? "" : asked->shared.group;
    struct kp_writer writer;
    uint8_t *data;
    size_t len;
    kp_writer_init(&writer, HEAD_SIZE + sizeof(int16_t) + strlen(group) +
                                (ASK_LEAST + 2 * TEXT_MOST) * call->count);
    kp_write_int8(&writer, format_of(asked));
    if (format_of(asked) == FORMAT_SHARED)
        kp_write_string(&writer, kp_string_of(group), false, false);
    kp_write_int32(&writer, (int32_t)call->count);
    for (size_t i = 0; i < call->count; i++) {
        struct question question = question_of(asked, list->places[i]);
        kp_write_int64(&writer, (int64_t)question.partition);
        kp_write_int64(&writer, question.sought.committed);
        kp_write_string(&writer, question.sought.client_id, false, false);
        kp_write_string(&writer, question.sought.host, false, false);
    }
    int error = kp_writer_take(&writer, &data, &len);
    CHECK(error == ERR_NONE); /* the limit is the most that is written */
    broker_messages_call(call->exchange->options.messages, &call->call, call->node,
                         BROKER_REQUEST_CAUSE, slice_adopt(NULL, data, len), CALL_TIMEOUT_MS);
}

static struct cause_call *call_of(struct cause_exchange *exchange, int32_t node) {
    struct cause_call *call = exchange->calls;
    while (call != NULL && call->node != node)
        call = call->next;
    if (call != NULL) return call;
    call = mem_zalloc(sizeof *call + sizeof(struct cause_question_list));
    call->exchange = exchange;
    call->call.done = on_answer;
    call->node = node;
    call->next = exchange->calls;
    exchange->calls = call;
    return call;
}

void cause_exchange_ask(struct cause_exchange *exchange, struct cause_facts *asked) {
    CHECK(exchange->asked == NULL);
    exchange->asked = asked;
    for (size_t i = 0; i < asked->facts.partition_count; i++) {
        int32_t leader = leader_of(exchange, asked->partitions[i]);
        struct question question = question_of(asked, i);
        if (leader == exchange->options.node) {
            struct answer answer = look(exchange, &question);
            take(asked, i, &answer);
        } else if (leader != LEADER_NONE) {
            struct cause_call *call = call_of(exchange, leader);
            struct cause_question_list *list = (void *)(call + 1);
            list->places[call->count++] = i;
        }
    }
    for (struct cause_call *call = exchange->calls; call != NULL; call = call->next)
        send_call(call);
    if (exchange->calls == NULL) env_defer(exchange->options.env, &exchange->finish);
}

/* ---- Being asked ---- */

static void write_shared(struct kp_writer *writer, const struct answer *answer) {
    kp_write_bool(writer, answer->is_shared);
    kp_write_int64(writer, answer->shared.start_offset);
    kp_write_int64(writer, answer->shared.lag_records);
    kp_write_int64(writer, answer->shared.acquired);
    kp_write_int64(writer, answer->shared.acquired_most);
    kp_write_int64(writer, answer->shared.waiting);
    kp_write_int64(writer, answer->shared.retried);
    kp_write_int32(writer, answer->shared.deliveries);
    kp_write_int32(writer, answer->shared.deliveries_most);
    kp_write_int64(writer, answer->shared.lock_left_ms);
}

static void write_answer(struct kp_writer *writer, const struct answer *answer) {
    kp_write_bool(writer, answer->known);
    kp_write_int64(writer, answer->start);
    kp_write_int64(writer, answer->end);
    kp_write_int64(writer, answer->age_ms);
    kp_write_bool(writer, answer->at_least);
    kp_write_int64(writer, answer->produced[WHY_SHORT]);
    kp_write_int64(writer, answer->produced[WHY_LONG]);
    kp_write_bool(writer, answer->reader.known);
    kp_write_int64(writer, answer->reader.offset);
    kp_write_int64(writer, answer->reader.furthest);
    kp_write_int64(writer, answer->reader.seen_age_ms);
    kp_write_int64(writer, answer->reader.moved_age_ms);
    kp_write_int32(writer, answer->reader.again);
}

static void on_asked(void *arg, struct broker_caller caller, const uint8_t *body, size_t len) {
    struct cause_exchange *exchange = arg;
    struct kp_reader reader;
    struct kp_writer writer;
    uint8_t *data;
    size_t size;
    kp_reader_init(&reader, body, len);
    int8_t format = kp_read_int8(&reader);
    bool shared = format == FORMAT_SHARED;
    struct kp_string shared_by = shared ? kp_read_string(&reader, false, false) : KP_NULL_STRING;
    int32_t count = kp_read_count(&reader, false, false, ASK_LEAST);
    bool sound = reader.error == ERR_NONE && (shared || format == FORMAT) &&
                 count <= CAUSE_PARTITIONS;
    kp_writer_init(&writer, HEAD_SIZE + answer_size(FORMAT_SHARED) * CAUSE_PARTITIONS);
    kp_write_int8(&writer, shared ? FORMAT_SHARED : FORMAT);
    kp_write_int32(&writer, sound ? count : 0);
    for (int32_t i = 0; sound && i < count; i++) {
        struct question question = {.partition = (uint64_t)kp_read_int64(&reader),
                                    .shared_by = shared_by};
        question.sought.committed = kp_read_int64(&reader);
        question.sought.client_id = kp_read_string(&reader, false, false);
        question.sought.host = kp_read_string(&reader, false, false);
        struct answer answer = {0};
        if (reader.error == ERR_NONE) answer = look(exchange, &question);
        write_answer(&writer, &answer);
        if (shared) write_shared(&writer, &answer);
    }
    int error = kp_writer_take(&writer, &data, &size);
    CHECK(error == ERR_NONE); /* the limit is the most that is written */
    broker_messages_answer(exchange->options.messages, caller, slice_adopt(NULL, data, size));
}

/* ---- Life ---- */

struct cause_exchange *cause_exchange_new(const struct cause_exchange_options *options) {
    struct cause_exchange *exchange = mem_zalloc(sizeof *exchange);
    exchange->options = *options;
    exchange->finish.run = finish;
    broker_messages_serve(options->messages, BROKER_REQUEST_CAUSE, on_asked, exchange);
    return exchange;
}

void cause_exchange_stop(struct cause_exchange *exchange) {
    while (exchange->calls != NULL) {
        struct cause_call *call = exchange->calls;
        broker_messages_call_cancel(exchange->options.messages, &call->call);
        call_free(call);
    }
    env_defer_cancel(exchange->options.env, &exchange->finish);
    exchange->asked = NULL;
}

void cause_exchange_free(struct cause_exchange *exchange) {
    if (exchange == NULL) return;
    broker_messages_serve(exchange->options.messages, BROKER_REQUEST_CAUSE, NULL, NULL);
    cause_exchange_stop(exchange);
    mem_free(exchange);
}
