/*
 * drave dlq redrive: brings dead letters back to the topics that they came from.
 *
 * Happy path: each letter that is meant is appended to the partition in which its record was, with
 * its key, value and own headers; ours (__dlq.*) are left out, but for how often it was brought
 * back. Every group of that topic sees it. The letters stay where they are. Without --yes the plan
 * is shown, and nothing is written.
 * Failures: a letter without its record, or that does not say where that was, is left out and said;
 * what was not acknowledged is said, with the place to go on from; exit code 1. Invariant: what was
 * acknowledged is there once (an idempotent producer); a second call brings all back once more.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "client/kafka/cluster_view.h"
#include "client/kafka/kafka_client.h"
#include "client/letters/letters_read.h"
#include "client/line/talk.h"
#include "client/session/topic_session.h"
#include "client/stream/produce_client.h"

enum { FLUSH_MS = 200, LINE_MAX = 1 << 20, SOURCES_MAX = 100000 };

/* A partition that letters came from. */
struct source {
    char *topic;
    int32_t partition;
    int64_t letters, written;
};

struct redrive {
    const struct invocation *in;
    bool writes; /* --yes */
    rd_kafka_t *client;
    struct source *sources;
    size_t source_count, source_room;
    int64_t bare, strange; /* letters that are left out */
    int64_t failed;
    char first_failure[400];
};

/* Of one record on its way: the producer's opaque. */
struct redriven {
    struct redrive *redrive;
    size_t source;
    int32_t partition; /* of the letter */
    int64_t offset;
    char topic[];
};

/* ---- Sources ---- */

/* SIZE_MAX: there are too many. */
static size_t source_of(struct redrive *redrive, const struct letter_facts *facts) {
    for (size_t i = 0; i < redrive->source_count; i++) {
        const struct source *known = &redrive->sources[i];
        if (known->partition == facts->partition && strlen(known->topic) == facts->topic.len &&
            memcmp(known->topic, facts->topic.data, facts->topic.len) == 0) {
            return i;
        }
    }
    if (redrive->source_count == SOURCES_MAX) {
        say("the letters come from more than %d partitions; name some with -p", SOURCES_MAX);
        return SIZE_MAX;
    }
    redrive->sources = mem_grow(redrive->sources, redrive->source_count, &redrive->source_room,
                                sizeof(*redrive->sources));
    char *topic = mem_zalloc(facts->topic.len + 1);
    memcpy(topic, facts->topic.data, facts->topic.len);
    redrive->sources[redrive->source_count] = (struct source){topic, facts->partition, 0, 0};
    return redrive->source_count++;
}

static int by_place(const void *a, const void *b) {
    const struct source *one = a, *other = b;
    int order = strcmp(one->topic, other->topic);
    return order ? order
                 : (one->partition > other->partition) - (one->partition < other->partition);
}

static void sort_sources(struct redrive *redrive) {
    if (redrive->source_count > 0) {
        qsort(redrive->sources, redrive->source_count, sizeof(*redrive->sources), by_place);
    }
}

/* Those that are there; one that is not would be waited for. The last of each topic has the
 * greatest number. */
static int check_sources(struct redrive *redrive) {
    int code = EXIT_DONE;
    sort_sources(redrive);
    for (size_t i = 0; i < redrive->source_count && !code; i++) {
        const struct source *source = &redrive->sources[i];
        int32_t count;
        if (i + 1 == redrive->source_count || strcmp(source->topic, source[1].topic) != 0) {
            code = cluster_partitions(redrive->in, source->topic, source->partition, &count);
        }
    }
    return code;
}

/* ---- Writing ---- */

static void on_delivered(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque) {
    struct redriven *one = message->_private;
    struct redrive *redrive = one->redrive;
    (void)client;
    (void)opaque;
    if (message->err && redrive->failed++ == 0) {
        snprintf(redrive->first_failure, sizeof(redrive->first_failure),
                 "%s; it is at -p %d -o %" PRId64 " of \"%s\"", kafka_reason(message->err),
                 (int)one->partition, one->offset, one->topic);
    }
    redrive->sources[one->source].written += !message->err;
    mem_free(one);
}

static rd_kafka_headers_t *headers_of(const struct record_view *record,
                                      const struct letter_facts *facts) {
    rd_kafka_headers_t *headers = rd_kafka_headers_new(8);
    struct view_bytes name, value;
    char count[24];
    snprintf(count, sizeof(count), "%" PRId64, facts->redriven + 1);
    for (size_t i = 0; record_view_header(record, i, &name, &value); i++) {
        if (strncmp(name.data, LETTER_OWN, strlen(LETTER_OWN)) != 0) {
            rd_kafka_header_add(headers, name.data, (ssize_t)name.len, value.data,
                                (ssize_t)value.len);
        }
    }
    rd_kafka_header_add(headers, LETTER_REDRIVEN, -1, count, -1);
    return headers;
}

