/*
 * What is served to those who watch, and where: http.listen, the limits of metrics, the console.
 *
 * Failure: an error with a sentence, for what is no address, and for a token that cannot be read,
 * is too short, or may be read by others. Invariants: the console is served where others than this
 * machine reach it only when that was asked for; it has a token only with console.admin.
 */
#ifndef BROKER_CONFIG_HTTP_SETTINGS_H
#define BROKER_CONFIG_HTTP_SETTINGS_H

#include "broker/config/broker_settings.h"

/* Fills http_*, metrics_* and console* from into->values. */
int http_settings_read(struct broker_settings *into, struct error_text *why);

#endif
