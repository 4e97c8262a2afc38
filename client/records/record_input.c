/* From lines, formats, JSON and files to records. */
#include "client/records/record_input.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "client/format/input_format.h"
#include "client/line/escape.h"
#include "client/line/line_reader.h"
#include "client/line/talk.h"
#include "client/records/record_json.h"

enum { JSON_LARGER = 8 }; /* a byte as \u0000, and the names of the members */

struct record_input {
    const struct invocation *in;
    struct line_reader *reader;
    struct input_format *format; /* NULL: no -f */
    char *separator, *delimiter; /* as bytes; NULL: no -K, no -D */
    size_t separator_len, delimiter_len, record_max;
    const char *key; /* of every record; NULL: none */
    rd_kafka_headers_t *headers;
    bool empty_is_null, whole_files;
    bool (*idle)(void *arg);
    void *arg;
    int fd;                    /* of -l; -1: standard input */
    int next_file;             /* whole files: of the words, the first of which is the topic */
    bool owned;                /* `last` owns what it holds */
    struct client_record last; /* what was given out */
    uint64_t count;
};

/* ---- Options ---- */

/* JSON and formats say themselves what the others would say. */
static int check_shape(const struct invocation *in) {
    static const struct {
        int key;
        const char *name;
        bool with_format; /* it makes sense with one */
    } shapes[] = {{'K', "--key-separator", false}, {'k', "--key", true},
                  {'Z', "--tombstones", true},     {'H', "--header", true},
                  {'D', "--delimiter", true},      {'f', "--format", true}};
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        if (!invocation_has(in, shapes[i].key)) {
            continue;
        }
        if (in->json) {
            say("with --json each line says itself what --%s would say; give one of the two",
                shapes[i].name + 2);
            return EXIT_USAGE;
        }
        if (invocation_has(in, 'f') && !shapes[i].with_format) {
            say("--format says where the key stands; leave %s out", shapes[i].name);
            return EXIT_USAGE;
        }
        if (in->word_count > 1 && strchr("KDf", shapes[i].key)) {
            say("each file is one record as a whole, in which %s means nothing; -l FILE reads lines",
                shapes[i].name);
            return EXIT_USAGE;
        }
    }
    return EXIT_DONE;
}

int record_input_check(const struct invocation *in) {
    const char *pair;
    for (size_t i = 0; (pair = invocation_nth(in, 'H', i)); i++) {
        if (*pair == '=' || !strchr(pair, '=')) {
            say("--header %s is not KEY=VALUE; write for example -H source=test", pair);
            return EXIT_USAGE;
        }
    }
    const char *const texts[][2] = {{"K", "--key-separator"}, {"D", "--delimiter"}};
    for (size_t i = 0; i < 2; i++) {
        const char *wrong, *given = invocation_value(in, texts[i][0][0], NULL);
        size_t len;
        char *text = given ? escape_text(given, &len, &wrong) : NULL;
        if (given && (!text || len == 0)) {
            say(text ? "%s is empty; write for example %s :"
                     : "%s %s: what stands behind a backslash is one of " ESCAPES,
                texts[i][1], text ? texts[i][1] : given);
            mem_free(text);
            return EXIT_USAGE;
        }
        mem_free(text);
    }
    if (in->word_count > 1 && (in->json || invocation_has(in, 'l'))) {
        say("each file behind the topic is one record as a whole; %s reads lines: give one of the two",
            in->json ? "--json" : "-l");
        return EXIT_USAGE;
    }
    return check_shape(in);
}

static rd_kafka_headers_t *headers_of(const struct invocation *in) {
    rd_kafka_headers_t *headers = NULL;
    const char *pair;
    for (size_t i = 0; (pair = invocation_nth(in, 'H', i)); i++) {
        char *key;
        const char *value;
        CHECK(pair_split(pair, &key, &value)); /* record_input_check() has seen it */
        headers = headers ? headers : rd_kafka_headers_new(4);
        rd_kafka_header_add(headers, key, -1, value, -1);
        mem_free(key);
    }
    return headers;
}

/* ---- Opening ---- */

