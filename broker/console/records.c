/*
 * /api/records?topic=: records of a topic.
 *
 * Where: ?partition= (-1, or nothing: all of them, PARTITIONS_MAX at most); ?from=newest, oldest,
 * offset (?offset=) or time (?time=, ms); or ?at=PARTITION:OFFSET,... as an answer's `next` said.
 * Which: ?any=, ?key=, ?value=, ?header= that they contain, ?json=/POINTER=VALUE that their value
 * has. How many: ?limit=.
 *
 * Happy path: where the partitions begin and end is asked of their leaders, then records are
 * fetched, round after round, until there are enough, all are read, or the step is over (SCAN_US,
 * SCAN_BYTES). The answer says where to go on. Failures: a partition whose leader does not answer
 * is named, and stays where it is. Invariants: a step is bounded whatever is searched for; no group
 * is joined, nothing is committed.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/console/console_internal.h"
#include "broker/console/record_scan.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/list_offsets.h"

enum {
    PARTITIONS_MAX = 64,
    LIMIT = 50,
    LIMIT_MAX = 500,
    SHOWN = 16 << 10,
    SHOWN_MAX = 2 << 20,
    SCAN_US = 2 * 1000 * 1000,
    SCAN_BYTES = 16 << 20,
    FETCH_BYTES = 1 << 20,
    FETCH_PARTITION_BYTES = 256 << 10,
    FETCH_VERSION_MAX = 12, /* the last with names of topics */
    ROUNDS_MAX = 100,
};

enum where { NEWEST, OLDEST, OFFSET, TIME, GO_ON };

struct reading {
    int32_t partition, leader;
    int64_t at, start, end; /* -1: not known */
    const char *trouble;    /* why it is not read */
    size_t found;           /* entries of it */
    bool done;
};

struct records_wish {
    const char *topic;
    enum where where;
    int64_t time_ms, offset;
    struct record_wish which;
    size_t limit; /* entries in all, and of each partition, so that all of them are seen */
    size_t share;
    struct reading *readings;
    int count, rounds;
    bool moved;               /* one of them, in this round */
    const struct ask *before; /* asks of this step are those before it */
    struct record_scan scan;
    /* Where in the answers it is. */
    const struct ask *ask;
    int32_t topic_at, partition_at;
    uint64_t began_us, bytes;
};

/* ---- The answer ---- */

static void show_next(struct inquiry *inquiry, const struct records_wish *wish) {
    struct json *json = &inquiry->json;
    char next[PARTITIONS_MAX * 32] = "";
    size_t len = 0;
    for (int i = 0; i < wish->count; i++)
        if (wish->readings[i].at >= 0)
            len += (size_t)snprintf(next + len, sizeof next - len, "%s%" PRId32 ":%" PRId64,
                                    len == 0 ? "" : ",", wish->readings[i].partition,
                                    wish->readings[i].at);
    json_text(json, "next", next, len);
    inquiry->goes_on = kp_arena_string(&inquiry->arena, next, len).data;
}

static void respond(struct inquiry *inquiry) {
    struct records_wish *wish = inquiry->state;
    struct json *json = &inquiry->json;
    bool done = true;
    json_end(json);
    json_array(json, "partitions");
    for (int i = 0; i < wish->count; i++) {
        const struct reading *reading = &wish->readings[i];
        done = done && (reading->done || reading->trouble != NULL);
        json_object(json, NULL);
        json_int(json, "partition", reading->partition);
        json_long(json, "at", reading->at);
        json_long(json, "start", reading->start);
        json_long(json, "end", reading->end);
        json_words(json, "trouble", reading->trouble);
        json_end(json);
    }
    json_end(json);
    json_bool(json, "done", done);
    show_next(inquiry, wish);
    json_real(json, "scanned_records", (double)wish->scan.records);
    json_real(json, "scanned_bytes", (double)wish->bytes);
    json_end(json);
    inquiry_respond(inquiry);
}

/* ---- Fetching ---- */

static void fetch_round(struct inquiry *inquiry);

static struct reading *reading_of(struct records_wish *wish, int32_t partition) {
    for (int i = 0; i < wish->count; i++)
        if (wish->readings[i].partition == partition) return &wish->readings[i];
    return NULL;
}

