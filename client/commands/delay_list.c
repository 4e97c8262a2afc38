/*
 * drave delay list, count: what waits for its time in topics.
 *
 * Happy path: each partition's leader is asked page by page; list shows up to -n records by the
 * time at which they are due, count how many there are. Failures: a leader that does not answer
 * within --timeout is said, exit code 1. Invariant: no more than -n records are kept here, and they
 * are the first of each partition; what is behind them is said, not shown.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "client/commands/topic_words.h"
#include "client/delay/delay_page.h"
#include "client/kafka/cluster_view.h"
#include "client/line/amount.h"
#include "client/line/moment.h"
#include "client/line/talk.h"
#include "client/records/record_json.h"

enum { ARENA_MAX = 64 << 20, SHOWN = 1000, SHOWN_MOST = 1000000, KEY_SHOWN = 40, TIME_ROOM = 40 };

struct delay_row {
    const char *topic;
    int32_t partition;
    struct kp_delayed_records_response_record record; /* its key is ours */
};

/* What is looked for, and what was found. */
struct delay_look {
    const struct invocation *in;
    int64_t due_before;
    struct kp_bytes key; /* null: any */
    int64_t most;        /* records that are kept; 0: they are counted */
    struct delay_row *rows;
    size_t count, room;
    int64_t matched;     /* with those that are not kept */
    struct table *table; /* NULL: JSON */
    json_t *list;
};

/* ---- Asking ---- */

static void keep(struct delay_look *look, const char *topic, int32_t partition,
                 const struct kp_delayed_records_response *page) {
    for (int32_t i = 0; i < page->records.count && (int64_t)look->count < look->most; i++) {
        look->rows = mem_grow(look->rows, look->count, &look->room, sizeof(*look->rows));
        struct delay_row *row = &look->rows[look->count++];
        *row = (struct delay_row){topic, partition, page->records.items[i]};
        if (row->record.key.len > 0) {
            uint8_t *key = mem_alloc((size_t)row->record.key.len);
            memcpy(key, page->records.items[i].key.data, (size_t)row->record.key.len);
            row->record.key.data = key;
        }
    }
}

/* `total`: the last page's, with what all pages matched. */
static int look_at_partition(struct delay_look *look, struct session *session, const char *topic,
                             int32_t partition, struct kp_delayed_records_response *total) {
    bool filters = look->due_before != INT64_MAX || look->key.len >= 0;
    struct kp_delayed_records_request request;
    int64_t matched = 0;
    int code = EXIT_DONE;
    delay_request_begin(&request, topic, partition);
    request.due_before = look->due_before;
    request.key = look->key;
    do {
        struct kp_arena arena;
        int64_t left = look->most - (int64_t)look->count;
        request.records_max = left > INT32_MAX ? INT32_MAX : (int32_t)left;
        kp_arena_init(&arena, ARENA_MAX);
        code = delay_page(session, look->in->timeout_ms, &request, &arena, total);
        if (!code) {
            keep(look, topic, partition, total);
            matched += total->matched;
            request.after = total->next_after;
            if (!filters && left <= 0) { /* how many there are is known */
                matched = total->count;
                request.after = -1;
            }
        }
        total->records.count = 0;
        total->error_message = KP_NULL_STRING;
        kp_arena_close(&arena);
    } while (!code && request.after >= 0);
    total->matched = matched;
    look->matched += matched;
    return code;
}

static const char *time_text(int64_t ms, char text[TIME_ROOM]) {
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;
    char whole[24] = "";
    if (gmtime_r(&seconds, &tm)) {
        strftime(whole, sizeof(whole), "%Y-%m-%dT%H:%M:%S", &tm);
    }
    snprintf(text, TIME_ROOM, "%s.%03dZ", whole, (int)(ms % 1000));
    return text;
}

static const char *time_left(int64_t ms, char text[AMOUNT_ROOM]) {
    int64_t left = ms - moment_now();
    return amount_time(left > 0 ? (double)left / 1000 : 0, text);
}

static void add_cells(const struct delay_look *look, const char *const *cells) {
    if (look->table) {
        table_row(look->table, cells);
    }
}

/* ---- count ---- */

static void add_count(const struct delay_look *look, const char *topic, int32_t partition,
                      const struct kp_delayed_records_response *total) {
    char number[16], matched[24], bytes[AMOUNT_ROOM], due[TIME_ROOM], left[AMOUNT_ROOM];
    bool any = total->next_due >= 0;
    snprintf(number, sizeof(number), "%d", (int)partition);
    snprintf(matched, sizeof(matched), "%" PRId64, total->matched);
    add_cells(look,
              (const char *[]){topic, number, matched, amount_bytes((double)total->bytes, bytes),
                               any ? time_text(total->next_due, due) : NULL,
                               any ? time_left(total->next_due, left) : NULL});
    json_array_append_new(look->list,
                          json_pack("{s:s,s:i,s:I,s:I,s:I,s:o}", "topic", topic, "partition",
                                    (int)partition, "count", (json_int_t)total->matched, "waiting",
                                    (json_int_t)total->count, "bytes", (json_int_t)total->bytes,
                                    "next_due", any ? json_integer(total->next_due) : json_null()));
}

/* ---- list ---- */

static int by_due(const void *a, const void *b) {
    const struct delay_row *one = a, *other = b;
    if (one->record.due != other->record.due) {
        return one->record.due < other->record.due ? -1 : 1;
    }
    int order = strcmp(one->topic, other->topic);
    if (order == 0) {
        order = (one->partition > other->partition) - (one->partition < other->partition);
    }
    return order ? order
                 : (one->record.offset > other->record.offset) -
                       (one->record.offset < other->record.offset);
}

