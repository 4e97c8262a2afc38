/* Finding the places of entries, and the write, with a copy aside that survives a crash. */
#include "storage/heal/segment_mend.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/crc32c.h"
#include "base/mem.h"
#include "base/mutant.h"
#include "storage/directory.h"
#include "storage/little_endian.h"

enum {
    KEPT_BYTES_MOST = ENTRY_BODY_MAX + (1 << 20),
    PLACES_MOST = 32, /* of one entry: two, and blocks of which only zeros may be left */
};

struct mend_place {
    uint64_t position;
    size_t before; /* of the entry before it: its place in that level */
};

struct mend_level {
    struct mend_place places[PLACES_MOST];
    size_t count;
    size_t chosen; /* when the mend is whole */
};

/* ---- What the file has ---- */

/* All of them, or false. */
static bool read_whole(const struct segment_mend *mend, void *into, size_t len, uint64_t position) {
    size_t got = 0;
    return env_file_read(mend->file, into, len, position, &got) == ERR_NONE && got == len;
}

/* Whether the header of that entry is there and whole. */
static bool finds_header(const struct segment_mend *mend, uint64_t position, log_index index,
                         uint8_t bytes[ENTRY_HEADER_SIZE]) {
    struct entry header;
    uint32_t body_len;
    if (position + ENTRY_HEADER_SIZE > mend->end.position ||
        !read_whole(mend, bytes, ENTRY_HEADER_SIZE, position) ||
        entry_decode_header(bytes, &header, &body_len) != ERR_NONE)
        return false;
    return header.group == mend->header.group && header.index == index &&
           body_len <= mend->end.position - position - ENTRY_HEADER_SIZE;
}

/* Whether the log goes on there with `index`, or ends. */
static bool goes_on(const struct segment_mend *mend, uint64_t position, log_index index) {
    uint8_t bytes[ENTRY_HEADER_SIZE];
    if (index > mend->end.last_index) return position == mend->end.position;
    return finds_header(mend, position, index, bytes);
}

static bool is_zeros(const struct segment_mend *mend, uint64_t position, uint64_t end) {
    uint8_t bytes[SEGMENT_BLOCK];
    size_t len = (size_t)(end - position);
    if (!read_whole(mend, bytes, len, position)) return false;
    for (size_t i = 0; i < len; i++)
        if (bytes[i] != 0) return false;
    return true;
}

/* ---- Places ---- */

/* What may follow something that ends at `end`, the likelier one first. Returns how many. */
static size_t places_behind(const struct segment_mend *mend, uint64_t end, uint64_t into[2]) {
    uint64_t block_end = segment_block_end(end);
    bool padded = block_end > end && block_end <= mend->end.position;
    if (!padded) {
        into[0] = end;
        return 1;
    }
    bool zeros = is_zeros(mend, end, block_end);
    into[zeros ? 0 : 1] = block_end;
    into[zeros ? 1 : 0] = end;
    return 2;
}

/* Whether the index has nothing against that entry there. */
static bool agrees(const struct segment_mend *mend, uint64_t position, log_index index) {
    const struct mend_points *points = mend->points;
    size_t low = 0, high = points->count;
    while (low < high) { /* the first one that is not before the entry */
        size_t middle = low + (high - low) / 2;
        if (points->points[middle].index < index)
            low = middle + 1;
        else
            high = middle;
    }
    if (low > 0 && points->points[low - 1].position >= position) return false;
    if (low == points->count) return true;
    const struct index_point *next = &points->points[low];
    return next->index == index ? next->position == position : next->position > position;
}

static void add_place(const struct segment_mend *mend, struct mend_level *level, log_index index,
                      uint64_t position, size_t before) {
    if (!agrees(mend, position, index)) return;
    for (size_t i = 0; i < level->count; i++)
        if (level->places[i].position == position) return;
    if (level->count < PLACES_MOST)
        level->places[level->count++] = (struct mend_place){position, before};
}

/* All is there: entry `last` at that place of its level, the others at those that lead there. */
static void end_with(struct segment_mend *mend, size_t place, uint64_t until) {
    for (size_t i = mend->count; i-- > 0;) {
        mend->levels[i].chosen = place;
        place = mend->levels[i].places[place].before;
    }
    mend->until = until;
    mend->whole = true;
}

/* A header that is whole tells where its entry is, and that it is this one. ERR_CORRUPT: another
 * one of the same index is there. */
static int compare_headers(struct segment_mend *mend, struct mend_level *level,
                           const struct entry *entry) {
    for (size_t i = 0; i < level->count; i++) {
        uint8_t bytes[ENTRY_HEADER_SIZE];
        if (!finds_header(mend, level->places[i].position, entry->index, bytes)) continue;
        if (memcmp(bytes, entry->header, sizeof bytes) != 0) return ERR_CORRUPT;
        level->places[0] = level->places[i];
        level->count = 1;
        return ERR_NONE;
    }
    return ERR_NONE;
}

