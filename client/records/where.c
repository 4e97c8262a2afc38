/* Parsing -o: words, numbers, spans, moments. */
#include "client/records/where.h"

#include <string.h>

#include "base/error.h"
#include "client/line/moment.h"

static bool is_word(const char *text, size_t len, const char *word) {
    return strlen(word) == len && memcmp(text, word, len) == 0;
}

/* All digits, up to the largest offset there is. */
static int parse_count(const char *text, size_t len, int64_t *value) {
    *value = 0;
    if (len == 0) {
        return ERR_INVALID;
    }
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9' || *value > (INT64_MAX - 9) / 10) {
            return ERR_INVALID;
        }
        *value = *value * 10 + (text[i] - '0');
    }
    return ERR_NONE;
}

/* ---- Words and offsets ---- */

static int parse_begin(const char *text, size_t len, struct where *where) {
    static const struct {
        const char *word;
        enum where_kind kind;
    } words[] = {{"", WHERE_BEGINNING},      {"beginning", WHERE_BEGINNING},
                 {"start", WHERE_BEGINNING}, {"earliest", WHERE_BEGINNING},
                 {"end", WHERE_END},         {"latest", WHERE_END},
                 {"stored", WHERE_STORED}};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (is_word(text, len, words[i].word)) {
            where->kind = words[i].kind;
            return ERR_NONE;
        }
    }
    bool signs = *text == '-' || *text == '+';
    where->kind = *text == '-' ? WHERE_LAST : *text == '+' ? WHERE_BEGINNING : WHERE_OFFSET;
    return parse_count(text + signs, len - signs, &where->value);
}

static int parse_offsets(const char *text, struct where *where) {
    const char *colon = strchr(text, ':');
    size_t len = colon ? (size_t)(colon - text) : strlen(text);
    int error = len == 0 && !colon ? ERR_INVALID : parse_begin(text, len, where);
    if (error || !colon) {
        return error;
    }
    if (is_word(colon + 1, strlen(colon + 1), "end")) {
        where->until = UNTIL_END;
        return ERR_NONE;
    }
    where->until = UNTIL_OFFSET;
    return parse_count(colon + 1, strlen(colon + 1), &where->until_value);
}

/* ---- Moments ---- */

/* The end of a span of time that begins at `from_ms`. */
static int parse_until(const char *text, int64_t from_ms, int64_t now_ms, struct where *where) {
    size_t len = strlen(text);
    int64_t length_ms;
    if (is_word(text, len, "end") || is_word(text, len, "@end")) {
        where->until = UNTIL_END;
        return ERR_NONE;
    }
    where->until = UNTIL_TIME;
    if (*text == '@') {
        return moment_parse(text + 1, len - 1, now_ms, &where->until_value);
    }
    if (moment_parse(text, len, now_ms, &where->until_value) == ERR_NONE) {
        return ERR_NONE;
    }
    if (moment_span(text, len, &length_ms) != ERR_NONE || length_ms > INT64_MAX - from_ms) {
        return ERR_INVALID;
    }
    where->until_value = from_ms + length_ms;
    return ERR_NONE;
}

/* "A:B", where A and B may hold colons themselves: the first colon with a moment on both sides. */
static int parse_times(const char *text, int64_t now_ms, struct where *where) {
    where->kind = WHERE_TIME;
    /* As one moment first: "10:00:30" is a time with seconds, not a span. */
    if (moment_parse(text, strlen(text), now_ms, &where->value) == ERR_NONE) {
        return ERR_NONE;
    }
    for (const char *colon = strchr(text, ':'); colon; colon = strchr(colon + 1, ':')) {
        bool open = colon == text;
        if (!open &&
            moment_parse(text, (size_t)(colon - text), now_ms, &where->value) != ERR_NONE) {
            continue;
        }
        if (!open && !colon[1]) {
            where->until = UNTIL_NEVER;
            return ERR_NONE;
        }
        if (open) {
            where->value = 0;
        }
        if (parse_until(colon + 1, open ? now_ms : where->value, now_ms, where) == ERR_NONE) {
            where->kind = open ? WHERE_BEGINNING : WHERE_TIME;
            return ERR_NONE;
        }
    }
    return ERR_INVALID;
}

/* s@TIME, e@TIME. */
static int parse_side(const char *text, int64_t now_ms, struct where *where) {
    const char *time = text + 2;
    if (*text == 'e') {
        where->until = UNTIL_TIME;
        return moment_parse(time, strlen(time), now_ms, &where->until_value);
    }
    where->kind = WHERE_TIME;
    return moment_parse(time, strlen(time), now_ms, &where->value);
}

static bool is_side(const char *text) {
    return (*text == 's' || *text == 'e') && text[1] == '@';
}

static int check_order(const struct where *where, bool *ends_early) {
    bool offsets = where->kind == WHERE_OFFSET && where->until == UNTIL_OFFSET;
    bool times = where->kind == WHERE_TIME && where->until == UNTIL_TIME;
    *ends_early = (offsets || times) && where->until_value < where->value;
    return *ends_early ? ERR_INVALID : ERR_NONE;
}

int where_parse(const char *text, int64_t now_ms, struct where *where, bool *ends_early) {
    *where = (struct where){.kind = WHERE_BEGINNING};
    *ends_early = false;
    int error = is_side(text)  ? parse_side(text, now_ms, where)
                : *text == '@' ? parse_times(text + 1, now_ms, where)
                               : parse_offsets(text, where);
    return error ? error : check_order(where, ends_early);
}

int where_add(const char *text, int64_t now_ms, struct where *where, bool *ends_early) {
    bool begins = where->kind != WHERE_BEGINNING || where->value != 0;
    bool ends = where->until != UNTIL_NEVER;
    *ends_early = false;
    if (!is_side(text) || (*text == 's' ? begins : ends)) {
        return ERR_INVALID; /* the same is said twice */
    }
    int error = parse_side(text, now_ms, where);
    return error ? error : check_order(where, ends_early);
}
