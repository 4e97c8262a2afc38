/* Looked at before it is made: what is far too large takes no memory. */
#include "broker/coordinator/coordinator_batch.h"

#include "base/check.h"
#include "base/error.h"
#include "protocol/record/record_batch_builder.h"

static bool is_too_large(const struct coordinator_record *records, size_t count, size_t most) {
    for (size_t i = 0; i < count; i++) {
        size_t bytes = records[i].key_len + records[i].value_len;
        if (bytes > most) return true;
        most -= bytes;
    }
    return false;
}

static struct record_batch_options options_of(const struct coordinator_transaction *transaction) {
    struct record_batch_options options = record_batch_plain();
    if (transaction == NULL) return options;
    options.producer_id = transaction->producer_id;
    options.producer_epoch = transaction->producer_epoch;
    options.base_sequence = -1;
    options.transactional = true;
    return options;
}

struct slice coordinator_batch(const struct coordinator_record *records, size_t count,
                               const struct coordinator_transaction *transaction, size_t most,
                               int64_t now_ms) {
    if (is_too_large(records, count, most)) return (struct slice){0};
    struct record_batch_options options = options_of(transaction);
    struct record_batch_builder *builder = record_batch_builder_new(&options);
    for (size_t i = 0; i < count; i++) {
        const struct coordinator_record *record = &records[i];
        CHECK(record->key_len <= INT32_MAX && record->value_len <= INT32_MAX); /* clients' frames */
        record_batch_builder_append(builder, now_ms, record->key, (int32_t)record->key_len,
                                    record->tombstone ? NULL : record->value,
                                    record->tombstone ? -1 : (int32_t)record->value_len, NULL, 0);
    }
    uint8_t *bytes;
    size_t len;
    if (record_batch_builder_finish(builder, &bytes, &len) != ERR_NONE) return (struct slice){0};
    return slice_adopt(NULL, bytes, len);
}
