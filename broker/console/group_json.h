/*
 * What the pages of groups of all kinds show alike.
 *
 * Happy path: inside of an object that the caller has begun. Failures: none.
 */
#ifndef BROKER_CONSOLE_GROUP_JSON_H
#define BROKER_CONSOLE_GROUP_JSON_H

#include "broker/console/asking/json_text.h"
#include "why/diagnosis.h"

/* Lag, and the findings with their evidence. */
void group_show_why(struct json *json, const struct why_diagnosis *diagnosis);
/* What is not known (below 0) is null. */
void group_show_known(struct json *json, const char *key, int64_t value);

#endif
