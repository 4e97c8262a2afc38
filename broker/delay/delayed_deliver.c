/* A record that was held back, as it is delivered: its key, value and headers, and where it was. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "broker/delay/delayed_internal.h"
#include "protocol/record/record_delivery.h"

enum { NUMBER_MOST = 24 };

static struct record_header number_header(const char *name, int64_t number,
                                          char text[NUMBER_MOST]) {
    int len = snprintf(text, NUMBER_MOST, "%" PRId64, number);
    return (struct record_header){.key = name,
                                  .key_len = (int32_t)strlen(name),
                                  .value = (const uint8_t *)text,
                                  .value_len = len};
}

void delayed_deliver(const struct delayed_record *record, int64_t now_ms,
                     struct record_batch_builder *builder) {
    char offset[NUMBER_MOST], timestamp[NUMBER_MOST];
    const uint8_t *key = record->data;
    const uint8_t *value = key + (record->key_len > 0 ? record->key_len : 0);
    struct record own = {.header_count = record->header_count,
                         .headers = value + (record->value_len > 0 ? record->value_len : 0),
                         .headers_len = record->headers_len};
    int32_t count = 0;
    struct record_header *headers = mem_alloc(((size_t)record->header_count + 2) * sizeof *headers);
    while (record_header_next(&own, &headers[count]) == ERR_NONE)
        count++;
    CHECK(count == record->header_count); /* they were read when it was held back */
    headers[count++] = number_header(DELAYED_TIMESTAMP, record->timestamp_ms, timestamp);
    headers[count++] = number_header(DELAYED_OFFSET, record->key.offset, offset);
    record_batch_builder_append(builder, now_ms, record->key_len < 0 ? NULL : key, record->key_len,
                                record->value_len < 0 ? NULL : value, record->value_len, headers,
                                count);
    mem_free(headers);
}
