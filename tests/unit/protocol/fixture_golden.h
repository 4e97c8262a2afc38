/*
 * Golden files: lines of fields, the hex of one of them as bytes. Any trouble with a file fails the
 * test that reads it.
 */
#ifndef TESTS_UNIT_PROTOCOL_FIXTURE_GOLDEN_H
#define TESTS_UNIT_PROTOCOL_FIXTURE_GOLDEN_H

#include <stddef.h>
#include <stdint.h>

enum { GOLDEN_FIELDS = 8 };

/* One line, split at spaces; the last field has the rest. Valid until golden_close or the next
 * line. */
struct golden_line {
    char *fields[GOLDEN_FIELDS];
    int field_count;
};

struct golden_file;
/* tests/golden/`name`, seen from the root of the repository. `field_count`: how many fields each
 * line has. */
struct golden_file *golden_open(const char *name, int field_count);
int golden_next(struct golden_file *file, struct golden_line *line); /* 0 at the end */
void golden_close(struct golden_file *file);

/* The bytes that `hex` stands for, in memory of exactly that size (so that a sanitizer sees one
 * byte too far). mem_free. */
uint8_t *golden_bytes(const char *hex, size_t *len);

#endif