/* False: the piece is over before that partition is. */
static bool take_fetched(struct records_wish *wish,
                         const struct kp_fetch_response_partition *fetched) {
    struct reading *reading = reading_of(wish, fetched->partition_index);
    if (reading == NULL) return true;
    if (fetched->error_code != 0) {
        reading->trouble = kafka_error_name(fetched->error_code);
        return true;
    }
    reading->trouble = NULL;
    reading->start = fetched->log_start_offset;
    reading->end = fetched->high_watermark;
    if (!wish->scan.paused)
        wish->bytes += fetched->records.len < 0 ? 0 : (uint64_t)fetched->records.len;
    int64_t before = reading->at;
    size_t found = wish->scan.found;
    wish->scan.until = found + wish->share - reading->found;
    if (wish->scan.until > wish->limit) wish->scan.until = wish->limit;
    reading->at = record_scan_batches(&wish->scan, reading->partition, &fetched->records,
                                      reading->at);
    reading->found += wish->scan.found - found;
    reading->done = reading->at >= reading->end;
    wish->moved = wish->moved || reading->at > before;
    return !wish->scan.paused;
}

/* The next partition of the answer at hand. NULL: that was all. */
static const struct kp_fetch_response_partition *next_fetched(struct records_wish *wish) {
    const struct kp_fetch_response *response = wish->ask->response;
    for (; wish->topic_at < response->responses.count; wish->topic_at++, wish->partition_at = 0)
        if (wish->partition_at < response->responses.items[wish->topic_at].partitions.count)
            return &response->responses.items[wish->topic_at].partitions.items[wish->partition_at];
    return NULL;
}

/* False: the piece is over. */
static bool take_answer(struct records_wish *wish) {
    const struct kp_fetch_response_partition *next;
    for (int i = 0; wish->ask->error != ERR_NONE && i < wish->count; i++)
        if (wish->readings[i].leader == wish->ask->node)
            wish->readings[i].trouble = "its leader does not answer";
    while (wish->ask->error == ERR_NONE && (next = next_fetched(wish)) != NULL) {
        if (!take_fetched(wish, next)) return false;
        wish->partition_at++;
    }
    wish->ask = wish->ask->next;
    wish->topic_at = wish->partition_at = 0;
    return true;
}

static bool time_is_over(const struct inquiry *inquiry, const struct records_wish *wish) {
    return env_now_us(inquiry->asker->env) - wish->began_us >= SCAN_US;
}

/* A piece of what came; the next one in another turn. */
static void scan_fetched(struct inquiry *inquiry) {
    struct records_wish *wish = inquiry->state;
    wish->scan.unpacked = 0;
    while (wish->ask != wish->before && take_answer(wish))
        continue;
    if (wish->ask != wish->before && !time_is_over(inquiry, wish)) {
        inquiry_later(inquiry, scan_fetched);
        return;
    }
    inquiry_drop_frames(inquiry, wish->before);
    /* Which of several partitions has no bytes in an answer says nothing of it: others used up the
     * room. But one of them moves on each time, as long as there is something to read. */
    bool over = !wish->moved || wish->scan.found >= wish->limit ||
                inquiry->json.len >= SCAN_ANSWER || wish->bytes >= SCAN_BYTES ||
                ++wish->rounds >= ROUNDS_MAX || time_is_over(inquiry, wish);
    if (over)
        respond(inquiry);
    else
        fetch_round(inquiry);
}

static void fetched(struct inquiry *inquiry) {
    struct records_wish *wish = inquiry->state;
    wish->ask = inquiry->asks;
    wish->topic_at = wish->partition_at = 0;
    inquiry_later(inquiry, scan_fetched);
}

static bool is_to_read(const struct records_wish *wish, const struct reading *reading,
                       int32_t leader) {
    return !reading->done && reading->trouble == NULL && reading->leader == leader &&
           reading->found < wish->share;
}