static json_t *key_json(const struct kp_delayed_records_response_record *record) {
    struct view_bytes key = {record->key.data, record->key.len > 0 ? (size_t)record->key.len : 0};
    if (record->key.len < 0) {
        return json_null();
    }
    key.data = key.data ? key.data : (const void *)"";
    return record_bytes_json(key);
}

static void add_row(const struct delay_look *look, const struct delay_row *row) {
    const struct kp_delayed_records_response_record *record = &row->record;
    char partition[16], offset[24], due[TIME_ROOM], left[AMOUNT_ROOM], key[KEY_SHOWN + 4],
        bytes[AMOUNT_ROOM];
    bool long_key = record->key_size > KEY_SHOWN;
    snprintf(partition, sizeof(partition), "%d", (int)row->partition);
    snprintf(offset, sizeof(offset), "%" PRId64, record->offset);
    snprintf(key, sizeof(key), "%.*s%s", long_key ? KEY_SHOWN : (int)record->key.len,
             record->key.data ? (const char *)record->key.data : "", long_key ? "..." : "");
    add_cells(look, (const char *[]){
                        row->topic, partition, offset, time_text(record->due, due),
                        time_left(record->due, left), record->key.len < 0 ? NULL : key,
                        record->value_size < 0 ? NULL : amount_bytes(record->value_size, bytes)});
    json_array_append_new(
        look->list, json_pack("{s:s,s:i,s:I,s:I,s:I,s:o,s:i,s:i}", "topic", row->topic, "partition",
                              (int)row->partition, "offset", (json_int_t)record->offset, "due",
                              (json_int_t)record->due, "timestamp", (json_int_t)record->timestamp,
                              "key", key_json(record), "key_size", (int)record->key_size,
                              "value_size", (int)record->value_size));
}

static void add_rows(struct delay_look *look) {
    if (look->count > 0) {
        qsort(look->rows, look->count, sizeof(*look->rows), by_due);
    }
    for (size_t i = 0; i < look->count; i++) {
        add_row(look, &look->rows[i]);
        mem_free((void *)look->rows[i].record.key.data);
    }
    mem_free(look->rows);
    if (look->most > 0 && look->matched > (int64_t)look->count) {
        say("%" PRId64
            " more wait; these are the first of each partition by offset. Show more with -n %" PRId64
            ", fewer with --until or --key, or count them with drave delay count",
            look->matched - (int64_t)look->count, look->matched);
    }
}

/* ---- Both ---- */

static int look_at_topic(struct delay_look *look, const char *topic) {
    int32_t only = (int32_t)invocation_number(look->in, 'p', -1, 0, INT32_MAX);
    struct session session;
    struct kp_metadata_response metadata;
    const struct kp_metadata_response_topic *found;
    session_begin(&session, look->in);
    int code = cluster_topic(session.admin, &session.arena, topic, TOPIC_TO_CHANGE, &metadata,
                             &found);
    int32_t count = code ? 0 : found->partitions.count;
    if (!code && only >= count) {
        code = cluster_no_such_partition(topic, count, only);
    }
    for (int32_t p = 0; !code && p < count; p++) {
        struct kp_delayed_records_response total;
        if (only >= 0 && p != only) {
            continue;
        }
        code = look_at_partition(look, &session, topic, p, &total);
        if (!code && look->most == 0) {
            add_count(look, topic, p, &total);
        }
    }
    return session_end(&session, code);
}

static bool read_until(const char *text, int64_t *due_before) {
    int64_t now = moment_now(), span;
    if (!moment_parse(text, strlen(text), now, due_before)) {
        return true;
    }
    bool ahead = !moment_span(text, strlen(text), &span);
    *due_before = ahead && span < INT64_MAX - now ? now + span : INT64_MAX;
    return ahead;
}

static int look_at_topics(struct invocation *in, int64_t most, const char *const *names,
                          unsigned columns) {
    const char *until = invocation_value(in, OPTION_UNTIL, NULL),
               *key = invocation_value(in, 'k', NULL);
    struct delay_look look = {.in = in,
                              .due_before = INT64_MAX,
                              .key = {.len = key ? (int32_t)strlen(key) : -1},
                              .most = most};
    int code = EXIT_DONE;
    look.key.data = (const uint8_t *)key;
    if (until && !read_until(until, &look.due_before)) {
        say("--until %s is no time; write " MOMENT_FORMS "; or 90s, 1h, 2d from now", until);
        return EXIT_USAGE;
    }
    look.table = in->json ? NULL : table_new(names, columns);
    look.list = json_array();
    for (int i = 0; i < in->word_count && code != EXIT_UNREACHABLE; i++) {
        int one = look_at_topic(&look, in->words[i]);
        code = one ? one : code;
    }
    add_rows(&look);
    if (look.table) {
        table_print(look.table);
        json_decref(look.list);
    } else {
        print_json(look.list);
    }
    return code;
}

static int count_topics(struct invocation *in) {
    static const char *const names[] = {"TOPIC", "PARTITION", "COUNT", "MEMORY", "NEXT DUE", "IN"};
    return look_at_topics(in, 0, names, 6);
}

static int list_topics(struct invocation *in) {
    static const char *const names[] = {"TOPIC", "PARTITION", "OFFSET", "DUE",
                                        "IN",    "KEY",       "VALUE"};
    return look_at_topics(in, invocation_number(in, 'n', SHOWN, 1, SHOWN_MOST), names, 7);
}

int command_delay_list(struct invocation *in) {
    return topic_words_run(in, NULL, list_topics);
}

int command_delay_count(struct invocation *in) {
    return topic_words_run(in, NULL, count_topics);
}