static int is_expected(const struct segment_mend *mend, const struct entry *entry) {
    const struct entry *before = mend->count > 0 ? mend->entries[mend->count - 1] : NULL;
    bool fits = entry->group == mend->header.group && entry->index == mend->first + mend->count &&
                entry->index <= mend->end.last_index &&
                entry_stored_size(entry) == ENTRY_HEADER_SIZE + entry->body.len;
    if (before != NULL)
        fits = fits && entry->base_offset == before->base_offset + before->records &&
               entry->term >= before->term;
    bool sound = crc32c(0, entry->body.data, entry->body.len) == entry->body_crc;
    return fits && (sound || MUTANT(MUTANT_MENDED_UNCHECKED));
}

static void add_entry(struct segment_mend *mend, struct entry *entry) {
    if (mend->count + 1 >= mend->capacity) {
        mend->capacity = mend->capacity == 0 ? 4 : mend->capacity * 2;
        mend->entries = mem_realloc(mend->entries, mend->capacity * sizeof *mend->entries);
        mend->levels = mem_realloc(mend->levels, mend->capacity * sizeof *mend->levels);
    }
    mend->entries[mend->count++] = entry_ref(entry);
    mend->bytes += entry_stored_size(entry);
}

/* The last entry ends somewhere from which the file goes on; else its ends are where the next one
 * may begin. */
static int look_behind(struct segment_mend *mend) {
    const struct entry *entry = mend->entries[mend->count - 1];
    const struct mend_level *level = &mend->levels[mend->count - 1];
    struct mend_level *next = &mend->levels[mend->count];
    next->count = 0;
    for (size_t i = 0; i < level->count; i++) {
        uint64_t end = level->places[i].position + entry_stored_size(entry), places[2];
        if (end > mend->end.position) continue;
        size_t n = places_behind(mend, end, places);
        for (size_t k = 0; k < n; k++) {
            if (goes_on(mend, places[k], entry->index + 1) &&
                agrees(mend, places[k], entry->index + 1)) {
                end_with(mend, i, places[k]);
                return ERR_NONE;
            }
            add_place(mend, next, entry->index + 1, places[k], i);
        }
    }
    bool more = next->count > 0 && entry->index < mend->end.last_index;
    return more ? ERR_AGAIN : ERR_CORRUPT;
}

int segment_mend_take(struct segment_mend *mend, struct entry *entry) {
    CHECK(!mend->whole);
    if (!is_expected(mend, entry)) return ERR_CORRUPT;
    if (mend->bytes + entry_stored_size(entry) > KEPT_BYTES_MOST) return ERR_TOO_LARGE;
    int error = compare_headers(mend, &mend->levels[mend->count], entry);
    if (error) return error;
    add_entry(mend, entry);
    return look_behind(mend);
}

/* ---- Life ---- */

static void begin(struct segment_mend *mend, struct env *env, const char *group_path,
                  struct env_file *file, const struct segment_header *header,
                  const struct segment_end *end) {
    *mend = (struct segment_mend){
        .env = env, .group_path = group_path, .file = file, .header = *header, .end = *end};
}

void segment_mend_open_header(struct segment_mend *mend, struct env *env, const char *group_path,
                              struct env_file *file, const struct segment_header *header,
                              const struct segment_end *end) {
    begin(mend, env, group_path, file, header, end);
    mend->until = SEGMENT_HEADER_SIZE;
    mend->whole = true;
}

void segment_mend_open(struct segment_mend *mend, struct env *env, const char *group_path,
                       struct env_file *file, const struct segment_header *header,
                       const struct segment_end *end, const struct check_place *at,
                       const struct mend_points *points) {
    uint64_t places[2];
    uint8_t bytes[ENTRY_HEADER_SIZE];
    CHECK(!segment_is_cleaned(header)); /* of others its owner mends the header only */
    begin(mend, env, group_path, file, header, end);
    mend->from = at->position;
    mend->first = at->index;
    mend->points = points;
    size_t n = places_behind(mend, at->position, places);
    uint64_t block_end = segment_block_end(at->position);
    bool is_there = finds_header(mend, at->position, at->index, bytes);
    if (!is_there && block_end > at->position && goes_on(mend, block_end, at->index)) {
        mend->until = block_end; /* only zeros that are none any more */
        mend->whole = !is_zeros(mend, at->position, block_end);
        if (mend->whole) return;
    }
    mend->capacity = 4;
    mend->entries = mem_alloc(mend->capacity * sizeof *mend->entries);
    mend->levels = mem_alloc(mend->capacity * sizeof *mend->levels);
    mend->levels[0].count = 0;
    for (size_t i = 0; i < n; i++)
        add_place(mend, &mend->levels[0], at->index, places[i], 0);
}

