/*
 * What is served to those who watch, and where: http.listen, the limits of metrics, the console.
 *
 * Failure: ERR_INVALID, with a sentence, for what is no address. Invariant: the console is served
 * where others than this machine reach it only when that was asked for.
 */
#ifndef BROKER_CONFIG_HTTP_SETTINGS_H
#define BROKER_CONFIG_HTTP_SETTINGS_H

#include "broker/config/broker_settings.h"

/* Fills http_*, metrics_* and console* from into->values. */
int http_settings_read(struct broker_settings *into, struct error_text *why);

#endif