static bool write_one(struct redrive *redrive, size_t source, const struct record_view *record,
                      const struct letter_facts *facts) {
    struct redriven *one = mem_zalloc(sizeof(*one) + strlen(record->topic) + 1);
    *one = (struct redriven){redrive, source, record->partition, record->offset};
    memcpy(one->topic, record->topic, strlen(record->topic));
    rd_kafka_headers_t *headers = headers_of(record, facts);
    rd_kafka_resp_err_t error;
    do {
        error = rd_kafka_producev(redrive->client, RD_KAFKA_V_TOPIC(redrive->sources[source].topic),
                                  RD_KAFKA_V_PARTITION(redrive->sources[source].partition),
                                  RD_KAFKA_V_KEY(record->key.data, record->key.len),
                                  RD_KAFKA_V_VALUE((void *)record->value.data, record->value.len),
                                  RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                                  RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_OPAQUE(one),
                                  RD_KAFKA_V_END);
        rd_kafka_poll(redrive->client, error == RD_KAFKA_RESP_ERR__QUEUE_FULL ? FLUSH_MS : 0);
    } while (error == RD_KAFKA_RESP_ERR__QUEUE_FULL && redrive->failed == 0);
    if (error) {
        rd_kafka_headers_destroy(headers);
        const rd_kafka_message_t message = {.err = error, ._private = one};
        on_delivered(redrive->client, &message, NULL);
    }
    return redrive->failed == 0;
}

static bool take(void *arg, const struct record_view *record, const struct letter_facts *facts) {
    struct redrive *redrive = arg;
    if (!letter_is_one(facts) || facts->bare) {
        redrive->bare += letter_is_one(facts);
        redrive->strange += !letter_is_one(facts);
        return true;
    }
    size_t source = source_of(redrive, facts);
    if (source == SIZE_MAX) {
        return false;
    }
    redrive->sources[source].letters++;
    return !redrive->writes || write_one(redrive, source, record, facts);
}

/* ---- Telling ---- */

static int64_t tell_sources(struct redrive *redrive, bool dry_run) {
    static const char *const names[] = {"TOPIC", "PARTITION", "LETTERS"};
    struct table *table = redrive->in->json ? NULL : table_new(names, 3);
    json_t *list = json_array();
    int64_t all = 0;
    sort_sources(redrive);
    for (size_t i = 0; i < redrive->source_count; i++) {
        const struct source *source = &redrive->sources[i];
        int64_t count = dry_run ? source->letters : source->written;
        char partition[16], letters[24];
        snprintf(partition, sizeof(partition), "%d", (int)source->partition);
        snprintf(letters, sizeof(letters), "%" PRId64, count);
        if (table) {
            table_row(table, (const char *[]){source->topic, partition, letters});
        }
        json_array_append_new(list, json_pack("{s:s,s:i,s:I,s:b}", "topic", source->topic,
                                              "partition", (int)source->partition, "letters",
                                              (json_int_t)count, "dry_run", (int)dry_run));
        all += count;
    }
    if (table) {
        table_print(table);
        json_decref(list);
    } else {
        print_json(list);
    }
    return all;
}

static int tell(struct redrive *redrive, bool dry_run, bool more) {
    int64_t all = tell_sources(redrive, dry_run);
    if (redrive->bare > 0) {
        say("%" PRId64
            " letters are left out: they have not what their records had (too large for the topic, or errors.deadletterqueue.copy.record.enable=false)",
            redrive->bare);
    }
    if (redrive->strange > 0) {
        say("%" PRId64 " records are left out: their headers do not say where they were",
            redrive->strange);
    }
    if (redrive->failed > 0) {
        say("%" PRId64
            " records were not acknowledged, the first because: %s. Those that are shown were; go on from there",
            redrive->failed, redrive->first_failure);
    } else if (dry_run) {
        say_plain(
            "%" PRId64
            " records would be appended, which every group of their topics sees; nothing was changed (--yes does it)",
            all);
    } else {
        say_plain("%" PRId64
                  " records were appended; their letters stay: drave topic trim deletes them",
                  all);
    }
    if (more) {
        say("there are more letters than -n says; take the others with -o, or without -n");
    }
    return redrive->failed || redrive->bare || redrive->strange ? EXIT_REFUSED : EXIT_DONE;
}

/* ---- The command ---- */

/* A first look says where from, and what is not there is said before anything is written. */
static int look(struct redrive *redrive, int64_t most, bool *more) {
    int code = letters_read(redrive->in, most, take, redrive, more);
    return code ? code : check_sources(redrive);
}

static int write_all(struct redrive *redrive, int64_t most, bool *more) {
    redrive->bare = redrive->strange = 0;
    redrive->client = produce_client_new(redrive->in, LINE_MAX, false, on_delivered, NULL);
    redrive->writes = true;
    int code = letters_read(redrive->in, most, take, redrive, more);
    while (rd_kafka_flush(redrive->client, FLUSH_MS) == RD_KAFKA_RESP_ERR__TIMED_OUT) {
        continue; /* each record ends by message.timeout.ms */
    }
    rd_kafka_destroy(redrive->client);
    return redrive->failed > 0 ? EXIT_DONE : code; /* tell says what */
}

int command_dlq_redrive(struct invocation *in) {
    struct redrive redrive = {.in = in};
    int64_t most = invocation_number(in, 'n', 0, 1, INT64_MAX);
    bool dry_run = !invocation_has(in, OPTION_YES) || invocation_has(in, OPTION_DRY_RUN), more;
    int code = look(&redrive, most, &more);
    if (!code && !dry_run) {
        code = write_all(&redrive, most, &more);
    }
    code = code ? code : tell(&redrive, dry_run, more);
    for (size_t i = 0; i < redrive.source_count; i++) {
        mem_free(redrive.sources[i].topic);
    }
    mem_free(redrive.sources);
    return code;
}
