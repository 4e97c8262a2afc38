/* Points and terms as entries are added, the blocks that are written of them, loading, and seeking
 * by halves. */
#include "storage/segment/segment_index.h"

#include <string.h>

#include "base/check.h"
#include "base/crc32c.h"
#include "base/mem.h"
#include "storage/little_endian.h"

void segment_index_init(struct segment_index *index, const struct segment_header *header,
                        uint64_t interval_bytes) {
    *index = (struct segment_index){
        .header = *header, .interval_bytes = interval_bytes, .has_points = true};
    index->end = (struct segment_end){.position = SEGMENT_HEADER_SIZE,
                                      .last_index = header->first_index - 1,
                                      .offset = header->base_offset,
                                      .max_timestamp = -1};
    index->saved_position = SEGMENT_HEADER_SIZE;
}

void segment_index_close(struct segment_index *index) {
    mem_free(index->points);
    mem_free(index->terms);
    mem_free(index->changes);
    index->points = NULL;
    index->terms = NULL;
    index->changes = NULL;
}

static void add_point(struct segment_index *index, struct index_point point) {
    index->points = mem_grow(index->points, index->point_count, &index->point_room,
                             sizeof *index->points);
    index->points[index->point_count++] = point;
}

static void add_term(struct segment_index *index, struct index_term term) {
    index->terms = mem_grow(index->terms, index->term_count, &index->term_room,
                            sizeof *index->terms);
    index->terms[index->term_count++] = term;
}

static void add_change(struct segment_index *index, log_index raft_index) {
    index->changes = mem_grow(index->changes, index->change_count, &index->change_room,
                              sizeof *index->changes);
    index->changes[index->change_count++] = raft_index;
}

bool segment_index_takes(const struct segment_index *index, const struct entry *entry) {
    const struct segment_header *header = &index->header;
    const struct segment_end *end = &index->end;
    if (!segment_is_cleaned(header))
        return entry->index == end->last_index + 1 && entry->base_offset == end->offset;
    return entry->index > end->last_index && entry->index <= header->last_index &&
           entry->base_offset >= end->offset &&
           entry->base_offset + entry->records <= header->end_offset;
}

void segment_index_close_gap(struct segment_index *index) {
    if (!segment_is_cleaned(&index->header)) return;
    index->end.last_index = index->header.last_index;
    index->end.offset = index->header.end_offset;
}

void segment_index_add(struct segment_index *index, const struct entry *entry,
                       uint64_t stored_size) {
    struct segment_end *end = &index->end;
    /* a segment that is read was compared by scan (segment.c); one that is written is our log's */
    CHECK(segment_index_takes(index, entry));
    CHECK(index->has_points); /* the owner of an index without points does not ask it */

    size_t points = index->point_count;
    if (points == 0 || end->position - index->points[points - 1].position >= index->interval_bytes)
        add_point(index, (struct index_point){.offset = entry->base_offset,
                                              .index = entry->index,
                                              .max_before = end->max_timestamp,
                                              .position = end->position});
    if (index->term_count == 0 || index->terms[index->term_count - 1].term != entry->term)
        add_term(index, (struct index_term){.first_index = entry->index,
                                            .start_offset = entry->base_offset,
                                            .term = entry->term});
    if (entry->type == ENTRY_CHANGE) add_change(index, entry->index);

    end->position += stored_size;
    end->last_index = entry->index;
    end->offset = entry->base_offset + entry->records;
    if (entry->type == ENTRY_BATCHES && entry->max_timestamp > end->max_timestamp)
        end->max_timestamp = entry->max_timestamp;
}

bool segment_index_goes_on_at(struct segment_index *index, uint64_t position) {
    if (position == segment_block_end(index->end.position)) index->end.position = position;
    return position == index->end.position;
}

/* Where a block has the largest timestamp of the records. Without one it may have when the segment
 * was sealed instead: below -1, so that it is never taken for a record's. */
static int64_t timestamp_field(const struct segment_index *index) {
    bool instead = index->end.max_timestamp < 0 && index->sealed_ms > 0;
    return instead ? -1 - index->sealed_ms : index->end.max_timestamp;
}

static void take_timestamp_field(struct segment_index *index, int64_t field) {
    index->end.max_timestamp = field < -1 ? -1 : field;
    index->sealed_ms = field < -1 ? -1 - field : 0;
}

