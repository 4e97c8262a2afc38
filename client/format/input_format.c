/* Matching a record's text with the parts of a format. */
#include "client/format/input_format.h"

#include <string.h>

#include "base/mem.h"
#include "client/format/bytes_text.h"
#include "client/format/format_parts.h"

struct input_format {
    struct format_parts parts;
    struct format_part end; /* the literal behind the last field; text NULL: there is none */
};

/* ---- The format ---- */

static bool can_be_read(const struct format_part *part, bool headers) {
    switch (part->kind) {
    case PART_LITERAL: return true;
    case PART_TEXT:
    case PART_HEX:
    case PART_BASE64: return part->letter != 't';
    case PART_NUMBER:
        return !headers && strchr("pTd", part->letter) && part->number.kind == NUMBER_DIGITS;
    case PART_EACH_HEADER: return true;
    default: return false;
    }
}

static bool has_letters(const struct format_parts *parts, const char *letters) {
    for (size_t i = 0; i < parts->count; i++) {
        if (parts->items[i].letter && strchr(letters, parts->items[i].letter)) {
            return true;
        }
    }
    return false;
}

static int check_parts(const struct format_parts *parts, bool headers, struct error_text *why) {
    for (size_t i = 0; i < parts->count; i++) {
        const struct format_part *part = &parts->items[i];
        if (!can_be_read(part, headers)) {
            return error_set(
                why, ERR_INVALID,
                "%%%c cannot be read so; what is read are %%k %%s %%v, as they are or as {hex} or {base64}, %%p, "
                "%%T and %%d in digits, and %%h{%%k=%%v,}",
                part->letter);
        }
        if (i > 0 && part->kind != PART_LITERAL && parts->items[i - 1].kind != PART_LITERAL) {
            return error_set(
                why, ERR_INVALID,
                "nothing stands between %%%c and %%%c, so where the first ends is not known",
                parts->items[i - 1].letter, part->letter);
        }
        int error = part->inner ? check_parts(part->inner, true, why) : ERR_NONE;
        if (error) {
            return error;
        }
        if (part->inner && !has_letters(part->inner, "k")) {
            return error_set(why, ERR_INVALID, "a header must have a name: %%h{%%k=%%v,}");
        }
    }
    return ERR_NONE;
}

struct input_format *input_format_open(const char *text, struct error_text *why) {
    struct input_format *format = mem_zalloc(sizeof(*format));
    struct format_parts *parts = &format->parts;
    int error = format_parts_read(text, strlen(text), false, parts, why);
    error = error ? error : check_parts(parts, false, why);
    if (!error && !has_letters(parts, "svk")) {
        error = error_set(why, ERR_INVALID,
                          "it has neither %%k nor %%v, so no record has anything in it");
    }
    if (error) {
        format_parts_free(parts);
        mem_free(format);
        return NULL;
    }
    if (parts->items[parts->count - 1].kind == PART_LITERAL) {
        format->end = parts->items[--parts->count];
    }
    return format;
}

void input_format_free(struct input_format *format) {
    if (format) {
        format_parts_free(&format->parts);
        mem_free(format->end.text);
        mem_free(format);
    }
}

const char *input_format_delimiter(const struct input_format *format, size_t *len) {
    *len = format->end.len;
    return format->end.text;
}

/* ---- A record ---- */

/* What is left of it. */
struct text_left {
    const char *at;
    size_t len;
};

static int take_bytes(const struct format_part *part, struct text_left field,
                      struct record_bytes *bytes, struct error_text *why) {
    if (bytes->data) {
        return error_set(why, ERR_INVALID, "the format has %%%c twice", part->letter);
    }
    int error = ERR_NONE;
    if (part->kind == PART_HEX) {
        error = hex_read(field.at, field.len, &bytes->data, &bytes->len);
    } else if (part->kind == PART_BASE64) {
        error = base64_read(field.at, field.len, &bytes->data, &bytes->len);
    } else {
        bytes->data = mem_alloc(field.len + 1); /* never NULL, also when it is empty */
        memcpy(bytes->data, field.at, field.len);
        bytes->len = field.len;
    }
    return error ? error_set(why, error, "%%%c{%s} is none: \"%.*s\"", part->letter,
                             part->kind == PART_HEX ? "hex" : "base64",
                             (int)(field.len < 40 ? field.len : 40), field.at)
                 : ERR_NONE;
}

