/*
 * drave consume -G: prints what the group's other members do not get.
 *
 * Happy path: librdkafka joins the group; each record that was written to stdout is stored as
 * consumed, and committed every few seconds and at the end. Which partitions come and go is said on
 * stderr. Ends after -n records, with -e when all partitions that it was given are read to their
 * end, at Ctrl-C, or when the reader of stdout went away; it leaves the group then.
 * Failures: the group refuses the member, a partition cannot be read: told, and the exit code is 1.
 * Invariant: what was not written to stdout is never committed.
 */
#include "client/stream/consume_group.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/secure/shell_word.h"
#include "client/kafka/kafka_client.h"
#include "client/kafka/kafka_property.h"
#include "client/line/interrupt.h"
#include "client/line/talk.h"
#include "client/records/topic_pattern.h"
#include "client/records/where.h"

enum { POLL_MS = 200, TEXT_MAX = 1024 };

struct member {
    const struct invocation *in;
    const char *group;
    struct record_printer *printer;
    rd_kafka_t *client;
    rd_kafka_topic_partition_list_t *ended; /* read to their end since they were assigned */
    int owned;                              /* partitions that it has */
    int64_t limit;                          /* records; -1: none */
    uint64_t count;
    bool until_end, failed;
};

/* ---- Partitions come and go ---- */

/* "t [0], t [1]" */
static void partitions_text(const rd_kafka_topic_partition_list_t *list, char *text, size_t room) {
    size_t used = 0;
    text[0] = 0;
    for (int i = 0; i < list->cnt && used < room; i++) {
        used += (size_t)snprintf(text + used, room - used, "%s%s [%d]", used ? ", " : "",
                                 list->elems[i].topic, (int)list->elems[i].partition);
    }
}

static void tell_change(const struct member *m, const char *what,
                        const rd_kafka_topic_partition_list_t *list) {
    char text[TEXT_MAX];
    partitions_text(list, text, sizeof(text));
    say("group %s: %s: %s", m->group, what, *text ? text : "nothing");
}

static void forget_ends(struct member *m, const rd_kafka_topic_partition_list_t *list) {
    for (int i = 0; i < list->cnt; i++) {
        rd_kafka_topic_partition_list_del(m->ended, list->elems[i].topic, list->elems[i].partition);
    }
}

static void on_rebalance(rd_kafka_t *client, rd_kafka_resp_err_t error,
                         rd_kafka_topic_partition_list_t *list, void *opaque) {
    struct member *m = opaque;
    bool cooperative = strcmp(rd_kafka_rebalance_protocol(client), "COOPERATIVE") == 0;
    rd_kafka_error_t *refused = NULL;
    forget_ends(m, list);
    if (error == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        tell_change(m, "assigned", list);
        m->owned = cooperative ? m->owned + list->cnt : list->cnt;
        if (cooperative) {
            refused = rd_kafka_incremental_assign(client, list);
        } else {
            rd_kafka_assign(client, list);
        }
    } else {
        tell_change(m, rd_kafka_assignment_lost(client) ? "lost" : "revoked", list);
        m->owned = cooperative ? m->owned - list->cnt : 0;
        if (cooperative) {
            refused = rd_kafka_incremental_unassign(client, list);
        } else {
            rd_kafka_assign(client, NULL);
        }
    }
    if (refused) {
        say("group %s: %s", m->group, rd_kafka_error_string(refused));
        rd_kafka_error_destroy(refused);
        m->failed = true;
    }
}

/* ---- Reading ---- */

static bool enough(const struct member *m) {
    return m->limit >= 0 && (int64_t)m->count >= m->limit;
}

static void print_record(struct member *m, const rd_kafka_message_t *message) {
    m->failed = !record_printer_print(m->printer, message);
    m->count++;
    if (!m->failed && print_flush()) {
        rd_kafka_offset_store(message->rkt, message->partition, message->offset);
    }
}

static void take_error(struct member *m, const rd_kafka_message_t *message) {
    char why[512];
    switch (message->err) {
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
        if (!rd_kafka_topic_partition_list_find(m->ended, rd_kafka_topic_name(message->rkt),
                                                message->partition)) {
            rd_kafka_topic_partition_list_add(m->ended, rd_kafka_topic_name(message->rkt),
                                              message->partition);
        }
        break;
    case RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED:
        say("group %s: nothing was printed for longer than max.poll.interval.ms, and the group has gone on without this member; it joins again",
            m->group);
        break;
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
        m->failed = true;
        say("topic \"%s\" does not exist; drave topic list shows those that do",
            message->rkt ? rd_kafka_topic_name(message->rkt) : m->in->words[0]);
        break;
    default:
        m->failed = true;
        say("group %s: %s", m->group,
            rd_kafka_fatal_error(m->client, why, sizeof(why)) ? why : kafka_reason(message->err));
    }
}

static void read_all(struct member *m) {
    struct patience patience;
    uint64_t heard_ms = now_ms();
    bool finite = m->until_end || m->limit >= 0;
    patience_begin(&patience);
    while (!interrupted() && !m->failed && !enough(m) && !print_broken()) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(m->client, POLL_MS);
        if (message && message->err) {
            take_error(m, message);
        } else if (message) {
            heard_ms = now_ms();
            patience_begin(&patience);
            print_record(m, message);
        } else if (finite && m->in->timeout_given && now_ms() - heard_ms >= m->in->timeout_ms) {
            m->failed = true;
            say("group %s: nothing came for %.1f s, and not everything was read", m->group,
                (double)m->in->timeout_ms / 1000);
        } else if (m->owned == 0) {
            patience_say(&patience, "partitions from group \"%s\"", m->group);
        }
        if (message) {
            rd_kafka_message_destroy(message);
        }
        if (m->until_end && m->owned > 0 && m->ended->cnt >= m->owned) {
            break;
        }
    }
}

