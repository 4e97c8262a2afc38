/* Reading a request line by line; what is not known to be right is refused. */
#include "broker/http/http_request.h"

#include <string.h>
#include <strings.h>

enum {
    BAD_REQUEST = 400,
    NOT_ALLOWED = 405,
    NO_LENGTH = 411,
    HAS_BODY = 413,
    TARGET_TOO_LONG = 414,
    HEAD_TOO_LARGE = 431,
    OTHER_VERSION = 505,
    LINES_MAX = 100,
    LENGTH_DIGITS_MAX = 9,
};

static bool is_token(unsigned char byte) {
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
           (byte >= 'A' && byte <= 'Z') || (byte != 0 && strchr("!#$%&'*+-.^_`|~", byte) != NULL);
}

static bool is_graph(unsigned char byte) {
    return byte > ' ' && byte < 0x7f;
}

static bool text_is(const char *text, size_t len, const char *word) {
    return len == strlen(word) && strncasecmp(text, word, len) == 0;
}

/* ---- The first line ---- */

static int parse_target(const char *target, size_t len, struct http_request *request) {
    if (len > HTTP_TARGET_MAX) return TARGET_TOO_LONG;
    if (len == 0 || target[0] != '/') return BAD_REQUEST;
    for (size_t i = 0; i < len; i++)
        if (!is_graph((unsigned char)target[i]) || target[i] == '#') return BAD_REQUEST;
    const char *mark = memchr(target, '?', len);
    request->path = target;
    request->path_len = mark == NULL ? len : (size_t)(mark - target);
    request->query = mark == NULL ? target + len : mark + 1;
    request->query_len = mark == NULL ? 0 : len - request->path_len - 1;
    return HTTP_PARSED;
}

/* METHOD SP target SP HTTP/1.x */
static int parse_first(const char *line, size_t len, struct http_request *request) {
    const char *first = memchr(line, ' ', len);
    if (first == NULL || first == line) return BAD_REQUEST;
    size_t method = (size_t)(first - line), rest = len - method - 1;
    for (size_t i = 0; i < method; i++)
        if (!is_token((unsigned char)line[i])) return BAD_REQUEST;
    const char *target = first + 1, *second = memchr(target, ' ', rest);
    if (second == NULL) return BAD_REQUEST;
    const char *version = second + 1;
    size_t version_len = (size_t)(line + len - version);
    if (version_len != 8 || memcmp(version, "HTTP/", 5) != 0 || version[6] != '.')
        return BAD_REQUEST;
    if (version[5] != '1' || version[7] < '0' || version[7] > '9') return OTHER_VERSION;
    request->old = version[7] == '0';
    request->keep_alive = !request->old;
    int parsed = parse_target(target, (size_t)(second - target), request);
    if (parsed != HTTP_PARSED) return parsed;
    request->head_only = method == 4 && memcmp(line, "HEAD", 4) == 0;
    request->post = method == 4 && memcmp(line, "POST", 4) == 0;
    return request->head_only || request->post || (method == 3 && memcmp(line, "GET", 3) == 0)
               ? HTTP_PARSED
               : NOT_ALLOWED;
}

/* ---- The others ---- */

/* Whether a comma-separated value has that word. */
static bool has_word(const char *value, size_t len, const char *word) {
    while (len > 0) {
        const char *comma = memchr(value, ',', len);
        size_t piece = comma == NULL ? len : (size_t)(comma - value), next = piece + 1;
        const char *at = value;
        while (piece > 0 && (*at == ' ' || *at == '\t')) {
            at++;
            piece--;
        }
        while (piece > 0 && (at[piece - 1] == ' ' || at[piece - 1] == '\t'))
            piece--;
        if (text_is(at, piece, word)) return true;
        if (comma == NULL) break;
        value += next;
        len -= next;
    }
    return false;
}

/* A number of bytes; only zeros where there may be none. */
static int parse_length(const char *value, size_t len, struct http_request *request) {
    size_t length = 0;
    for (size_t i = 0; i < len; i++) {
        if (!request->post && value[i] != '0') return HAS_BODY;
        if (value[i] < '0' || value[i] > '9') return BAD_REQUEST;
        if (i == LENGTH_DIGITS_MAX) return HAS_BODY;
        length = length * 10 + (size_t)(value[i] - '0');
    }
    request->body_len = length;
    return len > 0 ? HTTP_PARSED : request->post ? BAD_REQUEST : HAS_BODY;
}

struct field {
    const char *name, *value;
    size_t name_len, len;
};

/* Of a line without its end. */
static int split_field(const char *line, size_t len, struct field *field) {
    const char *colon = memchr(line, ':', len);
    if (colon == NULL || colon == line) return BAD_REQUEST;
    field->name = line;
    field->name_len = (size_t)(colon - line);
    for (size_t i = 0; i < field->name_len; i++)
        if (!is_token((unsigned char)line[i])) return BAD_REQUEST; /* a blank, too */
    const char *value = colon + 1, *end = line + len;
    while (value < end && (*value == ' ' || *value == '\t'))
        value++;
    while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    field->value = value;
    field->len = (size_t)(end - value);
    for (size_t i = 0; i < field->len; i++)
        if ((unsigned char)value[i] < ' ' && value[i] != '\t') return BAD_REQUEST;
    return HTTP_PARSED;
}

