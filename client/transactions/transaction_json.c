/* The fields, in the order in which docs/cli.md names them. */
#include "client/transactions/transaction_json.h"

static json_t *number_if(bool known, int64_t value) {
    return known ? json_integer(value) : json_null();
}

json_t *transaction_json(const struct transaction_row *row) {
    json_t *partitions = row->described ? json_array() : json_null();
    double seconds = transaction_open_seconds(row);
    for (int32_t t = 0; t < row->topics.count; t++) {
        const struct kp_describe_transactions_response_topic *of = &row->topics.items[t];
        for (int32_t p = 0; p < of->partitions.count; p++) {
            json_array_append_new(partitions,
                                  json_pack("{s:s%,s:i}", "topic", of->topic.data,
                                            (size_t)(of->topic.len < 0 ? 0 : of->topic.len),
                                            "partition", (int)of->partitions.items[p]));
        }
    }
    return json_pack("{s:s,s:s,s:I,s:o,s:i,s:o,s:o,s:o,s:o}", "id", row->id, "state", row->state,
                     "producer_id", (json_int_t)row->producer_id, "producer_epoch",
                     number_if(row->described, row->producer_epoch), "coordinator",
                     (int)row->coordinator, "timeout_ms",
                     number_if(row->described, row->timeout_ms), "start_ms",
                     number_if(seconds >= 0, row->start_ms), "open_seconds",
                     seconds < 0 ? json_null() : json_real(seconds), "partitions", partitions);
}

json_t *open_transaction_json(const struct open_transaction *row, const char *id) {
    return json_pack(
        "{s:s,s:i,s:i,s:I,s:i,s:I,s:o,s:o}", "topic", row->topic, "partition", (int)row->partition,
        "leader", (int)row->leader, "producer_id", (json_int_t)row->producer_id, "producer_epoch",
        (int)row->producer_epoch, "first_offset", (json_int_t)row->first_offset, "written_ms",
        number_if(row->written_ms >= 0, row->written_ms), "id", id ? json_string(id) : json_null());
}