uint8_t *segment_index_take_block(struct segment_index *index, uint64_t *position, size_t *len) {
    if (index->saved_position == index->end.position) return NULL;
    struct index_block_header block = {
        .points = (uint32_t)(index->point_count - index->saved_points),
        .terms = (uint32_t)(index->term_count - index->saved_terms),
        .changes = (uint32_t)(index->change_count - index->saved_changes),
        .from = index->saved_position,
        .to = index->end.position,
        .last_index = index->end.last_index,
        .end_offset = index->end.offset,
        .max_timestamp = timestamp_field(index)};
    size_t head = index->file_size == 0 ? SEGMENT_HEADER_SIZE : 0;
    *len = head + INDEX_BLOCK_HEADER_SIZE + index_block_meta_size(&block) +
           (size_t)block.points * INDEX_POINT_SIZE;
    *position = index->file_size;
    uint8_t *bytes = mem_alloc(*len);
    if (head) segment_header_encode(&index->header, SEGMENT_FILE_INDEX, bytes);
    /* An empty array may be NULL, to which nothing may be added. */
    index_block_encode(&block, block.terms ? index->terms + index->saved_terms : NULL,
                       block.changes ? index->changes + index->saved_changes : NULL,
                       block.points ? index->points + index->saved_points : NULL, bytes + head);
    index->saved_points = index->point_count;
    index->saved_terms = index->term_count;
    index->saved_changes = index->change_count;
    index->saved_position = index->end.position;
    index->file_size += *len;
    return bytes;
}

/* ---- Loading ---- */

/* Reads all of `len` bytes; false at the end of the file or on an error, which then is in *error.
 */
static bool read_all(struct env_file *file, void *into, size_t len, uint64_t offset, int *error) {
    size_t got = 0;
    *error = env_file_read(file, into, len, offset, &got);
    return *error == 0 && got == len;
}

static bool block_follows(const struct segment_index *index, const struct index_block_header *block,
                          uint64_t limit) {
    return block->from == index->end.position && block->to > block->from && block->to <= limit &&
           block->last_index > index->end.last_index && block->end_offset >= index->end.offset &&
           (index->term_count > 0 || block->terms > 0);
}

static bool points_follow(const struct segment_index *index, const struct index_block_header *block,
                          const struct index_point *at) {
    uint64_t least = index->point_count ? index->points[index->point_count - 1].position + 1
                                        : SEGMENT_HEADER_SIZE;
    return at->position >= least && at->position < block->to && at->index <= block->last_index;
}

/* Takes up the points of one block; false if they are damaged. */
static bool load_points(struct env_file *file, uint64_t offset,
                        const struct index_block_header *block, struct segment_index *index,
                        int *error) {
    size_t len = (size_t)block->points * INDEX_POINT_SIZE;
    uint8_t *bytes = mem_alloc(len);
    bool good = read_all(file, bytes, len, offset, error) &&
                crc32c(0, bytes, len) == block->points_crc;
    size_t before = index->point_count;
    for (uint32_t i = 0; good && i < block->points; i++) {
        struct index_point point = index_point_decode(bytes + (size_t)i * INDEX_POINT_SIZE);
        good = points_follow(index, block, &point);
        if (good) add_point(index, point);
    }
    if (!good) index->point_count = before;
    mem_free(bytes);
    return good;
}

/* Takes up the block at `offset`, of which `left` bytes are in the file. Returns its size, or 0 if
 * it is not usable. */
static uint64_t load_block(struct env_file *file, uint64_t offset, uint64_t left, uint64_t limit,
                           bool with_points, struct segment_index *index, int *error) {
    uint8_t head[INDEX_BLOCK_HEADER_SIZE];
    struct index_block_header block;
    if (left < sizeof head || !read_all(file, head, sizeof head, offset, error) ||
        index_block_decode_header(head, &block) != 0)
        return 0;
    uint64_t meta_size = index_block_meta_size(&block);
    uint64_t size = sizeof head + meta_size + (uint64_t)block.points * INDEX_POINT_SIZE;
    if (size > left || !block_follows(index, &block, limit)) return 0;

    uint8_t *meta = mem_alloc(meta_size);
    bool good = read_all(file, meta, meta_size, offset + sizeof head, error) &&
                index_block_check_meta(head, meta, meta_size) == 0;
    if (good && with_points)
        good = load_points(file, offset + sizeof head + meta_size, &block, index, error);
    if (good) {
        for (uint32_t i = 0; i < block.terms; i++)
            add_term(index, index_term_decode(meta + (size_t)i * INDEX_TERM_SIZE));
        const uint8_t *changes = meta + (size_t)block.terms * INDEX_TERM_SIZE;
        for (uint32_t i = 0; i < block.changes; i++)
            add_change(index, le_get_u64(changes + (size_t)i * INDEX_CHANGE_SIZE));
        index->end = (struct segment_end){
            .position = block.to, .last_index = block.last_index, .offset = block.end_offset};
        take_timestamp_field(index, block.max_timestamp);
    }
    mem_free(meta);
    return good ? size : 0;
}

