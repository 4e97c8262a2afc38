/* Options to a format, and a record to standard output. */
#include "client/records/record_printer.h"

#include <string.h>

#include "base/mem.h"
#include "client/format/batch_lookup.h"
#include "client/format/record_format.h"
#include "client/format/unpack.h"
#include "client/line/escape.h"
#include "client/line/talk.h"
#include "client/records/record_json.h"

struct record_printer {
    struct record_format *format; /* NULL: JSON */
    struct batch_lookup *lookup;  /* NULL: the format does not ask for it */
    bool with_value, unbuffered;
    uint64_t values, framed; /* values that were not null, and those that name a schema */
    uint32_t schema;         /* the first of those */
};

/* How a schema registry's serializers begin: a zero byte, the schema's number in four bytes. */
enum { SCHEMA_FRAME = 5 };

static void note_schema(struct record_printer *printer, struct view_bytes value) {
    const uint8_t *at = value.data;
    if (!at) {
        return;
    }
    uint32_t schema = value.len > SCHEMA_FRAME && at[0] == 0
                          ? (uint32_t)at[1] << 24 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 8 |
                                at[4]
                          : 0;
    printer->schema = printer->framed == 0 ? schema : printer->schema;
    printer->framed += schema > 0;
    printer->values++;
}

/* When all values look so, it is no accident. */
static void say_schema(const struct record_printer *printer) {
    if (printer->framed > 0 && printer->framed == printer->values) {
        say_plain(
            "every value begins as a schema registry's clients write them (the first with schema %u). drave shows the bytes; "
            "-f '%%v{unpack[>bxixs]}\\n' shows the schema's number and what stands behind it",
            printer->schema);
    }
}

/* A separator is text of a format in which no letter stands. */
static size_t add_separator(char *format, const char *separator) {
    size_t len = 0;
    for (const char *at = separator; *at; at++) {
        format[len++] = *at;
        if (*at == '%') {
            format[len++] = '%';
        }
    }
    return len;
}

/* kcat's -K and -D: key, separator, value, what ends it. mem_free it. */
static char *format_of_separators(const char *key_separator, const char *delimiter) {
    size_t room = 2 * (strlen(delimiter) + (key_separator ? strlen(key_separator) : 0)) + 8;
    char *format = mem_alloc(room);
    size_t len = 0;
    if (key_separator) {
        memcpy(format, "%k", 2);
        len = 2 + add_separator(format + 2, key_separator);
    }
    memcpy(format + len, "%s", 2);
    len += 2;
    len += add_separator(format + len, delimiter);
    format[len] = 0;
    return format;
}

/* -s LETTERS for keys and values, -s key=LETTERS, -s value=LETTERS; the last one counts. */
static int take_packs(const struct invocation *in, struct record_format_options *options) {
    const char *pack;
    for (size_t i = 0; (pack = invocation_nth(in, 's', i)); i++) {
        bool key = strncmp(pack, "key=", 4) == 0, value = strncmp(pack, "value=", 6) == 0;
        const char *letters = pack + (key ? 4 : value ? 6 : 0);
        if (strcmp(letters, "avro") == 0) {
            say("--unpack %s: drave does not decode Avro, so far; %%s{unpack[>bI]} shows the number of its schema",
                pack);
            return EXIT_USAGE;
        }
        if (!unpack_check(letters, strlen(letters))) {
            say("--unpack %s has a letter that is none of < > b B h H i I q Q c . s x $; write for example -s '>I', or -s key='>q'",
                pack);
            return EXIT_USAGE;
        }
        options->key_unpack = value ? options->key_unpack : letters;
        options->value_unpack = key ? options->value_unpack : letters;
    }
    return EXIT_DONE;
}

static int open_format(struct record_printer *printer, const struct invocation *in) {
    struct record_format_options options = {.none = invocation_has(in, 'Z') ? "NULL" : ""};
    struct error_text why = {""};
    const char *given = invocation_value(in, 'f', NULL);
    bool separators = invocation_has(in, 'K') || invocation_has(in, 'D');
    if (given && separators) {
        say("--format says what stands between key, value and records; leave -K and -D out, or --format");
        return EXIT_USAGE;
    }
    int code = take_packs(in, &options);
    if (code) {
        return code;
    }
    char *made = given ? NULL
                       : format_of_separators(invocation_value(in, 'K', NULL),
                                              invocation_value(in, 'D', "\\n"));
    printer->format = record_format_open(given ? given : made, &options, &why);
    mem_free(made);
    if (!printer->format) {
        say("--%s: %s", given ? "format" : "key-separator or --delimiter", why.text);
        return EXIT_USAGE;
    }
    if (record_format_wants_batch(printer->format)) {
        printer->lookup = batch_lookup_new(in);
    }
    return EXIT_DONE;
}

static int refuse_with_json(const struct invocation *in) {
    static const struct {
        int key;
        const char *name;
    } shapes[] = {{'f', "--format"},
                  {'K', "--key-separator"},
                  {'D', "--delimiter"},
                  {'s', "--unpack"},
                  {'Z', "--null"}};
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        if (invocation_has(in, shapes[i].key)) {
            say("--json prints every record in one shape, in which %s means nothing; give one of the two",
                shapes[i].name);
            return EXIT_USAGE;
        }
    }
    return EXIT_DONE;
}

int record_printer_open(struct record_printer **printer, const struct invocation *in) {
    struct record_printer *made = mem_zalloc(sizeof(*made));
    made->with_value = !invocation_has(in, OPTION_META_ONLY);
    made->unbuffered = invocation_has(in, 'u');
    int code = EXIT_DONE;
    if (!made->with_value && !in->json) {
        say("--meta-only is --json without the values; a format says what it prints itself (-f '%%p@%%o %%V\\n')");
        code = EXIT_USAGE;
    }
    code = code ? code : in->json ? refuse_with_json(in) : open_format(made, in);
    if (code) {
        record_printer_free(made);
        return code;
    }
    *printer = made;
    return EXIT_DONE;
}

void record_printer_free(struct record_printer *printer) {
    if (printer) {
        say_schema(printer);
        record_format_free(printer->format);
        batch_lookup_free(printer->lookup);
        mem_free(printer);
    }
}

bool record_printer_print(struct record_printer *printer, const rd_kafka_message_t *message) {
    struct record_view view = record_view_of(message);
    return record_printer_print_view(printer, &view);
}

bool record_printer_print_view(struct record_printer *printer, const struct record_view *view) {
    struct record_view record = *view;
    struct error_text why = {""};
    if (printer->lookup && batch_lookup_of(printer->lookup, record.topic, record.partition,
                                           record.offset, &record.batch, &why) != ERR_NONE) {
        say("partition %d of \"%s\": the batch of offset %lld, which the format asks for, could not be had: %s",
            (int)record.partition, record.topic, (long long)record.offset, why.text);
        return false;
    }
    note_schema(printer, record.value);
    if (printer->format) {
        record_format_print(printer->format, &record);
    } else {
        print_json(record_to_json(&record, printer->with_value));
    }
    if (printer->unbuffered) {
        print_flush();
    }
    return true;
}
