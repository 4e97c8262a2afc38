/*
 * Where clients are served, from `listeners`, `advertised.listeners` and
 * `listener.security.protocol.map` together.
 *
 * Happy path: every listener has a name of its own, a port of its own, plain text or TLS as its
 * protocol in so many words, and an address that clients reach. Failures: ERR_INVALID with a
 * sentence that names the setting, what it has and what would do. The rules are those of Kafka's
 * KafkaConfig (4.3); SASL is refused. Who speaks TLS has a key, and ssl.* without a listener that
 * speaks it is a mistake; what the files hold is for tls_context_new to say.
 */
#ifndef BROKER_CONFIG_LISTENER_SETTINGS_H
#define BROKER_CONFIG_LISTENER_SETTINGS_H

#include "broker/config/broker_settings.h"

/* Fills `listeners`, `listener_count` and what TLS is set up with from into->values. */
int listener_settings_read(struct broker_settings *into, struct error_text *why);
/* Whether any listener speaks TLS. */
bool listener_settings_tls(const struct broker_settings *settings);

#endif