static int open_format(struct record_input *input) {
    const char *text = invocation_value(input->in, 'f', NULL);
    struct error_text why = {""};
    if (!text) {
        return EXIT_DONE;
    }
    input->format = input_format_open(text, &why);
    if (!input->format) {
        say("--format %s: %s", text, why.text);
        return EXIT_USAGE;
    }
    size_t len;
    if (input_format_delimiter(input->format, &len) && input->delimiter) {
        say("--format %s says what ends a record; leave -D out, or that", text);
        return EXIT_USAGE;
    }
    return EXIT_DONE;
}

static int open_lines(struct record_input *input) {
    const char *path = invocation_value(input->in, 'l', NULL);
    if (path && strcmp(path, "-") != 0) {
        input->fd = open(path, O_RDONLY | O_CLOEXEC);
        if (input->fd < 0) {
            int error = error_from_errno(errno);
            say("%s cannot be read: %s; %s", path, error_phrase(error), error_advice(error));
            return EXIT_REFUSED;
        }
    }
    size_t max = input->in->json ? JSON_LARGER * input->record_max : input->record_max;
    input->reader = line_reader_new(input->fd < 0 ? STDIN_FILENO : input->fd, max, input->idle,
                                    input->arg);
    size_t len;
    const char *delimiter = record_input_delimiter(input, &len);
    line_reader_delimiter(input->reader, delimiter, len);
    return EXIT_DONE;
}

int record_input_open(struct record_input **input, const struct invocation *in, size_t record_max,
                      bool (*idle)(void *arg), void *arg) {
    struct record_input *made = mem_zalloc(sizeof(*made));
    const char *separator = invocation_value(in, 'K', NULL),
               *delimiter = invocation_value(in, 'D', NULL), *wrong;
    *made = (struct record_input){.in = in,
                                  .record_max = record_max,
                                  .key = invocation_value(in, 'k', NULL),
                                  .headers = headers_of(in),
                                  .empty_is_null = invocation_has(in, 'Z'),
                                  .whole_files = in->word_count > 1,
                                  .idle = idle,
                                  .arg = arg,
                                  .fd = -1,
                                  .next_file = 1};
    made->separator = separator ? escape_text(separator, &made->separator_len, &wrong) : NULL;
    made->delimiter = delimiter ? escape_text(delimiter, &made->delimiter_len, &wrong) : NULL;
    int code = open_format(made);
    code = code || made->whole_files ? code : open_lines(made);
    if (code) {
        record_input_free(made);
        return code;
    }
    *input = made;
    return EXIT_DONE;
}

static void forget_last(struct record_input *input) {
    if (input->owned) {
        record_close(&input->last);
    }
    input->owned = false;
}

void record_input_free(struct record_input *input) {
    if (!input) {
        return;
    }
    forget_last(input);
    line_reader_free(input->reader);
    input_format_free(input->format);
    if (input->headers) {
        rd_kafka_headers_destroy(input->headers);
    }
    if (input->fd >= 0) {
        close(input->fd);
    }
    mem_free(input->separator);
    mem_free(input->delimiter);
    mem_free(input);
}

const char *record_input_delimiter(const struct record_input *input, size_t *len) {
    const char *text = input->format ? input_format_delimiter(input->format, len) : NULL;
    if (text) {
        return text;
    }
    *len = input->delimiter ? input->delimiter_len : 1;
    return input->delimiter ? input->delimiter : "\n";
}

void record_input_name(const struct record_input *input, const struct input_piece *piece,
                       char *text, size_t room) {
    if (input->whole_files) {
        snprintf(text, room, "file %s", input->in->words[piece->number]);
    } else {
        snprintf(text, room, "line %" PRIu64, piece->number);
    }
}

/* ---- Records ---- */

/* What is the same for all records that are no JSON. */
static void add_common(const struct record_input *input, struct client_record *record) {
    if (!record->key.data && input->key) {
        record->key = (struct record_bytes){(uint8_t *)(uintptr_t)input->key, strlen(input->key)};
    }
    if (input->empty_is_null && record->value.len == 0) {
        record->value.data = NULL;
    }
    record->headers = record->headers ? record->headers : input->headers;
}

