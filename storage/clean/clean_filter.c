/* What stays of an entry, and the file that it goes to. */
#include "storage/clean/clean_filter.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/mutant.h"
#include "protocol/record/record_filter.h"

enum { INPUTS_MAX = 64 };

/* ---- What stays ---- */

static bool keeps(void *arg, const struct record *record) {
    const struct clean_filter *filter = arg;
    if (record->offset == filter->last_offset) return true;
    if (!record->key) return record->offset >= filter->map->to;
    if (record->value_len < 0 && record->offset < filter->options.tombstones_below) return false;
    return key_map_find(&filter->map->keys, record->key, (size_t)record->key_len) <= record->offset;
}

static bool is_last(void *arg, const struct record *record) {
    const struct clean_filter *filter = arg;
    return record->offset == filter->last_offset;
}

static bool was_aborted(const struct clean_filter *filter, const struct record_batch *batch) {
    return record_batch_is_transactional(batch) &&
           clean_aborted_has(filter->map->aborted, batch->producer_id, batch->base_offset);
}

/* Its record's key: i16 version, i16 type (0 abort, 1 commit). One that cannot be read is none. */
static bool is_commit(const struct record_batch *batch) {
    enum { KEY_SIZE = 4, TYPE_AT = 3, UNFOLDED_MAX = 1 << 16 };
    struct record_iterator iterator;
    struct record record;
    if (record_iterator_open(&iterator, batch, UNFOLDED_MAX) != ERR_NONE) return false;
    bool commit = record_iterator_next(&iterator, &record) == ERR_NONE &&
                  record.key_len == KEY_SIZE && record.key[TYPE_AT - 1] == 0 &&
                  record.key[TYPE_AT] == 1;
    record_iterator_close(&iterator);
    return commit;
}

static bool marker_stays(const struct clean_filter *filter, const struct record_batch *batch) {
    return batch->base_offset == filter->last_offset ||
           (!is_commit(batch) && clean_aborted_needs_marker(
                                     filter->map->aborted, batch->producer_id, batch->base_offset));
}

static void rest_add(struct clean_filter *filter, const uint8_t *bytes, size_t len,
                     int64_t max_timestamp) {
    struct clean_rest *rest = &filter->rest;
    size_t room = filter->batches.raw.len;
    CHECK(len <= room - rest->len); /* look_at: no rest is larger than what was read */
    if (!rest->bytes) rest->bytes = mem_alloc(room);
    memcpy(rest->bytes + rest->len, bytes, len);
    rest->len += len;
    if (rest->batches < UINT16_MAX) rest->batches++;
    if (max_timestamp > rest->max_timestamp) rest->max_timestamp = max_timestamp;
}

/* What is to be done with a batch; *made is what stays of it, and *bytes its memory. One of which
 * anything fails stays as it is. */
static enum record_filter_result look_at(struct clean_filter *filter,
                                         const struct record_batch *batch,
                                         struct record_batch *made, uint8_t **bytes,
                                         uint64_t *done) {
    /* As large as what was read of the entry so far, so that none becomes larger than it was. */
    bool aborted = was_aborted(filter, batch);
    const struct record_filter of_batch = {aborted ? is_last : keeps, filter,
                                           filter->map->unfolded_max,
                                           filter->batches.at - filter->rest.len};
    enum record_filter_result result;
    size_t len, unfolded;
    *bytes = NULL;
    *made = *batch;
    if (record_batch_is_control(batch))
        return marker_stays(filter, batch) ? RECORDS_ALL_STAY : RECORDS_NONE_STAY;
    if (aborted && record_batch_last_offset(batch) != filter->last_offset) return RECORDS_NONE_STAY;
    int error = record_filter_batch(&of_batch, batch, &result, bytes, &len, &unfolded);
    *done += unfolded;
    if (!error && result == RECORDS_SOME_STAY) error = record_batch_parse(*bytes, len, made, NULL);
    if (!error) return result;
    *made = *batch;
    filter->output.index.header.keeps_stale = true;
    return RECORDS_ALL_STAY;
}

static void filter_batch(struct clean_filter *filter, const struct record_batch *batch,
                         uint64_t *done) {
    struct record_batch made;
    uint8_t *bytes;
    enum record_filter_result result = look_at(filter, batch, &made, &bytes, done);
    if (result != RECORDS_ALL_STAY) filter->rest.changed = true;
    if (result != RECORDS_NONE_STAY)
        rest_add(filter, made.data, made.size,
                 record_batch_is_control(&made) ? -1 : made.max_timestamp);
    mem_free(bytes);
}

static struct entry *entry_of_rest(const struct entry *entry, struct clean_rest *rest) {
    struct entry_spec spec = {.type = ENTRY_BATCHES,
                              .batches = rest->batches,
                              .base_offset = entry->base_offset,
                              .records = entry->records,
                              .max_timestamp = rest->max_timestamp,
                              .raw = slice_copy(NULL, rest->bytes, rest->len),
                              .numbered = entry->numbered,
                              .delays = entry->delays,
                              .compress = entry->codec == ENTRY_LZ4};
    struct entry *made = entry_new(NULL, &spec);
    entry_seal(made, entry->group, entry->index, entry->term);
    return made;
}