struct mend_points mend_points_copy(const struct segment_index *index) {
    struct mend_points copy = {.count = index->point_count};
    size_t len = copy.count * sizeof *copy.points;
    copy.points = mem_alloc(len + 1);
    if (len > 0) memcpy(copy.points, index->points, len);
    return copy;
}

struct mend_points mend_points_load(struct env *env, const char *group_path,
                                    const struct segment_header *header, uint64_t limit) {
    enum { ANY_INTERVAL = 1 << 20 }; /* nothing is added */
    struct segment_index index;
    struct mend_points points = {0};
    char *path = path_of_segment(group_path, header->base_offset, SEGMENT_FILE_INDEX);
    segment_index_init(&index, header, ANY_INTERVAL);
    if (segment_index_load(env, path, limit, true, &index) == ERR_NONE)
        points = mend_points_copy(&index);
    segment_index_close(&index);
    mem_free(path);
    return points;
}

void segment_mend_close(struct segment_mend *mend) {
    for (size_t i = 0; i < mend->count; i++)
        entry_unref(mend->entries[i]);
    mem_free(mend->entries);
    mem_free(mend->levels);
    *mend = (struct segment_mend){0};
}

/* ---- The copy aside ---- */

enum {
    MAGIC = 0x4d455244, /* "DREM" */
    FORMAT = 1,
    HEAD_SIZE = 128,
    AT_POSITION = 8,
    AT_LEN = 16,
    AT_SEGMENT = 24,
    AT_BYTES_CRC = 120,
    AT_HEAD_CRC = 124,
    BYTES_MOST = KEPT_BYTES_MOST + PLACES_MOST * SEGMENT_BLOCK,
};
_Static_assert(AT_SEGMENT + SEGMENT_HEADER_SIZE <= AT_BYTES_CRC, "the header of the segment fits");

struct image {
    uint8_t *bytes;
    uint64_t position;
    size_t len;
};

static void encode_head(const struct segment_mend *mend, const struct image *image, uint8_t *head) {
    memset(head, 0, HEAD_SIZE);
    le_put_u32(head, MAGIC);
    le_put_u32(head + 4, FORMAT);
    le_put_u64(head + AT_POSITION, image->position);
    le_put_u64(head + AT_LEN, image->len);
    segment_header_encode(&mend->header, SEGMENT_FILE_LOG, head + AT_SEGMENT);
    le_put_u32(head + AT_BYTES_CRC, crc32c(0, image->bytes, image->len));
    le_put_u32(head + AT_HEAD_CRC, crc32c(0, head, AT_HEAD_CRC));
}

/* Whole and durable, or as it was. A directory that is gone was that of a group that is. */
static int write_aside(const struct segment_mend *mend, const char *path, const struct image *image,
                       bool *sync_failed) {
    uint8_t *copy = mem_alloc(HEAD_SIZE + image->len);
    encode_head(mend, image, copy);
    memcpy(copy + HEAD_SIZE, image->bytes, image->len);
    int error = directory_put_file(mend->env, mend->group_path, path, copy, HEAD_SIZE + image->len);
    mem_free(copy);
    *sync_failed = error && error != ERR_LIMIT && error != ERR_NOT_FOUND &&
                   !error_is_no_room(error);
    return error;
}

/* ---- The write ---- */

/* What is to be written, in whole blocks where what shares them can be read. */
static int make_image(const struct segment_mend *mend, struct image *image) {
    uint64_t start = mend->from / SEGMENT_BLOCK * SEGMENT_BLOCK;
    uint64_t stop = segment_block_end(mend->until);
    if (stop > mend->end.position) stop = mend->end.position;
    if (stop < mend->until) stop = mend->until;
    *image = (struct image){mem_zalloc((size_t)(stop - start)), start, (size_t)(stop - start)};
    if (mend->from > start &&
        !read_whole(mend, image->bytes, (size_t)(mend->from - start), start)) {
        mem_free(image->bytes);
        return ERR_IO;
    }
    uint8_t *tail = image->bytes + (mend->until - start);
    if (stop > mend->until && !read_whole(mend, tail, (size_t)(stop - mend->until), mend->until))
        image->len = (size_t)(mend->until - start);
    for (size_t i = 0; i < mend->count; i++) {
        const struct entry *entry = mend->entries[i];
        const struct mend_level *level = &mend->levels[i];
        uint8_t *at = image->bytes + (level->places[level->chosen].position - start);
        memcpy(at, entry->header, ENTRY_HEADER_SIZE);
        if (entry->body.len > 0) memcpy(at + ENTRY_HEADER_SIZE, entry->body.data, entry->body.len);
    }
    if (mend->from == 0) segment_header_encode(&mend->header, SEGMENT_FILE_LOG, image->bytes);
    return ERR_NONE;
}

