/* Letters into a batch. */
#include "broker/letters/letter_batch.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "broker/share/record_sight.h"
#include "protocol/record/record_batch_builder.h"
#include "protocol/record/record_delivery.h"

#define PREFIX "__dlq.errors."
#define QUIET "__dlq." /* in front of names that ask for something */

enum { NUMBER_MAX = 24, OWN_HEADERS = 8, OWN_BYTES = 450 };

/* ---- One ---- */

static uint8_t *put(uint8_t *at, const void *data, size_t len) {
    if (len > 0) memcpy(at, data, len);
    return at + len;
}

void letter_take(struct letter *letter, const struct record *record) {
    size_t key = record->key_len > 0 ? (size_t)record->key_len : 0,
           value = record->value_len > 0 ? (size_t)record->value_len : 0;
    uint8_t *at = letter->bytes = mem_alloc(key + value + record->headers_len + 1);
    letter->found = true;
    letter->record = *record;
    if (record->key != NULL) letter->record.key = at;
    at = put(at, record->key, key);
    if (record->value != NULL) letter->record.value = at;
    at = put(at, record->value, value);
    letter->record.headers = at;
    put(at, record->headers, record->headers_len);
}

void letter_drop(struct letter *letter) {
    mem_free(letter->bytes);
    *letter = (struct letter){0};
}

size_t letter_own_size(const struct letter_origin *origin) {
    return OWN_BYTES + strlen(origin->topic) + strlen(origin->group);
}

size_t letter_size(const struct letter *letter) {
    const struct record *record = &letter->record;
    size_t size = 0;
    if (!letter->found) return size;
    if (record->key_len > 0) size += (size_t)record->key_len;
    if (record->value_len > 0) size += (size_t)record->value_len;
    return size + record->headers_len + (size_t)record->header_count * (sizeof QUIET - 1);
}

/* ---- Headers ---- */

struct headers {
    struct record_header *items;
    int32_t count;
};

static void add(struct headers *headers, const char *key, const char *value) {
    headers->items[headers->count++] = (struct record_header){.key = key,
                                                              .key_len = (int32_t)strlen(key),
                                                              .value = (const uint8_t *)value,
                                                              .value_len = (int32_t)strlen(value)};
}

/* What an earlier group gave it up for counts no more. */
static bool is_old(const struct record_header *header) {
    return header->key_len >= (int32_t)sizeof PREFIX - 1 &&
           memcmp(header->key, PREFIX, sizeof PREFIX - 1) == 0;
}

/* What a header asks of the topic in which its record is asks nothing of that of dead letters: a
 * letter would wait, be called off, end before it was read, or be refused for ever. */
static const char *name_in_letter(const struct record_header *header) {
    static const char *const asking[] = {QUIET DELIVER_AT, QUIET DELIVER_IN, QUIET DELIVER_CANCEL,
                                         QUIET RECORD_TTL};
    for (size_t i = 0; i < sizeof asking / sizeof asking[0]; i++) {
        const char *name = asking[i] + sizeof QUIET - 1;
        if (strlen(name) == (size_t)header->key_len &&
            memcmp(name, header->key, (size_t)header->key_len) == 0)
            return asking[i];
    }
    return NULL;
}

static void add_own(struct headers *headers, struct record record) {
    struct record_header header;
    while (record_header_next(&record, &header) == ERR_NONE) {
        const char *name = name_in_letter(&header);
        if (is_old(&header)) continue;
        if (name != NULL) {
            header.key = name;
            header.key_len = (int32_t)strlen(name);
        }
        headers->items[headers->count++] = header;
    }
}

static const char *message_of(const struct letter *letter) {
    return letter->reason == SHARE_REJECTED ? "Offset rejected by client."
                                            : "Offset delivery count exceeded the threshold.";
}

static void append(struct record_batch_builder *builder, const struct letter *letter,
                   const struct letter_origin *origin, bool bare) {
    const struct record *record = &letter->record;
    bool whole = letter->found && !bare;
    char partition[NUMBER_MAX], offset[NUMBER_MAX], count[NUMBER_MAX], time[NUMBER_MAX];
    struct headers headers = {
        .items = mem_alloc(((whole ? (size_t)record->header_count : 0) + OWN_HEADERS) *
                           sizeof *headers.items)};
    snprintf(partition, sizeof partition, "%" PRId32, origin->partition);
    snprintf(offset, sizeof offset, "%" PRId64, letter->offset);
    snprintf(count, sizeof count, "%u", letter->count);
    snprintf(time, sizeof time, "%" PRId64, record->timestamp_ms);
    if (whole) add_own(&headers, *record);
    add(&headers, PREFIX "topic", origin->topic);
    add(&headers, PREFIX "partition", partition);
    add(&headers, PREFIX "offset", offset);
    add(&headers, PREFIX "group", origin->group);
    add(&headers, PREFIX "delivery.count", count);
    add(&headers, PREFIX "message", message_of(letter));
    if (letter->found) add(&headers, PREFIX "timestamp", time);
    if (letter->found && bare) add(&headers, PREFIX "truncated", "true");
    record_batch_builder_append(builder, letter->died_ms, whole ? record->key : NULL,
                                whole ? record->key_len : -1, whole ? record->value : NULL,
                                whole ? record->value_len : -1, headers.items, headers.count);
    mem_free(headers.items);
}

bool letters_write(const struct letter *letters, size_t count, const struct letter_origin *origin,
                   int64_t producer_id, int32_t sequence, bool bare, uint8_t **out, size_t *len) {
    struct record_batch_options options = record_batch_plain();
    options.producer_id = producer_id;
    options.producer_epoch = 0;
    options.base_sequence = sequence;
    struct record_batch_builder *builder = record_batch_builder_new(&options);
    for (size_t i = 0; i < count; i++)
        append(builder, &letters[i], origin, bare);
    return record_batch_builder_finish(builder, out, len) == ERR_NONE;
}