/* What stays of the entry under way, the caller's reference; NULL: nothing does. */
static struct entry *take_rest(struct clean_filter *filter, bool whole) {
    struct clean_rest *rest = &filter->rest;
    struct entry *stays = NULL;
    if (whole || !rest->changed)
        stays = entry_ref(filter->batches.entry);
    else if (rest->len > 0)
        stays = entry_of_rest(filter->batches.entry, rest);
    mem_free(rest->bytes);
    *rest = (struct clean_rest){.max_timestamp = -1};
    return stays;
}

/* ---- The output ---- */

/* An output that begins with the present input. How far it goes is known at its end. */
static int begin_output(struct clean_filter *filter) {
    const struct clean_input *input = &filter->reader.inputs[filter->reader.at];
    struct segment_header header = {.group = input->header.group,
                                    .base_offset = input->header.base_offset,
                                    .first_index = input->header.first_index,
                                    .generation = 1,
                                    .last_index = UINT64_MAX,
                                    .end_offset = INT64_MAX};
    filter->first = filter->reader.at;
    filter->count = 0;
    return segment_output_begin(&filter->output, filter->reader.env, filter->options.group_path,
                                &header, filter->options.interval_bytes);
}

static uint32_t unread_of(const struct clean_filter *filter, kafka_offset end) {
    kafka_offset to = filter->map->to;
    if (to >= end) return 0;
    return end - to < UINT32_MAX ? (uint32_t)(end - to) : UINT32_MAX;
}

/* The header says what the output covers. */
static int finish_output(struct clean_filter *filter) {
    struct segment_header *header = &filter->output.index.header;
    const struct clean_input *inputs = filter->reader.inputs + filter->first,
                             *last = &inputs[filter->count - 1];
    for (size_t i = 0; i < filter->count; i++) {
        const struct segment_header *input = &inputs[i].header;
        if (input->generation >= header->generation) header->generation = input->generation + 1;
        header->keeps_stale = header->keeps_stale || input->keeps_stale;
    }
    header->last_index = last->end.last_index;
    header->end_offset = last->end.offset;
    header->unread = unread_of(filter, last->end.offset);
    return segment_output_finish(&filter->output);
}

/* The present input, whole, has room in the output. */
static bool fits(const struct clean_filter *filter) {
    const struct clean_reader *reader = &filter->reader;
    uint64_t size = reader->inputs[reader->at].end.position;
    return filter->count < INPUTS_MAX &&
           filter->output.index.end.position + size <= filter->options.segment_bytes;
}

/* ---- Steps ---- */

void clean_filter_open(struct clean_filter *filter, struct env *env,
                       const struct clean_input *inputs, size_t count, const struct clean_map *map,
                       const struct clean_filter_options *options) {
    *filter = (struct clean_filter){.map = map,
                                    .options = *options,
                                    .last_offset = inputs[count - 1].end.offset - 1,
                                    .rest.max_timestamp = -1};
    clean_reader_open(&filter->reader, env, inputs, count);
}

/* The next batch of the entry, or its end: it is written, as it was if it cannot be read. */
static int filter_on(struct clean_filter *filter, uint64_t *done) {
    struct record_batch batch;
    int error = clean_batches_next(&filter->batches, &batch);
    if (error == ERR_NONE) {
        filter_batch(filter, &batch, done);
        return ERR_AGAIN;
    }
    if (error != ERR_EOF) filter->output.index.header.keeps_stale = true;
    struct entry *stays = take_rest(filter, error != ERR_EOF);
    clean_batches_close(&filter->batches);
    if (!stays) return ERR_AGAIN;
    *done += entry_stored_size(stays);
    error = segment_output_add(&filter->output, stays);
    entry_unref(stays);
    return error ? error : ERR_AGAIN;
}

/* A batch, an entry, or the border of an input. ERR_NONE: an output is whole; ERR_AGAIN: go on. */
static int filter_next(struct clean_filter *filter, uint64_t *done) {
    struct entry *entry;
    if (filter->batches.entry) return filter_on(filter, done);
    int error = clean_reader_next(&filter->reader, &entry);
    if (error == ERR_EOF) {
        filter->count++;
        bool more = filter->reader.at < filter->reader.count && fits(filter);
        return more ? ERR_AGAIN : finish_output(filter);
    }
    if (error) return error;
    *done += entry_stored_size(entry);
    if (entry->type != ENTRY_BATCHES)
        entry_unref(entry);
    else if (clean_batches_open(&filter->batches, entry) == ERR_NONE)
        *done += filter->batches.raw.len;
    else
        filter->output.index.header.keeps_stale = true;
    return ERR_AGAIN;
}

int clean_filter_step(struct clean_filter *filter, uint64_t bytes, uint64_t *done) {
    int error = ERR_AGAIN;
    *done = 0;
    if (!filter->output.file) {
        if (filter->reader.at == filter->reader.count) return ERR_EOF;
        error = begin_output(filter);
        if (error) return error;
        error = ERR_AGAIN;
    }
    while (error == ERR_AGAIN && *done < bytes)
        error = filter_next(filter, done);
    return error;
}

struct clean_output clean_filter_take(struct clean_filter *filter) {
    struct clean_output output = {
        .first = filter->first, .count = filter->count, .index = filter->output.index};
    filter->output.index = (struct segment_index){0};
    return output;
}

void clean_filter_close(struct clean_filter *filter, kafka_offset *unfinished) {
    clean_reader_close(&filter->reader);
    clean_batches_close(&filter->batches);
    mem_free(filter->rest.bytes);
    filter->rest.bytes = NULL;
    segment_output_close(&filter->output, unfinished);
}
