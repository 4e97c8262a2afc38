/*
 * Where clients are served, from `listeners`, `advertised.listeners` and
 * `listener.security.protocol.map` together.
 *
 * Happy path: every listener has a name of its own, a port of its own, plain text as its protocol
 * in so many words, and an address that clients reach. Failures: ERR_INVALID with a sentence that
 * names the setting, what it has and what would do. The rules are those of Kafka's KafkaConfig
 * (4.3), and one that needs no map there needs none here: only PLAINTEXT, because TLS and SASL are
 * not built.
 */
#ifndef BROKER_CONFIG_LISTENER_SETTINGS_H
#define BROKER_CONFIG_LISTENER_SETTINGS_H

#include "broker/config/broker_settings.h"

/* Fills `listeners` and `listener_count` from into->values. */
int listener_settings_read(struct broker_settings *into, struct error_text *why);

#endif
