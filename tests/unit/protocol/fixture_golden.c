/* Reads the golden files of tests/golden. */
#include "tests/unit/protocol/fixture_golden.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"

struct golden_file {
    FILE *stream;
    char *text;
    size_t capacity;
    int field_count;
};

struct golden_file *golden_open(const char *name, int field_count) {
    char path[256];
    snprintf(path, sizeof(path), "tests/golden/%s", name);
    struct golden_file *file = mem_zalloc(sizeof(*file));
    file->stream = fopen(path, "r");
    if (file->stream == NULL)
        fprintf(stderr, "%s is missing: run the tests in the root of the repository\n", path);
    CHECK(file->stream != NULL);
    CHECK(field_count <= GOLDEN_FIELDS);
    file->field_count = field_count;
    return file;
}

int golden_next(struct golden_file *file, struct golden_line *line) {
    ssize_t len = getline(&file->text, &file->capacity, file->stream);
    if (len <= 0) return 0;
    if (file->text[len - 1] == '\n') file->text[len - 1] = '\0';
    char *at = file->text;
    for (int i = 0; i < file->field_count; i++) {
        CHECK(at != NULL);
        line->fields[i] = i + 1 < file->field_count ? strsep(&at, " ") : at;
    }
    line->field_count = file->field_count;
    return 1;
}

void golden_close(struct golden_file *file) {
    fclose(file->stream);
    free(file->text); /* getline's */
    mem_free(file);
}

static int hex_digit(char c) {
    const char *digits = "0123456789abcdef";
    const char *found = strchr(digits, c);
    CHECK(c != '\0' && found != NULL);
    return (int)(found - digits);
}

uint8_t *golden_bytes(const char *hex, size_t *len) {
    *len = strlen(hex) / 2;
    uint8_t *bytes = mem_alloc(*len);
    for (size_t i = 0; i < *len; i++)
        bytes[i] = (uint8_t)(hex_digit(hex[2 * i]) << 4 | hex_digit(hex[2 * i + 1]));
    return bytes;
}