static void fetch_from(struct inquiry *inquiry, int32_t leader) {
    struct records_wish *wish = inquiry->state;
    struct kp_fetch_request *request = inquiry_alloc(inquiry, sizeof *request);
    struct kp_fetch_request_topic *topic = inquiry_alloc(inquiry, sizeof *topic);
    struct kp_fetch_request_partition *items = inquiry_alloc(inquiry,
                                                             (size_t)wish->count * sizeof *items);
    if (request == NULL || topic == NULL || items == NULL) return;
    kp_set_fallbacks(&kp_fetch_request_schema, request);
    kp_set_fallbacks(&kp_fetch_request_topic_schema, topic);
    topic->topic = kp_string_of(wish->topic);
    topic->partitions.items = items;
    for (int i = 0; i < wish->count; i++) {
        if (!is_to_read(wish, &wish->readings[i], leader)) continue;
        struct kp_fetch_request_partition *item = &items[topic->partitions.count++];
        kp_set_fallbacks(&kp_fetch_request_partition_schema, item);
        item->partition = wish->readings[i].partition;
        item->current_leader_epoch = item->last_fetched_epoch = -1;
        item->log_start_offset = -1;
        item->fetch_offset = wish->readings[i].at;
        item->partition_max_bytes = FETCH_PARTITION_BYTES;
    }
    request->replica_id = -1;
    request->max_bytes = FETCH_BYTES;
    request->session_epoch = -1;
    request->topics.items = topic;
    request->topics.count = 1;
    struct ask *ask = inquiry_ask(inquiry, leader, KP_FETCH, 4, FETCH_VERSION_MAX, request,
                                  sizeof(struct kp_fetch_response));
    for (int i = 0; ask == NULL && i < wish->count; i++)
        if (is_to_read(wish, &wish->readings[i], leader))
            wish->readings[i].trouble = "its leader is not reached";
}

/* Whether no reading before this one has the same leader. */
static bool is_first(const struct records_wish *wish, int at) {
    for (int i = 0; i < at; i++)
        if (is_to_read(wish, &wish->readings[i], wish->readings[at].leader)) return false;
    return is_to_read(wish, &wish->readings[at], wish->readings[at].leader);
}

static void fetch_round(struct inquiry *inquiry) {
    struct records_wish *wish = inquiry->state;
    bool asked = false;
    wish->moved = false;
    wish->before = inquiry->asks;
    for (int i = 0; i < wish->count; i++) {
        if (!is_first(wish, i)) continue;
        fetch_from(inquiry, wish->readings[i].leader);
        asked = true;
    }
    if (asked && inquiry->asks != wish->before)
        inquiry_then(inquiry, fetched);
    else
        respond(inquiry);
}

static void begin_fetching(struct inquiry *inquiry) {
    struct records_wish *wish = inquiry->state;
    json_object(&inquiry->json, NULL);
    json_words(&inquiry->json, "topic", wish->topic);
    json_array(&inquiry->json, "records");
    wish->scan = (struct record_scan){.wish = &wish->which, .json = &inquiry->json};
    fetch_round(inquiry);
}

/* ---- Where to begin ---- */

static void share_out(struct records_wish *wish) {
    size_t reading = 0;
    for (int i = 0; i < wish->count; i++)
        reading += !wish->readings[i].done;
    wish->share = reading == 0 ? 1 : (wish->limit + reading - 1) / reading;
}

static void take_offset(struct records_wish *wish, int64_t asked,
                        const struct kp_list_offsets_response_partition *told) {
    struct reading *reading = reading_of(wish, told->partition_index);
    if (reading == NULL) return;
    if (told->error_code != 0)
        reading->trouble = kafka_error_name(told->error_code);
    else if (asked == LIST_OFFSETS_EARLIEST)
        reading->start = told->offset;
    else if (asked == LIST_OFFSETS_LATEST)
        reading->end = told->offset;
    else
        reading->at = told->offset;
}

static void place(const struct records_wish *wish, struct reading *reading) {
    if (wish->where == NEWEST) reading->at = reading->end - (int64_t)wish->share;
    if (wish->where == OLDEST) reading->at = reading->start;
    if (wish->where == OFFSET) reading->at = wish->offset;
    if (wish->where == TIME && reading->at < 0) reading->at = reading->end;
    if (reading->at < reading->start) reading->at = reading->start;
    if (reading->at > reading->end) reading->at = reading->end;
    reading->done = reading->at == reading->end;
}

