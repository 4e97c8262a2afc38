/* A cursor over all of a segment, and what follows from one entry for the next. */
#include "storage/heal/segment_check.h"

#include "base/mem.h"

enum { CHUNK_BYTES = 256 << 10 };

void segment_check_begin_at(struct segment_check *check, struct env_file *file,
                            const struct segment_header *header, const struct segment_end *end,
                            const struct check_place *at) {
    *check = (struct segment_check){.header = *header, .at = *at, .header_checked = true};
    segment_cursor_init(&check->cursor, file, header->group, at->position, end->position,
                        CHUNK_BYTES);
    check->cursor.expected_index = at->index;
    check->cursor.last_index = end->last_index;
    check->cursor.gaps = segment_is_cleaned(header);
}

void segment_check_begin(struct segment_check *check, struct env_file *file,
                         const struct segment_header *header, const struct segment_end *end) {
    struct check_place first = {SEGMENT_HEADER_SIZE, header->first_index, header->base_offset};
    segment_check_begin_at(check, file, header, end, &first);
    check->header_checked = false;
}

void segment_check_close(struct segment_check *check) {
    segment_cursor_close(&check->cursor);
}

static int check_header(struct segment_check *check) {
    uint8_t bytes[SEGMENT_HEADER_SIZE];
    struct segment_header found;
    size_t got = 0;
    check->header_checked = true;
    int error = env_file_read(check->cursor.file, bytes, sizeof bytes, 0, &got);
    bool sound = !error && got == sizeof bytes &&
                 segment_header_decode(bytes, SEGMENT_FILE_LOG, &found) == ERR_NONE &&
                 segment_header_equals(&found, &check->header);
    check->header_damaged = !sound;
    return sound ? ERR_NONE : error ? error : ERR_CORRUPT;
}

static int check_entry(struct segment_check *check) {
    struct entry *entry;
    int error = segment_cursor_next(&check->cursor, &entry);
    if (error) return error;
    bool cleaned = segment_is_cleaned(&check->header);
    bool goes_on = cleaned ? entry->base_offset >= check->at.offset
                           : entry->base_offset == check->at.offset;
    if (goes_on)
        check->at = (struct check_place){check->cursor.position, entry->index + 1,
                                         entry->base_offset + entry->records};
    entry_unref(entry);
    return goes_on ? ERR_NONE : ERR_CORRUPT;
}

int segment_check_step(struct segment_check *check, uint64_t bytes) {
    check->header_damaged = false;
    if (!check->header_checked) return check_header(check);
    uint64_t until = check->at.position + bytes;
    int error = ERR_NONE;
    while (!error && check->at.position < until)
        error = check_entry(check);
    return error;
}
