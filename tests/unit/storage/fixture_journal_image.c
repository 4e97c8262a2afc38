/* Reading, walking, damaging and writing the files of a closed journal. */
#include "tests/unit/storage/fixture_journal_image.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void name_of(const struct journal_fixture *fixture, uint32_t number, char into[128]) {
    snprintf(into, 128, "%s/%08u.journal", fixture->path, (unsigned)number);
}

static void load_file(struct image_file *file, const char *name) {
    FILE *stream = fopen(name, "rb");
    assert_non_null(stream);
    assert_int_equal(fseek(stream, 0, SEEK_END), 0);
    file->len = (size_t)ftell(stream);
    rewind(stream);
    file->bytes = calloc(1, file->len + 1);
    assert_non_null(file->bytes);
    assert_int_equal(fread(file->bytes, 1, file->len, stream), file->len);
    fclose(stream);
}

static void find_rounds(struct image *image, size_t at) {
    const struct image_file *file = &image->files[at];
    for (size_t offset = 0; offset + JOURNAL_BLOCK <= file->len;) {
        struct journal_round_header header;
        const uint8_t *bytes = file->bytes + offset;
        bool ours = journal_round_decode(bytes, &header) == ERR_NONE &&
                    header.file == file->number && header.offset == offset;
        size_t size = ours ? journal_round_size(header.payload_len, header.entries) : JOURNAL_BLOCK;
        if (ours && size <= file->len - offset && journal_round_check(bytes, &header) == ERR_NONE) {
            assert_true(image->round_count < IMAGE_ROUNDS);
            image->rounds[image->round_count++] = (struct image_round){header, at, size};
            offset += size;
        } else {
            offset += JOURNAL_BLOCK;
        }
    }
}

static int by_sequence(const void *a, const void *b) {
    uint64_t x = ((const struct image_round *)a)->header.sequence,
             y = ((const struct image_round *)b)->header.sequence;
    return x < y ? -1 : x > y;
}

static void keep_needed(struct image *image) {
    qsort(image->rounds, image->round_count, sizeof image->rounds[0], by_sequence);
    if (image->round_count == 0) return;
    uint64_t oldest = image->rounds[image->round_count - 1].header.oldest;
    size_t stay = 0;
    for (size_t i = 0; i < image->round_count; i++)
        if (image->rounds[i].header.generation >= oldest) image->rounds[stay++] = image->rounds[i];
    image->round_count = stay;
}

static int by_number(const void *a, const void *b) {
    uint32_t x = ((const struct image_file *)a)->number, y = ((const struct image_file *)b)->number;
    return x < y ? -1 : x > y;
}

struct image *image_load(const struct journal_fixture *fixture) {
    struct image *image = calloc(1, sizeof *image);
    assert_non_null(image);
    DIR *folder = opendir(fixture->path);
    assert_non_null(folder);
    struct dirent *entry;
    while ((entry = readdir(folder)) != NULL) {
        char name[128];
        if (strstr(entry->d_name, ".journal") == NULL) continue;
        assert_true(image->file_count < IMAGE_FILES);
        struct image_file *file = &image->files[image->file_count++];
        file->number = (uint32_t)strtoul(entry->d_name, NULL, 10);
        name_of(fixture, file->number, name);
        load_file(file, name);
    }
    closedir(folder);
    qsort(image->files, image->file_count, sizeof image->files[0], by_number);
    for (size_t i = 0; i < image->file_count; i++)
        find_rounds(image, i);
    keep_needed(image);
    return image;
}

void image_free(struct image *image) {
    for (size_t i = 0; i < image->file_count; i++)
        free(image->files[i].bytes);
    free(image);
}

void image_store(const struct image *image, const struct journal_fixture *fixture) {
    char name[128];
    for (uint32_t number = 1; number <= IMAGE_FILES; number++) {
        name_of(fixture, number, name);
        unlink(name);
    }
    for (size_t i = 0; i < image->file_count; i++) {
        name_of(fixture, image->files[i].number, name);
        FILE *stream = fopen(name, "wb");
        assert_non_null(stream);
        assert_int_equal(fwrite(image->files[i].bytes, 1, image->files[i].len, stream),
                         image->files[i].len);
        assert_int_equal(fclose(stream), 0);
    }
}

void image_assert_unchanged(const struct image *image, const struct journal_fixture *fixture) {
    struct image *now = image_load(fixture);
    assert_int_equal(now->file_count, image->file_count);
    for (size_t i = 0; i < now->file_count; i++) {
        size_t at = 0;
        while (image->files[at].number != now->files[i].number)
            assert_true(++at < image->file_count);
        assert_int_equal(now->files[i].len, image->files[at].len);
        assert_memory_equal(now->files[i].bytes, image->files[at].bytes, now->files[i].len);
    }
    image_free(now);
}

const struct image_round *image_round_from_end(const struct image *image, size_t back) {
    assert_true(back < image->round_count);
    return &image->rounds[image->round_count - 1 - back];
}

uint8_t *image_at(struct image *image, const struct image_round *round) {
    return image->files[round->file].bytes + round->header.offset;
}

void image_put_round(struct image *image, struct journal_round *round,
                     struct journal_round_header header) {
    size_t size = journal_round_seal(round, &header), at = 0;
    while (image->files[at].number != header.file)
        assert_true(++at < image->file_count);
    assert_true(header.offset + size <= image->files[at].len);
    memcpy(image->files[at].bytes + header.offset, round->data, size);
}