static void offsets_told(struct inquiry *inquiry) {
    struct records_wish *wish = inquiry->state;
    for (const struct ask *ask = inquiry->asks; ask != wish->before; ask = ask->next) {
        const struct kp_list_offsets_request *request = ask->call.request;
        const struct kp_list_offsets_response *response = ask->response;
        int64_t asked = request->topics.items[0].partitions.items[0].timestamp;
        for (int32_t t = 0; ask->error == ERR_NONE && t < response->topics.count; t++)
            for (int32_t p = 0; p < response->topics.items[t].partitions.count; p++)
                take_offset(wish, asked, &response->topics.items[t].partitions.items[p]);
    }
    for (int i = 0; i < wish->count; i++) {
        struct reading *reading = &wish->readings[i];
        bool known = reading->start >= 0 && reading->end >= 0;
        if (!known && reading->trouble == NULL)
            reading->trouble = reading->leader < 0 ? "it has no leader"
                                                   : "its leader does not answer";
        if (known && reading->trouble == NULL) place(wish, reading);
    }
    if (wish->where == NEWEST)
        wish->limit = wish->share * (size_t)wish->count; /* the last ones of each */
    else
        share_out(wish); /* of those that have something */
    begin_fetching(inquiry);
}

static void ask_offsets(struct inquiry *inquiry, int32_t leader, int64_t time) {
    struct records_wish *wish = inquiry->state;
    struct kp_list_offsets_request *request = inquiry_alloc(inquiry, sizeof *request);
    struct kp_list_offsets_request_topic *topic = inquiry_alloc(inquiry, sizeof *topic);
    struct kp_list_offsets_request_partition *items = inquiry_alloc(inquiry, (size_t)wish->count *
                                                                                 sizeof *items);
    if (request == NULL || topic == NULL || items == NULL) return;
    kp_set_fallbacks(&kp_list_offsets_request_schema, request);
    request->replica_id = -1;
    topic->name = kp_string_of(wish->topic);
    topic->partitions.items = items;
    for (int i = 0; i < wish->count; i++)
        if (is_to_read(wish, &wish->readings[i], leader))
            items[topic->partitions.count++] = (struct kp_list_offsets_request_partition){
                wish->readings[i].partition, -1, time};
    request->topics.items = topic;
    request->topics.count = 1;
    inquiry_ask(inquiry, leader, KP_LIST_OFFSETS, 1, 0, request,
                sizeof(struct kp_list_offsets_response));
}

static void find_offsets(struct inquiry *inquiry) {
    struct records_wish *wish = inquiry->state;
    wish->before = inquiry->asks;
    for (int i = 0; i < wish->count; i++) {
        int32_t leader = wish->readings[i].leader;
        if (leader < 0 || !is_first(wish, i)) continue;
        ask_offsets(inquiry, leader, LIST_OFFSETS_EARLIEST);
        ask_offsets(inquiry, leader, LIST_OFFSETS_LATEST);
        if (wish->where == TIME) ask_offsets(inquiry, leader, wish->time_ms);
    }
    inquiry_then(inquiry, offsets_told);
}

/* ---- The wish ---- */

/* "0:120,3:44": the partitions that are read, and where they go on. False: it is none. */
static bool read_places(struct records_wish *wish, const char *text) {
    while (*text != '\0') {
        char *end;
        long long partition = strtoll(text, &end, 10);
        struct reading *reading = *end == ':' && partition >= 0 && partition <= INT32_MAX
                                      ? reading_of(wish, (int32_t)partition)
                                      : NULL;
        if (reading == NULL) return false;
        text = end + 1;
        reading->at = strtoll(text, &end, 10);
        if (end == text || reading->at < 0 || (*end != ',' && *end != '\0')) return false;
        text = *end == ',' ? end + 1 : end;
    }
    for (int i = 0; i < wish->count; i++)
        wish->readings[i].done = wish->readings[i].at < 0;
    return true;
}

