/*
 * JSON as it is printed: compact, members in their order, and each number the shortest text that
 * reads back as the same value (jansson alone writes 0.073 as 0.072999999999999995). A fraction
 * that is whole keeps its ".0"; what JSON has no number for (NaN) is null.
 */
#ifndef CLIENT_LINE_JSON_TEXT_H
#define CLIENT_LINE_JSON_TEXT_H

#include <stddef.h>

#include <jansson.h>

void json_text(const json_t *value, void (*take)(void *arg, const char *text, size_t len),
               void *arg);

#endif
