/* Encoding and decoding of the list of files that make up the beginning of a log. */
#include "storage/segment/prefix_files.h"

#include <string.h>

#include "base/check.h"
#include "base/error.h"
#include "base/mem.h"
#include "storage/little_endian.h"

enum { PLACE_SIZE = 48, LIST_HEAD_SIZE = 16, FILE_SIZE = 48 };

uint64_t prefix_file_blocks(uint64_t size_bytes) {
    return size_bytes / PREFIX_BLOCK + (size_bytes % PREFIX_BLOCK != 0);
}

uint64_t prefix_files_bytes(const struct prefix_files *files) {
    uint64_t bytes = 0;
    for (size_t i = 0; i < files->count; i++)
        bytes += files->files[i].size_bytes;
    return bytes;
}

/* ---- Writing ---- */

static size_t encoded_size(const struct prefix_files *files) {
    size_t size = 2 * PLACE_SIZE + files->begins.change.len + files->ends.change.len +
                  LIST_HEAD_SIZE;
    for (size_t i = 0; i < files->count; i++)
        size += FILE_SIZE + 4 * prefix_file_blocks(files->files[i].size_bytes);
    return size;
}

static uint8_t *put_place(uint8_t *at, const struct start_file *place) {
    le_put_u64(at, place->index);
    le_put_u64(at + 8, (uint64_t)place->next_offset);
    le_put_u32(at + 16, place->term);
    le_put_u32(at + 20, (uint32_t)place->change.len);
    le_put_u64(at + 24, place->change_index);
    le_put_u64(at + 32, place->file_index);
    le_put_u64(at + 40, (uint64_t)place->file_offset);
    if (place->change.len > 0) memcpy(at + PLACE_SIZE, place->change.data, place->change.len);
    return at + PLACE_SIZE + place->change.len;
}

static uint8_t *put_file(uint8_t *at, const struct prefix_file *file) {
    memset(at, 0, 8);
    at[0] = (uint8_t)file->kind;
    le_put_u64(at + 8, file->first_index);
    le_put_u64(at + 16, file->last_index);
    le_put_u64(at + 24, (uint64_t)file->base_offset);
    le_put_u64(at + 32, (uint64_t)file->end_offset);
    le_put_u64(at + 40, file->size_bytes);
    at += FILE_SIZE;
    for (uint64_t i = 0, n = prefix_file_blocks(file->size_bytes); i < n; i++, at += 4)
        le_put_u32(at, file->block_crcs[i]);
    return at;
}

struct slice prefix_files_encode(const struct prefix_files *files) {
    struct buffer *buffer = buffer_new(NULL, encoded_size(files));
    uint8_t *at = put_place(buffer->data, &files->begins);
    at = put_place(at, &files->ends);
    le_put_u64(at, files->state_index);
    le_put_u32(at + 8, (uint32_t)files->count);
    le_put_u32(at + 12, 0);
    at += LIST_HEAD_SIZE;
    for (size_t i = 0; i < files->count; i++)
        at = put_file(at, &files->files[i]);
    struct slice slice = {.buffer = buffer, .data = buffer->data, .len = encoded_size(files)};
    CHECK(at == slice.data + slice.len);
    return slice;
}

/* ---- Reading ---- */

/* Remembers that something was missing or impossible. */
struct list_reader {
    const uint8_t *at, *end;
    uint64_t blocks; /* of the files so far */
    bool bad;
};

static const uint8_t *take(struct list_reader *reader, size_t len) {
    const uint8_t *at = reader->at;
    if (reader->bad || (size_t)(reader->end - at) < len) {
        reader->bad = true;
        return NULL;
    }
    reader->at += len;
    return at;
}

/* The beginning of all has neither a term nor a configuration. */
static bool is_place(const struct start_file *place, size_t change_len) {
    if (place->file_offset < 0 || place->file_offset > place->next_offset ||
        place->file_index > place->index)
        return false;
    if (place->next_offset < 0 || change_len > PREFIX_CHANGE_MOST) return false;
    if ((place->change_index == 0) != (change_len == 0)) return false;
    if (place->index == 0)
        return place->term == 0 && place->next_offset == 0 && place->change_index == 0;
    return place->term > 0 && place->change_index <= place->index;
}

