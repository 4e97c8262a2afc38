/* Pending bytes, the file, its header at the end. */
#include "storage/clean/segment_output.h"

#include <string.h>

#include "base/mem.h"
#include "base/mutant.h"

enum { WRITE_BYTES = 1 << 20 };

int segment_output_begin(struct segment_output *output, struct env *env, const char *group_path,
                         const struct segment_header *header, uint64_t interval_bytes) {
    segment_index_init(&output->index, header, interval_bytes);
    output->path = path_of_segment(group_path, header->base_offset, SEGMENT_FILE_CLEAN);
    int error = env_file_open(env, output->path, ENV_WRITE | ENV_CREATE, &output->file);
    if (error) {
        output->file = NULL;
        return error;
    }
    return env_file_truncate(output->file, 0);
}

static int flush(struct segment_output *output) {
    uint64_t end = output->index.end.position;
    struct env_iov iov = {output->pending, output->pending_len};
    if (output->pending_len == 0) return 0;
    int error = env_file_write_bulk(output->file, &iov, 1, end - output->pending_len);
    output->pending_len = 0;
    return error;
}

int segment_output_add(struct segment_output *output, const struct entry *entry) {
    size_t size = (size_t)entry_stored_size(entry), needed = output->pending_len + size;
    if (needed > output->pending_room) {
        output->pending_room = needed > WRITE_BYTES ? needed : WRITE_BYTES;
        output->pending = mem_realloc(output->pending, output->pending_room);
    }
    uint8_t *into = output->pending + output->pending_len;
    memcpy(into, entry->header, ENTRY_HEADER_SIZE);
    if (entry->body.len > 0) memcpy(into + ENTRY_HEADER_SIZE, entry->body.data, entry->body.len);
    output->pending_len = needed;
    segment_index_add(&output->index, entry, size);
    return output->pending_len >= WRITE_BYTES / 2 ? flush(output) : 0;
}

int segment_output_finish(struct segment_output *output) {
    uint8_t bytes[SEGMENT_HEADER_SIZE];
    struct env_iov iov = {bytes, sizeof bytes};
    int error = flush(output);
    segment_index_close_gap(&output->index);
    segment_header_encode(&output->index.header, SEGMENT_FILE_LOG, bytes);
    if (!error) error = env_file_write(output->file, &iov, 1, 0, false);
    if (error) return error;
    error = MUTANT(MUTANT_CLEANED_NOT_SYNCED) ? 0 : env_file_sync(output->file);
    output->sync_failed = error != 0 && !error_is_no_room(error);
    if (error) return error;
    env_file_close(output->file);
    output->file = NULL;
    mem_free(output->path);
    output->path = NULL;
    return 0;
}

void segment_output_close(struct segment_output *output, kafka_offset *unfinished) {
    *unfinished = output->path ? output->index.header.base_offset : -1;
    env_file_close(output->file);
    output->file = NULL;
    mem_free(output->path);
    output->path = NULL;
    mem_free(output->pending);
    output->pending = NULL;
    output->pending_len = output->pending_room = 0;
    segment_index_close(&output->index);
}
