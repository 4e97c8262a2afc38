/* Encoding and decoding of commands about share-partitions. */
#include "broker/share/share_command.h"

#include <string.h>

#include "base/check.h"
#include "base/error.h"

enum {
    FORMAT = 1,
    REASON_SHIFT = 4,
    STATE_BITS = (1 << REASON_SHIFT) - 1,
    MOVE_RECORDS_LARGEST = SHARE_MOVE_RECORDS,
};

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
        kp_write_int8(writer, (int8_t)(range->state | range->reason << REASON_SHIFT));
        kp_write_varint(writer, range->count);
        if (timed) kp_write_varlong(writer, range->time_ms / SHARE_TIME_STEP_MS);
        behind = range->at.last + 1;
    }
}

static void put_move(struct kp_writer *writer, const struct share_move *move) {
    kafka_offset behind = 0;
    kp_write_int64(writer, move->producer_id);
    kp_write_int32(writer, move->sequence);
    kp_write_raw(writer, move->topic, sizeof move->topic);
    kp_write_int32(writer, move->partition);
    for (size_t i = 0; i < move->records.count; i++) {
        const struct offset_range *range = offset_ranges_at(&move->records, i);
        kp_write_varlong(writer, range->first - behind);
        kp_write_varlong(writer, range->last - range->first);
        behind = range->last + 1;
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
    if (command->what == SHARE_MOVE) put_move(&writer, &command->move);
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
    uint8_t state = (uint8_t)kp_read_int8(reader);
    int32_t count = kp_read_varint(reader);
    int64_t time = timed ? kp_read_varlong(reader) : 0;
    if (reader->error != ERR_NONE) return ERR_MALFORMED;
    range->state = state & STATE_BITS;
    range->reason = state >> REASON_SHIFT;
    bool letter = range->state == SHARE_ARCHIVING;
    if ((range->state != SHARE_AVAILABLE && !letter && !share_state_is_over(range->state)) ||
        (letter ? !timed || range->reason < SHARE_REJECTED || range->reason > SHARE_EXHAUSTED
                : range->reason != 0))
        return ERR_MALFORMED;
    if (more < 0 || count < 0 || count > SHARE_COUNT_MAX || time < 0 ||
        time > INT64_MAX / SHARE_TIME_STEP_MS || gap < -behind || gap > INT64_MAX - 1 - behind ||
        more > INT64_MAX - 1 - behind - gap)
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

/* One behind the other, and not more than may be. */
static int take_moved(struct kp_reader *reader, struct share_move *move) {
    kafka_offset behind = 0;
    int64_t count = 0;
    while (kp_reader_left(reader) > 0) {
        int64_t gap = kp_read_varlong(reader), more = kp_read_varlong(reader);
        if (reader->error != ERR_NONE || gap < 0 || more < 0 || more >= MOVE_RECORDS_LARGEST ||
            gap > INT64_MAX - 1 - behind - more)
            return ERR_MALFORMED;
        struct offset_range *range = offset_ranges_append(&move->records);
        *range = (struct offset_range){behind + gap, behind + gap + more};
        behind = range->last + 1;
        count += more + 1;
        if (count > MOVE_RECORDS_LARGEST) return ERR_MALFORMED;
    }
    return count > 0 ? ERR_NONE : ERR_MALFORMED;
}

static int take_move(struct kp_reader *reader, struct share_move *move) {
    move->records.size = sizeof(struct offset_range);
    move->producer_id = kp_read_int64(reader);
    move->sequence = kp_read_int32(reader);
    const uint8_t *topic = kp_read_raw(reader, sizeof move->topic);
    move->partition = kp_read_int32(reader);
    if (reader->error != ERR_NONE || move->producer_id < 0 || move->sequence < 0 ||
        move->sequence > INT32_MAX - MOVE_RECORDS_LARGEST || move->partition < 0)
        return ERR_MALFORMED;
    memcpy(move->topic, topic, sizeof move->topic);
    return take_moved(reader, move);
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

void share_command_drop(struct share_command *command) {
    offset_ranges_free(&command->outcomes);
    offset_ranges_free(&command->move.records);
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
    if (into->what != SHARE_OUTCOMES && into->what != SHARE_MOVE && into->what != SHARE_DROP)
        return ERR_VERSION;
    into->number = kp_read_int32(&reader);
    if (reader.error != ERR_NONE) return ERR_MALFORMED;
    int error = into->what == SHARE_OUTCOMES  ? take_outcomes(&reader, timed, &into->outcomes)
                : into->what == SHARE_MOVE    ? take_move(&reader, &into->move)
                : kp_reader_left(&reader) > 0 ? ERR_MALFORMED
                                              : ERR_NONE;
    if (error != ERR_NONE) share_command_drop(into);
    return error;
}
