/* What a record that is to be sent owns. */
#include "client/format/client_record.h"

#include "base/mem.h"

void record_close(struct client_record *record) {
    mem_free(record->key.data);
    mem_free(record->value.data);
    if (record->headers) {
        rd_kafka_headers_destroy(record->headers);
    }
    *record = (struct client_record){.has_timestamp = false};
}
