/* Entry after entry, batch after batch, record after record. */
#include "storage/clean/clean_map.h"

#include "protocol/record/record_batch.h"

void clean_map_open(struct clean_map *map, struct env *env, const struct clean_input *inputs,
                    size_t count, kafka_offset from, struct clean_aborted *aborted,
                    size_t map_bytes, const uint8_t secret[SIPHASH_SECRET_SIZE]) {
    *map = (struct clean_map){.from = from, .to = from, .aborted = aborted};
    clean_reader_open(&map->reader, env, inputs, count);
    key_map_open(&map->keys, map_bytes, secret);
}

void clean_map_close(struct clean_map *map) {
    clean_reader_close(&map->reader);
    clean_batches_close(&map->batches);
    key_map_close(&map->keys);
}

/* All of them can be read. */
static bool are_sound(const struct record_iterator *opened) {
    struct record_iterator iterator = *opened;
    struct record record;
    int error;
    while ((error = record_iterator_next(&iterator, &record)) == ERR_NONE)
        continue;
    return error == ERR_EOF;
}

static bool was_aborted(const struct clean_aborted *aborted, const struct record_batch *batch) {
    return record_batch_is_transactional(batch) &&
           clean_aborted_has(aborted, batch->producer_id, batch->base_offset);
}

static void map_records(struct clean_map *map, const struct record_batch *batch, uint64_t *done) {
    struct record_iterator iterator;
    struct record record;
    if (record_batch_is_control(batch) || was_aborted(map->aborted, batch)) return;
    if (record_iterator_open(&iterator, batch, map->unfolded_max) != ERR_NONE) {
        *done += map->unfolded_max; /* that may have been worked out until then */
        return;
    }
    *done += iterator.len;
    bool sound = are_sound(&iterator);
    while (sound && !map->full && record_iterator_next(&iterator, &record) == ERR_NONE) {
        if (record.offset < map->from) continue;
        if (record.key &&
            !key_map_put(&map->keys, record.key, (size_t)record.key_len, record.offset))
            map->full = true;
        else
            map->to = record.offset + 1;
    }
    record_iterator_close(&iterator);
}

/* The next batch of the entry, or its end. What cannot be read of it is passed over. */
static void map_on(struct clean_map *map, uint64_t *done) {
    struct clean_batches *batches = &map->batches;
    struct record_batch batch;
    bool more = clean_batches_next(batches, &batch) == ERR_NONE;
    if (more)
        map_records(map, &batch, done);
    else
        map->to = batches->entry->base_offset + batches->entry->records;
    if (!more || map->full) clean_batches_close(batches);
}

/* The next entry, or the border of an input. */
static int take_entry(struct clean_map *map, uint64_t *done) {
    struct clean_reader *reader = &map->reader;
    struct entry *entry;
    size_t at = reader->at;
    int error = clean_reader_next(reader, &entry);
    if (error == ERR_EOF) {
        map->input_count = reader->at;
        map->to = reader->inputs[at].end.offset;
        return ERR_NONE;
    }
    if (error) return error;
    *done += entry_stored_size(entry);
    if (entry->type != ENTRY_BATCHES || entry->base_offset + entry->records <= map->from) {
        entry_unref(entry);
        return ERR_NONE;
    }
    if (clean_batches_open(&map->batches, entry) == ERR_NONE) *done += map->batches.raw.len;
    return ERR_NONE;
}

int clean_map_step(struct clean_map *map, uint64_t bytes, uint64_t *done) {
    struct clean_reader *reader = &map->reader;
    *done = 0;
    clean_aborted_sort(map->aborted);
    while (map->batches.entry || (!map->full && reader->at < reader->count)) {
        if (*done >= bytes) return ERR_AGAIN;
        size_t at = reader->at;
        int error = ERR_NONE;
        if (map->batches.entry)
            map_on(map, done);
        else
            error = take_entry(map, done);
        if (error) return error;
        if (map->to > reader->inputs[at].header.base_offset) map->input_count = at + 1;
    }
    clean_reader_close(reader);
    return 0;
}
