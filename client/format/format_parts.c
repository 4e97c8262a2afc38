/* Reading a format: letters, and what stands in braces behind them. */
#include "client/format/format_parts.h"

#include <string.h>

#include "base/mem.h"
#include "client/format/unpack.h"
#include "client/line/escape.h"

static const char texts[] = "svkt", numbers[] = "SVKRpoTdiHexy[|]", times[] = "Td";

/* What is left of the format. */
struct format_reader {
    const char *at, *end;
    bool headers;
    struct format_parts *parts;
    struct error_text *why;
};

static bool is_one_of(char letter, const char *letters) {
    return letter && strchr(letters, letter) != NULL;
}

static struct format_part *add_part(struct format_parts *parts, enum part_kind kind, char letter) {
    parts->items = mem_grow(parts->items, parts->count, &parts->room, sizeof(*parts->items));
    struct format_part *part = &parts->items[parts->count++];
    *part = (struct format_part){.kind = kind, .letter = letter};
    return part;
}

static void add_byte(struct format_parts *parts, char byte) {
    struct format_part *last = parts->count > 0 ? &parts->items[parts->count - 1] : NULL;
    if (!last || last->kind != PART_LITERAL) {
        last = add_part(parts, PART_LITERAL, 0);
    }
    last->text = mem_realloc(last->text, last->len + 2);
    last->text[last->len++] = byte;
    last->text[last->len] = 0;
}

static void give_text(struct format_part *part, const char *text, size_t len) {
    part->text = mem_strndup(text, len);
    part->len = len;
}

/* "[text]", "{{text}}", "##text##" up to `end`, and nothing behind it. */
static bool read_enclosed(const char *at, const char *end, const char **text, size_t *len) {
    static const char openers[] = "[{#", closers[] = "]}#";
    const char *kind = at < end ? memchr(openers, *at, 3) : NULL;
    size_t depth = 0;
    while (kind && at + depth < end && at[depth] == *kind) {
        depth++;
    }
    *text = at + depth;
    *len = (size_t)(end - at) - 2 * depth;
    if (depth == 0 || (size_t)(end - at) < 2 * depth + (*kind == '#')) {
        return false;
    }
    for (size_t i = 0; i < depth; i++) {
        if (end[-1 - (ptrdiff_t)i] != closers[kind - openers]) {
            return false;
        }
    }
    return true;
}

/* ---- What stands in braces ---- */

/* Where the brace at `at` is closed: those inside count, also in "unpack{...}"; NULL: nowhere. */
static const char *closing_brace(const char *at, const char *end) {
    int depth = 0;
    for (; at < end; at++) {
        depth += *at == '{' ? 1 : *at == '}' ? -1 : 0;
        if (depth == 0) {
            return at;
        }
    }
    return NULL;
}

static bool begins(const char *text, size_t len, const char *word) {
    return len >= strlen(word) && memcmp(text, word, strlen(word)) == 0;
}

static bool is_word(const char *text, size_t len, const char *word) {
    return len == strlen(word) && begins(text, len, word);
}

static int style_text(struct format_reader *r, struct format_part *part, const char *style,
                      size_t len) {
    const char *letters;
    size_t count;
    if (is_word(style, len, "hex")) {
        part->kind = PART_HEX;
    } else if (is_word(style, len, "base64")) {
        part->kind = PART_BASE64;
    } else if (is_word(style, len, "base64raw")) {
        part->kind = PART_BASE64_RAW;
    } else if (begins(style, len, "unpack") &&
               read_enclosed(style + 6, style + len, &letters, &count)) {
        if (!unpack_check(letters, count)) {
            return error_set(
                r->why, ERR_INVALID,
                "unpack[%.*s] has a letter that is none of < > b B h H i I q Q c . s x $",
                (int)count, letters);
        }
        part->kind = PART_UNPACK;
        give_text(part, letters, count);
    } else {
        return error_set(r->why, ERR_INVALID,
                         "%%%c{%.*s}: texts are written as hex, base64, base64raw or unpack[...]",
                         part->letter, (int)len, style);
    }
    return ERR_NONE;
}

static int style_number(struct format_reader *r, struct format_part *part, const char *style,
                        size_t len) {
    const char *format;
    size_t count;
    bool is_time = is_one_of(part->letter, times);
    if (is_time && begins(style, len, "strftime") &&
        read_enclosed(style + 8, style + len, &format, &count)) {
        if (count == 0 || count > STRFTIME_MAX) {
            return error_set(r->why, ERR_INVALID,
                             "strftime[%.*s] has %zu bytes; there may be 1 to %d", (int)count,
                             format, count, STRFTIME_MAX);
        }
        part->kind = PART_TIME;
        give_text(part, format, count);
        return ERR_NONE;
    }
    if (number_style_parse(style, len, &part->number) != ERR_NONE) {
        return error_set(r->why, ERR_INVALID,
                         "%%%c{%.*s}: numbers are written as " NUMBER_STYLES "%s",
                         part->letter < ' ' ? 'a' : part->letter, (int)len, style,
                         is_time ? ", times as strftime[%F %T], too" : "");
    }
    return ERR_NONE;
}

