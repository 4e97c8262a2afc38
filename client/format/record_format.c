/* Printing the parts of a format. */
#include "client/format/record_format.h"

#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "client/format/batch_lookup.h"
#include "client/format/bytes_text.h"
#include "client/format/format_parts.h"
#include "client/format/unpack.h"
#include "client/line/talk.h"

struct record_format {
    struct format_parts parts;
    struct record_format_options options;
    int64_t count; /* records that were printed */
};

/* Takes the text over. */
static void print_owned(char *text) {
    print_text("%s", text);
    mem_free(text);
}

/* None is -1, as without a style; so is what strftime makes nothing of. */
static void print_time(const struct format_part *part, int64_t ms) {
    char text[16 * STRFTIME_MAX];
    time_t seconds = (time_t)(ms / 1000);
    struct tm parts;
    if (ms >= 0 && gmtime_r(&seconds, &parts) &&
        strftime(text, sizeof(text), part->text, &parts) > 0) {
        print_text("%s", text);
    } else {
        number_print(part->number, ms);
    }
}

static int64_t length_of(struct view_bytes bytes) {
    return bytes.data ? (int64_t)bytes.len : -1;
}

static const char batch_letters[] = {'e',
                                     'x',
                                     'y',
                                     '[',
                                     '|',
                                     ']',
                                     ATTRIBUTE_LETTER_CODEC,
                                     ATTRIBUTE_LETTER_TRANSACTIONAL,
                                     ATTRIBUTE_LETTER_CONTROL};

static int64_t number_of_batch(char letter, const struct batch_facts *facts) {
    const struct record_batch *batch = &facts->batch;
    switch (letter) {
    case 'e': return batch->leader_epoch;
    case 'x': return batch->producer_id;
    case 'y': return batch->producer_epoch;
    case '[': return facts->log_start;
    case '|': return facts->last_stable;
    case ']': return facts->high_watermark;
    case ATTRIBUTE_LETTER_CODEC: return record_batch_codec(batch);
    case ATTRIBUTE_LETTER_TRANSACTIONAL: return record_batch_is_transactional(batch);
    default: return record_batch_is_control(batch);
    }
}

static int64_t number_of(const struct record_format *format, char letter,
                         const struct record_view *record) {
    switch (letter) {
    case 'K': return length_of(record->key);
    case 'p': return record->partition;
    case 'o': return record->offset;
    case 'T':
    case 'd': return record->timestamp_ms;
    case 'i': return format->count;
    case 'H': return (int64_t)record_view_header_count(record);
    case ATTRIBUTE_LETTER_TIME: return record->time_type;
    case 'S':
    case 'V':
    case 'R': return length_of(record->value);
    default: return number_of_batch(letter, record->batch);
    }
}

static struct view_bytes text_of(char letter, const struct record_view *record) {
    return letter == 'k'   ? record->key
           : letter == 't' ? (struct view_bytes){record->topic, strlen(record->topic)}
                           : record->value;
}

static void print_styled(const struct record_format *format, const struct format_part *part,
                         struct view_bytes bytes) {
    const char *unpack = part->letter == 'k'   ? format->options.key_unpack
                         : part->letter == 't' ? NULL
                                               : format->options.value_unpack;
    if (!bytes.data) {
        print_text("%s", format->options.none);
    } else if (part->kind == PART_HEX) {
        print_owned(hex_text(bytes.data, bytes.len));
    } else if (part->kind == PART_BASE64 || part->kind == PART_BASE64_RAW) {
        print_owned(base64_text(bytes.data, bytes.len, part->kind == PART_BASE64));
    } else if (part->kind == PART_UNPACK) {
        unpack_print(part->text, part->len, bytes.data, bytes.len);
    } else if (unpack) {
        unpack_print(unpack, strlen(unpack), bytes.data, bytes.len);
    } else {
        print_bytes(bytes.data, bytes.len);
    }
}

static void print_headers(const struct record_view *record) {
    struct view_bytes name, value;
    for (size_t i = 0; record_view_header(record, i, &name, &value); i++) {
        print_text("%s", i ? "," : "");
        print_bytes(name.data, name.len);
        print_text("=%s", value.data ? "" : "NULL");
        if (value.data) {
            print_bytes(value.data, value.len);
        }
    }
}

static void print_parts(const struct record_format *format, const struct format_parts *parts,
                        const struct record_view *record);

/* Each header is a record of a key and a value. */
static void print_each_header(const struct record_format *format, const struct format_parts *inner,
                              const struct record_view *record) {
    struct record_view header = {.topic = record->topic};
    struct record_format plain = {.options = {.none = format->options.none}};
    for (size_t i = 0; record_view_header(record, i, &header.key, &header.value); i++) {
        print_parts(&plain, inner, &header);
    }
}

static void print_parts(const struct record_format *format, const struct format_parts *parts,
                        const struct record_view *record) {
    for (size_t i = 0; i < parts->count; i++) {
        const struct format_part *part = &parts->items[i];
        switch (part->kind) {
        case PART_LITERAL: print_raw(part->text, part->len); break;
        case PART_NUMBER:
            number_print(part->number, number_of(format, part->letter, record));
            break;
        case PART_CODEC:
            print_text("%s", record_codec_name(record_batch_codec(&record->batch->batch)));
            break;
        case PART_TIME: print_time(part, record->timestamp_ms); break;
        case PART_HEADERS: print_headers(record); break;
        case PART_EACH_HEADER: print_each_header(format, part->inner, record); break;
        default: print_styled(format, part, text_of(part->letter, record));
        }
    }
}

struct record_format *record_format_open(const char *text,
                                         const struct record_format_options *options,
                                         struct error_text *why) {
    struct record_format *format = mem_zalloc(sizeof(*format));
    format->options = *options;
    if (format_parts_read(text, strlen(text), false, &format->parts, why) != ERR_NONE) {
        mem_free(format);
        return NULL;
    }
    return format;
}

bool record_format_wants_batch(const struct record_format *format) {
    for (size_t i = 0; i < format->parts.count; i++) {
        const struct format_part *part = &format->parts.items[i];
        if (part->kind != PART_LITERAL &&
            memchr(batch_letters, part->letter, sizeof(batch_letters))) {
            return true;
        }
    }
    return false;
}

void record_format_free(struct record_format *format) {
    if (format) {
        format_parts_free(&format->parts);
        mem_free(format);
    }
}

void record_format_print(struct record_format *format, const struct record_view *record) {
    format->count++;
    print_parts(format, &format->parts, record);
}