static int put_image(struct env_file *file, const struct image *image, bool *sync_failed) {
    struct env_iov iov = {image->bytes, image->len};
    int error = env_file_write(file, &iov, 1, image->position, false);
    if (error) return error;
    error = env_file_sync(file);
    *sync_failed = error != ERR_NONE;
    return error;
}

int segment_mend_write(struct segment_mend *mend, bool *sync_failed) {
    struct image image;
    CHECK(mend->whole);
    *sync_failed = false;
    int error = make_image(mend, &image);
    if (error) return error;
    char *path = path_of_segment(mend->group_path, mend->header.base_offset, SEGMENT_FILE_MEND);
    error = write_aside(mend, path, &image, sync_failed);
    if (!error) error = put_image(mend->file, &image, sync_failed);
    if (!error) env_unlink(mend->env, path);
    mem_free(image.bytes);
    mem_free(path);
    return error;
}

/* ---- At a start ---- */

/* ERR_CORRUPT: it is not whole. */
static int read_aside(struct env_file *file, struct segment_header *header, struct image *image) {
    uint8_t head[HEAD_SIZE];
    size_t got = 0;
    int error = env_file_read(file, head, sizeof head, 0, &got);
    if (error) return error;
    if (got < sizeof head || le_get_u32(head) != MAGIC || le_get_u32(head + 4) != FORMAT ||
        le_get_u32(head + AT_HEAD_CRC) != crc32c(0, head, AT_HEAD_CRC) ||
        segment_header_decode(head + AT_SEGMENT, SEGMENT_FILE_LOG, header) != ERR_NONE ||
        le_get_u64(head + AT_LEN) > BYTES_MOST || le_get_u64(head + AT_LEN) == 0)
        return ERR_CORRUPT;
    *image = (struct image){.position = le_get_u64(head + AT_POSITION),
                            .len = (size_t)le_get_u64(head + AT_LEN)};
    image->bytes = mem_alloc(image->len);
    error = env_file_read(file, image->bytes, image->len, HEAD_SIZE, &got);
    bool whole = !error && got == image->len &&
                 crc32c(0, image->bytes, image->len) == le_get_u32(head + AT_BYTES_CRC);
    if (whole) return ERR_NONE;
    mem_free(image->bytes);
    image->bytes = NULL;
    return error ? error : ERR_CORRUPT;
}

/* Whether what is there now is the segment that was being mended. Its header may be what was
 * damaged. */
static bool is_of(struct env_file *file, const struct segment_header *header,
                  const struct image *image) {
    uint8_t bytes[SEGMENT_HEADER_SIZE];
    struct segment_header found;
    size_t got = 0;
    if (env_file_read(file, bytes, sizeof bytes, 0, &got) != ERR_NONE) return false;
    if (got < sizeof bytes || segment_header_decode(bytes, SEGMENT_FILE_LOG, &found) != ERR_NONE)
        return image->position == 0;
    return found.group == header->group && found.base_offset == header->base_offset &&
           found.first_index == header->first_index && found.generation == header->generation;
}

static int finish_in(struct env *env, const char *path, const struct segment_header *header,
                     const struct image *image, bool *sync_failed) {
    struct env_file *file;
    int error = env_file_open(env, path, ENV_READ | ENV_WRITE, &file);
    if (error) return error == ERR_NOT_FOUND ? ERR_NONE : error;
    if (is_of(file, header, image)) error = put_image(file, image, sync_failed);
    env_file_close(file);
    return error;
}

int segment_mend_finish(struct env *env, const char *group_path, uint64_t group,
                        kafka_offset base_offset, bool *sync_failed) {
    struct env_file *file;
    struct segment_header header;
    struct image image = {0};
    *sync_failed = false;
    char *aside = path_of_segment(group_path, base_offset, SEGMENT_FILE_MEND);
    char *path = path_of_segment(group_path, base_offset, SEGMENT_FILE_LOG);
    int error = env_file_open(env, aside, ENV_READ, &file);
    if (!error) {
        error = read_aside(file, &header, &image);
        env_file_close(file);
        bool ours = !error && header.group == group && header.base_offset == base_offset;
        if (ours) error = finish_in(env, path, &header, &image, sync_failed);
        if (error == ERR_CORRUPT) error = ERR_NONE; /* not whole: nothing was begun */
        if (!error) env_unlink(env, aside);
    }
    size_t size = strlen(aside) + sizeof ".new";
    char *unfinished = mem_alloc(size);
    snprintf(unfinished, size, "%s.new", aside);
    env_unlink(env, unfinished);
    mem_free(unfinished);
    mem_free(image.bytes);
    mem_free(aside);
    mem_free(path);
    return error == ERR_NOT_FOUND ? ERR_NONE : error;
}
