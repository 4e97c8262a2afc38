/*
 * Text that is put together, and messages as JSON: in the very form in which Kafka's JSON
 * converters write them, so that golden files can be compared as text.
 */
#ifndef TESTS_UNIT_PROTOCOL_FIXTURE_DUMP_H
#define TESTS_UNIT_PROTOCOL_FIXTURE_DUMP_H

#include "protocol/schema.h"

struct text {
    char *data; /* terminated; mem_free */
    size_t len, capacity;
};

void text_add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Appends the message. Records that are not null are shown as "": their bytes are compared
 * elsewhere. */
void dump_message(struct text *text, const struct kp_schema *schema, int version,
                  const void *object);

#endif
