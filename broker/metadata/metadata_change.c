/* Encoding and decoding of changes and outcomes. Pure. */
#include "broker/metadata/metadata_change.h"

#include <string.h>

#include "base/check.h"
#include "protocol/messages/incremental_alter_configs.h"

enum { FORMAT = 1, FORMAT_OPERATIONS = 2, HEAD = 8 };

int metadata_change_encode(const struct metadata_change *change, struct slice *bytes) {
    struct slice command;
    int error = metadata_command_encode(&change->command, &command);
    if (error != ERR_NONE) return error;
    struct kp_writer writer;
    int32_t count = change->operations == NULL ? 0 : change->command.set_configs.configs.count;
    kp_writer_init(&writer, METADATA_COMMAND_MAX + HEAD);
    kp_write_int8(&writer, change->operations == NULL ? FORMAT : FORMAT_OPERATIONS);
    kp_write_int32(&writer, change->place_partitions);
    kp_write_int16(&writer, change->replication_factor);
    kp_write_bool(&writer, change->validate_only);
    if (change->operations != NULL) {
        kp_write_int32(&writer, count);
        kp_write_raw(&writer, change->operations, (size_t)count);
    }
    kp_write_raw(&writer, command.data, command.len);
    slice_unref(&command);
    uint8_t *data;
    size_t len;
    error = kp_writer_take(&writer, &data, &len);
    if (error != ERR_NONE) return error;
    *bytes = slice_adopt(NULL, data, len);
    return ERR_NONE;
}

/* The operations lie behind the head, one for each setting of the command behind them. */
static int decode_with_operations(const uint8_t *data, size_t len, struct kp_arena *arena,
                                  struct metadata_change *change) {
    struct kp_reader reader;
    kp_reader_init(&reader, data, len);
    int32_t count = kp_read_int32(&reader);
    if (reader.error != ERR_NONE || count < 0 || (size_t)count > len - 4) return ERR_MALFORMED;
    change->operations = (const int8_t *)data + 4;
    for (int32_t i = 0; i < count; i++)
        if (change->operations[i] < CONFIG_SET || change->operations[i] > CONFIG_SUBTRACT)
            return ERR_MALFORMED;
    data += 4 + (size_t)count;
    len -= 4 + (size_t)count;
    int error = metadata_command_decode(data, len, arena, &change->command);
    if (error != ERR_NONE) return error;
    return change->command.type == COMMAND_SET_CONFIGS &&
                   change->command.set_configs.configs.count == count
               ? ERR_NONE
               : ERR_MALFORMED;
}

int metadata_change_decode(const void *data, size_t len, struct kp_arena *arena,
                           struct metadata_change *change) {
    struct kp_reader reader;
    memset(change, 0, sizeof *change);
    kp_reader_init(&reader, data, len);
    if (len < HEAD) return ERR_MALFORMED;
    int8_t format = kp_read_int8(&reader);
    if (format != FORMAT && format != FORMAT_OPERATIONS) return ERR_VERSION;
    change->place_partitions = kp_read_int32(&reader);
    change->replication_factor = kp_read_int16(&reader);
    change->validate_only = kp_read_bool(&reader);
    const uint8_t *rest = (const uint8_t *)data + HEAD;
    return format == FORMAT ? metadata_command_decode(rest, len - HEAD, arena, &change->command)
                            : decode_with_operations(rest, len - HEAD, arena, change);
}

struct slice change_outcome_encode(const struct change_outcome *outcome) {
    struct kp_writer writer;
    kp_writer_init(&writer, 1024);
    kp_write_int8(&writer, FORMAT);
    kp_write_int8(&writer, (int8_t)outcome->status);
    kp_write_int16(&writer, outcome->result.error);
    kp_write_int64(&writer, outcome->result.value);
    kp_write_int64(&writer, (int64_t)outcome->index);
    kp_write_string(&writer, kp_string_of(outcome->result.message), false, false);
    uint8_t *data;
    size_t len;
    int error = kp_writer_take(&writer, &data, &len);
    CHECK(error == ERR_NONE); /* the message is shorter than the room */
    return slice_adopt(NULL, data, len);
}

int change_outcome_decode(const void *data, size_t len, struct change_outcome *outcome) {
    struct kp_reader reader;
    memset(outcome, 0, sizeof *outcome);
    kp_reader_init(&reader, data, len);
    if (kp_read_int8(&reader) != FORMAT)
        return reader.error != ERR_NONE ? reader.error : ERR_VERSION;
    outcome->status = kp_read_int8(&reader) == CHANGE_DONE ? CHANGE_DONE : CHANGE_AGAIN;
    outcome->result.error = kp_read_int16(&reader);
    outcome->result.value = kp_read_int64(&reader);
    outcome->index = (uint64_t)kp_read_int64(&reader);
    struct kp_string message = kp_read_string(&reader, false, false);
    if (reader.error != ERR_NONE) return reader.error;
    size_t n = (size_t)message.len < sizeof outcome->result.message - 1
                   ? (size_t)message.len
                   : sizeof outcome->result.message - 1;
    memcpy(outcome->result.message, message.data, n);
    return ERR_NONE;
}
