/* The files of a closed journal as bytes: to look at the rounds in them, to damage them, and to put
 * them back. */
#ifndef TESTS_UNIT_STORAGE_FIXTURE_JOURNAL_IMAGE_H
#define TESTS_UNIT_STORAGE_FIXTURE_JOURNAL_IMAGE_H

#include "storage/journal/journal_round.h"
#include "tests/unit/storage/fixture_journal.h"

enum { IMAGE_FILES = 40, IMAGE_ROUNDS = 4000 };

struct image_file {
    uint32_t number;
    uint8_t *bytes;
    size_t len;
};

/* A whole round. */
struct image_round {
    struct journal_round_header header;
    size_t file; /* place in `files` */
    size_t size;
};

struct image {
    struct image_file files[IMAGE_FILES];
    size_t file_count;
    struct image_round
        rounds[IMAGE_ROUNDS]; /* by sequence; of the generations that are still needed */
    size_t round_count;
};

struct image *image_load(const struct journal_fixture *fixture);
void image_free(struct image *image);
/* Makes the directory what the image says. */
void image_store(const struct image *image, const struct journal_fixture *fixture);
/* The directory is exactly what the image says. */
void image_assert_unchanged(const struct image *image, const struct journal_fixture *fixture);

/* Counted from the end: 0 is the last round. */
const struct image_round *image_round_from_end(const struct image *image, size_t back);
uint8_t *image_at(struct image *image, const struct image_round *round);
/* Encodes `round` into the image as one with this header, whose file and offset say where. */
void image_put_round(struct image *image, struct journal_round *round,
                     struct journal_round_header header);

#endif
