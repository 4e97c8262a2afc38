/* From one offset to the next. */
#include "broker/delay/delayed_internal.h"

void delayed_look_begin(struct delayed_look *look, struct delayed *delayed, kafka_offset after) {
    bool there = delayed_find(delayed, after) != NULL;
    *look = (struct delayed_look){.delayed = delayed, .seen = there ? after : -1};
    DL_APPEND(delayed->looks, look);
}

bool delayed_look_next(struct delayed_look *look, struct delayed_seen *seen) {
    const struct delayed_record *record;
    if (delayed_look_is_lost(look)) return false;
    record = delayed_pages_behind(&look->delayed->records, look->seen);
    if (record == NULL) return false;
    *seen = (struct delayed_seen){.offset = record->key.offset,
                                  .due_ms = record->key.due_ms,
                                  .timestamp_ms = record->timestamp_ms,
                                  .key = record->data,
                                  .key_len = record->key_len,
                                  .value_len = record->value_len};
    look->seen = record->key.offset;
    return true;
}

bool delayed_look_is_lost(const struct delayed_look *look) {
    return look->delayed == NULL;
}

void delayed_look_end(struct delayed_look *look) {
    if (look->delayed != NULL) DL_DELETE(look->delayed->looks, look);
    *look = (struct delayed_look){0};
}