static void take_place(struct list_reader *reader, struct start_file *place) {
    const uint8_t *at = take(reader, PLACE_SIZE);
    if (at == NULL) return;
    *place = (struct start_file){.index = le_get_u64(at),
                                 .next_offset = (int64_t)le_get_u64(at + 8),
                                 .term = le_get_u32(at + 16),
                                 .change_index = le_get_u64(at + 24),
                                 .file_index = le_get_u64(at + 32),
                                 .file_offset = (int64_t)le_get_u64(at + 40)};
    size_t change_len = le_get_u32(at + 20);
    const uint8_t *change = is_place(place, change_len) ? take(reader, change_len) : NULL;
    if (change == NULL)
        reader->bad = true;
    else if (change_len > 0)
        place->change = slice_copy(NULL, change, change_len);
}

static void take_file(struct list_reader *reader, struct prefix_file *file) {
    const uint8_t *at = take(reader, FILE_SIZE);
    if (at == NULL) return;
    *file = (struct prefix_file){.kind = at[0],
                                 .first_index = le_get_u64(at + 8),
                                 .last_index = le_get_u64(at + 16),
                                 .base_offset = (int64_t)le_get_u64(at + 24),
                                 .end_offset = (int64_t)le_get_u64(at + 32),
                                 .size_bytes = le_get_u64(at + 40)};
    uint64_t blocks = prefix_file_blocks(file->size_bytes);
    bool zeros = le_get_u64(at) == file->kind;
    reader->bad = !zeros || blocks == 0 || blocks > PREFIX_BLOCKS_MOST - reader->blocks;
    const uint8_t *crcs = reader->bad ? NULL : take(reader, 4 * (size_t)blocks);
    if (crcs == NULL) return;
    reader->blocks += blocks;
    file->block_crcs = mem_alloc(4 * (size_t)blocks);
    for (uint64_t i = 0; i < blocks; i++)
        file->block_crcs[i] = le_get_u32(crcs + 4 * i);
}

static bool is_state(const struct prefix_files *list, const struct prefix_file *file) {
    return file->kind == PREFIX_STATE && file->first_index == 0 &&
           file->last_index == list->state_index && file->base_offset == 0 && file->end_offset == 0;
}

/* One behind the other, from `begins` to `ends`. */
static bool go_on(const struct prefix_files *list) {
    log_index last = list->begins.file_index;
    kafka_offset end = list->begins.file_offset;
    for (size_t i = 1; i < list->count; i++) {
        const struct prefix_file *file = &list->files[i];
        if (file->kind != PREFIX_SEGMENT || file->first_index != last + 1 ||
            file->last_index < file->first_index || file->base_offset != end ||
            file->end_offset <= file->base_offset)
            return false;
        last = file->last_index;
        end = file->end_offset;
    }
    return last == list->ends.index && end == list->ends.next_offset && last >= list->begins.index;
}

static bool is_sound(const struct prefix_files *list) {
    return list->ends.index > 0 && list->state_index >= list->ends.index && list->count > 0 &&
           is_state(list, &list->files[0]) && go_on(list);
}

int prefix_files_decode(const uint8_t *bytes, size_t len, struct prefix_files *into) {
    struct list_reader reader = {.at = bytes, .end = bytes + len};
    *into = (struct prefix_files){0};
    take_place(&reader, &into->begins);
    take_place(&reader, &into->ends);
    const uint8_t *head = take(&reader, LIST_HEAD_SIZE);
    size_t count = 0;
    if (head != NULL) {
        into->state_index = le_get_u64(head);
        count = le_get_u32(head + 8);
        reader.bad = le_get_u32(head + 12) != 0 || count > PREFIX_FILES_MOST ||
                     count > (size_t)(reader.end - reader.at) / FILE_SIZE;
    }
    if (!reader.bad) into->files = mem_zalloc((count + 1) * sizeof *into->files);
    while (!reader.bad && into->count < count)
        take_file(&reader, &into->files[into->count++]);
    if (!reader.bad && reader.at == reader.end && is_sound(into)) return ERR_NONE;
    prefix_files_free(into);
    return ERR_MALFORMED;
}

void prefix_files_free(struct prefix_files *files) {
    for (size_t i = 0; i < files->count; i++)
        mem_free(files->files[i].block_crcs);
    mem_free(files->files);
    slice_unref(&files->begins.change);
    slice_unref(&files->ends.change);
    *files = (struct prefix_files){0};
}
