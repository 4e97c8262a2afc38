/* A cursor over one file after the other. */
#include "storage/clean/clean_reader.h"

#include "base/check.h"

enum { CHUNK_BYTES = 1 << 20 };

void clean_reader_open(struct clean_reader *reader, struct env *env,
                       const struct clean_input *inputs, size_t count) {
    *reader = (struct clean_reader){.env = env, .inputs = inputs, .count = count};
}

static void close_file(struct clean_reader *reader) {
    if (!reader->file) return;
    segment_cursor_close(&reader->cursor);
    env_file_close(reader->file);
    reader->file = NULL;
}

void clean_reader_close(struct clean_reader *reader) {
    close_file(reader);
}

static int open_file(struct clean_reader *reader) {
    const struct clean_input *input = &reader->inputs[reader->at];
    if (reader->file) return 0;
    int error = env_file_open(reader->env, input->path, ENV_READ, &reader->file);
    if (error) {
        reader->file = NULL;
        return error;
    }
    segment_cursor_init(&reader->cursor, reader->file, input->header.group, SEGMENT_HEADER_SIZE,
                        input->end.position, CHUNK_BYTES);
    reader->cursor.gaps = segment_is_cleaned(&input->header);
    reader->cursor.expected_index = input->header.first_index;
    reader->cursor.last_index = input->end.last_index;
    return 0;
}

int clean_reader_next(struct clean_reader *reader, struct entry **entry) {
    CHECK(reader->at < reader->count); /* its owner knows how many there are */
    int error = open_file(reader);
    if (!error) error = segment_cursor_next(&reader->cursor, entry);
    if (error != ERR_EOF) return reader->error = error;
    close_file(reader);
    reader->at++;
    return ERR_EOF;
}

/* ---- The batches of an entry ---- */

int clean_batches_open(struct clean_batches *batches, struct entry *entry) {
    *batches = (struct clean_batches){.entry = entry};
    int error = entry_raw(entry, NULL, false, &batches->raw);
    if (error) batches->raw = (struct slice){0};
    return error;
}

int clean_batches_next(struct clean_batches *batches, struct record_batch *batch) {
    return record_batch_next(batches->raw.data, batches->raw.len, &batches->at, batch, NULL);
}

void clean_batches_close(struct clean_batches *batches) {
    slice_unref(&batches->raw);
    entry_unref(batches->entry);
    *batches = (struct clean_batches){0};
}
