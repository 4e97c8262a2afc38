/*
 * librdkafka for produce, consume and bench: made from a call's options, with its log lines caught
 * and told as sentences.
 */
#ifndef CLIENT_KAFKA_KAFKA_CLIENT_H
#define CLIENT_KAFKA_KAFKA_CLIENT_H

#include <librdkafka/rdkafka.h>

#include "client/line/command.h"

/* A configuration with the call's brokers; the caller adds to it. Never NULL. */
rd_kafka_conf_t *kafka_conf(const struct invocation *invocation);
/* Sets one property; says what is wrong and ends with EXIT_USAGE if librdkafka refuses it. */
void kafka_conf_set(rd_kafka_conf_t *conf, const char *name, const char *value);
/* From now on librdkafka's own log lines are shown, as with DRAVE_DEBUG; false changes nothing. */
void kafka_show_log(bool show);
/* Takes the configuration over; ends the program with a sentence if it cannot be used. */
rd_kafka_t *kafka_client(rd_kafka_type_t type, rd_kafka_conf_t *conf);

/* An error of librdkafka or of a broker in words, without numbers and "Local: ". Static memory. */
const char *kafka_reason(rd_kafka_resp_err_t error);

/* The sentence for a delivery that failed: what, with the value, and what to do. */
void say_not_delivered(const rd_kafka_message_t *message, const char *topic);

#endif
