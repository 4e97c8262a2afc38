/* Parsing -o: words, numbers, spans, moments. */
#include "client/records/where.h"

#include <string.h>

#include "base/error.h"
#include "client/line/moment.h"

/* All digits, up to the largest offset there is. */
static int parse_count(const char *text, int64_t *value) {
    *value = 0;
    if (!*text) {
        return ERR_INVALID;
    }
    for (; *text; text++) {
        if (*text < '0' || *text > '9' || *value > (INT64_MAX - 9) / 10) {
            return ERR_INVALID;
        }
        *value = *value * 10 + (*text - '0');
    }
    return ERR_NONE;
}

/* "A:B", where A and B may hold colons themselves: the first colon with a moment on both sides. */
static int parse_span(const char *text, int64_t now_ms, struct where *where) {
    for (const char *colon = strchr(text, ':'); colon; colon = strchr(colon + 1, ':')) {
        const char *until = colon[1] == '@' ? colon + 2 : colon + 1;
        if (moment_parse(text, (size_t)(colon - text), now_ms, &where->value) == ERR_NONE &&
            moment_parse(until, strlen(until), now_ms, &where->until_ms) == ERR_NONE) {
            where->until_given = true;
            return ERR_NONE;
        }
    }
    return ERR_INVALID;
}

int where_parse(const char *text, int64_t now_ms, struct where *where, bool *ends_early) {
    *where = (struct where){.kind = WHERE_OFFSET};
    *ends_early = false;
    if (strcmp(text, "beginning") == 0) {
        where->kind = WHERE_BEGINNING;
        return ERR_NONE;
    }
    if (strcmp(text, "end") == 0) {
        where->kind = WHERE_END;
        return ERR_NONE;
    }
    if (*text == '-') {
        where->kind = WHERE_LAST;
        return parse_count(text + 1, &where->value);
    }
    if (*text != '@') {
        return parse_count(text, &where->value);
    }
    where->kind = WHERE_TIME;
    text++;
    /* As one moment first: "10:00:30" is a time with seconds, not a span. */
    if (moment_parse(text, strlen(text), now_ms, &where->value) == ERR_NONE) {
        return ERR_NONE;
    }
    int error = parse_span(text, now_ms, where);
    *ends_early = !error && where->until_ms < where->value;
    return *ends_early ? ERR_INVALID : error;
}
