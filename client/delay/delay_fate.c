/* A short read, by librdkafka. */
#include "client/delay/delay_fate.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/kafka/kafka_client.h"
#include "client/line/talk.h"
#include "protocol/record/record_delivery.h"

enum { POLL_MS = 200 };

/* Whether it delivers what was at `offset`. Records may have come with headers of that name: the
 * last one is the broker's. */
static bool delivers(const rd_kafka_message_t *message, int64_t offset) {
    rd_kafka_headers_t *headers;
    const void *value;
    size_t len;
    char text[24];
    int text_len = snprintf(text, sizeof(text), "%" PRId64, offset);
    return !rd_kafka_message_headers(message, &headers) &&
           !rd_kafka_header_get_last(headers, DELAYED_OFFSET, &value, &len) &&
           len == (size_t)text_len && memcmp(value, text, len) == 0;
}

enum delay_fate delay_fate(const struct invocation *in, const char *topic, int32_t partition,
                           int64_t offset, int64_t from, int64_t to, int64_t *at) {
    enum delay_fate fate = FATE_UNKNOWN;
    uint64_t end_ms = now_ms() + in->timeout_ms;
    rd_kafka_conf_t *conf = kafka_conf(in);
    kafka_conf_set(conf, "enable.partition.eof", "true");
    rd_kafka_t *client = kafka_client(RD_KAFKA_CONSUMER, conf);
    rd_kafka_topic_t *handle = rd_kafka_topic_new(client, topic, NULL);
    rd_kafka_consume_start(handle, partition, from);
    while (fate == FATE_UNKNOWN && now_ms() < end_ms) {
        rd_kafka_message_t *message = rd_kafka_consume(handle, partition, POLL_MS);
        if (message == NULL) {
            continue;
        }
        bool ended = message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
        if ((ended || !message->err) && message->offset > to) {
            fate = FATE_CALLED_OFF;
        } else if (!message->err && delivers(message, offset)) {
            fate = FATE_DELIVERED;
            *at = message->offset;
        }
        rd_kafka_message_destroy(message);
    }
    rd_kafka_consume_stop(handle, partition);
    rd_kafka_topic_destroy(handle);
    rd_kafka_destroy(client);
    return fate;
}