/* A line of text: key, separator, value; nothing is copied. */
static void record_of_line(const struct record_input *input, char *line, size_t len,
                           struct client_record *record) {
    *record = (struct client_record){.value = {(uint8_t *)line, len}};
    char *at = input->separator ? memmem(line, len, input->separator, input->separator_len) : NULL;
    if (at) {
        size_t key_len = (size_t)(at - line), skip = key_len + input->separator_len;
        record->key = (struct record_bytes){(uint8_t *)line, key_len};
        record->value = (struct record_bytes){(uint8_t *)line + skip, len - skip};
    }
    add_common(input, record);
}

/* A line that becomes a record with memory of its own. */
static int record_of_text(struct record_input *input, const char *line, size_t len,
                          struct client_record *record, struct error_text *why) {
    int error = input->format ? input_format_read(input->format, line, len, &input->last, why)
                              : record_from_json(line, len, &input->last, why);
    input->owned = !error;
    *record = input->last;
    if (!error && input->format) {
        add_common(input, record);
    }
    return error;
}

static enum input_result next_line(struct record_input *input, struct input_piece *piece,
                                   struct error_text *why) {
    char *line;
    size_t len;
    enum line_result result;
    do {
        result = line_reader_next(input->reader, &line, &len, why);
        input->count++;
    } while (result == LINE_WHOLE && len == 0 && input->in->json); /* blank lines are no records */
    piece->number = input->count;
    piece->text = line;
    piece->len = len;
    switch (result) {
    case LINE_END: return INPUT_END;
    case LINE_STOPPED: return INPUT_STOPPED;
    case LINE_FAILED: return INPUT_FAILED;
    case LINE_TOO_LONG: return INPUT_TOO_LONG;
    case LINE_WHOLE: break;
    }
    if (!input->format && !input->in->json) {
        record_of_line(input, line, len, &piece->record);
        return INPUT_RECORD;
    }
    return record_of_text(input, line, len, &piece->record, why) == ERR_NONE ? INPUT_RECORD
                                                                             : INPUT_WRONG;
}

/* ---- Whole files ---- */

/* Up to `record_max` bytes of it, and one more to see that it is longer. */
static int read_file(const struct record_input *input, int fd, struct record_bytes *bytes) {
    size_t room = 0;
    bytes->data = mem_alloc(1); /* never NULL, also when it is empty */
    for (;;) {
        if (bytes->len == room) {
            room = 2 * room + 65536;
            bytes->data = mem_realloc(bytes->data, room);
        }
        size_t most = input->record_max + 1 - bytes->len;
        ssize_t n = read(fd, bytes->data + bytes->len,
                         room - bytes->len < most ? room - bytes->len : most);
        if (n < 0 && errno != EINTR) {
            return error_from_errno(errno);
        }
        bytes->len += n > 0 ? (size_t)n : 0;
        if (n == 0 || bytes->len > input->record_max) {
            return ERR_NONE;
        }
    }
}

static enum input_result next_file(struct record_input *input, struct input_piece *piece,
                                   struct error_text *why) {
    if (input->next_file == input->in->word_count) {
        return INPUT_END;
    }
    piece->number = (uint64_t)input->next_file;
    const char *path = input->in->words[input->next_file++];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    input->last = (struct client_record){.has_timestamp = false};
    input->owned = true;
    int error = fd < 0 ? error_from_errno(errno) : read_file(input, fd, &input->last.value);
    if (fd >= 0) {
        close(fd);
    }
    if (error) {
        error_set(why, error, "%s cannot be read: %s; %s", path, error_phrase(error),
                  error_advice(error));
        return INPUT_FAILED;
    }
    piece->record = input->last;
    piece->text = (const char *)input->last.value.data;
    piece->len = input->last.value.len;
    add_common(input, &piece->record);
    return piece->len > input->record_max ? INPUT_TOO_LONG : INPUT_RECORD;
}

enum input_result record_input_next(struct record_input *input, struct input_piece *piece,
                                    struct error_text *why) {
    forget_last(input);
    *piece = (struct input_piece){.text = NULL};
    return input->whole_files ? next_file(input, piece, why) : next_line(input, piece, why);
}
