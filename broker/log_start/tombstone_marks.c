/* The list of marks, and the command's bytes. */
#include "broker/log_start/tombstone_marks.h"

#include <string.h>

#include "base/error.h"
#include "storage/little_endian.h"

enum { FORMAT = 1, AT_OFFSET = 2, AT_MS = 10, SIZE = 18 };

struct slice tombstone_mark_encode(const struct tombstone_mark *mark) {
    uint8_t bytes[SIZE] = {FORMAT, TOMBSTONES_COMMAND};
    le_put_u64(bytes + AT_OFFSET, (uint64_t)mark->offset);
    le_put_u64(bytes + AT_MS, (uint64_t)mark->at_ms);
    return slice_copy(NULL, bytes, sizeof bytes);
}

int tombstone_mark_decode(const void *bytes, size_t len, struct tombstone_mark *into) {
    const uint8_t *at = bytes;
    if (len < 2) return ERR_MALFORMED;
    if (at[0] != FORMAT || at[1] != TOMBSTONES_COMMAND) return ERR_VERSION;
    if (len != SIZE) return ERR_MALFORMED;
    into->offset = (int64_t)le_get_u64(at + AT_OFFSET);
    into->at_ms = (int64_t)le_get_u64(at + AT_MS);
    return into->offset <= 0 || into->at_ms < 0 ? ERR_MALFORMED : ERR_NONE;
}

struct tombstone_mark tombstone_marks_last(const struct tombstone_marks *marks) {
    return marks->count == 0 ? (struct tombstone_mark){0} : marks->marks[marks->count - 1];
}

void tombstone_marks_add(struct tombstone_marks *marks, struct tombstone_mark mark) {
    struct tombstone_mark last = tombstone_marks_last(marks);
    if (mark.offset <= last.offset) return;
    /* Another leader, whose clock is behind. */
    if (mark.at_ms < last.at_ms) mark.at_ms = last.at_ms;
    if (marks->count == TOMBSTONE_MARKS_MAX) {
        marks->count--;
        memmove(marks->marks, marks->marks + 1, marks->count * sizeof marks->marks[0]);
    }
    marks->marks[marks->count++] = mark;
}

kafka_offset tombstone_marks_past(const struct tombstone_marks *marks, int64_t now_ms,
                                  int64_t retention_ms) {
    size_t count = marks->count;
    /* the time may be as large as a number can be */
    while (count > 0 && (now_ms < marks->marks[count - 1].at_ms ||
                         now_ms - marks->marks[count - 1].at_ms < retention_ms))
        count--;
    return count == 0 ? 0 : marks->marks[count - 1].offset;
}
