/* By librdkafka, to the end that was there. */
#include "client/letters/letters_read.h"

#include <string.h>

#include "client/kafka/kafka_client.h"
#include "client/line/interrupt.h"
#include "client/line/talk.h"
#include "client/records/reading.h"

enum { POLL_MS = 200 };

struct letters_reader {
    const struct invocation *in;
    struct reading reading;
    rd_kafka_t *client;
    int64_t left; /* letters; -1: as many as there are */
    letter_take *take;
    void *arg;
    bool failed, enough;
};

static rd_kafka_t *open_client(const struct invocation *in) {
    rd_kafka_conf_t *conf = kafka_conf(in);
    kafka_conf_set(conf, "enable.partition.eof", "true");
    kafka_conf_set(conf, "enable.auto.commit", "false");
    kafka_conf_set(conf, "auto.offset.reset", "error");
    kafka_conf_set(conf, "group.id", "drave"); /* is not joined, and nothing is committed */
    rd_kafka_t *client = kafka_client(RD_KAFKA_CONSUMER, conf);
    rd_kafka_poll_set_consumer(client);
    return client;
}

static void assign(struct letters_reader *reader) {
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(8);
    for (size_t t = 0; t < reader->reading.topic_count; t++) {
        const struct reading_topic *topic = &reader->reading.topics[t];
        for (int32_t i = 0; i < topic->count; i++) {
            if (!topic->partitions[i].done) {
                rd_kafka_topic_partition_list_add(list, topic->name, topic->partitions[i].partition)
                    ->offset = topic->partitions[i].start;
            }
        }
    }
    rd_kafka_assign(reader->client, list);
    rd_kafka_topic_partition_list_destroy(list);
}

static struct reading_topic *topic_of(struct letters_reader *reader, const char *name) {
    for (size_t t = 0; t < reader->reading.topic_count; t++) {
        if (strcmp(reader->reading.topics[t].name, name) == 0) {
            return &reader->reading.topics[t];
        }
    }
    return NULL;
}

static bool has(struct view_bytes bytes, const char *text) {
    return bytes.data && memmem(bytes.data, bytes.len, text, strlen(text)) != NULL;
}

static bool is_meant(const struct letters_reader *reader, const struct letter_facts *facts) {
    const char *group = invocation_value(reader->in, 'G', NULL),
               *reason = invocation_value(reader->in, OPTION_REASON, NULL);
    return (!group || (has(facts->group, group) && facts->group.len == strlen(group))) &&
           (!reason || has(facts->message, reason));
}

static void take_record(struct letters_reader *reader, const rd_kafka_message_t *message) {
    struct record_view record = record_view_of(message);
    struct letter_facts facts = letter_read(&record);
    if (!is_meant(reader, &facts)) {
        return;
    }
    if (reader->left == 0) {
        reader->enough = true;
    } else {
        reader->left -= reader->left > 0;
        reader->failed = !reader->take(reader->arg, &record, &facts);
    }
}

static void take_message(struct letters_reader *reader, const rd_kafka_message_t *message) {
    struct reading_topic *topic = message->rkt ? topic_of(reader, rd_kafka_topic_name(message->rkt))
                                               : NULL;
    struct reading_partition *partition = topic ? reading_find(topic, message->partition) : NULL;
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF && partition) {
        reading_advance(&reader->reading, partition, message->offset);
    } else if (message->err) {
        say("partition %d of \"%s\" cannot be read: %s", (int)message->partition,
            topic ? topic->name : "?", kafka_reason(message->err));
        reader->failed = true;
    } else if (partition && !partition->done) {
        if (partition->stop < 0 || message->offset < partition->stop) {
            take_record(reader, message);
        }
        reading_advance(&reader->reading, partition, message->offset + 1);
    }
}

static void read_all(struct letters_reader *reader) {
    struct patience patience;
    patience_begin(&patience);
    interrupt_take();
    reader->client = open_client(reader->in);
    assign(reader);
    while (reader->reading.open > 0 && !reader->failed && !reader->enough && !interrupted()) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(reader->client, POLL_MS);
        if (message) {
            take_message(reader, message);
            rd_kafka_message_destroy(message);
            patience_begin(&patience);
        } else {
            patience_say(&patience, "letters of %s", reader->reading.topics[0].name);
        }
    }
    rd_kafka_consumer_close(reader->client);
    rd_kafka_destroy(reader->client);
}

int letters_read(const struct invocation *in, int64_t most, letter_take *take, void *arg,
                 bool *more) {
    struct letters_reader reader = {
        .in = in, .left = most > 0 ? most : -1, .take = take, .arg = arg};
    int code = reading_open(&reader.reading, in);
    reader.reading.until_end = true;
    code = code ? code : reading_plan(&reader.reading, in);
    if (!code && reader.reading.open > 0) {
        read_all(&reader);
    }
    *more = !code && (reader.enough || (interrupted() && reader.reading.open > 0));
    reading_close(&reader.reading);
    return code ? code : reader.failed ? EXIT_REFUSED : EXIT_DONE;
}
