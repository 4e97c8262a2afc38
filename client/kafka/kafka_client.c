/* Configuring librdkafka from a call, and its log lines and errors as sentences. */
#include "client/kafka/kafka_client.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/line/interrupt.h"
#include "client/line/talk.h"
#include "client/socket/socket_login.h"
#include "protocol/kafka_error.h"

static bool show_log; /* librdkafka's own lines */

/* Connection trouble is told by the commands themselves when something has waited for it; the rest
 * is noise to a person. */
static void on_log(const rd_kafka_t *client, int level, const char *facility, const char *text) {
    (void)client;
    (void)level;
    if (strcmp(facility, "CONFWARN") != 0 && (show_log || getenv("DRAVE_DEBUG"))) {
        say("librdkafka (%s): %s", facility, text);
    }
}

void kafka_show_log(bool show) {
    show_log = show_log || show;
}

rd_kafka_conf_t *kafka_conf(const struct invocation *in) {
    interrupt_take();
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, on_log);
    kafka_conf_set(conf, "bootstrap.servers", in->bootstrap);
    kafka_conf_set(conf, "client.id", "drave");
    if (socket_login_user()) {
        kafka_conf_set(conf, "security.protocol", in->tls ? "sasl_ssl" : "sasl_plaintext");
        kafka_conf_set(conf, "sasl.mechanism", socket_login_mechanism());
        kafka_conf_set(conf, "sasl.username", socket_login_user());
        kafka_conf_set(conf, "sasl.password", socket_login_password());
    } else if (in->tls) {
        kafka_conf_set(conf, "security.protocol", "ssl");
    }
    if (in->ca) {
        kafka_conf_set(conf, "ssl.ca.location", in->ca);
    }
    if (in->cert) {
        kafka_conf_set(conf, "ssl.certificate.location", in->cert);
        kafka_conf_set(conf, "ssl.key.location", in->cert);
    }
    return conf;
}

/* librdkafka's own words as a part of a sentence: some of them end with a newline. */
static const char *in_a_line(char *text) {
    size_t len = strlen(text);
    while (len > 0 && isspace((unsigned char)text[len - 1])) {
        text[--len] = 0;
    }
    for (char *at = text; (at = strpbrk(at, "\r\n"));) {
        *at = ' ';
    }
    return text;
}

void kafka_conf_set(rd_kafka_conf_t *conf, const char *name, const char *value) {
    char why[512];
    rd_kafka_conf_res_t result = rd_kafka_conf_set(conf, name, value, why, sizeof(why));
    if (result == RD_KAFKA_CONF_UNKNOWN) {
        say("librdkafka has no setting \"%s\"; its page CONFIGURATION.md lists those that exist",
            name);
        exit(EXIT_USAGE);
    }
    if (result != RD_KAFKA_CONF_OK) {
        say("%s=%s is not possible; librdkafka says: %s", name, value, in_a_line(why));
        exit(EXIT_USAGE);
    }
}

rd_kafka_t *kafka_client(rd_kafka_type_t type, rd_kafka_conf_t *conf) {
    char why[512];
    rd_kafka_t *client = rd_kafka_new(type, conf, why, sizeof(why));
    if (!client) {
        say("%s", in_a_line(why));
        exit(EXIT_USAGE);
    }
    return client;
}

const char *kafka_reason(rd_kafka_resp_err_t error) {
    static const char local[] = "Local: ", broker[] = "Broker: ";
    const char *text = rd_kafka_err2str(error);
    if (strcmp(kafka_error_name(error), "UNKNOWN_ERROR") != 0) {
        return kafka_error_message(error);
    }
    return strncmp(text, local, strlen(local)) == 0     ? text + strlen(local)
           : strncmp(text, broker, strlen(broker)) == 0 ? text + strlen(broker)
                                                        : text;
}

void say_not_delivered(const rd_kafka_message_t *message, const char *topic) {
    switch (message->err) {
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
        say("a record of %zu bytes is larger than topic \"%s\" takes; send smaller records, or raise the topic's max.message.bytes",
            message->len, topic);
        break;
    case RD_KAFKA_RESP_ERR__MSG_TIMED_OUT:
        say("a record for partition %d of \"%s\" was not acknowledged in time; whether it was stored is not known. See drave topic describe %s",
            (int)message->partition, topic, topic);
        break;
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
        say("topic \"%s\" has no partition %d; see drave topic describe %s", topic,
            (int)message->partition, topic);
        break;
    default: say("a record for \"%s\" was refused: %s", topic, kafka_reason(message->err));
    }
}