/* Of lines of which there may be one. */
struct seen {
    unsigned hosts, lengths;
};

static int parse_field(const char *line, size_t len, struct http_request *request,
                       struct seen *seen) {
    struct field field;
    int parsed = split_field(line, len, &field);
    if (parsed != HTTP_PARSED) return parsed;
    if (text_is(field.name, field.name_len, "host")) {
        seen->hosts++;
        request->host = field.value;
        request->host_len = field.len;
    }
    if (text_is(field.name, field.name_len, "transfer-encoding")) return BAD_REQUEST;
    if (text_is(field.name, field.name_len, "content-length")) {
        seen->lengths++;
        return parse_length(field.value, field.len, request);
    }
    if (text_is(field.name, field.name_len, "connection") &&
        has_word(field.value, field.len, "close"))
        request->keep_alive = false;
    return HTTP_PARSED;
}

/* What the lines say together. */
static int judge(const struct http_request *request, const struct seen *seen) {
    if (seen->hosts != 1 && !(request->old && seen->hosts == 0)) return BAD_REQUEST;
    if (seen->lengths > 1) return BAD_REQUEST;
    return request->post && seen->lengths == 0 ? NO_LENGTH : HTTP_PARSED;
}

int http_request_parse(const char *data, size_t len, struct http_request *request, size_t *head) {
    *request = (struct http_request){0};
    struct seen seen = {0};
    unsigned lines = 0;
    size_t at = 0, most = len < HTTP_HEAD_MAX ? len : HTTP_HEAD_MAX;
    while (lines < LINES_MAX) {
        const char *line = data + at, *end = memchr(line, '\n', most - at);
        if (end == NULL && lines == 0 && most > HTTP_TARGET_MAX + 32) return TARGET_TOO_LONG;
        if (end == NULL) return len < HTTP_HEAD_MAX ? HTTP_MORE : HEAD_TOO_LARGE;
        if (end == line || end[-1] != '\r') return BAD_REQUEST;
        size_t line_len = (size_t)(end - line) - 1;
        at = (size_t)(end - data) + 1;
        if (lines > 0 && line_len == 0) {
            *head = at;
            request->fields_len = (size_t)(line - request->fields);
            return judge(request, &seen);
        }
        int parsed = lines == 0 ? parse_first(line, line_len, request)
                                : parse_field(line, line_len, request, &seen);
        if (parsed != HTTP_PARSED) return parsed;
        if (lines == 0) request->fields = data + at;
        lines++;
    }
    return HEAD_TOO_LARGE;
}

unsigned http_request_field(const struct http_request *request, const char *name,
                            const char **value, size_t *len) {
    const char *line = request->fields, *end = line + request->fields_len;
    unsigned count = 0;
    while (line < end) {
        const char *feed = memchr(line, '\n', (size_t)(end - line));
        struct field field;
        if (feed == NULL) break;
        if (split_field(line, (size_t)(feed - line) - 1, &field) == HTTP_PARSED &&
            text_is(field.name, field.name_len, name)) {
            *value = field.value;
            *len = field.len;
            count++;
        }
        line = feed + 1;
    }
    return count;
}

/* ---- Queries ---- */

static int hex(char digit) {
    if (digit >= '0' && digit <= '9') return digit - '0';
    if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
    return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

static bool decode(const char *text, size_t len, char *into, size_t room) {
    size_t out = 0;
    for (size_t i = 0; i < len; i++) {
        char byte = text[i] == '+' ? ' ' : text[i];
        if (byte == '%') {
            if (len - i < 3 || hex(text[i + 1]) < 0 || hex(text[i + 2]) < 0) return false;
            byte = (char)(hex(text[i + 1]) * 16 + hex(text[i + 2]));
            i += 2;
        }
        if (byte == '\0' || out + 1 >= room) return false;
        into[out++] = byte;
    }
    into[out] = '\0';
    return true;
}

enum http_paired http_query_next(const char *query, size_t len, struct http_pair *pair) {
    const char *end = query + len, *at = pair->next;
    while (at < end && *at == '&')
        at++;
    const char *amp = at < end ? memchr(at, '&', (size_t)(end - at)) : NULL,
               *stop = amp == NULL ? end : amp;
    const char *is = at < stop ? memchr(at, '=', (size_t)(stop - at)) : NULL;
    *pair = (struct http_pair){at, stop, (size_t)((is == NULL ? stop : is) - at)};
    if (at == stop) return HTTP_PAIRS_END;
    bool good = is != NULL;
    for (at = is; good && at < stop; at++) {
        if (*at == '%')
            good = stop - at > 2 && hex(at[1]) >= 0 && hex(at[2]) >= 0 &&
                   (at[1] != '0' || at[2] != '0');
        good = good && *at != '\0';
    }
    return good ? HTTP_PAIR : HTTP_PAIR_BROKEN;
}

bool http_query_value(const char *query, size_t len, const char *name, char *into, size_t room) {
    size_t name_len = strlen(name);
    while (len > 0) {
        const char *end = memchr(query, '&', len);
        size_t piece = end == NULL ? len : (size_t)(end - query);
        if (piece > name_len && query[name_len] == '=' && memcmp(query, name, name_len) == 0)
            return decode(query + name_len + 1, piece - name_len - 1, into, room);
        if (end == NULL) break;
        query += piece + 1;
        len -= piece + 1;
    }
    return false;
}
