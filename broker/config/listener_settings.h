/*
 * Where clients are served, from `listeners`, `advertised.listeners` and
 * `listener.security.protocol.map` together.
 *
 * Happy path: every listener has a name of its own, a port of its own, plain text or TLS as its
 * protocol in so many words, and an address that clients reach. Failures: ERR_INVALID with a
 * sentence that names the setting, what it has and what would do. The rules are those of Kafka's
 * KafkaConfig (4.3). Who speaks TLS has a key, and ssl.* without a listener that
 * speaks it is a mistake, as are sasl.enabled.mechanisms where nobody logs in; what the files hold
 * is for tls_context_new to say. An authorizer is Kafka's own, or none.
 */
#ifndef BROKER_CONFIG_LISTENER_SETTINGS_H
#define BROKER_CONFIG_LISTENER_SETTINGS_H

#include "broker/config/broker_settings.h"

enum { SUPER_USERS_MAX = 64 };

/* Fills `listeners`, `listener_count`, what TLS is set up with, how clients log in and whether they
 * are asked what they may from into->values. */
int listener_settings_read(struct broker_settings *into, struct error_text *why);
/* The next of a list of super users, without the blanks around it. False: that was all. */
bool super_users_next(const char **at, const char **user, size_t *len);
/* Calls `warn` as broker_settings_warnings does. */
void listener_settings_warnings(const struct broker_settings *settings,
                                void (*warn)(void *arg, const char *sentence), void *arg);
/* Whether any listener speaks TLS. */
bool listener_settings_tls(const struct broker_settings *settings);

#endif