/* ---- Joining and leaving ---- */

/* As without a group, the cluster's own topics are meant only by a word that begins so. */
static void hide_internal_topics(rd_kafka_conf_t *conf, const struct invocation *in) {
    bool meant = false;
    for (int i = 0; i < in->word_count; i++) {
        meant = meant || strncmp(in->words[i] + (in->words[i][0] == '^'), "__", 2) == 0;
    }
    if (!meant) {
        kafka_conf_set(conf, "topic.blacklist", "^__");
    }
}

/* librdkafka takes ^regular expressions; a glob becomes one. */
static rd_kafka_topic_partition_list_t *subscription(const struct invocation *in) {
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(in->word_count);
    for (int i = 0; i < in->word_count; i++) {
        char *expression = topic_pattern_expression(in->words[i]);
        rd_kafka_topic_partition_list_add(list, expression, RD_KAFKA_PARTITION_UA);
        mem_free(expression);
    }
    return list;
}

/* Debian 12's librdkafka (2.0) has no such property, and would end with a sentence about a name
 * that the user did not type. */
static int choose_protocol(rd_kafka_conf_t *conf, const struct invocation *in) {
    const char *protocol = invocation_value(in, OPTION_PROTOCOL, "classic");
    if (strcmp(protocol, "classic") != 0 && strcmp(protocol, "consumer") != 0) {
        say("--protocol %s is not classic or consumer", protocol);
        return EXIT_USAGE;
    }
    if (strcmp(protocol, "consumer") == 0 &&
        rd_kafka_conf_set(conf, "group.protocol", protocol, NULL, 0) != RD_KAFKA_CONF_OK) {
        say("librdkafka %s, with which this drave was built, does not speak the consumer protocol (2.10 and later do); leave --protocol out",
            rd_kafka_version_str());
        return EXIT_REFUSED;
    }
    return EXIT_DONE;
}

static int open_member(struct member *m, const struct invocation *in) {
    struct where where;
    bool ends_early;
    const char *text = invocation_value(in, 'o', "stored");
    char word[SHELL_WORD_ROOM];
    if (where_parse(text, 0, &where, &ends_early) || where.until != UNTIL_NEVER ||
        where.value != 0 ||
        (where.kind != WHERE_BEGINNING && where.kind != WHERE_END && where.kind != WHERE_STORED)) {
        say("with -G the group's committed offsets say where to begin; -o %s can only be stored, beginning or end, for partitions without one. "
            "To move the group: drave group seek %s --to %s",
            text, shell_word_in(m->group, word), text);
        return EXIT_USAGE;
    }
    if (invocation_has(in, 'p')) {
        say("with -G the group shares the partitions out; leave -p out, or read without a group");
        return EXIT_USAGE;
    }
    rd_kafka_conf_t *conf = kafka_conf(in);
    kafka_conf_set(conf, "group.id", m->group);
    kafka_conf_set(conf, "enable.partition.eof", "true");
    kafka_conf_set(conf, "auto.offset.reset", where.kind == WHERE_END ? "latest" : "earliest");
    kafka_conf_set(conf, "enable.auto.offset.store", "false");
    kafka_conf_set(conf, "fetch.wait.max.ms", "100");
    kafka_conf_set(conf, "allow.auto.create.topics", "false");
    kafka_conf_set(conf, "isolation.level",
                   invocation_has(in, OPTION_READ_COMMITTED) ? "read_committed"
                                                             : "read_uncommitted");
    hide_internal_topics(conf, in);
    kafka_properties_set(conf, in);
    rd_kafka_conf_set_opaque(conf, m);
    rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
    int code = choose_protocol(conf, in);
    if (code) {
        rd_kafka_conf_destroy(conf);
        return code;
    }
    m->client = kafka_client(RD_KAFKA_CONSUMER, conf);
    rd_kafka_poll_set_consumer(m->client);
    m->ended = rd_kafka_topic_partition_list_new(16);
    rd_kafka_topic_partition_list_t *topics = subscription(in);
    rd_kafka_resp_err_t error = rd_kafka_subscribe(m->client, topics);
    rd_kafka_topic_partition_list_destroy(topics);
    if (error) {
        say("group %s: %s", m->group, kafka_reason(error));
        return EXIT_USAGE;
    }
    return EXIT_DONE;
}

static void close_member(struct member *m) {
    if (m->client) {
        rd_kafka_consumer_close(m->client); /* commits what was stored, and leaves */
        rd_kafka_topic_partition_list_destroy(m->ended);
        rd_kafka_destroy(m->client);
    }
}

int consume_as_member(struct invocation *in, struct record_printer *printer, int64_t limit) {
    struct member m = {.in = in,
                       .group = invocation_value(in, 'G', NULL),
                       .printer = printer,
                       .limit = limit,
                       .until_end = invocation_has(in, 'e')};
    int code = open_member(&m, in);
    if (!code) {
        read_all(&m);
        bool finite = m.until_end || m.limit >= 0;
        code = m.failed || (interrupted() && finite) ? EXIT_REFUSED : EXIT_DONE;
        if (interrupted()) {
            say_plain("%" PRIu64 " records read", m.count);
        }
        print_flush();
    }
    close_member(&m);
    return code;
}