static void load_blocks(struct env_file *file, uint64_t size, uint64_t limit, bool with_points,
                        struct segment_index *index, int *error) {
    uint8_t head[SEGMENT_HEADER_SIZE];
    struct segment_header header;
    if (size < sizeof head || !read_all(file, head, sizeof head, 0, error) ||
        segment_header_decode(head, SEGMENT_FILE_INDEX, &header) != 0 ||
        header.group != index->header.group || header.base_offset != index->header.base_offset ||
        header.first_index != index->header.first_index ||
        header.generation != index->header.generation)
        return;
    index->file_size = sizeof head;
    while (*error == 0 && index->file_size < size) {
        uint64_t block = load_block(file, index->file_size, size - index->file_size, limit,
                                    with_points, index, error);
        if (block == 0) break;
        index->file_size += block;
    }
}

int segment_index_load(struct env *env, const char *path, uint64_t limit, bool with_points,
                       struct segment_index *index) {
    /* The caller has just made it. */
    CHECK(index->end.position == SEGMENT_HEADER_SIZE && index->point_count == 0);
    struct env_file *file;
    int error = env_file_open(env, path, ENV_READ, &file);
    if (error == ERR_NOT_FOUND) return 0;
    if (error) return error;
    uint64_t size;
    error = env_file_size(file, &size);
    if (!error) load_blocks(file, size, limit, with_points, index, &error);
    env_file_close(file);
    index->has_points = with_points;
    index->saved_points = index->point_count;
    index->saved_terms = index->term_count;
    index->saved_changes = index->change_count;
    index->saved_position = index->end.position;
    return error;
}

/* ---- Looking up ---- */

enum seek_key { SEEK_OFFSET, SEEK_INDEX, SEEK_TIMESTAMP };

/* May reading for `key` start at this point? True for a prefix of the points. */
static bool point_is_before(const struct index_point *point, enum seek_key what, int64_t key) {
    switch (what) {
    case SEEK_OFFSET: return point->offset <= key;
    case SEEK_INDEX: return point->index <= (uint64_t)key;
    case SEEK_TIMESTAMP: return point->max_before < key;
    }
    return false;
}

static uint64_t index_seek(const struct segment_index *index, enum seek_key what, int64_t key) {
    CHECK(index->has_points); /* the owner of an index without points does not ask it */
    /* The points below low may start, those from high on may not. */
    size_t low = 0, high = index->point_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (point_is_before(&index->points[middle], what, key))
            low = middle + 1;
        else
            high = middle;
    }
    return low == 0 ? SEGMENT_HEADER_SIZE : index->points[low - 1].position;
}

uint64_t segment_index_seek_offset(const struct segment_index *index, kafka_offset offset) {
    return index_seek(index, SEEK_OFFSET, offset);
}

uint64_t segment_index_seek_index(const struct segment_index *index, log_index raft_index) {
    return index_seek(index, SEEK_INDEX, (int64_t)raft_index);
}

uint64_t segment_index_seek_timestamp(const struct segment_index *index, int64_t timestamp) {
    return index_seek(index, SEEK_TIMESTAMP, timestamp);
}

uint64_t segment_index_entry_at(const struct segment_index *index, uint64_t position) {
    if (position == SEGMENT_HEADER_SIZE) return index->header.first_index;
    size_t low = 0, high = index->point_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (index->points[middle].position < position)
            low = middle + 1;
        else
            high = middle;
    }
    /* It is what a seek returned. */
    CHECK(low < index->point_count && index->points[low].position == position);
    return index->points[low].index;
}

int segment_index_save(struct env *env, const char *path, struct segment_index *index) {
    uint64_t position;
    size_t len;
    uint8_t *block = segment_index_take_block(index, &position, &len);
    if (!block) return 0;
    struct env_file *file;
    int error = env_file_open(env, path, ENV_WRITE | ENV_CREATE, &file);
    if (!error) {
        struct env_iov iov = {.base = block, .len = len};
        error = env_file_truncate(file, position);
        if (!error) error = env_file_write(file, &iov, 1, position, false);
        env_file_close(file);
    }
    mem_free(block);
    if (error) { /* the next block begins the file anew */
        index->saved_points = index->saved_terms = index->saved_changes = 0;
        index->saved_position = SEGMENT_HEADER_SIZE;
        index->file_size = 0;
    }
    return error;
}

int segment_index_cut(struct env_file *file, uint64_t to, bool *sync_failed) {
    static const uint8_t zeros[INDEX_BLOCK_HEADER_SIZE];
    uint64_t size;
    int error = env_file_size(file, &size);
    if (error || size <= to) return error;
    struct env_iov iov = {zeros, size - to < sizeof zeros ? (size_t)(size - to) : sizeof zeros};
    error = env_file_write(file, &iov, 1, to, false);
    if (error) return error;
    error = env_file_sync(file);
    *sync_failed = error != 0;
    return error ? error : env_file_truncate(file, to);
}