/* False: refused. */
static bool choose_partitions(struct inquiry *inquiry, struct records_wish *wish,
                              const struct kp_metadata_response_topic *topic) {
    int64_t only = inquiry_number(inquiry, "partition", -1, -1, INT32_MAX);
    wish->readings = inquiry_alloc(inquiry, PARTITIONS_MAX * sizeof *wish->readings);
    if (wish->readings == NULL) return false;
    if (only < 0 && topic->partitions.count > PARTITIONS_MAX) {
        inquiry_refuse(
            inquiry, 400, "partition",
            "%s has %d partitions; choose one, since more than %d are not read together.",
            wish->topic, (int)topic->partitions.count, PARTITIONS_MAX);
        return false;
    }
    for (int32_t p = 0; p < topic->partitions.count; p++) {
        const struct kp_metadata_response_partition *partition = &topic->partitions.items[p];
        if (only >= 0 && partition->partition_index != only) continue;
        if (wish->count == PARTITIONS_MAX) break;
        wish->readings[wish->count++] = (struct reading){.partition = partition->partition_index,
                                                         .leader = partition->leader_id,
                                                         .at = -1,
                                                         .start = -1,
                                                         .end = -1};
    }
    if (wish->count == 0)
        inquiry_refuse(inquiry, 404, "partition", "%s has no partition %d.", wish->topic,
                       (int)only);
    return wish->count > 0;
}

/* False: refused. */
static bool read_wish(struct inquiry *inquiry, struct records_wish *wish) {
    const char *json = inquiry_value(inquiry, "json");
    const char *from = inquiry_value(inquiry, "from");
    static const char *const names[] = {"newest", "oldest", "offset", "time"};
    for (size_t i = 0; from != NULL && i < sizeof names / sizeof *names; i++)
        if (strcmp(from, names[i]) == 0) wish->where = (enum where)i;
    wish->offset = inquiry_number(inquiry, "offset", 0, 0, INT64_MAX);
    wish->time_ms = inquiry_number(inquiry, "time", 0, 0, INT64_MAX);
    wish->which = (struct record_wish){
        .any = inquiry_value(inquiry, "any"),
        .key = inquiry_value(inquiry, "key"),
        .value = inquiry_value(inquiry, "value"),
        .header = inquiry_value(inquiry, "header"),
        .shown_most = (size_t)inquiry_number(inquiry, "bytes", SHOWN, 0, SHOWN_MAX)};
    wish->limit = (size_t)inquiry_number(inquiry, "limit", LIMIT, 1, LIMIT_MAX);
    if (json == NULL || json_wish_parse(json, &wish->which.json)) return true;
    inquiry_refuse(inquiry, 400, "json",
                   "\"%.100s\" is no place in JSON; write /customer=c-42, or /paid alone.", json);
    return false;
}

static void begin(struct inquiry *inquiry) {
    const char *name = inquiry_value(inquiry, "topic"),
               *at = inquiry->at != NULL ? inquiry->at : inquiry_value(inquiry, "at");
    const struct kp_metadata_response_topic *topic = inquiry_topic(inquiry, name);
    struct records_wish *wish = inquiry_alloc(inquiry, sizeof *wish);
    if (topic == NULL || wish == NULL) return;
    wish->topic = name;
    wish->began_us = env_now_us(inquiry->asker->env);
    if (!read_wish(inquiry, wish) || !choose_partitions(inquiry, wish, topic)) return;
    inquiry->state = wish;
    share_out(wish);
    if (at == NULL) {
        find_offsets(inquiry);
        return;
    }
    wish->where = GO_ON;
    bool placed = read_places(wish, at);
    share_out(wish);
    if (placed)
        begin_fetching(inquiry);
    else
        inquiry_refuse(inquiry, 400, "at", "\"%.100s\" is not PARTITION:OFFSET,... of this topic.",
                       at);
}

void console_records(struct inquiry *inquiry) {
    const char *topic = inquiry_value(inquiry, "topic");
    if (topic == NULL || *topic == '\0') {
        inquiry_refuse(inquiry, 400, "topic", "Of which topic? Write ?topic=TOPIC.");
        return;
    }
    inquiry_metadata(inquiry, topic, begin);
}