static int style_headers(struct format_reader *r, struct format_part *part, const char *style,
                         size_t len) {
    struct format_parts *inner = mem_zalloc(sizeof(*inner));
    int error = format_parts_read(style, len, true, inner, r->why);
    if (error) {
        mem_free(inner);
        return error;
    }
    part->kind = PART_EACH_HEADER;
    part->inner = inner;
    return ERR_NONE;
}

/* %a{compression;hex8} */
static int style_attribute(struct format_reader *r, struct format_part *part, const char *style,
                           size_t len) {
    static const struct {
        const char *name;
        char letter;
    } attributes[] = {{"compression", ATTRIBUTE_LETTER_CODEC},
                      {"timestamp-type", ATTRIBUTE_LETTER_TIME},
                      {"transactional-bit", ATTRIBUTE_LETTER_TRANSACTIONAL},
                      {"control-bit", ATTRIBUTE_LETTER_CONTROL}};
    const char *semicolon = memchr(style, ';', len);
    size_t name_len = semicolon ? (size_t)(semicolon - style) : len;
    for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++) {
        if (is_word(style, name_len, attributes[i].name)) {
            part->letter = attributes[i].letter;
            part->kind = part->letter == ATTRIBUTE_LETTER_CODEC && !semicolon ? PART_CODEC
                                                                              : PART_NUMBER;
            return semicolon ? style_number(r, part, semicolon + 1, len - name_len - 1) : ERR_NONE;
        }
    }
    return error_set(
        r->why, ERR_INVALID,
        "%%a{%.*s}: there are compression, timestamp-type, transactional-bit and control-bit",
        (int)len, style);
}

static int read_style(struct format_reader *r, struct format_part *part) {
    const char *close = closing_brace(r->at, r->end), *style = r->at + 1;
    if (!close) {
        return error_set(r->why, ERR_INVALID, "%%%c{ is not closed; a brace of its own is %%{",
                         part->letter);
    }
    size_t len = (size_t)(close - style);
    r->at = close + 1;
    return part->letter == 'h'              ? style_headers(r, part, style, len)
           : part->letter == 'a'            ? style_attribute(r, part, style, len)
           : is_one_of(part->letter, texts) ? style_text(r, part, style, len)
                                            : style_number(r, part, style, len);
}

/* ---- Letters ---- */

static int read_letter(struct format_reader *r) {
    char letter = r->at < r->end ? *r->at : 0;
    if (is_one_of(letter, "%{}")) {
        r->at++;
        add_byte(r->parts, letter);
        return ERR_NONE;
    }
    bool known = r->headers ? is_one_of(letter, "kKvVsS")
                            : is_one_of(letter, texts) || is_one_of(letter, numbers) ||
                                  letter == 'h' || letter == 'a';
    if (!known) {
        return error_set(
            r->why, ERR_INVALID,
            r->headers
                ? "%%%.1s is no letter of a header: those are %%k %%v %%K %%V"
                : "%%%.1s is no letter of a format: those are %%s %%v %%k %%t %%p %%o %%T %%d %%h %%S %%V %%K %%H %%R %%i %%e %%x %%y %%a{...} %%[ %%| %%] and %%%%",
            letter ? r->at : "");
    }
    r->at++;
    struct format_part *part = add_part(r->parts,
                                        letter == 'h'              ? PART_HEADERS
                                        : is_one_of(letter, texts) ? PART_TEXT
                                                                   : PART_NUMBER,
                                        letter);
    part->number = letter == 'R' ? (struct number_style){NUMBER_BIG, 32}
                                 : (struct number_style){NUMBER_DIGITS, 0};
    if (r->at < r->end && *r->at == '{') {
        return read_style(r, part);
    }
    return letter == 'a' ? style_attribute(r, part, "", 0) : ERR_NONE;
}

int format_parts_read(const char *text, size_t len, bool headers, struct format_parts *parts,
                      struct error_text *why) {
    struct format_reader r = {text, text + len, headers, parts, why};
    int error = ERR_NONE;
    *parts = (struct format_parts){NULL, 0, 0};
    while (!error && r.at < r.end) {
        char byte = *r.at;
        size_t used = byte == '\\' ? escape_read(r.at, &byte) : 1;
        if (byte == '%' && *r.at == '%') {
            r.at++;
            error = read_letter(&r);
        } else if (used == 0) {
            error = error_set(why, ERR_INVALID, "%.2s is none of " ESCAPES, r.at);
        } else {
            add_byte(parts, byte);
            r.at += used;
        }
    }
    if (error) {
        format_parts_free(parts);
    }
    return error;
}

void format_parts_free(struct format_parts *parts) {
    for (size_t i = 0; i < parts->count; i++) {
        mem_free(parts->items[i].text);
        if (parts->items[i].inner) {
            format_parts_free(parts->items[i].inner);
            mem_free(parts->items[i].inner);
        }
    }
    mem_free(parts->items);
    *parts = (struct format_parts){NULL, 0, 0};
}
