/*
 * -X name=value: librdkafka's properties, for produce, consume and bench (there also -c).
 *
 * Happy path: they are checked before anything is sent, and set after drave's own. Failures, each a
 * sentence and EXIT_USAGE: a name that librdkafka does not have (with the nearest), one that has no
 * meaning for the command, one that would break what drave promises, or that an option of drave
 * says already.
 */
#ifndef CLIENT_KAFKA_KAFKA_PROPERTY_H
#define CLIENT_KAFKA_KAFKA_PROPERTY_H

#include <librdkafka/rdkafka.h>

#include "client/line/command.h"

enum kafka_use { KAFKA_FOR_PRODUCE = 1, KAFKA_FOR_CONSUME = 2, KAFKA_FOR_BENCH = 4 };

/* EXIT_DONE, or EXIT_USAGE (said). */
int kafka_properties_check(const struct invocation *invocation, enum kafka_use use);
/* Sets those that were checked; a value that librdkafka refuses ends the program with a sentence.
 */
void kafka_properties_set(rd_kafka_conf_t *conf, const struct invocation *invocation);

/* Calls `take` with every property that librdkafka has for this use. */
void kafka_properties_list(enum kafka_use use, void (*take)(void *arg, const char *name),
                           void *arg);

/* What -X says of the way to the brokers (security.protocol, ssl.ca.location) holds for all
 * connections of the call, as --tls and --ca. EXIT_DONE, or EXIT_USAGE (said). */
int kafka_properties_take(struct invocation *invocation);

#endif
