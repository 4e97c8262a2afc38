/* Encoding and decoding of commands about share-partitions. */
#include "broker/share/share_command.h"

#include <string.h>

#include "base/check.h"
#include "base/error.h"

enum { FORMAT = 1, OUTCOME_LEAST = 4 /* bytes */ };

/* ---- There ---- */

static bool are_timed(const struct offset_ranges *outcomes) {
    for (size_t i = 0; i < outcomes->count; i++)
        if (((struct share_range *)offset_ranges_at(outcomes, i))->time_ms != 0) return true;
    return false;
}

static void put_outcomes(struct kp_writer *writer, const struct offset_ranges *outcomes,
                         bool timed) {
    kafka_offset behind = 0;
    for (size_t i = 0; i < outcomes->count; i++) {
        const struct share_range *range = offset_ranges_at(outcomes, i);
        kp_write_varlong(writer, range->at.first - behind);
        kp_write_varlong(writer, range->at.last - range->at.first);
        kp_write_int8(writer, (int8_t)range->state);
        kp_write_varint(writer, range->count);
        if (timed) kp_write_varlong(writer, range->time_ms / SHARE_TIME_STEP_MS);
        behind = range->at.last + 1;
    }
}

struct slice share_command_encode(const struct share_command *command) {
    struct kp_writer writer;
    bool timed = command->what == SHARE_OUTCOMES && are_timed(&command->outcomes);
    kp_writer_init(&writer, INT32_MAX);
    kp_write_int8(&writer, FORMAT);
    kp_write_int8(&writer, SHARE_COMMAND);
    kp_write_int8(&writer, (int8_t)(timed ? SHARE_TIMED_OUTCOMES : command->what));
    if (command->what == SHARE_BEGIN) {
        kp_write_int64(&writer, command->start);
        kp_write_int32(&writer, command->epoch);
        kp_write_int32(&writer, command->group.len);
        kp_write_raw(&writer, command->group.data, (size_t)command->group.len);
    } else {
        kp_write_int32(&writer, command->number);
    }
    if (command->what == SHARE_OUTCOMES) put_outcomes(&writer, &command->outcomes, timed);
    CHECK(writer.error == ERR_NONE);
    struct buffer *buffer = buffer_new(NULL, writer.len);
    memcpy(buffer->data, writer.data, writer.len);
    struct slice slice = slice_of(buffer, 0, writer.len);
    buffer_unref(buffer);
    kp_writer_close(&writer);
    return slice;
}

/* ---- And back ---- */

static int take_outcome(struct kp_reader *reader, kafka_offset behind, bool timed,
                        struct share_range *range) {
    int64_t gap = kp_read_varlong(reader), more = kp_read_varlong(reader);
    range->state = (uint8_t)kp_read_int8(reader);
    int32_t count = kp_read_varint(reader);
    int64_t time = timed ? kp_read_varlong(reader) : 0;
    if (reader->error != ERR_NONE) return ERR_MALFORMED;
    if (more < 0 || (range->state != SHARE_AVAILABLE && !share_state_is_over(range->state)) ||
        count < 0 || count > SHARE_COUNT_MAX || time < 0 || time > INT64_MAX / SHARE_TIME_STEP_MS ||
        gap < -behind || gap > INT64_MAX - 1 - behind || more > INT64_MAX - 1 - behind - gap)
        return ERR_MALFORMED;
    range->at.first = behind + gap;
    range->at.last = range->at.first + more;
    range->count = (uint16_t)count;
    range->time_ms = time * SHARE_TIME_STEP_MS;
    return ERR_NONE;
}

static int take_outcomes(struct kp_reader *reader, bool timed, struct offset_ranges *outcomes) {
    kafka_offset behind = 0;
    while (kp_reader_left(reader) > 0) {
        struct share_range range = {0};
        int error = take_outcome(reader, behind, timed, &range);
        if (error != ERR_NONE) return error;
        *(struct share_range *)offset_ranges_append(outcomes) = range;
        behind = range.at.last + 1;
    }
    return ERR_NONE;
}

static int take_begin(struct kp_reader *reader, struct share_command *into) {
    into->start = kp_read_int64(reader);
    into->epoch = kp_read_int32(reader);
    int32_t len = kp_read_int32(reader);
    if (reader->error != ERR_NONE || into->start < 0 || len <= 0) return ERR_MALFORMED;
    const uint8_t *id = kp_read_raw(reader, (size_t)len);
    if (reader->error != ERR_NONE || kp_reader_left(reader) > 0) return ERR_MALFORMED;
    into->group = (struct kp_string){.data = (const char *)id, .len = len};
    return ERR_NONE;
}

int share_command_decode(const void *bytes, size_t len, struct share_command *into) {
    struct kp_reader reader;
    kp_reader_init(&reader, bytes, len);
    *into = (struct share_command){.outcomes = {.size = sizeof(struct share_range)}};
    int8_t format = kp_read_int8(&reader), command = kp_read_int8(&reader);
    into->what = (uint8_t)kp_read_int8(&reader);
    bool timed = into->what == SHARE_TIMED_OUTCOMES;
    if (reader.error != ERR_NONE) return ERR_MALFORMED;
    if (format != FORMAT || command != SHARE_COMMAND) return ERR_VERSION;
    if (into->what == SHARE_BEGIN) return take_begin(&reader, into);
    if (timed) into->what = SHARE_OUTCOMES;
    if (into->what != SHARE_OUTCOMES && into->what != SHARE_DROP) return ERR_VERSION;
    into->number = kp_read_int32(&reader);
    if (reader.error != ERR_NONE) return ERR_MALFORMED;
    int error = into->what == SHARE_OUTCOMES  ? take_outcomes(&reader, timed, &into->outcomes)
                : kp_reader_left(&reader) > 0 ? ERR_MALFORMED
                                              : ERR_NONE;
    if (error != ERR_NONE) offset_ranges_free(&into->outcomes);
    return error;
}
