/* What drave sets, and then -X. */
#include "client/stream/produce_client.h"

#include <inttypes.h>
#include <stdio.h>

#include "client/kafka/kafka_client.h"
#include "client/kafka/kafka_property.h"

/* What waits is bounded, also in time where the user has said how long. */
static void set_limits(const struct invocation *in, size_t line_max, rd_kafka_conf_t *conf) {
    enum { QUEUE_KIB = 64 << 10 };
    char text[32];
    size_t line_kib = line_max >> 10;
    snprintf(text, sizeof(text), "%zu", 2 * line_kib > QUEUE_KIB ? 2 * line_kib : QUEUE_KIB);
    kafka_conf_set(conf, "queue.buffering.max.kbytes", text);
    if (in->timeout_given) {
        snprintf(text, sizeof(text), "%" PRIu64, in->timeout_ms);
        kafka_conf_set(conf, "message.timeout.ms", text);
    }
}

rd_kafka_t *produce_client_new(const struct invocation *in, size_t line_max, bool terminal,
                               produce_delivered *delivered, void *arg) {
    const char *transactional_id = invocation_value(in, OPTION_TRANSACTIONAL_ID, NULL);
    rd_kafka_conf_t *conf = kafka_conf(in);
    rd_kafka_conf_set_opaque(conf, arg);
    rd_kafka_conf_set_dr_msg_cb(conf, delivered);
    kafka_conf_set(conf, "enable.idempotence", "true");
    kafka_conf_set(conf, "linger.ms", terminal ? "0" : "5");
    kafka_conf_set(conf, "compression.type", invocation_value(in, 'z', "none"));
    kafka_conf_set(conf, "reconnect.backoff.ms",
                   "20"); /* a leader that moved is found again soon */
    kafka_conf_set(conf, "reconnect.backoff.max.ms", "200");
    kafka_conf_set(conf, "topic.metadata.refresh.fast.interval.ms", "100");
    kafka_conf_set(conf, "message.max.bytes",
                   "100000000"); /* the topic decides, not this program */
    set_limits(in, line_max, conf);
    if (transactional_id) {
        kafka_conf_set(conf, "transactional.id", transactional_id);
    }
    kafka_properties_set(conf, in);
    return kafka_client(RD_KAFKA_PRODUCER, conf);
}
