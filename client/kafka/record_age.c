/* One queue over all partitions; each is stopped at its first record. */
#include "client/kafka/record_age.h"

#include <string.h>

#include "base/mem.h"
#include "client/kafka/kafka_client.h"
#include "client/line/interrupt.h"
#include "client/line/talk.h"

enum { POLL_MS = 100 };

static size_t find_item(const struct record_age *items, size_t count, const char *topic,
                        int32_t partition) {
    for (size_t i = 0; i < count; i++) {
        if (items[i].partition == partition && strcmp(items[i].topic, topic) == 0) {
            return i;
        }
    }
    return count;
}

static void wait_for_records(rd_kafka_queue_t *queue, uint64_t wait_ms, struct record_age *items,
                             size_t count) {
    uint64_t end = now_ms() + wait_ms;
    for (size_t missing = count; missing > 0 && now_ms() < end && !interrupted();) {
        rd_kafka_message_t *message = rd_kafka_consume_queue(queue, POLL_MS);
        if (!message) {
            continue;
        }
        size_t at = message->rkt && message->err == RD_KAFKA_RESP_ERR_NO_ERROR
                        ? find_item(items, count, rd_kafka_topic_name(message->rkt),
                                    message->partition)
                        : count;
        if (at < count && items[at].timestamp < 0) {
            rd_kafka_timestamp_type_t type;
            items[at].timestamp = rd_kafka_message_timestamp(message, &type);
            missing--;
        }
        rd_kafka_message_destroy(message);
    }
}

void record_ages(const struct invocation *in, uint64_t wait_ms, struct record_age *items,
                 size_t count) {
    if (count == 0) {
        return;
    }
    rd_kafka_conf_t *conf = kafka_conf(in);
    kafka_conf_set(conf, "auto.offset.reset", "error");
    kafka_conf_set(conf, "fetch.message.max.bytes", "1024"); /* a whole batch comes in any case */
    kafka_conf_set(conf, "queued.min.messages", "1");
    kafka_conf_set(conf, "allow.auto.create.topics", "false");
    rd_kafka_t *client = kafka_client(RD_KAFKA_CONSUMER, conf);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    rd_kafka_topic_t **topics = mem_alloc(count * sizeof(*topics));
    for (size_t i = 0; i < count; i++) {
        items[i].timestamp = -1;
        topics[i] = rd_kafka_topic_new(client, items[i].topic, NULL);
        rd_kafka_consume_start_queue(topics[i], items[i].partition, items[i].offset, queue);
    }
    wait_for_records(queue, wait_ms, items, count);
    for (size_t i = 0; i < count; i++) {
        rd_kafka_consume_stop(topics[i], items[i].partition);
        rd_kafka_topic_destroy(topics[i]);
    }
    rd_kafka_queue_destroy(queue);
    rd_kafka_destroy(client);
    mem_free(topics);
}