static int take_number(const struct format_part *part, struct text_left field, int64_t max,
                       int64_t *number, struct error_text *why) {
    bool wrong = field.len == 0 || field.len > 18;
    *number = 0;
    for (size_t i = 0; i < field.len && !wrong; i++) {
        wrong = field.at[i] < '0' || field.at[i] > '9';
        *number = *number * 10 + (field.at[i] - '0');
    }
    return wrong || *number > max
               ? error_set(why, ERR_INVALID, "%%%c is \"%.*s\", which is no %s", part->letter,
                           (int)(field.len < 40 ? field.len : 40), field.at,
                           part->letter == 'p' ? "number of a partition"
                                               : "number of ms since 1970")
               : ERR_NONE;
}

static int match(const struct format_parts *parts, bool headers, struct text_left *left,
                 struct client_record *record, struct error_text *why);

/* One header after the other, until nothing is left; the last one may lack what parts them. */
static int take_headers(const struct format_part *part, struct text_left field,
                        struct client_record *record, struct error_text *why) {
    int error = ERR_NONE;
    while (!error && field.len > 0) {
        struct client_record header = {.has_timestamp = false};
        size_t before = field.len;
        error = match(part->inner, true, &field, &header, why);
        if (!error && (!header.key.data || memchr(header.key.data, 0, header.key.len))) {
            error = error_set(why, ERR_INVALID, "a header's name is missing, or holds a zero byte");
        }
        if (!error && field.len == before) {
            error = error_set(why, ERR_INVALID, "%%h{...} takes nothing from \"%.*s\"",
                              (int)(field.len < 40 ? field.len : 40), field.at);
        }
        if (!error) {
            record->headers = record->headers ? record->headers : rd_kafka_headers_new(4);
            rd_kafka_header_add(record->headers, (const char *)header.key.data,
                                (ssize_t)header.key.len, header.value.data,
                                (ssize_t)header.value.len);
        }
        record_close(&header);
    }
    return error;
}

static int take_field(const struct format_part *part, struct text_left field,
                      struct client_record *record, struct error_text *why) {
    int64_t number = 0;
    int error;
    switch (part->letter) {
    case 'k': return take_bytes(part, field, &record->key, why);
    case 'h': return take_headers(part, field, record, why);
    case 'p':
        error = take_number(part, field, INT32_MAX, &number, why);
        record->has_partition = true;
        record->partition = (int32_t)number;
        return error;
    case 'T':
    case 'd':
        record->has_timestamp = true;
        return take_number(part, field, INT64_MAX, &record->timestamp_ms, why);
    default: return take_bytes(part, field, &record->value, why); /* s, v */
    }
}

/* The field up to the literal behind it; all that is left where none is. Within headers that
 * literal may be missing at the end of the last one. */
static int cut_field(const struct format_parts *parts, size_t i, const struct text_left *left,
                     bool headers, struct text_left *field, struct error_text *why) {
    const struct format_part *behind = i + 1 < parts->count ? &parts->items[i + 1] : NULL;
    *field = *left;
    if (!behind) {
        return ERR_NONE;
    }
    const char *end = memmem(left->at, left->len, behind->text, behind->len);
    if (!end && !(headers && i + 2 == parts->count)) {
        return error_set(why, ERR_INVALID, "\"%.40s\" does not stand behind %%%c", behind->text,
                         parts->items[i].letter);
    }
    field->len = end ? (size_t)(end - left->at) : left->len;
    return ERR_NONE;
}

static int skip_literal(const struct format_part *part, struct text_left *left, bool may_lack,
                        struct error_text *why) {
    bool there = left->len >= part->len && memcmp(left->at, part->text, part->len) == 0;
    if (!there && !(may_lack && left->len == 0)) {
        return error_set(why, ERR_INVALID, "\"%.40s\" does not stand where the format has it",
                         part->text);
    }
    size_t len = there ? part->len : 0;
    left->at += len;
    left->len -= len;
    return ERR_NONE;
}

static int match(const struct format_parts *parts, bool headers, struct text_left *left,
                 struct client_record *record, struct error_text *why) {
    int error = ERR_NONE;
    for (size_t i = 0; i < parts->count && !error; i++) {
        const struct format_part *part = &parts->items[i];
        if (part->kind == PART_LITERAL) {
            error = skip_literal(part, left, headers && i + 1 == parts->count, why);
            continue;
        }
        struct text_left field;
        error = cut_field(parts, i, left, headers, &field, why);
        error = error ? error : take_field(part, field, record, why);
        left->at += error ? 0 : field.len;
        left->len -= error ? 0 : field.len;
    }
    return error;
}

int input_format_read(const struct input_format *format, const char *data, size_t len,
                      struct client_record *record, struct error_text *why) {
    struct text_left left = {data, len};
    *record = (struct client_record){.has_timestamp = false};
    int error = match(&format->parts, false, &left, record,
                      why); /* the last field takes the rest */
    if (error) {
        record_close(record);
    }
    return error;
}
