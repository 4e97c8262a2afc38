/* Each record once. */
#include "broker/delay/delay_plan.h"

#include <inttypes.h>

#include "base/mem.h"
#include "broker/delay/delayed.h"
#include "protocol/kafka_error.h"
#include "protocol/record/held_batch.h"

int16_t delay_plan_refuse_size(struct error_text *why) {
    return error_set(
        why, KAFKA_MESSAGE_TOO_LARGE,
        "A batch with records that are delivered later may have %d bytes of records "
        "when it is unfolded, %d records, and %d headers; this one has more: send smaller batches.",
        HELD_BATCH_MOST, HELD_RECORDS_MOST, HELD_HEADERS_MOST);
}

static size_t len_of(const struct record *record) {
    size_t key = record->key_len > 0 ? (size_t)record->key_len : 0,
           value = record->value_len > 0 ? (size_t)record->value_len : 0;
    return key + value + record->headers_len;
}

/* Of a record that asks for something. */
static int16_t note_held(const struct record_batch *batch, const struct record *record,
                         const struct record_delivery *delivery, int64_t latest_ms,
                         struct delay_plan *plan, struct error_text *why) {
    if (record_batch_is_transactional(batch))
        return error_set(why, KAFKA_INVALID_RECORD,
                         "Records of a transaction cannot be delivered later: send them without "
                         "transactional.id, or without the header.");
    plan->held++;
    if (delivery->kind == DELIVERY_CANCEL) {
        plan->called_off = mem_grow(plan->called_off, plan->called_off_count,
                                    &plan->called_off_room, sizeof *plan->called_off);
        plan->called_off[plan->called_off_count++] = delivery->offset;
        return KAFKA_NONE;
    }
    if (delivery->due_ms > latest_ms)
        return error_set(why, KAFKA_INVALID_TIMESTAMP,
                         "A record is to be delivered at %" PRId64
                         " ms since 1970; the topic's limit delay.max.ms allows %" PRId64 ".",
                         delivery->due_ms, latest_ms);
    if (delivery->due_ms < plan->first_due_ms) plan->first_due_ms = delivery->due_ms;
    plan->pending_bytes += delayed_bytes_of(len_of(record));
    return KAFKA_NONE;
}

static int16_t look_at(const struct record_batch *batch, const struct record *record,
                       int64_t now_ms, int64_t latest_ms, struct delay_plan *plan,
                       struct error_text *why) {
    struct record_delivery delivery;
    int16_t code = KAFKA_NONE;
    plan->headers += record->header_count;
    if (plan->headers > HELD_HEADERS_MOST) return delay_plan_refuse_size(why);
    if (record_delivery_read(record, now_ms, &delivery, why) != ERR_NONE)
        code = KAFKA_INVALID_RECORD;
    else if (delivery.kind != DELIVERY_NOW)
        code = note_held(batch, record, &delivery, latest_ms, plan, why);
    else if (record->timestamp_ms > plan->visible_timestamp)
        plan->visible_timestamp = record->timestamp_ms;
    if (code != KAFKA_NONE) plan->place = (int32_t)(record->offset - batch->base_offset);
    return code;
}

int16_t delay_plan_make(const struct record_batch *batch, int64_t now_ms, int64_t max_ms,
                        struct delay_plan *plan, struct error_text *why) {
    struct record_iterator records;
    struct record record;
    int64_t latest_ms;
    int16_t code = KAFKA_NONE;
    *plan = (struct delay_plan){.place = -1, .first_due_ms = INT64_MAX, .visible_timestamp = -1};
    if (__builtin_add_overflow(now_ms, max_ms, &latest_ms)) latest_ms = INT64_MAX;
    int error = record_iterator_open(&records, batch, HELD_BATCH_MOST);
    if (error != ERR_NONE) return KAFKA_CORRUPT_MESSAGE;
    while (code == KAFKA_NONE && (error = record_iterator_next(&records, &record)) == ERR_NONE)
        code = look_at(batch, &record, now_ms, latest_ms, plan, why);
    record_iterator_close(&records);
    return code == KAFKA_NONE && error != ERR_EOF ? KAFKA_CORRUPT_MESSAGE : code;
}
